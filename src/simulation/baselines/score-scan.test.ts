import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import type { Demand } from '../../model/demand.ts';
import { makeCluster, POD_KINDS } from './baselines.fixtures.ts';
import { isFit, SCORE_MAX, ScoreScan } from './score-scan.ts';

/** A score that depends on the node's state in every possible way. */
function stateScore(cluster: ReturnType<typeof makeCluster>): (node: number, demand: Demand) => number {
  return (node, demand) =>
    ((cluster.freeCpuMilli[node]! / 1000 + cluster.freeGpuMilli[node]! / 100 + demand.id * node) % 17) - 8;
}

/** The same answer without a cache. */
function bestByHand(cluster: ReturnType<typeof makeCluster>, demand: Demand): number {
  const score = stateScore(cluster);
  let best = -1;
  for (let node = 0; node < cluster.nodeCount; node++) {
    if (!cluster.fits(node, demand)) continue;
    if (best < 0 || Math.trunc(score(node, demand)) > Math.trunc(score(best, demand))) best = node;
  }
  return best;
}

const kinds = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 20 });
const steps = fc.array(fc.tuple(fc.nat(POD_KINDS.length - 1), fc.boolean()), { maxLength: 60 });

describe('ScoreScan', () => {
  it('answers as a scan without memory, through placements, departures and nodes that go down', () => {
    checkProperty(
      fc.property(kinds, steps, (nodeKinds, moves) => {
        const cluster = makeCluster(nodeKinds);
        const demands = POD_KINDS.map((pod) => cluster.demands.intern(pod));
        const scan = new ScoreScan(cluster, stateScore(cluster));
        const placed: [number, Demand, number][] = [];
        for (const [kind, leaves] of moves) {
          const demand = demands[kind]!;
          const node = scan.best(demand);
          expect(node).toBe(bestByHand(cluster, demand));
          expect(scan.countFitting(demand)).toBe(
            nodeKinds.filter((_, candidate) => cluster.fits(candidate, demand)).length,
          );
          const fitting = nodeKinds.findIndex((_, candidate) => cluster.fits(candidate, demand));
          expect(scan.firstFit(demand)).toBe(fitting);
          expect(scan.fittingAt(demand, 0)).toBe(fitting);
          if (node >= 0) {
            const mask = cluster.bestFitGpus(node, demand);
            cluster.place(node, demand, mask);
            placed.push([node, demand, mask]);
            scan.nodeChanged(node);
          }
          const last = leaves ? placed.shift() : undefined;
          if (last !== undefined) {
            cluster.release(...last);
            scan.nodeChanged(last[0]);
          } else if (leaves) {
            cluster.setUp(0, cluster.up[0] === 0);
            scan.nodeChanged(0);
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('takes nodes that join later', () => {
    const cluster = makeCluster([0]);
    const scan = new ScoreScan(cluster, (node) => node);
    const demand = cluster.demands.intern(POD_KINDS[0]!);
    expect(scan.best(demand)).toBe(0);
    for (let i = 1; i < 40; i++) {
      const node = cluster.addNode({
        name: `late-${i}`,
        cpuMilli: 8000,
        memoryMib: 9000,
        gpuCount: 0,
        gpuModel: '',
        podsMax: 1,
      });
      scan.nodeChanged(node);
      expect(scan.best(demand)).toBe(i);
    }
  });

  it('drops all scores on request, and bounds them', () => {
    const cluster = makeCluster([0, 0]);
    let scores = [1e9, -1e9];
    const scan = new ScoreScan(cluster, (node) => scores[node]!);
    const demand = cluster.demands.intern(POD_KINDS[0]!);
    const column = scan.column(demand);
    expect(scan.at(column, 0, demand)).toBe(SCORE_MAX);
    expect(scan.at(column, 1, demand)).toBe(-SCORE_MAX);
    expect(isFit(scan.at(column, 1, demand))).toBe(true);
    scores = [1, 2];
    expect(scan.best(demand)).toBe(0);
    scan.invalidate();
    expect(scan.best(demand)).toBe(1);
  });

  it('distinguishes a node that does not fit from one of low score', () => {
    const cluster = makeCluster([1]);
    const scan = new ScoreScan(cluster, () => -SCORE_MAX);
    const fits = cluster.demands.intern(POD_KINDS[4]!);
    const not = cluster.demands.intern(POD_KINDS[6]!);
    expect(scan.best(fits)).toBe(0);
    expect(scan.best(not)).toBe(-1);
    expect(scan.fits(0, fits)).toBe(true);
    expect(scan.fits(0, not)).toBe(false);
    expect(scan.fittingAt(not, 0)).toBe(-1);
  });
});
