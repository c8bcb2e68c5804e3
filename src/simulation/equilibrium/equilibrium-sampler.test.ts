import { describe, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import type { Demand } from '../../model/demand.ts';
import { OPENINGS, type PlacedCluster, randomCluster } from './equilibrium.fixtures.ts';
import { Equilibrium } from './equilibrium.ts';
import {
  type EquilibriumLook,
  EquilibriumSampler,
  MOVE_COST_MILLI,
  type PlacedPods,
} from './equilibrium-sampler.ts';

/** The pods of a cluster as reported by a zone, with a record of the queries. */
class Pods implements PlacedPods {
  readonly asked: number[] = [];
  private readonly placed: PlacedCluster;

  constructor(placed: PlacedCluster) {
    this.placed = placed;
  }

  forEachPodOn(node: number, visit: (job: number, gpuMask: number) => void): void {
    for (const [job, pod] of this.placed.pods.entries()) if (pod.node === node) visit(job, pod.gpuMask);
  }

  demandOf(job: number): Demand {
    this.asked.push(job);
    return this.placed.pods[job]?.demand as Demand;
  }
}

function samplerOf(
  placed: PlacedCluster,
  seed: number,
  podsMax?: number,
): { sampler: EquilibriumSampler; pods: Pods } {
  const equilibrium = new Equilibrium(placed.cluster, placed.price, OPENINGS);
  const sampler = new EquilibriumSampler(placed.cluster, equilibrium, new Random(seed, 5), podsMax);
  const pods = new Pods(placed);
  sampler.pods = pods;
  return { sampler, pods };
}

describe('EquilibriumSampler', () => {
  const placed = randomCluster({ nodes: 40, pods: 200, gpusMax: 3 }, new Random(3, 1));

  test('where there are few pods it looks at all, and sums up their gains', () => {
    const { sampler } = samplerOf(placed, 1);
    const equilibrium = new Equilibrium(placed.cluster, placed.price, OPENINGS);
    const potentialMilli = equilibrium.observe();
    const gains = new Float64Array(placed.pods.length);
    equilibrium.gains(placed.pods, gains);
    const look = sampler.look();
    expect(look.pods).toBe(placed.pods.length);
    expect(look.potentialMilli).toBe(potentialMilli);
    expect(look.gainMilli).toBeCloseTo(
      gains.reduce((sum, gain) => sum + gain, 0),
      3,
    );
    expect(look.gainMaxMilli).toBe(Math.max(...gains));
    expect(look.gaining).toBe(gains.filter((gain) => gain > 0).length);
    expect(look.gainingBeyondMove).toBe(gains.filter((gain) => gain > MOVE_COST_MILLI).length);
    expect(look.gainingBeyondMove).toBeLessThan(look.gaining);
    expect(look.heldMilli).toBe(placed.pods.reduce((sum, pod) => sum + pod.demand.gpuTotalMilli, 0));
  });

  test('where there are more, they take turns: each sample has the same number, and after some samples all have been included', () => {
    const { sampler, pods } = samplerOf(placed, 1, 16);
    for (let i = 0; i < 60; i++) expect(sampler.look().pods).toBe(16);
    expect(new Set(pods.asked).size).toBe(placed.pods.length);
  });

  test('on a node with more pods than there is room for, all come up too', () => {
    const { sampler, pods } = samplerOf(placed, 1, 1);
    for (let i = 0; i < 4000; i++) sampler.look();
    expect(new Set(pods.asked).size).toBe(placed.pods.length);
  });

  test('the same seed looks at the same pods, another at others', () => {
    const run = (seed: number): EquilibriumLook[] => {
      const { sampler } = samplerOf(placed, seed, 16);
      return Array.from({ length: 5 }, () => sampler.look());
    };
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
  });

  test('without pods to look at there is Φ alone', () => {
    const { sampler } = samplerOf(placed, 1);
    sampler.pods = undefined;
    const look = sampler.look();
    expect(look.potentialMilli).toBeGreaterThan(0);
    expect(look).toMatchObject({ pods: 0, gainMilli: 0, gaining: 0 });
  });
});
