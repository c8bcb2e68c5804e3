/** What this kernel offers to a guard: each check with what is not promised without it, and how to get it. */
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { release } from 'node:os';
import { readFault } from '../../model/file-faults.ts';
import { type CgroupMounts, findCgroupMounts } from './cgroup-mounts.ts';
import { fieldOf } from './held-file.ts';
import { type PrivilegeFault, takePrivileges } from './system-calls.ts';

/** One check. */
export interface DoctorCheck {
  readonly name: string;
  readonly isThere: boolean;
  /** True: without it there is no guard. */
  readonly isNeeded: boolean;
  readonly found: string;
  /** What is not promised without it; '' if it is there. */
  readonly lost: string;
  /** How to get it; '' if it is there. */
  readonly remedy: string;
}

/** Lost, and how to get it, by what was not granted. */
const PRIVILEGES: Readonly<Record<PrivilegeFault['what'], readonly [lost: string, remedy: string]>> = {
  koffi: [
    'SCHED_FIFO and locked pages',
    'npm ci with optional dependencies, on linux/x64 or another platform that koffi has a binary for',
  ],
  SCHED_FIFO: [
    'ticks in time while all processors are busy: the margin is larger, and thaws may take seconds',
    'run as root with CAP_SYS_NICE in the root group of the cpu controller: with CONFIG_RT_GROUP_SCHED a group of version 1 needs cpu.rt_runtime_us, and one of version 2 cannot have it',
  ],
  nice: ['being scheduled before ordinary processes', 'run with CAP_SYS_NICE'],
  'locked pages': [
    'ticks in time while page cache is reclaimed: code of the guard may have to be read from disk',
    'run with CAP_IPC_LOCK, or raise RLIMIT_MEMLOCK',
  ],
  oom_score_adj: [
    'that the kernel kills the guard last; its watchdog restores everything if it does',
    'run with CAP_SYS_RESOURCE, or set OOMScoreAdjust=-1000 in its unit',
  ],
};

/** Runs all checks. Creates an empty group and removes it; changes the scheduling of this process. */
export function examineKernel(mounts: CgroupMounts = findCgroupMounts()): DoctorCheck[] {
  const meminfo = readFileSync('/proc/meminfo', 'utf8');
  const swapKib = fieldOf(meminfo, 'SwapTotal:');
  const { faults } = takePrivileges();
  return [
    checkMemory(mounts),
    checkFreezer(mounts),
    checkSoftLimit(mounts),
    checkPressure(mounts),
    ...(['koffi', 'SCHED_FIFO', 'locked pages', 'oom_score_adj'] as const).map((what) =>
      checkPrivilege(what, faults),
    ),
    there('swap', swapKib > 0, `${Math.round(swapKib / 1024)} MiB`, {
      lost: 'taking memory back from frozen groups: a frozen group keeps what it has',
      remedy: 'mkswap and swapon, or zram',
    }),
  ];
}

function there(
  name: string,
  isThere: boolean,
  found: string,
  { lost, remedy }: { readonly lost: string; readonly remedy: string },
  isNeeded = false,
): DoctorCheck {
  return { name, isThere, isNeeded, found, lost: isThere ? '' : lost, remedy: isThere ? '' : remedy };
}

function checkMemory({ unified, unifiedHasMemory, memory }: CgroupMounts): DoctorCheck {
  const found = unifiedHasMemory
    ? `version 2 at ${unified}`
    : memory === undefined
      ? 'none'
      : `version 1 at ${memory}: no memory.high, reclaim without an amount`;
  return there(
    'memory controller',
    unifiedHasMemory || memory !== undefined,
    found,
    {
      lost: 'everything',
      remedy: 'boot without cgroup_disable=memory, with cgroup_no_v1=memory for version 2',
    },
    true,
  );
}

function checkFreezer({ unified }: CgroupMounts): DoctorCheck {
  const remedy = 'mount -t cgroup2 none /sys/fs/cgroup/unified, as root, on Linux 5.2 or later';
  const verdict = (isThere: boolean, found: string): DoctorCheck =>
    there('freezer', isThere, found, { lost: 'everything', remedy }, true);
  if (unified === undefined) return verdict(false, `no cgroup2 mount; Linux ${release()}`);
  const folder = `${unified}/teg-doctor-${process.pid}`;
  try {
    mkdirSync(folder);
  } catch (error) {
    return verdict(false, `a group cannot be made in ${unified}: ${readFault(error)}`);
  }
  const has = (file: string): boolean => existsSync(`${folder}/${file}`);
  const found = `${unified}; cgroup.kill ${has('cgroup.kill') ? 'too' : 'missing (Linux 5.14)'}`;
  const isThere = has('cgroup.freeze');
  rmdirSync(folder);
  return verdict(isThere, found);
}

function checkSoftLimit({ unifiedHasMemory }: CgroupMounts): DoctorCheck {
  return there('soft limit', unifiedHasMemory, unifiedHasMemory ? 'memory.high' : 'none in version 1', {
    lost: '`softLimit` of groups: if the guard is late or dead, nothing slows a group down before its limit',
    remedy: 'boot with cgroup_no_v1=memory',
  });
}

function checkPressure({ unified }: CgroupMounts): DoctorCheck {
  const path = ['/proc/pressure/memory', `${unified}/memory.pressure`].find(existsSync);
  return there('pressure (PSI)', path !== undefined, path ?? 'none', {
    lost: 'stall times in status and metrics, and seeing that a group makes no progress at memory.high',
    remedy: 'boot with psi=1',
  });
}

function checkPrivilege(what: PrivilegeFault['what'], faults: readonly PrivilegeFault[]): DoctorCheck {
  const fault = faults.find((one) => one.what === what);
  const [lost, remedy] = PRIVILEGES[what];
  return there(what, fault === undefined, fault?.why ?? 'granted', { lost, remedy });
}
