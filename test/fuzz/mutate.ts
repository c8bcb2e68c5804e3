/**
 * Mutations of bytes for fuzzing: what damages files in practice, and what parsers stumble over.
 */
import type { Random } from '../../src/kernel/random.ts';

/** Texts that are put in: separators, brackets, quotation marks, numbers at and beyond bounds, YAML's own. */
const TOKENS: readonly string[] = [
  ',',
  ',,',
  '\n',
  '\r\n',
  '"',
  '""',
  ';',
  '|',
  ':',
  ': ',
  '- ',
  '---\n',
  'items:\n',
  '{',
  '}',
  '[',
  ']',
  '&a ',
  '*a',
  '!!int ',
  '? ',
  '>\n',
  '|-\n',
  '#',
  '%YAML 1.2\n',
  '\u0000',
  '\uFEFF',
  '\t',
  '-1',
  '0',
  '1e3',
  '1e999',
  '-0',
  'NaN',
  'Infinity',
  'null',
  '2147483647',
  '2147483648',
  '9007199254740993',
  '99999999999999999999999999',
  '0.1',
  '500m',
  '16Gi',
  '-5Gi',
  '__proto__',
  'constructor',
  'PAR1',
];

/** Most bytes of a mutated input. */
const BYTES_MAX = 65_536;

/**
 * Damages an input in one to eight ways.
 *
 * @param other Another input, to splice in.
 * @param random Decides everything.
 */
export function mutate(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let result: Buffer = Buffer.from(bytes);
  const times = 1 + random.nextInt(random.nextInt(4) === 0 ? 8 : 2);
  for (let i = 0; i < times; i++) result = mutateOnce(result, other, random);
  return result.subarray(0, BYTES_MAX);
}

/** @returns Up to 512 bytes: any, or of a small alphabet of separators and digits. */
export function randomBytes(random: Random): Uint8Array {
  const alphabet = Buffer.from(random.nextInt(2) === 0 ? ',;"\n -:{}[]0123456789.eamMGi' : '');
  return Uint8Array.from({ length: random.nextInt(512) }, () =>
    alphabet.length > 0 ? (alphabet[random.nextInt(alphabet.length)] as number) : random.nextInt(256),
  );
}

function mutateOnce(bytes: Buffer, other: Uint8Array, random: Random): Buffer {
  const at = random.nextInt(bytes.length + 1);
  const length = random.nextInt(random.nextInt(3) === 0 ? 200 : 8) + 1;
  const end = Math.min(bytes.length, at + length);
  switch (random.nextInt(9)) {
    case 0:
      return withByte(bytes, at, (byte) => byte ^ (1 << random.nextInt(8)));
    case 1:
      return withByte(bytes, at, () => random.nextInt(256));
    case 2:
      return splice(bytes, at, end, Buffer.alloc(0));
    case 3:
      return splice(bytes, at, at, bytes.subarray(at, end));
    case 4:
      return bytes.subarray(0, at);
    case 5:
      return splice(bytes, at, end, Buffer.from(TOKENS[random.nextInt(TOKENS.length)] as string));
    case 6:
      return splice(
        bytes,
        at,
        at,
        Buffer.from((TOKENS[random.nextInt(TOKENS.length)] as string).repeat(length)),
      );
    case 7: {
      const from = random.nextInt(other.length + 1);
      return splice(bytes, at, end, Buffer.from(other.subarray(from, from + length * 4)));
    }
    default:
      return replaceField(bytes, at, TOKENS[random.nextInt(TOKENS.length)] as string);
  }
}

function withByte(bytes: Buffer, at: number, change: (byte: number) => number): Buffer {
  const copy = Buffer.from(bytes);
  if (at < copy.length) copy[at] = change(copy[at] as number);
  return copy;
}

function splice(bytes: Buffer, from: number, to: number, into: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, from), into, bytes.subarray(to)]);
}

/** Replaces the word or number around a position: the damage that parsers of rows meet most. */
function replaceField(bytes: Buffer, at: number, text: string): Buffer {
  const isPart = (byte: number | undefined): boolean =>
    byte !== undefined && !' ,\n\t:"'.includes(String.fromCharCode(byte));
  let from = at;
  let to = at;
  while (from > 0 && isPart(bytes[from - 1])) from--;
  while (isPart(bytes[to])) to++;
  return splice(bytes, from, to, Buffer.from(text));
}
