/** A growing byte buffer: numbers of variable length, doubles, texts. */

import { assert } from '../../kernel/assert.ts';
import { grown } from '../../kernel/grown.ts';

const ENCODER = new TextEncoder();

/** Writes a message. */
export class ByteWriter {
  /** Bytes written. */
  length = 0;
  private bytes: Uint8Array<ArrayBuffer> = new Uint8Array(1024);
  private view: DataView = new DataView(this.bytes.buffer);

  /** @returns A copy of the written bytes. */
  finish(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  /** One byte. */
  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /**
   * A whole number in groups of seven bits, the lowest first; the top bit of a byte says that more follow (LEB128).
   *
   * @param value Integer in [0, 2^53).
   */
  count(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, 'a count on the wire is a whole number');
    this.reserve(8);
    if (value < 128) {
      this.bytes[this.length++] = value;
      return;
    }
    let rest = value;
    while (rest >= 128) {
      this.bytes[this.length++] = 128 | (rest % 128);
      rest = Math.floor(rest / 128);
    }
    this.bytes[this.length++] = rest;
  }

  /** A double, IEEE 754, little-endian. */
  double(value: number): void {
    this.reserve(8);
    this.view.setFloat64(this.length, value, true);
    this.length += 8;
  }

  /** UTF-8 bytes, preceded by their number. @returns The number. */
  text(value: string): number {
    const encoded = ENCODER.encode(value);
    this.count(encoded.length);
    this.reserve(encoded.length);
    this.bytes.set(encoded, this.length);
    this.length += encoded.length;
    return encoded.length;
  }

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    this.bytes = grown(this.bytes, 2 * (this.length + count));
    this.view = new DataView(this.bytes.buffer);
  }
}
