/**
 * A cluster of nodes that are short of memory now and then: jobs are placed by a real zone with TEG's policy, which learns of
 * shortages by the events that guards send.
 */
import { TegPolicy } from '../../src/governor/policy/teg-policy.ts';
import { Zone } from '../../src/governor/zone/zone.ts';
import { JobState, ZoneEventKind } from '../../src/governor/zone/zone-events.ts';
import { Random } from '../../src/kernel/random.ts';
import { ClusterState } from '../../src/model/cluster-state.ts';
import { DemandTable } from '../../src/model/demand.ts';
import { generateMemoryJobs, type MemoryJob } from './memory-jobs.ts';
import { type LiveJob, type MemoryLaw, MemoryNode, NODE_MIB } from './memory-node.ts';

/** What to run. */
export interface MemoryTrial {
  readonly law: MemoryLaw;
  readonly overcommit: number;
  readonly seed: number;
  readonly nodes: number;
  readonly hours: number;
}

/** What came of it. */
export interface MemoryOutcome {
  readonly jobs: number;
  readonly finished: number;
  /** Times that the kernel killed a job, and that one was evicted. */
  readonly killed: number;
  readonly evicted: number;
  /** Times that a job was asked to run elsewhere, and did with its progress. */
  readonly moved: number;
  /** Hours of progress: lost; and done by jobs that finished or still run, which is what counts. */
  readonly lostHours: number;
  readonly usefulHours: number;
  /** Job hours frozen, and missed for want of memory in all (frozen ones included). */
  readonly frozenHours: number;
  readonly missedHours: number;
  /** Highest use of a node, part of its memory. */
  readonly usageMost: number;
}

/** Part of the memory that the jobs book on average. */
const LOAD = 0.9;
/** Processors do not bind. */
const CPU_MILLI = 100;
const PODS_MAX = 110;

/** Runs it. Deterministic. */
export function runMemoryTrial(trial: MemoryTrial): MemoryOutcome {
  return new MemoryWorld(trial).run();
}

class MemoryWorld {
  private readonly trial: MemoryTrial;
  private readonly specs: readonly MemoryJob[];
  private readonly nodes: MemoryNode[];
  private readonly reported: boolean[];
  private readonly demands = new DemandTable();
  private readonly zone: Zone;
  private waiting: LiveJob[] = [];
  private ids = 0;
  private finished = 0;
  private killed = 0;
  private evicted = 0;
  private moved = 0;
  private lostSeconds = 0;
  private usefulSeconds = 0;
  private usageMost = 0;

  constructor(trial: MemoryTrial) {
    const { law, nodes, seed, overcommit, hours } = trial;
    this.trial = trial;
    this.specs = generateMemoryJobs(seed, overcommit, LOAD, nodes * NODE_MIB, 3600 * hours);
    this.nodes = Array.from({ length: nodes }, () => new MemoryNode(law));
    this.reported = this.nodes.map(() => false);
    const cluster = new ClusterState(this.demands);
    const spec = { cpuMilli: 64_000, memoryMib: NODE_MIB, gpuCount: 0, gpuModel: '', podsMax: PODS_MAX };
    for (let node = 0; node < nodes; node++) cluster.addNode({ ...spec, name: `node-${node}` });
    this.zone = new Zone(cluster, new TegPolicy({ cluster, random: new Random(seed, 16) }));
  }

  run(): MemoryOutcome {
    const end = 3600 * this.trial.hours;
    let next = 0;
    for (let time = 0; time < end; time++) {
      for (let spec = this.specs[next]; spec !== undefined; spec = this.specs[++next]) {
        if (spec.arrivalSeconds > time) break;
        this.submit(fresh(spec), time);
      }
      for (const [index, node] of this.nodes.entries()) this.stepNode(index, node, time);
      this.start(time);
    }
    for (const { progress } of this.waiting) this.usefulSeconds += progress;
    for (const node of this.nodes) for (const { progress } of node.jobs) this.usefulSeconds += progress;
    const sum = (of: (node: MemoryNode) => number): number => this.nodes.reduce((s, node) => s + of(node), 0);
    return {
      jobs: next,
      finished: this.finished,
      killed: this.killed,
      evicted: this.evicted,
      moved: this.moved,
      lostHours: this.lostSeconds / 3600,
      usefulHours: this.usefulSeconds / 3600,
      frozenHours: sum((node) => node.frozenSeconds) / 3600,
      missedHours: sum((node) => node.missedSeconds) / 3600,
      usageMost: this.usageMost / NODE_MIB,
    };
  }

  private stepNode(index: number, node: MemoryNode, time: number): void {
    const { finished, killed, evicted, moved } = node.step(time);
    this.usageMost = Math.max(this.usageMost, node.usage);
    this.finished += finished.length;
    this.killed += killed.length;
    this.evicted += evicted.length;
    this.moved += moved.length;
    if (node.isShort !== this.reported[index] && this.trial.law !== 'airlock-silent') {
      this.reported[index] = node.isShort;
      const pressure = node.isShort ? (['memory'] as const) : [];
      this.zone.step({ kind: ZoneEventKind.NodeState, node: index, state: { pressure } }, time);
    }
    for (const live of finished) {
      this.usefulSeconds += live.spec.workSeconds;
      this.leave(live, time);
    }
    for (const live of [...killed, ...evicted]) {
      this.lostSeconds += live.progress;
      this.leave(live, time);
      this.submit(fresh(live.spec), time);
    }
    for (const live of moved) {
      this.leave(live, time);
      this.submit({ ...fresh(live.spec), progress: live.progress, isRestoring: true }, time);
    }
  }

  private submit(live: LiveJob, time: number): void {
    live.id = ++this.ids;
    const amounts = { cpuMilli: CPU_MILLI, memoryMib: live.spec.requestMib };
    const demand = this.demands.intern({ ...amounts, gpuCount: 0, gpuMilli: 0, gpuModels: [] });
    const order = { job: live.id, demandId: demand.id, podCount: 1, gangMin: 1, priority: 0 };
    this.zone.step({ kind: ZoneEventKind.JobSubmitted, ...order }, time);
    this.waiting.push(live);
  }

  private leave({ id }: LiveJob, time: number): void {
    this.zone.step({ kind: ZoneEventKind.JobFinished, job: id, run: this.zone.runOf(id) }, time);
  }

  /** Puts the jobs that the zone has started onto their nodes. */
  private start(time: number): void {
    this.waiting = this.waiting.filter((live) => {
      if (this.zone.stateOf(live.id) !== JobState.Running) return true;
      this.zone.forEachPod(live.id, (_, node) => (this.nodes[node] as MemoryNode).add(live, time));
      return false;
    });
  }
}

function fresh(spec: MemoryJob): LiveJob {
  return { spec, id: 0, progress: 0, usage: 0, isRestoring: false };
}
