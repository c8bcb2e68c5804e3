/**
 * The explanation of every scoring baseline: the best nodes and their scores, or the missing resources of the nodes.
 */
import { lackingByReason } from '../../governor/policy/lacking.ts';
import type { Candidate, Explanation } from '../../governor/policy/policy.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { isFit, type ScoreScan } from './score-scan.ts';

/** Most candidates of an explanation. */
const CANDIDATES_MAX = 16;

/**
 * Explains the choice of the highest score.
 *
 * @param scan   Scores of the policy. O(nodes log nodes).
 * @param chosen The node chosen, −1 for none; absent: the first node of the highest score.
 */
export function explainScores(
  policy: string,
  cluster: ClusterState,
  scan: ScoreScan,
  demand: Demand,
  chosen?: number,
): Explanation {
  const scores = scan.column(demand);
  const fitting: { node: number; value: number }[] = [];
  for (let node = 0; node < cluster.nodeCount; node++) {
    const value = scan.at(scores, node, demand);
    if (isFit(value)) fitting.push({ node, value });
  }
  fitting.sort((a, b) => b.value - a.value || a.node - b.node);
  const candidates = fitting.slice(0, CANDIDATES_MAX).map(({ node, value }): Candidate => {
    return { label: cluster.names[node] as string, nodes: 1, value, parts: { score: value } };
  });
  const lacking = fitting.length > 0 ? {} : lackingByReason(cluster, demand);
  const expected = candidates[0]?.label ?? '';
  const node = chosen === undefined ? expected : (cluster.names[chosen] ?? '');
  return { policy, node, better: 'higher', candidates, lacking };
}
