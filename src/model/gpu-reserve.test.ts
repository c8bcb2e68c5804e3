import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { ClusterState } from './cluster-state.ts';
import { type Demand, DemandTable } from './demand.ts';
import type { NodeSpec } from './node.ts';

const NODE: NodeSpec = {
  name: 'shared',
  cpuMilli: 1_000_000,
  memoryMib: 1_000_000,
  gpuCount: 70,
  gpuModel: '',
  podsMax: 1_000,
};

function demandOf(table: DemandTable, gpuCount: number, gpuMilli = 1_000): Demand {
  return table.intern({ cpuMilli: 1, memoryMib: 1, gpuCount, gpuMilli, gpuModels: [] });
}

describe('a node that advertises more GPUs than have a number', () => {
  test('takes as many pods as it advertises GPUs, and no more', () => {
    const table = new DemandTable();
    const cluster = new ClusterState(table);
    const node = cluster.addNode(NODE);
    const one = demandOf(table, 1);
    const masks: number[] = [];
    while (cluster.fits(node, one)) {
      const mask = cluster.bestFitGpus(node, one);
      cluster.place(node, one, mask);
      masks.push(mask);
    }
    expect(masks).toHaveLength(70);
    expect(cluster.freeGpuMilli[node]).toBe(0);
    for (const mask of masks) cluster.release(node, one, mask);
    expect(cluster.freeGpuMilli[node]).toBe(70_000);
    expect(cluster.fits(node, demandOf(table, 30))).toBe(true);
    expect(cluster.capacity.gpus).toBe(70);
  });

  test('keeps its accounts through any order of whole and shared GPUs', () => {
    const step = fc.record({
      gpus: fc.constantFrom(1, 2, 8, 30),
      milli: fc.constantFrom(1_000, 300, 700),
      leave: fc.nat(),
    });
    checkProperty(
      fc.property(fc.integer({ min: 28, max: 70 }), fc.array(step, { maxLength: 120 }), (gpuCount, steps) => {
        const table = new DemandTable();
        const cluster = new ClusterState(table);
        const node = cluster.addNode({ ...NODE, gpuCount });
        const pods: { demand: Demand; mask: number }[] = [];
        for (const { gpus, milli, leave } of steps) {
          const demand = demandOf(table, milli < 1_000 ? 1 : gpus, milli);
          if (leave % 3 === 0 && pods.length > 0) {
            const [gone] = pods.splice(leave % pods.length, 1);
            if (gone !== undefined) cluster.release(node, gone.demand, gone.mask);
          } else if (cluster.fits(node, demand)) {
            const mask = cluster.bestFitGpus(node, demand);
            cluster.place(node, demand, mask);
            pods.push({ demand, mask });
          }
          const used = pods.reduce((sum, pod) => sum + pod.demand.gpuTotalMilli, 0);
          const numbered = cluster.gpuIdleMilli
            .subarray(0, cluster.gpuSlots(node))
            .reduce((sum, idle) => sum + idle, 0);
          expect(cluster.freeGpuMilli[node]).toBe(gpuCount * 1_000 - used);
          expect(numbered + 1_000 * cluster.unnumberedGpus(node).idle).toBe(gpuCount * 1_000 - used);
        }
        for (const { demand, mask } of pods) cluster.release(node, demand, mask);
        expect(cluster.freeGpuMilli[node]).toBe(gpuCount * 1_000);
      }),
    );
  });
});
