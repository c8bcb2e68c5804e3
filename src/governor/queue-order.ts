/**
 * The order of every queue: higher priority first, then earlier time, then smaller number.
 *
 * One place, because an economy changes the order: zone, pod scheduler and agent hosts must change with it. Only the
 * place of the keys differs. A zone and an agent host number submissions as they come, so that the number is the time;
 * a pod has the time at which it was created, and among equals the number by which it was first seen.
 *
 * Plain numbers as arguments: the engine inlines both functions into the heaps, for any kind of record, and they stay
 * monomorphic. Both orders are total where numbers are unique, so the first entry does not depend on the form of a
 * heap.
 */

/**
 * @param priority A 32-bit integer.
 * @param rank     Number of the submission; unique within a queue.
 * @returns        Whether the first goes before the second.
 */
export function goesBefore(
  priority: number,
  rank: number,
  otherPriority: number,
  otherRank: number,
): boolean {
  return priority !== otherPriority ? priority > otherPriority : rank < otherRank;
}

/** @returns < 0 if the first goes before the second, > 0 if after, 0 if all keys are equal; for `sort` and heaps. */
export function compareTurns(
  priority: number,
  seconds: number,
  number: number,
  otherPriority: number,
  otherSeconds: number,
  otherNumber: number,
): number {
  return otherPriority - priority || seconds - otherSeconds || number - otherNumber;
}
