/**
 * A group of processes that allocates as fast as it may, as a plant for the claims of the growth filter: ṁ = v + w,
 * v̇ = (u − v)/τ with dead time, old and quantised readings, jitter of ticks, and limits that fall.
 *
 * Two independent integrators give the verdict: the exact solution between changes of the input, and Runge–Kutta steps. The
 * peak is taken over at least 20 points a tick, since a law that is safe at ticks alone is not safe.
 */
import { GrowthEstimator } from '../../../src/guard/barrier/growth-estimator.ts';

/** Points a tick at which the peak is taken. */
const SUBSTEPS = 20;

/** The law under test: the rate to grant from what is read. Rates MB/s, amounts MB. */
export type GrowthLaw = (usage: number, growth: number, limit: number, time: number) => number;

/** A course of a plant under a law. */
export interface GrowthRun {
  readonly law: GrowthLaw;
  /** τ of the plant. */
  readonly lagSeconds: number;
  readonly tickSeconds: number;
  readonly seconds: number;
  readonly rateMax: number;
  /** M at a time. */
  readonly limit: (time: number) => number;
  readonly usage?: number;
  readonly growth?: number;
  /** Length of the k-th tick as a share of `tickSeconds`; absent: 1. */
  readonly tickShare?: (tick: number) => number;
  /** Age of the k-th reading; absent: 0. */
  readonly staleSeconds?: (tick: number) => number;
  readonly deadSeconds?: number;
  /** q: usage is read rounded down to a multiple; the rate comes from an estimator of this weight. */
  readonly quantum?: number;
  readonly filterWeight?: number;
  /** w: growth past the actuator. */
  readonly bypass?: (time: number) => number;
  /** The rate that the group would take in the k-th tick; absent: as much as it may. */
  readonly demand?: (tick: number) => number;
  /** True while the group is frozen: no growth at all. */
  readonly isFrozen?: (time: number) => boolean;
  readonly integrator?: PlantIntegrator;
}

/** Outcome of a run. */
export interface GrowthOutcome {
  /** Largest m − M over all points, MB. */
  readonly overshoot: number;
  /** m at the end. */
  readonly usage: number;
  readonly ticks: number;
}

/** Moves usage and growth on by `seconds` under a constant input. */
export type PlantIntegrator = (
  state: Float64Array,
  input: number,
  bypass: number,
  lag: number,
  seconds: number,
) => void;

/** The exact solution. */
export const exactSolution: PlantIntegrator = (state, input, bypass, lag, seconds) => {
  const [usage, growth] = state as unknown as [number, number];
  const decay = -Math.expm1(-seconds / lag);
  state[0] = usage + (input + bypass) * seconds + (growth - input) * lag * decay;
  state[1] = growth + (input - growth) * decay;
};

/** Classical Runge–Kutta steps of a quarter of the interval. */
export const rungeKutta: PlantIntegrator = (state, input, bypass, lag, seconds) => {
  const h = seconds / 4;
  let [usage, growth] = state as unknown as [number, number];
  for (let i = 0; i < 4; i++) {
    const slope = (v: number): number => (input - v) / lag;
    const a = slope(growth);
    const b = slope(growth + (h / 2) * a);
    const c = slope(growth + (h / 2) * b);
    const d = slope(growth + h * c);
    usage +=
      h * bypass +
      (h / 6) * (growth + 2 * (growth + (h / 2) * a) + 2 * (growth + (h / 2) * b) + growth + h * c);
    growth += (h / 6) * (a + 2 * b + 2 * c + d);
  }
  state[0] = usage;
  state[1] = growth;
};

/** A course of (time, value) that is read at earlier times; times ascend. */
class Course {
  private readonly times: number[] = [];
  private readonly values: number[] = [];
  private at = 0;

  push(time: number, value: number): void {
    this.times.push(time);
    this.values.push(value);
  }

  /** The value in force at a time that does not fall from call to call; `before` ahead of the first. */
  valueAt(time: number, before: number): number {
    while (this.at < this.times.length && (this.times[this.at] as number) <= time + 1e-12) this.at++;
    return this.at === 0 ? before : (this.values[this.at - 1] as number);
  }
}

/** Runs the plant under its law. Deterministic; O(ticks × substeps). */
export function runGrowth(run: GrowthRun): GrowthOutcome {
  const { lagSeconds, deadSeconds = 0, integrator = exactSolution } = run;
  const state = Float64Array.of(run.usage ?? 0, run.growth ?? 0);
  const meter = new Meter(run);
  const commands = new Course();
  let time = 0;
  let ticks = 0;
  let overshoot = Number.NEGATIVE_INFINITY;
  meter.record(time, state);
  for (; time < run.seconds - 1e-9; ticks++) {
    const limit = run.limit(time);
    const granted = run.law(meter.usage(time, ticks), meter.growth(time), limit, time);
    commands.push(time, Math.min(granted, run.demand?.(ticks) ?? run.rateMax));
    const step = ((run.tickShare?.(ticks) ?? 1) * run.tickSeconds) / SUBSTEPS;
    for (let i = 0; i < SUBSTEPS; i++) {
      if (!(run.isFrozen?.(time) ?? false)) {
        // The middle of the interval decides which command is in force: its ends fall on ticks.
        const input = commands.valueAt(time + step / 2 - deadSeconds, run.growth ?? 0);
        integrator(state, input, run.bypass?.(time) ?? 0, lagSeconds, step);
      }
      time += step;
      overshoot = Math.max(overshoot, (state[0] as number) - run.limit(time));
      meter.record(time, state);
    }
  }
  return { overshoot, usage: state[0] as number, ticks };
}

/** What the law reads: old, rounded, and with a rate that is exact or estimated. */
class Meter {
  private readonly run: GrowthRun;
  private readonly usages = new Course();
  private readonly growths = new Course();
  private readonly estimator: GrowthEstimator | undefined;
  private stale = 0;

  constructor(run: GrowthRun) {
    this.run = run;
    const weight = run.filterWeight;
    this.estimator =
      weight === undefined ? undefined : new GrowthEstimator({ weight, staleSeconds: Number.MAX_VALUE });
  }

  record(time: number, state: Float64Array): void {
    this.usages.push(time, state[0] as number);
    this.growths.push(time, state[1] as number);
  }

  usage(time: number, tick: number): number {
    const { run } = this;
    this.stale = run.staleSeconds?.(tick) ?? 0;
    const exact = this.usages.valueAt(time - this.stale, run.usage ?? 0);
    const usage = run.quantum === undefined ? exact : run.quantum * Math.floor(exact / run.quantum);
    this.estimator?.read(usage, time);
    return usage;
  }

  growth(time: number): number {
    if (this.estimator === undefined) return this.growths.valueAt(time - this.stale, this.run.growth ?? 0);
    const growth = this.estimator.growthAt(time);
    return Number.isNaN(growth) ? 0 : growth;
  }
}
