/** Usage with exponential memory: amounts held, integrated over time, that halve every half-life. */

/** One account. */
interface Usage {
  /** Amount × seconds, as of `atSeconds`. */
  sum: number;
  /** Amount held now. */
  rate: number;
  atSeconds: number;
}

/** Usage of accounts by number. O(1) a call; one entry for each account that ever held something. */
export class DecayedUsage {
  private readonly halfLifeSeconds: number;
  private readonly accounts = new Map<number, Usage>();

  /** @param halfLifeSeconds > 0. */
  constructor(halfLifeSeconds: number) {
    this.halfLifeSeconds = halfLifeSeconds;
  }

  /** An account holds more from now on, or less. */
  hold(account: number, amount: number, nowSeconds: number): void {
    const usage = this.accounts.get(account) ?? { sum: 0, rate: 0, atSeconds: nowSeconds };
    usage.sum = this.sumAt(usage, nowSeconds);
    usage.atSeconds = nowSeconds;
    usage.rate += amount;
    this.accounts.set(account, usage);
  }

  /** @returns ∫ amount(t) · 2^((t − now) / half-life) dt. */
  of(account: number, nowSeconds: number): number {
    const usage = this.accounts.get(account);
    return usage === undefined ? 0 : this.sumAt(usage, nowSeconds);
  }

  private sumAt({ sum, rate, atSeconds }: Usage, nowSeconds: number): number {
    const left = 2 ** ((atSeconds - nowSeconds) / this.halfLifeSeconds);
    return sum * left + ((rate * this.halfLifeSeconds) / Math.LN2) * (1 - left);
  }
}
