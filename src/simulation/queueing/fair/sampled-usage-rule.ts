/** Kueue's Admission Fair Sharing: the smallest decayed usage over weight first. */
import { admissionRate, admissionUsage } from '../../../market/shares/admission-shares.ts';
import type { RoomAmounts } from '../room-profile.ts';
import { ShareChange, type ShareChangeKind, type ShareRule } from './share-rule.ts';
import type { ShareTree } from './share-tree.ts';

/** Samples are taken at multiples of this: Kueue's default. */
const SAMPLING_SECONDS = 300;

/** Usage of one resource: GPUs where there are any, else CPUs. */
export class SampledUsageRule implements ShareRule {
  readonly dueSeconds: number = Number.POSITIVE_INFINITY;
  private readonly tree: ShareTree;
  private readonly kind: number;
  private readonly halfLifeSeconds: number;
  private readonly rate: number;
  private readonly usages: number[] = [];
  /** By node: samples taken. */
  private readonly samples: number[] = [];
  private now = 0;

  /** @param kind Index of the amount that counts. */
  constructor(tree: ShareTree, kind: number, halfLifeSeconds: number) {
    this.tree = tree;
    this.kind = kind;
    this.halfLifeSeconds = halfLifeSeconds;
    this.rate = admissionRate(SAMPLING_SECONDS, halfLifeSeconds);
  }

  changing(leaf: number, timeSeconds: number, amounts: RoomAmounts, change: ShareChangeKind): void {
    for (let at = leaf; at >= 0; at = this.tree.nodeAt(at).parent) {
      const usage = this.settle(at, timeSeconds);
      if (change !== ShareChange.Starts) continue;
      this.usages[at] = usage + this.rate * (amounts[this.kind] as number);
    }
  }

  begin(timeSeconds: number): void {
    this.now = timeSeconds;
  }

  keyOf(node: number): number {
    const { weight } = this.tree.nodeAt(node);
    return weight === 0 ? Number.POSITIVE_INFINITY : this.settle(node, this.now) / weight;
  }

  private settle(node: number, timeSeconds: number): number {
    const samples = Math.floor(timeSeconds / SAMPLING_SECONDS);
    const held = this.tree.nodeAt(node).used[this.kind] as number;
    const missed = samples - (this.samples[node] ?? samples);
    const usage = admissionUsage(
      this.usages[node] ?? 0,
      held,
      missed,
      SAMPLING_SECONDS,
      this.halfLifeSeconds,
    );
    this.samples[node] = samples;
    this.usages[node] = usage;
    return usage;
  }
}
