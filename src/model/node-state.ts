/**
 * What is known of a node beyond its being up or down: what it is short of, and how much power it may still draw.
 *
 * Placement does not look at it (taints keep pods away where Kubernetes says so); it is kept, shown and recorded.
 */

/** What a node can be short of: as the kubelet's conditions MemoryPressure, DiskPressure, PIDPressure. */
export type NodePressure = 'memory' | 'disk' | 'pid';

/** All of them, in the order of their bits and of every list. */
export const NODE_PRESSURES: readonly NodePressure[] = ['memory', 'disk', 'pid'];

/** State of a node. JSON. */
export interface NodeState {
  /** What it is short of, in the order of `NODE_PRESSURES`, each once; empty: nothing. */
  readonly pressure: readonly NodePressure[];
  /** Watts that it may draw on top of what it draws; integer ≥ 0; absent: not known. */
  readonly powerHeadroomWatts?: number | undefined;
}

/** A node of which nothing particular is known. */
export const PLAIN_STATE: NodeState = Object.freeze({ pressure: Object.freeze([]) });

/** @returns Pressures as bits: 1 memory, 2 disk, 4 pid. */
export function pressureBits(pressure: readonly NodePressure[]): number {
  let bits = 0;
  for (const each of pressure) bits |= 1 << NODE_PRESSURES.indexOf(each);
  return bits;
}

/** @returns The pressures of some bits. */
export function pressuresOf(bits: number): readonly NodePressure[] {
  return bits === 0 ? PLAIN_STATE.pressure : NODE_PRESSURES.filter((_, bit) => (bits >> bit) & 1);
}

/** @returns Whether there is nothing to tell of a state. */
export function isPlain({ pressure, powerHeadroomWatts }: NodeState): boolean {
  return pressure.length === 0 && powerHeadroomWatts === undefined;
}
