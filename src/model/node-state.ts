/**
 * The known state of a node beyond its being up or down: its shortages, and its power headroom.
 *
 * A node that is short of anything costs more (`SHORTAGE_MILLI` of the price), so that pods go elsewhere where they can; taints
 * keep them away where Kubernetes says so.
 */

/** Possible shortages of a node: as the kubelet's conditions MemoryPressure, DiskPressure, PIDPressure. */
export type NodePressure = 'memory' | 'disk' | 'pid';

/** All of them, in the order of their bits and of every list. */
export const NODE_PRESSURES: readonly NodePressure[] = ['memory', 'disk', 'pid'];

/** State of a node. JSON. */
export interface NodeState {
  /** Its shortages, in the order of `NODE_PRESSURES`, each once; empty: none. */
  readonly pressure: readonly NodePressure[];
  /** Power headroom: watts that it may draw on top of its present draw; integer ≥ 0; absent: unknown. */
  readonly powerHeadroomWatts?: number | undefined;
}

/** A node without a report. */
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

/** @returns True if a node reports a pressure, or may draw no watt more. */
export function isShortOf({ pressure, powerHeadroomWatts }: NodeState): boolean {
  return pressure.length > 0 || powerHeadroomWatts === 0;
}

/** @returns True if a state has nothing to report. */
export function isPlain({ pressure, powerHeadroomWatts }: NodeState): boolean {
  return pressure.length === 0 && powerHeadroomWatts === undefined;
}
