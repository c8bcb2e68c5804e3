/**
 * A file of the kernel that is read and written again and again: opened once, read synchronously into a shared buffer. A read
 * takes a few microseconds; opening it each time would take twenty.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

/** Longest file that is read; what follows is cut off. memory.stat of version 2 has some 1.5 kB. */
const BUFFER = Buffer.allocUnsafe(16_384);

/** A file that may have gone away with its group. */
export class HeldFile {
  private readonly path: string;
  private fd = -1;

  /** @param path Opened at the first read or write. */
  constructor(path: string) {
    this.path = path;
  }

  /**
   * Opens it now: at a later time another group may have the path.
   *
   * @returns False if it is not there.
   */
  open(): boolean {
    return this.text() !== undefined;
  }

  /** @returns The contents; undefined if it is not there or cannot be read. */
  text(): string | undefined {
    try {
      if (this.fd < 0) this.fd = openSync(this.path, 'r');
      return BUFFER.toString('latin1', 0, readSync(this.fd, BUFFER, 0, BUFFER.length, 0));
    } catch {
      return undefined;
    }
  }

  /** @returns The number that it consists of; Infinity for `max`; NaN if it is not there. */
  number(): number {
    const text = this.text();
    if (text === undefined) return Number.NaN;
    return text.startsWith('max') ? Number.POSITIVE_INFINITY : Number.parseInt(text, 10);
  }

  /**
   * @param key Of a line `key value`.
   * @returns   The value; NaN if the line is missing.
   */
  field(key: string): number {
    return fieldOf(this.text() ?? '', key);
  }

  /** Gives the descriptor back; another read opens it again. */
  close(): void {
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
  }
}

/** @returns The value of a line `key value`; NaN if it is missing. */
export function fieldOf(text: string, key: string): number {
  const needle = `${key} `;
  for (let at = text.indexOf(needle); at >= 0; at = text.indexOf(needle, at + 1)) {
    if (at === 0 || text.charCodeAt(at - 1) === 10)
      return Number.parseInt(text.slice(at + needle.length), 10);
  }
  return Number.NaN;
}

/** A file that is only written to, such as `cgroup.freeze`. */
export class HeldSwitch {
  private readonly path: string;
  private readonly flags: string | number;
  private fd = -1;

  constructor(path: string, flags: string | number = 'r+') {
    this.path = path;
    this.flags = flags;
  }

  /** Opens it, so that the first write is as quick as any. @returns False if it is not there. */
  open(): boolean {
    try {
      if (this.fd < 0) this.fd = openSync(this.path, this.flags);
      return true;
    } catch {
      return false;
    }
  }

  /** @returns False if the kernel refused it, or the file is gone. */
  write(text: string): boolean {
    if (!this.open()) return false;
    try {
      writeSync(this.fd, text, 0);
      return true;
    } catch {
      return false;
    }
  }

  close(): void {
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
  }
}
