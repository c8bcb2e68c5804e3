/**
 * Caps of the devices behind one breaker, so that the sum of what they may draw never passes it: coupled limits.
 *
 * Invariant: Σ committed ≤ bound once it holds at the start. A device is committed to the highest of the cap in force (read
 * back), the caps under way, its floor with the floor's error, its reading, and what is left of a former commitment after the
 * device's lag: it can draw that at any time, without notice. Caps are lowered at once and raised only into what is not
 * committed; a lowered cap frees power when the read-back shows it, so that commands may be late, or lost.
 *
 * Who gets more: devices that draw what their cap allows, first; the rest is left to the others in equal parts, since any of
 * them may rise next. What was tried and gave less is in docs/results/power.md.
 */
import { assert } from '../../kernel/assert.ts';
import { TegError } from '../../model/errors.ts';
import { authorityToSpare } from '../barrier/break-before-make.ts';
import { type CapProblem, coupledCaps } from '../barrier/coupled-caps.ts';
import { SensorInverse } from './sensor-inverse.ts';
import { SentCaps } from './sent-caps.ts';

/** The devices and their breaker. */
export interface RackCapsOptions {
  /** Lowest power each device can be held to, W, error included. @shape [n] */
  readonly minima: Float64Array;
  /** Highest cap of each, W. @shape [n] */
  readonly full: Float64Array;
  /** The breaker's limit less margins, W. */
  readonly limit: number;
  /** Power behind the breaker that no cap reaches, W. */
  readonly uncontrolled: number;
  /** Longest time from a command to its effect, s: after it, a command without effect was lost. */
  readonly deadSeconds: number;
  /** Longest lag of power behind the cap in force, s. */
  readonly lagSeconds: number;
  /** Window over which the sensor averages, and time between ticks, s. */
  readonly sensorSeconds: number;
  readonly tickSeconds: number;
}

/** What is read at a tick. */
export interface RackReadings {
  /** s. */
  readonly time: number;
  /** Power, W, at its upper error bound; NaN: no reading. @shape [n] */
  readonly watts: Float64Array;
  /** Caps in force as read back; NaN: no reading. @shape [n] */
  readonly inForce: Float64Array;
  /** Highest caps that other limits (heat) allow. @shape [n] */
  readonly ceilings: Float64Array;
}

/** Part of its cap that a device draws when it is held back by it. */
const HELD_BACK = 0.97;
/** Part of its cap below which a device is not held back any more. */
const SATED = 0.7;
/** Weight of a device that is held back, against 1 of the others. */
const HUNGRY_WEIGHT = 30;
/** What others keep above their draw. */
const KEPT_ABOVE = 0.05;
/** Changes below that part of the full power are not worth a command; nor are raises below the other of who is not held back. */
const CHANGE_LEAST = 0.01;
const CALM_RAISE_LEAST = 0.1;

/** @throws TegError TEG_POWER_AUTHORITY if all caps at their floor do not hold the limit: it cannot be promised. */
export function assertAuthority(minima: Float64Array, uncontrolled: number, limit: number): void {
  const spare = authorityToSpare({ minima, uncontrolled }, limit);
  if (spare >= 0) return;
  const floors = minima.reduce((sum, watts) => sum + watts, 0);
  const text = (watts: number): string => `${Math.round(watts)} W`;
  throw new TegError(
    'TEG_POWER_AUTHORITY',
    `got a limit of ${text(limit)} for ${minima.length} devices whose floors sum to ${text(floors)} beside ` +
      `${text(uncontrolled)} without a cap: ${text(-spare)} more than caps can hold; ` +
      'raise the limit, or move devices to another breaker',
  );
}

/** The law of one breaker. Single writer. */
export class RackCaps {
  private readonly options: RackCapsOptions;
  private readonly bound: number;
  private readonly sent: readonly SentCaps[];
  private readonly sensors: readonly SensorInverse[];
  /** What each draws now, W; NaN: unknown. @shape [n] */
  private readonly drawn: Float64Array;
  /** 1: held back by its cap. @shape [n] */
  private readonly hungry: Uint8Array;
  private readonly committed: Float64Array;
  /** Last caps read back. @shape [n] */
  private readonly seen: Float64Array;
  private lastTime = Number.NaN;
  private readonly targets: Float64Array;
  private readonly problem: { [K in keyof CapProblem]: Float64Array };

  /** @throws TegError TEG_POWER_AUTHORITY, see `assertAuthority`. */
  constructor(options: RackCapsOptions) {
    const { minima, full, limit, uncontrolled, sensorSeconds, tickSeconds } = options;
    const n = minima.length;
    assert(n > 0 && full.length === n, 'floors and caps of other devices');
    assertAuthority(minima, uncontrolled, limit);
    this.options = options;
    this.bound = limit - uncontrolled;
    const ticks = Math.max(1, Math.round(sensorSeconds / tickSeconds));
    this.sent = Array.from({ length: n }, () => new SentCaps());
    this.sensors = Array.from({ length: n }, () => new SensorInverse(ticks));
    const column = (value: number): Float64Array => new Float64Array(n).fill(value);
    this.drawn = column(Number.NaN);
    this.hungry = new Uint8Array(n);
    this.committed = column(0);
    this.seen = Float64Array.from(full);
    this.targets = column(0);
    this.problem = {
      wanted: column(0),
      weights: column(1),
      shares: column(1),
      low: column(0),
      high: column(0),
    };
  }

  /**
   * Decides on new caps.
   *
   * @param out Caps to set; NaN: leave it. @shape [n]
   * @returns   Watts that are not committed; negative: the devices may pass the limit until lowered caps take effect.
   * @cost      O(n) a halving of `coupledCaps`, one or two solutions.
   */
  tick(readings: RackReadings, out: Float64Array): number {
    this.observe(readings);
    this.aim(readings);
    const { committed, hungry, bound } = this;
    let room = bound;
    for (const watts of committed) room -= watts;
    const atStart = room;
    for (let i = 0; i < out.length; i++) {
      out[i] = Number.NaN;
      this.lower(i, readings, out);
    }
    // Those who are held back first.
    for (const wanted of [1, 0]) {
      for (let i = 0; i < out.length; i++) {
        if (hungry[i] === wanted) room -= this.raise(i, room, readings, out);
      }
    }
    return atStart;
  }

  /** @returns W that a device may draw until a new command takes effect, as of the last tick. O(caps under way). */
  committedTo(device: number): number {
    return Math.max(this.committed[device] as number, (this.sent[device] as SentCaps).highest());
  }

  /** Takes read-backs, and finds who is held back by the cap. */
  private observe({ time, watts, inForce }: RackReadings): void {
    const { sent, sensors, hungry, committed, drawn } = this;
    const { minima, lagSeconds, deadSeconds, tickSeconds } = this.options;
    // No time has passed before the first tick: nothing has fallen yet.
    const decay = Number.isNaN(this.lastTime) ? 1 : Math.exp(-Math.max(0, time - this.lastTime) / lagSeconds);
    this.lastTime = time;
    sent.forEach((caps, i) => {
      const reading = watts[i] as number;
      // Without a read-back it is the last one that was seen, or one under way.
      const isRead = !Number.isNaN(inForce[i] as number);
      const cap = isRead ? (inForce[i] as number) : (this.seen[i] as number);
      if (isRead) {
        caps.readBack(cap, cap !== this.seen[i], time - deadSeconds - tickSeconds);
        this.seen[i] = cap;
      }
      const now = (sensors[i] as SensorInverse).update(reading);
      drawn[i] = now;
      // Power falls to a lower cap with a lag, and the mean of a window may hide that it was high.
      const falling = cap + Math.max(0, (committed[i] as number) - cap) * decay;
      const drawnMost = Number.isNaN(reading) ? 0 : reading;
      committed[i] = Math.max(falling, caps.highest(), drawnMost, minima[i] as number);
      if (Math.max(now, reading) >= HELD_BACK * cap) hungry[i] = 1;
      else if (!(now >= SATED * cap)) hungry[i] = 0;
    });
  }

  /** Sets `targets`: the caps that would be right if commands took no time. */
  private aim({ ceilings }: RackReadings): void {
    const { problem, hungry, targets, bound, drawn } = this;
    const { minima, full } = this.options;
    for (let i = 0; i < targets.length; i++) {
      const least = minima[i] as number;
      const most = Math.max(Math.min(full[i] as number, ceilings[i] as number), least);
      const kept = Number.isNaN(drawn[i] as number) ? 0 : (drawn[i] as number) * (1 + KEPT_ABOVE);
      const isHungry = hungry[i] === 1;
      problem.wanted[i] = most;
      problem.high[i] = most;
      // Who is not held back keeps what it draws.
      problem.low[i] = isHungry ? least : Math.min(Math.max(kept, least), most);
      problem.weights[i] = isHungry ? HUNGRY_WEIGHT : 1;
    }
    if (coupledCaps(problem, bound, targets) === 'infeasible') {
      problem.low.set(minima);
      coupledCaps(problem, bound, targets);
    }
  }

  /** The cap that holds once all commands have taken effect. */
  private lastCap(i: number): number {
    const { last } = this.sent[i] as SentCaps;
    return Number.isNaN(last) ? (this.seen[i] as number) : last;
  }

  private lower(i: number, { time, ceilings }: RackReadings, out: Float64Array): void {
    const target = this.targets[i] as number;
    const cap = this.lastCap(i);
    const byHeat = cap > (ceilings[i] as number);
    const least = byHeat ? 0 : CHANGE_LEAST * (this.options.full[i] as number);
    if (cap - target > least) this.send(i, target, time, out);
  }

  /** @returns Watts that the raise commits. */
  private raise(i: number, room: number, { time }: RackReadings, out: Float64Array): number {
    const committed = this.committed[i] as number;
    const target = Math.min(this.targets[i] as number, committed + Math.max(0, room));
    const cap = this.lastCap(i);
    const least = this.hungry[i] === 1 ? CHANGE_LEAST : CALM_RAISE_LEAST;
    if (!(target - cap > least * (this.options.full[i] as number))) return 0;
    return this.send(i, target, time, out) ? Math.max(0, target - committed) : 0;
  }

  private send(i: number, cap: number, time: number, out: Float64Array): boolean {
    if (!(this.sent[i] as SentCaps).send(cap, time)) return false;
    out[i] = cap;
    return true;
  }
}
