/**
 * Counters, gauges and histograms as plain arrays of numbers, one row for each combination of labels.
 *
 * Why not a library's: the loop counts on every decision and every binding; here that is an addition in an array, and
 * text is made only on a scrape. Rows are bounded: further combinations count in one last row.
 */
import { grown } from '../../../kernel/grown.ts';

/** Definition of a metric. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram's buckets, inclusive, rising. */
  readonly buckets?: readonly number[];
}

/** One line of an exposition. */
export interface Sample {
  /** Name of the metric, or of a part of a histogram. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Rows of a metric at most; further combinations of labels count as the last one, whose labels all say `other`. */
export const SERIES_MAX = 1000;

/** Label value of the combinations beyond the limit. */
const OTHER = 'other';

/** Separates label values in keys; no counted label contains it. */
const SEPARATOR = '\u0000';

function isSame(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Rows of one metric. */
export class MetricSeries {
  readonly definition: MetricDefinition;
  readonly #bounds: Float64Array;
  /** Numbers of a row: its value; of a histogram a count for each bucket, one above the last bound, and the sum. */
  readonly #width: number;
  readonly #rows = new Map<string, number>();
  readonly #rowsMax: number;
  #values: Float64Array;
  /** The last requested labels and their row: most are requested again at once. */
  #latest: readonly string[] = [];
  #latestRow = -1;

  /** @param rowsMax At least 1. */
  constructor(definition: MetricDefinition, rowsMax: number = SERIES_MAX) {
    this.definition = definition;
    this.#bounds = Float64Array.from(definition.buckets ?? []);
    this.#width = definition.type === 'histogram' ? this.#bounds.length + 2 : 1;
    this.#rowsMax = rowsMax;
    this.#values = new Float64Array(this.#width);
    if (definition.labels.length === 0) this.#rows.set('', 0);
  }

  /** @returns The row of label values (in the order of the definition), new if need be; stays valid until `clear`. O(1). */
  row(labels: readonly string[]): number {
    if (this.#latestRow >= 0 && isSame(labels, this.#latest)) return this.#latestRow;
    const key = labels.length === 1 ? (labels[0] as string) : labels.join(SEPARATOR);
    this.#latestRow = this.#rows.get(key) ?? this.#newRow(key);
    this.#latest = labels;
    return this.#latestRow;
  }

  #newRow(key: string): number {
    if (this.#rows.size >= this.#rowsMax) {
      key = this.definition.labels.map(() => OTHER).join(SEPARATOR);
      const other = this.#rows.get(key);
      if (other !== undefined) return other;
    }
    const row = this.#rows.size;
    this.#rows.set(key, row);
    if ((row + 1) * this.#width > this.#values.length) {
      this.#values = grown(this.#values, this.#values.length * 2);
    }
    return row;
  }

  /** Adds to a counter or gauge. */
  add(row: number, amount: number): void {
    this.#values[row] = (this.#values[row] as number) + amount;
  }

  /** Sets a gauge, or a counter that is kept elsewhere. */
  set(row: number, value: number): void {
    this.#values[row] = value;
  }

  /** Counts an observation in a histogram. O(buckets). */
  observe(row: number, value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    const at = row * this.#width;
    const values = this.#values;
    values[at + bucket] = (values[at + bucket] as number) + 1;
    values[at + bounds.length + 1] = (values[at + bounds.length + 1] as number) + value;
  }

  /**
   * Sets a histogram that is kept elsewhere. @param counts Per bucket, not cumulative, with one above the last bound.
   */
  setHistogram(row: number, counts: ArrayLike<number>, sum: number): void {
    const at = row * this.#width;
    for (let i = 0; i <= this.#bounds.length; i++) this.#values[at + i] = counts[i] ?? 0;
    this.#values[at + this.#bounds.length + 1] = sum;
  }

  /** @returns The value of a row of a counter or gauge; of a histogram the number of observations. */
  value(row: number): number {
    if (this.definition.type !== 'histogram') return this.#values[row] as number;
    let count = 0;
    for (let i = 0; i <= this.#bounds.length; i++) count += this.#values[row * this.#width + i] as number;
    return count;
  }

  /** Drops all rows, for gauges that are set again as a whole. */
  clear(): void {
    this.#rows.clear();
    this.#latestRow = -1;
    this.#values.fill(0);
    if (this.definition.labels.length === 0) this.#rows.set('', 0);
  }

  /** @returns The lines of an exposition, histograms cumulative with `le`. */
  samples(): Sample[] {
    const samples: Sample[] = [];
    for (const [key, row] of this.#rows) {
      const values = key.split(SEPARATOR);
      const labels: Record<string, string> = {};
      this.definition.labels.forEach((label, i) => {
        labels[label] = values[i] ?? '';
      });
      if (this.definition.type === 'histogram') this.#addHistogram(samples, labels, row * this.#width);
      else samples.push({ name: this.definition.name, labels, value: this.#values[row] as number });
    }
    return samples;
  }

  #addHistogram(samples: Sample[], labels: Record<string, string>, at: number): void {
    const { name } = this.definition;
    const bounds = this.#bounds;
    let count = 0;
    for (let i = 0; i <= bounds.length; i++) {
      count += this.#values[at + i] as number;
      const le = i === bounds.length ? '+Inf' : String(bounds[i]);
      samples.push({ name: `${name}_bucket`, labels: { ...labels, le }, value: count });
    }
    samples.push({ name: `${name}_sum`, labels, value: this.#values[at + bounds.length + 1] as number });
    samples.push({ name: `${name}_count`, labels, value: count });
  }
}
