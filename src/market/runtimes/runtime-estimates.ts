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
import { EVICTION_DEFAULTS, type EvictionTerms, savedSeconds } from '../../model/eviction-terms.ts';
import { RuntimePredictor } from './runtime-predictor.ts';

/** Seconds that are added to a prediction, one after the other, each time a job has run longer. */
const CORRECTION_STEPS_SECONDS = [
  60, 300, 900, 1_800, 3_600, 7_200, 18_000, 36_000, 72_000, 180_000, 360_000,
] as const;

/** One waiting or running job. */
interface Entry {
  readonly owner: number;
  /** Infinity: unknown. */
  readonly declaredSeconds: number;
  readonly terms: EvictionTerms;
  /** What its checkpoints keep of earlier runs. */
  doneSeconds: number;
  /** NaN while it waits. */
  startSeconds: number;
  /** The estimate at its start; meaningful while it runs. */
  expectedSeconds: number;
}

/** What is expected. */
export interface RuntimeEstimateOptions {
  /** True: owners' last runs are preferred to what they declare. Default false. */
  readonly predicts?: boolean;
  /** True: what owners declare is preferred to their last runs, which stand for jobs that declare nothing. Default false. */
  readonly prefersDeclared?: boolean;
  /** Of a job about which nothing is known, seconds; default Infinity: it is not expected to end. */
  readonly unknownSeconds?: number;
}

/** The estimates of one discipline. O(1) a call. */
export class RuntimeEstimates {
  private readonly predictor: RuntimePredictor | undefined;
  private readonly unknownSeconds: number;
  private readonly prefersDeclared: boolean;
  private readonly entries = new Map<number, Entry>();

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
    this.entries.set(job, {
      owner: owner >= 0 ? owner : -1 - tenant,
      declaredSeconds: Number.isNaN(declaredSeconds) ? Number.POSITIVE_INFINITY : declaredSeconds,
      terms,
      doneSeconds: 0,
      startSeconds: Number.NaN,
      expectedSeconds: Number.NaN,
    });
  }

  /** @returns Seconds that a waiting job would run, or that a running one was expected to run; Infinity: unknown. */
  estimate(job: number): number {
    const entry = this.entryOf(job);
    return Number.isNaN(entry.startSeconds) ? this.expect(entry) : entry.expectedSeconds;
  }

  /** A waiting job starts. */
  started(job: number, nowSeconds: number): void {
    const entry = this.entryOf(job);
    entry.expectedSeconds = this.expect(entry);
    entry.startSeconds = nowSeconds;
  }

  /** @returns When a running job is expected to end: not before now; Infinity: unknown. */
  expectedEnd(job: number, nowSeconds: number): number {
    const { startSeconds, expectedSeconds, declaredSeconds, doneSeconds } = this.entryOf(job);
    assert(!Number.isNaN(startSeconds), 'a job that waits has no expected end');
    let seconds = expectedSeconds;
    const { predictor } = this;
    if (predictor !== undefined) {
      const runSeconds = nowSeconds - startSeconds;
      const most = Math.max(0, declaredSeconds - doneSeconds);
      for (let step = 0; seconds <= runSeconds && seconds < most; step++) {
        const last = CORRECTION_STEPS_SECONDS.length - 1;
        seconds += CORRECTION_STEPS_SECONDS[Math.min(step, last)] as number;
      }
      seconds = Math.min(seconds, most);
    }
    return Math.max(startSeconds + seconds, nowSeconds);
  }

  /**
   * A running job is gone, or waits again. An entry is kept until `forgotten`, so that it can start over.
   *
   * @param isFinished True if it ended on its own: the run says something about its owner's next one.
   */
  ended(job: number, nowSeconds: number, isFinished: boolean): void {
    const entry = this.entryOf(job);
    assert(!Number.isNaN(entry.startSeconds), 'a job ended that did not run');
    const runSeconds = nowSeconds - entry.startSeconds;
    if (isFinished) this.predictor?.ended(entry.owner, entry.doneSeconds + runSeconds);
    else entry.doneSeconds += savedSeconds(runSeconds, entry.terms);
    entry.startSeconds = Number.NaN;
  }

  /** A job has left for good. */
  forgotten(job: number): void {
    this.entries.delete(job);
  }

  /** Of what is left of it. */
  private expect(entry: Entry): number {
    return Math.max(0, this.expectWhole(entry) - entry.doneSeconds);
  }

  private expectWhole({ owner, declaredSeconds }: Entry): number {
    if (this.prefersDeclared && declaredSeconds < Number.POSITIVE_INFINITY) return declaredSeconds;
    const predicted = this.predictor?.predict(owner) ?? Number.NaN;
    if (!Number.isNaN(predicted)) return Math.min(predicted, declaredSeconds);
    return declaredSeconds === Number.POSITIVE_INFINITY ? this.unknownSeconds : declaredSeconds;
  }

  private entryOf(job: number): Entry {
    const entry = this.entries.get(job);
    assert(entry !== undefined, 'a job without an estimate');
    return entry;
  }
}
