import { describe, expect, test } from 'vitest';
import type { NodeSpec } from '../../model/node.ts';
import { jobsOf } from '../federation/federation.fixtures.ts';
import { clusterFor, typicalOf } from './workload-of.ts';

const GPU = { gpuCount: 1, gpuMilli: 1000 };

describe('the typical workload of a table', () => {
  test('is each pod shape by the number of its pods', () => {
    const { demands, counts, weights } = typicalOf(
      jobsOf([GPU, GPU, { ...GPU, podCount: 2, gangMin: 2 }, {}]),
    );
    expect(demands.map((demand) => demand.gpuCount)).toEqual([1, 0]);
    expect(counts).toEqual([4, 1]);
    expect(weights).toEqual([0.8, 0.2]);
  });

  test('leaves out shapes that no job of it has', () => {
    const mix = jobsOf([GPU]);
    mix.demands.intern({ cpuMilli: 1, memoryMib: 1, gpuCount: 0, gpuMilli: 0, gpuModels: [] });
    expect(typicalOf(mix)).toEqual({ demands: [mix.demandOf(0)], counts: [1], weights: [1] });
  });
});

test('labels that no job selects on do not distinguish nodes of the cluster', () => {
  const labelled = Array.from({ length: 5 }, (_, i): NodeSpec => {
    const labels = { 'kubernetes.io/hostname': `n${i}`, zone: i < 2 ? 'a' : 'b' };
    return {
      name: `n${i}`,
      cpuMilli: 64_000,
      memoryMib: 262_144,
      gpuCount: 4,
      gpuModel: 'A100',
      podsMax: 110,
      labels,
    };
  });
  const any = clusterFor(labelled, jobsOf([GPU]));
  expect([any.nodeCount, any.flavors.length]).toEqual([5, 1]);
  const affinity = [{ key: 'zone', operator: 'In' as const, values: ['a'] }];
  expect(clusterFor(labelled, jobsOf([{ ...GPU, affinity }])).flavors.length).toBe(2);
});
