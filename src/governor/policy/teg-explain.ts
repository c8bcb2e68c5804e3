/** Explains TEG's choice for a pod: the classes (or nodes) it compared, with the parts of their cost. */
import { type ClassPrices, Fit } from '../../field/class-prices.ts';
import type { ClassTable } from '../../field/class-table.ts';
import type { FlavorRent } from '../../field/flavor-rent.ts';
import { emptyShape, type Price, SHORTAGE_MILLI } from '../../field/price.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { lackingByReason } from './lacking.ts';
import { readNode } from './node-shape.ts';
import type { Candidate, Explanation } from './policy.ts';

/** Most candidates of an explanation. */
const CANDIDATES_MAX = 16;

/**
 * Explains a choice by classes. @param prices Of the explanation's own. @param chosen The node chosen, or −1. O(classes log
 * classes).
 */
export function explainByClass(
  policy: string,
  cluster: ClusterState,
  classes: ClassTable,
  prices: ClassPrices,
  rent: FlavorRent,
  demand: Demand,
  chosen: number,
): Explanation {
  const candidates: Candidate[] = [];
  for (let i = 0; i < classes.occupiedCount; i++) {
    const id = classes.occupied[i] as number;
    prices.load(id);
    if (prices.fit(demand) !== Fit.Surely) continue;
    const change = prices.cost(demand);
    const { before, after } = prices.parts();
    const rented = rent.rent(demand, rent.groupOf(classes.flavorIds[id] as number));
    candidates.push({
      label: classLabel(cluster, classes, id),
      nodes: classes.nodeCounts[id] as number,
      value: change + rented,
      parts: parts(before, after, change - (after - before), rented, classes.short[id] === 1),
    });
  }
  return explanation(policy, cluster, demand, chosen, candidates);
}

/** Explains a choice node by node. @param chosen The node chosen, −1 for none; absent: the cheapest. O(nodes log nodes). */
export function explainByNode(
  policy: string,
  cluster: ClusterState,
  price: Price,
  rent: FlavorRent,
  demand: Demand,
  chosen: number | undefined,
): Explanation {
  const shape = emptyShape();
  const candidates: Candidate[] = [];
  let cheapest = -1;
  let least = Number.POSITIVE_INFINITY;
  for (let node = 0; node < cluster.nodeCount; node++) {
    if (!cluster.fits(node, demand)) continue;
    readNode(cluster, node, shape);
    const change = price.cost(shape, demand, Number.NaN);
    const { before, after } = price;
    const rented = rent.rent(demand, rent.groupOf(cluster.flavorIds[node] as number));
    if (change + rented < least) {
      least = change + rented;
      cheapest = node;
    }
    candidates.push({
      label: cluster.names[node] as string,
      nodes: 1,
      value: change + rented,
      parts: parts(before, after, change - (after - before), rented, shape.short),
    });
  }
  return explanation(policy, cluster, demand, chosen ?? cheapest, candidates);
}

function explanation(
  policy: string,
  cluster: ClusterState,
  demand: Demand,
  chosen: number,
  candidates: Candidate[],
): Explanation {
  candidates.sort((x, y) => x.value - y.value);
  return {
    policy,
    node: chosen < 0 ? '' : (cluster.names[chosen] as string),
    better: 'lower',
    candidates: candidates.slice(0, CANDIDATES_MAX),
    lacking: chosen < 0 ? lackingByReason(cluster, demand) : {},
  };
}

function parts(
  before: number,
  after: number,
  other: number,
  rented: number,
  short: boolean,
): Record<string, number> {
  const shortage = short ? SHORTAGE_MILLI : 0;
  const known = { potentialBefore: before, potentialAfter: after, opening: other - shortage, rent: rented };
  return short ? { ...known, shortage } : known;
}

/** The common properties of a class's nodes, for people. */
function classLabel(cluster: ClusterState, classes: ClassTable, id: number): string {
  const flavor = cluster.flavors[classes.flavorIds[id] as number];
  const partial = [0, 1, 2].map((i) => classes.partials[3 * id + i] as number).filter((milli) => milli > 0);
  const cores = (classes.cpuMilli[id] as number) / 1000;
  const gib = (classes.memoryMib[id] as number) / 1024;
  const gpus =
    flavor === undefined || flavor.gpuCount === 0
      ? 'no GPU'
      : `${flavor.gpuModel || 'GPU'}×${flavor.gpuCount}: ${classes.whole[id]} idle${partial.length > 0 ? `, shared ${partial.join('+')} milli left` : ''}`;
  return `${gpus}; ≥ ${cores} cores, ≥ ${Number(gib.toFixed(1))} GiB${classes.fresh[id] === 1 ? '; empty' : ''}`;
}
