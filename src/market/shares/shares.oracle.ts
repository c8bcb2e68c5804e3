/**
 * Plain models of the rules that share a capacity out: one slice at a time, as their definitions say, and nothing shared with the
 * rules themselves.
 */

/** Karma's algorithm, slice by slice. Equal fair shares. */
export class PlainKarma {
  readonly credits: number[];
  private readonly fairShare: number;
  private readonly guaranteed: number;

  constructor(tenants: number, fairShare: number, guaranteed: number, credits: number) {
    this.credits = new Array(tenants).fill(credits);
    this.fairShare = fairShare;
    this.guaranteed = guaranteed;
  }

  quantum(demands: readonly number[]): number[] {
    const { credits, fairShare, guaranteed } = this;
    const own = guaranteed * fairShare;
    for (let u = 0; u < credits.length; u++) (credits[u] as number) += (1 - guaranteed) * fairShare;
    const shares = demands.map((demand) => Math.min(demand, own));
    const donated = demands.map((demand) => Math.max(0, own - demand));
    let shared = credits.length * (fairShare - own);
    for (;;) {
      let borrower = -1;
      for (let u = 0; u < credits.length; u++) {
        if ((shares[u] as number) >= (demands[u] as number) || (credits[u] as number) <= 0) continue;
        if (borrower < 0 || (credits[u] as number) > (credits[borrower] as number)) borrower = u;
      }
      let donor = -1;
      for (let u = 0; u < credits.length; u++) {
        if ((donated[u] as number) <= 0) continue;
        if (donor < 0 || (credits[u] as number) < (credits[donor] as number)) donor = u;
      }
      if (borrower < 0 || (donor < 0 && shared <= 0)) return shares;
      if (donor >= 0) {
        (credits[donor] as number) += 1;
        (donated[donor] as number) -= 1;
      } else shared -= 1;
      (shares[borrower] as number) += 1;
      (credits[borrower] as number) -= 1;
    }
  }
}

/** Progressive filling: the next slice is for the tenant that has the least for its weight and wants more. */
export function plainMaxMin(
  demands: readonly number[],
  capacity: number,
  weights: readonly number[],
): number[] {
  const shares = demands.map(() => 0);
  for (let slice = 0; slice < capacity; slice++) {
    let best = -1;
    for (const isIdle of [false, true]) {
      for (let u = 0; u < demands.length; u++) {
        if (((weights[u] as number) === 0) !== isIdle || (shares[u] as number) >= (demands[u] as number))
          continue;
        best = best < 0 || level(u) < level(best) ? u : best;
      }
      if (best >= 0) break;
    }
    if (best < 0) return shares;
    (shares[best] as number) += 1;
  }
  return shares;

  function level(u: number): number {
    const weight = weights[u] as number;
    return weight === 0 ? (shares[u] as number) : (shares[u] as number) / weight;
  }
}

/** The token rule, slice by slice. Equal fair shares. */
export class PlainTokens {
  readonly balances: number[];
  private readonly fairShare: number;
  private readonly kept: number;

  constructor(tenants: number, fairShare: number, kept: number) {
    this.balances = new Array(tenants).fill(0);
    this.fairShare = fairShare;
    this.kept = kept;
  }

  quantum(demands: readonly number[]): number[] {
    const { balances, fairShare, kept } = this;
    for (let u = 0; u < balances.length; u++) balances[u] = (balances[u] as number) * kept + fairShare;
    const shares = demands.map(() => 0);
    const before = balances.slice();
    for (let slice = 0; slice < balances.length * fairShare; slice++) {
      let best = -1;
      for (let u = 0; u < balances.length; u++) {
        if ((shares[u] as number) >= (demands[u] as number)) continue;
        if (best < 0 || (balances[u] as number) > (balances[best] as number)) best = u;
      }
      if (best < 0) return shares;
      (shares[best] as number) += 1;
      // From the balance before the quantum, so that rounding is that of one subtraction.
      balances[best] = (before[best] as number) - (shares[best] as number);
    }
    return shares;
  }
}
