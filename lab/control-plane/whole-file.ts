/** Small files that other processes read as soon as they exist. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Puts a text in its place, whole or not at all: a reader finds the previous file or the new one.
 *
 * @param mode Permissions of the file, also if it existed.
 * @throws Error of the operating system; the name then holds its previous content, and no other file is left beside it.
 */
export function writeWholeFile(path: string, text: string, mode: number): void {
  const part = `${path}.part-${process.pid}`;
  // A partial file that a killed process of the same id left could have other permissions.
  rmSync(part, { force: true });
  try {
    const file = openSync(part, 'wx', mode);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(part, path);
  } catch (error) {
    rmSync(part, { force: true });
    throw error;
  }
}
