/** Chooses the version of control groups that this machine has. */
import type { CgroupBackend } from '../../guard/node/cgroup-backend.ts';
import { TegError } from '../../model/errors.ts';
import { type CgroupMounts, findCgroupMounts } from './cgroup-mounts.ts';
import { CgroupV1 } from './cgroup-v1.ts';
import { CgroupV2 } from './cgroup-v2.ts';

/**
 * @returns Version 2 where it has the memory controller, else version 1 with the freezer of version 2.
 * @throws TegError TEG_GUARD_UNSUPPORTED.
 */
export function selectBackend(mounts: CgroupMounts = findCgroupMounts()): CgroupBackend {
  const { unified, unifiedHasMemory, memory } = mounts;
  if (unified === undefined) {
    throw new TegError(
      'TEG_GUARD_UNSUPPORTED',
      'got a machine without a cgroup2 mount, expected one for its freezer: mount -t cgroup2 none /sys/fs/cgroup/unified',
    );
  }
  if (unifiedHasMemory) return new CgroupV2(unified);
  if (memory !== undefined) return new CgroupV1(memory, unified);
  throw new TegError(
    'TEG_GUARD_UNSUPPORTED',
    'got a machine without the memory controller, expected it in cgroup2 or in version 1: start the kernel without cgroup_disable=memory',
  );
}
