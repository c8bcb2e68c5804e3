/**
 * Output files of commands: written beside their place, synced and renamed, so that a name never shows half of a
 * result.
 *
 * Invariant: after a failure the name holds its previous content, and no other file is left beside it.
 */
import type { BigIntStats } from 'node:fs';
import {
  access,
  constants,
  type FileHandle,
  mkdir,
  open,
  realpath,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { TegError } from '../../model/errors.ts';

/** Causes for which a text is clearer than the operating system's code. */
const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the device',
  EDQUOT: 'the disk quota is used up',
  EROFS: 'the file system is read-only',
  EACCES: 'no permission',
  EPERM: 'not permitted',
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'it is a folder',
  EFBIG: 'larger than the file system or a limit allows',
};

/**
 * Puts a file in its place, whole or not at all. Devices and pipes are written to directly.
 *
 * @param path A symbolic link keeps its target; an existing file keeps its mode.
 * @param fill Writes the content to the handle; if it throws, nothing is left behind.
 * @throws TegError TEG_OUTPUT_FAILED with the path and the cause; exceptions of `fill`.
 */
export async function writeWhole(path: string, fill: (file: FileHandle) => Promise<void>): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined && !found.isFile() && !found.isDirectory()) {
    await guarded(path, async () => {
      const file = await open(path, 'w');
      await fill(file).finally(() => closeQuietly(file));
    });
    return;
  }
  const place = found === undefined ? path : await realpath(path).catch(() => path);
  const part = `${place}.part-${process.pid}`;
  await guarded(path, async () => {
    if (found?.isDirectory()) throw asOutputFailure(path, { code: 'EISDIR', syscall: 'open' });
    try {
      const file = await open(part, 'w', found === undefined ? 0o666 : found.mode & 0o777);
      try {
        await fill(file);
        await file.sync();
      } finally {
        await closeQuietly(file);
      }
      await rename(part, place);
    } catch (error) {
      await rm(part, { force: true }).catch(() => {});
      throw error;
    }
    await syncFolder(dirname(place));
  });
}

/**
 * Checks, before anything is read or run, that a file can be written: its folder exists, and it is none of the inputs.
 *
 * @param path   `-` is standard output.
 * @param inputs Paths that the command reads; values that are not files (`-`, `generated:…`, undefined) are passed over.
 * @throws TegError TEG_OUTPUT_FAILED with the path and the cause; TEG_OPTION_INVALID for an input.
 */
export async function prepareOutput(
  path: string,
  inputs: readonly (string | undefined)[] = [],
): Promise<void> {
  if (path === '-') return;
  const found = await identityOf(path);
  if (found !== undefined && !found.isFile() && !found.isDirectory()) return;
  if (found?.isDirectory()) throw asOutputFailure(path, { code: 'EISDIR', syscall: 'open' });
  for (const input of found === undefined ? [] : inputs) {
    const read = input === undefined ? undefined : await identityOf(input);
    if (read?.ino !== found?.ino || read?.dev !== found?.dev) continue;
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got '${path}' to write, which is the file '${input}' to read; expected another file: it would be overwritten`,
    );
  }
  // With a dot at its end, a file in the place of the folder is ENOTDIR.
  await guarded(path, () => access(`${dirname(path)}/.`, constants.W_OK));
}

/** Of the file that links lead to; undefined if there is none. Big integers: inode numbers may exceed 2^53. */
async function identityOf(path: string): Promise<BigIntStats | undefined> {
  return stat(path, { bigint: true }).catch(() => undefined);
}

/** Writes a text as `writeWhole` does. @throws TegError TEG_OUTPUT_FAILED. */
export async function writeWholeText(path: string, text: string): Promise<void> {
  await writeWhole(path, (file) => file.writeFile(text));
}

/**
 * Makes a folder that can be written to, if it does not exist.
 *
 * @throws TegError TEG_OPTION_INVALID if a file is in the way; TEG_OUTPUT_FAILED with the path and the cause.
 */
export async function makeFolder(path: string): Promise<void> {
  const missing: string[] = [];
  for (let at = resolve(path); ; at = dirname(at)) {
    const found = await stat(at).catch(() => undefined);
    if (found?.isDirectory()) break;
    if (found !== undefined) {
      throw new TegError(
        'TEG_OPTION_INVALID',
        `got the folder '${path}', but '${at}' is a file; expected a folder, there or to be made: name another`,
      );
    }
    missing.push(at);
    if (at === dirname(at)) break;
  }
  // One by one: a recursive mkdir reports ENOENT where the file system is read-only.
  for (const folder of missing.reverse()) await guarded(folder, () => mkdirUnlessThere(folder));
  await guarded(path, () => access(path, constants.W_OK));
}

/**
 * The error for a failure to write a file.
 *
 * @returns TEG_OUTPUT_FAILED with the path and the cause for a failure of the operating system; else `error` itself.
 */
export function asOutputFailure(path: string, error: unknown): unknown {
  if (error instanceof TegError || typeof error !== 'object' || error === null) return error;
  if (!('syscall' in error) || !('code' in error)) return error;
  const code = String(error.code);
  const reason = Object.hasOwn(REASONS, code) ? `${code}: ${REASONS[code]}` : code;
  return new TegError(
    'TEG_OUTPUT_FAILED',
    `got ${reason} while writing '${path}', expected a writable file: free space or change its permissions, or name another file`,
    { cause: error },
  );
}

async function guarded<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw asOutputFailure(path, error);
  }
}

async function mkdirUnlessThere(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** A stream may have closed the handle already. */
async function closeQuietly(file: FileHandle): Promise<void> {
  await file.close().catch(() => {});
}

/** Makes the new name durable; not every file system can, and the content is safe without it. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r').catch(() => undefined);
  if (folder === undefined) return;
  await folder.sync().catch(() => {});
  await closeQuietly(folder);
}
