/** Machine B: the program is read from the disk and goes on; beside it one that was never moved. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { ControlGroup, enableControllers } from './control-group.ts';
import { part, until } from './report.ts';

const OUTPUT = '/tmp/out';
const UNMOVED = '/tmp/unmoved';
const LAST = 100;

enableControllers();
await part('in', moveIn);

async function moveIn(): Promise<unknown> {
  const group = new ControlGroup('/teg-move');
  const program = ['-v', `file=${UNMOVED}`, '-v', `last=${LAST}`, '-f', `${import.meta.dirname}/counter.awk`];
  const other = spawn('awk', program, { stdio: 'ignore' });
  execFileSync('tar', ['xf', '/dev/vda', '-C', '/tmp']);
  const arrived = lines(OUTPUT).length;
  const started = performance.now();
  const restore = spawnSync('criu', ['restore', '-d', '-D', '/tmp/image', '--manage-cgroups=none'], {
    encoding: 'utf8',
  });
  const restoreMs = performance.now() - started;
  if (restore.status !== 0)
    throw new Error(`criu restore: ${restore.status ?? restore.signal}\n${restore.stderr.slice(-3000)}`);
  await until(() => lines(OUTPUT).length >= LAST, 90_000, 'the last line', 20).catch((error: Error) => {
    throw new Error(
      `${error.message}: ${lines(OUTPUT).length} lines, ${arrived} had arrived, ${lines(UNMOVED).length} of the other`,
    );
  });
  await until(() => lines(UNMOVED).length >= LAST, 60_000, 'the last line of the other', 20);
  other.kill();
  return { arrived, restoreMs, lines: lines(OUTPUT), unmoved: lines(UNMOVED), group: group.path };
}

function lines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n');
  } catch {
    return [];
  }
}
