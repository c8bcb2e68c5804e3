/**
 * The pods that really run on the nodes: those that zones started, until they exit, are stopped or lose a node; and how
 * ended ones ended, until the zone reports that the record is no longer needed.
 *
 * It keeps its own accounts of all nodes, by the actions alone, so that a zone that overfills a node is caught
 * independently of the zone's own accounts.
 */
import { gangOf, isPart } from '../../../governor/federation/federation-limits.ts';
import type { FederationReasonCode } from '../../../governor/federation/messages.ts';
import { FederationReason } from '../../../governor/federation/messages.ts';
import type { ZoneGovernor } from '../../../governor/federation/zone/zone-governor.ts';
import { podsFitting } from '../../../governor/zone/zone-capacity.ts';
import type { ClusterState } from '../../../model/cluster-state.ts';
import type { Demand } from '../../../model/demand.ts';
import { ensure } from './violation.ts';

/** A running job. */
export interface PodRun {
  readonly job: number;
  readonly offer: number;
  readonly host: number;
  readonly zone: number;
  readonly demand: Demand;
  /** As the zone's records say. */
  readonly tenant: number;
  /** In the zone's numbers. @shape [pods] */
  readonly nodes: readonly number[];
  /** @shape [pods] */
  readonly gpuMasks: readonly number[];
}

/** A run that ended. */
export interface Tombstone {
  readonly job: number;
  readonly offer: number;
  readonly host: number;
  readonly reason: FederationReasonCode;
}

const NO_PARTS: ReadonlySet<PodRun> = new Set();

/** All nodes of a run. */
export class PodTruth {
  /** All nodes, zone after zone. */
  readonly cluster: ClusterState;
  private readonly firstNodes: readonly number[];
  private readonly byJob = new Map<number, PodRun>();
  /** Running parts of gangs across zones. */
  private readonly byGang = new Map<number, Set<PodRun>>();
  /** By zone and offer, in the order of starts. */
  private readonly runs: Map<number, PodRun>[];
  private readonly ended: Map<number, Tombstone>[];

  /** @param cluster Empty. @param firstNodes Where each zone's nodes begin, and where the last one's end. */
  constructor(cluster: ClusterState, firstNodes: readonly number[]) {
    this.cluster = cluster;
    this.firstNodes = firstNodes;
    this.runs = firstNodes.slice(1).map(() => new Map());
    this.ended = firstNodes.slice(1).map(() => new Map());
  }

  /** @returns The run of a job; undefined if it does not run. */
  runOf(job: number): PodRun | undefined {
    return this.byJob.get(job);
  }

  /** @returns The running parts of a gang across zones; none if it runs in one. */
  partsOf(gang: number): ReadonlySet<PodRun> {
    return this.byGang.get(gang) ?? NO_PARTS;
  }

  /** @returns The running parts of all gangs across zones, in the order of the gangs' first parts. O(parts). */
  allParts(): PodRun[] {
    return [...this.byGang.values()].flatMap((parts) => [...parts]);
  }

  /** @returns Pods of a job that run, in all zones. */
  podsOf(job: number): number {
    let pods = this.byJob.get(job)?.nodes.length ?? 0;
    for (const part of this.partsOf(job)) pods += part.nodes.length;
    return pods;
  }

  /** @returns Room for pods of a demand in a zone, whatever its governor holds for offers. O(nodes). */
  slotsIn(zone: number, demand: Demand): number {
    let slots = 0;
    for (let node = 0; node < this.nodesOf(zone); node++) {
      slots += podsFitting(this.cluster, this.nodeOf(zone, node), demand);
    }
    return slots;
  }

  /** Jobs that run. */
  get running(): number {
    return this.byJob.size;
  }

  /** @returns The runs of a zone by offer. */
  runsIn(zone: number): ReadonlyMap<number, PodRun> {
    return this.runs[zone] as Map<number, PodRun>;
  }

  /** @returns Runs of a zone that ended and are not dropped, by offer. */
  endedIn(zone: number): ReadonlyMap<number, Tombstone> {
    return this.ended[zone] as Map<number, Tombstone>;
  }

  /** @returns The index of a zone's node in `cluster`. */
  nodeOf(zone: number, node: number): number {
    return (this.firstNodes[zone] as number) + node;
  }

  /** @returns Nodes of a zone. */
  nodesOf(zone: number): number {
    return (this.firstNodes[zone + 1] as number) - (this.firstNodes[zone] as number);
  }

  /** A zone starts a job. @throws Violation if the job runs already, or a node has no room. */
  start(governor: ZoneGovernor, job: number, offer: number, local: number): PodRun {
    const zone = governor.id;
    const { ledger } = governor;
    const nodes: number[] = [];
    const gpuMasks: number[] = [];
    governor.arbiter.zone.forEachPod(local, (_, node, gpuMask) => {
      nodes.push(node);
      gpuMasks.push(gpuMask);
    });
    const before = this.byJob.get(job);
    ensure(before === undefined, () => `job ${job} starts in zone ${zone} and runs in zone ${before?.zone}`);
    ensure(nodes.length > 0, () => `zone ${zone} starts job ${job} (offer ${offer}) without a single pod`);
    const demand = governor.arbiter.zone.demandOf(local);
    const tenant = governor.arbiter.zone.tenantOf(local);
    const host = ledger.hosts[local] as number;
    const run = { job, offer, host, zone, demand, tenant, nodes, gpuMasks };
    for (const [i, node] of nodes.entries()) {
      const at = this.nodeOf(zone, node);
      const fits = this.cluster.fits(at, demand);
      ensure(
        fits,
        () => `zone ${zone} starts job ${job} on its node ${node}, which is down or has no room for it`,
      );
      this.cluster.place(at, demand, gpuMasks[i] as number);
    }
    this.byJob.set(job, run);
    if (isPart(job)) this.byGang.set(gangOf(job), new Set([...this.partsOf(gangOf(job)), run]));
    (this.runs[zone] as Map<number, PodRun>).set(offer, run);
    return run;
  }

  /** A run ends. @returns It; undefined if there is no such run any more. */
  end(zone: number, offer: number, reason: FederationReasonCode): PodRun | undefined {
    const runs = this.runs[zone] as Map<number, PodRun>;
    const run = runs.get(offer);
    if (run === undefined) return undefined;
    for (const [i, node] of run.nodes.entries()) {
      this.cluster.release(this.nodeOf(zone, node), run.demand, run.gpuMasks[i] as number);
    }
    runs.delete(offer);
    this.byJob.delete(run.job);
    const parts = this.byGang.get(gangOf(run.job));
    parts?.delete(run);
    if (parts?.size === 0) this.byGang.delete(gangOf(run.job));
    const { job, host } = run;
    (this.ended[zone] as Map<number, Tombstone>).set(offer, { job, offer, host, reason });
    return run;
  }

  /** A node is lost: every job with a pod on it ends. */
  nodeDown(zone: number, node: number): void {
    for (const run of [...this.runsIn(zone).values()]) {
      if (run.nodes.includes(node)) this.end(zone, run.offer, FederationReason.NodeLost);
    }
    this.cluster.setUp(this.nodeOf(zone, node), false);
  }

  /** A node takes pods again. */
  nodeUp(zone: number, node: number): void {
    this.cluster.setUp(this.nodeOf(zone, node), true);
  }

  /** @returns True if a node is up. */
  isUp(zone: number, node: number): boolean {
    return this.cluster.up[this.nodeOf(zone, node)] === 1;
  }

  /** The end of a run need not be known any more. */
  forget(zone: number, offer: number): void {
    (this.ended[zone] as Map<number, Tombstone>).delete(offer);
  }
}
