/**
 * Cuts a stream of bytes into frames, as a watch in protobuf sends them: four bytes with the length, then the message.
 *
 * A frame that arrives in k chunks is copied once, when its end is there, so the cost is linear in the bytes however
 * they are cut; one that a chunk has whole is not copied.
 */
import { ProtobufError } from './message-reader.ts';

const HEADER_BYTES = 4;

/** A frame exceeds the bound. */
export class FrameTooLongError extends Error {
  constructor(bytes: number, bytesMax: number) {
    super(`a frame of ${bytes} bytes, but ${bytesMax} is the most that is taken`);
    this.name = 'FrameTooLongError';
  }
}

/** Takes chunks, hands out frames. Keeps at most one unfinished frame. */
export class FrameSplitter {
  private readonly onFrame: (frame: Buffer) => void;
  private readonly frameBytesMax: number;
  private parts: Buffer[] = [];
  private pending = 0;
  /** Bytes of header and frame that are awaited; a header alone while its end is not there. */
  private wanted = HEADER_BYTES;

  /**
   * @param onFrame Gets each frame without its length; its bytes may be overwritten afterwards. Its exceptions pass through `push`.
   * @param frameBytesMax Longest frame, in bytes.
   */
  constructor(onFrame: (frame: Buffer) => void, frameBytesMax: number) {
    this.onFrame = onFrame;
    this.frameBytesMax = frameBytesMax;
  }

  /** Bytes of the frame that has not ended yet, its length among them. */
  get pendingBytes(): number {
    return this.pending;
  }

  /**
   * Takes the next bytes. The chunk must not be changed before its last frame has come. O(bytes).
   *
   * @throws FrameTooLongError as soon as a frame announces more than the bound; the splitter must then be discarded.
   */
  push(chunk: Buffer): void {
    let start = 0;
    if (this.pending > 0) {
      start = this.complete(chunk);
      if (start < 0) return;
    }
    while (chunk.length - start >= HEADER_BYTES) {
      const end = start + HEADER_BYTES + this.lengthAt(chunk, start);
      if (end > chunk.length) break;
      this.onFrame(chunk.subarray(start + HEADER_BYTES, end));
      start = end;
    }
    if (start < chunk.length) this.keep(chunk.subarray(start));
  }

  /** The stream has ended. @throws ProtobufError if it ended within a frame. */
  end(): void {
    if (this.pending > 0) throw new ProtobufError(`the last frame is cut off after ${this.pending} bytes`);
  }

  /**
   * Adds the missing bytes of the unfinished frame. @returns Where the rest of the chunk begins; -1 if it is all used.
   */
  private complete(chunk: Buffer): number {
    let used = 0;
    while (this.pending + chunk.length - used >= this.wanted) {
      const part = chunk.subarray(used, used + this.wanted - this.pending);
      used += part.length;
      this.parts.push(part);
      const whole = Buffer.concat(this.parts);
      if (this.wanted === HEADER_BYTES) {
        this.wanted += this.lengthAt(whole, 0);
        this.parts = [whole];
        this.pending = whole.length;
        // An empty frame has come whole with its header.
        if (this.wanted > HEADER_BYTES) continue;
      }
      this.parts = [];
      this.pending = 0;
      this.wanted = HEADER_BYTES;
      this.onFrame(whole.subarray(HEADER_BYTES));
      return used;
    }
    this.parts.push(chunk.subarray(used));
    this.pending += chunk.length - used;
    return -1;
  }

  private keep(part: Buffer): void {
    this.parts.push(part);
    this.pending = part.length;
    this.wanted = part.length >= HEADER_BYTES ? HEADER_BYTES + this.lengthAt(part, 0) : HEADER_BYTES;
  }

  private lengthAt(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32BE(at);
    if (length > this.frameBytesMax) throw new FrameTooLongError(length, this.frameBytesMax);
    return length;
  }
}
