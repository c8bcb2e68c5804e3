/**
 * Predicts the run time of a job: the mean of the last two runs of its owner.
 *
 * Why so plain: recent runs of a user resemble the next one more than jobs that look alike do, and owners' own limits are
 * many times what runs take (a median of 13.5 on MetaCentrum's log).
 *
 * @source Tsafrir, Etsion, Feitelson 2007, Backfilling Using System-Generated Predictions Rather than User Runtime
 *   Estimates, IEEE TPDS 18(6).
 */
import { assert } from '../../kernel/assert.ts';

/** Owners remembered unless the caller says otherwise. */
const OWNERS_MAX_DEFAULT = 65_536;

/** The last run times of owners. Bounded: the owner whose last run is the oldest is forgotten first. */
export class RuntimePredictor {
  private readonly ownersMax: number;
  /** Rows by owner, the owner with the oldest last run first. */
  private readonly rows = new Map<number, number>();
  /** @shape [rows] seconds; `previous` is NaN after one run. */
  private readonly last: number[] = [];
  private readonly previous: number[] = [];

  /** @param ownersMax Owners remembered, ≥ 1. 100 bytes each. */
  constructor(ownersMax: number = OWNERS_MAX_DEFAULT) {
    assert(Number.isInteger(ownersMax) && ownersMax >= 1, 'a predictor that remembers no owner');
    this.ownersMax = ownersMax;
  }

  /** Owners remembered. */
  get owners(): number {
    return this.rows.size;
  }

  /** A job of an owner ended on its own. @param owner Any integer. @param runSeconds ≥ 0, finite. Amortised O(1). */
  ended(owner: number, runSeconds: number): void {
    assert(runSeconds >= 0 && runSeconds < Number.POSITIVE_INFINITY, 'a run time is negative or not finite');
    let row = this.rows.get(owner);
    if (row === undefined) {
      row = this.freeRow();
      this.previous[row] = Number.NaN;
    } else {
      this.rows.delete(owner);
      this.previous[row] = this.last[row] as number;
    }
    this.last[row] = runSeconds;
    this.rows.set(owner, row);
  }

  /** @returns Mean of the owner's last two runs (of one, if no other is known), seconds; NaN without any. O(1). */
  predict(owner: number): number {
    const row = this.rows.get(owner);
    if (row === undefined) return Number.NaN;
    const last = this.last[row] as number;
    const previous = this.previous[row] as number;
    return Number.isNaN(previous) ? last : (last + previous) / 2;
  }

  private freeRow(): number {
    if (this.rows.size < this.ownersMax) return this.rows.size;
    const [owner, row] = this.rows.entries().next().value as [number, number];
    this.rows.delete(owner);
    return row;
  }
}
