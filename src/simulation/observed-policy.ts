/**
 * A policy and a record of what it cost: decisions, nodes looked at, and, where a clock is given, time.
 *
 * Invariant: it answers exactly what the policy inside answers.
 */
import type { Explanation, PlacementPolicy } from '../governor/policy.ts';
import { QuantileSketch } from '../kernel/quantile-sketch.ts';
import type { Demand } from '../model/demand.ts';

/** A choice and its reasons. */
export interface WatchedChoice {
  readonly node: number;
  readonly explanation: Explanation;
}

/** Passes every call on and counts. Adds some 20 ns to a decision while `timing` is off. */
export class ObservedPolicy implements PlacementPolicy {
  readonly name: string;
  decisions = 0;
  failures = 0;
  nodesExaminedSum = 0;
  readonly nodesExaminedSketch: QuantileSketch = new QuantileSketch();
  /** Microseconds of single decisions. */
  readonly decisionMicros: QuantileSketch = new QuantileSketch();
  /** Microseconds spent in the policy while `timing` was on. */
  microsSum = 0;
  /** Calls that were timed. */
  timedCalls = 0;
  /** Whether calls are timed now; the caller switches it on for a sample of the events. */
  timing = false;
  /** If set, the reasons of choices for this demand are kept in `watchedChoices`, until the caller takes them away. */
  watched: Demand | undefined;
  /** The successful ones, in order. */
  readonly watchedChoices: WatchedChoice[] = [];
  private readonly inner: PlacementPolicy;
  private readonly clockMicros: () => number;

  /** @param clockMicros Microseconds from any origin; called only while `timing` is on. */
  constructor(inner: PlacementPolicy, clockMicros: () => number) {
    this.name = inner.name;
    this.inner = inner;
    this.clockMicros = clockMicros;
  }

  /** Of the last successful choice. */
  get gpuMask(): number {
    return this.inner.gpuMask;
  }

  /** By the last choice. */
  get nodesExamined(): number {
    return this.inner.nodesExamined;
  }

  choose(demand: Demand): number {
    this.decisions++;
    if (demand === this.watched) return this.watchedChoose(demand);
    return this.countedChoose(demand);
  }

  private countedChoose(demand: Demand): number {
    const node = this.timing ? this.timedChoose(demand) : this.inner.choose(demand);
    const examined = this.inner.nodesExamined;
    this.nodesExaminedSum += examined;
    this.nodesExaminedSketch.insert(examined);
    if (node < 0) this.failures++;
    return node;
  }

  demandSeen(demand: Demand, count?: number): void {
    if (!this.timing) {
      this.inner.demandSeen?.(demand, count);
      return;
    }
    this.timedCalls++;
    const from = this.clockMicros();
    this.inner.demandSeen?.(demand, count);
    this.microsSum += this.clockMicros() - from;
  }

  nodeChanged(node: number): void {
    if (!this.timing) {
      this.inner.nodeChanged?.(node);
      return;
    }
    this.timedCalls++;
    const from = this.clockMicros();
    this.inner.nodeChanged?.(node);
    this.microsSum += this.clockMicros() - from;
  }

  explain(demand: Demand): Explanation {
    const explanation = this.inner.explain?.(demand);
    return explanation ?? { policy: this.name, node: '', better: 'lower', candidates: [], lacking: {} };
  }

  private watchedChoose(demand: Demand): number {
    const explanation = this.explain(demand);
    const node = this.countedChoose(demand);
    if (node >= 0) this.watchedChoices.push({ node, explanation });
    return node;
  }

  private timedChoose(demand: Demand): number {
    this.timedCalls++;
    const from = this.clockMicros();
    const node = this.inner.choose(demand);
    const micros = this.clockMicros() - from;
    this.microsSum += micros;
    this.decisionMicros.insert(micros);
    return node;
  }
}
