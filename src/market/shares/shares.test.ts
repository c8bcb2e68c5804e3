/** Karma, max-min and the token rule against plain models on 1,000 random demand matrices each. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { Random } from '../../kernel/random.ts';
import { jainIndex } from './fairness.ts';
import { Karma } from './karma.ts';
import { maxMinShares } from './max-min.ts';
import { PlainKarma, PlainTokens, plainMaxMin } from './shares.oracle.ts';
import { TokenQuanta } from './token-quanta.ts';

const MATRICES = 1_000;
const QUANTA = 12;

/** Demands of some tenants, a row a quantum; many are 0, some are far above what there is. */
function randomDemands(rng: Random, tenants: number, fairShare: number): number[][] {
  return Array.from({ length: QUANTA }, () =>
    Array.from({ length: tenants }, () => {
      if (rng.nextInt(4) === 0) return 0;
      return rng.nextInt((rng.nextInt(5) === 0 ? 20 : 3) * fairShare);
    }),
  );
}

describe('on 1,000 random demand matrices', () => {
  test('Karma gives the shares and credits of the plain algorithm', () => {
    let idle = 0;
    for (let seed = 0; seed < MATRICES; seed++) {
      const rng = new Random(seed, 1);
      const tenants = 1 + rng.nextInt(12);
      const fairShare = 4 * (1 + rng.nextInt(4));
      const guaranteed = rng.nextInt(5) / 4;
      // With few credits some run out, and capacity stays idle.
      const credits = rng.nextInt(2) === 0 ? 1e6 : rng.nextInt(20);
      const karma = new Karma({ fairShares: new Array(tenants).fill(fairShare), guaranteed, credits });
      const plain = new PlainKarma(tenants, fairShare, guaranteed, credits);
      for (const demands of randomDemands(rng, tenants, fairShare)) {
        const shares = [...karma.quantum(demands)];
        expect(shares).toEqual(plain.quantum(demands));
        expect([...karma.credits]).toEqual(plain.credits);
        const [given, wanted] = [shares, demands].map((row) => row.reduce((sum, x) => sum + x, 0));
        if ((given as number) < Math.min(wanted as number, tenants * fairShare)) idle++;
      }
    }
    expect(idle).toBeGreaterThan(100);
  });

  test('max-min gives the shares of progressive filling, with weights and without', () => {
    for (let seed = 0; seed < MATRICES; seed++) {
      const rng = new Random(seed, 2);
      const tenants = 1 + rng.nextInt(12);
      const fairShare = 1 + rng.nextInt(10);
      // Weights whose quotients are exact, so that ties are ties.
      const weights = Array.from({ length: tenants }, () => [0, 0.5, 1, 2, 4][rng.nextInt(5)] as number);
      const capacity = tenants * fairShare;
      for (const demands of randomDemands(rng, tenants, fairShare)) {
        expect([...maxMinShares(demands, capacity)]).toEqual(
          plainMaxMin(demands, capacity, new Array(tenants).fill(1)),
        );
        expect([...maxMinShares(demands, capacity, weights)]).toEqual(
          plainMaxMin(demands, capacity, weights),
        );
      }
    }
  });

  test('the token rule gives the shares of one slice after the other', () => {
    for (let seed = 0; seed < MATRICES; seed++) {
      const rng = new Random(seed, 3);
      const tenants = 1 + rng.nextInt(12);
      const fairShare = 1 + rng.nextInt(10);
      const kept = [0, 0.5, 0.9, 1][rng.nextInt(4)] as number;
      const tokens = new TokenQuanta({
        fairShares: new Array(tenants).fill(fairShare),
        capacity: tenants * fairShare,
        kept,
      });
      const plain = new PlainTokens(tenants, fairShare, kept);
      for (const demands of randomDemands(rng, tenants, fairShare)) {
        expect([...tokens.quantum(demands)]).toEqual(plain.quantum(demands));
      }
    }
  });
});

test('a Karma of tenants with twice the fair share gives them twice as much when all want all', () => {
  const karma = new Karma({ fairShares: [2, 4, 6], guaranteed: 0, credits: 1e6 });
  const sums = [0, 0, 0];
  for (let quantum = 0; quantum < 30; quantum++)
    for (const [tenant, share] of karma.quantum([12, 12, 12]).entries())
      sums[tenant] = (sums[tenant] as number) + share;
  expect(sums).toEqual([60, 120, 180]);
});

test('max-min: no share can grow without another that is no larger shrinking', () => {
  const worlds = fc.record({
    demands: fc.array(fc.nat(50), { minLength: 1, maxLength: 20 }),
    capacity: fc.nat(300),
  });
  checkProperty(
    fc.property(worlds, ({ demands, capacity }) => {
      const shares = [...maxMinShares(demands, capacity)];
      const total = shares.reduce((sum, share) => sum + share, 0);
      expect(total).toBe(
        Math.min(
          capacity,
          demands.reduce((sum, demand) => sum + demand, 0),
        ),
      );
      for (const [u, share] of shares.entries()) {
        expect(share).toBeLessThanOrEqual(demands[u] as number);
        if (share < (demands[u] as number)) expect(Math.max(...shares)).toBeLessThanOrEqual(share + 1);
      }
    }),
  );
});

test('credits and a capacity that are too large for a walk slice by slice are no trouble', () => {
  const shares = maxMinShares([1e12, 3, 1e12], 1e9);
  expect([...shares]).toEqual([499_999_999, 3, 499_999_998]);
});

test('Jain’s index', () => {
  expect(jainIndex([2, 2, 2])).toBe(1);
  expect(jainIndex([1, 0, 0, 0])).toBe(0.25);
  expect(jainIndex([0, 0])).toBe(1);
});
