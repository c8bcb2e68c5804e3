/** What the queues karma and max-min share out, against plain models on 1,000 random demand matrices. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../../kernel/random.ts';
import { PlainKarma, plainMaxMin } from '../../../market/shares/shares.oracle.ts';
import { SLICES_PER_UNIT } from './quantum-rule.ts';
import { KarmaQuanta, MaxMinQuanta } from './quantum-shares.ts';
import { ShareTree } from './share-tree.ts';

const MATRICES = 1_000;
const QUANTA = 8;

/** @returns Demands by quantum and tenant, of which many are 0. */
function randomDemands(random: Random, tenants: number, share: number): number[][] {
  return Array.from({ length: QUANTA }, () =>
    Array.from({ length: tenants }, () => (random.nextInt(4) === 0 ? 0 : random.nextInt(4 * share))),
  );
}

function flatTree(tenants: number): { tree: ShareTree; leaves: number[] } {
  const tree = new ShareTree(undefined);
  return { tree, leaves: Array.from({ length: tenants }, (_, tenant) => tree.leafOf(tenant)) };
}

/** @returns Demands by node. */
function byNode(tree: ShareTree, leaves: readonly number[], demands: readonly number[]): number[] {
  const column = new Array<number>(tree.nodes.length).fill(0);
  leaves.forEach((leaf, i) => {
    column[leaf] = demands[i] as number;
  });
  return column;
}

describe('on 1,000 random demand matrices', () => {
  test('karma gives the shares of the plain algorithm', () => {
    for (let seed = 0; seed < MATRICES; seed++) {
      const random = new Random(seed, 1);
      const tenants = 1 + random.nextInt(10);
      const each = 1 + random.nextInt(8);
      const { tree, leaves } = flatTree(tenants);
      const karma = new KarmaQuanta(tree);
      const plain = new PlainKarma(tenants, SLICES_PER_UNIT * each, 0.5, 1e9);
      for (const demands of randomDemands(random, tenants, SLICES_PER_UNIT * each)) {
        // Quanta in which nobody wants anything are left out.
        if (demands.every((demand) => demand === 0)) continue;
        const given = karma.allocate(byNode(tree, leaves, demands), tenants * each, 1);
        expect(leaves.map((leaf) => given[leaf])).toEqual(plain.quantum(demands));
      }
    }
  });

  test('max-min gives those of progressive filling', () => {
    for (let seed = 0; seed < MATRICES; seed++) {
      const random = new Random(seed, 2);
      const tenants = 1 + random.nextInt(10);
      const units = tenants * (1 + random.nextInt(8));
      const { tree, leaves } = flatTree(tenants);
      const maxMin = new MaxMinQuanta(tree);
      for (const demands of randomDemands(random, tenants, units)) {
        const given = maxMin.allocate(byNode(tree, leaves, demands), units);
        const ones = demands.map(() => 1);
        expect(leaves.map((leaf) => given[leaf])).toEqual(
          plainMaxMin(demands, SLICES_PER_UNIT * units, ones),
        );
      }
    }
  });
});

test('karma: several quanta at once are as one after the other', () => {
  const [first, second] = [flatTree(3), flatTree(3)];
  const [atOnce, apart] = [new KarmaQuanta(first.tree), new KarmaQuanta(second.tree)];
  const demands = byNode(first.tree, first.leaves, [20, 3, 9]);
  const expected = [1, 2, 3].map(() => [...(apart.allocate(demands, 9, 1) as Float64Array)]);
  expect([...(atOnce.allocate(demands, 9, 3) as Float64Array)]).toEqual(expected.at(-1));
  const next = byNode(first.tree, first.leaves, [20, 20, 20]);
  expect(atOnce.allocate(next, 9, 1)).toEqual(apart.allocate(next, 9, 1));
});

test('karma: a tenant that joins and a change of the capacity leave the credits of the others', () => {
  const { tree, leaves } = flatTree(2);
  const karma = new KarmaQuanta(tree);
  const [a, b] = leaves as [number, number];
  // a lends half of its share for 100 quanta, all of which b borrows.
  karma.allocate(byNode(tree, leaves, [0, 40]), 10, 100);
  const c = tree.leafOf(2);
  const given = karma.allocate(byNode(tree, [a, b, c], [40, 40, 40]), 9, 1);
  // Each has 3 of 9 slices for certain; the richest borrow the other 9: a, which lent, before c, which has the mean, before b.
  expect([a, b, c].map((leaf) => given[leaf])).toEqual([12, 3, 3]);
});
