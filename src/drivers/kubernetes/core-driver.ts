/**
 * Drives the pod scheduler: feeds it events as they come, and lets it decide whenever something can be decided and
 * carried out.
 *
 * Everything happens on one thread and in turns: an event is handled at once; a turn of decisions is due after the I/O
 * at hand, and is kept short, so that events are never late for long. Time is the monotonic clock from the wall clock
 * at the start, so a clock that jumps moves nothing.
 */
import type { PodEffect, PodEvent } from '../../governor/pods/pod-events.ts';
import type { PodScheduler } from '../../governor/pods/pod-scheduler.ts';
import { LoopHealth } from './loop-health.ts';

/** Decisions of one turn at most: some milliseconds. */
const DECISIONS_A_TURN = 64;
/** Longest sleep before the next check for timed work. */
const SLEEP_SECONDS_MAX = 60;

/** Dependencies of the driver. */
export interface CorePorts {
  /** Carries out an effect. */
  readonly onEffect: (effect: PodEffect) => void;
  /** The core broke an invariant in a turn of decisions: nothing after it may be trusted. */
  readonly onBroken: (error: unknown) => void;
  /** Number of pods that can be bound now; decisions wait while it is 0. The caller that makes room calls `wake`. */
  readonly room: () => number;
  /**
   * Called for every step, for recording and metrics. @param effects Undefined if the step threw. @param seconds The
   * step took.
   */
  readonly onStep: (
    event: PodEvent,
    timeSeconds: number,
    effects: readonly PodEffect[] | undefined,
    seconds: number,
  ) => void;
}

/** The driver of one scheduler. */
export class CoreDriver {
  readonly scheduler: PodScheduler;
  /** Turns of decisions so far, and seconds of CPU-bound time in them. */
  readonly turns = { count: 0, seconds: 0 };
  private readonly ports: CorePorts;
  private readonly originSeconds = Date.now() / 1000 - performance.now() / 1000;
  private readonly health = new LoopHealth();
  private allowed = false;
  private turn: NodeJS.Immediate | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** When the timer fires, by the monotonic clock. */
  private timerMs = 0;
  private stopped = false;

  constructor(scheduler: PodScheduler, ports: CorePorts) {
    this.scheduler = scheduler;
    this.ports = ports;
  }

  /** The core's time: seconds since 1970 at the start, and from then on by the monotonic clock. */
  nowSeconds(): number {
    return this.originSeconds + performance.now() / 1000;
  }

  /** Handles an event. */
  feed(event: PodEvent): void {
    this.step(event);
    this.wake();
  }

  /** Decisions may be made from now on (synced, and holder of the lease), or not any more. */
  allow(allowed: boolean): void {
    this.allowed = allowed;
    this.wake();
  }

  /** Whether decisions may be made. */
  get decides(): boolean {
    return this.allowed;
  }

  /** Something has changed: room to bind, or time. A turn follows soon. */
  wake(): void {
    if (!this.allowed || this.stopped) return;
    this.health.due(this.nowSeconds());
    this.turn ??= setImmediate(() => {
      try {
        this.takeTurn();
      } catch (error) {
        this.stop();
        this.ports.onBroken(error);
      }
    });
  }

  /** '' while turns happen when they are due; otherwise the problem. */
  get problem(): string {
    return this.health.problem(this.nowSeconds());
  }

  /** Ends it. */
  stop(): void {
    this.stopped = true;
    if (this.turn !== undefined) clearImmediate(this.turn);
    clearTimeout(this.timer);
  }

  private step(event: PodEvent): void {
    const time = this.nowSeconds();
    let effects: readonly PodEffect[];
    try {
      effects = this.scheduler.step(event, time);
    } catch (error) {
      // The event that broke it is the one that a replay needs.
      this.ports.onStep(event, time, undefined, this.nowSeconds() - time);
      throw error;
    }
    const seconds = this.nowSeconds() - time;
    if (event.kind === 'decide') {
      this.turns.count++;
      this.turns.seconds += seconds;
    }
    this.ports.onStep(event, time, effects, seconds);
    for (const effect of effects) this.ports.onEffect(effect);
  }

  private takeTurn(): void {
    this.turn = undefined;
    this.health.turned();
    if (!this.allowed || this.stopped) return;
    const room = this.ports.room();
    if (room > 0 && this.isDue()) {
      this.step({ kind: 'decide', max: Math.min(room, DECISIONS_A_TURN) });
      if (this.scheduler.hasWork) this.wake();
    }
    this.sleep();
  }

  private isDue(): boolean {
    return this.scheduler.hasWork || this.scheduler.dueSeconds <= this.nowSeconds();
  }

  /** Schedules a turn for the next timed work. A timer that fires earlier is left alone: it costs one check. */
  private sleep(): void {
    const seconds = Math.min(this.scheduler.dueSeconds - this.nowSeconds(), SLEEP_SECONDS_MAX);
    const delayMs = Math.max(1, seconds * 1000);
    const dueMs = performance.now() + delayMs;
    if (this.timer !== undefined && this.timerMs <= dueMs) return;
    clearTimeout(this.timer);
    this.timerMs = dueMs;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.wake();
    }, delayMs);
  }
}
