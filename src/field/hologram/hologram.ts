/**
 * The hologram: a summary of a zone, or of many zones added up, of a few kilobytes for any size.
 *
 * It holds classes of nodes with counts, sums and maxima for governors, and the raw sums of the rents, so that prices
 * and their derivatives are evaluated after merging, exactly. Amounts are rounded down: a pod that fits a class fits
 * each of its nodes, as of `takenAt`.
 *
 * Invariant: holograms under `mergeHolograms` are a commutative monoid, bit for bit. All sums are integers (rates in
 * units of 2^−20 a second), so that no order of adding can round differently.
 *
 * Not here: the zone it belongs to, and duplicates. The caller that merges keeps the last hologram of each child.
 *
 * @source theory §3; `docs/hologram.md`.
 */
import { assert } from '../../kernel/assert.ts';
import { ClassCollector } from './class-collector.ts';
import { addHeldParts, type HeldPart, NO_HELD_PART } from './held-part.ts';
import type { HologramClasses } from './hologram-classes.ts';
import { HOLOGRAM_LIMITS, RATE_UNIT, SUM_MAX } from './hologram-limits.ts';

/** Sums over zones. Integers in [0, 2^52] but for the rate; merging saturates at the largest. */
export interface HologramSums {
  readonly zones: number;
  readonly nodes: number;
  readonly nodesUp: number;
  /** Running. */
  readonly pods: number;
  readonly capacityCpuMilli: number;
  readonly freeCpuMilli: number;
  readonly capacityGpuMilli: number;
  readonly freeGpuMilli: number;
  /** Held for offers that are not confirmed yet. */
  readonly heldGpuMilli: number;
  readonly waitingJobs: number;
  readonly waitingGpuMilli: number;
  /** In whole 2^−20; at most 2^32. */
  readonly arrivalsPerSecond: number;
}

/** Maxima over zones. Finite, ≥ 0. */
export interface HologramMaxima {
  readonly oldestWaitSeconds: number;
  /** Free GPU of the zone that has most. Integer. */
  readonly zoneFreeGpuMilli: number;
  /** Fully idle GPUs of the zone that has most. Integer. */
  readonly zoneWholeGpus: number;
  /** Order parameter of the worst zone: share of its capacity that is held but idle, in [0, 1]. */
  readonly heldShare: number;
}

/** The inputs of one GPU model's rent. Integers, added on merge. */
export interface HologramModel {
  /** '' where unknown. */
  readonly gpuModel: string;
  readonly freeMilli: number;
  readonly capacityMilli: number;
  /** Decayed GPU demand that is bound to the model. */
  readonly boundMilli: number;
}

/** The parts of a hologram; see `Hologram`. */
export interface HologramParts {
  readonly takenAt: number;
  readonly newestAt: number;
  readonly sums: HologramSums;
  readonly maxima: HologramMaxima;
  readonly demandMilli: number;
  readonly models: readonly HologramModel[];
  readonly classes: HologramClasses;
  /** Absent: `NO_HELD_PART`. */
  readonly held?: HeldPart;
}

/** The names of all sums that are integers, in the order of the wire format. */
export const COUNTED_SUMS = [
  'zones',
  'nodes',
  'nodesUp',
  'pods',
  'capacityCpuMilli',
  'freeCpuMilli',
  'capacityGpuMilli',
  'freeGpuMilli',
  'heldGpuMilli',
  'waitingJobs',
  'waitingGpuMilli',
] as const satisfies readonly (keyof HologramSums)[];

/** Nothing. */
export const EMPTY_SUMS: HologramSums = emptySums();

/** A summary. Immutable but for `memo`. */
export class Hologram {
  /** Time of its oldest part, in seconds; Infinity if it has none. */
  readonly takenAt: number;
  /** Time of its newest part; −Infinity if it has none. */
  readonly newestAt: number;
  readonly sums: HologramSums;
  readonly maxima: HologramMaxima;
  /** Decayed GPU demand of all arrivals, in milli-GPU. Integer. */
  readonly demandMilli: number;
  /** By name ascending, names distinct. */
  readonly models: readonly HologramModel[];
  readonly classes: HologramClasses;
  /** Held idle by gangs across zones. */
  readonly held: HeldPart;
  /** A reader's cache for this hologram; not part of its value. */
  memo: unknown = undefined;

  /** @param parts In canonical form: made by `takeHologram`, `mergeHolograms` or `decodeHologram`. */
  constructor(parts: HologramParts) {
    this.takenAt = parts.takenAt;
    this.newestAt = parts.newestAt;
    this.sums = parts.sums;
    this.maxima = parts.maxima;
    this.demandMilli = parts.demandMilli;
    this.models = parts.models;
    this.classes = parts.classes;
    this.held = parts.held ?? NO_HELD_PART;
  }
}

/** @returns Sums of an empty hologram. */
export function emptySums(): HologramSums {
  return {
    zones: 0,
    nodes: 0,
    nodesUp: 0,
    pods: 0,
    capacityCpuMilli: 0,
    freeCpuMilli: 0,
    capacityGpuMilli: 0,
    freeGpuMilli: 0,
    heldGpuMilli: 0,
    waitingJobs: 0,
    waitingGpuMilli: 0,
    arrivalsPerSecond: 0,
  };
}

/** @returns Maxima of an empty hologram. */
export function emptyMaxima(): HologramMaxima {
  return { oldestWaitSeconds: 0, zoneFreeGpuMilli: 0, zoneWholeGpus: 0, heldShare: 0 };
}

/** @returns Sums that add up exactly: rounded to integers, the rate to 2^−20, at most their bounds. */
export function exactSums(sums: HologramSums): HologramSums {
  const exact: MutableSums = { ...sums };
  for (const name of COUNTED_SUMS) exact[name] = exactSum(sums[name]);
  exact.arrivalsPerSecond = exactSum(sums.arrivalsPerSecond / RATE_UNIT) * RATE_UNIT;
  return exact;
}

/** @returns The nearest integer, at most SUM_MAX. @param value Finite, ≥ 0. */
export function exactSum(value: number): number {
  assert(value >= 0 && value < Number.POSITIVE_INFINITY, 'a sum of a hologram is finite and not negative');
  return Math.min(SUM_MAX, Math.round(value));
}

/**
 * Adds holograms up: sums and class counts are added, maxima and free pod slots take the worst value, times the oldest
 * and newest.
 *
 * Commutative and associative, and the empty hologram changes nothing: the same parts give the same bytes in whatever
 * order and grouping they were merged. @cost O(classes × log classes).
 *
 * @param parts None: the empty hologram. One: itself.
 */
export function mergeHolograms(parts: readonly Hologram[]): Hologram {
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  const models = new Map<string, HologramModel>();
  let takenAt = Number.POSITIVE_INFINITY;
  let newestAt = Number.NEGATIVE_INFINITY;
  let sums = EMPTY_SUMS;
  let maxima = emptyMaxima();
  let demandMilli = 0;
  let held = NO_HELD_PART;
  let expected = 16;
  for (const part of parts) expected = Math.max(expected, 2 * part.classes.count);
  const collector = new ClassCollector(expected);
  for (const part of parts) {
    takenAt = Math.min(takenAt, part.takenAt);
    newestAt = Math.max(newestAt, part.newestAt);
    sums = addSums(sums, part.sums);
    maxima = worst(maxima, part.maxima);
    held = addHeldParts(held, part.held);
    demandMilli = Math.min(SUM_MAX, demandMilli + part.demandMilli);
    for (const model of part.models) models.set(model.gpuModel, addModels(models.get(model.gpuModel), model));
    collector.addAll(part.classes);
  }
  return new Hologram({
    takenAt,
    newestAt,
    sums,
    maxima,
    demandMilli,
    models: sortedModels(models.values()),
    classes: collector.finish(),
    held,
  });
}

/** @returns Models by name, at most as many as a hologram may have. Names must be distinct. */
export function sortedModels(models: Iterable<HologramModel>): HologramModel[] {
  return [...models].sort((a, b) => (a.gpuModel < b.gpuModel ? -1 : 1)).slice(0, HOLOGRAM_LIMITS.modelsMax);
}

type MutableSums = { -readonly [name in keyof HologramSums]: number };

function addSums(a: HologramSums, b: HologramSums): HologramSums {
  const sum: MutableSums = { ...a };
  for (const name of COUNTED_SUMS) sum[name] = Math.min(SUM_MAX, a[name] + b[name]);
  sum.arrivalsPerSecond = Math.min(SUM_MAX * RATE_UNIT, a.arrivalsPerSecond + b.arrivalsPerSecond);
  return sum;
}

function worst(a: HologramMaxima, b: HologramMaxima): HologramMaxima {
  return {
    oldestWaitSeconds: Math.max(a.oldestWaitSeconds, b.oldestWaitSeconds),
    zoneFreeGpuMilli: Math.max(a.zoneFreeGpuMilli, b.zoneFreeGpuMilli),
    zoneWholeGpus: Math.max(a.zoneWholeGpus, b.zoneWholeGpus),
    heldShare: Math.max(a.heldShare, b.heldShare),
  };
}

function addModels(a: HologramModel | undefined, b: HologramModel): HologramModel {
  if (a === undefined) return b;
  return {
    gpuModel: b.gpuModel,
    freeMilli: Math.min(SUM_MAX, a.freeMilli + b.freeMilli),
    capacityMilli: Math.min(SUM_MAX, a.capacityMilli + b.capacityMilli),
    boundMilli: Math.min(SUM_MAX, a.boundMilli + b.boundMilli),
  };
}
