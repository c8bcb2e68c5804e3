/**
 * The nodes on which a spread constraint counts: those with all topology labels of the pod's constraints and, if the
 * constraint says so, that match the pod's node affinity and whose taints it tolerates.
 */
import { grown } from '../../../../kernel/grown.ts';
import type { LabelColumn } from './label-column.ts';
import type { NodeClass } from './node-classes.ts';
import type { NodeTable } from './node-table.ts';
import type { TolerationClass } from './taints.ts';

/** The parts of a filter. */
export interface NodeFilterParts {
  readonly columns: readonly LabelColumn[];
  readonly nodeClass: NodeClass | undefined;
  readonly tolerance: TolerationClass | undefined;
}

/** One such set of nodes, kept up to date. Pins its parts until `release`. */
export class NodeFilter {
  /** 1: the node is counted on. @shape [nodes] */
  included: Uint8Array;
  private readonly nodes: NodeTable;
  private readonly parts: NodeFilterParts;

  constructor(nodes: NodeTable, parts: NodeFilterParts) {
    this.nodes = nodes;
    this.parts = parts;
    this.included = new Uint8Array(nodes.capacity);
    for (const column of parts.columns) column.pins++;
    if (parts.nodeClass !== undefined) parts.nodeClass.pins++;
    if (parts.tolerance !== undefined) parts.tolerance.pins++;
    for (let node = 0; node < nodes.capacity; node++) this.refresh(node);
  }

  /** Evaluates a node again. */
  refresh(node: number): void {
    this.included[node] = this.includes(node) ? 1 : 0;
  }

  /** Makes room for node slots below `capacity`. */
  grow(capacity: number): void {
    this.included = grown(this.included, capacity);
  }

  /** Releases its parts. */
  release(): void {
    for (const column of this.parts.columns) column.pins--;
    if (this.parts.nodeClass !== undefined) this.parts.nodeClass.pins--;
    if (this.parts.tolerance !== undefined) this.parts.tolerance.pins--;
  }

  private includes(node: number): boolean {
    if (this.nodes.known[node] !== 1) return false;
    const { columns, nodeClass, tolerance } = this.parts;
    for (const column of columns) {
      if ((column.ids[node] as number) < 0) return false;
    }
    if (tolerance !== undefined && !tolerance.toleratesSet(this.nodes.taintSets[node] as number))
      return false;
    return nodeClass === undefined || nodeClass.matches(node);
  }
}
