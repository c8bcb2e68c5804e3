import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { parseQuantity, parseQuantityNanos } from './quantity.ts';

describe('quantities', () => {
  test.each([
    ['0', 'one', 0, 0],
    ['1', 'milli', 1000, 1000],
    ['500m', 'milli', 500, 500],
    ['0.5', 'milli', 500, 500],
    ['.5', 'milli', 500, 500],
    ['5.', 'one', 5, 5],
    ['+2', 'one', 2, 2],
    ['1e3', 'one', 1000, 1000],
    ['1E3', 'one', 1000, 1000],
    ['12E-1', 'one', 2, 1],
    ['1E', 'one', NaN, NaN],
    ['1k', 'one', 1000, 1000],
    ['1Ki', 'one', 1024, 1024],
    ['16Gi', 'one', 17_179_869_184, 17_179_869_184],
    ['0.1Gi', 'one', 107_374_183, 107_374_182],
    ['1.5Mi', 'one', 1_572_864, 1_572_864],
    ['100m', 'one', 1, 0],
    ['1n', 'milli', 1, 0],
    ['1500u', 'milli', 2, 1],
    ['2.0000000000000000001', 'one', 3, 2],
    ['8191Ti', 'one', 8191 * 2 ** 40, 8191 * 2 ** 40],
    ['9007199254740991', 'one', 2 ** 53 - 1, 2 ** 53 - 1],
  ] as const)('%s in %s is %d rounded up, %d rounded down', (text, unit, up, down) => {
    expect(parseQuantity(text, unit, 'up')).toBe(up);
    expect(parseQuantity(text, unit, 'down')).toBe(down);
  });

  test.each([
    '',
    '-1',
    '.',
    'm',
    'Gi',
    '1 Gi',
    '1gi',
    '1Kib',
    '0x10',
    '1e',
    '1e1e1',
    '1e999',
    'NaN',
    'Infinity',
    '9007199254740992',
    '1Ei1',
    '8Ei',
    `${'1'.repeat(65)}`,
  ])('%j is refused', (text) => {
    expect(parseQuantity(text, 'one', 'up')).toBeNaN();
  });

  test('agrees with exact rational arithmetic', () => {
    const suffixes = { n: [1n, 10n ** 9n], u: [1n, 10n ** 6n], m: [1n, 1000n], '': [1n, 1n] } as const;
    const large = { k: 1000n, M: 10n ** 6n, Ki: 1024n, Mi: 1n << 20n, Gi: 1n << 30n } as const;
    const all = { ...suffixes, ...Object.fromEntries(Object.entries(large).map(([k, f]) => [k, [f, 1n]])) };
    checkProperty(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 9n }),
        fc.integer({ min: 0, max: 6 }),
        fc.constantFrom(...Object.keys(all)),
        fc.constantFrom('milli' as const, 'one' as const),
        (digits, decimals, suffix, unit) => {
          const padded = digits.toString().padStart(decimals + 1, '0');
          const cut = padded.length - decimals;
          const text = `${padded.slice(0, cut)}.${padded.slice(cut)}${suffix}`;
          const [times = 1n, per = 1n] = all[suffix as keyof typeof all] as readonly bigint[];
          const numerator = digits * times * (unit === 'milli' ? 1000n : 1n);
          const denominator = per * 10n ** BigInt(decimals);
          const down = numerator / denominator;
          const up = down * denominator === numerator ? down : down + 1n;
          expect(parseQuantity(text, unit, 'down')).toBe(down <= 2n ** 53n - 1n ? Number(down) : NaN);
          expect(parseQuantity(text, unit, 'up')).toBe(up <= 2n ** 53n - 1n ? Number(up) : NaN);
        },
      ),
    );
  });
});

test.each<[string, bigint | undefined]>([
  ['0', 0n],
  ['100m', 100_000_000n],
  ['1n', 1n],
  ['0.0000000001', 1n],
  ['2u', 2_000n],
  ['1Ki', 1_024_000_000_000n],
  ['0.1Gi', 107_374_182_400_000_000n],
  ['1E', 10n ** 27n],
  ['2P', 2n * 10n ** 24n],
  ['3T', 3n * 10n ** 21n],
  ['4G', 4n * 10n ** 18n],
  ['5M', 5n * 10n ** 15n],
  ['6k', 6n * 10n ** 12n],
  ['4Mi', 4n * 2n ** 20n * 10n ** 9n],
  ['3Ti', 3n * 2n ** 40n * 10n ** 9n],
  ['2Pi', 2n * 2n ** 50n * 10n ** 9n],
  ['16Ei', 16n * 2n ** 60n * 10n ** 9n],
  ['-1', undefined],
  ['1 Gi', undefined],
  ['', undefined],
  ['1e99', undefined],
])('%s is %s nano-units', (text, nanos) => {
  expect(parseQuantityNanos(text)).toBe(nanos);
});
