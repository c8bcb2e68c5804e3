/**
 * A policy and a record of its cost: decisions, nodes examined, and, where a clock is given, time.
 *
 * Invariant: its answers are exactly those of the inner policy.
 */
import type { Explanation, PlacementPolicy } from '../../governor/policy/policy.ts';
import { QuantileSketch } from '../../kernel/quantile-sketch.ts';
import type { Demand } from '../../model/demand.ts';

/** A choice and its reasons. */
export interface WatchedChoice {
  readonly node: number;
  readonly explanation: Explanation;
}

/** Passes every call on and counts. Adds some 20 ns to a decision, with a clock 100 to every call. */
export class ObservedPolicy implements PlacementPolicy {
  readonly name: string;
  decisions = 0;
  failures = 0;
  nodesExaminedSum = 0;
  readonly nodesExaminedSketch: QuantileSketch = new QuantileSketch();
  /** Microseconds of single decisions. */
  readonly decisionMicros: QuantileSketch = new QuantileSketch();
  /** Microseconds spent in the policy. All calls are timed: the rare one that rebuilds an index may weigh most. */
  microsSum = 0;
  /** Calls that were timed. */
  timedCalls = 0;
  /** If set, the reasons of choices for this demand are kept in `watchedChoices`, until the caller takes them. */
  watched: Demand | undefined;
  /** The successful ones, in order. */
  readonly watchedChoices: WatchedChoice[] = [];
  private readonly inner: PlacementPolicy;
  private readonly clockMicros: (() => number) | undefined;

  /** @param clockMicros Microseconds from any origin; absent: nothing is timed. */
  constructor(inner: PlacementPolicy, clockMicros?: () => number) {
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
    const clock = this.clockMicros;
    const node = clock === undefined ? this.inner.choose(demand) : this.timedChoose(demand, clock);
    const examined = this.inner.nodesExamined;
    this.nodesExaminedSum += examined;
    this.nodesExaminedSketch.insert(examined);
    if (node < 0) this.failures++;
    return node;
  }

  /** Counts decisions made elsewhere in the policy's place. @param examined Nodes examined by all of them. */
  decided(decisions: number, failed: number, examined: number): void {
    this.decisions += decisions;
    this.failures += failed;
    this.nodesExaminedSum += examined;
    for (let i = 0; i < decisions; i++) this.nodesExaminedSketch.insert(examined / decisions);
  }

  demandSeen(demand: Demand, count?: number): void {
    const clock = this.clockMicros;
    if (clock === undefined) {
      this.inner.demandSeen?.(demand, count);
      return;
    }
    this.timedCalls++;
    const from = clock();
    this.inner.demandSeen?.(demand, count);
    this.microsSum += clock() - from;
  }

  nodeChanged(node: number): void {
    const clock = this.clockMicros;
    if (clock === undefined) {
      this.inner.nodeChanged?.(node);
      return;
    }
    this.timedCalls++;
    const from = clock();
    this.inner.nodeChanged?.(node);
    this.microsSum += clock() - from;
  }

  explain(demand: Demand, chosen?: number): Explanation {
    const explanation = this.inner.explain?.(demand, chosen);
    return explanation ?? { policy: this.name, node: '', better: 'lower', candidates: [], lacking: {} };
  }

  private watchedChoose(demand: Demand): number {
    const node = this.countedChoose(demand);
    if (node >= 0) this.watchedChoices.push({ node, explanation: this.explain(demand, node) });
    return node;
  }

  private timedChoose(demand: Demand, clock: () => number): number {
    this.timedCalls++;
    const from = clock();
    const node = this.inner.choose(demand);
    const micros = clock() - from;
    this.microsSum += micros;
    this.decisionMicros.insert(micros);
    return node;
  }
}
