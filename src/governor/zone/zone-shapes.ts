/**
 * Job shapes: the distinct (demand, pod count, gang size) of the jobs that a zone has seen, as small integers.
 *
 * Jobs of one shape are interchangeable for placement: where the first of them does not fit, none does. So the
 * waiting queue keeps one heap and one set of facts for each shape. Shapes are never removed.
 */

import { assert } from '../../kernel/assert.ts';
import type { Demand, DemandTable } from '../../model/demand.ts';
import { TegError } from '../../model/errors.ts';

/** Most shapes of one zone. */
const SHAPES_MAX = 2 ** 22;

/** Columns by shape id; plain arrays because they grow one by one and hold small integers only. */
export class ZoneShapeTable {
  readonly demands: Demand[] = [];
  readonly podCounts: number[] = [];
  readonly gangMins: number[] = [];
  /** The cluster generation for which the shape is known to be impossible; −1: not known to be. */
  readonly impossibleSince: number[] = [];
  /** [demand] the shape of its one-pod jobs, −1 if none was seen. */
  private readonly onePod: number[] = [];
  private readonly byKey = new Map<string, number>();
  private readonly demandTable: DemandTable;

  constructor(demandTable: DemandTable) {
    this.demandTable = demandTable;
  }

  /** Shapes seen. */
  get count(): number {
    return this.demands.length;
  }

  /**
   * @returns The shape's id, new or known; the demand must be in the table. O(1); a text key is made for jobs of more than one
   * pod only.
   * @throws TegError TEG_LIMIT_REACHED at 2^22 shapes.
   */
  intern(demandId: number, podCount: number, gangMin: number): number {
    if (podCount === 1) {
      while (this.onePod.length <= demandId) this.onePod.push(-1);
      const known = this.onePod[demandId] as number;
      if (known >= 0) return known;
      const shape = this.append(demandId, 1, 1);
      this.onePod[demandId] = shape;
      return shape;
    }
    const key = `${demandId},${podCount},${gangMin}`;
    const known = this.byKey.get(key);
    if (known !== undefined) return known;
    const shape = this.append(demandId, podCount, gangMin);
    this.byKey.set(key, shape);
    return shape;
  }

  /** @returns The shape's id, −1 if none was seen. */
  find(demandId: number, podCount: number, gangMin: number): number {
    if (podCount === 1) return this.onePod[demandId] ?? -1;
    return this.byKey.get(`${demandId},${podCount},${gangMin}`) ?? -1;
  }

  private append(demandId: number, podCount: number, gangMin: number): number {
    const shape = this.count;
    if (shape >= SHAPES_MAX) {
      throw new TegError(
        'TEG_LIMIT_REACHED',
        `more than ${SHAPES_MAX} distinct job shapes; expected fewer: round the requests of the workload`,
      );
    }
    const demand = this.demandTable.demands[demandId];
    assert(demand !== undefined, 'a shape of a demand that was not interned');
    assert(gangMin >= 1 && gangMin <= podCount, 'a gang of none, or of more pods than the job has');
    this.demands.push(demand);
    this.podCounts.push(podCount);
    this.gangMins.push(gangMin);
    this.impossibleSince.push(-1);
    return shape;
  }
}
