/**
 * Moves of running jobs to cheaper places, by the damped step D2: off unless `movesPerBoard` is set.
 *
 * At each board a few running one-pod jobs ask their zone for the cost of their place. A job then considers one entry
 * of the board drawn at random, and moves with the probability that brings the two prices together in one step if all
 * jobs that can do the same; and only if it saves more than the dead band. The new place is held in escrow before the
 * old one is released.
 *
 * @source theory §1B, D2.
 */
import type { Demand } from '../../../model/demand.ts';
import { moveProbability } from '../../../physics/damped-step.ts';
import type { Board } from '../board.ts';
import { FederationReason, type OfferMessage, type Outbox, type QuotedMessage } from '../messages.ts';
import type { AgentHostParts } from './agent-host-parts.ts';
import type { HostCounters } from './host-counters.ts';
import { AgentState, type HostJobs } from './host-jobs.ts';
import type { JobLine } from './host-lines.ts';
import type { HostSender } from './host-sender.ts';

/** The moves of one host. */
export class HostMoves {
  private readonly parts: AgentHostParts;
  private readonly jobs: HostJobs;
  private readonly board: Board;
  private readonly sender: HostSender;
  private readonly counters: HostCounters;

  constructor(
    parts: AgentHostParts,
    jobs: HostJobs,
    board: Board,
    sender: HostSender,
    counters: HostCounters,
  ) {
    this.parts = parts;
    this.jobs = jobs;
    this.board = board;
    this.sender = sender;
    this.counters = counters;
  }

  /** Lets a few jobs, drawn at random, ask for their cost. */
  consider(out: Outbox): void {
    const { jobs, parts } = this;
    if (jobs.slotsUsed === 0) return;
    for (let i = 0; i < parts.options.movesPerBoard; i++) {
      const slot = parts.random.nextInt(jobs.slotsUsed);
      if (jobs.states[slot] === AgentState.Running && jobs.lines[slot]?.podCount === 1) {
        this.sender.askQuote(slot, out);
      }
    }
  }

  /** The zone has reported a job's cost: the job may propose itself elsewhere. */
  onQuoted(m: QuotedMessage, timeSeconds: number, out: Outbox): void {
    const { jobs, parts, board, sender } = this;
    const slot = jobs.slotOf(m.job);
    if (slot < 0 || jobs.states[slot] !== AgentState.Running || !jobs.isBoundTo(slot, m.from, m.offer))
      return;
    if (sender.proposalsOut >= parts.options.proposalsMax) return;
    const line = jobs.lines[slot] as JobLine;
    const demand = parts.demands.demands[line.demandId] as Demand;
    const found = board.offersFor(demand, 1, timeSeconds);
    if (found === 0) return;
    const choice = parts.random.nextInt(found);
    const target = board.entryOf(choice).id;
    if (target === jobs.targets[slot]) return;
    const { moveGain, moveSavesMilliMin } = parts.options;
    const slope = board.offers.slopes[choice] as number;
    const price = board.offers.prices[choice] as number;
    const agents = board.podsOf(jobs.targets[slot] as number);
    const q = moveProbability(m.priceMilli, price, slope, slope, agents, moveGain, moveSavesMilliMin);
    if (!(parts.random.nextFloat() < q)) return;
    jobs.quotes[slot] = m.priceMilli;
    jobs.nextZones[slot] = target;
    jobs.attempts[slot] = sender.nextAttempt();
    jobs.repeats[slot] = 0;
    this.setState(slot, AgentState.Moving, timeSeconds);
    sender.proposalsOut++;
    sender.propose(slot, timeSeconds, out, target);
  }

  /** An offer arrived. @returns True if it was for a moving job, which is then handled. */
  onOffer(slot: number, m: OfferMessage, timeSeconds: number, out: Outbox): boolean {
    const { jobs, sender } = this;
    const isNext = jobs.nextOffers[slot] === m.offer && jobs.nextZones[slot] === m.from;
    if (jobs.states[slot] === AgentState.Leaving && isNext) return true;
    if (jobs.states[slot] !== AgentState.Moving || jobs.attempts[slot] !== m.attempt) return false;
    sender.proposalsOut--;
    if (m.from === jobs.targets[slot] || !this.saves(slot, m.priceMilli)) {
      this.counters.declined++;
      sender.decline(m.from, m.job, m.offer, out);
      this.setState(slot, AgentState.Running, timeSeconds);
      return true;
    }
    jobs.nextZones[slot] = m.from;
    jobs.nextOffers[slot] = m.offer;
    jobs.repeats[slot] = 0;
    this.setState(slot, AgentState.Leaving, timeSeconds);
    sender.stop(slot, FederationReason.Moved, timeSeconds, out);
    return true;
  }

  /** The proposal failed: the job stays. */
  failed(slot: number, timeSeconds: number): void {
    const { jobs, board } = this;
    const line = jobs.lines[slot] as JobLine;
    board.refuse(jobs.nextZones[slot] as number, line.demandId, line.gangMin);
    this.stay(slot, timeSeconds);
  }

  /** The proposal is over, and the job stays where it runs. */
  stay(slot: number, timeSeconds: number): void {
    this.sender.proposalsOut--;
    this.setState(slot, AgentState.Running, timeSeconds);
  }

  /** The job no longer moves, because it ended or was cancelled: its hold elsewhere is released. */
  giveUp(slot: number, out: Outbox): void {
    const { jobs } = this;
    if (jobs.states[slot] === AgentState.Moving) this.sender.proposalsOut--;
    else {
      this.sender.decline(
        jobs.nextZones[slot] as number,
        jobs.jobs[slot] as number,
        jobs.nextOffers[slot] as number,
        out,
      );
    }
  }

  /**
   * The old zone has released the job: from now on the new one is its zone. @param doneSeconds Work that it had done.
   */
  left(slot: number, doneSeconds: number): void {
    const { jobs } = this;
    jobs.targets[slot] = jobs.nextZones[slot] as number;
    jobs.offers[slot] = jobs.nextOffers[slot] as number;
    jobs.doneSeconds[slot] = doneSeconds;
    jobs.moves[slot] = 1;
    jobs.repeats[slot] = 0;
  }

  private saves(slot: number, priceMilli: number): boolean {
    return (this.jobs.quotes[slot] as number) - priceMilli > this.parts.options.moveSavesMilliMin;
  }

  private setState(slot: number, state: number, timeSeconds: number): void {
    this.jobs.states[slot] = state;
    this.jobs.since[slot] = timeSeconds;
    this.jobs.timers[slot] = 0;
  }
}
