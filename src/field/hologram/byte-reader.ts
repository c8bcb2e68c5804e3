/**
 * Reads the output of `ByteWriter` from untrusted bytes: every read is checked against the end, and every number has
 * one form only.
 */
import { TegError } from '../../model/errors.ts';

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads a message. All methods throw TegError TEG_HOLOGRAM_INVALID where the bytes do not have the form. */
export class ByteReader {
  /** The next byte. */
  at = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.bytes.length - this.at;
  }

  /** One byte. */
  byte(): number {
    if (this.left < 1) this.refuse('the end', 'a byte');
    return this.bytes[this.at++] as number;
  }

  /** A whole number in [0, max], max < 2^53, as `ByteWriter.count` writes it. @param what For the message. */
  count(what: string, max: number): number {
    const begin = this.at;
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.byte();
      value += (byte & 127) * scale;
      scale *= 128;
      if (byte >= 128) continue;
      if (byte === 0 && i > 0)
        this.refuse('a number with leading zeros', `the shortest form of ${what}`, begin);
      if (value > max) this.refuse(`${value}`, `${what} of at most ${max}`, begin);
      return value;
    }
    return this.refuse('a number of more than eight bytes', what, begin);
  }

  /**
   * The number of entries that follow, each of at least `bytesEach` bytes: at most `max`, and no more than the rest can
   * hold.
   */
  countOf(what: string, max: number, bytesEach: number): number {
    const begin = this.at;
    const value = this.count(what, max);
    if (value * bytesEach > this.left) {
      this.refuse(`${value} ${what} in ${this.left} bytes`, `at least ${bytesEach} bytes for each`, begin);
    }
    return value;
  }

  /** A double in [min, max]; not NaN. */
  double(what: string, min: number, max: number): number {
    if (this.left < 8) this.refuse('the end', `the 8 bytes of ${what}`);
    const value = this.view.getFloat64(this.at, true);
    if (!(value >= min && value <= max)) this.refuse(`${value}`, `${what} in [${min}, ${max}]`);
    this.at += 8;
    return value;
  }

  /** A text of at most `bytesMax` bytes of UTF-8. */
  text(what: string, bytesMax: number): string {
    const begin = this.at;
    const length = this.countOf(`bytes of ${what}`, bytesMax, 1);
    const encoded = this.bytes.subarray(this.at, this.at + length);
    this.at += length;
    try {
      return DECODER.decode(encoded);
    } catch {
      return this.refuse('bytes that are not UTF-8', what, begin);
    }
  }

  /** Throws. @param at Where in the bytes. */
  refuse(got: string, expected: string, at: number = this.at): never {
    throw new TegError(
      'TEG_HOLOGRAM_INVALID',
      `got ${got} at byte ${at} of ${this.bytes.length}; expected ${expected}: drop this hologram and wait for the next`,
    );
  }
}
