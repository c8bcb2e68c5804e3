/**
 * The invariants after every step, and the thorough check that is made from time to time.
 *
 * Everything is checked against the truth on the nodes and the owners' book, never against a process's own statements
 * alone.
 */

import type { FederationOptions } from '../../../governor/federation/federation-options.ts';
import type { AgentHost } from '../../../governor/federation/host/agent-host.ts';
import { ClaimPhase, PartState } from '../../../governor/federation/host/gang-claim.ts';
import { AgentState, WaitReason } from '../../../governor/federation/host/host-jobs.ts';
import { MessageKind, type Outbox } from '../../../governor/federation/messages.ts';
import type { ZoneGovernor } from '../../../governor/federation/zone/zone-governor.ts';
import { HoldState } from '../../../governor/federation/zone/zone-ledger.ts';
import type { JobAudit } from './job-audit.ts';
import type { OffersInForce } from './offers-in-force.ts';
import type { PodTruth } from './pod-truth.ts';
import { ensure } from './violation.ts';
import type { VoprProcess } from './vopr-process.ts';

/** Most timers of a host beyond two for each of the most jobs it has had. */
const TIMERS_SPARE = 64;

/** @returns Upper bound of a process's items: jobs of a host; jobs and ends of jobs of a zone. */
export function processSize(process: VoprProcess): number {
  if (process.role === 'host') return process.host.jobs.size;
  return process.role === 'zone' ? process.governor.notices.size + process.governor.ledger.size : 0;
}

/** The checks of one run. */
export class SafetyChecks {
  private readonly options: FederationOptions;
  private readonly truth: PodTruth;
  private readonly book: JobAudit;
  private readonly offers: OffersInForce;
  private readonly processes: readonly VoprProcess[];
  private readonly firstHost: number;
  /** Most jobs that each host has had. */
  private readonly mostJobs = new Map<number, number>();

  constructor(
    options: FederationOptions,
    truth: PodTruth,
    book: JobAudit,
    offers: OffersInForce,
    processes: readonly VoprProcess[],
    firstHost: number,
  ) {
    this.options = options;
    this.truth = truth;
    this.book = book;
    this.offers = offers;
    this.processes = processes;
    this.firstHost = firstHost;
  }

  /** A step's messages. Call before they are carried out. @param sizeBefore `processSize` before the step. */
  checkOutbox(process: VoprProcess, out: Outbox, sizeBefore: number): void {
    const { options } = this;
    const { fanOut, proposalsMax, movesPerBoard, standingZones, gangPartsMax } = options;
    let most = 2 + fanOut + this.processes.length;
    // All notices again, and an offer to every job that has waited in the zone.
    if (process.role === 'zone') most = 2 + Math.max(sizeBefore, processSize(process));
    else if (process.role === 'host') {
      // A message for each job, its standing requests made or withdrawn, and further new ones.
      const each = 1 + Math.max(2, standingZones, gangPartsMax > 1 ? 2 * gangPartsMax : 0);
      most = 2 + each * Math.max(sizeBefore, processSize(process)) + proposalsMax + movesPerBoard;
    }
    const sent = out.messages.length;
    ensure(sent <= most, () => `${process.name} sends ${sent} messages in one step; its bound is ${most}`);
    if (process.role !== 'zone') return;
    for (const message of out.messages) {
      if (message.kind !== MessageKind.Offer || !this.offers.sent(message)) continue;
      const { notices } = process.governor;
      ensure(notices.size < options.noticesMax, () => {
        return `zone ${process.id} makes offer ${message.offer} with ${notices.size} ends not acknowledged`;
      });
    }
  }

  /** A zone after its step, in time that does not grow with its jobs. */
  checkZone(governor: ZoneGovernor, timeSeconds: number): void {
    const { truth, options } = this;
    const { id, ledger, notices } = governor;
    const { zone } = governor.arbiter;
    ensure(ledger.escrows <= options.escrowsMax, () => `zone ${id} has ${ledger.escrows} escrows`);
    const running = ledger.size - ledger.escrows - ledger.standing;
    ensure(
      ledger.standing <= options.standingMax,
      () => `zone ${id} has ${ledger.standing} standing requests`,
    );
    const runs = truth.runsIn(id).size;
    ensure(running === runs, () => `zone ${id} believes that ${running} jobs run; it is ${runs}`);
    const ended = truth.endedIn(id).size;
    ensure(
      notices.size === ended,
      () => `zone ${id} has ${notices.size} notices of ended jobs; ${ended} are due`,
    );
    const { cluster } = zone;
    for (let node = 0; node < cluster.nodeCount; node++) {
      const at = truth.nodeOf(id, node);
      const free = truth.cluster;
      const sound =
        (cluster.freeCpuMilli[node] as number) <= (free.freeCpuMilli[at] as number) &&
        (cluster.freeMemoryMib[node] as number) <= (free.freeMemoryMib[at] as number) &&
        (cluster.freeGpuMilli[node] as number) <= (free.freeGpuMilli[at] as number) &&
        (cluster.podCounts[node] as number) >= (free.podCounts[at] as number) &&
        cluster.up[node] === free.up[at];
      ensure(
        sound,
        () => `zone ${id} believes its node ${node} to be freer than it is, or up when it is not`,
      );
    }
    this.offers.check(governor, timeSeconds);
  }

  /** A zone, everything. */
  checkZoneWhole(governor: ZoneGovernor, timeSeconds: number): void {
    const { truth, book } = this;
    const { id, ledger, notices } = governor;
    const { zone } = governor.arbiter;
    this.checkZone(governor, timeSeconds);
    zone.check();
    const runs = truth.runsIn(id);
    let escrows = 0;
    let standing = 0;
    ledger.forEach((local) => {
      const job = ledger.jobs[local] as number;
      const offer = ledger.offers[local] as number;
      const tenant = zone.tenantOf(local);
      ensure(
        tenant === book.get(job).tenant,
        () => `zone ${id} counts job ${job} of tenant ${book.get(job).tenant} for tenant ${tenant}`,
      );
      if (ledger.states[local] === HoldState.Escrow) escrows++;
      else if (ledger.states[local] === HoldState.Standing) standing++;
      else ensure(runs.get(offer)?.job === job, () => `zone ${id} believes that job ${job} runs`);
    });
    ensure(escrows === ledger.escrows, () => `zone ${id} miscounts its escrows`);
    ensure(standing === ledger.standing, () => `zone ${id} miscounts its standing requests`);
    ensure(
      standing === zone.waitingJobs,
      () => `${zone.waitingJobs} jobs wait in zone ${id}, not ${standing}`,
    );
    for (const offer of truth.endedIn(id).keys()) {
      ensure(
        notices.get(offer) !== undefined,
        () => `zone ${id} has forgotten that the run of offer ${offer} ended`,
      );
    }
  }

  /** A host after its step, in time that does not grow with its jobs. */
  checkHost(host: AgentHost): void {
    const { options, book } = this;
    const live = book.liveOf(host.id - this.firstHost).size;
    ensure(
      host.jobs.size === live,
      () => `host ${host.id} knows ${host.jobs.size} jobs; its owners wait for ${live}`,
    );
    const { size } = host.board;
    ensure(size <= options.boardEntriesMax, () => `the board of host ${host.id} has ${size} entries`);
    const most = Math.max(live, this.mostJobs.get(host.id) ?? 0);
    this.mostJobs.set(host.id, most);
    const timersMax = 2 * most + TIMERS_SPARE;
    ensure(
      host.pendingTimers <= timersMax,
      () => `host ${host.id} has ${host.pendingTimers} timers for ${live} jobs`,
    );
  }

  /** A host, everything: no job lost, each decided or waiting for a reason. */
  checkHostWhole(host: AgentHost): void {
    this.checkHost(host);
    const { jobs } = host;
    let proposed = 0;
    const waiting = new Set<number>();
    host.forEachLine((line) => {
      for (const slot of line.waiting) {
        ensure(
          !waiting.has(slot) && jobs.lines[slot] === line,
          () => `a job of host ${host.id} is in two lines`,
        );
        waiting.add(slot);
      }
      proposed += line.proposed;
    });
    let proposedJobs = 0;
    let moving = 0;
    for (const job of this.book.liveOf(host.id - this.firstHost)) {
      const slot = jobs.slotOf(job);
      ensure(slot >= 0, () => `host ${host.id} has lost job ${job}`);
      this.checkJob(host, slot, waiting);
      if (jobs.states[slot] === AgentState.Proposed) proposedJobs++;
      if (jobs.states[slot] === AgentState.Moving) moving++;
    }
    ensure(proposed === proposedJobs, () => `host ${host.id} miscounts its proposals`);
    const out = proposed + moving;
    ensure(
      host.claims.collectingCount <= this.options.claimsMax,
      () => `host ${host.id} has too many claims`,
    );
    ensure(out <= this.options.proposalsMax, () => `host ${host.id} has ${out} proposals under way`);
  }

  /** A host that has heard about a part of a gang: now, as it may be right again before its next thorough check. */
  checkGang(host: AgentHost, gang: number): void {
    const slot = host.jobs.slotOf(gang);
    if (slot >= 0) this.checkParts(host, gang, host.jobs.rowAt(slot).state);
  }

  /** A gang across zones: each running part is its claim's, and nobody else's. @returns True if the job is one. */
  private checkParts(host: AgentHost, job: number, state: number): boolean {
    const claim = host.claims.of(job);
    const isSpanning = state === AgentState.Spanning;
    ensure(
      isSpanning === (claim !== undefined),
      () => `job ${job} of host ${host.id} has no claim, or one that it should not have`,
    );
    for (const { job: part, zone, offer } of this.truth.partsOf(job)) {
      const known = claim?.parts.find((own) => own.number === part);
      const isOwn = known?.target === zone && known.offer === offer && known.state >= PartState.Confirming;
      ensure(isOwn, () => `a part of gang ${job} runs in zone ${zone}, and its host does not know`);
    }
    if (claim?.phase === ClaimPhase.Running) {
      for (const { target, offer } of claim.parts) {
        const isKnown = this.truth.runsIn(target).has(offer) || this.truth.endedIn(target).has(offer);
        ensure(isKnown, () => `gang ${job} is recorded as running in zone ${target}, which does not know it`);
      }
    } else if (claim !== undefined) {
      const { gangPartsMax } = this.options;
      ensure(claim.parts.length <= gangPartsMax, () => `gang ${job} has ${claim.parts.length} parts`);
      ensure(claim.dueAt < Number.POSITIVE_INFINITY, () => `gang ${job} waits for an answer without a timer`);
    }
    return isSpanning;
  }

  private checkJob(host: AgentHost, slot: number, waiting: ReadonlySet<number>): void {
    const { job, state, reason, timer, target, offer } = host.jobs.rowAt(slot);
    const isWaiting = state === AgentState.Waiting;
    ensure(
      isWaiting === waiting.has(slot),
      () => `job ${job} of host ${host.id} waits in no line, or is in one`,
    );
    ensure(!isWaiting || reason !== WaitReason.None, () => `job ${job} waits without a reason`);
    if (this.checkParts(host, job, state)) return;
    const timed = !isWaiting && state !== AgentState.Running;
    ensure(!timed || timer !== 0, () => `job ${job} of host ${host.id} waits for an answer without a timer`);
    const run = this.truth.runOf(job);
    const bound = state >= AgentState.Confirming;
    ensure(run === undefined || (bound && target === run.zone && offer === run.offer), () => {
      return `job ${job} runs in zone ${run?.zone} on offer ${run?.offer}, and its host does not know`;
    });
    if (state !== AgentState.Running && state < AgentState.Moving) return;
    const known = run !== undefined || this.truth.endedIn(target).has(offer);
    ensure(
      known,
      () => `host ${host.id} records job ${job} as running in zone ${target}, which does not know it`,
    );
  }
}
