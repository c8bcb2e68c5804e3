/**
 * The highest-scoring node for a demand, over all nodes, with scores cached until a node changes.
 *
 * Why cached: a placement changes one node, so all other scores of a demand stay as they were; a scan then reads two
 * bytes a node instead of recomputing a score.
 * Invariant: a cached score is that of the node's present state; the owner of the scan reports every change.
 */
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';

/** Least and greatest score. */
export const SCORE_MAX = 32_000;

/** The node does not fit the demand now. */
const NO_FIT = -32_767;
/** Not computed since the node last changed. */
const UNKNOWN = -32_768;
/** Most remembered scores (2 bytes each) over all demands; beyond them scores are computed at each scan. */
const CELLS_MAX = 2 ** 28;

/** Scores a fitting node for a demand: an integer in [−SCORE_MAX, SCORE_MAX]. Higher is better. */
export type NodeScore = (node: number, demand: Demand) => number;

/** Scans all nodes of a cluster for one policy. */
export class ScoreScan {
  private readonly cluster: ClusterState;
  private readonly score: NodeScore;
  /** [demand id] → remembered scores. @shape [demands][nodes] */
  private readonly columns: (Int16Array | undefined)[] = [];
  /** Demand ids that have a column. */
  private readonly remembered: number[] = [];
  private cells = 0;
  private scratch = new Int16Array(0);

  constructor(cluster: ClusterState, score: NodeScore) {
    this.cluster = cluster;
    this.score = score;
  }

  /** @returns The lowest-numbered node of the highest score, or −1 if none fits. O(nodes). */
  best(demand: Demand): number {
    const scores = this.column(demand);
    const count = this.cluster.nodeCount;
    let best = -1;
    let bestScore = NO_FIT;
    for (let node = 0; node < count; node++) {
      let score = scores[node] as number;
      if (score === UNKNOWN) score = this.refresh(scores, node, demand);
      if (score > bestScore) {
        bestScore = score;
        best = node;
      }
    }
    return best;
  }

  /** @returns The first node at or after `start` (wrapping around) that fits, or −1. */
  firstFit(demand: Demand, start = 0): number {
    const scores = this.column(demand);
    const count = this.cluster.nodeCount;
    for (let i = 0; i < count; i++) {
      const node = start + i < count ? start + i : start + i - count;
      if (this.at(scores, node, demand) !== NO_FIT) return node;
    }
    return -1;
  }

  /** @returns Whether the node fits the demand now. */
  fits(node: number, demand: Demand): boolean {
    return this.at(this.column(demand), node, demand) !== NO_FIT;
  }

  /** @returns How many nodes fit the demand now. O(nodes). */
  countFitting(demand: Demand): number {
    const scores = this.column(demand);
    const count = this.cluster.nodeCount;
    let fitting = 0;
    for (let node = 0; node < count; node++) if (this.at(scores, node, demand) !== NO_FIT) fitting++;
    return fitting;
  }

  /** @returns The fitting node number `rank` (from 0) in node order, or −1. O(nodes). */
  fittingAt(demand: Demand, rank: number): number {
    const scores = this.column(demand);
    const count = this.cluster.nodeCount;
    let left = rank;
    for (let node = 0; node < count; node++) {
      if (this.at(scores, node, demand) !== NO_FIT && left-- === 0) return node;
    }
    return -1;
  }

  /**
   * The remembered scores of a demand for a scan of the caller's own; read them through `at`.
   * Valid until the next call.
   */
  column(demand: Demand): Int16Array {
    const known = this.columns[demand.id];
    const count = this.cluster.nodeCount;
    if (known !== undefined && known.length >= count) return known;
    const length = Math.max(16, 2 ** Math.ceil(Math.log2(count)));
    if (known === undefined && this.cells + length > CELLS_MAX) return this.forgetful(length);
    const column = new Int16Array(length).fill(UNKNOWN);
    if (known === undefined) this.remembered.push(demand.id);
    else column.set(known);
    this.cells += length - (known?.length ?? 0);
    this.columns[demand.id] = column;
    return column;
  }

  /** @returns The score of a node from a column of `column(demand)`; `undefined` is never returned. */
  at(scores: Int16Array, node: number, demand: Demand): number {
    const score = scores[node] as number;
    return score === UNKNOWN ? this.refresh(scores, node, demand) : score;
  }

  /** Forgets what depends on the node's state. */
  nodeChanged(node: number): void {
    const { columns, remembered } = this;
    for (let i = 0; i < remembered.length; i++) {
      const column = columns[remembered[i] as number] as Int16Array;
      if (node < column.length) column[node] = UNKNOWN;
    }
  }

  /** Forgets all scores. */
  invalidate(): void {
    for (const column of this.columns) column?.fill(UNKNOWN);
  }

  private forgetful(length: number): Int16Array {
    if (this.scratch.length < length) this.scratch = new Int16Array(length);
    return this.scratch.fill(UNKNOWN);
  }

  private refresh(scores: Int16Array, node: number, demand: Demand): number {
    let score = NO_FIT;
    if (this.cluster.fits(node, demand)) {
      score = Math.max(-SCORE_MAX, Math.min(SCORE_MAX, this.score(node, demand)));
    }
    scores[node] = score;
    return score;
  }
}

/** @returns Whether a score read by `ScoreScan.at` says that the node fits. */
export function isFit(score: number): boolean {
  return score > NO_FIT;
}
