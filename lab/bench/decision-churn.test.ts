import { describe, expect, test } from 'vitest';
import type { PlacementPolicy } from '../../src/governor/policy/policy.ts';
import { TegPolicy } from '../../src/governor/policy/teg-policy.ts';
import { Random } from '../../src/kernel/random.ts';
import { ClusterState } from '../../src/model/cluster-state.ts';
import { type Demand, DemandTable } from '../../src/model/demand.ts';
import { TegError } from '../../src/model/errors.ts';
import { createFirstFitPolicy } from '../../src/simulation/baselines/first-fit.ts';
import { DecisionChurn, quantileOf } from './decision-churn.ts';

const NODE = { cpuMilli: 64_000, memoryMib: 262_144, gpuCount: 8, gpuModel: 'A', podsMax: 110 };

interface Setup {
  readonly cluster: ClusterState;
  readonly churn: DecisionChurn;
  readonly policy: PlacementPolicy;
}

function setup(seed = 1, nodes = 30, cpuMilli = 4000): Setup {
  const table = new DemandTable();
  const demand = (gpuCount: number, gpuMilli: number): Demand =>
    table.intern({ cpuMilli, memoryMib: 4096, gpuCount, gpuMilli, gpuModels: [] });
  const demands = [demand(1, 1000), demand(1, 300), demand(2, 1000), demand(0, 0)];
  const cluster = new ClusterState(table);
  for (let i = 0; i < nodes; i++) cluster.addNode({ ...NODE, name: `n${i}` });
  const workload = { demands, weights: [0.3, 0.5, 0.1, 0.1] };
  const policy = new TegPolicy({ cluster, random: new Random(seed), typical: workload });
  return { cluster, policy, churn: new DecisionChurn(cluster, policy, workload, new Random(seed, 2)) };
}

function freeGpuMilli(cluster: ClusterState): number {
  return cluster.freeGpuMilli.subarray(0, cluster.nodeCount).reduce((sum, free) => sum + free, 0);
}

/** A clock that advances by 1 with every reading. */
function countingClock(): () => number {
  let now = 0;
  return () => now++;
}

describe('DecisionChurn', () => {
  test("fills to the requested share, and its accounts equal the cluster's", () => {
    const { cluster, churn } = setup();
    churn.fillTo(0.8);
    expect(churn.fill).toBeGreaterThanOrEqual(0.8);
    expect(churn.fill).toBeLessThan(0.8 + 2000 / cluster.capacity.gpuMilli + 1e-9);
    expect(freeGpuMilli(cluster)).toBe(cluster.capacity.gpuMilli - churn.usedGpuMilli);
    expect(cluster.podCounts.subarray(0, cluster.nodeCount).reduce((sum, pods) => sum + pods, 0)).toBe(
      churn.podCount,
    );
  });

  test('keeps the fill while pods leave and arrive', () => {
    const { cluster, churn } = setup();
    churn.fillTo(0.8);
    churn.warmUp(3000);
    expect(Math.abs(churn.fill - 0.8)).toBeLessThan(0.03);
    expect(freeGpuMilli(cluster)).toBe(cluster.capacity.gpuMilli - churn.usedGpuMilli);
  });

  test('times the two parts of each step, and nothing else', () => {
    const { churn } = setup();
    churn.fillTo(0.7);
    const clock = countingClock();
    const samples = churn.run({ stepsMax: 50, clockMicros: clock });
    // One reading before the steps and three in each: the parts take one tick, the whole two.
    expect(clock()).toBe(1 + 3 * 50);
    expect(samples.steps).toBe(50);
    expect([...samples.arrivalMicros]).toEqual(new Array(50).fill(1));
    expect([...samples.departureMicros]).toEqual(new Array(50).fill(1));
    expect([...samples.stepMicros]).toEqual(new Array(50).fill(2));
  });

  test('stops at its time limit, but not before the least number of steps', () => {
    const { churn } = setup();
    churn.fillTo(0.7);
    expect(churn.run({ stepsMax: 1000, microsMax: 30, clockMicros: countingClock() }).steps).toBe(11);
    const least = churn.run({ stepsMax: 1000, stepsMin: 25, microsMax: 30, clockMicros: countingClock() });
    expect(least.steps).toBe(25);
    expect(churn.warmUp(1000, countingClock(), 5)).toBe(6);
  });

  test('the same seed gives the same pods on the same nodes; another one others', () => {
    const states = [3, 3, 4].map((seed) => {
      const { cluster, churn } = setup(seed);
      churn.fillTo(0.8);
      churn.run({ stepsMax: 500, clockMicros: () => 0 });
      return [...cluster.gpuIdleMilli].join();
    });
    expect(states[1]).toBe(states[0]);
    expect(states[2]).not.toBe(states[0]);
  });

  test('hands the cluster over to another policy', () => {
    const { cluster, churn } = setup();
    churn.fillTo(0.8);
    const pods = churn.podCount;
    churn.handTo(createFirstFitPolicy({ cluster, random: new Random(1) }));
    const samples = churn.run({ stepsMax: 300, clockMicros: () => 0 });
    expect(samples.nodesExamined).toBeGreaterThan(300);
    expect(Math.abs(churn.podCount - pods)).toBeLessThan(60);
    expect(freeGpuMilli(cluster)).toBe(cluster.capacity.gpuMilli - churn.usedGpuMilli);
  });

  test('says so where the workload cannot fill the cluster', () => {
    const { churn } = setup(1, 5, 60_000);
    expect(() => churn.fillTo(0.9)).toThrow(TegError);
    expect(() => setup(1, 5, 60_000).churn.fillTo(0.9)).toThrow(/choose a lower fill/);
  });

  test('quantiles of ascending values', () => {
    const values = Float64Array.from({ length: 100 }, (_, i) => i);
    expect([0, 0.5, 0.99, 1].map((q) => quantileOf(values, q))).toEqual([0, 50, 99, 99]);
    expect(quantileOf(new Float64Array(0), 0.5)).toBeNaN();
  });
});
