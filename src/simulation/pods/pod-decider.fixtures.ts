/**
 * A small cluster with a few jobs behind the pod scheduler, stepped by hand: every effect as a line of text.
 */
import type { Accounts } from '../../governor/accounts.ts';
import type { PodEvent, PodSchedulerOptions } from '../../governor/pods/pod-events.ts';
import { node, pod, SCHEDULER_OPTIONS } from '../../governor/pods/scheduler.fixtures.ts';
import { EffectKind, Reason, type ZoneEvent, ZoneEventKind } from '../../governor/zone/zone-events.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { DemandTable } from '../../model/demand.ts';
import type { JobSpec } from '../../model/job.ts';
import type { NodeDescription } from '../../model/kubernetes/node.ts';
import type { PodDescription } from '../../model/kubernetes/pod.ts';
import { BYTES_PER_MIB } from '../../model/units.ts';
import { type JobTable, JobTableBuilder } from '../inputs/job-table.ts';
import type { JobPod, LeavingPod, PodWorld } from '../inputs/pod-world.ts';
import { PodDecider } from './pod-decider.ts';

/** A job and the pod that stands for it. */
export interface SceneJob extends Partial<JobPod> {
  readonly pod: PodDescription;
  /** Default 1; a job of several pods is a gang. */
  readonly podCount?: number;
  /** Default `podCount`. */
  readonly gangMin?: number;
}

/** What differs from two empty nodes `a` and `b` of 4 cores, and jobs that arrive later. */
export interface SceneSetup {
  readonly nodes?: readonly NodeDescription[];
  readonly jobs?: readonly SceneJob[];
  /** Objects of the start besides the nodes. */
  readonly events?: readonly PodEvent[];
  readonly kept?: number;
  readonly pending?: number;
  readonly leaving?: readonly LeavingPod[];
  readonly originSeconds?: number;
  readonly lostPods?: 'requeue' | 'fail';
  readonly accounts?: Accounts;
  readonly core?: Partial<PodSchedulerOptions>;
}

const KINDS = Object.entries(EffectKind);
const REASONS = Object.entries(Reason);

/** @returns The event of a pod that is there at the start. */
export function present(description: PodDescription): PodEvent {
  return { kind: 'pod', pod: description };
}

/** @returns The id of a pod's job. */
function idOf({ namespace, name }: PodDescription): string {
  return `${namespace}/${name}`;
}

/** @returns The jobs as a table, in their order. */
export function tableOf(jobs: readonly SceneJob[]): JobTable {
  const builder = new JobTableBuilder(new DemandTable());
  for (const job of jobs) builder.add(specOf(job));
  return builder.build();
}

/** @returns A field with these nodes. */
export function clusterOf(nodes: readonly NodeDescription[], { demands }: JobTable): ClusterState {
  const cluster = new ClusterState(demands, { labelKeys: demands.labelKeys(), nodesExpected: nodes.length });
  for (const { name, cpuMilli, memoryBytes, podsMax } of nodes) {
    const memoryMib = Math.floor(memoryBytes / BYTES_PER_MIB);
    cluster.addNode({ name, cpuMilli, memoryMib, gpuCount: 0, gpuModel: '', podsMax });
  }
  return cluster;
}

/** @returns The world of a scene. */
export function worldOf(setup: SceneSetup): PodWorld {
  const { nodes = NODES, jobs = [], events = [], leaving = [], originSeconds = 1000 } = setup;
  return {
    core: { ...SCHEDULER_OPTIONS, ...setup.core },
    originSeconds,
    events: [...nodes.map((each): PodEvent => ({ kind: 'node', node: each })), ...events],
    leaving,
    pods: new Map(
      jobs.map((job) => [
        idOf(job.pod),
        { pod: job.pod, comesBack: job.comesBack ?? false, graceSeconds: job.graceSeconds ?? 0 },
      ]),
    ),
  };
}

const NODES: readonly NodeDescription[] = [node('a'), node('b')];

/** A decider and its field. */
export class Scene {
  readonly table: JobTable;
  readonly cluster: ClusterState;
  readonly decider: PodDecider;
  /** Calls of the scheduler's `decide` so far. */
  turns = 0;

  constructor(setup: SceneSetup) {
    this.table = tableOf(setup.jobs ?? []);
    this.cluster = clusterOf(setup.nodes ?? NODES, this.table);
    this.decider = new PodDecider({
      world: worldOf(setup),
      table: this.table,
      cluster: this.cluster,
      kept: setup.kept ?? 0,
      pending: setup.pending ?? 0,
      lostPods: setup.lostPods ?? 'requeue',
      ...(setup.accounts === undefined ? {} : { accounts: setup.accounts }),
      onDecisions: () => this.turns++,
    });
  }

  submit(job: number, at: number): string[] {
    const { demandIds, podCounts, gangMins, priorities } = this.table;
    return this.step(
      {
        kind: ZoneEventKind.JobSubmitted,
        job,
        demandId: demandIds[job] as number,
        podCount: podCounts[job] as number,
        gangMin: gangMins[job] as number,
        priority: priorities[job] as number,
        running: false,
      },
      at,
    );
  }

  finish(job: number, at: number): string[] {
    return this.step({ kind: ZoneEventKind.JobFinished, job }, at);
  }

  cancel(job: number, at: number): string[] {
    return this.step({ kind: ZoneEventKind.JobCancelled, job }, at);
  }

  down(name: string, at: number): string[] {
    return this.step({ kind: ZoneEventKind.NodeDown, node: this.cluster.indexOf(name) }, at);
  }

  up(name: string, at: number): string[] {
    return this.step({ kind: ZoneEventKind.NodeUp, node: this.cluster.indexOf(name) }, at);
  }

  tick(at: number): string[] {
    return this.step({ kind: ZoneEventKind.Tick }, at);
  }

  /** Ticks whenever the decider is due. @returns The number of ticks. */
  wait(untilSeconds: number): number {
    let ticks = 0;
    for (let at = this.decider.dueSeconds; at <= untilSeconds; at = this.decider.dueSeconds) {
      if (++ticks > 100_000) throw new Error('a tick is always due');
      this.tick(at);
    }
    return ticks;
  }

  /** @returns Names of the nodes of a job's pods, in member order. */
  nodesOf(job: number): string[] {
    const nodes: string[] = [];
    this.decider.forEachPod(job, (member, at) => {
      nodes[member] = this.cluster.names[at] as string;
    });
    return nodes;
  }

  /** @returns Thousandths of a core that are free in the metrics' field. */
  free(name: string): number {
    return this.cluster.freeCpuMilli[this.cluster.indexOf(name)] as number;
  }

  private step(event: ZoneEvent, at: number): string[] {
    const effects = this.decider.step(event, at);
    return Array.from({ length: effects.length }, (_, i) => {
      const kind = KINDS.find(([, code]) => code === effects.kinds[i])?.[0];
      const reason = REASONS.find(([, code]) => code === effects.reasons[i])?.[0];
      const job = effects.jobs[i] as number;
      const member = effects.members[i] as number;
      return member >= 0
        ? `${kind} ${job}.${member} ${this.cluster.names[effects.nodes[i] as number]}`
        : `${kind} ${job} ${effects.counts[i]} ${reason}`;
    });
  }
}

function specOf({ pod: of, podCount = 1, gangMin = podCount }: SceneJob): JobSpec {
  const { cpuMilli, memoryBytes } = of.template.requests;
  return {
    id: idOf(of),
    tenant: of.tenant,
    priority: of.priority,
    cpuMilli,
    memoryMib: Math.ceil(memoryBytes / BYTES_PER_MIB),
    gpuCount: 0,
    gpuMilli: 0,
    gpuModels: [],
    submitSeconds: 0,
    durationSeconds: Number.POSITIVE_INFINITY,
    requestedSeconds: Number.NaN,
    podCount,
    gangMin,
  };
}

/** @returns A pod that fills a node. */
export function large(name: string, more: Partial<PodDescription> = {}): PodDescription {
  return pod(name, { requests: { cpuMilli: 4000, memoryBytes: 0, extended: {} } }, more);
}
