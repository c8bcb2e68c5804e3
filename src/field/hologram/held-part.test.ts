import { describe, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { addHeldParts, type ChampionBid, type HeldPart, NO_HELD_PART } from './held-part.ts';
import { hologramOf, randomZone } from './hologram.fixtures.ts';
import { emptyMaxima, Hologram, mergeHolograms } from './hologram.ts';
import { SUM_MAX } from './hologram-limits.ts';
import { decodeHologram, encodeHologram, HOLOGRAM_HELD_VERSION, HOLOGRAM_VERSION } from './wire.ts';

const BID: ChampionBid = { rankSeconds: 3.5, gang: 7, demandId: 2, pods: 4 };
const HELD: HeldPart = { gpuMilli: 3000, cpuMilli: 12_000, champion: BID };

function withHeld(held: HeldPart): Hologram {
  const random = new Random(5);
  return new Hologram({ ...hologramOf(randomZone(6, random), random), maxima: emptyMaxima(), held });
}

function randomHeld(random: Random): HeldPart {
  const { rankSeconds, gang, demandId, pods } = BID;
  const champion =
    random.nextInt(3) === 0
      ? undefined
      : {
          rankSeconds: rankSeconds + random.nextInt(2),
          gang: gang + random.nextInt(2),
          demandId,
          pods: pods + random.nextInt(3),
        };
  return { gpuMilli: random.nextInt(2) * random.nextInt(1e6), cpuMilli: random.nextInt(1e6), champion };
}

describe('what gangs hold idle, in holograms', () => {
  test('adds up in any order and grouping; the earliest gang stays', () => {
    const random = new Random(1);
    for (let i = 0; i < 300; i++) {
      const [a, b, c] = [randomHeld(random), randomHeld(random), randomHeld(random)];
      expect(addHeldParts(a, b)).toEqual(addHeldParts(b, a));
      expect(addHeldParts(addHeldParts(a, b), c)).toEqual(addHeldParts(a, addHeldParts(b, c)));
      expect(addHeldParts(a, NO_HELD_PART)).toEqual(a);
      const ranks = [a, b, c].flatMap(({ champion }) =>
        champion === undefined ? [] : [champion.rankSeconds],
      );
      expect(addHeldParts(addHeldParts(a, b), c).champion?.rankSeconds).toBe(
        ranks.length === 0 ? undefined : Math.min(...ranks),
      );
    }
    expect(mergeHolograms([withHeld(HELD), withHeld(HELD)]).held).toEqual({
      ...HELD,
      gpuMilli: 6000,
      cpuMilli: 24_000,
    });
  });

  test('takes no byte where nothing is held, and comes back as it was where something is', () => {
    const without = encodeHologram(withHeld(NO_HELD_PART));
    expect(without[4]).toBe(HOLOGRAM_VERSION);
    for (const held of [
      HELD,
      { ...HELD, champion: undefined },
      { gpuMilli: 0, cpuMilli: 0, champion: BID },
    ]) {
      const bytes = encodeHologram(withHeld(held));
      expect(bytes[4]).toBe(HOLOGRAM_HELD_VERSION);
      expect(decodeHologram(bytes)).toEqual(withHeld(held));
      // Three amounts, a flag, and a bid of a double and three numbers, of at most eight bytes each.
      expect(bytes.length - without.length).toBeLessThanOrEqual(2 * 8 + 1 + 8 + 3 * 8);
    }
    const most = {
      gpuMilli: SUM_MAX,
      cpuMilli: SUM_MAX,
      champion: { ...BID, gang: SUM_MAX, pods: SUM_MAX, demandId: SUM_MAX },
    };
    expect(decodeHologram(encodeHologram(withHeld(most))).held).toEqual(most);
  });

  test('is refused in any other form', () => {
    const bytes = encodeHologram(withHeld(HELD));
    const refused = (change: (copy: Uint8Array) => Uint8Array) =>
      expect(() => decodeHologram(change(bytes.slice()))).toThrow(/TEG_HOLOGRAM_INVALID|expected/);
    const empty = encodeHologram(withHeld(NO_HELD_PART));
    // The newer version with an empty part, a champion that lacks nothing, a part cut short, an old version with a part.
    refused(() =>
      Uint8Array.from([...empty.subarray(0, 4), HOLOGRAM_HELD_VERSION, ...empty.subarray(5), 0, 0, 0]),
    );
    refused((copy) => copy.fill(0, copy.length - 1));
    for (let cut = 1; cut < 18; cut++) refused((copy) => copy.subarray(0, copy.length - cut));
    refused((copy) => copy.fill(HOLOGRAM_VERSION, 4, 5));
  });
});
