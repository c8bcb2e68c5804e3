/**
 * Unclaimed volumes of one storage class, found by node: local volumes are looked up by the label that binds them
 * (mostly the host name), so that a node examines its own only.
 */
import type { VolumeDescription } from '../../../../model/kubernetes/node.ts';
import type { LabelColumn } from '../nodes/label-column.ts';
import type { NodeTable } from '../nodes/node-table.ts';
import { NodeTerms } from '../nodes/node-terms.ts';

const HOSTNAME = 'kubernetes.io/hostname';

/** A volume and the nodes on which it can be used. */
export interface VolumeEntry {
  readonly description: VolumeDescription;
  /** Undefined: on any node. */
  readonly terms: NodeTerms | undefined;
  /** Instead of `terms` on nodes that leave the in-tree disk to its CSI driver. */
  readonly migratedTerms: NodeTerms | undefined;
}

/** Reads the node affinity of a volume. Pins columns until `releaseVolume`. */
export function volumeEntry(nodes: NodeTable, description: VolumeDescription): VolumeEntry {
  const { nodeTerms, inTree } = description;
  const made = (terms: VolumeDescription['nodeTerms']): NodeTerms | undefined =>
    terms === undefined ? undefined : new NodeTerms(nodes, {}, terms, false);
  return {
    description,
    terms: made(nodeTerms),
    migratedTerms: made(inTree?.nodeTerms),
  };
}

/**
 * @returns True if a bound volume can be used on a node. @param migrated In-tree plugins that the node leaves to CSI
 *   drivers.
 */
export function isUsableOn(entry: VolumeEntry, node: number, migrated: readonly string[]): boolean {
  const { inTree } = entry.description;
  const isMigrated = inTree !== undefined && migrated.includes(inTree.plugin);
  return (isMigrated ? entry.migratedTerms : entry.terms)?.matches(node) ?? true;
}

/** Releases the columns of a volume. */
export function releaseVolume(entry: VolumeEntry): void {
  entry.terms?.release();
  entry.migratedTerms?.release();
}

interface Bound {
  readonly column: LabelColumn;
  readonly byValue: Map<string, VolumeEntry[]>;
}

/** Free volumes of one class. */
export class UnclaimedVolumes {
  private readonly nodes: NodeTable;
  private readonly loose: VolumeEntry[] = [];
  private readonly bound = new Map<string, Bound>();

  constructor(nodes: NodeTable) {
    this.nodes = nodes;
  }

  /** O(volumes with the same value). */
  add(entry: VolumeEntry): void {
    const key = bindingKey(entry.description);
    if (key === undefined) {
      insert(this.loose, entry);
      return;
    }
    let bound = this.bound.get(key);
    if (bound === undefined) {
      bound = { column: this.nodes.column(key), byValue: new Map() };
      bound.column.pins++;
      this.bound.set(key, bound);
    }
    for (const value of bindingValues(entry.description, key)) {
      const list = bound.byValue.get(value) ?? [];
      insert(list, entry);
      bound.byValue.set(value, list);
    }
  }

  /** O(volumes with the same value). */
  remove(entry: VolumeEntry): void {
    const key = bindingKey(entry.description);
    if (key === undefined) {
      takeOut(this.loose, entry);
      return;
    }
    const bound = this.bound.get(key);
    if (bound === undefined) return;
    for (const value of bindingValues(entry.description, key)) {
      const list = bound.byValue.get(value);
      if (list === undefined) continue;
      takeOut(list, entry);
      if (list.length === 0) bound.byValue.delete(value);
    }
    if (bound.byValue.size > 0) return;
    bound.column.pins--;
    this.bound.delete(key);
  }

  /**
   * @returns The smallest volume of at least n bytes that passes and can be used on the node; of equals the first by
   *   name.
   */
  smallest(
    node: number,
    bytes: number,
    passes: (volume: VolumeDescription) => boolean,
  ): VolumeEntry | undefined {
    let best = first(this.loose, node, bytes, passes);
    for (const { column, byValue } of this.bound.values()) {
      const value = column.of(node);
      const list = value === undefined ? undefined : byValue.get(value);
      const found = list === undefined ? undefined : first(list, node, bytes, passes);
      if (found !== undefined && (best === undefined || isBefore(found, best))) best = found;
    }
    return best;
  }
}

function first(
  list: readonly VolumeEntry[],
  node: number,
  bytes: number,
  passes: (volume: VolumeDescription) => boolean,
): VolumeEntry | undefined {
  for (let i = lowerBound(list, bytes, ''); i < list.length; i++) {
    const entry = list[i] as VolumeEntry;
    if (passes(entry.description) && (entry.terms === undefined || entry.terms.matches(node))) return entry;
  }
  return undefined;
}

function insert(list: VolumeEntry[], entry: VolumeEntry): void {
  list.splice(lowerBound(list, entry.description.bytes, entry.description.name), 0, entry);
}

function takeOut(list: VolumeEntry[], entry: VolumeEntry): void {
  const at = list.indexOf(entry);
  if (at >= 0) list.splice(at, 1);
}

/** The first place not before a volume of these bytes and this name. */
function lowerBound(list: readonly VolumeEntry[], bytes: number, name: string): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { description } = list[middle] as VolumeEntry;
    const before = description.bytes < bytes || (description.bytes === bytes && description.name < name);
    if (before) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isBefore(a: VolumeEntry, b: VolumeEntry): boolean {
  const bytes = a.description.bytes - b.description.bytes;
  return bytes < 0 || (bytes === 0 && a.description.name < b.description.name);
}

/** A label that every alternative of a volume's node affinity gives values for. */
function bindingKey(description: VolumeDescription): string | undefined {
  const terms = description.nodeTerms;
  if (terms === undefined || terms.length === 0) return undefined;
  const common = (terms[0]?.expressions ?? [])
    .map(({ key }) => key)
    .filter((key) =>
      terms.every((term) => term.expressions.some((e) => e.key === key && e.operator === 'In')),
    );
  return common.includes(HOSTNAME) ? HOSTNAME : common[0];
}

function bindingValues(description: VolumeDescription, key: string): ReadonlySet<string> {
  const values = new Set<string>();
  for (const term of description.nodeTerms ?? []) {
    const requirement = term.expressions.find((e) => e.key === key && e.operator === 'In');
    for (const value of requirement?.values ?? []) values.add(value);
  }
  return values;
}
