import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { DemandTable } from '../../model/demand.ts';
import type { PodSpec } from '../../model/job.ts';
import { gangFitsNow } from './state-sampler.ts';

const pod = fc
  .record({
    cpuMilli: fc.integer({ min: 0, max: 3000 }),
    memoryMib: fc.integer({ min: 0, max: 300 }),
    gpuCount: fc.integer({ min: 0, max: 3 }),
    share: fc.integer({ min: 1, max: 1000 }),
  })
  .map(({ share, ...rest }): PodSpec => {
    const gpuMilli = rest.gpuCount === 0 ? 0 : rest.gpuCount === 1 ? share : 1000;
    return { ...rest, gpuMilli, gpuModels: [] };
  });

describe('gangFitsNow', () => {
  test('equals the result of placing the pods one by one', () => {
    checkProperty(
      fc.property(
        fc.array(pod, { maxLength: 12 }),
        pod,
        fc.integer({ min: 1, max: 12 }),
        (placed, asked, count) => {
          const demands = new DemandTable();
          const cluster = new ClusterState(demands);
          for (let i = 0; i < 3; i++) {
            cluster.addNode({
              name: `n${i}`,
              cpuMilli: 6000,
              memoryMib: 600,
              gpuCount: 4,
              gpuModel: 'A',
              podsMax: 6,
            });
          }
          for (const [i, spec] of placed.entries()) {
            const demand = demands.intern(spec);
            if (cluster.fits(i % 3, demand)) cluster.place(i % 3, demand, cluster.bestFitGpus(i % 3, demand));
          }
          const demand = demands.intern(asked);
          const answer = gangFitsNow(cluster, demand, count);
          let found = 0;
          for (let node = 0; node < 3; node++) {
            while (found < count && cluster.fits(node, demand)) {
              cluster.place(node, demand, cluster.bestFitGpus(node, demand));
              found++;
            }
          }
          expect(answer).toBe(found === count);
        },
      ),
      { numRuns: 500 },
    );
  });
});
