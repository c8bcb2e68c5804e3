/** Reads the wall, and how much of it is used by what is in no group. MiB. */
import { totalmem } from 'node:os';
import type { CgroupBackend, CgroupHandle } from '../../guard/node/cgroup-backend.ts';
import { TegError } from '../../model/errors.ts';
import type { GuardConfig } from './guard-config.ts';
import { fieldOf, HeldFile } from './held-file.ts';
import { UsageReader } from './usage-reader.ts';

const BYTES_PER_MIB = 1024 * 1024;
const KIB_PER_MIB = 1024;
const NODE_SHARE = 0.95;

/** The wall of a guard. */
export class WallReader {
  private readonly fixed: number | undefined;
  private readonly handle: CgroupHandle | undefined;
  private readonly usage: UsageReader | undefined;
  private readonly meminfo = new HeldFile('/proc/meminfo');
  private readonly of: string;

  /** @throws TegError TEG_GUARD_GROUP, TEG_CONFIG_INVALID: a wall that nothing states. */
  constructor({ of, mib }: GuardConfig['wall'], backend: CgroupBackend) {
    this.of = of;
    this.fixed = mib ?? (of === 'node' ? (NODE_SHARE * totalmem()) / BYTES_PER_MIB : undefined);
    this.handle = of.startsWith('/') ? backend.open(of) : undefined;
    this.usage = this.handle && new UsageReader(this.handle);
    if (Number.isFinite(this.wall())) return;
    throw new TegError(
      'TEG_CONFIG_INVALID',
      `wall.mib: got none, and ${of === 'groups' ? 'groups have' : `${of} has`} no limit of memory; expected one of the two: set wall.mib`,
    );
  }

  /** MiB. */
  wall(): number {
    return this.fixed ?? (this.handle?.limits().max ?? Number.NaN) / BYTES_PER_MIB;
  }

  /** @param groups Usage of all groups. @returns What else is used below the wall; NaN: not readable. */
  others(groups: number, time: number): number {
    if (this.of === 'groups') return 0;
    const used = this.usage === undefined ? this.nodeUsage() : this.usage.read(time);
    return Number.isNaN(groups) ? Number.NaN : Math.max(used - groups, 0);
  }

  close(): void {
    this.handle?.close();
    this.meminfo.close();
  }

  private nodeUsage(): number {
    const text = this.meminfo.text() ?? '';
    // Lines are `MemTotal:       123 kB`.
    return (fieldOf(text, 'MemTotal:') - fieldOf(text, 'MemAvailable:')) / KIB_PER_MIB;
  }
}
