/**
 * System calls that Node.js does not offer, through koffi: real-time scheduling and locked pages. Where koffi cannot be loaded, or
 * the kernel refuses, the answer says why, and the guard goes on without.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setPriority } from 'node:os';

/** What a process was given; an empty text: all of it. */
export interface Privileges {
  readonly isRealtime: boolean;
  readonly faults: readonly PrivilegeFault[];
}

/** What was refused. */
export interface PrivilegeFault {
  readonly what: 'koffi' | 'SCHED_FIFO' | 'nice' | 'locked pages' | 'oom_score_adj';
  readonly why: string;
}

const FIFO_PRIORITY = 10;
const SCHED_FIFO = 1;
/** Lock pages as they come into memory, instead of reading all of them now. */
const MLOCK_ONFAULT = 1;
const NICE_FIRST = -20;

interface Native {
  readonly schedule: (tid: number, policy: number, parameter: { sched_priority: number }) => number;
  readonly lock: (address: bigint, bytes: bigint, flags: number) => number;
  readonly errno: () => number;
}

let native: Native | string | undefined;

/** @returns The calls, or why there are none. */
function loadNative(): Native | string {
  try {
    // Not imported: the rest of the guard works on machines that it has no binary for.
    const require = createRequire(import.meta.url);
    const koffi = require('koffi');
    const libc = koffi.load(null);
    koffi.struct('teg_sched_param', { sched_priority: 'int' });
    return {
      schedule: libc.func('int sched_setscheduler(int pid, int policy, teg_sched_param *param)'),
      lock: libc.func('int mlock2(uintptr_t address, size_t bytes, unsigned int flags)'),
      errno: () => koffi.errno(),
    };
  } catch (error) {
    return String(error instanceof Error ? error.message : error).split('\n')[0] as string;
  }
}

/**
 * Puts this process before all others: SCHED_FIFO for each of its threads (else nice −20), code pages locked, the last one that
 * the OOM killer takes. Processes that it starts later inherit all but the locked pages.
 */
export function takePrivileges(): Privileges {
  native ??= loadNative();
  const faults: PrivilegeFault[] = [];
  if (typeof native === 'string') faults.push({ what: 'koffi', why: native });
  const fifo = typeof native === 'string' ? 'koffi is not there' : scheduleFirst(native);
  if (fifo !== undefined) faults.push({ what: 'SCHED_FIFO', why: fifo });
  if (fifo !== undefined) tryCall(faults, 'nice', () => setPriority(NICE_FIRST));
  const locked = typeof native === 'string' ? 'koffi is not there' : lockCode(native);
  if (locked !== undefined) faults.push({ what: 'locked pages', why: locked });
  tryCall(faults, 'oom_score_adj', () => writeFileSync('/proc/self/oom_score_adj', '-1000'));
  return { isRealtime: fifo === undefined, faults };
}

/** Threads of the runtime as well: the loop waits for those that collect garbage. */
function scheduleFirst({ schedule, errno }: Native): string | undefined {
  for (const tid of readdirSync('/proc/self/task')) {
    if (schedule(Number(tid), SCHED_FIFO, { sched_priority: FIFO_PRIORITY }) !== 0)
      return `sched_setscheduler failed with ${errnoName(errno())}`;
  }
  return undefined;
}

/**
 * Locks the pages that files back: under pressure the kernel drops them first, and the guard would wait for a disk. mlockall is not
 * an option: V8 gives pages back with a call that fails on locked ones, and ends the process (Node.js 26, at the first collection).
 */
function lockCode({ lock, errno }: Native): string | undefined {
  for (const line of readFileSync('/proc/self/maps', 'utf8').split('\n')) {
    const [range = '', rights = '', , , inode = '0', path = ''] = line.split(/\s+/);
    if (inode === '0' || !path.startsWith('/') || !rights.startsWith('r') || rights[1] === 'w') continue;
    const [from, to] = range.split('-').map((text) => BigInt(`0x${text}`)) as [bigint, bigint];
    if (lock(from, to - from, MLOCK_ONFAULT) !== 0) return `mlock2 failed with ${errnoName(errno())}`;
  }
  return undefined;
}

function tryCall(faults: PrivilegeFault[], what: PrivilegeFault['what'], call: () => void): void {
  try {
    call();
  } catch (error) {
    faults.push({ what, why: String((error as NodeJS.ErrnoException).code ?? error) });
  }
}

function errnoName(errno: number): string {
  return { 1: 'EPERM', 11: 'EAGAIN', 12: 'ENOMEM', 22: 'EINVAL' }[errno] ?? `errno ${errno}`;
}
