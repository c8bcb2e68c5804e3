/**
 * Cuts a stream of bytes into lines, as a watch sends them: one JSON text per line.
 *
 * A line that arrives in k chunks is copied once, when its end is there, so the cost is linear in the bytes however
 * they are cut. Bytes are only decoded as whole lines, so a character that two chunks share is safe.
 */

const NEWLINE = 10;
const CARRIAGE_RETURN = 13;

/** Default for the longest line: 20 times the largest object that etcd takes by default. */
export const LINE_BYTES_MAX = 32 * 1024 * 1024;

/** A line exceeds the bound. */
export class LineTooLongError extends Error {
  constructor(bytes: number, bytesMax: number) {
    super(`a line of at least ${bytes} bytes, but ${bytesMax} is the most that is taken`);
    this.name = 'LineTooLongError';
  }
}

/** Takes chunks, hands out lines. Keeps at most one unfinished line. */
export class LineSplitter {
  private readonly onLine: (line: string) => void;
  private readonly lineBytesMax: number;
  private parts: Buffer[] = [];
  private pending = 0;

  /**
   * @param onLine Gets each line without its end; empty lines are left out. Its exceptions pass through `push`.
   * @param lineBytesMax Longest line, in bytes without its end.
   */
  constructor(onLine: (line: string) => void, lineBytesMax: number = LINE_BYTES_MAX) {
    this.onLine = onLine;
    this.lineBytesMax = lineBytesMax;
  }

  /** Bytes of the line that has not ended yet. */
  get pendingBytes(): number {
    return this.pending;
  }

  /**
   * Takes the next bytes. The chunk must not be changed afterwards. O(bytes).
   *
   * @throws LineTooLongError as soon as a line exceeds the bound; the splitter must then be discarded.
   */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.finish(chunk, start, end);
      start = end + 1;
    }
    if (start < chunk.length) this.keep(start === 0 ? chunk : chunk.subarray(start));
  }

  /** The stream has ended: the remainder is a line too. */
  end(): void {
    if (this.pending > 0) this.finish(Buffer.alloc(0), 0, 0);
  }

  private keep(part: Buffer): void {
    this.bound(this.pending + part.length);
    this.parts.push(part);
    this.pending += part.length;
  }

  private finish(chunk: Buffer, start: number, end: number): void {
    this.bound(this.pending + end - start);
    if (this.pending === 0) {
      this.emit(chunk, start, end);
      return;
    }
    this.parts.push(chunk.subarray(start, end));
    const line = Buffer.concat(this.parts);
    this.parts = [];
    this.pending = 0;
    this.emit(line, 0, line.length);
  }

  private emit(bytes: Buffer, start: number, end: number): void {
    const last = end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    if (last > start) this.onLine(bytes.toString('utf8', start, last));
  }

  private bound(bytes: number): void {
    if (bytes > this.lineBytesMax) throw new LineTooLongError(bytes, this.lineBytesMax);
  }
}
