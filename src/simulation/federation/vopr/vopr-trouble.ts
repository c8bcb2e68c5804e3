/**
 * All external events: jobs, cancellations, crashes, lost nodes, clogged links, partitions.
 *
 * Each kind is a stream of events with exponential distances. All of them end when the quiet begins.
 */
import type { Random } from '../../../kernel/random.ts';
import type { FaultyNetwork } from './faulty-network.ts';
import type { Plant } from './planted-bugs.ts';
import type { Scenario } from './scenario.ts';
import type { VoprProcess } from './vopr-process.ts';
import type { VoprWorld } from './vopr-world.ts';

/** Times beyond this many means are cut, so that the quiet does not wait for a single long one. */
const MEANS_MAX = 4;
/** Owners of jobs, in turn. */
const TENANTS = 4;
/** Share of the runs that end when the quiet begins, where any do. */
const ENDING_SHARE = 0.5;

/** The external events of one run. */
export class VoprTrouble {
  /** Time when the last process that was down at the beginning of the quiet comes back. */
  lastRestart = 0;
  private readonly scenario: Scenario;
  private readonly demandCount: number;
  private readonly world: VoprWorld;
  private readonly network: FaultyNetwork;
  private readonly random: Random;
  private readonly later: (timeSeconds: number, call: (timeSeconds: number) => void) => void;
  private readonly plant: Plant | undefined;
  private isOver = false;

  constructor(
    scenario: Scenario,
    demandCount: number,
    world: VoprWorld,
    network: FaultyNetwork,
    random: Random,
    later: (timeSeconds: number, call: (timeSeconds: number) => void) => void,
    plant: Plant | undefined,
  ) {
    this.scenario = scenario;
    this.demandCount = demandCount;
    this.world = world;
    this.network = network;
    this.random = random;
    this.later = later;
    this.plant = plant;
  }

  /** Schedules the first of each kind. */
  begin(): void {
    const { load, network, faults } = this.scenario;
    this.repeat(load.jobsPerSecond, (now) => this.submit(now));
    this.repeat(load.cancelsPerSecond, (now) => this.cancel(now));
    this.repeat(faults.crashesPerSecond, (now) => this.crash(now));
    this.repeat(faults.nodeFailuresPerSecond, (now) => this.loseNode(now));
    this.repeat(network.clogsPerSecond, (now) => this.clog(now));
    this.repeat(network.partitionsPerSecond, (now) => this.partition(now));
  }

  /** The quiet begins: everything is repaired, some runs end, no new events come. */
  end(now: number): void {
    const { world, random } = this;
    this.isOver = true;
    this.network.calm();
    this.lastRestart = now;
    for (const process of world.processes) {
      if (!process.isUp) this.restartSoon(process, now);
    }
    const { topology, truth } = world;
    const someEnd = random.nextFloat() < 0.5;
    for (let zone = 0; zone < topology.zones; zone++) {
      for (let node = 0; node < truth.nodesOf(zone); node++) {
        if (!truth.isUp(zone, node)) world.nodeUp(zone, node, now);
      }
      if (!someEnd) continue;
      for (const offer of [...truth.runsIn(zone).keys()]) {
        if (random.nextFloat() < ENDING_SHARE) world.exit(zone, offer, now);
      }
    }
  }

  /**
   * One more fault, in the quiet: a node with a part of a gang across zones fails, and returns at once. The host has to stop the
   * other parts. Before, few gangs run across zones long enough to be struck.
   *
   * @returns True if there was such a gang.
   */
  strikeGang(now: number): boolean {
    const parts = this.world.truth.allParts();
    if (parts.length === 0) return false;
    const { zone, nodes } = this.pick(parts);
    const node = this.pick(nodes);
    this.world.nodeDown(zone, node, now);
    this.world.nodeUp(zone, node, now);
    return true;
  }

  /** A process that would come back later comes back now; a host without its log not before it may. */
  private restartSoon(process: VoprProcess, now: number): void {
    const { escrowSeconds } = this.scenario.options;
    const mayAt =
      process.role === 'host' && process.mode === 'empty' ? process.crashedAt + escrowSeconds : now;
    const at = this.plant === 'early-host' ? now : Math.max(now, mayAt);
    this.lastRestart = Math.max(this.lastRestart, at);
    process.restartAt = at;
    this.later(at, (time) => this.restart(process, at, time));
  }

  private restart(process: VoprProcess, at: number, now: number): void {
    if (!process.isUp && process.restartAt === at) this.world.restart(process, now);
  }

  /** Repeats an event at a rate. */
  private repeat(perSecond: number, happen: (now: number) => void): void {
    if (perSecond <= 0) return;
    const next = (from: number) => {
      this.later(from + this.random.nextExponential() / perSecond, (now) => {
        if (this.isOver) return;
        happen(now);
        next(now);
      });
    };
    next(0);
  }

  private submit(now: number): void {
    const { world, random, scenario } = this;
    const { load } = scenario;
    const job = world.book.jobs.length;
    const host = this.pick(world.processes.filter(({ role }) => role === 'host'));
    const demandId = random.nextInt(this.demandCount);
    const isGang = random.nextFloat() < load.gangShare;
    const isGiant = load.giantShare > 0 && random.nextFloat() < load.giantShare;
    const podsMax = isGiant ? load.giantPodsMax : load.gangPodsMax;
    const podCount = isGang || isGiant ? 2 + random.nextInt(podsMax - 1) : 1;
    const gangMin = (isGang || isGiant) && random.nextFloat() < 0.7 ? podCount : 1 + random.nextInt(podCount);
    const priority = random.nextInt(3);
    const endless = random.nextFloat() < load.endlessShare;
    const duration = endless ? Number.POSITIVE_INFINITY : load.durationMeanSeconds * random.nextExponential();
    if (!host.isUp || job >= load.jobsMax) return;
    world.submit(host, { job, demandId, podCount, gangMin, priority, tenant: job % TENANTS }, duration, now);
  }

  private cancel(now: number): void {
    const { world, random } = this;
    const { jobs } = world.book;
    if (jobs.length === 0) return;
    const booked = world.book.get(random.nextInt(jobs.length));
    const host = world.processes[world.topology.zones + booked.host] as VoprProcess;
    if (!host.isUp || booked.ended !== 0 || booked.cancelled) return;
    booked.cancelled = true;
    world.faults.add('job-cancelled');
    world.step(host, { kind: 'cancel', job: booked.job }, now);
  }

  private crash(now: number): void {
    const { world, random, scenario } = this;
    const { faults, options } = scenario;
    // Half of the crashes strike a process that has just acted: between its step and the answers to it.
    const isBusy = random.nextFloat() < 0.5;
    const process = isBusy ? (world.lastBusy ?? this.pick(world.processes)) : this.pick(world.processes);
    const isEmpty = random.nextFloat() < faults.emptyShare;
    const down = faults.downMeanSeconds * Math.min(MEANS_MAX, random.nextExponential());
    if (!process.isUp) return;
    const mode = process.role === 'summary' || isEmpty ? 'empty' : 'log';
    const waits = process.role === 'host' && mode === 'empty' && this.plant !== 'early-host';
    const at = now + (waits ? Math.max(down, options.escrowSeconds) : down);
    world.crash(process, mode, now, at);
    this.later(at, (time) => this.restart(process, at, time));
  }

  private loseNode(now: number): void {
    const { world, random, scenario } = this;
    const { truth, topology } = world;
    const zone = random.nextInt(topology.zones);
    const node = random.nextInt(truth.nodesOf(zone));
    const down = scenario.faults.nodeDownMeanSeconds * Math.min(MEANS_MAX, random.nextExponential());
    if (!truth.isUp(zone, node)) return;
    world.nodeDown(zone, node, now);
    this.later(now + down, (time) => {
      if (!truth.isUp(zone, node)) world.nodeUp(zone, node, time);
    });
  }

  private clog(now: number): void {
    const { random, scenario, world } = this;
    const { processCount } = world.topology;
    const until = now + scenario.network.clogMeanSeconds * Math.min(MEANS_MAX, random.nextExponential());
    const from = random.nextInt(processCount);
    const to = random.nextInt(processCount);
    // From time to time all messages of one process.
    const all = random.nextFloat() < 0.3;
    for (let other = 0; other < processCount; other++) {
      if (all || other === to) this.network.clog(from, other, until);
    }
  }

  private partition(now: number): void {
    const { random, scenario, world, network } = this;
    const share = random.nextFloat();
    const part = world.processes.map(() => random.nextFloat() < share);
    network.partition((process) => part[process] === true, random.nextFloat() < scenario.network.oneWayShare);
    const heals = now + scenario.network.partitionMeanSeconds * Math.min(MEANS_MAX, random.nextExponential());
    const number = network.partitions;
    this.later(heals, () => {
      if (network.partitions === number) network.heal();
    });
  }

  private pick<T>(of: readonly T[]): T {
    return of[this.random.nextInt(of.length)] as T;
  }
}
