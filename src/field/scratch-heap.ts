/** Columns that the class index collects a heap in before it knows the heap's limit. */

/** Ids and costs of a heap under construction. */
export interface ScratchHeap {
  ids: Int32Array;
  costs: Float32Array;
}

/** Doubles its room; keeps its contents. */
export function growScratch(scratch: ScratchHeap): void {
  const ids = new Int32Array(2 * scratch.ids.length);
  ids.set(scratch.ids);
  scratch.ids = ids;
  const costs = new Float32Array(ids.length);
  costs.set(scratch.costs);
  scratch.costs = costs;
}
