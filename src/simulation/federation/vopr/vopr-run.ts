/**
 * One seed from beginning to end: a stretch of load and faults, then quiet, in which all goals must be reached.
 *
 * Single thread, virtual time, every draw from the seed: the same seed and number of steps repeat the run, event by
 * event. `docs/vopr.md` is the page for people.
 */

import { MESSAGE_NAMES, type Message } from '../../../governor/federation/messages.ts';
import { EventQueue } from '../../../kernel/event-queue.ts';
import { Random } from '../../../kernel/random.ts';
import { TegError } from '../../../model/errors.ts';
import type { FaultKind } from './fault-counts.ts';
import { FaultyNetwork } from './faulty-network.ts';
import { LivenessCheck } from './liveness.ts';
import type { Plant } from './planted-bugs.ts';
import { WAKE } from './process-input.ts';
import { drawScenario, type Scenario } from './scenario.ts';
import type { ScenarioSpaces } from './scenario-space.ts';
import { Violation, type ViolationKind } from './violation.ts';
import type { VoprProcess } from './vopr-process.ts';
import { VoprTrouble } from './vopr-trouble.ts';
import { VoprWorld, type WorldObserver } from './vopr-world.ts';

/** Streams of the seed. */
const STREAM_NETWORK = 71;
const STREAM_TROUBLE = 72;

/** Steps of one process at one moment beyond which it counts as looping without progress of time. */
const STEPS_AT_ONCE_MAX = 2000;

/** What happens next. */
type Pending =
  | { readonly kind: 'message'; readonly message: Message }
  | { readonly kind: 'wake'; readonly process: VoprProcess }
  | { readonly kind: 'exit'; readonly zone: number; readonly offer: number }
  | { readonly kind: 'call'; readonly call: (timeSeconds: number) => void };

/** The violation found. */
export interface VoprFailure {
  readonly seed: number;
  /** Number of the event at which it was found, from 1. */
  readonly event: number;
  readonly kind: ViolationKind;
  readonly message: string;
  readonly timeSeconds: number;
}

/** Outcome of a seed. */
export interface VoprOutcome {
  readonly seed: number;
  /** Events in all, those of the quiet stretch included. */
  readonly events: number;
  readonly failure: VoprFailure | undefined;
  readonly faults: Record<FaultKind, number>;
  readonly jobs: number;
  /** Starts of jobs on nodes. */
  readonly starts: number;
  /** Jobs that waited in the end although they fitted somewhere, where no summary could show it. */
  readonly hiddenJobs: number;
  /** Virtual seconds from the beginning of the quiet until all goals were reached, as a share of the bound. */
  readonly settledShare: number;
}

/** Options of a seed's run. */
export interface VoprOptions {
  readonly steps: number;
  readonly plant?: Plant;
  readonly observer?: WorldObserver;
  /** Called for each fault as it strikes. */
  readonly onFault?: (kind: FaultKind) => void;
  /** Called before each event. */
  readonly onEvent?: (event: number, timeSeconds: number, what: string) => void;
}

/** @returns The outcome of a seed. @cost Some milliseconds for 500 steps. */
export function runVopr(seed: number, spaces: ScenarioSpaces, options: VoprOptions): VoprOutcome {
  return new VoprRun(drawScenario(seed, spaces), spaces, options).run();
}

/** A run. Single use. */
export class VoprRun {
  readonly world: VoprWorld;
  readonly network: FaultyNetwork;
  private readonly scenario: Scenario;
  private readonly options: VoprOptions;
  private readonly queue = new EventQueue();
  private readonly pending: (Pending | undefined)[] = [];
  private readonly freeSlots: number[] = [];
  private readonly trouble: VoprTrouble;
  private readonly liveness: LivenessCheck;
  private events = 0;
  private now = 0;
  /** Running jobs stay forever once the quiet has begun: room that is free then stays free until it is taken. */
  private exitsHappen = true;
  private settledShare = 0;
  private stepsAtOnce = 0;
  /** From now on only periodic messages are sent. */
  private isAtRest = false;

  constructor(scenario: Scenario, spaces: ScenarioSpaces, options: VoprOptions) {
    this.scenario = scenario;
    this.options = options;
    const space = spaces.at(scenario.space);
    const { seed } = scenario;
    this.world = new VoprWorld(scenario, space, this.driver(), options.plant, options.observer);
    this.world.faults.listener = options.onFault;
    this.network = new FaultyNetwork(
      scenario.network,
      this.world.topology.processCount,
      new Random(seed, STREAM_NETWORK),
      this.world.faults,
      (timeSeconds, message) => this.push(timeSeconds, { kind: 'message', message }),
    );
    const later = (timeSeconds: number, call: (timeSeconds: number) => void) =>
      this.push(timeSeconds, { kind: 'call', call });
    const random = new Random(seed, STREAM_TROUBLE);
    const demandCount = space.demands.demands.length;
    this.trouble = new VoprTrouble(
      scenario,
      demandCount,
      this.world,
      this.network,
      random,
      later,
      options.plant,
    );
    this.liveness = new LivenessCheck(scenario, space.demands, this.world);
  }

  /** Runs it. */
  run(): VoprOutcome {
    let failure: VoprFailure | undefined;
    try {
      this.runThrough();
    } catch (error) {
      failure = this.failureOf(error);
    }
    const { book, faults } = this.world;
    return {
      seed: this.scenario.seed,
      events: this.events,
      failure,
      faults: faults.record(),
      jobs: book.jobs.length,
      starts: book.jobs.reduce((sum, job) => sum + job.starts, 0),
      hiddenJobs: failure === undefined ? this.liveness.hidden : 0,
      settledShare: this.settledShare,
    };
  }

  private runThrough(): void {
    this.trouble.begin();
    while (this.events < this.options.steps) this.next();
    this.world.checkWhole(this.now);
    this.quiet();
    this.settle();
    if (this.trouble.strikeGang(this.now)) this.settle();
    this.rest(this.now);
    this.world.checkWhole(this.now);
    this.world.checkGangs();
  }

  /** Faults, submissions and ends of jobs stop; every process that is down comes back. */
  private quiet(): void {
    this.trouble.end(this.now);
    this.exitsHappen = false;
  }

  /**
   * Continues until all goals are reached at two checks in a row: at the first one, summaries may be outdated, and
   * answers may be in transit. @throws Violation of liveness at the bound.
   */
  private settle(): void {
    const { liveness } = this;
    // Messages sent before, over links that were clogged, still arrive.
    const begin = Math.max(this.now, this.network.lastArrival, this.trouble.lastRestart);
    const end = begin + liveness.boundSeconds;
    let wasRight = false;
    for (let look = begin; ; look = Math.min(end, look + liveness.lookSeconds)) {
      while (this.queue.peekTime() <= look) this.next();
      const missing = liveness.missing(look, begin);
      if (liveness.placesAll) this.world.taxes.checkAgreement(look, begin, liveness.newsSeconds);
      const isRight = missing === '';
      if (isRight && wasRight) {
        this.settledShare = Math.max(this.settledShare, (look - begin) / liveness.boundSeconds);
        this.now = look;
        return;
      }
      wasRight = isRight;
      if (look < end) continue;
      const bound = liveness.boundSeconds.toFixed(1);
      throw new Violation('liveness', `${missing || 'no rest'} ${bound} s after the last fault`);
    }
  }

  /** From now on only periodic messages are sent. */
  private rest(from: number): void {
    this.isAtRest = true;
    const end = from + this.liveness.lookSeconds;
    while (this.queue.peekTime() <= end) this.next();
  }

  /** Processes the next event. */
  private next(): void {
    const slot = this.queue.pop();
    if (slot < 0) throw new Violation('liveness', 'nothing is going to happen any more');
    const event = this.pending[slot] as Pending;
    this.pending[slot] = undefined;
    this.freeSlots.push(slot);
    const { time } = this.queue;
    if (event.kind === 'wake' && event.process.wakeAt !== time) return;
    if (event.kind === 'exit' && !this.exitsHappen) return;
    this.stepsAtOnce = time > this.now ? 0 : this.stepsAtOnce + 1;
    if (this.stepsAtOnce > STEPS_AT_ONCE_MAX) {
      throw new Violation('liveness', `more than ${STEPS_AT_ONCE_MAX} events at one moment`);
    }
    this.now = time;
    this.events++;
    this.options.onEvent?.(this.events, time, nameOf(event));
    this.happen(event, time);
  }

  private happen(event: Pending, timeSeconds: number): void {
    const { world, network } = this;
    switch (event.kind) {
      case 'message': {
        if (!network.arrive(event.message)) return;
        const process = world.processes[event.message.to] as VoprProcess;
        if (process.isUp) world.step(process, { kind: 'receive', message: event.message }, timeSeconds);
        else world.faults.add('message-to-crashed');
        return;
      }
      case 'wake':
        event.process.wakeAt = Number.POSITIVE_INFINITY;
        world.step(event.process, WAKE, timeSeconds);
        return;
      case 'exit':
        world.exit(event.zone, event.offer, timeSeconds);
        return;
      case 'call':
        event.call(timeSeconds);
    }
  }

  private driver() {
    return {
      send: (message: Message, timeSeconds: number) => {
        if (this.isAtRest) this.liveness.requirePeriodic(message);
        this.network.send(message, timeSeconds);
      },
      wakeAt: (process: VoprProcess, timeSeconds: number) => {
        if (process.wakeAt === timeSeconds) return;
        process.wakeAt = timeSeconds;
        if (timeSeconds < Number.POSITIVE_INFINITY) this.push(timeSeconds, { kind: 'wake', process });
      },
      exitAt: (zone: number, offer: number, timeSeconds: number) =>
        this.push(timeSeconds, { kind: 'exit', zone, offer }),
    };
  }

  private push(timeSeconds: number, event: Pending): void {
    const slot = this.freeSlots.pop() ?? this.pending.length;
    this.pending[slot] = event;
    this.queue.push(timeSeconds, slot);
  }

  private failureOf(error: unknown): VoprFailure {
    const { seed } = this.scenario;
    const place = { seed, event: this.events, timeSeconds: this.now };
    if (error instanceof Violation) return { ...place, kind: error.kind, message: error.message };
    const message =
      error instanceof TegError
        ? `${error.code}: ${error.message}`
        : error instanceof Error
          ? error.message
          : `${error}`;
    return { ...place, kind: 'crash', message };
  }
}

function nameOf(event: Pending): string {
  return event.kind === 'message' ? (MESSAGE_NAMES[event.message.kind] as string) : event.kind;
}
