/**
 * Inputs that can be read once only (standard input, FIFOs, `<(command)`) as files that worker threads read as often as
 * they like.
 *
 * The main thread copies them before anything runs; the copies are removed at the end, and also when the process ends
 * early.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TegError } from '../../model/errors.ts';
import { isPipe, isStandardInput } from '../../traces/pipe.ts';
import { fileInput } from '../../traces/source.ts';
import { type InputSources, isGenerated } from './inputs.ts';

/** Most bytes of one input: small enough for a disk, and far more than a workload of 10^8 jobs. */
export const SPOOL_BYTES_MAX = 68_719_476_736;

/** The inputs of a task that are copied. */
type Sources = Pick<InputSources, 'cluster' | 'jobs' | 'spooled'>;

/**
 * Runs something with a task whose inputs are files.
 *
 * @param signal Aborted: copying stops.
 * @param run    Gets the task, with where its copies are; they are removed when it has settled.
 * @throws TegError as `run`; TEG_INPUT_NOT_FOUND, TEG_INPUT_TOO_LARGE, TEG_OUTPUT_FAILED while copying; the signal's reason.
 */
export async function withSpooledInputs<Task extends Sources, Result>(
  task: Task,
  signal: AbortSignal | undefined,
  run: (task: Task & Pick<InputSources, 'spooled'>) => Promise<Result>,
  bytesMax: number = SPOOL_BYTES_MAX,
): Promise<Result> {
  const pipes = pipesOf(task);
  if (pipes.length === 0) return run(task);
  const folder = mkdtempSync(join(tmpdir(), 'teg-input-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  // A second signal ends the process without coming back here.
  process.once('exit', remove);
  try {
    const spooled: Record<string, string> = {};
    let standardInput: string | undefined;
    for (const [i, path] of pipes.entries()) {
      // `-` and `/dev/stdin` are one input.
      const copy = isStandardInput(path)
        ? (standardInput ?? join(folder, String(i)))
        : join(folder, String(i));
      if (copy !== standardInput) await copyPipe(path, copy, signal, bytesMax);
      if (isStandardInput(path)) standardInput = copy;
      spooled[path] = copy;
    }
    return await run({ ...task, spooled });
  } finally {
    process.off('exit', remove);
    remove();
  }
}

function pipesOf({ cluster, jobs, spooled }: Sources): string[] {
  const paths = new Set([cluster, jobs]);
  return [...paths].filter(
    (path) => path !== '' && !isGenerated(path) && spooled?.[path] === undefined && isPipe(path),
  );
}

async function copyPipe(
  path: string,
  copy: string,
  signal: AbortSignal | undefined,
  bytesMax: number,
): Promise<void> {
  const input = fileInput(path);
  const chunks = input.stream()[Symbol.asyncIterator]();
  const stop = (): void => void chunks.return?.();
  signal?.addEventListener('abort', stop);
  const file = await open(copy, 'wx', 0o600);
  try {
    let bytes = 0;
    for (;;) {
      signal?.throwIfAborted();
      const next = await chunks.next();
      if (next.done === true) break;
      bytes += next.value.length;
      if (bytes > bytesMax) {
        throw new TegError(
          'TEG_INPUT_TOO_LARGE',
          `${input.name}: got more than ${bytesMax} bytes, expected at most that through a pipe; name a file`,
        );
      }
      await file.writeFile(next.value);
    }
    signal?.throwIfAborted();
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    await file.close();
    await chunks.return?.();
  }
}
