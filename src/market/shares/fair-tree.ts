/**
 * Fair Tree: leaves of a tree ranked depth first, siblings by their level shares.
 *
 * A leaf below a node of higher level share goes before all leaves below its siblings of lower level shares, whatever its own
 * level share is. Siblings of equal level share are ranked as if their children were siblings; leaves of equal level share have
 * the same rank.
 *
 * @source Slurm, Fair Tree fairshare algorithm (priority/multifactor); written from its definition.
 */

/** The node that stands for the whole. */
const FAIR_TREE_ROOT = 0;

/**
 * Ranks the leaves.
 *
 * @param children    By node; node 0 is the root. Nodes without children are leaves.
 * @param levelShares By node: its part of its siblings' shares ÷ its part of their usage; Infinity: no usage. Not NaN.
 * @returns By node: rank ÷ leaves, in (0, 1], 1 for the first; 0 for inner nodes. O(nodes log nodes).
 */
export function fairTreeFactors(
  children: readonly (readonly number[])[],
  levelShares: ArrayLike<number>,
): Float64Array {
  const factors = new Float64Array(children.length);
  const isLeaf = (node: number): boolean => (children[node] as readonly number[]).length === 0;
  let leaves = 0;
  for (let node = 1; node < children.length; node++) if (isLeaf(node)) leaves++;
  let rank = leaves;
  const stack: number[][] = [[...(children[FAIR_TREE_ROOT] as readonly number[])]];
  for (let siblings = stack.pop(); siblings !== undefined; siblings = stack.pop()) {
    const groups = equalGroups(siblings, levelShares);
    const [first = [], ...rest] = groups;
    // Leaves of a group of equals go first, then what is below its other nodes, then the other groups.
    const below = first.filter((node) => !isLeaf(node)).flatMap((node) => children[node] as number[]);
    const equal = first.filter(isLeaf);
    for (const node of equal) factors[node] = rank / leaves;
    rank -= equal.length;
    if (rest.length > 0) stack.push(rest.flat());
    if (below.length > 0) stack.push(below);
  }
  return factors;
}

/** @returns The nodes by descending level share, those of equal level share together. */
function equalGroups(nodes: readonly number[], levelShares: ArrayLike<number>): number[][] {
  const share = (node: number): number => levelShares[node] as number;
  const sorted = nodes.slice().sort((a, b) => (share(a) < share(b) ? 1 : share(a) > share(b) ? -1 : a - b));
  const groups: number[][] = [];
  for (const node of sorted) {
    const last = groups.at(-1);
    if (last !== undefined && share(last[0] as number) === share(node)) last.push(node);
    else groups.push([node]);
  }
  return groups;
}
