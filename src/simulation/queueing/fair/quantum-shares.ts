/** What quanta are shared out by: max-min fairness level by level, and Karma over all tenants. */
import { Karma } from '../../../market/shares/karma.ts';
import { maxMinShares } from '../../../market/shares/max-min.ts';
import { type QuantumShares, SLICES_PER_UNIT } from './quantum-rule.ts';
import { SHARE_ROOT, type ShareTree } from './share-tree.ts';

/** Karma: the part of the fair share that is certain (the α of the paper's text). */
const GUARANTEED = 0.5;

/** Karma: credits at the start, for the number of quanta in which a tenant borrows the whole cluster: a week of minutes. */
const CREDIT_QUANTA = 10_080;

/** Max-min fair shares by weight, without a memory: first among the tenants at the top, then within each. */
export class MaxMinQuanta implements QuantumShares {
  private readonly tree: ShareTree;

  constructor(tree: ShareTree) {
    this.tree = tree;
  }

  allocate(demands: readonly number[], units: number): ArrayLike<number> {
    const { nodes, children } = this.tree;
    const sums = [...demands];
    for (let node = nodes.length - 1; node > 0; node--) {
      const { parent } = this.tree.nodeAt(node);
      sums[parent] = (sums[parent] as number) + (sums[node] as number);
    }
    const shares = new Float64Array(nodes.length);
    shares[SHARE_ROOT] = units * SLICES_PER_UNIT;
    for (let node = 0; node < nodes.length; node++) {
      const siblings = children[node] as readonly number[];
      if (siblings.length === 0) continue;
      const given = maxMinShares(
        siblings.map((sibling) => sums[sibling] as number),
        shares[node] as number,
        siblings.map((sibling) => this.tree.nodeAt(sibling).weight),
      );
      siblings.forEach((sibling, i) => {
        shares[sibling] = given[i] as number;
      });
      shares[node] = 0;
    }
    return shares;
  }
}

/** A Karma over the leaves that have a fair share. */
interface KarmaOfLeaves {
  readonly karma: Karma;
  readonly leaves: readonly number[];
  readonly units: number;
  /** Leaves that counted when it was made. */
  readonly known: number;
}

/**
 * Karma over all tenants that count, by their part of the weights at every level. Tenants without a fair share (weight 0, or more
 * tenants than units) may have what is left.
 *
 * When tenants join or the capacity changes, credits are kept; those who join get the mean, as the source says. Quanta in which
 * nobody wants anything are left out.
 */
export class KarmaQuanta implements QuantumShares {
  private readonly tree: ShareTree;
  private current: KarmaOfLeaves | undefined;

  constructor(tree: ShareTree) {
    this.tree = tree;
  }

  /** O(quanta × tenants). */
  allocate(demands: readonly number[], units: number, quanta: number): ArrayLike<number> {
    const allocations = new Float64Array(demands.length);
    if (units === 0 || demands.every((demand) => demand === 0)) return allocations;
    const { karma, leaves } = this.karmaFor(units);
    const wanted = leaves.map((leaf) => demands[leaf] as number);
    let left = units * SLICES_PER_UNIT;
    if (leaves.length > 0) {
      let shares = karma.quantum(wanted);
      for (let quantum = 1; quantum < quanta; quantum++) shares = karma.quantum(wanted);
      leaves.forEach((leaf, i) => {
        allocations[leaf] = shares[i] as number;
        left -= shares[i] as number;
      });
    }
    const others = demands.map((demand, node) => (leaves.includes(node) ? 0 : demand));
    maxMinShares(others, Math.max(0, left)).forEach((share, node) => {
      allocations[node] = (allocations[node] as number) + share;
    });
    return allocations;
  }

  private karmaFor(units: number): KarmaOfLeaves {
    const { tree, current } = this;
    const parts = partsOf(tree);
    const counting = parts.flatMap((part, node) => (part > 0 ? [node] : []));
    if (current !== undefined && current.units === units && current.known === counting.length) return current;
    const whole = maxMinShares(
      counting.map(() => units),
      units,
      counting.map((node) => parts[node] as number),
    );
    const leaves = counting.filter((_, i) => (whole[i] as number) > 0);
    const fairShares = counting.flatMap((_, i) =>
      (whole[i] as number) > 0 ? [SLICES_PER_UNIT * (whole[i] as number)] : [],
    );
    const credits = this.creditsFor(leaves, units);
    const karma = new Karma({ fairShares, guaranteed: GUARANTEED, credits });
    this.current = { karma, leaves, units, known: counting.length };
    return this.current;
  }

  /** Those they have; the mean for the others. */
  private creditsFor(leaves: readonly number[], units: number): number[] {
    const { current } = this;
    if (current === undefined || current.leaves.length === 0)
      return leaves.map(() => CREDIT_QUANTA * units * SLICES_PER_UNIT);
    const { credits } = current.karma;
    const mean = credits.reduce((sum, credit) => sum + credit, 0) / credits.length;
    return leaves.map((leaf) => credits[current.leaves.indexOf(leaf)] ?? mean);
  }
}

/** @returns By node: of leaves that count, the product of their parts of their siblings' weights; else 0. */
function partsOf({ nodes, children }: ShareTree): number[] {
  const counts = nodes.map(({ isKnown }) => isKnown);
  for (let node = nodes.length - 1; node > 0; node--) {
    const parent = nodes[node]?.parent as number;
    counts[parent] ||= counts[node] as boolean;
  }
  const parts = new Array<number>(nodes.length).fill(0);
  parts[SHARE_ROOT] = 1;
  for (let node = 0; node < nodes.length; node++) {
    const siblings = (children[node] as readonly number[]).filter((sibling) => counts[sibling]);
    const weights = siblings.map((sibling) => nodes[sibling]?.weight as number);
    const sum = weights.reduce((total, weight) => total + weight, 0);
    siblings.forEach((sibling, i) => {
      parts[sibling] = sum === 0 ? 0 : ((parts[node] as number) * (weights[i] as number)) / sum;
    });
    if (siblings.length > 0 || node === SHARE_ROOT) parts[node] = 0;
  }
  return parts;
}
