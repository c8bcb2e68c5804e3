/**
 * The zone's invariants, recomputed from scratch. For tests and for a zone that just replayed its log.
 *
 * The pod table and the lines of waiting jobs are the ground truth; accounts, states, counts and counters must agree
 * with them.
 */

import { assert } from '../../kernel/assert.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import type { ZoneCore } from './zone-core.ts';
import { JobState, Reason } from './zone-events.ts';
import { jobGoesBefore } from './zone-heap.ts';

/**
 * Checks everything. O(jobs + pods + nodes × demands of waiting gangs).
 *
 * @throws Error at the first disagreement.
 */
export function checkZone(core: ZoneCore): void {
  checkPods(core);
  checkAccounts(core);
  checkWaiting(core);
  checkCounters(core);
}

/** Pod chains of jobs and lists of nodes hold the same pods, each once. */
function checkPods(core: ZoneCore): void {
  const { jobs, pods, shapes, cluster } = core;
  let running = 0;
  let members = 0;
  for (let job = 0; job < jobs.capacity; job++) {
    if (jobs.stateOf(job) !== JobState.Running) continue;
    running++;
    const shape = jobs.shapeOf(job);
    let count = 0;
    for (let pod = jobs.firstOf(job); pod >= 0; pod = pods.nextOfJob(pod)) {
      assert(pods.jobOf(pod) === job, 'a pod in a job’s chain belongs to another job');
      assert(cluster.up[pods.nodeOf(pod)] === 1, 'a pod runs on a node that is down');
      count++;
    }
    assert(count === jobs.previousOf(job), 'a running job’s member count is wrong');
    assert(
      count >= (shapes.gangMins[shape] as number) && count <= (shapes.podCounts[shape] as number),
      'members',
    );
    members += count;
  }
  assert(running === core.runningJobs, 'running jobs miscounted');
  assert(members === pods.count, 'pods without a running job, or a job without its pods');
  let onNodes = 0;
  for (let node = 0; node < cluster.nodeCount; node++) {
    let before = -1;
    for (let pod = pods.firstOnNode(node); pod >= 0; pod = pods.nextOnNode(pod)) {
      assert(pods.nodeOf(pod) === node && pods.previousOnNode(pod) === before, 'a node’s pod list is broken');
      before = pod;
      onNodes++;
    }
  }
  assert(onNodes === pods.count, 'pods that are on no node’s list');
}

/** The cluster's accounts equal those of an empty cluster on which the pods, and those held, were placed again. */
function checkAccounts(core: ZoneCore): void {
  const { cluster, pods, jobs } = core;
  const fresh = new ClusterState(cluster.demands, { nodesExpected: cluster.nodeCount });
  for (let node = 0; node < cluster.nodeCount; node++) {
    const { cpuMilli, memoryMib, gpuCount, gpuModel, podsMax, labels, extended } = cluster.flavorOf(node);
    const amounts = Object.fromEntries(extended.map((v, r) => [cluster.demands.resourceNames[r], v]));
    const name = cluster.names[node] as string;
    fresh.addNode({ name, cpuMilli, memoryMib, gpuCount, gpuModel, podsMax, labels, extended: amounts });
    for (let pod = pods.firstOnNode(node); pod >= 0; pod = pods.nextOnNode(pod)) {
      const demand = core.demandOf(jobs.shapeOf(pods.jobOf(pod)));
      assert(fresh.fits(node, demand), 'a node holds more than it has');
      fresh.place(node, demand, pods.gpuMaskOf(pod));
    }
  }
  core.held.forEach((job, { node, gpuMask }) => {
    assert(jobs.stateOf(job) === JobState.Waiting, 'a job holds pods that does not wait');
    assert(cluster.up[node] === 1, 'a pod is held on a node that is down');
    fresh.place(node, core.demandOf(jobs.shapeOf(job)), gpuMask);
  });
  for (let node = 0; node < cluster.nodeCount; node++) compareNode(core, fresh, node);
  const flavorNodes = new Array<number>(cluster.flavors.length).fill(0);
  for (let node = 0; node < cluster.nodeCount; node++) {
    const flavor = cluster.flavorIds[node] as number;
    flavorNodes[flavor] = (flavorNodes[flavor] as number) + 1;
  }
  assert(
    flavorNodes.every((n, id) => n === (core.flavorNodes[id] ?? 0)),
    'nodes of a flavour miscounted',
  );
}

function compareNode(core: ZoneCore, fresh: ClusterState, node: number): void {
  const { cluster } = core;
  assert(fresh.freeCpuMilli[node] === cluster.freeCpuMilli[node], 'free cpu differs from the pods');
  assert(fresh.freeMemoryMib[node] === cluster.freeMemoryMib[node], 'free memory differs from the pods');
  assert(fresh.freeGpuMilli[node] === cluster.freeGpuMilli[node], 'free GPUs differ from the pods');
  assert(fresh.podCounts[node] === cluster.podCounts[node], 'pod count differs from the pods');
  // Which numbers are taken depends on the order of events where GPUs are interchangeable; their sum was compared above.
  const end = cluster.gpuOffsets[cluster.unnumberedGpus(node).size > 0 ? node : node + 1] as number;
  for (let g = cluster.gpuOffsets[node] as number; g < end; g++) {
    assert(fresh.gpuIdleMilli[g] === cluster.gpuIdleMilli[g], 'a GPU’s idle part differs from the pods');
  }
  for (let r = 0; r < cluster.freeExtended.length; r++) {
    const free = fresh.freeExtended[r]?.[node] ?? 0;
    assert(free === cluster.freeExtended[r]?.[node], 'a further resource differs from the pods');
  }
  for (let group = 0; group < cluster.demands.spreadGroups.length; group++) {
    assert(fresh.groupPods(node, group) === cluster.groupPods(node, group), 'a spread count differs');
  }
}

/** Lines hold exactly the waiting jobs, in order; counts, parking and heaps of shapes agree. */
function checkWaiting(core: ZoneCore): void {
  const { jobs, waiting } = core;
  let waitingJobs = 0;
  for (let job = 0; job < jobs.capacity; job++) if (jobs.stateOf(job) === JobState.Waiting) waitingJobs++;
  assert(waitingJobs === core.waitingJobs, 'waiting jobs miscounted');
  const sound = core.heldBack.walk((job) => {
    const isRefused = jobs.stateOf(job) === JobState.Waiting && jobs.reasonOf(job) === Reason.NotAdmitted;
    assert(isRefused, 'a job is held back that does not wait to be admitted');
  });
  assert(sound, 'a list of jobs that are held back is broken');
  let inLines = 0;
  let parked = 0;
  for (let shape = 0; shape < waiting.counts.length; shape++) {
    const count = checkLine(core, shape);
    assert(count === waiting.counts[shape], 'jobs of a shape miscounted');
    inLines += count;
    if (waiting.isParked(shape)) {
      assert(count > 0, 'a parked shape without jobs');
      assert(core.isImpossible(shape), 'a parked shape is possible');
      parked += count;
    }
  }
  assert(inLines === waiting.jobCount, 'a waiting job is in no line, or in two');
  assert(parked === waiting.parkedJobCount, 'parked jobs miscounted');
  let active = 0;
  waiting.forEachActive((shape) => {
    assert(waiting.holds(shape) && !waiting.isParked(shape), 'an empty or parked shape is active');
    const head = waiting.heads.jobOf(shape);
    assert(
      waiting.heads.ranks[shape] === jobs.rankOf(head),
      'a shape is ordered by another job than its first',
    );
    assert(
      waiting.heads.priorities[shape] === jobs.priorityOf(head),
      'a shape has another priority than its first job',
    );
    active += waiting.counts[shape] as number;
  });
  assert(active === waiting.activeJobCount, 'a shape with waiting jobs is not active');
  const exact = core.cluster.nodeCount <= core.options.countRoomNodesMax;
  assert(waiting.isSound(exact), 'heaps or rows of waiting shapes are broken');
}

/** Walks the line of one shape. @returns Its jobs. */
function checkLine(core: ZoneCore, shape: number): number {
  const { jobs, waiting } = core;
  let count = 0;
  let first = -1;
  const sound = waiting.lines.walk(shape, (job) => {
    assert(jobs.stateOf(job) === JobState.Waiting, 'a job in a line does not wait');
    assert(jobs.reasonOf(job) === Reason.None, 'a job in a line is said not to be admitted');
    assert(jobs.shapeOf(job) === shape, 'a job is in another shape’s line');
    if (first < 0 || jobGoesBefore(jobs, job, first)) first = job;
    count++;
  });
  assert(sound, 'a line of waiting jobs is broken or out of order');
  assert(first === waiting.heads.jobOf(shape), 'a shape’s first job is not the one that goes first');
  return count;
}

function checkCounters(core: ZoneCore): void {
  const { counters, waitingJobs, runningJobs } = core;
  const left = counters.finished + counters.cancelled + counters.dropped + counters.failed;
  assert(counters.submitted === waitingJobs + runningJobs + left, 'a job was lost or counted twice');
}
