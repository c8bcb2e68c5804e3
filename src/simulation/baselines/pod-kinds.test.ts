import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { isSharing } from '../../model/demand.ts';
import { POD_KINDS, PolicyBench } from './baselines.fixtures.ts';
import { ImpliedRequests } from './implied-requests.ts';
import { PodKinds } from './pod-kinds.ts';
import { createRandomPolicy } from './random.ts';

const kinds = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 6 });
const moves = fc.array(fc.tuple(fc.nat(POD_KINDS.length - 1), fc.nat(), fc.boolean()), { maxLength: 120 });

describe('inference from changed nodes', () => {
  it('kinds of GPU pods and implied requests agree with the pods that run', () => {
    checkProperty(
      fc.property(kinds, moves, fc.nat(), (nodeKinds, steps, seed) => {
        const bench = new PolicyBench(createRandomPolicy, nodeKinds, seed);
        const kindsOf = new PodKinds(bench.cluster);
        const implied = new ImpliedRequests(bench.cluster);
        const changed = bench.policy.nodeChanged!.bind(bench.policy);
        bench.policy.nodeChanged = (node) => {
          changed(node);
          kindsOf.nodeChanged(node);
          implied.nodeChanged(node);
        };
        for (const [kind, pick, leaves] of steps) {
          if (leaves) bench.leave(pick);
          else bench.arrive(kind);
        }
        nodeKinds.forEach((_, node) => {
          const here = bench.running.filter((pod) => pod.node === node).map((pod) => pod.demand);
          let mask = 0;
          for (const demand of here) {
            if (demand.gpuCount > 0) mask |= 1 << (isSharing(demand) ? 0 : demand.gpuCount);
          }
          expect(kindsOf.running(node)).toBe(mask);
          expect(implied.cpuMilli(node)).toBe(100 * here.filter((demand) => demand.cpuMilli === 0).length);
          expect(implied.memoryMib(node)).toBe(200 * here.filter((demand) => demand.memoryMib === 0).length);
        });
      }),
      { numRuns: 200 },
    );
  });

  it('starts from running pods', () => {
    const bench = new PolicyBench(createRandomPolicy, [2]);
    bench.arrive(5);
    const kindsOf = new PodKinds(bench.cluster);
    expect(kindsOf.running(0)).toBe(1 << 2);
    bench.leave(0);
    kindsOf.nodeChanged(0);
    expect(kindsOf.running(0)).toBe(0);
  });

  it('counts a pod without requests as 100 millicores and 200 MiB', () => {
    const bench = new PolicyBench(createRandomPolicy, [0]);
    const implied = new ImpliedRequests(bench.cluster);
    const empty = bench.demands[POD_KINDS.length - 1]!;
    expect(implied.cpuMilliOf(empty)).toBe(100);
    expect(implied.memoryMibOf(empty)).toBe(200);
    expect(implied.cpuMilliOf(bench.demands[0]!)).toBe(4000);
    expect(implied.memoryMibOf(bench.demands[0]!)).toBe(8000);
  });
});
