/**
 * What-if questions about an existing cluster: nodes added and removed, and a start from the pods that run there.
 *
 * From a snapshot, pods that have a node stay on it and hold their requests; pods that wait, pods of removed nodes, and
 * further jobs compete for the rest. Pods that belong to a node (DaemonSets, static pods) come and go with it.
 */
import { ClusterState } from '../../model/cluster-state.ts';
import { DemandTable } from '../../model/demand.ts';
import { TegError } from '../../model/errors.ts';
import type { JobSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';

/** Most nodes that can be added. */
export const ADDED_NODES_MAX = 100_000;

/** Copies of a node. */
export interface NodeCopies {
  /** Integer ≥ 1. */
  readonly count: number;
  /** Name of the cluster's node that they copy. */
  readonly node: string;
}

/** The changes. Plain data, so that they can travel to a worker thread. */
export interface WhatIf {
  /** True if pods of the cluster's file stay where they run and pods that wait are to be placed. */
  readonly startFromSnapshot?: boolean;
  readonly addNodes?: readonly NodeCopies[];
  readonly removeNodes?: readonly string[];
}

/** A cluster after the changes. */
export interface ChangedCluster {
  readonly nodes: readonly NodeSpec[];
  /** By name of the node: its copies. */
  readonly copies: ReadonlyMap<string, readonly string[]>;
  readonly removed: ReadonlySet<string>;
}

/**
 * Changes a cluster.
 *
 * @throws TegError TEG_OPTION_INVALID for an unknown node, too many nodes, or none left.
 */
export function changeCluster(
  nodes: readonly NodeSpec[],
  { addNodes = [], removeNodes = [] }: WhatIf,
): ChangedCluster {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const removed = new Set(removeNodes);
  for (const name of [...removeNodes, ...addNodes.map(({ node }) => node)]) {
    if (!byName.has(name)) throw unknownNode(name, nodes);
  }
  const total = addNodes.reduce((sum, { count }) => sum + count, 0);
  if (total > ADDED_NODES_MAX) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got ${total} nodes to add, expected at most ${ADDED_NODES_MAX}; add fewer`,
    );
  }
  const added: NodeSpec[] = [];
  const copies = new Map<string, string[]>();
  for (const { count, node: name } of addNodes) {
    const node = byName.get(name) as NodeSpec;
    const names = copies.get(name) ?? [];
    copies.set(name, names);
    for (let i = 0, number = 1; i < count; number++) {
      const copy = `${name}-copy-${number}`;
      if (byName.has(copy)) continue;
      const spec = copyOf(node, copy);
      byName.set(copy, spec);
      added.push(spec);
      names.push(copy);
      i++;
    }
  }
  const left = [...nodes.filter(({ name }) => !removed.has(name)), ...added];
  if (left.length === 0) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `all ${nodes.length} nodes are removed, expected some to be left`,
    );
  }
  return { nodes: left, copies, removed };
}

/** The pods of a snapshot, by their fate. */
export interface SnapshotPods {
  /** They stay; `nodes[i]` is the index of the node of `kept[i]`. */
  readonly kept: readonly JobSpec[];
  readonly nodes: readonly number[];
  /** They are to be placed, the most important first. */
  readonly pending: readonly JobSpec[];
  readonly warnings: readonly string[];
}

/**
 * Sorts the pods of a snapshot into those that stay and those that are to be placed.
 *
 * @param pods One pod each, as the reader of Kubernetes objects makes them.
 * @cost O(pods).
 */
export function startFrom(pods: readonly JobSpec[], cluster: ChangedCluster): SnapshotPods {
  const occupied = new Occupied(cluster.nodes);
  const pending: JobSpec[] = [];
  const counts = { left: 0, gone: 0, full: 0 };
  for (const pod of pods) {
    // Ended: it holds nothing any more.
    if (Number.isFinite(pod.durationSeconds)) continue;
    const node = pod.nodeName ?? '';
    if (node === '') pending.push(pod);
    else if (!cluster.removed.has(node)) {
      if (!occupied.knows(node)) counts.left++;
      else if (!occupied.keep(pod, node)) counts.full++;
    } else if (isOfNode(pod)) counts.gone++;
    else pending.push(pod);
    if (isOfNode(pod) && node !== '') {
      for (const copy of cluster.copies.get(node) ?? []) {
        occupied.keep({ ...pod, id: `${pod.id}@${copy}`, nodeName: copy }, copy);
      }
    }
  }
  pending.sort((a, b) => b.priority - a.priority || a.submitSeconds - b.submitSeconds);
  const { kept, places } = occupied;
  const told = (count: number, what: string): string[] => (count > 0 ? [`${what}: ${count}`] : []);
  return {
    kept,
    nodes: places,
    pending: pending.map(({ nodeName: _, ...pod }) => ({ ...pod, submitSeconds: 0 })),
    warnings: [
      ...told(counts.left, 'pods on nodes that the file does not have are left out'),
      ...told(counts.gone, 'pods of DaemonSets and static pods went with their nodes'),
      ...told(counts.full, 'pods whose nodes have less than they request are left out, their nodes are full'),
    ],
  };
}

/** True if the pod exists because the node does. */
function isOfNode({ owner = '' }: JobSpec): boolean {
  return owner.startsWith('DaemonSet/') || owner.startsWith('Node/');
}

/** The resources held by pods that stay. */
class Occupied {
  readonly kept: JobSpec[] = [];
  readonly places: number[] = [];
  private readonly demands = new DemandTable();
  private readonly cluster = new ClusterState(this.demands, { labelKeys: new Set() });

  constructor(nodes: readonly NodeSpec[]) {
    for (const node of nodes) this.cluster.addNode(node);
  }

  knows(node: string): boolean {
    return this.cluster.indexOf(node) >= 0;
  }

  /** @returns True if the node has the room. The pod is there already, so only amounts count. */
  keep(pod: JobSpec, nodeName: string): boolean {
    const { affinity: _, podsPerNodeMax: __, ...rest } = pod;
    const kept = { ...rest, gpuModels: [], submitSeconds: 0 };
    const node = this.cluster.indexOf(nodeName);
    const demand = this.demands.intern(kept);
    if (!this.cluster.fits(node, demand)) return false;
    this.cluster.place(node, demand, this.cluster.bestFitGpus(node, demand));
    this.kept.push(kept);
    this.places.push(node);
    return true;
  }
}

function copyOf(node: NodeSpec, name: string): NodeSpec {
  const { labels } = node;
  if (labels?.['kubernetes.io/hostname'] === undefined) return { ...node, name };
  return { ...node, name, labels: { ...labels, 'kubernetes.io/hostname': name } };
}

function unknownNode(name: string, nodes: readonly NodeSpec[]): TegError {
  const example = nodes[0] === undefined ? '' : `, for example '${nodes[0].name}'`;
  return new TegError('TEG_OPTION_INVALID', `got the node '${name}', expected one of the cluster${example}`);
}
