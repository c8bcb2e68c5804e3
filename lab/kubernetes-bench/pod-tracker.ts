/** Creation and bind times of the pods of one batch, as observed by the benchmark. */

/** Pods are named `<prefix><index>`. */
export class PodTracker {
  readonly prefix: string;
  readonly count: number;
  /** `performance.now()`; NaN: not yet. @shape [count] */
  readonly createdMs: Float64Array;
  readonly boundMs: Float64Array;
  /** Pods that are bound. */
  boundCount = 0;
  /** When the last one so far was bound; NaN: none. */
  lastBoundMs = Number.NaN;

  constructor(prefix: string, count: number) {
    this.prefix = prefix;
    this.count = count;
    this.createdMs = new Float64Array(count).fill(Number.NaN);
    this.boundMs = new Float64Array(count).fill(Number.NaN);
  }

  /** @returns The name of a pod. */
  name(i: number): string {
    return this.prefix + i;
  }

  /** Pod i was created. */
  created(i: number, nowMs: number): void {
    this.createdMs[i] = nowMs;
  }

  /** @returns True if it is the name of a pod of this batch that is not bound yet. */
  awaits(name: string): boolean {
    return Number.isNaN(this.boundMs[this.index(name)] ?? 0);
  }

  /** A pod of this name is bound; repeated reports, and pods of another batch, are ignored. */
  bound(name: string, nowMs: number): void {
    if (!this.awaits(name)) return;
    this.boundMs[this.index(name)] = nowMs;
    this.boundCount++;
    this.lastBoundMs = nowMs;
  }

  /** @returns -1 for a name of another batch. */
  private index(name: string): number {
    return name.startsWith(this.prefix) ? Number(name.slice(this.prefix.length)) : -1;
  }

  /** @returns Seconds from `fromMs` to each bind, ascending. */
  bindSeconds(fromMs: number): Float64Array {
    const bound = this.boundMs.filter((ms) => !Number.isNaN(ms));
    return bound.map((ms) => Math.max(0, (ms - fromMs) / 1000)).sort();
  }

  /**
   * @param fromMs Pods that were created before count as created then.
   * @returns Seconds from creation to bind of each bound pod, ascending. A pod that was seen bound before the answer to
   *          its creation was read has 0.
   */
  waitSeconds(fromMs: number): Float64Array {
    const waits: number[] = [];
    for (let i = 0; i < this.count; i++) {
      const bound = this.boundMs[i] as number;
      const created = Math.max(fromMs, this.createdMs[i] as number);
      if (Number.isNaN(bound)) continue;
      waits.push(Number.isNaN(created) ? 0 : Math.max(0, (bound - created) / 1000));
    }
    return Float64Array.from(waits).sort();
  }
}
