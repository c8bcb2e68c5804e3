/**
 * A plain model of rents: every lease on its own, in real numbers, quoted again at each tick; and usage that decays, charge by
 * charge.
 */

interface PlainLease {
  readonly tenant: number;
  readonly milli: number;
  price: number;
  /** Until when it has paid, µs. */
  sinceMicros: number;
}

const MICROS_PER_HOUR = 3.6e9;

/** One flavour. */
export class PlainRents {
  /** By tenant: micro-tokens that ran up, and the same decayed. */
  readonly charged: number[];
  readonly usage: number[];
  private readonly leases = new Map<number, PlainLease>();
  private readonly halfLifeMicros: number;
  private nowMicros = 0;

  constructor(tenants: number, halfLifeMicros: number) {
    this.charged = new Array(tenants).fill(0);
    this.usage = new Array(tenants).fill(0);
    this.halfLifeMicros = halfLifeMicros;
  }

  get milli(): number {
    return [...this.leases.values()].reduce((sum, { milli }) => sum + milli, 0);
  }

  start(lease: number, tenant: number, milli: number, price: number, timeMicros: number): void {
    this.pay(timeMicros);
    this.leases.set(lease, { tenant, milli, price, sinceMicros: timeMicros });
  }

  end(lease: number, timeMicros: number): void {
    this.pay(timeMicros);
    this.leases.delete(lease);
  }

  tick(price: number, timeMicros: number): void {
    this.pay(timeMicros);
    for (const lease of this.leases.values()) lease.price = price;
  }

  /** Charges all leases up to a time. Usage within the step decays by its half, on the average. */
  pay(timeMicros: number): void {
    const elapsed = timeMicros - this.nowMicros;
    this.nowMicros = timeMicros;
    for (const tenant of this.usage.keys())
      this.usage[tenant] = (this.usage[tenant] as number) * 2 ** (-elapsed / this.halfLifeMicros);
    for (const lease of this.leases.values()) {
      const { tenant, milli, price, sinceMicros } = lease;
      const rent = ((milli / 1_000) * price * (timeMicros - sinceMicros)) / MICROS_PER_HOUR;
      this.charged[tenant] = (this.charged[tenant] as number) + rent;
      this.usage[tenant] = (this.usage[tenant] as number) + rent * 2 ** (-elapsed / 2 / this.halfLifeMicros);
      lease.sinceMicros = timeMicros;
    }
  }
}
