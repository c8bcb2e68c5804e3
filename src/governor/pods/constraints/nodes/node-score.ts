/**
 * Preferences that depend on the node alone: soft taints (kube-scheduler's TaintToleration) and preferred node affinity
 * (NodeAffinity).
 */
import type { PodTemplate } from '../../../../model/kubernetes/pod.ts';
import type { NodeClasses } from './node-classes.ts';
import type { NodeTable } from './node-table.ts';
import type { TolerationClass } from './taints.ts';

const BEST = 100;

/** Adds weight × (0…100): the fewer soft taints are not tolerated the better. O(nodes). */
export function addTaintScores(
  table: NodeTable,
  tolerance: TolerationClass,
  scores: Float64Array,
  nodes: Int32Array,
  count: number,
  weight: number,
): void {
  let most = 0;
  for (let i = 0; i < count; i++) {
    const disliked = tolerance.countDisliked(table.taintSets[nodes[i] as number] as number);
    if (disliked > most) most = disliked;
  }
  for (let i = 0; i < count; i++) {
    const disliked = tolerance.countDisliked(table.taintSets[nodes[i] as number] as number);
    const score = most === 0 ? BEST : BEST - Math.floor((BEST * disliked) / most);
    scores[i] = (scores[i] as number) + weight * score;
  }
}

/** Adds weight × (0…100): the heavier the preferred terms that a node matches the better. O(nodes × terms). */
export function addNodeAffinityScores(
  classes: NodeClasses,
  template: PodTemplate,
  scores: Float64Array,
  nodes: Int32Array,
  count: number,
  weight: number,
): void {
  const raw = new Float64Array(count);
  let most = 0;
  for (const { term, weight: worth } of template.preferredNodeTerms) {
    const preferred = classes.ofTerm(term);
    for (let i = 0; i < count; i++) {
      if (!preferred.matches(nodes[i] as number)) continue;
      const sum = (raw[i] as number) + worth;
      raw[i] = sum;
      if (sum > most) most = sum;
    }
  }
  if (most === 0) return;
  for (let i = 0; i < count; i++) {
    scores[i] = (scores[i] as number) + weight * Math.floor((BEST * (raw[i] as number)) / most);
  }
}
