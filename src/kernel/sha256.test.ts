import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { Sha256 } from './sha256.ts';

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

test('digests of the standard', () => {
  const empty = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
  const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  const hash = new Sha256();
  expect(hex(hash.digest())).toBe(empty);
  expect(hex(hash.update(Buffer.from('abc')).digest())).toBe(abc);
  expect(hex(hash.digest())).toBe(empty);
});

test('any message in any pieces has the digest of node:crypto', () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 });
  const hash = new Sha256();
  checkProperty(
    fc.property(pieces, (given) => {
      const other = createHash('sha256');
      for (const piece of given) {
        hash.update(piece);
        other.update(piece);
      }
      expect(hex(hash.digest())).toBe(other.digest('hex'));
    }),
    { numRuns: 300 },
  );
});

test('every length around the ends of a block', () => {
  for (let length = 0; length <= 130; length++) {
    const bytes = new Uint8Array(length).fill(length);
    expect(hex(new Sha256().update(bytes).digest())).toBe(createHash('sha256').update(bytes).digest('hex'));
  }
});
