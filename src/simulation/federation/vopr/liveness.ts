/**
 * The goals that must be reached once the faults are over, and their deadlines.
 *
 * The oracle is brute force: for every waiting job, every zone is checked, node by node, for a fit.
 */

import type { FederationOptions } from '../../../governor/federation/federation-options.ts';
import { ClaimPhase } from '../../../governor/federation/host/gang-claim.ts';
import { AgentState } from '../../../governor/federation/host/host-jobs.ts';
import { MESSAGE_NAMES, type Message, MessageKind } from '../../../governor/federation/messages.ts';
import type { Demand, DemandTable } from '../../../model/demand.ts';
import { delayMaxOf, isPatient, type Scenario } from './scenario.ts';
import { slotsIn } from './summary-checks.ts';
import { Violation } from './violation.ts';
import type { VoprProcess } from './vopr-process.ts';
import type { VoprWorld } from './vopr-world.ts';

/** Boards that a line may have to wait for; see `boundSeconds`. */
const BOARDS_MAX = 500;
/** Most multiples of `confirmSeconds` between repetitions of a confirmation or stop, as in `HostSender`. */
const BACKOFF_MAX = 16;

/** Messages that are sent forever: periodic ones, and the attempts of jobs that wait in vain. */
const PERIODIC: ReadonlySet<number> = new Set([
  MessageKind.Summary,
  MessageKind.Board,
  MessageKind.HostReport,
  MessageKind.Propose,
  MessageKind.Refuse,
  MessageKind.Quote,
  MessageKind.Quoted,
]);

/** The liveness of one run. */
export class LivenessCheck {
  /** Virtual seconds after the last fault by which all goals must be reached. */
  readonly boundSeconds: number;
  /** Jobs that fit somewhere by the nodes, but not by any summary, at the last check. */
  hidden = 0;
  /** Virtual seconds between two checks. */
  readonly lookSeconds: number;
  /** Until everybody knows of a change: up the tree and down, and old news have expired. */
  readonly newsSeconds: number;
  /** True if every job that fits is guaranteed to be placed. */
  readonly placesAll: boolean;
  /**
   * True if only periodic messages are sent in the end: not while jobs move or gangs collect parts, nor where time-outs are too
   * short for offers.
   */
  private readonly comesToRest: boolean;
  /** Where there is no rest: no job confirms, stops or moves for longer. */
  private readonly stuckSeconds: number;
  private readonly demands: DemandTable;
  private readonly options: FederationOptions;
  private readonly world: VoprWorld;

  constructor({ options, network }: Scenario, demands: DemandTable, world: VoprWorld) {
    const { levels } = world.topology;
    const delayMax = delayMaxOf(network);
    this.demands = demands;
    this.options = options;
    this.world = world;
    // Long enough for updates to go up the tree and for an answer to messages in transit.
    this.lookSeconds = (levels + 1) * (options.publishSeconds + delayMax);
    this.newsSeconds = 2 * (levels + 2) * (options.publishSeconds + delayMax) + options.expireSeconds;
    this.boundSeconds = boundOf(options, levels, delayMax);
    this.placesAll = isPatient(options, levels, delayMax);
    this.comesToRest = this.placesAll && options.movesPerBoard === 0 && options.gangPartsMax === 1;
    this.stuckSeconds = patienceOf(options) + 2 * delayMax;
  }

  /** @param quietSince When the last fault was over. @returns The goal not reached yet; '' if all are. */
  missing(timeSeconds: number, quietSince: number): string {
    for (const process of this.world.processes) {
      if (!process.isUp) return `${process.name} is down`;
      if (process.role !== 'zone' || !this.comesToRest) continue;
      const { ledger, notices } = process.governor;
      if (ledger.escrows > 0) return `zone ${process.id} holds ${ledger.escrows} escrows`;
      if (notices.size > 0) return `zone ${process.id} has ${notices.size} unacknowledged ends`;
    }
    return this.missingJob(timeSeconds, quietSince);
  }

  /**
   * Jobs that move never rest, and one that no summary shows room for may still find it by a standing request.
   *
   * @throws Violation unless the message is of a kind that is sent forever, or the cluster is not guaranteed to rest.
   */
  requirePeriodic(message: Message): void {
    if (PERIODIC.has(message.kind) || !this.comesToRest || this.hidden > 0) return;
    const name = MESSAGE_NAMES[message.kind] as string;
    throw new Violation('liveness', `all was right, and then ${message.from} sent ${message.to} a ${name}`);
  }

  private missingJob(timeSeconds: number, quietSince: number): string {
    const { world, demands } = this;
    const { zones, hosts } = world.topology;
    this.hidden = 0;
    for (let index = 0; index < hosts; index++) {
      const { host } = world.processes[zones + index] as VoprProcess;
      for (const job of world.book.liveOf(index)) {
        const slot = host.jobs.slotOf(job);
        const state = host.jobs.states[slot] as number;
        if (state === AgentState.Running) continue;
        const claim = host.claims.of(job);
        if (claim?.phase === ClaimPhase.Running) continue;
        if (claim !== undefined && claim.phase >= ClaimPhase.Confirming) {
          const since = Math.max(quietSince, claim.lastGrantAt);
          if (timeSeconds - since <= this.stuckSeconds) continue;
          return `gang ${job} is ${host.explain(job)?.state}`;
        }
        const giant = this.placesAll ? this.giantWithRoom(job) : undefined;
        if (giant !== undefined) return giant;
        if (claim !== undefined) continue;
        const view = host.explain(job);
        if (state !== AgentState.Waiting && state !== AgentState.Proposed) {
          const since = Math.max(quietSince, host.jobs.since[slot] as number);
          if (!this.comesToRest && timeSeconds - since <= this.stuckSeconds) continue;
          return `job ${job} is ${view?.state}`;
        }
        if (!this.placesAll) continue;
        const { demandId, gangMin } = world.book.get(job);
        const zone = this.zoneWithRoom(host.id, demands.demands[demandId] as Demand, gangMin);
        if (zone === HIDDEN) this.hidden++;
        if (zone < 0) continue;
        return `job ${job} (demand ${demandId}, at least ${gangMin} pods) of host ${index} is ${view?.state} (${view?.reason}), fits into zone ${zone}, and was not placed`;
      }
    }
    return '';
  }

  /** @returns A complaint if zones together have room for a gang that does not run; undefined if they have not. */
  private giantWithRoom(job: number): string | undefined {
    const { processes, topology, summaries, truth, book } = this.world;
    const { demandId, gangMin, host } = book.get(job);
    const { gangPartsMax } = this.options;
    if (gangPartsMax < 2 || gangMin < 2) return undefined;
    const demand = this.demands.demands[demandId] as Demand;
    // Where pods of a spread group are already is in no summary: parts are then found by luck.
    if (demand.podsPerNodeMax > 0) return undefined;
    const slots: number[] = [];
    for (let zone = 0; zone < topology.zones; zone++) {
      const { governor } = processes[zone] as VoprProcess;
      const isShown = summaries.isShown(topology.zones + host, zone, demand, 1);
      // What other gangs hold there comes back, and is shown then.
      if (isShown || governor.ledger.escrows > 0) slots.push(truth.slotsIn(zone, demand));
    }
    slots.sort((a, b) => b - a);
    const sum = slots.slice(0, gangPartsMax).reduce((all, n) => all + n, 0);
    if (sum < gangMin) return undefined;
    return `gang ${job} (demand ${demandId}, at least ${gangMin} pods) fits into several zones, which have room for ${sum}, and was not placed`;
  }

  /** @returns A zone with room for n pods that the host is shown; −1: none; −2: none that is shown. */
  private zoneWithRoom(host: number, demand: Demand, gangMin: number): number {
    const { processes, topology, summaries } = this.world;
    let found = NOWHERE;
    for (let zone = 0; zone < topology.zones; zone++) {
      const { governor } = processes[zone] as VoprProcess;
      if (slotsIn(governor, demand) < gangMin) continue;
      if (summaries.isShown(host, zone, demand, gangMin)) return zone;
      found = HIDDEN;
    }
    return found;
  }
}

/** No room was found, or only where no summary shows it. */
const NOWHERE = -1;
const HIDDEN = -2;

/**
 * The deadline of all goals: remains of the past (expired summaries, escrows, time-outs of missing answers), the way of
 * updates up and down the tree, and the boards that a line waits for. The last is by far the longest: a line whose
 * proposals were refused tries at a board with a probability of at least 1/16, so that 500 boards go by without a try
 * once in 10^14 times.
 */
function boundOf(options: FederationOptions, levels: number, delayMaxSeconds: number): number {
  const { publishSeconds, expireSeconds, noticeSeconds } = options;
  const past = expireSeconds + noticeSeconds + patienceOf(options);
  const news = 2 * levels * (publishSeconds + delayMaxSeconds);
  return past + news + BOARDS_MAX * publishSeconds + claimsBound(options);
}

/** Longest claims and back-offs that a gang may need. Random back-offs promise nothing; measured, it needs far fewer. */
const CLAIMS_MAX = 20;
/** Claims for which a gang that can pay waits. */
const PATIENT_CLAIMS = 8;

/** Where gangs collect parts in several zones: their claims and back-offs, at the longest. */
function claimsBound({
  gangPartsMax,
  spanAfterSeconds,
  claimSeconds,
  claimRetriesMax,
  gangTax,
}: FederationOptions): number {
  if (gangPartsMax < 2) return 0;
  const bound = spanAfterSeconds + CLAIMS_MAX * claimSeconds * (1 + 2 ** claimRetriesMax);
  if (gangTax === undefined) return bound;
  // Who can pay waits longer, and champions for which there is no room have to be given up, one after the other.
  return bound + CLAIMS_MAX * (PATIENT_CLAIMS * claimSeconds + 2 * gangTax.championSeconds);
}

/** Longest wait of any process for an answer, one after the other. */
function patienceOf({
  escrowSeconds,
  proposeSeconds,
  proposeRepeatsMax,
  confirmSeconds,
}: FederationOptions): number {
  return escrowSeconds + proposeSeconds * (proposeRepeatsMax + 1) + BACKOFF_MAX * confirmSeconds;
}
