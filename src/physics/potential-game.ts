/**
 * Placement as a potential game: nodes with a convex potential of their load, jobs that pay what they add to it.
 *
 * U_n(L) = Σ_r w_r b(L_nr / C_nr), Φ = Σ_n U_n, and job j on node n costs c_j(n) = U_n(L without j + d_j) −
 * U_n(L without j). A move of one job changes its cost by exactly the change of Φ, so a sequence of moves that each
 * gain cannot cycle. The cost of a node on which the job does not fit is Infinity.
 *
 * Invariant: `loads` is the sum of the demands placed, up to rounding. Uses Math.log: see algebra.ts.
 *
 * @source theory §1A (P1 exact potential, exploitability); Monderer & Shapley 1996, Potential games.
 */
import { assert } from '../kernel/assert.ts';

/** b(ρ): −ln(1 − ρ), or ρ² without a capacity limit. */
export type CongestionKind = 'barrier' | 'quadratic';

/** The data of the game. Arrays are kept, not copied. */
export interface GameSpec {
  readonly kind: CongestionKind;
  readonly nodeCount: number;
  readonly resourceCount: number;
  /** C_nr > 0. @shape [nodeCount × resourceCount] */
  readonly capacities: Float64Array;
  /** w_r ≥ 0. @shape [resourceCount] */
  readonly weights: Float64Array;
  /** d_jr ≥ 0. @shape [jobs × resourceCount] */
  readonly demands: Float64Array;
}

/** How much jobs could gain by moving alone. All ≥ 0, in units of the potential. */
export interface Exploitability {
  /** max_j: no job can gain more. */
  readonly max: number;
  /** Σ_j. */
  readonly sum: number;
  /** max_j of gain / cost now. */
  readonly relativeMax: number;
}

/** Jobs on nodes, and what they pay. */
export class PotentialGame {
  readonly spec: GameSpec;
  readonly jobCount: number;
  /** Node of each job. @shape [jobCount]; change it by `move` only. */
  readonly placement: Int32Array;
  /** @shape [nodeCount × resourceCount] */
  readonly loads: Float64Array;

  /** @param placement Node of each job; copied. */
  constructor(spec: GameSpec, placement: ArrayLike<number>) {
    this.spec = spec;
    this.jobCount = spec.demands.length / spec.resourceCount;
    assert(
      spec.capacities.length === spec.nodeCount * spec.resourceCount,
      'capacities of other nodes than there are',
    );
    assert(spec.weights.length === spec.resourceCount, 'weights of other resources than there are');
    assert(this.jobCount === placement.length, 'demands of other jobs than are placed');
    this.placement = Int32Array.from(placement);
    this.loads = new Float64Array(spec.nodeCount * spec.resourceCount);
    for (let j = 0; j < this.jobCount; j++) this.add(j, this.placement[j] as number, 1);
  }

  /** Φ; Infinity if a node is over its capacity. O(nodes × resources). */
  potential(): number {
    let sum = 0;
    for (let n = 0; n < this.spec.nodeCount; n++) sum += this.nodePotential(n, -1, 0);
    return sum;
  }

  /** c_j(n): what job j adds to node n's potential, not counting itself if it is there. O(resources). */
  price(j: number, n: number): number {
    assert(j >= 0 && j < this.jobCount && n >= 0 && n < this.spec.nodeCount, 'no such job or node');
    const own = this.placement[j] === n ? -1 : 0;
    const after = this.nodePotential(n, j, own + 1);
    return after === Number.POSITIVE_INFINITY ? after : after - this.nodePotential(n, j, own);
  }

  /** Puts job j on node n. O(resources). */
  move(j: number, n: number): void {
    assert(j >= 0 && j < this.jobCount && n >= 0 && n < this.spec.nodeCount, 'no such job or node');
    this.add(j, this.placement[j] as number, -1);
    this.placement[j] = n;
    this.add(j, n, 1);
  }

  /** Prices of all nodes to job j. @param out @shape [nodeCount] */
  pricesOf(j: number, out: Float64Array): void {
    assert(out.length === this.spec.nodeCount, 'prices of other nodes than there are');
    for (let n = 0; n < out.length; n++) out[n] = this.price(j, n);
  }

  /** The cheapest node for job j: the current one if none is cheaper by more than `gainMin`. O(nodes). */
  bestNode(j: number, gainMin = 0): number {
    let best = this.placement[j] as number;
    let least = this.price(j, best) - gainMin;
    for (let n = 0; n < this.spec.nodeCount; n++) {
      if (n === this.placement[j]) continue;
      const price = this.price(j, n);
      if (price < least) {
        least = price;
        best = n;
      }
    }
    return best;
  }

  /**
   * Serial best responses until no job gains more than `gainMin`.
   *
   * @param movesMax Most moves.
   * @param onMove   Called after every move.
   * @returns Moves made; movesMax if it was cut off.
   */
  settle(gainMin: number, movesMax: number, onMove: () => void = () => {}): number {
    assert(gainMin >= 0 && movesMax >= 0, 'a gain or a number of moves is negative');
    let moves = 0;
    let quiet = 0;
    for (let j = 0; quiet < this.jobCount && moves < movesMax; j = (j + 1) % this.jobCount) {
      const best = this.bestNode(j, gainMin);
      if (best === this.placement[j]) {
        quiet++;
        continue;
      }
      this.move(j, best);
      moves++;
      quiet = 0;
      onMove();
    }
    return moves;
  }

  /** O(jobs × nodes × resources). */
  exploitability(): Exploitability {
    let max = 0;
    let sum = 0;
    let relativeMax = 0;
    for (let j = 0; j < this.jobCount; j++) {
      const now = this.price(j, this.placement[j] as number);
      const gain = now - this.price(j, this.bestNode(j));
      if (!(gain > 0)) continue;
      max = Math.max(max, gain);
      sum += gain;
      relativeMax = Math.max(relativeMax, gain / now);
    }
    return { max, sum, relativeMax };
  }

  /** U_n with `times` × the demand of job j added to the load; j < 0: as it is. */
  private nodePotential(n: number, j: number, times: number): number {
    const { resourceCount, capacities, weights, demands, kind } = this.spec;
    let sum = 0;
    for (let r = 0; r < resourceCount; r++) {
      const at = n * resourceCount + r;
      const extra = times === 0 ? 0 : times * (demands[j * resourceCount + r] as number);
      const rho = ((this.loads[at] as number) + extra) / (capacities[at] as number);
      if (kind === 'quadratic') sum += (weights[r] as number) * rho * rho;
      else if (rho >= 1) return Number.POSITIVE_INFINITY;
      else sum -= (weights[r] as number) * Math.log(1 - rho);
    }
    return sum;
  }

  private add(j: number, n: number, times: number): void {
    const { resourceCount, demands } = this.spec;
    for (let r = 0; r < resourceCount; r++) {
      const at = n * resourceCount + r;
      this.loads[at] = (this.loads[at] as number) + times * (demands[j * resourceCount + r] as number);
    }
  }
}
