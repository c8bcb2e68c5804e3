/**
 * Runs a program in a virtual machine with a kernel of its own and pure cgroup v2: QEMU without hardware acceleration, two
 * processors, one serial line, no network.
 *
 * The program writes its results as lines `@result JSON` (`report` of `test/guest/programs/report.ts`).
 *
 * Invariant: the machine ends with the promise, by itself or by SIGKILL to its own pid, and with the process that started it.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { kernelImage } from './guest-parts.ts';
import { type InitramfsOptions, writeInitramfs } from './initramfs.ts';

/** A virtual machine and what it runs. */
export interface GuestOptions extends InitramfsOptions {
  readonly memoryMib?: number;
  /** After so long the machine is killed. Default 120. */
  readonly timeoutSeconds?: number;
  /** Files of raw disks: `/dev/vda`, `/dev/vdb`; needs the modules of `VIRTIO_DISK`. */
  readonly disks?: readonly string[];
}

/** What a machine said. */
export interface GuestRun {
  /** Results by their names, in order. */
  readonly results: ReadonlyMap<string, unknown>;
  /** Of the program; undefined: it did not end in time. */
  readonly exitCode: number | undefined;
  /** The last lines of the serial line that are not results. */
  readonly lines: readonly string[];
  readonly seconds: number;
}

/** Modules of a disk, in their order. */
export const VIRTIO_DISK: readonly string[] = [
  'virtio_ring',
  'virtio',
  'virtio_pci_legacy_dev',
  'virtio_pci_modern_dev',
  'virtio_pci',
  'virtio_blk',
];

/** Lines kept. */
const LINES_MAX = 400;
const KERNEL_LINE =
  'console=ttyS0 quiet panic=-1 cgroup_no_v1=all psi=1 mitigations=off nokaslr no_timer_check tsc=reliable random.trust_cpu=on';

/**
 * Starts the machine and waits for its end.
 *
 * @returns What it said. @throws Error if QEMU could not be started.
 */
export async function runGuest(options: GuestOptions): Promise<GuestRun> {
  const folder = await mkdtemp(join(tmpdir(), 'teg-guest-'));
  try {
    const initramfs = join(folder, 'initramfs');
    writeInitramfs(initramfs, options);
    return await runMachine(machineArguments(initramfs, options), options.timeoutSeconds ?? 120);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function machineArguments(initramfs: string, { memoryMib = 1536, disks = [] }: GuestOptions): string[] {
  return [
    ...[
      '-M',
      'pc',
      '-accel',
      'tcg,thread=multi,tb-size=256',
      '-cpu',
      'max',
      '-smp',
      '2',
      '-m',
      String(memoryMib),
    ],
    ...['-kernel', kernelImage() as string, '-initrd', initramfs, '-append', KERNEL_LINE],
    ...[
      '-nodefaults',
      '-no-user-config',
      '-no-reboot',
      '-display',
      'none',
      '-serial',
      'stdio',
      '-net',
      'none',
    ],
    ...disks.flatMap((file) => ['-drive', `file=${file},format=raw,if=virtio,cache=unsafe`]),
  ];
}

function runMachine(args: readonly string[], timeoutSeconds: number): Promise<GuestRun> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    // Killed with this process, too: setpriv becomes QEMU.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutSeconds * 1000);
    const results = new Map<string, unknown>();
    const lines: string[] = [];
    let exitCode: number | undefined;
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        const [, word, rest = ''] = /^@(result|exit) (.*?)\r?$/.exec(line) ?? [];
        if (word === 'exit') exitCode = Number(rest);
        else if (word === 'result') takeResult(results, rest);
        else if (lines.push(line) > LINES_MAX) lines.shift();
      });
    }
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', () => {
      clearTimeout(timer);
      resolve({ results, exitCode, lines, seconds: (performance.now() - started) / 1000 });
    });
  });
}

function takeResult(results: Map<string, unknown>, text: string): void {
  const { name, value } = JSON.parse(text);
  results.set(name, value);
}

/** @returns One result. @throws Error with the machine's last lines if the program did not report it, or failed. */
export function resultOf<Value>(run: GuestRun, name: string): Value {
  const result = run.results.get(name) as Value | { readonly error: string } | undefined;
  if (typeof result === 'object' && result !== null && 'error' in result)
    throw new Error(`in the guest: ${result.error}\n${run.lines.slice(-20).join('\n')}`);
  if (result !== undefined) return result;
  throw new Error(
    `the guest reported no '${name}' (exit code ${run.exitCode}, ${run.seconds.toFixed(1)} s); it said:\n${run.lines.slice(-60).join('\n')}`,
  );
}
