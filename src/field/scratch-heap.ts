/** Columns that the class index collects a heap in before it knows the heap's limit. */
import { grown } from '../kernel/grown.ts';

/** Ids and costs of a heap under construction. */
export interface ScratchHeap {
  ids: Int32Array;
  costs: Float32Array;
}

/** Doubles its room; keeps its contents. */
export function growScratch(scratch: ScratchHeap): void {
  scratch.ids = grown(scratch.ids, 2 * scratch.ids.length);
  scratch.costs = grown(scratch.costs, scratch.ids.length);
}
