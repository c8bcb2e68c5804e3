import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readPipe } from '../../traces/pipe.ts';
import { withSpooledInputs } from './input-spool.ts';
import { compare, simulate } from './simulations.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-spool-'));
afterAll(() => rmSync(folder, { recursive: true }));
const NODES = 'name,cpu_milli,memory_mib\nn1,4000,1000\n';
const JOBS = 'id,submit_s,duration_s,cpu_milli\na,0,10,1000\nb,5,10,1000\n';
let files = 0;

function file(text: string): string {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, text);
  return path;
}

/** @returns A FIFO that another process writes a text to, once. */
function fifo(text?: string): string {
  const path = join(folder, `${files++}.fifo`);
  execFileSync('mkfifo', [path]);
  if (text !== undefined) spawn('sh', ['-c', `cat '${file(text)}' > '${path}'`]).unref();
  return path;
}

describe('inputs that can be read once only', () => {
  test('a FIFO as the workload gives the same result as the file', async () => {
    const cluster = file(NODES);
    const task = { cluster, policy: 'best-fit', seed: 1 };
    const fromFile = await simulate({ ...task, jobs: file(JOBS) });
    const path = fifo(JOBS);
    const fromPipe = await simulate({ ...task, jobs: path });
    expect(fromPipe.jobs).toEqual(fromFile.jobs);
    expect(fromPipe.jobs.arrived).toBe(2);
    expect(fromPipe.workload.label).toBe(path);
  });

  test('every worker of a comparison has it, cluster and workload alike', async () => {
    const result = await compare(
      {
        cluster: fifo(NODES),
        jobs: fifo(JOBS),
        policies: ['best-fit', 'fgd'],
        seeds: [1, 2],
        baseline: 'fgd',
      },
      { workers: 2 },
    );
    expect(result.runs.map((run) => run.jobs.finished)).toEqual([2, 2, 2, 2]);
  });

  test('copies are removed, also where the run fails', async () => {
    const task = { cluster: fifo(NODES), jobs: 'generated:1' };
    let during: string[] = [];
    const failing = withSpooledInputs(task, undefined, async ({ spooled }) => {
      during = Object.values(spooled ?? {});
      throw new Error('failed');
    });
    await expect(failing).rejects.toThrow('failed');
    expect(during).toHaveLength(1);
    expect(existsSync(dirname(during[0] as string))).toBe(false);
  });

  test.each([
    ['-', '/dev/stdin'],
    ['/dev/stdin', '-'],
    ['/dev/fd/0', '/proc/self/fd/0'],
  ])('%s and %s together are one input, which is read once', (cluster, jobs) => {
    // In a process of its own, for the sake of its standard input.
    const script = `
      import { readFileSync } from 'node:fs';
      import { withSpooledInputs } from ${JSON.stringify(join(import.meta.dirname, 'input-spool.ts'))};
      await withSpooledInputs({ cluster: process.argv[1], jobs: process.argv[2] }, undefined, async ({ cluster, jobs, spooled }) => {
        console.log(JSON.stringify([cluster, jobs].map((path) => readFileSync(spooled[path], 'utf8'))));
      });`;
    const args = ['--input-type=module', '-e', script, '--', cluster, jobs];
    const out = execFileSync(process.execPath, args, { input: NODES, encoding: 'utf8', timeout: 30_000 });
    expect(JSON.parse(out)).toEqual([NODES, NODES]);
  });

  test('as much as the bound is taken, and more is refused', async () => {
    const read = (path: string, bytesMax: number): Promise<string> =>
      withSpooledInputs(
        { cluster: path, jobs: 'generated:1' },
        undefined,
        async ({ spooled }) => readFileSync(spooled?.[path] ?? '', 'utf8'),
        bytesMax,
      );
    expect(await read(fifo(NODES), NODES.length)).toBe(NODES);
    await expect(read(fifo(NODES), NODES.length - 1)).rejects.toMatchObject({ code: 'TEG_INPUT_TOO_LARGE' });
  });

  test('a FIFO without a writer is an error', async () => {
    const path = fifo();
    await expect(Array.fromAsync(readPipe(path, 200))).rejects.toMatchObject({
      code: 'TEG_INPUT_NOT_FOUND',
      message: expect.stringContaining(path),
    });
  });

  test('an interruption ends the wait for more', async () => {
    const path = fifo();
    const writer = spawn('sh', ['-c', `exec sleep 60 > '${path}'`]);
    const stop = new AbortController();
    setTimeout(() => stop.abort(new Error('stopped')), 500);
    const waiting = withSpooledInputs({ cluster: path, jobs: '' }, stop.signal, async () => 0);
    await expect(waiting).rejects.toThrow('stopped');
    writer.kill();
  });
});
