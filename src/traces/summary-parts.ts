/**
 * Parts of summaries: distributions, and counts by name with a bound on the names.
 */
import { detached } from './lines.ts';

/** The quantile sketch of non-negative numbers that is needed; the kernel's `QuantileSketch` fits. */
export interface Sketch {
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  insert(value: number): void;
  quantile(q: number): number;
}

/** Makes an empty sketch. */
export type SketchFactory = () => Sketch;

/** A distribution in seven numbers; quantiles within the sketch's relative error, the others exact. */
export interface TraceDistribution {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** @returns The seven numbers of a sketch; NaN where it is empty. */
export function toDistribution(sketch: Sketch): TraceDistribution {
  const { count } = sketch;
  const isEmpty = count === 0;
  return {
    count,
    min: isEmpty ? Number.NaN : sketch.min,
    mean: isEmpty ? Number.NaN : sketch.mean,
    p50: sketch.quantile(0.5),
    p90: sketch.quantile(0.9),
    p99: sketch.quantile(0.99),
    max: isEmpty ? Number.NaN : sketch.max,
  };
}

/** Most names that a `Tally` keeps separate. */
export const TALLY_NAMES_MAX = 65_536;

/** Sums by name. Names beyond the bound are summed up together. */
export class Tally<T> {
  readonly others: T;
  private readonly byName = new Map<string, T>();
  private readonly make: () => T;

  /** @param make Makes the sums of a new name. */
  constructor(make: () => T) {
    this.make = make;
    this.others = make();
  }

  /** @returns The sums of a name, new or known; those of the others if there are too many names. */
  of(name: string): T {
    const known = this.byName.get(name);
    if (known !== undefined) return known;
    if (this.byName.size >= TALLY_NAMES_MAX) return this.others;
    const sums = this.make();
    this.byName.set(detached(name), sums);
    return sums;
  }

  /** Names that are kept separate. */
  get size(): number {
    return this.byName.size;
  }

  /** @returns The first `count` names by falling weight; equal ones by name. */
  top(count: number, weight: (sums: T) => number): { name: string; sums: T }[] {
    return [...this.byName]
      .map(([name, sums]) => ({ name, sums }))
      .sort((a, b) => weight(b.sums) - weight(a.sums) || (a.name < b.name ? -1 : 1))
      .slice(0, count);
  }
}
