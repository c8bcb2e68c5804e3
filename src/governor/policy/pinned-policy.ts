/**
 * A policy that can be told where the next pods go: for a zone that is rebuilt from what already runs on its nodes.
 */
import type { Demand } from '../../model/demand.ts';
import type { Explanation, PlacementPolicy } from './policy.ts';

/** Delegates to another policy unless it is steered. */
export class PinnedPolicy implements PlacementPolicy {
  readonly name: string;
  /** What it delegates to. */
  readonly inner: PlacementPolicy;
  private nodes: readonly number[] = [];
  private masks: readonly number[] = [];
  private next = 0;
  private steeredMask = -1;
  /** Whether what is submitted counts as an arrival: a job that asks again does not. */
  counts = true;

  constructor(inner: PlacementPolicy) {
    this.inner = inner;
    this.name = inner.name;
  }

  /** The next pods go to these nodes and GPUs, in order, whatever the inner policy would say. */
  steer(nodes: readonly number[], masks: readonly number[]): void {
    this.nodes = nodes;
    this.masks = masks;
    this.next = 0;
  }

  get gpuMask(): number {
    return this.steeredMask >= 0 ? this.steeredMask : this.inner.gpuMask;
  }

  get nodesExamined(): number {
    return this.inner.nodesExamined;
  }

  demandSeen(demand: Demand, count?: number): void {
    if (this.counts) this.inner.demandSeen?.(demand, count);
  }

  choose(demand: Demand): number {
    if (this.next < this.nodes.length) {
      this.steeredMask = this.masks[this.next] as number;
      return this.nodes[this.next++] as number;
    }
    this.steeredMask = -1;
    return this.inner.choose(demand);
  }

  nodeChanged(node: number): void {
    this.inner.nodeChanged?.(node);
  }

  explain(demand: Demand, chosen?: number): Explanation {
    return (
      this.inner.explain?.(demand, chosen) ?? {
        policy: this.name,
        node: '',
        better: 'lower',
        candidates: [],
        lacking: {},
      }
    );
  }
}
