/**
 * Places and their costs: the cheapest, the number of places about as cheap, and the cost of the place after the first
 * n.
 */

/** Piles of equally cheap places. Scratch of one user. */
export class CheapestSlots {
  /** Places in all. */
  slots = 0;
  /** Cost of the cheapest place, and the tag it came with; meaningless without places. */
  price = 0;
  tag = 0;
  private count = 0;
  private costs: Float64Array = new Float64Array(64);
  private places: Float64Array = new Float64Array(64);
  /** A heap of piles, the cheapest on top. */
  private heap: Int32Array = new Int32Array(64);

  /** Starts again. @param room Most piles that will be added. */
  clear(room: number): void {
    this.slots = 0;
    this.count = 0;
    this.price = Number.POSITIVE_INFINITY;
    if (this.costs.length >= room) return;
    this.costs = new Float64Array(2 * room);
    this.places = new Float64Array(2 * room);
    this.heap = new Int32Array(2 * room);
  }

  /** Adds a pile. @param places ≥ 1. Of equally cheap piles the first gives the tag. O(1). */
  add(cost: number, places: number, tag: number): void {
    this.costs[this.count] = cost;
    this.places[this.count] = places;
    this.count++;
    this.slots += places;
    if (cost < this.price) {
      this.price = cost;
      this.tag = tag;
    }
  }

  /** @returns Places that cost at most `cost`. O(piles). */
  within(cost: number): number {
    const { costs, places, count } = this;
    let sum = 0;
    for (let i = 0; i < count; i++) if ((costs[i] as number) <= cost) sum += places[i] as number;
    return sum;
  }

  /**
   * @param taken  Places that are taken before, the cheapest first.
   * @param beyond Cost where there are no more.
   * @returns      The cost of the next place. O(piles + piles opened × log piles).
   */
  after(taken: number, beyond: number): number {
    if (this.slots <= taken) return beyond;
    const { heap, costs, places } = this;
    let size = this.count;
    for (let i = 0; i < size; i++) heap[i] = i;
    for (let i = (size >> 1) - 1; i >= 0; i--) siftDown(heap, costs, i, size);
    let left = taken;
    for (;;) {
      const top = heap[0] as number;
      left -= places[top] as number;
      if (left < 0) return costs[top] as number;
      size--;
      heap[0] = heap[size] as number;
      siftDown(heap, costs, 0, size);
    }
  }
}

function siftDown(heap: Int32Array, costs: Float64Array, from: number, size: number): void {
  const entry = heap[from] as number;
  const cost = costs[entry] as number;
  let at = from;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= size) break;
    if (
      child + 1 < size &&
      (costs[heap[child + 1] as number] as number) < (costs[heap[child] as number] as number)
    )
      child++;
    if ((costs[heap[child] as number] as number) >= cost) break;
    heap[at] = heap[child] as number;
    at = child;
  }
  heap[at] = entry;
}
