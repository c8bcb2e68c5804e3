/**
 * How long jobs are expected to run, for every queue discipline that plans: declared run times, or predictions.
 *
 *     submitted ──▶ estimate ──started──▶ expectedEnd ──▶ ended (the run is learned from, if it ended on its own)
 *                       ▲                                   │ it starts over
 *                       └───────────────────────────────────┘
 *                         or goes on from its last checkpoint
 *
 * A prediction is renewed while a job waits, kept from its start on, and never above what the owner declared. A job that
 * runs longer than predicted gets a longer prediction, by the steps of the source, until its declared time.
 *
 * @source Tsafrir, Etsion, Feitelson 2007 (see `runtime-predictor.ts`), section 5: increments of corrections.
 */
import { assert } from '../../kernel/assert.ts';
import { grown } from '../../kernel/grown.ts';
import { EVICTION_DEFAULTS, type EvictionTerms, savedSeconds } from '../../model/eviction-terms.ts';
import { RuntimePredictor } from './runtime-predictor.ts';

/** Seconds that are added to a prediction, one after the other, each time a job has run longer. */
const CORRECTION_STEPS_SECONDS = [
  60, 300, 900, 1_800, 3_600, 7_200, 18_000, 36_000, 72_000, 180_000, 360_000,
] as const;

/**
 * @param seconds     The prediction.
 * @param runSeconds  How long it has run.
 * @param mostSeconds No correction goes beyond.
 * @returns           The prediction, lengthened step by step until it is not exceeded; at most `mostSeconds`.
 */
export function correctedRunSeconds(seconds: number, runSeconds: number, mostSeconds: number): number {
  const last = CORRECTION_STEPS_SECONDS.length - 1;
  let corrected = seconds;
  for (let step = 0; corrected <= runSeconds && corrected < mostSeconds; step++) {
    corrected += CORRECTION_STEPS_SECONDS[Math.min(step, last)] as number;
  }
  return Math.min(corrected, mostSeconds);
}

/** Jobs that new columns have room for. */
const CAPACITY_FIRST = 64;

/** What is expected. */
export interface RuntimeEstimateOptions {
  /** True: owners' last runs are preferred to what they declare. Default false. */
  readonly predicts?: boolean;
  /** True: what owners declare is preferred to their last runs, which stand for jobs that declare nothing. Default false. */
  readonly prefersDeclared?: boolean;
  /** Of a job about which nothing is known, seconds; default Infinity: it is not expected to end. */
  readonly unknownSeconds?: number;
}

/**
 * The estimates of one discipline, in columns by the number of the job: 36 bytes for each up to the largest. O(1) a call,
 * amortised.
 */
export class RuntimeEstimates {
  /** Runs that were learned from: while it stands the estimates of waiting jobs are unchanged. */
  learned = 0;
  private readonly predictor: RuntimePredictor | undefined;
  private readonly unknownSeconds: number;
  private readonly prefersDeclared: boolean;
  /** Who stands for its owner. */
  private owners = new Int32Array(CAPACITY_FIRST);
  /** Infinity: unknown; NaN: no job of this number waits or runs. */
  private declared = new Float64Array(CAPACITY_FIRST).fill(Number.NaN);
  /** What its checkpoints keep of earlier runs. */
  private done = new Float64Array(CAPACITY_FIRST);
  /** NaN while it waits. */
  private starts = new Float64Array(CAPACITY_FIRST);
  /** The estimate at its start; meaningful while it runs. */
  private expected = new Float64Array(CAPACITY_FIRST);
  /** Of jobs whose terms are not the default ones. */
  private readonly terms = new Map<number, EvictionTerms>();

  /** See `RuntimeEstimateOptions`. */
  constructor({
    predicts = false,
    prefersDeclared = false,
    unknownSeconds = Number.POSITIVE_INFINITY,
  }: RuntimeEstimateOptions = {}) {
    this.predictor = predicts ? new RuntimePredictor() : undefined;
    this.prefersDeclared = prefersDeclared;
    this.unknownSeconds = unknownSeconds;
  }

  /**
   * A job waits for the first time, or again after it was `forgotten`.
   *
   * @param owner           ≥ 0; −1: unknown, and its tenant stands for it.
   * @param declaredSeconds NaN: unknown.
   */
  submitted(
    job: number,
    owner: number,
    tenant: number,
    declaredSeconds: number,
    terms: EvictionTerms = EVICTION_DEFAULTS,
  ): void {
    if (job >= this.owners.length) this.widen(job);
    this.owners[job] = owner >= 0 ? owner : -1 - tenant;
    this.declared[job] = Number.isNaN(declaredSeconds) ? Number.POSITIVE_INFINITY : declaredSeconds;
    this.done[job] = 0;
    this.starts[job] = Number.NaN;
    if (terms !== EVICTION_DEFAULTS) this.terms.set(job, terms);
  }

  /** @returns Seconds that a waiting job would run, or that a running one was expected to run; Infinity: unknown. */
  estimate(job: number): number {
    this.requireEntry(job);
    return Number.isNaN(this.starts[job]) ? this.expect(job) : (this.expected[job] as number);
  }

  /** A waiting job starts. */
  started(job: number, nowSeconds: number): void {
    this.requireEntry(job);
    this.expected[job] = this.expect(job);
    this.starts[job] = nowSeconds;
  }

  /** @returns When a running job is expected to end: not before now; Infinity: unknown. */
  expectedEnd(job: number, nowSeconds: number): number {
    this.requireEntry(job);
    const startSeconds = this.starts[job] as number;
    assert(!Number.isNaN(startSeconds), 'a job that waits has no expected end');
    let seconds = this.expected[job] as number;
    if (this.predictor !== undefined) {
      const runSeconds = nowSeconds - startSeconds;
      const most = Math.max(0, (this.declared[job] as number) - (this.done[job] as number));
      seconds = correctedRunSeconds(seconds, runSeconds, most);
    }
    return Math.max(startSeconds + seconds, nowSeconds);
  }

  /** @returns How long a running job has run, seconds. */
  age(job: number, nowSeconds: number): number {
    this.requireEntry(job);
    const startSeconds = this.starts[job] as number;
    assert(!Number.isNaN(startSeconds), 'a job that waits has no age');
    return nowSeconds - startSeconds;
  }

  /**
   * A running job is gone, or waits again. An entry is kept until `forgotten`, so that it can start over.
   *
   * @param isFinished True if it ended on its own: the run says something about its owner's next one.
   */
  ended(job: number, nowSeconds: number, isFinished: boolean): void {
    this.requireEntry(job);
    const runSeconds = nowSeconds - (this.starts[job] as number);
    assert(!Number.isNaN(runSeconds), 'a job ended that did not run');
    const done = this.done[job] as number;
    if (isFinished) {
      this.predictor?.ended(this.owners[job] as number, done + runSeconds);
      if (this.predictor !== undefined) this.learned++;
    } else this.done[job] = done + savedSeconds(runSeconds, this.terms.get(job) ?? EVICTION_DEFAULTS);
    this.starts[job] = Number.NaN;
  }

  /** A job has left for good. */
  forgotten(job: number): void {
    this.declared[job] = Number.NaN;
    this.terms.delete(job);
  }

  /** Of what is left of it. */
  private expect(job: number): number {
    return Math.max(0, this.expectWhole(job) - (this.done[job] as number));
  }

  private expectWhole(job: number): number {
    const declaredSeconds = this.declared[job] as number;
    if (this.prefersDeclared && declaredSeconds < Number.POSITIVE_INFINITY) return declaredSeconds;
    const predicted = this.predictor?.predict(this.owners[job] as number) ?? Number.NaN;
    if (!Number.isNaN(predicted)) return Math.min(predicted, declaredSeconds);
    return declaredSeconds === Number.POSITIVE_INFINITY ? this.unknownSeconds : declaredSeconds;
  }

  private requireEntry(job: number): void {
    assert(!Number.isNaN(this.declared[job] ?? Number.NaN), 'a job without an estimate');
  }

  private widen(job: number): void {
    const capacity = Math.max(job + 1, 2 * this.owners.length);
    this.owners = grown(this.owners, capacity);
    this.declared = grown(this.declared, capacity, Number.NaN);
    this.done = grown(this.done, capacity);
    this.starts = grown(this.starts, capacity);
    this.expected = grown(this.expected, capacity);
  }
}
