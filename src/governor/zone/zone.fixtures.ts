/**
 * Small clusters, workloads and sequences of events for the zone's tests, and policies to run them with.
 */
import fc from 'fast-check';
import { Random } from '../../kernel/random.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, DemandTable } from '../../model/demand.ts';
import type { PodSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import type { PlacementPolicy } from '../policy/policy.ts';
import type { EffectBuffer } from './effects.ts';
import type { PlainEffect } from './zone.oracle.ts';
import type { Zone } from './zone.ts';
import { JobState, type ZoneEvent, ZoneEventKind } from './zone-events.ts';

const NODE: NodeSpec = { name: '', cpuMilli: 0, memoryMib: 0, gpuCount: 0, gpuModel: '', podsMax: 110 };

/** Kinds of nodes: with few and many GPUs, without, with a further resource, and one that takes two pods only. */
export const NODE_KINDS: readonly NodeSpec[] = [
  { ...NODE, cpuMilli: 4000, memoryMib: 8000 },
  { ...NODE, cpuMilli: 8000, memoryMib: 16000, gpuCount: 2, gpuModel: 'T4' },
  { ...NODE, cpuMilli: 8000, memoryMib: 16000, gpuCount: 4, gpuModel: 'A100', labels: { zone: 'b' } },
  { ...NODE, cpuMilli: 4000, memoryMib: 8000, extended: { 'example.com/rdma': 2 } },
  { ...NODE, cpuMilli: 9000, memoryMib: 9000, podsMax: 2 },
];

const POD: PodSpec = { cpuMilli: 0, memoryMib: 0, gpuCount: 0, gpuMilli: 0, gpuModels: [] };

/** Pod shapes that compete for those nodes in every way; the last ones fit some kinds or none. */
export const POD_KINDS: readonly PodSpec[] = [
  { ...POD, cpuMilli: 1000, memoryMib: 1000 },
  { ...POD, cpuMilli: 3000, memoryMib: 2000 },
  { ...POD, cpuMilli: 500, memoryMib: 500, gpuCount: 1, gpuMilli: 400 },
  { ...POD, cpuMilli: 500, memoryMib: 500, gpuCount: 1, gpuMilli: 700 },
  { ...POD, cpuMilli: 1000, memoryMib: 1000, gpuCount: 1, gpuMilli: 1000 },
  { ...POD, cpuMilli: 2000, memoryMib: 1000, gpuCount: 2, gpuMilli: 1000 },
  { ...POD, cpuMilli: 500, memoryMib: 500, gpuCount: 1, gpuMilli: 1000, gpuModels: ['A100'] },
  { ...POD, cpuMilli: 1000, memoryMib: 500, podsPerNodeMax: 1, spreadGroup: 'service' },
  { ...POD, cpuMilli: 1000, memoryMib: 500, extended: { 'example.com/rdma': 1 } },
  { ...POD, cpuMilli: 500, affinity: [{ key: 'zone', operator: 'In', values: ['b'] }] },
  { ...POD, cpuMilli: 8500, memoryMib: 1000 },
  { ...POD, cpuMilli: 99_000, memoryMib: 1000 },
  { ...POD },
];

/** A cluster with nodes of these kinds and all demands interned. */
export function makeCluster(kinds: readonly number[]): ClusterState {
  const demands = new DemandTable();
  const cluster = new ClusterState(demands);
  for (const pod of POD_KINDS) demands.intern(pod);
  kinds.forEach((kind, i) => {
    cluster.addNode({ ...(NODE_KINDS[kind] as NodeSpec), name: `node-${i}` });
  });
  return cluster;
}

/** The next action, before the running jobs are known: numbers pick among the present ones. */
export interface Move {
  readonly what:
    | 'submit'
    | 'finish'
    | 'finish-again'
    | 'cancel'
    | 'down'
    | 'up'
    | 'join'
    | 'tick'
    | 'recycle';
  readonly pick: number;
  readonly demand: number;
  readonly pods: number;
  readonly gang: number;
  readonly priority: number;
  readonly wait: number;
}

const whats = fc.oneof(
  { weight: 10, arbitrary: fc.constant('submit' as const) },
  { weight: 6, arbitrary: fc.constant('finish' as const) },
  { weight: 1, arbitrary: fc.constant('finish-again' as const) },
  { weight: 2, arbitrary: fc.constant('cancel' as const) },
  { weight: 2, arbitrary: fc.constant('down' as const) },
  { weight: 2, arbitrary: fc.constant('up' as const) },
  { weight: 1, arbitrary: fc.constant('join' as const) },
  { weight: 1, arbitrary: fc.constant('tick' as const) },
  { weight: 1, arbitrary: fc.constant('recycle' as const) },
);

/** Sequences of moves, mostly of one-pod jobs, with gangs among them. */
export const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.record({
    what: whats,
    pick: fc.nat(1000),
    // Few kinds come often, so that jobs of the same shape wait behind each other.
    demand: fc.oneof(fc.nat(POD_KINDS.length - 1), fc.constantFrom(0, 0, 1, 4)),
    pods: fc.oneof(fc.constantFrom(1, 2), fc.integer({ min: 1, max: 6 }), fc.integer({ min: 6, max: 30 })),
    gang: fc.nat(100),
    priority: fc.constantFrom(0, 0, 0, 5, -3),
    wait: fc.constantFrom(0, 1, 0.1, 7.25),
  }),
  { minLength: 1, maxLength: 120, size: 'max' },
);

/** Kinds of the nodes that a scenario starts with. */
export const nodeKinds: fc.Arbitrary<number[]> = fc.array(fc.nat(NODE_KINDS.length - 1), {
  minLength: 0,
  maxLength: 6,
});

/** Turns moves into events according to the zone's state. */
export class Script {
  private nextJob = 0;
  private joined = 0;
  private readonly zone: Zone;
  private readonly membersMax: number;

  constructor(zone: Zone, membersMax = 30) {
    this.zone = zone;
    this.membersMax = membersMax;
  }

  /** @returns The event that the move means now, or undefined if it means none. */
  next(move: Move): ZoneEvent | undefined {
    const { what, pick } = move;
    const nodes = this.zone.cluster.nodeCount;
    if (what === 'tick') return { kind: ZoneEventKind.Tick };
    if (what === 'join') {
      const spec = NODE_KINDS[pick % NODE_KINDS.length] as NodeSpec;
      return { kind: ZoneEventKind.NodeJoined, spec: { ...spec, name: `joined-${this.joined++}` } };
    }
    if (what === 'down' || what === 'up') {
      if (nodes === 0) return undefined;
      return { kind: what === 'up' ? ZoneEventKind.NodeUp : ZoneEventKind.NodeDown, node: pick % nodes };
    }
    if (what === 'submit') return this.submission(this.nextJob++, move);
    return this.onKnownJob(move);
  }

  private onKnownJob(move: Move): ZoneEvent | undefined {
    const jobs = Array.from({ length: this.nextJob }, (_, job) => job);
    const state = (job: number): number => this.zone.stateOf(job);
    if (move.what === 'finish') {
      const job = picked(
        jobs.filter((j) => state(j) === JobState.Running),
        move.pick,
      );
      return job === undefined
        ? undefined
        : { kind: ZoneEventKind.JobFinished, job, run: this.zone.runOf(job) };
    }
    if (move.what === 'finish-again') {
      const job = picked(
        jobs.filter((j) => state(j) !== JobState.Running),
        move.pick,
      );
      return { kind: ZoneEventKind.JobFinished, job: job ?? 7777 };
    }
    if (move.what === 'cancel') {
      const job = picked(jobs, move.pick);
      return job === undefined ? undefined : { kind: ZoneEventKind.JobCancelled, job };
    }
    const ended = picked(
      jobs.filter((j) => state(j) >= JobState.Finished),
      move.pick,
    );
    return ended === undefined ? undefined : this.submission(ended, move);
  }

  private submission(job: number, move: Move): ZoneEvent {
    const { demand, gang, priority } = move;
    const pods = 1 + ((move.pods - 1) % this.membersMax);
    const gangMin = gang < 50 ? pods : 1 + (gang % pods);
    return {
      kind: ZoneEventKind.JobSubmitted,
      job,
      demandId: demand,
      podCount: pods,
      gangMin,
      priority,
      tenant: gang % 4,
    };
  }
}

function picked(from: readonly number[], pick: number): number | undefined {
  return from.length === 0 ? undefined : from[pick % from.length];
}

/** The effects of a step as rows. */
export function rows(effects: EffectBuffer): PlainEffect[] {
  return Array.from({ length: effects.length }, (_, i) => [
    effects.kinds[i] as number,
    effects.reasons[i] as number,
    effects.jobs[i] as number,
    effects.members[i] as number,
    effects.nodes[i] as number,
    effects.gpuMasks[i] as number,
    effects.counts[i] as number,
  ]);
}

/**
 * The first node that fits. Finds a node whenever there is one. It keeps its own copy of every node's free resources,
 * updated by `nodeChanged` only, and fails if a change was not reported.
 */
export class FirstFit implements PlacementPolicy {
  readonly name: string = 'first-fit';
  gpuMask = 0;
  nodesExamined = 0;
  /** Pods reported by `demandSeen`. */
  podsSeen = 0;
  protected readonly cluster: ClusterState;
  private readonly seen: string[] = [];

  constructor(cluster: ClusterState) {
    this.cluster = cluster;
    for (let node = 0; node < cluster.nodeCount; node++) this.nodeChanged(node);
  }

  demandSeen(_demand: Demand, count = 1): void {
    this.podsSeen += count;
  }

  nodeChanged(node: number): void {
    this.seen[node] = this.fingerprint(node);
  }

  choose(demand: Demand): number {
    this.expectTold();
    return this.take(demand, this.fitting(demand)[0] ?? -1);
  }

  /** Fails if any node changed without a report. */
  expectTold(): void {
    for (let node = 0; node < this.cluster.nodeCount; node++) {
      if (this.seen[node] !== this.fingerprint(node)) throw new Error(`no report that node ${node} changed`);
    }
  }

  protected fitting(demand: Demand): number[] {
    const nodes: number[] = [];
    for (let node = 0; node < this.cluster.nodeCount; node++) {
      if (this.cluster.fits(node, demand)) nodes.push(node);
    }
    this.nodesExamined = this.cluster.nodeCount;
    return nodes;
  }

  protected take(demand: Demand, node: number): number {
    if (node >= 0) this.gpuMask = this.cluster.bestFitGpus(node, demand);
    return node;
  }

  private fingerprint(node: number): string {
    const { cluster } = this;
    const gpus = cluster.gpuIdleMilli.subarray(cluster.gpuOffsets[node], cluster.gpuOffsets[node + 1]);
    return `${cluster.up[node]} ${cluster.podCounts[node]} ${cluster.freeCpuMilli[node]} ${cluster.freeMemoryMib[node]} ${gpus}`;
  }
}

/** Any node that fits, drawn from the policy's own stream. */
export class AnyFit extends FirstFit {
  override readonly name: string = 'any-fit';
  protected readonly random: Random = new Random(5);

  override choose(demand: Demand): number {
    const nodes = this.fitting(demand);
    return this.take(demand, nodes.length === 0 ? -1 : (nodes[this.random.nextInt(nodes.length)] as number));
  }
}

/** Checks two nodes drawn at random and so misses existing room. */
export class TwoRandom extends AnyFit {
  override readonly name: string = 'two-random';

  override choose(demand: Demand): number {
    for (let i = 0; i < 2 && this.cluster.nodeCount > 0; i++) {
      const node = this.random.nextInt(this.cluster.nodeCount);
      if (this.cluster.fits(node, demand)) return this.take(demand, node);
    }
    return -1;
  }
}

/** A waiting job (or `only` this one) that could start, found by brute force; undefined if none. */
export function startable(zone: Zone, only?: number): string | undefined {
  const { cluster } = zone;
  const one = only === undefined ? undefined : zone.explain(only);
  let found: string | undefined;
  zone.forEachWaiting((demandId, podCount, gangMin) => {
    const same = one?.demandId === demandId && one.podCount === podCount && one.gangMin === gangMin;
    if (only !== undefined && !same) return;
    const demand = cluster.demands.demands[demandId] as Demand;
    const placed: [number, number][] = [];
    for (let node = 0; node < cluster.nodeCount; node++) {
      while (cluster.fits(node, demand)) {
        placed.push([node, cluster.bestFitGpus(node, demand)]);
        cluster.place(node, demand, placed.at(-1)?.[1] as number);
      }
    }
    for (const [node, gpuMask] of placed) cluster.release(node, demand, gpuMask);
    if (placed.length >= gangMin) found = `demand ${demandId}: ${placed.length} of ${gangMin} fit`;
  });
  return found;
}
