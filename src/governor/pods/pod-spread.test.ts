import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { bindings, GIB, node, pod, requests, TestCluster } from './scheduler.fixtures.ts';

const SPREAD = { strategy: 'spread' } as const;

test('pods of a profile that spreads go to the emptiest node, pods of one that packs fill nodes', () => {
  const cluster = new TestCluster().nodes(node('a'), node('b'), node('c'));
  cluster.others('theirs', 'a', { requests: requests(2000) });
  cluster.pods(...[0, 1, 2].map((i) => pod(`s${i}`, { ...SPREAD, requests: requests(1000) })));
  expect(bindings(cluster.decide())).toEqual({ s0: 'b', s1: 'c', s2: 'b' });
  cluster.pods(...[0, 1].map((i) => pod(`p${i}`, { requests: requests(1000) })));
  const packed = Object.values(bindings(cluster.decide()));
  expect(new Set(packed).size).toBe(1);
});

test('the fullest resource counts, and each further one that the pod requests', () => {
  const gpus = { extended: { 'nvidia.com/gpu': 4 } };
  const cluster = new TestCluster().nodes(node('a', gpus), node('b', gpus), node('c', gpus));
  cluster.others('cpu', 'a', { requests: requests(3500) });
  cluster.others('memory', 'b', { requests: requests(0, 28 * GIB) });
  cluster.others('gpus', 'c', { requests: requests(0, 0, { 'nvidia.com/gpu': 2 }) });
  cluster.pods(
    pod('p', { ...SPREAD, requests: requests(0, 0, { 'nvidia.com/gpu': 1 }) }),
    pod('q', { ...SPREAD, requests: requests(1000, GIB) }),
  );
  expect(bindings(cluster.decide())).toEqual({ p: 'c', q: 'c' });
});

test('a node that a rule refuses is passed over for the next emptiest', () => {
  const cluster = new TestCluster().nodes(node('a', { unschedulable: true }), node('b'), node('c'));
  cluster.others('theirs', 'b', { requests: requests(500) });
  cluster.pods(pod('p', { ...SPREAD, requests: requests(1000) }));
  expect(bindings(cluster.decide())).toEqual({ p: 'c' });
});

test('every pod goes to a node that is least full with it, as exact accounts say', () => {
  const amount = fc.integer({ min: 1, max: 4 });
  checkProperty(
    fc.property(
      fc.array(fc.integer({ min: 2, max: 16 }), { minLength: 1, maxLength: 12 }),
      fc.array(amount, { minLength: 1, maxLength: 20 }),
      (cores, asked) => {
        const names = cores.map((_, i) => `n${i}`);
        const cluster = new TestCluster().nodes(
          ...names.map((name, i) => node(name, sized(cores[i] as number))),
        );
        const used = cores.map(() => 0);
        asked.forEach((cpu, i) => {
          cluster.pods(pod(`p${i}`, { ...SPREAD, requests: requests(cpu * 1000) }));
          const to = bindings(cluster.decide())[`p${i}`];
          const fullness = cores.map((has, at) => {
            const part = ((used[at] as number) + cpu) / has;
            return part > 1 ? Number.POSITIVE_INFINITY : part;
          });
          const least = Math.min(...fullness);
          expect(to === undefined ? Number.POSITIVE_INFINITY : fullness[names.indexOf(to)]).toBe(least);
          if (to !== undefined) used[names.indexOf(to)] = (used[names.indexOf(to)] as number) + cpu;
        });
      },
    ),
    { numRuns: 100 },
  );
});

/** Places for pods never count most. */
function sized(cores: number): { cpuMilli: number; podsMax: number } {
  return { cpuMilli: cores * 1000, podsMax: 1_000_000 };
}
