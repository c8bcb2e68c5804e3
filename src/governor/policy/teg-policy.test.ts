import { describe, expect, test } from 'vitest';
import { churn, randomCluster, randomDemands, stream } from '../../../test/support/random-cluster.ts';
import { emptyShape } from '../../field/price.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, DemandTable } from '../../model/demand.ts';
import { readNode } from './node-shape.ts';
import type { PolicyContext } from './policy.ts';
import { TEG_DEFAULTS, type TegOptions } from './teg-options.ts';
import { BestOfDPolicy, FullScanPolicy, TegPolicy } from './teg-policy.ts';

const EXACT: TegOptions = {
  ...TEG_DEFAULTS,
  index: { demandsMax: 64, boundaryProbesMax: Number.POSITIVE_INFINITY },
};

function context(cluster: ClusterState, seed = 1): PolicyContext {
  return { cluster, random: stream(seed) };
}

function anyFits(cluster: ClusterState, demand: Demand): boolean {
  for (let node = 0; node < cluster.nodeCount; node++) if (cluster.fits(node, demand)) return true;
  return false;
}

describe('TegPolicy', () => {
  test.each([1, 2])('places a pod iff some node fits it, when probes are unlimited (seed %i)', (seed) => {
    const random = stream(seed);
    const cluster = randomCluster(40, random);
    const shapes = randomDemands(80, random, cluster.demands);
    const policy = new TegPolicy(context(cluster), EXACT);
    let placed = 0;
    let refused = 0;
    churn(cluster, policy, random, 3000, shapes, (demand, node) => {
      if (node >= 0) placed++;
      else refused++;
      expect(node >= 0).toBe(anyFits(cluster, demand));
      if (node >= 0) expect(cluster.fits(node, demand)).toBe(true);
    });
    expect(placed).toBeGreaterThan(500);
    expect(refused).toBeGreaterThan(100);
  });

  test.each([1, 2])('its choice is the cheapest of all occupied classes (seed %i)', (seed) => {
    const random = stream(seed);
    const cluster = randomCluster(50, random);
    // More demands than the index keeps, so that orders are dropped and made again.
    const shapes = randomDemands(100, random, cluster.demands);
    const policy = new TegPolicy(context(cluster), EXACT);
    const { index, classes, rent } = policy;
    let compared = 0;
    churn(cluster, policy, random, 2500, shapes, (demand, node) => {
      if (node < 0 || index.foundClass < 0) return;
      let cheapest = Number.POSITIVE_INFINITY;
      for (let i = 0; i < classes.occupiedCount; i++) {
        const id = classes.occupied[i] as number;
        const rented = rent.rent(demand, rent.groupOf(classes.flavorIds[id] as number));
        cheapest = Math.min(cheapest, index.costOf(demand, id) + rented);
      }
      expect(index.foundCost).toBe(cheapest);
      compared++;
    });
    expect(compared).toBeGreaterThan(500);
  });

  test('looks at no more nodes than allowed where rounding hides room, and gets round to all of them', () => {
    const random = stream(7);
    const cluster = randomCluster(0, random);
    for (let i = 0; i < 100; i++) {
      cluster.addNode({
        name: `n${i}`,
        cpuMilli: 64_000,
        memoryMib: 262_144,
        gpuCount: 0,
        gpuModel: '',
        podsMax: 110,
      });
    }
    const policy = new TegPolicy(context(cluster), {
      ...TEG_DEFAULTS,
      index: { demandsMax: 8, boundaryProbesMax: 10 },
    });
    const pod = (cpuMilli: number): Demand =>
      cluster.demands.intern({ cpuMilli, memoryMib: 1024, gpuCount: 0, gpuMilli: 0, gpuModels: [] });
    // All nodes get 33.0 cores free but one, which gets 33.9: both round down to 32.
    for (let i = 0; i < 100; i++) {
      const demand = pod(i === 50 ? 30_100 : 31_000);
      cluster.place(i, demand, 0);
      policy.nodeChanged(i);
    }
    let found = -1;
    let calls = 0;
    while (found < 0 && calls < 20) {
      found = policy.choose(pod(33_500));
      expect(policy.nodesExamined).toBeLessThanOrEqual(10);
      calls++;
    }
    expect(found).toBeLessThanOrEqual(50);
  });

  test('keeps the limit of pods of a group on one node', () => {
    const random = stream(8);
    const cluster = randomCluster(30, random);
    const demand = cluster.demands.intern({
      cpuMilli: 1000,
      memoryMib: 1024,
      gpuCount: 0,
      gpuMilli: 0,
      gpuModels: [],
      podsPerNodeMax: 2,
      spreadGroup: 'service',
    });
    const policy = new TegPolicy(context(cluster));
    const pods = churn(cluster, policy, random, 90, [demand]);
    const perNode = new Map<number, number>();
    for (const pod of pods) perNode.set(pod.node, (perNode.get(pod.node) ?? 0) + 1);
    expect(Math.max(...perNode.values())).toBe(2);
  });

  test('the same calls give the same answers', () => {
    const run = (): string => {
      const random = stream(9);
      const cluster = randomCluster(40, random);
      const shapes = randomDemands(50, random, cluster.demands);
      const answers: string[] = [];
      const policy = new TegPolicy(context(cluster));
      churn(cluster, policy, random, 1500, shapes, (_, node) => answers.push(`${node}/${policy.gpuMask}`));
      return answers.join();
    };
    expect(run()).toBe(run());
  });

  test('explains: the parts add up, the first candidate is the choice, and missing resources are counted', () => {
    const random = stream(10);
    const cluster = randomCluster(40, random);
    const shapes = randomDemands(50, random, cluster.demands);
    const policy = new TegPolicy(context(cluster));
    churn(cluster, policy, random, 400, shapes);
    for (let node = 0; node < 40; node += 3) {
      cluster.setShort(node, true);
      policy.nodeChanged(node);
    }
    let explained = 0;
    for (const demand of shapes) {
      const expected = policy.explain(demand);
      const node = policy.choose(demand);
      const told = policy.explain(demand, node);
      expect(told.node).toBe(node < 0 ? '' : cluster.names[node]);
      expect({ ...expected, node: told.node }).toEqual(told);
      if (told.node === '') {
        const lacking = Object.values(told.lacking).reduce((sum, n) => sum + n, 0);
        expect(lacking).toBe(cluster.nodeCount);
        continue;
      }
      const best = told.candidates[0];
      if (best === undefined) continue;
      explained++;
      expect(best.value).toBeCloseTo(policy.index.foundCost, 9);
      for (const candidate of told.candidates) {
        const { potentialBefore, potentialAfter, ...others } = candidate.parts as Record<string, number>;
        const other = Object.values(others).reduce((sum, part) => sum + part, 0);
        expect(candidate.value).toBeCloseTo(
          (potentialAfter as number) - (potentialBefore as number) + other,
          6,
        );
      }
    }
    expect(explained).toBeGreaterThan(10);
  });
});

describe('the cost of pods where they are', () => {
  /**
   * Places a pod by the policy's choice. @returns Node, GPUs, and the price of placing it there, taken from the cluster
   * before.
   */
  function place(cluster: ClusterState, policy: TegPolicy, demand: Demand): [number, number, number] {
    const node = policy.choose(demand);
    const { gpuMask } = policy;
    const shape = emptyShape();
    readNode(cluster, node, shape);
    const price = policy.prices.price.cost(shape, demand, Number.NaN);
    cluster.place(node, demand, gpuMask);
    policy.nodeChanged(node);
    return [node, gpuMask, price];
  }

  test.each([1, 2, 3])(
    'equals the cost of placing them, one after the other, and the query changes nothing (seed %i)',
    (seed) => {
      const random = stream(seed);
      const cluster = randomCluster(30, random);
      const shapes = randomDemands(40, random, cluster.demands).filter((demand) => demand.constraintId === 0);
      const spread = shapes.slice(0, 5).map((demand) => {
        const { cpuMilli, memoryMib, gpuCount, gpuMilli } = demand;
        const limit = { podsPerNodeMax: 1, spreadGroup: `group-${demand.id}` };
        return cluster.demands.intern({ cpuMilli, memoryMib, gpuCount, gpuMilli, gpuModels: [], ...limit });
      });
      const policy = new TegPolicy(context(cluster));
      churn(cluster, policy, random, 150, shapes);
      let checked = 0;
      for (const demand of [...spread, ...shapes]) {
        const nodes: number[] = [];
        const masks: number[] = [];
        const prices: number[] = [];
        for (let pod = 0; pod < 4 && policy.choose(demand) >= 0; pod++) {
          const [node, mask, price] = place(cluster, policy, demand);
          nodes.push(node);
          masks.push(mask);
          prices.push(price);
          const before = JSON.stringify([cluster, policy.rent, policy.classes]);
          const rent = nodes.map((n) =>
            policy.rent.rent(demand, policy.rent.groupOf(cluster.flavorIds[n] as number)),
          );
          const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
          expect(policy.costWhere(demand, nodes, masks)).toBeCloseTo(sum(prices) + sum(rent), 6);
          expect(JSON.stringify([cluster, policy.rent, policy.classes])).toBe(before);
          checked++;
        }
      }
      expect(checked).toBeGreaterThan(40);
    },
  );
});

describe('the references on the same prices', () => {
  test('full scan places a pod iff some node fits it; best of d too while draws suffice', () => {
    for (const make of [FullScanPolicy, BestOfDPolicy]) {
      const random = stream(11);
      const cluster = randomCluster(30, random);
      const shapes = randomDemands(40, random, cluster.demands);
      const policy = new make(context(cluster), TEG_DEFAULTS);
      let missed = 0;
      churn(cluster, policy, random, 1200, shapes, (demand, node) => {
        if (node >= 0) expect(cluster.fits(node, demand)).toBe(true);
        else if (anyFits(cluster, demand)) missed++;
      });
      if (make === FullScanPolicy) expect(missed).toBe(0);
      else expect(missed).toBeLessThan(60);
    }
  });

  test('a pod that strands nothing is preferred to one node that it would spoil', () => {
    const table = new DemandTable();
    const cluster = randomCluster(0, stream(1), table);
    const node = { cpuMilli: 16_000, memoryMib: 65_536, gpuCount: 1, gpuModel: 'A', podsMax: 110 };
    const whole = table.intern({
      cpuMilli: 8000,
      memoryMib: 8192,
      gpuCount: 1,
      gpuMilli: 1000,
      gpuModels: [],
    });
    const half = table.intern({ cpuMilli: 4000, memoryMib: 8192, gpuCount: 1, gpuMilli: 500, gpuModels: [] });
    cluster.addNode({ ...node, name: 'idle' });
    cluster.addNode({ ...node, name: 'shared' });
    cluster.place(1, half, 1);
    const typical = { demands: [whole, half], weights: [0.5, 0.5] };
    for (const policy of [
      new TegPolicy({ ...context(cluster), typical }),
      new FullScanPolicy({ ...context(cluster), typical }, TEG_DEFAULTS),
    ]) {
      expect(cluster.names[policy.choose(half)]).toBe('shared');
    }
  });
});
