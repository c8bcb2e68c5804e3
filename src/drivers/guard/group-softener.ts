/** Sets the soft limit of one open group and gives the former one back; sees what others do with it. */
import type { CgroupHandle } from '../../guard/node/cgroup-backend.ts';
import type { JournalRecord } from '../../guard/node/journal-records.ts';
import { type JournalFile, recordedLimit } from './journal-file.ts';

const BYTES_PER_MIB = 1024 * 1024;
/** The kernel rounds down to whole pages; a soft limit that differs from the one that was set is one of others. */
const PAGE = 65_536;
/** Kept between usage and soft limit: the kernel would reclaim in the writer's time. */
const ROOM = BYTES_PER_MIB;

/** The soft limit of one group. Single writer. */
export class GroupSoftener {
  private readonly handle: CgroupHandle;
  /** Bytes from before the first change, and as last set; undefined: not changed. */
  private former: number | undefined;
  private value: number | undefined;
  private hasForeign = false;
  private high = Number.NaN;
  private stall = Number.NaN;
  private readAt = Number.NaN;
  private share = Number.NaN;

  constructor(handle: CgroupHandle) {
    this.handle = handle;
  }

  /** True if the kernel has soft limits, and nobody else changed one that was set here. */
  get canThrottle(): boolean {
    return !this.hasForeign && !Number.isNaN(this.high);
  }

  /** The soft limit of others, MiB; NaN: not offered. */
  get foreignMib(): number {
    return (this.former ?? this.high) / BYTES_PER_MIB;
  }

  /** The soft limit that is set here, MiB; undefined: none. */
  get setMib(): number | undefined {
    return this.value === undefined ? undefined : this.value / BYTES_PER_MIB;
  }

  /** Share of the time between the last two looks in which all tasks waited for memory; NaN: unknown. */
  get stalled(): number {
    return this.share;
  }

  /**
   * Looks at what the kernel has; at pressure only if others set a soft limit, since reading it often keeps it from waking those
   * who wait for it. Not for every tick.
   *
   * @returns True if somebody changed what was set here: that is respected, and nothing is set any more.
   */
  look(time: number, journal: JournalFile | undefined): boolean {
    this.high = this.handle.limits().high;
    const hasOther = Number.isFinite(this.foreignMib);
    const stall = hasOther ? this.handle.pressure().full / 1e6 : Number.NaN;
    this.share = (stall - this.stall) / (time - this.readAt);
    this.stall = stall;
    this.readAt = time;
    if (this.value === undefined || this.high === this.value) return false;
    this.hasForeign = true;
    this.forget(journal);
    return true;
  }

  /**
   * Sets the soft limit, or the former one if that is lower; the record of the former one is in the journal before.
   *
   * @param mib   Without page cache; Infinity: the former one.
   * @param cache Bytes of page cache.
   * @returns     False if the kernel refused it.
   */
  set(mib: number, cache: number, journal: JournalFile): boolean {
    if (mib === Number.POSITIVE_INFINITY) return this.restore(journal);
    const { handle } = this;
    const usage = handle.usage();
    if (!this.canThrottle || Number.isNaN(usage)) return false;
    const wanted = Math.max(mib * BYTES_PER_MIB + Math.max(cache, 0), usage + ROOM);
    const bytes = Math.min(Math.ceil(wanted / PAGE) * PAGE, this.former ?? this.high);
    if (this.former === undefined) {
      // The former limit is lower: it stays.
      if (bytes === this.high) return true;
      this.former = this.high;
      journal.append({ ...this.record('limits'), high: recordedLimit(this.high) } as JournalRecord);
    }
    if (!handle.setHigh(bytes)) return false;
    this.value = bytes;
    return true;
  }

  /** Gives the former limit back. @returns False if the kernel refused it: it stays in the journal. */
  restore(journal: JournalFile): boolean {
    if (this.former === undefined) return true;
    if (!this.handle.setHigh(this.former)) return false;
    this.forget(journal);
    return true;
  }

  private forget(journal: JournalFile | undefined): void {
    if (this.former !== undefined) journal?.append(this.record('restored') as JournalRecord);
    this.former = undefined;
    this.value = undefined;
  }

  private record(op: 'limits' | 'restored') {
    const { path, identity } = this.handle;
    return { op, group: path, identity };
  }
}
