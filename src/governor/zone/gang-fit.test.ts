/** A gang that fits is placed, and one that does not is not: against all ways to place it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { Random } from '../../kernel/random.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { PinnedPolicy } from '../policy/pinned-policy.ts';
import type { PlacementPolicy } from '../policy/policy.ts';
import { TEG_DEFAULTS } from '../policy/teg-options.ts';
import { FullScanPolicy, TegPolicy } from '../policy/teg-policy.ts';
import { FirstFit, makeCluster, NODE_KINDS, POD_KINDS } from './zone.fixtures.ts';
import { Zone } from './zone.ts';
import { JobState, ZoneEventKind } from './zone-events.ts';

/** All sets of GPUs of a node that the pod could have now, as masks. */
function masksOn(cluster: ClusterState, node: number, demand: Demand): number[] {
  const begin = cluster.gpuOffsets[node] as number;
  const gpus = (cluster.gpuOffsets[node + 1] as number) - begin;
  const masks: number[] = [];
  for (let mask = 0; mask < 1 << gpus; mask++) {
    const chosen = Array.from({ length: gpus }, (_, g) => g).filter((g) => (mask >> g) & 1);
    if (chosen.length !== demand.gpuCount) continue;
    if (chosen.every((g) => (cluster.gpuIdleMilli[begin + g] as number) >= demand.gpuMilli)) masks.push(mask);
  }
  return masks;
}

/** The most pods that fit on a node, over every choice of GPUs. */
function mostOn(
  cluster: ClusterState,
  node: number,
  demand: Demand,
  known = new Map<string, number>(),
): number {
  if (!cluster.fits(node, demand)) return 0;
  const idle = cluster.gpuIdleMilli.subarray(cluster.gpuOffsets[node], cluster.gpuOffsets[node + 1]);
  const key = `${[...idle].sort()} ${cluster.podCounts[node]}`;
  let most = known.get(key);
  if (most !== undefined) return most;
  most = 0;
  for (const mask of masksOn(cluster, node, demand)) {
    cluster.place(node, demand, mask);
    most = Math.max(most, 1 + mostOn(cluster, node, demand, known));
    cluster.release(node, demand, mask);
  }
  known.set(key, most);
  return most;
}

const scenario = fc.record({
  kinds: fc.array(fc.nat(NODE_KINDS.length - 1), { minLength: 1, maxLength: 5 }),
  /** Pods placed before, each on a node and GPUs that are drawn: the room is fragmented. */
  fill: fc.array(fc.record({ demand: fc.nat(POD_KINDS.length - 2), at: fc.nat(99), gpus: fc.nat(99) }), {
    maxLength: 14,
  }),
  down: fc.nat(9),
  demand: fc.nat(POD_KINDS.length - 2),
});

test.each<[string, number, (cluster: ClusterState) => PlacementPolicy]>([
  ['first-fit', 200, (cluster) => new FirstFit(cluster)],
  ['teg', 40, (cluster) => new TegPolicy({ cluster, random: new Random(1) })],
  ['full-scan', 40, (cluster) => new FullScanPolicy({ cluster, random: new Random(1) }, TEG_DEFAULTS)],
])('%s: the largest gang that fits in any way starts, one pod more does not', (_, numRuns, create) => {
  let gangs = 0;
  checkProperty(
    fc.property(scenario, ({ kinds, fill, down, demand: id }) => {
      const cluster = makeCluster(kinds);
      const pinned = new PinnedPolicy(create(cluster));
      const zone = new Zone(cluster, pinned);
      let job = 0;
      const submit = (demandId: number, podCount: number, gangMin: number): number => {
        zone.step({ kind: ZoneEventKind.JobSubmitted, job, demandId, podCount, gangMin, priority: 0 }, 0);
        return job++;
      };
      for (const pod of fill) {
        const demand = cluster.demands.demands[pod.demand] as Demand;
        const node = pod.at % kinds.length;
        if (!cluster.fits(node, demand)) continue;
        const masks = masksOn(cluster, node, demand);
        pinned.pin([node], [masks[pod.gpus % masks.length] as number]);
        submit(pod.demand, 1, 1);
      }
      if (down < kinds.length) zone.step({ kind: ZoneEventKind.NodeDown, node: down }, 0);
      // Jobs of a lost node wait from now on; only the gang is tested here.
      for (let other = 0; other < job; other++) {
        if (zone.stateOf(other) === JobState.Waiting)
          zone.step({ kind: ZoneEventKind.JobCancelled, job: other }, 0);
      }
      const demand = cluster.demands.demands[id] as Demand;
      const most = kinds.reduce((sum, _kind, node) => sum + mostOn(cluster, node, demand), 0);
      const tooLarge = submit(id, most + 1, most + 1);
      expect(zone.stateOf(tooLarge)).toBe(JobState.Waiting);
      zone.step({ kind: ZoneEventKind.JobCancelled, job: tooLarge }, 0);
      if (most < 2) return;
      gangs++;
      const partly = submit(id, most + 2, most);
      let members = 0;
      zone.forEachPod(partly, () => members++);
      expect(members, 'of a gang that may start with less').toBe(most);
      zone.step({ kind: ZoneEventKind.JobCancelled, job: partly }, 0);
      expect(zone.stateOf(submit(id, most, most))).toBe(JobState.Running);
      zone.check();
    }),
    { numRuns },
  );
  expect(gangs).toBeGreaterThan(0.3 * numRuns);
});
