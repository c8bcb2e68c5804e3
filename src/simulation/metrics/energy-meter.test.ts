import { describe, expect, test } from 'vitest';
import { makeCluster, PolicyBench } from '../baselines/baselines.fixtures.ts';
import { createFirstFitPolicy } from '../baselines/first-fit.ts';
import { EnergyMeter } from './energy-meter.ts';

describe('the energy of a run', () => {
  test('by hand: power holds until the next sample, and nodes that are down draw none', () => {
    const bench = new PolicyBench(createFirstFitPolicy, [2, 2], 1);
    const energy = new EnergyMeter(bench.cluster);
    const idle = 20 + 2 * 10;
    energy.sample(0);
    expect(energy.joulesUntil(10)).toBe(10 * 2 * idle);
    bench.arrive(4);
    energy.sample(10);
    const used = 165 + 70 + 10;
    expect(energy.joulesUntil(11)).toBe(10 * 2 * idle + idle + used);
    bench.cluster.setUp(1, false);
    energy.sample(20);
    expect(energy.joulesUntil(30)).toBe(10 * 2 * idle + 10 * (idle + used) + 10 * used);
  });

  test('is unknown without GPUs, and where the power of some hardware is', () => {
    for (const cluster of [makeCluster([0]), makeCluster([2])]) {
      if (cluster.capacity.gpus > 0) {
        cluster.addNode({ name: 'x', cpuMilli: 1, memoryMib: 1, gpuCount: 1, gpuModel: 'Z9', podsMax: 1 });
      }
      const energy = new EnergyMeter(cluster);
      energy.sample(0);
      expect(energy.joulesUntil(1)).toBeNaN();
    }
  });
});
