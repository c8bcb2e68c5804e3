/**
 * Writes archives of the kernel's initramfs (cpio, format newc): without the program `cpio`, and without a tree on disk.
 */
import { closeSync, openSync, writeSync } from 'node:fs';

/** What a name in an archive is. */
export type CpioEntry =
  | { readonly path: string; readonly kind: 'folder' }
  | {
      readonly path: string;
      readonly kind: 'file';
      readonly data: Uint8Array;
      readonly isExecutable: boolean;
    }
  | { readonly path: string; readonly kind: 'link'; readonly target: string };

const MODES = { folder: 0o040755, file: 0o100644, executable: 0o100755, link: 0o120777 } as const;
const TRAILER = 'TRAILER!!!';

/**
 * Writes an archive; folders above an entry are added.
 *
 * @param file    To be created.
 * @param entries Paths without a slash at their start; a later one of the same path replaces the earlier.
 */
export function writeCpio(file: string, entries: Iterable<CpioEntry>): void {
  const all = new Map<string, CpioEntry>();
  for (const entry of entries) {
    const parts = entry.path.split('/');
    for (let length = 1; length < parts.length; length++) {
      const path = parts.slice(0, length).join('/');
      if (!all.has(path)) all.set(path, { path, kind: 'folder' });
    }
    all.set(entry.path, entry);
  }
  const fd = openSync(file, 'wx');
  try {
    let inode = 1;
    for (const entry of all.values()) writeEntry(fd, entry.path, modeOf(entry), dataOf(entry), inode++);
    writeEntry(fd, TRAILER, 0, new Uint8Array(0), 0);
  } finally {
    closeSync(fd);
  }
}

function modeOf(entry: CpioEntry): number {
  return entry.kind === 'file' && entry.isExecutable ? MODES.executable : MODES[entry.kind];
}

function dataOf(entry: CpioEntry): Uint8Array {
  if (entry.kind === 'file') return entry.data;
  return entry.kind === 'link' ? Buffer.from(entry.target) : new Uint8Array(0);
}

/** Header: magic, then 13 fields of eight hexadecimal digits; name and data are padded to four bytes. */
function writeEntry(fd: number, path: string, mode: number, data: Uint8Array, inode: number): void {
  const name = Buffer.from(`${path}\0`);
  const links = 1;
  const fields = [inode, mode, 0, 0, links, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
  writeAll(fd, padded(Buffer.concat([header, name])));
  writeAll(fd, data);
  writeAll(fd, Buffer.alloc((4 - (data.length % 4)) % 4));
}

function padded(buffer: Buffer): Buffer {
  return Buffer.concat([buffer, Buffer.alloc((4 - (buffer.length % 4)) % 4)]);
}

function writeAll(fd: number, data: Uint8Array): void {
  for (let at = 0; at < data.length; ) at += writeSync(fd, data, at);
}
