/**
 * One seed's cluster: its processes, the pods on its nodes, and every step of any of them.
 *
 * A step is: enter the input in the log, let the process take it, check, carry out its actions on the nodes, send its
 * messages. Crashes come between steps. Not here: the times of events (`vopr-run.ts`).
 */

import { gangOf, isPart } from '../../../governor/federation/federation-limits.ts';
import type { AgentHost } from '../../../governor/federation/host/agent-host.ts';
import { ClaimPhase } from '../../../governor/federation/host/gang-claim.ts';
import type { SubmittedJob } from '../../../governor/federation/host/host-jobs.ts';
import {
  type Action,
  ActionKind,
  FederationReason,
  type Message,
  MessageKind,
  Outbox,
} from '../../../governor/federation/messages.ts';
import type { Topology, TopologyNode } from '../../../governor/federation/topology.ts';
import type { ZoneGovernor } from '../../../governor/federation/zone/zone-governor.ts';
import { assert } from '../../../kernel/assert.ts';
import { Random } from '../../../kernel/random.ts';
import { ClusterState } from '../../../model/cluster-state.ts';
import { firstNodeOf } from '../federation-world.ts';
import { digestState } from './digest.ts';
import { FaultCounts } from './fault-counts.ts';
import { GangChecks } from './gang-checks.ts';
import { JobAudit } from './job-audit.ts';
import { OffersInForce } from './offers-in-force.ts';
import { forgetEscrows, makeFactory, type Plant, type PlantedFactory } from './planted-bugs.ts';
import { plantedLedger } from './planted-tax-bugs.ts';
import { PodTruth } from './pod-truth.ts';
import { applyInput, InputLog, type ProcessInput } from './process-input.ts';
import { processSize, SafetyChecks } from './safety-checks.ts';
import type { Scenario } from './scenario.ts';
import type { ScenarioSpace } from './scenario-space.ts';
import { SummaryChecks } from './summary-checks.ts';
import { TaxChecks } from './tax-checks.ts';
import { TokenAudit } from './token-audit.ts';
import { ensure } from './violation.ts';
import { type RestartMode, VoprProcess } from './vopr-process.ts';
import { Wire } from './wire.ts';

/** Streams of the seed. */
const STREAM_CHECKS = 61;
/** Steps between two thorough checks of one process. */
const CLOSER_LOOK_STEPS = 16;

/** The world's reports to an observer. */
export interface WorldObserver {
  /** A process starts, with nothing or from its log. */
  started?(process: VoprProcess, timeSeconds: number, mode: RestartMode): void;
  /** A process is about to take an input. */
  takes?(process: VoprProcess, input: ProcessInput, timeSeconds: number): void;
  /** It has taken it, and nothing of `out` is carried out yet. */
  stepped?(process: VoprProcess, input: ProcessInput, timeSeconds: number, out: Outbox): void;
  /** A process crashed. */
  crashed?(process: VoprProcess, timeSeconds: number): void;
}

/** The world's requests to its driver. */
export interface WorldDriver {
  send(message: Message, timeSeconds: number): void;
  /** The process requests a wake-up, which replaces its earlier one. */
  wakeAt(process: VoprProcess, timeSeconds: number): void;
  /** A job's pods exit then, if that run is still there. */
  exitAt(zone: number, offer: number, timeSeconds: number): void;
}

/** A cluster under test. */
export class VoprWorld {
  readonly topology: Topology;
  readonly processes: VoprProcess[] = [];
  readonly truth: PodTruth;
  readonly book: JobAudit;
  readonly faults: FaultCounts = new FaultCounts();
  readonly factory: PlantedFactory;
  /** The zone or host that last sent something about a job, or started or stopped one. */
  lastBusy: VoprProcess | undefined;
  /** Steps of processes so far. */
  steps = 0;
  private readonly plant: Plant | undefined;
  private readonly driver: WorldDriver;
  private readonly observer: WorldObserver;
  private readonly shared: ReadonlySet<object>;
  private readonly offers: OffersInForce;
  private readonly checks: SafetyChecks;
  private readonly gangs: GangChecks;
  readonly taxes: TaxChecks;
  readonly tokens: TokenAudit;
  readonly summaries: SummaryChecks;
  private readonly out = new Outbox();
  private readonly wire = new Wire();
  /** Run time of the job being submitted. */
  private submittedSeconds = 0;

  constructor(
    scenario: Scenario,
    space: ScenarioSpace,
    driver: WorldDriver,
    plant?: Plant,
    observer: WorldObserver = {},
  ) {
    const { zones, hosts, options, nodes, seed } = scenario;
    this.plant = plant;
    this.driver = driver;
    this.observer = observer;
    this.factory = makeFactory(scenario, space, plant);
    const { reader, world } = this.factory;
    this.topology = world.topology;
    const { demands, prices } = space;
    this.shared = new Set<object>([demands, prices, prices.price, prices.lattice, reader, options]);
    const cluster = new ClusterState(demands, { nodesExpected: nodes.length });
    for (const node of nodes) cluster.addNode(node);
    const firstNodes = Array.from({ length: zones + 1 }, (_, zone) => firstNodeOf(world, zone));
    this.truth = new PodTruth(cluster, firstNodes);
    this.book = new JobAudit(hosts);
    this.offers = new OffersInForce(zones);
    this.gangs = new GangChecks(this.truth, this.book);
    const tenantOf = (job: number) => this.book.get(job).tenant;
    this.taxes = new TaxChecks(options, this.processes, tenantOf);
    this.tokens = new TokenAudit(zones, tenantOf, (ledger) => plantedLedger(plant, ledger));
    const random = new Random(seed, STREAM_CHECKS);
    const { expireSeconds } = options;
    this.summaries = new SummaryChecks(
      this.topology,
      expireSeconds,
      demands.demands,
      reader,
      this.truth,
      random,
    );
    this.checks = new SafetyChecks(options, this.truth, this.book, this.offers, this.processes, zones);
    this.makeProcesses();
  }

  /** A process takes an input. It must be up. @returns True if it did: false for a submission beyond the limit. */
  step(process: VoprProcess, input: ProcessInput, timeSeconds: number): boolean {
    const taken = this.take(process, input, timeSeconds, true);
    this.rouse(process, timeSeconds);
    return taken;
  }

  /** A new job arrives at a host that is up. @returns True if it was accepted. */
  submit(process: VoprProcess, input: SubmittedJob, durationSeconds: number, timeSeconds: number): boolean {
    this.submittedSeconds = durationSeconds;
    return this.step(process, { kind: 'submit', ...input }, timeSeconds);
  }

  /** A process loses everything but its log, if it keeps one. @param restartAt When it comes back. */
  crash(process: VoprProcess, mode: RestartMode, timeSeconds: number, restartAt: number): void {
    assert(process.process !== undefined, 'a crashed process crashes again');
    if (mode === 'log') process.digest = digestState(process.process, this.shared);
    this.observer.crashed?.(process, timeSeconds);
    this.faults.add(`${process.role}-crash-${mode}` as 'zone-crash-log');
    process.process = undefined;
    process.mode = mode;
    process.crashedAt = timeSeconds;
    process.restartAt = restartAt;
    this.driver.wakeAt(process, Number.POSITIVE_INFINITY);
  }

  /** A process comes back. @throws Violation if its state differs although it has its log. */
  restart(process: VoprProcess, timeSeconds: number): void {
    assert(process.process === undefined, 'a running process is started again');
    this.taxes.returned(process.id);
    if (process.mode === 'log') this.replay(process, timeSeconds);
    else this.startEmpty(process, timeSeconds);
    this.teach(process, process.news.splice(0), timeSeconds);
    this.checkAfter(process, timeSeconds);
    this.rouse(process, timeSeconds);
  }

  /** A node is lost, with its pods. */
  nodeDown(zone: number, node: number, timeSeconds: number): void {
    const process = this.processes[zone] as VoprProcess;
    this.faults.add('node-down');
    this.truth.nodeDown(zone, node);
    this.tell(process, { kind: 'node-down', node }, timeSeconds);
  }

  /** A node takes pods again. */
  nodeUp(zone: number, node: number, timeSeconds: number): void {
    this.truth.nodeUp(zone, node);
    this.tell(this.processes[zone] as VoprProcess, { kind: 'node-up', node }, timeSeconds);
  }

  /** The pods of a run end on their own, if they still exist. @returns True if they did. */
  exit(zone: number, offer: number, timeSeconds: number): boolean {
    const run = this.truth.end(zone, offer, FederationReason.Finished);
    if (run === undefined) return false;
    this.book.get(run.job).finished = true;
    this.gangs.exited(run.job, zone, offer);
    this.tell(this.processes[zone] as VoprProcess, { kind: 'exit', job: run.job, offer }, timeSeconds);
    return true;
  }

  /** No gang is left half running, but those that are starting or stopping right now. */
  checkGangs(): void {
    this.gangs.checkWhole(({ job, host }) => {
      const phase = (this.processes[this.topology.zones + host] as VoprProcess).host.claims.of(job)?.phase;
      return phase !== undefined && phase >= ClaimPhase.Confirming && phase !== ClaimPhase.Running;
    });
  }

  /** Checks all running processes thoroughly. */
  checkWhole(timeSeconds: number): void {
    this.tokens.checkLog();
    for (const process of this.processes) this.lookClosely(process, timeSeconds);
  }

  private makeProcesses(): void {
    const { zones, hosts, nodes } = this.topology;
    for (let zone = 0; zone < zones; zone++) this.processes.push(new VoprProcess(zone, 'zone', zone));
    for (let host = 0; host < hosts; host++) this.processes.push(new VoprProcess(zones + host, 'host', host));
    for (const [i, { id }] of nodes.entries()) this.processes.push(new VoprProcess(id, 'summary', i));
    for (const process of this.processes) {
      this.make(process, new InputLog(1, 0));
      this.observer.started?.(process, 0, 'empty');
      this.rouse(process, 0);
    }
  }

  private rouse(process: VoprProcess, timeSeconds: number): void {
    assert(process.process !== undefined, 'a crashed process has a wake-up');
    this.driver.wakeAt(process, Math.max(timeSeconds, process.process.wakeAt));
  }

  /** Makes a fresh process for a log. */
  private make(process: VoprProcess, log: InputLog): void {
    const { incarnation, startedAt } = log;
    const role = process.role;
    const index = process.index;
    process.log = log;
    if (role === 'zone') process.process = this.factory.zoneGovernor(index, incarnation, startedAt);
    else if (role === 'host') process.process = this.factory.agentHost(index, incarnation, startedAt);
    else {
      const node = this.topology.nodes[index] as TopologyNode;
      process.process = this.factory.summaryNode(node, incarnation, startedAt);
      this.summaries.started(process.id);
    }
  }

  private replay(process: VoprProcess, timeSeconds: number): void {
    this.make(process, process.log);
    assert(process.process !== undefined, 'a process that was just made');
    process.log.replay(process.process, this.out, (step, { actions }) => {
      this.tokens.hostStepped(actions, process.log.positionOf(step), timeSeconds, true);
    });
    if (process.role === 'zone') this.tokens.zoneReturned(process.governor);
    const same = digestState(process.process, this.shared) === process.digest;
    ensure(
      same,
      () => `${process.name} has a different state after it replayed its log of ${process.log.length}`,
    );
    this.observer.started?.(process, timeSeconds, 'log');
    // After the comparison, which would show it at once: the other checks have to find it.
    if (this.plant === 'forgotten-escrow' && process.role === 'zone') {
      forgetEscrows(process.governor, timeSeconds);
    }
  }

  private startEmpty(process: VoprProcess, timeSeconds: number): void {
    const role = process.role;
    this.make(process, new InputLog(process.log.incarnation + 1, timeSeconds));
    this.observer.started?.(process, timeSeconds, 'empty');
    process.news.length = 0;
    if (role === 'zone') this.tokens.zoneLost(process.index, this.steps, timeSeconds);
    if (role === 'host') this.taxes.forgotten(process.id, timeSeconds);
    if (role === 'zone') this.teachZone(process, timeSeconds);
    else if (role === 'host') this.teachHost(process, timeSeconds);
  }

  /** A zone without its log recovers from its nodes. */
  private teachZone(process: VoprProcess, timeSeconds: number): void {
    const { truth } = this;
    const zone = process.index;
    this.offers.forgetAll(zone);
    const lessons: ProcessInput[] = [];
    for (let node = 0; node < truth.nodesOf(zone); node++) {
      if (!truth.isUp(zone, node)) lessons.push({ kind: 'node-down', node });
    }
    for (const { demand, ...run } of truth.runsIn(zone).values()) {
      lessons.push({ kind: 'adopt-run', run: { ...run, demandId: demand.id } });
    }
    for (const { job, offer, host, reason } of truth.endedIn(zone).values()) {
      lessons.push({ kind: 'adopt-ended', job, offer, host, reason });
    }
    this.teach(process, lessons, timeSeconds);
  }

  /** A host without its log recovers from the owners of its jobs and from the nodes. */
  private teachHost(process: VoprProcess, timeSeconds: number): void {
    const { truth, book } = this;
    const lessons: ProcessInput[] = [];
    for (const job of [...book.liveOf(process.index)]) {
      const booked = book.get(job);
      const { demandId, podCount, gangMin, priority, tenant } = booked;
      const input = { job, demandId, podCount, gangMin, priority, tenant };
      const run = truth.runOf(job);
      const parts = [...truth.partsOf(job)];
      const isOver = booked.finished ? 1 : 0;
      for (const { job: part, zone, offer, nodes } of parts) {
        lessons.push({ kind: 'adopt-part', ...input, part, zone, offer, pods: nodes.length, isOver });
      }
      if (parts.length > 0) {
        if (booked.cancelled) lessons.push({ kind: 'cancel', job });
      } else if (run !== undefined) {
        lessons.push({ kind: 'adopt-job', ...input, zone: run.zone, offer: run.offer });
        if (booked.cancelled) lessons.push({ kind: 'cancel', job });
      } else if (booked.finished) book.ended(job, FederationReason.Finished, false);
      else if (booked.cancelled) book.ended(job, FederationReason.Cancelled, false);
      else lessons.push({ kind: 'submit', ...input });
    }
    this.teach(process, lessons, timeSeconds);
  }

  /** Gives inputs without a check of the state in between, where a restarting process has only half of it. */
  private teach(process: VoprProcess, lessons: readonly ProcessInput[], timeSeconds: number): void {
    for (const input of lessons) this.take(process, input, timeSeconds, false);
  }

  /** @param isWhole True if the process has its complete state after the input. */
  private take(process: VoprProcess, input: ProcessInput, timeSeconds: number, isWhole: boolean): boolean {
    const { out } = this;
    assert(process.process !== undefined, 'an input for a process that has crashed');
    this.steps++;
    if (process.role === 'zone') this.offers.before(process.governor, input);
    if (input.kind === 'receive') this.summaries.received(input.message, timeSeconds);
    if (input.kind === 'receive' && process.role === 'host') this.gangs.heard(input.message);
    const size = processSize(process);
    process.log.append(input, timeSeconds, this.steps);
    this.observer.takes?.(process, input, timeSeconds);
    const taken = applyInput(process.process, input, timeSeconds, out);
    if (taken && input.kind === 'submit') this.accepted(process, input);
    for (const [i, message] of out.messages.entries()) out.messages[i] = this.wire.carry(message);
    this.observer.stepped?.(process, input, timeSeconds, out);
    this.checks.checkOutbox(process, out, size);
    if (process.role === 'host') this.hostStepped(process.host, timeSeconds);
    else if (process.role === 'zone') this.zoneStepped(process.governor, timeSeconds);
    if (out.actions.length > 0 || out.messages.some((message) => 'job' in message && message.job > 0))
      this.lastBusy = process;
    for (const action of out.actions) this.carryOut(process, action, timeSeconds);
    if (isWhole) this.checkAfter(process, timeSeconds);
    if (input.kind === 'receive' && process.role === 'host') this.checkGang(process.host, input.message);
    for (const message of out.messages) this.driver.send(message, timeSeconds);
    out.clear();
    return taken;
  }

  private checkGang(host: AgentHost, message: Message): void {
    if ('job' in message && isPart(message.job)) this.checks.checkGang(host, gangOf(message.job));
  }

  private hostStepped(host: AgentHost, timeSeconds: number): void {
    const { out } = this;
    this.gangs.stepped(out, timeSeconds);
    this.taxes.hostStepped(host, out, timeSeconds);
    this.tokens.hostStepped(out.actions, this.steps, timeSeconds, false);
  }

  private zoneStepped(governor: ZoneGovernor, timeSeconds: number): void {
    this.taxes.zoneStepped(governor, this.out, timeSeconds);
    this.tokens.zoneStepped(governor, this.steps, timeSeconds);
  }

  /** The nodes of a zone changed: its governor is informed now, or when it comes back. */
  private tell(process: VoprProcess, input: ProcessInput, timeSeconds: number): void {
    if (process.isUp) this.step(process, input, timeSeconds);
    else process.news.push(input);
  }

  private accepted(process: VoprProcess, input: ProcessInput & { kind: 'submit' }): void {
    if (input.job < this.book.jobs.length) return;
    this.book.submitted(input, process.index, this.submittedSeconds);
  }

  private carryOut(process: VoprProcess, action: Action, timeSeconds: number): void {
    const { truth, book } = this;
    const { kind, job, offer, zone, local, reason, doneSeconds } = action;
    switch (kind) {
      case ActionKind.Start: {
        book.started(job, process.governor.arbiter.zone.tenantOf(local), this.gangs.isLate(job, zone, offer));
        truth.start(process.governor, job, offer, local);
        if (isPart(job)) this.gangs.started(job, zone, offer);
        const left = book.get(job).durationSeconds - doneSeconds;
        if (left < Number.POSITIVE_INFINITY) {
          this.driver.exitAt(zone, offer, timeSeconds + Math.max(0, left));
        }
        break;
      }
      case ActionKind.Stop: {
        const run = truth.end(zone, offer, reason);
        ensure(
          run?.job === job,
          () => `zone ${zone} stops job ${job} (offer ${offer}), which does not run there`,
        );
        break;
      }
      case ActionKind.Forget:
        truth.forget(zone, offer);
        break;
      case ActionKind.JobEnded:
        book.ended(job, reason, truth.podsOf(job) > 0);
        break;
      case ActionKind.JobPlaced:
        ensure(book.get(job).starts > 0, () => `job ${job} is said to run and was never started`);
        break;
    }
  }

  private checkAfter(process: VoprProcess, timeSeconds: number): void {
    const role = process.role;
    if (role === 'zone') this.checks.checkZone(process.governor, timeSeconds);
    else if (role === 'host') this.checks.checkHost(process.host);
    for (const message of this.out.messages) {
      if (message.kind !== MessageKind.Summary) continue;
      if (role === 'zone') this.summaries.zonePublishes(message, process.governor, timeSeconds);
      else this.summaries.nodePublishes(message, timeSeconds);
    }
    if (this.steps % CLOSER_LOOK_STEPS !== 0) return;
    const turn = Math.floor(this.steps / CLOSER_LOOK_STEPS) % this.processes.length;
    this.lookClosely(this.processes[turn] as VoprProcess, timeSeconds);
  }

  private lookClosely(process: VoprProcess, timeSeconds: number): void {
    if (!process.isUp) return;
    if (process.role === 'zone') this.checks.checkZoneWhole(process.governor, timeSeconds);
    else if (process.role === 'host') this.checks.checkHostWhole(process.host);
  }
}
