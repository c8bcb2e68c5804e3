/**
 * What a zone costs without its policy: jobs that are submitted and finished on a cluster of 100,000 nodes, with a
 * policy that does next to nothing (stacks of nodes by free CPUs). Prints JSON: nanoseconds of CPU time per event,
 * best of several rounds, and bytes of the tables per job. `accountsNanos` is what policy and cluster accounts take
 * of that when the same pods go the same ways without a zone.
 */

import type { PlacementPolicy } from '../src/governor/policy/policy.ts';
import { Zone } from '../src/governor/zone/zone.ts';
import {
  EffectKind,
  JobState,
  type JobSubmittedEvent,
  ZoneEventKind,
} from '../src/governor/zone/zone-events.ts';
import { EventQueue } from '../src/kernel/event-queue.ts';
import { Random } from '../src/kernel/random.ts';
import { ClusterState } from '../src/model/cluster-state.ts';
import { type Demand, DemandTable } from '../src/model/demand.ts';

const NODES = 100_000;
const SLOTS_PER_NODE = 8;
const EVENTS = 400_000;

/** Stacks of nodes by free slots (whole CPUs); takes a node with as few as possible. Finds one if there is one. */
class SlotStacks implements PlacementPolicy {
  readonly name = 'slot-stacks';
  gpuMask = 0;
  readonly nodesExamined = 0;
  private readonly cluster: ClusterState;
  private readonly stacks: Int32Array[] = [];
  private readonly depths = new Int32Array(SLOTS_PER_NODE + 1);
  /** Bit k: the node lies in stack k, maybe with another number of free slots by now. */
  private readonly stacked: Uint16Array;

  constructor(cluster: ClusterState) {
    this.cluster = cluster;
    for (let k = 0; k <= SLOTS_PER_NODE; k++) this.stacks.push(new Int32Array(cluster.nodeCount));
    this.stacked = new Uint16Array(cluster.nodeCount);
    for (let node = cluster.nodeCount - 1; node >= 0; node--) this.nodeChanged(node);
  }

  choose(demand: Demand): number {
    for (let k = demand.cpuMilli / 1000; k <= SLOTS_PER_NODE; k++) {
      const stack = this.stacks[k] as Int32Array;
      let depth = this.depths[k] as number;
      while (depth > 0) {
        const node = stack[depth - 1] as number;
        if (this.cluster.freeCpuMilli[node] === k * 1000) break;
        this.stacked[node] = (this.stacked[node] as number) & ~(1 << k);
        depth--;
      }
      this.depths[k] = depth;
      if (depth > 0) return stack[depth - 1] as number;
    }
    return -1;
  }

  nodeChanged(node: number): void {
    const k = (this.cluster.freeCpuMilli[node] as number) / 1000;
    if (k === 0 || ((this.stacked[node] as number) & (1 << k)) !== 0) return;
    this.stacked[node] = (this.stacked[node] as number) | (1 << k);
    (this.stacks[k] as Int32Array)[(this.depths[k] as number)++] = node;
  }
}

interface Run {
  readonly zone: Zone;
  readonly jobs: number;
  readonly submission: JobSubmittedEvent;
  readonly random: Random;
  readonly shapes: number;
}

/** A zone that is filled with one-pod jobs up to `fill`; `waiting` further ones of `shapes` shapes wait. */
function filled(fill: number, waiting: number, shapes: number, nodes = NODES): Run {
  const demands = new DemandTable();
  const cluster = new ClusterState(demands, { nodesExpected: nodes });
  const spec = {
    cpuMilli: SLOTS_PER_NODE * 1000,
    memoryMib: 64_000,
    gpuCount: 0,
    gpuModel: '',
    podsMax: 110,
  };
  for (let i = 0; i < nodes; i++) cluster.addNode({ ...spec, name: `n${i}` });
  for (let i = 0; i < shapes; i++) {
    const cpuMilli = 1000 * (1 + ((i * 7) % SLOTS_PER_NODE));
    demands.intern({ cpuMilli, memoryMib: 1000 + i, gpuCount: 0, gpuMilli: 0, gpuModels: [] });
  }
  const zone = new Zone(cluster, new SlotStacks(cluster), { waitingJobsMax: 10_000_000 });
  const submission: JobSubmittedEvent = {
    kind: ZoneEventKind.JobSubmitted,
    job: 0,
    demandId: 0,
    podCount: 1,
    gangMin: 1,
    priority: 0,
  };
  const slots = Math.floor(nodes * SLOTS_PER_NODE * fill);
  let job = 0;
  for (let used = 0; used < slots && zone.waitingJobs < waiting + 1; job++) {
    submission.job = job;
    submission.demandId = job % shapes;
    used += (demands.demands[submission.demandId] as Demand).cpuMilli / 1000;
    zone.step(submission, 0);
  }
  for (; zone.waitingJobs < waiting; job++) {
    submission.job = job;
    submission.demandId = job % shapes;
    zone.step(submission, 0);
  }
  return { zone, jobs: job, submission, random: new Random(1), shapes };
}

/** Ends a random running job and submits it again, `EVENTS` / 2 times. @returns CPU nanoseconds per event. */
function churn(run: Run): number {
  const { zone, jobs, submission, random, shapes } = run;
  const finish = { kind: ZoneEventKind.JobFinished, job: 0, run: 0 };
  let best = Number.POSITIVE_INFINITY;
  let time = zone.timeSeconds;
  for (let round = 0; round < 5; round++) {
    const picks = new Int32Array(EVENTS).map(() => random.nextInt(jobs));
    const start = process.cpuUsage();
    let events = 0;
    for (let i = 0; i < EVENTS && events < EVENTS; i++) {
      const job = picks[i] as number;
      if (zone.stateOf(job) !== JobState.Running) continue;
      finish.job = job;
      zone.step(finish, ++time);
      submission.job = job;
      submission.demandId = random.nextInt(shapes);
      zone.step(submission, time);
      events += 2;
    }
    const used = process.cpuUsage(start);
    best = Math.min(best, ((used.user + used.system) * 1000) / events);
  }
  zone.check();
  return Math.round(best);
}

/** As `churn` of one-pod jobs of one shape, but with the policy and the cluster only. */
function churnAccounts(run: Run): number {
  const { cluster, policy } = run.zone;
  const demand = cluster.demands.demands[0] as Demand;
  const nodeOfJob = new Int32Array(run.jobs);
  for (let job = 0; job < run.jobs; job++) {
    run.zone.forEachPod(job, (_, node) => {
      nodeOfJob[job] = node;
    });
  }
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    const picks = new Int32Array(EVENTS / 2).map(() => run.random.nextInt(run.jobs));
    const start = process.cpuUsage();
    for (const job of picks) {
      const from = nodeOfJob[job] as number;
      cluster.release(from, demand, 0);
      policy.nodeChanged?.(from);
      const node = policy.choose(demand);
      cluster.place(node, demand, policy.gpuMask);
      policy.nodeChanged?.(node);
      nodeOfJob[job] = node;
    }
    const used = process.cpuUsage(start);
    best = Math.min(best, ((used.user + used.system) * 1000) / EVENTS);
  }
  return Math.round(best);
}

/** An overloaded zone of 2,000 nodes with one gang of 2–64 pods in five jobs, simulated to its end. */
function overload(): Record<string, unknown> {
  const jobs = 40_000;
  const { zone, submission, random } = filled(0, 0, 4, 2000);
  const finish = { kind: ZoneEventKind.JobFinished, job: 0, run: 0 };
  const tick = { kind: ZoneEventKind.Tick };
  const queue = new EventQueue();
  const pods = new Int32Array(jobs).map(() => (random.nextInt(5) === 0 ? 2 + random.nextInt(63) : 1));
  for (let job = 0; job < jobs; job++) queue.push(random.nextDouble() * 8000, job);
  const started = new Uint8Array(jobs);
  let events = 0;
  const start = process.cpuUsage();
  for (let job = queue.pop(); job >= 0; job = queue.pop(), events++) {
    finish.job = job;
    submission.job = job;
    submission.demandId = job % 4;
    submission.podCount = pods[job] as number;
    submission.gangMin = pods[job] as number;
    let effects = zone.step(started[job] === 1 ? finish : submission, queue.time);
    for (;;) {
      for (let i = 0; i < effects.length; i++) {
        if (effects.kinds[i] !== EffectKind.JobStarted) continue;
        started[effects.jobs[i] as number] = 1;
        queue.push(queue.time + 100 * random.nextExponential(), effects.jobs[i] as number);
      }
      if (!zone.hasPostponed) break;
      effects = zone.step(tick, queue.time);
    }
  }
  const used = process.cpuUsage(start);
  zone.check();
  return {
    name: '2,000 nodes overloaded, one gang of 2–64 pods in five jobs',
    nanosPerEvent: Math.round(((used.user + used.system) * 1000) / events),
    pods: pods.reduce((a, b) => a + b, 0),
    jobs,
    attempts: zone.counters.attempts,
  };
}

const results: Record<string, unknown>[] = [];
for (const [name, fill, waiting, shapes] of [
  ['nothing waits, 90 % full', 0.9, 0, 1],
  ['100,000 jobs of 1 shape wait', 1, 100_000, 1],
  ['100,000 jobs of 10 shapes wait', 1, 100_000, 10],
  ['100,000 jobs of 100 shapes wait', 1, 100_000, 100],
  ['100,000 jobs of 1,000 shapes wait', 1, 100_000, 1000],
] as const) {
  const run = filled(fill, waiting, shapes);
  const nanosPerEvent = churn(run);
  results.push({
    name,
    nanosPerEvent,
    waiting: run.zone.waitingJobs,
    running: run.zone.runningJobs,
    attempts: run.zone.counters.attempts,
    bytesPerJob: Math.round(run.zone.bytes / run.jobs),
    ...(shapes === 1 && waiting === 0 ? { accountsNanos: churnAccounts(run) } : {}),
  });
}
results.push(overload());
console.log(JSON.stringify(results, null, 1));
