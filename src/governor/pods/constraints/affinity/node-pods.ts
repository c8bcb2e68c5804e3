/** The number of pods of each shape on each node. */
import type { ByNode, NodeTable } from '../nodes/node-table.ts';
import type { ShapeState } from '../shape-states.ts';

/** Pods of one shape on one node. */
export interface PodsOfShape {
  readonly state: ShapeState;
  /** Pods, those being deleted included. */
  count: number;
  deleting: number;
}

const NONE: readonly PodsOfShape[] = [];

/** Pods by node and shape. */
export class NodePods implements ByNode {
  private readonly groups: (PodsOfShape[] | undefined)[] = [];

  constructor(nodes: NodeTable) {
    nodes.follow(this);
    this.grow(nodes.capacity);
  }

  /** Slots without pods share a list. */
  on(node: number): readonly PodsOfShape[] {
    return this.groups[node] ?? NONE;
  }

  /** Adds one pod. O(shapes on the node). */
  add(node: number, state: ShapeState, deleting: boolean): void {
    let groups = this.groups[node];
    if (groups === undefined) {
      groups = [];
      this.groups[node] = groups;
    }
    let group = find(groups, state);
    if (group === undefined) {
      group = { state, count: 0, deleting: 0 };
      groups.push(group);
    }
    group.count++;
    if (deleting) group.deleting++;
  }

  /** @returns True if there is such a pod. O(shapes on the node). */
  has(node: number, state: ShapeState, deleting: boolean): boolean {
    const group = find(this.on(node), state);
    return group !== undefined && (deleting ? group.deleting > 0 : group.count > group.deleting);
  }

  /** Removes one pod, which must exist. O(shapes on the node). */
  remove(node: number, state: ShapeState, deleting: boolean): void {
    const groups = this.groups[node];
    const group = groups === undefined ? undefined : find(groups, state);
    if (groups === undefined || group === undefined) return;
    group.count--;
    if (deleting) group.deleting--;
    if (group.count === 0) {
      groups[groups.indexOf(group)] = groups[groups.length - 1] as PodsOfShape;
      groups.pop();
    }
  }

  grow(capacity: number): void {
    while (this.groups.length < capacity) this.groups.push(undefined);
  }
}

function find(groups: readonly PodsOfShape[], state: ShapeState): PodsOfShape | undefined {
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i] as PodsOfShape;
    if (group.state === state) return group;
  }
  return undefined;
}
