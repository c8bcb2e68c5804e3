/** Machine A: a program is frozen in its group, dumped while it is frozen, and written to the disk. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlGroup, enableControllers } from './control-group.ts';
import { part, until } from './report.ts';

const OUTPUT = '/tmp/out';
/** Far enough that it has not ended when it is frozen. */
const LAST = 100;

enableControllers();
await part('away', moveAway);

async function moveAway(): Promise<unknown> {
  const group = new ControlGroup('/teg-move');
  // An identity that is free in the other machine too.
  writeFileSync('/proc/sys/kernel/ns_last_pid', '5000');
  const program = `cd /; exec setsid awk -v file=${OUTPUT} -v last=${LAST} -f ${import.meta.dirname}/counter.awk`;
  const quiet = '</dev/null >/dev/null 2>&1 &';
  execFileSync('/bin/sh', ['-c', `echo $$ > /sys/fs/cgroup/teg-move/cgroup.procs; ${program} ${quiet}`]);
  await until(() => lines().length >= 20, 60_000, 'twenty lines', 2);
  const frozenMs = await group.freeze();
  const before = lines();
  await sleep(1000);
  const stoodStill = lines().length === before.length;
  const pid = group.read('cgroup.procs').split('\n')[0] as string;
  mkdirSync('/tmp/image');
  const started = performance.now();
  const dump = spawnSync(
    'criu',
    [
      'dump',
      '-t',
      pid,
      '-D',
      '/tmp/image',
      '--freeze-cgroup',
      '/sys/fs/cgroup/teg-move',
      '--manage-cgroups=none',
    ],
    { encoding: 'utf8' },
  );
  const dumpMs = performance.now() - started;
  if (dump.status !== 0)
    throw new Error(`criu dump: ${dump.status ?? dump.signal}\n${dump.stderr.slice(-3000)}`);
  execFileSync('tar', ['cf', '/dev/vda', '-C', '/tmp', 'image', 'out']);
  execFileSync('sync');
  return { pid: Number(pid), frozenMs, dumpMs, stoodStill, lines: before };
}

function lines(): string[] {
  try {
    return readFileSync(OUTPUT, 'utf8').trimEnd().split('\n');
  } catch {
    return [];
  }
}
