/**
 * A part of a federation in virtual time: some zones with their hosts and summary nodes, and all their events.
 *
 * Shards run side by side, one window of time after the other; no message is faster than a window is long, so an event
 * in one shard cannot affect another before the next window. All envelopes, also those between processes of one shard,
 * are delivered between windows in one order: so the same bits come out for any number of shards.
 *
 * Invariants: events of a process happen in the same order in any shard; a shard never reads another's state.
 */
import { gangOf, isPart } from '../../governor/federation/federation-limits.ts';
import type { AgentHost } from '../../governor/federation/host/agent-host.ts';
import { type Action, ActionKind, Outbox, type Process } from '../../governor/federation/messages.ts';
import { homeZoneOf, hostProcess } from '../../governor/federation/topology.ts';
import type { ZoneGovernor } from '../../governor/federation/zone/zone-governor.ts';
import { TEG_DEFAULTS } from '../../governor/policy/teg-options.ts';
import { assert } from '../../kernel/assert.ts';
import { EventQueue } from '../../kernel/event-queue.ts';
import { splitmix32 } from '../../kernel/random.ts';
import { TimeHeap } from '../../kernel/time-heap.ts';
import type { FailureOptions } from '../inputs/failures.ts';
import { NodeFailures } from '../inputs/failures.ts';
import type { JobTable } from '../inputs/job-table.ts';
import { type FederationWorld, firstNodeOf, ProcessFactory } from './federation-world.ts';
import { type Envelope, Network, type NetworkOptions } from './network.ts';
import { ShardMetrics } from './shard-metrics.ts';

/** Cost of a move to a job: saving its state, and reading it again. */
const MOVE_COST_SECONDS = 30;

/** The next event: one record a pending event. */
interface Pending {
  readonly kind: 'envelope' | 'wake' | 'exit' | 'down' | 'up';
  /** Process; of `exit`, `down` and `up` the zone. */
  readonly process: number;
  readonly envelope: Envelope | undefined;
  /** Of `exit`. */
  readonly job: number;
  readonly offer: number;
  /** Of `down` and `up`: index in the whole cluster. */
  readonly node: number;
}

/** The inputs of a shard. */
export interface ShardOptions {
  readonly world: FederationWorld;
  readonly jobs: JobTable;
  readonly network: NetworkOptions;
  readonly failures?: FailureOptions;
  /** Waits of jobs that arrive before are not counted; default 0. */
  readonly warmupSeconds?: number;
  readonly index: number;
  readonly count: number;
}

/** Progress of a shard. */
export interface ShardStatus {
  /** Jobs of this shard's hosts that have not arrived. */
  readonly jobsToCome: number;
  /** Runs in its zones that will end on their own. */
  readonly finiteRuns: number;
  readonly jobsEnded: number;
  readonly runningGpuMilli: number;
  readonly runningCpuMilli: number;
  /** When a job last arrived, started or ended; −Infinity: never. */
  readonly progressAt: number;
}

/** A shard. */
export class Shard {
  readonly metrics: ShardMetrics;
  readonly network: Network;
  private readonly options: ShardOptions;
  private readonly factory: ProcessFactory;
  private readonly processes = new Map<number, Process>();
  private readonly zones: ZoneGovernor[] = [];
  private readonly hosts: AgentHost[] = [];
  private readonly queue = new EventQueue();
  private readonly pending: (Pending | undefined)[] = [];
  private readonly freeSlots: number[] = [];
  /** When a wake-up is queued for a process. */
  private readonly wakes = new Map<number, number>();
  private readonly out = new Outbox();
  /** Envelopes by shard, since they were last taken. */
  private outgoing: Envelope[][];
  private nextJob = 0;
  private jobsToCome = 0;
  private finiteRuns = 0;
  private progressAt = Number.NEGATIVE_INFINITY;
  private readonly failures: NodeFailures | undefined;
  /** Time when enough jobs have left for all zones to expect departures; Infinity: never, or it has passed. */
  private leavingAt: number;

  constructor(options: ShardOptions) {
    const { world, jobs, index, count, network } = options;
    this.options = options;
    this.factory = new ProcessFactory(world);
    this.network = new Network(network, world.seed);
    this.metrics = new ShardMetrics(jobs.count);
    this.outgoing = Array.from({ length: count }, () => []);
    const { topology } = world;
    for (let zone = 0; zone < topology.zones; zone++) {
      if (this.shardOfZone(zone) === index) this.addZone(this.factory.zoneGovernor(zone, 1, 0));
    }
    for (let host = 0; host < topology.hosts; host++) {
      if (this.shardOfZone(homeZoneOf(topology, host)) === index)
        this.addHost(this.factory.agentHost(host, 1, 0));
    }
    for (const node of topology.nodes) {
      if (this.shardOfZone(node.firstZone) === index) this.add(this.factory.summaryNode(node, 1, 0));
    }
    for (let job = 0; job < jobs.count; job++) if (this.isOurs(job)) this.jobsToCome++;
    this.leavingAt = timeOfEnd(jobs, TEG_DEFAULTS.learning.departuresMin);
    this.failures = options.failures && new NodeFailures(world.seed, world.nodes.length, options.failures);
    this.scheduleFailures();
  }

  /** Takes envelopes. They must be in the order of `compareEnvelopes` and not before the next window. */
  deliver(envelopes: readonly Envelope[]): void {
    for (const envelope of envelopes) {
      this.push(envelope.arrivesAt, {
        kind: 'envelope',
        process: envelope.message.to,
        envelope,
        job: 0,
        offer: 0,
        node: 0,
      });
    }
  }

  /** Processes all events before `untilSeconds`. */
  run(untilSeconds: number): void {
    const { jobs } = this.options;
    for (;;) {
      const next = this.queue.peekTime();
      const arrival =
        this.nextJob < jobs.count ? (jobs.submitSeconds[this.nextJob] as number) : Number.POSITIVE_INFINITY;
      if (Math.min(next, arrival) >= untilSeconds) return;
      if (arrival <= next) this.arrive(this.nextJob++, arrival);
      else this.happen(next);
    }
  }

  /** @returns Time of the next event; Infinity: none. */
  nextSeconds(): number {
    const { jobs } = this.options;
    const arrival =
      this.nextJob < jobs.count ? (jobs.submitSeconds[this.nextJob] as number) : Number.POSITIVE_INFINITY;
    return Math.min(arrival, this.queue.peekTime());
  }

  /** @returns Envelopes for a shard since the last call, in no particular order. */
  takeOutgoing(shard: number): Envelope[] {
    const envelopes = this.outgoing[shard] as Envelope[];
    this.outgoing[shard] = [];
    return envelopes;
  }

  /** @returns Its progress. */
  status(): ShardStatus {
    let runningGpuMilli = 0;
    let runningCpuMilli = 0;
    for (const { ledger } of this.zones) {
      runningGpuMilli += ledger.runningGpuMilli;
      runningCpuMilli += ledger.runningCpuMilli;
    }
    return {
      jobsToCome: this.jobsToCome,
      finiteRuns: this.finiteRuns,
      jobsEnded: this.metrics.ended,
      runningGpuMilli,
      runningCpuMilli,
      progressAt: this.progressAt,
    };
  }

  /** Adds up the hosts' counts. Call once, at the end. */
  finish(): ShardMetrics {
    for (const host of this.hosts) this.metrics.addHost(host);
    for (const zone of this.zones) this.metrics.addZone(zone);
    this.metrics.addTraffic(this.network.traffic);
    return this.metrics;
  }

  /** Recomputes all accounts of all zones. For tests. @throws Error (a bug) at the first disagreement. */
  check(): void {
    for (const { arbiter } of this.zones) arbiter.zone.check();
  }

  private shardOfZone(zone: number): number {
    // Whole groups of zones, so that summaries mostly stay in their shard.
    const { world, count } = this.options;
    const { fanOut } = world.options;
    const groups = Math.ceil(world.topology.zones / fanOut);
    return Math.floor((Math.floor(zone / fanOut) * count) / groups) % count;
  }

  private shardOf(process: number): number {
    const { topology } = this.options.world;
    if (process < topology.zones) return this.shardOfZone(process);
    if (process < topology.zones + topology.hosts) {
      return this.shardOfZone(homeZoneOf(topology, process - topology.zones));
    }
    const node = topology.nodes[process - topology.zones - topology.hosts];
    assert(node !== undefined, 'a message to a process that does not exist');
    return this.shardOfZone(node.firstZone);
  }

  /** Jobs are spread over hosts by a hash of their number. */
  private hostOf(job: number): number {
    return splitmix32(job) % this.options.world.topology.hosts;
  }

  private isOurs(job: number): boolean {
    const { topology } = this.options.world;
    return this.shardOfZone(homeZoneOf(topology, this.hostOf(job))) === this.options.index;
  }

  private addZone(zone: ZoneGovernor): void {
    this.zones.push(zone);
    this.add(zone);
  }

  private addHost(host: AgentHost): void {
    this.hosts.push(host);
    this.add(host);
  }

  private add(process: Process): void {
    this.processes.set(process.id, process);
    this.rouse(process);
  }

  private process<T extends Process>(id: number): T {
    const process = this.processes.get(id);
    assert(process !== undefined, 'an event for a process of another shard');
    return process as T;
  }

  private arrive(job: number, timeSeconds: number): void {
    const { jobs } = this.options;
    const podCount = jobs.podCounts[job] as number;
    // Every shard sees every arrival, so that all expect the same workload.
    if (timeSeconds >= this.leavingAt) this.expectDepartures();
    this.factory.demandSeen(jobs.demandOf(job), podCount);
    if (!this.isOurs(job)) return;
    this.jobsToCome--;
    this.metrics.arrived++;
    this.progressAt = timeSeconds;
    const host = this.process<AgentHost>(hostProcess(this.options.world.topology, this.hostOf(job)));
    const demandId = jobs.demandIds[job] as number;
    const gangMin = jobs.gangMins[job] as number;
    const priority = jobs.priorities[job] as number;
    const tenant = jobs.tenantIds[job] as number;
    host.submit({ job, demandId, podCount, gangMin, priority, tenant }, timeSeconds, this.out);
    this.settle(host, timeSeconds);
  }

  /**
   * Departures are counted by zones of all shards; the workload determines when there are enough, equally everywhere.
   */
  private expectDepartures(): void {
    this.leavingAt = Number.POSITIVE_INFINITY;
    for (let i = 0; i < TEG_DEFAULTS.learning.departuresMin; i++) this.factory.departureSeen();
  }

  private happen(timeSeconds: number): void {
    const slot = this.queue.pop();
    const event = this.pending[slot] as Pending;
    this.pending[slot] = undefined;
    this.freeSlots.push(slot);
    const process = this.process(event.process);
    switch (event.kind) {
      case 'envelope':
        process.receive((event.envelope as Envelope).message, timeSeconds, this.out);
        break;
      case 'wake':
        if (this.wakes.get(event.process) === timeSeconds) this.wakes.delete(event.process);
        process.wake(timeSeconds, this.out);
        break;
      case 'exit':
        this.finiteRuns--;
        (process as ZoneGovernor).podsExited(event.job, event.offer, timeSeconds, this.out);
        break;
      case 'down':
      case 'up':
        this.turn(process as ZoneGovernor, event, timeSeconds);
        break;
    }
    this.settle(process, timeSeconds);
  }

  /** Sends a step's messages, carries its actions out, and schedules the next wake-up. */
  private settle(process: Process, timeSeconds: number): void {
    const { out } = this;
    for (const message of out.messages) {
      const envelopes = this.outgoing[this.shardOf(message.to)] as Envelope[];
      this.network.send(message, timeSeconds, envelopes);
    }
    for (const action of out.actions) this.carryOut(action, timeSeconds);
    out.clear();
    this.rouse(process);
  }

  private carryOut(action: Action, timeSeconds: number): void {
    const { jobs } = this.options;
    const { kind, job, offer, zone } = action;
    if (kind === ActionKind.Start) {
      this.progressAt = timeSeconds;
      const governor = this.process<ZoneGovernor>(zone);
      this.metrics.started(
        isPart(job) ? (governor.ledger.pods[action.local] as number) : (jobs.podCounts[job] as number),
      );
      const duration = jobs.durationSeconds[gangOf(job)] as number;
      if (duration === Number.POSITIVE_INFINITY) return;
      this.finiteRuns++;
      const { doneSeconds } = action;
      const rest = doneSeconds > 0 ? Math.max(0, duration - doneSeconds) + MOVE_COST_SECONDS : duration;
      this.push(timeSeconds + rest, {
        kind: 'exit',
        process: zone,
        envelope: undefined,
        job,
        offer,
        node: 0,
      });
    } else if (kind === ActionKind.JobEnded) {
      this.progressAt = timeSeconds;
      this.metrics.jobEnded();
    } else if (kind === ActionKind.JobPlaced) {
      const submitted = jobs.submitSeconds[job] as number;
      const isWarm = submitted >= (this.options.warmupSeconds ?? 0);
      this.metrics.placed(job, isWarm ? timeSeconds - submitted : Number.NaN);
    }
  }

  private turn(zone: ZoneGovernor, event: Pending, timeSeconds: number): void {
    const failures = this.failures as NodeFailures;
    const local = event.node - firstNodeOf(this.options.world, zone.id);
    const isDown = event.kind === 'down';
    if (isDown) zone.nodeDown(local, timeSeconds, this.out);
    else zone.nodeUp(local, timeSeconds, this.out);
    const span = isDown ? failures.nextDownSeconds(event.node) : failures.nextUpSeconds(event.node);
    this.push(timeSeconds + span, { ...event, kind: isDown ? 'up' : 'down' });
  }

  private scheduleFailures(): void {
    const { failures } = this;
    if (failures === undefined) return;
    const { world } = this.options;
    for (const zone of this.zones) {
      for (let node = firstNodeOf(world, zone.id); node < firstNodeOf(world, zone.id + 1); node++) {
        this.push(failures.nextUpSeconds(node), {
          kind: 'down',
          process: zone.id,
          envelope: undefined,
          job: 0,
          offer: 0,
          node,
        });
      }
    }
  }

  private rouse(process: Process): void {
    const wakeAt = process.wakeAt;
    if (wakeAt === Number.POSITIVE_INFINITY) return;
    if ((this.wakes.get(process.id) ?? Number.POSITIVE_INFINITY) <= wakeAt) return;
    this.wakes.set(process.id, wakeAt);
    this.push(wakeAt, {
      kind: 'wake',
      process: process.id,
      envelope: undefined,
      job: 0,
      offer: 0,
      node: 0,
    });
  }

  private push(timeSeconds: number, event: Pending): void {
    const slot = this.freeSlots.pop() ?? this.pending.length;
    this.pending[slot] = event;
    this.queue.push(timeSeconds, slot);
  }
}

/**
 * @returns Earliest time by which the n-th job has ended, if each starts when it arrives; Infinity if fewer end. O(jobs
 *   × log n).
 */
function timeOfEnd(jobs: JobTable, n: number): number {
  // The n earliest ends, the latest of them in front.
  const latest = new TimeHeap();
  for (let job = 0; job < jobs.count; job++) {
    const submit = jobs.submitSeconds[job] as number;
    const end = submit + (jobs.durationSeconds[job] as number);
    if (latest.size === n && submit > -(latest.times[0] as number)) break;
    if (end === Number.POSITIVE_INFINITY) continue;
    latest.push(-end, job, job);
    if (latest.size > n) latest.pop();
  }
  return latest.size < n ? Number.POSITIVE_INFINITY : -(latest.times[0] as number);
}
