/** Properties of every chooser, and of the simple ones in particular. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { Random } from '../../kernel/random.ts';
import type { TegError } from '../../model/errors.ts';
import { createBestOfDChooser } from './best-of-d.ts';
import { newStream } from './chooser.ts';
import { chiSquare, chiSquareLimit, countChoices, type EntrySpec, offersOf } from './choosers.fixtures.ts';
import { createLeastLoadedChooser } from './least-loaded.ts';
import { createRandomChooser } from './random-choice.ts';
import { CHOOSERS, chooserByName } from './registry.ts';

const price = fc.oneof(
  fc.double({ min: -1e4, max: 1e4, noNaN: true }),
  fc.constantFrom(0, 1, -1e300, 1e300, 1e-300, 1e15),
);
const entry: fc.Arbitrary<EntrySpec> = fc
  .record({
    price,
    slope: fc.constantFrom(1e-3, 1, 1e6),
    near: fc.integer({ min: 1, max: 1000 }),
    more: fc.integer({ min: 0, max: 100_000 }),
    position: fc.integer({ min: 0, max: 2000 }),
    age: fc.constantFrom(0, 0.5, 1e6),
  })
  .map(({ more, ...e }) => ({ ...e, slots: e.near + more }));
const boards = fc.array(fc.array(entry, { minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 8 });
const crowds = fc.constantFrom(1, 1.5, 30, 1e6);

describe.each(CHOOSERS)('$name', ({ name, create }) => {
  test('chooses an entry of the board, and the same again', () => {
    checkProperty(
      fc.property(boards, crowds, fc.nat(), (entries, deciders, seed) => {
        const run = (): number[] => {
          const random = new Random(seed);
          const stream = newStream(7);
          const chooser = create();
          return entries.flatMap((board) => {
            const offers = offersOf(board);
            const picks = Array.from({ length: 4 }, () => chooser.choose(offers, deciders, stream, random));
            for (const pick of picks) {
              expect(Number.isInteger(pick) && pick >= 0 && pick < board.length).toBe(true);
            }
            expect(Number.isFinite(stream.temperature) && stream.temperature >= 0).toBe(true);
            expect(Number.isFinite(stream.momentum)).toBe(true);
            return picks;
          });
        };
        expect(run()).toEqual(run());
      }),
      { endOnFailure: true },
    );
  });

  test('does not write to the board, and keeps nothing but the stream', () => {
    const offers = offersOf(Array.from({ length: 20 }, (_, i) => ({ price: (i * 7) % 20, slots: 40 })));
    const copy = structuredClone(offers);
    const shared = create();
    const streams = [newStream(1), newStream(15)];
    const alone = [newStream(1), newStream(15)];
    for (let k = 0; k < 50; k++) {
      for (const [s, stream] of streams.entries()) {
        const pick = shared.choose(offers, 10, stream, new Random(k, s));
        expect(create().choose(offers, 10, alone[s]!, new Random(k, s))).toBe(pick);
      }
    }
    expect(offers).toEqual(copy);
  });

  test('chooses by what an entry offers, not by its place in the list', () => {
    const entries = [4, 1, 3, 2, 5].map((price, i) => ({ price, slots: 10 + i, near: 2, position: i }));
    const order = [3, 0, 4, 1, 2];
    const counts = countChoices(create(), offersOf(entries), 20, 20_000, new Random(3));
    const permuted = offersOf(order.map((i) => entries[i]!));
    const again = countChoices(create(), permuted, 20, 20_000, new Random(4));
    order.forEach((from, to) => {
      expect(Math.abs(again[to]! - counts[from]!)).toBeLessThan(name === 'langevin' ? 1600 : 800);
    });
  });

  test('takes a board of one entry, and of thousands', () => {
    expect(create().choose(offersOf([{ price: 3 }]), 5, newStream(0), new Random(1))).toBe(0);
    const many = offersOf(Array.from({ length: 3000 }, (_, i) => ({ price: i, slots: 2 })));
    const pick = create().choose(many, 5, newStream(2000), new Random(1));
    expect(pick).toBeLessThan(3000);
  });

  test('spreads over entries that are alike, unless it takes the first of them', () => {
    const offers = offersOf(Array.from({ length: 8 }, () => ({ price: 5, near: 3, slots: 9 })));
    const counts = countChoices(create(), offers, 20, 16_000, new Random(9));
    if (name === 'least-loaded') return expect(counts[0]).toBe(16_000);
    for (const count of counts)
      expect(Math.abs(count / 2000 - 1)).toBeLessThan(name === 'langevin' ? 0.25 : 0.1);
  });
});

describe('least-loaded', () => {
  const choose = (entries: readonly EntrySpec[]): number =>
    createLeastLoadedChooser().choose(offersOf(entries), 9, newStream(0), new Random(1));

  test('takes the cheapest, of equal ones that with most slots, of those the first', () => {
    expect(choose([{ price: 4, slots: 99 }, { price: -2 }, { price: 3 }])).toBe(1);
    expect(
      choose([
        { price: 1, slots: 5 },
        { price: 1, slots: 6 },
        { price: 1, slots: 6 },
      ]),
    ).toBe(1);
  });
});

describe('random', () => {
  test('draws by slots, whatever the price', () => {
    const offers = offersOf([
      { price: 1e9, slots: 60 },
      { price: 0, slots: 30 },
      { price: 5, slots: 10 },
    ]);
    const counts = countChoices(createRandomChooser(), offers, 9, 20_000, new Random(8));
    expect(chiSquare(counts, [0.6, 0.3, 0.1])).toBeLessThan(chiSquareLimit(3));
  });
});

describe('best of d', () => {
  const offers = offersOf([
    { price: 3, slots: 50 },
    { price: 1, slots: 30 },
    { price: 2, slots: 20 },
  ]);

  test('takes the cheapest of two by slots', () => {
    const counts = countChoices(createBestOfDChooser(), offers, 9, 20_000, new Random(8));
    // 1 is taken unless neither draw is it; 2 unless either is 1 or both are 0.
    expect(chiSquare(counts, [0.25, 1 - 0.49, 0.49 - 0.25])).toBeLessThan(chiSquareLimit(3));
  });
});

describe('the registry', () => {
  test('has unique names and one line about each', () => {
    expect(new Set(CHOOSERS.map((chooser) => chooser.name)).size).toBe(CHOOSERS.length);
    for (const { description } of CHOOSERS) expect(description).toMatch(/^[^\n]{20,110}\.$/);
  });

  test('makes choosers that know their name', () => {
    for (const { name, create } of CHOOSERS) expect(create({ loserBudget: 0.1 }).name).toBe(name);
  });

  test('finds one by name, or lists the known names', () => {
    expect(chooserByName('gibbs').create({}).name).toBe('gibbs');
    const failure = (name: string): TegError => {
      try {
        chooserByName(name);
      } catch (error) {
        return error as TegError;
      }
      throw new Error('expected a failure');
    };
    expect(failure('langevn')).toMatchObject({
      code: 'TEG_OPTION_INVALID',
      message:
        "got the chooser 'langevn', expected one of anticipated, gibbs, langevin, best-of-d, least-loaded, random; did you mean 'langevin'?",
    });
    expect(failure('something').message).not.toContain('did you mean');
  });
});
