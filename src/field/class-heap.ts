/**
 * Classes of one demand in one rent group, cheapest first: a binary heap whose stale entries are dropped when met.
 *
 * A class that loses its last node stays in the heap until it comes to the top; a class has at most one entry.
 * So a change of the cluster costs nothing here, and finding the cheapest occupied class costs O(1) amortised.
 */
export class ClassHeap {
  size = 0;
  private ids = new Int32Array(16);
  private costs = new Float64Array(16);

  /** The cheapest class; ties go to the lower id. Only if `size` > 0. */
  topClass(): number {
    return this.ids[0] as number;
  }

  /** Its cost. Only if `size` > 0. */
  topCost(): number {
    return this.costs[0] as number;
  }

  /** Adds a class. O(log size). */
  push(id: number, cost: number): void {
    if (this.size === this.ids.length) this.grow();
    let hole = this.size++;
    const { ids, costs } = this;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      const parentCost = costs[parent] as number;
      if (parentCost < cost || (parentCost === cost && (ids[parent] as number) < id)) break;
      ids[hole] = ids[parent] as number;
      costs[hole] = parentCost;
      hole = parent;
    }
    ids[hole] = id;
    costs[hole] = cost;
  }

  /** Removes the top. Only if `size` > 0. O(log size). */
  pop(): void {
    const { ids, costs } = this;
    const n = --this.size;
    const id = ids[n] as number;
    const cost = costs[n] as number;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= n) break;
      const right = child + 1;
      if (right < n) {
        const c = costs[child] as number;
        const r = costs[right] as number;
        if (r < c || (r === c && (ids[right] as number) < (ids[child] as number))) child = right;
      }
      const childCost = costs[child] as number;
      if (cost < childCost || (cost === childCost && id < (ids[child] as number))) break;
      ids[hole] = ids[child] as number;
      costs[hole] = childCost;
      hole = child;
    }
    ids[hole] = id;
    costs[hole] = cost;
  }

  /** Empties the heap; keeps the memory. */
  clear(): void {
    this.size = 0;
  }

  /** Bytes of the arrays. */
  get bytes(): number {
    return this.ids.byteLength + this.costs.byteLength;
  }

  private grow(): void {
    const ids = new Int32Array(2 * this.ids.length);
    ids.set(this.ids);
    this.ids = ids;
    const costs = new Float64Array(2 * this.costs.length);
    costs.set(this.costs);
    this.costs = costs;
  }
}
