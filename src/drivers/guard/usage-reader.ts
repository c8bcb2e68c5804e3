/** Usage of a group that reclaim does not bring back, with as few reads as it takes. */
import type { CgroupHandle } from '../../guard/node/cgroup-backend.ts';

const BYTES_PER_MIB = 1024 * 1024;
/** Cache that may have turned into other memory since it was read, and the time after which it is read again. */
const SMALL_CACHE = BYTES_PER_MIB / 2;
const CACHE_SECONDS = 0.02;

/**
 * Reads one group. Its cache costs more to read than all the rest: one that is small is read again only if the usage has grown since,
 * which may be cache.
 */
export class UsageReader {
  private readonly handle: CgroupHandle;
  private bytes = 0;
  private readAt = Number.NEGATIVE_INFINITY;
  private usageThen = Number.NEGATIVE_INFINITY;

  constructor(handle: CgroupHandle) {
    this.handle = handle;
  }

  /** Page cache as last read, bytes. */
  get cache(): number {
    return this.bytes;
  }

  /** @returns MiB without page cache, at most half a MiB too few; NaN if the group is gone. */
  read(time: number): number {
    const isOld = time - this.readAt > CACHE_SECONDS;
    if (this.bytes > SMALL_CACHE || (isOld && this.handle.usage() > this.usageThen)) {
      const { cache } = this.handle.parts();
      this.bytes = cache >= 0 ? cache : 0;
      this.readAt = time;
      this.usageThen = this.handle.usage();
    }
    return Math.max(this.handle.usage() - this.bytes, 0) / BYTES_PER_MIB;
  }
}
