/** The measurements of a federation's run, in parts that add up over shards. */
import type { AgentHost } from '../../governor/federation/host/agent-host.ts';
import { HostCounters } from '../../governor/federation/host/host-counters.ts';
import type { ZoneGovernor } from '../../governor/federation/zone/zone-governor.ts';
import { QuantileSketch } from '../../kernel/quantile-sketch.ts';
import type { Traffic } from './network.ts';

/** Milliseconds: the unit of the sketch of waits, which is exact for integers up to 256. */
const PER_SECOND = 1000;

/** The counts of a shard as they cross threads: cloned, without their classes. */
export interface PlainMetrics {
  readonly numbers: Readonly<Record<string, number>>;
  readonly hosts: object;
  readonly waits: object;
  readonly traffic: Traffic;
}

/** Counts of one shard, or of several added up. */
export class ShardMetrics {
  readonly hosts: HostCounters = new HostCounters();
  /** From arrival to the report of the first start, milliseconds. */
  readonly waits: QuantileSketch = new QuantileSketch();
  /** Microseconds, whole ones: sums of integers do not depend on their order. */
  waitMicros = 0;
  arrived = 0;
  firstStarts = 0;
  starts = 0;
  podsStarted = 0;
  ended = 0;
  /** Jobs that waited or were deciding at the end. */
  waitingAtEnd = 0;
  /** Offers whose escrow ended unconfirmed. */
  escrowsExpired = 0;
  zoneProposals = 0;
  zoneRefusals = 0;
  readonly traffic: Traffic = { messages: 0, summaryBytes: 0, jobBytes: 0 };
  /** By job: 1: its host has seen it start. */
  private readonly hasStarted: Uint8Array;

  /** @param jobs Of the whole workload. */
  constructor(jobs: number) {
    this.hasStarted = new Uint8Array(jobs);
  }

  /** A zone starts a job. */
  started(pods: number): void {
    this.starts++;
    this.podsStarted += pods;
  }

  /** A host learns that its job runs. @param waitSeconds Since the job was submitted; NaN: not to be counted. */
  placed(job: number, waitSeconds: number): void {
    if (this.hasStarted[job] === 1) return;
    this.hasStarted[job] = 1;
    this.firstStarts++;
    if (Number.isNaN(waitSeconds)) return;
    this.waitMicros += Math.round(waitSeconds * 1e6);
    this.waits.insert(waitSeconds * PER_SECOND);
  }

  /** A job ended finally, as its host knows. */
  jobEnded(): void {
    this.ended++;
  }

  /** Adds a host's counts. */
  addHost(host: AgentHost): void {
    this.hosts.add(host.counters);
    host.forEachLine((line) => {
      this.waitingAtEnd += line.waiting.length + line.proposed;
    });
  }

  /** Adds a zone's counts. */
  addZone(zone: ZoneGovernor): void {
    this.escrowsExpired += zone.counters.expired;
    this.zoneProposals += zone.counters.proposals;
    this.zoneRefusals += zone.counters.refusals;
  }

  /** Adds the network's counts. */
  addTraffic(traffic: Traffic): void {
    this.traffic.messages += traffic.messages;
    this.traffic.summaryBytes += traffic.summaryBytes;
    this.traffic.jobBytes += traffic.jobBytes;
  }

  /** Adds another shard's measurements. */
  merge(other: ShardMetrics): void {
    this.hosts.add(other.hosts);
    this.waits.merge(other.waits);
    this.waitMicros += other.waitMicros;
    this.arrived += other.arrived;
    this.firstStarts += other.firstStarts;
    this.starts += other.starts;
    this.podsStarted += other.podsStarted;
    this.ended += other.ended;
    this.waitingAtEnd += other.waitingAtEnd;
    this.escrowsExpired += other.escrowsExpired;
    this.zoneProposals += other.zoneProposals;
    this.zoneRefusals += other.zoneRefusals;
    this.addTraffic(other.traffic);
  }

  /** @returns Everything as plain data, for another thread. */
  toPlain(): PlainMetrics {
    const { hosts, waits, traffic } = this;
    const numbers = Object.fromEntries(
      Object.entries(this).filter(([, value]) => typeof value === 'number'),
    ) as Record<string, number>;
    return { numbers, hosts, waits, traffic };
  }

  /** Adds another thread's measurements. */
  mergePlain(plain: PlainMetrics): void {
    const other = new ShardMetrics(0);
    Object.assign(other, plain.numbers);
    Object.assign(other.hosts, plain.hosts);
    Object.assign(other.waits, plain.waits);
    Object.assign(other.traffic, plain.traffic);
    this.merge(other);
  }

  /** @returns The q-quantile of the waits, seconds. */
  waitQuantile(q: number): number {
    return this.waits.quantile(q) / PER_SECOND;
  }
}
