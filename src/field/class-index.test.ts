import { describe, expect, test } from 'vitest';
import {
  churn,
  type RunningPod,
  randomCluster,
  randomDemands,
  stream,
} from '../../test/support/random-cluster.ts';
import { TEG_DEFAULTS, type TegOptions } from '../governor/policy/teg-options.ts';
import { TegPolicy } from '../governor/policy/teg-policy.ts';
import type { ClusterState } from '../model/cluster-state.ts';
import type { Demand } from '../model/demand.ts';

/** True if the index's last answer is the cheapest occupied class, by scanning all of them. */
function isCheapest(policy: TegPolicy, demand: Demand): boolean {
  const { index, classes, rent } = policy;
  let cheapest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < classes.occupiedCount; i++) {
    const id = classes.occupied[i] as number;
    const rented = rent.rent(demand, rent.groupOf(classes.flavorIds[id] as number));
    cheapest = Math.min(cheapest, index.costOf(demand, id) + rented);
  }
  return index.foundCost === cheapest && index.foundClass >= 0 === cheapest < Number.POSITIVE_INFINITY;
}

/** Random churn with every answer checked. @returns The number of answers. */
function checkedChurn(
  cluster: ClusterState,
  policy: TegPolicy,
  seed: number,
  steps: number,
  shapes: readonly Demand[],
): number {
  let checked = 0;
  churn(cluster, policy, stream(seed), steps, shapes, (demand) => {
    if (demand.podsPerNodeMax > 0) return;
    expect(isCheapest(policy, demand)).toBe(true);
    checked++;
  });
  return checked;
}

function options(classesMax: number, demandsMax = 64): TegOptions {
  return { ...TEG_DEFAULTS, classesMax, index: { ...TEG_DEFAULTS.index, demandsMax } };
}

describe('ClassIndex', () => {
  test('counts the bytes of every array that it holds', () => {
    const random = stream(4);
    const cluster = randomCluster(40, random);
    const policy = new TegPolicy({ cluster, random });
    churn(cluster, policy, random, 300, randomDemands(30, random, cluster.demands));
    const shared = new Set<unknown>([cluster, policy.classes, policy.rent, policy.prices.price]);
    let lists = 0;
    const arrays = (value: unknown): number => {
      if (typeof value !== 'object' || value === null || shared.has(value)) return 0;
      shared.add(value);
      if (ArrayBuffer.isView(value)) return value.byteLength;
      return Object.entries(value).reduce((sum, [name, part]) => {
        // The lists of classes to check node by node are plain numbers.
        if (name === 'maybeFitting') lists += 8 * (part as number[]).length;
        return sum + arrays(part);
      }, 0);
    };
    const total = arrays(policy.index);
    expect(policy.index.bytes).toBe(total + lists);
    expect(total).toBeGreaterThan(10_000);
  });

  test.each([1, 2, 3])('answers with the cheapest class while ids change all the time (seed %i)', (seed) => {
    const random = stream(seed);
    const cluster = randomCluster(40, random);
    const shapes = randomDemands(50, random, cluster.demands);
    const policy = new TegPolicy({ cluster, random: stream(1) }, options(96));
    expect(checkedChurn(cluster, policy, seed, 2500, shapes)).toBeGreaterThan(1000);
    expect(policy.classes.epoch).toBeGreaterThan(3);
  });

  test('answers with the cheapest class where there are more than a heap holds', () => {
    const random = stream(12);
    const cluster = randomCluster(0, random);
    // One flavour, so that all classes compete in one heap.
    const spec = { cpuMilli: 96_000, memoryMib: 262_144, gpuCount: 4, gpuModel: 'A', podsMax: 110 };
    for (let i = 0; i < 300; i++) cluster.addNode({ ...spec, name: `n${i}` });
    const shapes = randomDemands(60, random, cluster.demands);
    const small = cluster.demands.intern({
      cpuMilli: 500,
      memoryMib: 1000,
      gpuCount: 1,
      gpuMilli: 90,
      gpuModels: [],
    });
    const policy = new TegPolicy({ cluster, random: stream(1) }, options(65_536));
    const running: RunningPod[] = [];
    for (let round = 0; round < 300; round++) {
      running.push(...churn(cluster, policy, random, 30, shapes));
      policy.choose(small);
      expect(isCheapest(policy, small)).toBe(true);
    }
    let most = 0;
    // Every other pod leaves, so that many classes arise.
    for (const { node, demand, gpuMask } of running.filter((_, i) => i % 2 === 0)) {
      cluster.release(node, demand, gpuMask);
      policy.nodeChanged(node);
      policy.choose(small);
      expect(isCheapest(policy, small)).toBe(true);
      most = Math.max(most, policy.classes.occupiedCount);
    }
    expect(most).toBeGreaterThan(100);
    // The cheapest classes are used up one after the other, up to the dearest.
    for (let node = policy.choose(small); node >= 0; node = policy.choose(small)) {
      expect(isCheapest(policy, small)).toBe(true);
      cluster.place(node, small, policy.gpuMask);
      policy.nodeChanged(node);
    }
    expect(isCheapest(policy, small)).toBe(true);
  });

  test('answers with the cheapest class for demands that were left alone for long', () => {
    const random = stream(4);
    const cluster = randomCluster(30, random);
    const shapes = randomDemands(12, random, cluster.demands);
    const policy = new TegPolicy({ cluster, random: stream(1) }, options(65_536));
    checkedChurn(cluster, policy, 4, 300, shapes);
    // Only one demand is looked up, until the index has given up on the others.
    checkedChurn(cluster, policy, 5, 4000, shapes.slice(0, 1));
    expect(checkedChurn(cluster, policy, 6, 300, shapes)).toBeGreaterThan(100);
  });

  test('answers with the cheapest class when the index gives up on a demand just as it is asked again', () => {
    const random = stream(17);
    const cluster = randomCluster(0, random);
    const spec = { cpuMilli: 64_000, memoryMib: 262_144, gpuCount: 4, gpuModel: 'A', podsMax: 110 };
    for (let i = 0; i < 3; i++)
      cluster.addNode({ ...spec, name: `n${i}`, cpuMilli: i === 0 ? 32_000 : 64_000 });
    const pod = { cpuMilli: 2000, memoryMib: 1000, gpuCount: 1, gpuModels: [] };
    const asked = cluster.demands.intern({ ...pod, gpuMilli: 300 });
    const other = cluster.demands.intern({ ...pod, gpuMilli: 700 });
    const policy = new TegPolicy({ cluster, random: stream(1) }, options(65_536));
    policy.choose(asked);
    // The node's class comes and goes, and the index hears of it because others are asked for.
    for (let i = 0; i < 1100; i++) {
      cluster.setUp(0, false);
      policy.nodeChanged(0);
      cluster.setUp(0, true);
      policy.nodeChanged(0);
      policy.choose(other);
    }
    // A class that is new, and the cheapest: all other nodes are empty.
    cluster.place(1, other, 1);
    policy.nodeChanged(1);
    policy.choose(asked);
    expect(policy.index.foundCost).toBeLessThan(0);
    expect(isCheapest(policy, asked)).toBe(true);
  });

  test('answers with the cheapest class after more changes than the journal holds', () => {
    const random = stream(7);
    const cluster = randomCluster(40, random);
    const shapes = randomDemands(20, random, cluster.demands);
    const policy = new TegPolicy({ cluster, random: stream(1) }, options(65_536));
    const running = churn(cluster, policy, stream(7), 800, shapes);
    // No look-ups while nodes come and go and pods leave: the classes at the end are not those of the last look-up.
    for (let i = 0; i < 30_000; i++) {
      const node = i % cluster.nodeCount;
      cluster.setUp(node, i % 3 === 0);
      policy.nodeChanged(node);
      cluster.setUp(node, true);
      const pod = i % 300 === 0 ? running.pop() : undefined;
      if (pod !== undefined) {
        cluster.release(pod.node, pod.demand, pod.gpuMask);
        policy.nodeChanged(pod.node);
      }
      policy.nodeChanged(node);
    }
    for (const demand of shapes) {
      policy.choose(demand);
      expect(isCheapest(policy, demand)).toBe(true);
    }
    expect(checkedChurn(cluster, policy, 8, 300, shapes)).toBeGreaterThan(100);
  });

  test('answers with the cheapest class when new flavours join that constrained demands are allowed on', () => {
    const random = stream(9);
    const cluster = randomCluster(20, random);
    const shapes = randomDemands(60, random, cluster.demands);
    const policy = new TegPolicy({ cluster, random: stream(1) }, options(65_536));
    checkedChurn(cluster, policy, 9, 500, shapes);
    for (let i = 0; i < 6; i++) {
      const node = cluster.addNode({
        name: `late${i}`,
        cpuMilli: 80_000 + 1000 * i,
        memoryMib: 300_000,
        gpuCount: 4,
        gpuModel: i % 2 === 0 ? 'B' : 'Z',
        podsMax: 110,
        labels: { zone: 'east' },
      });
      policy.nodeChanged(node);
      expect(checkedChurn(cluster, policy, 10 + i, 60, shapes)).toBeGreaterThan(20);
    }
  });

  test('drops the least recently used demand, and prices it again at its next look-up', () => {
    const random = stream(11);
    const cluster = randomCluster(30, random);
    const shapes = randomDemands(40, random, cluster.demands);
    const policy = new TegPolicy({ cluster, random: stream(1) }, options(65_536, 8));
    expect(checkedChurn(cluster, policy, 11, 1500, shapes)).toBeGreaterThan(500);
    expect(policy.index.demandCount).toBe(8);
  });
});
