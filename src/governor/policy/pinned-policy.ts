/** A policy whose next choices can be pinned: for a zone that is rebuilt from the jobs running on its nodes. */
import type { Demand } from '../../model/demand.ts';
import type { Explanation, PlacementPolicy } from './policy.ts';

/** Delegates to another policy unless it is pinned. */
export class PinnedPolicy implements PlacementPolicy {
  readonly name: string;
  /** The inner policy. */
  readonly inner: PlacementPolicy;
  private nodes: readonly number[] = [];
  private masks: readonly number[] = [];
  private next = 0;
  private steeredMask = -1;
  /** True if a submission counts as an arrival: a repeated request does not. */
  counts = true;

  constructor(inner: PlacementPolicy) {
    this.inner = inner;
    this.name = inner.name;
  }

  /** Pins the next pods to these nodes and GPUs, in order, regardless of the inner policy. */
  pin(nodes: readonly number[], masks: readonly number[]): void {
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
