/**
 * What tenants had for their share, without forgetting: hours in which a tenant's right alone would have used as much.
 *
 *     had(t) = (unit-hours used until t + what runs × ahead) ÷ right        smaller goes first
 *
 * The tenant that has less goes first, whatever the price was: Karma's rule, with nothing guaranteed and endless credits. Two bounds.
 * `lift`: who is more than `memory` behind the one that had most has missed what lies beyond, so that nobody returns from a year
 * of idling with a claim to a year. `ahead`: what runs counts for some time to come from its start on, or all jobs of a tenant
 * would start in one pass; it is the same for all jobs, so that a declared run time wins nothing.
 */
import { assert } from '../../kernel/assert.ts';
import { MICROS_PER_HOUR } from '../amounts.ts';

/** Usage by tenant. Single writer: the market. */
export class UsageMemory {
  /** Hours of its right that the tenant with the most had, at the last `lift`. */
  most = 0;
  private readonly memoryHours: number;
  private readonly aheadHours: number;
  /** @shape [tenants] Units that a tenant is due; 0: it has no share. */
  private readonly rights: Float64Array;
  /** @shape [tenants] Hours of its right used until `times`; units that run; µs. */
  private readonly hours: Float64Array;
  private readonly running: Float64Array;
  private readonly times: Float64Array;

  /** @param rights Units by tenant, ≥ 0; read at each call. @param memoryMicros > 0; may be Infinity. @param aheadMicros ≥ 0. */
  constructor(rights: Float64Array, memoryMicros: number, aheadMicros: number) {
    assert(memoryMicros > 0 && aheadMicros >= 0, 'a memory of nothing');
    this.rights = rights;
    this.memoryHours = memoryMicros / MICROS_PER_HOUR;
    this.aheadHours = aheadMicros / MICROS_PER_HOUR;
    this.hours = new Float64Array(rights.length);
    this.running = new Float64Array(rights.length);
    this.times = new Float64Array(rights.length);
  }

  /** What runs changes by some units, at a time that does not decrease. O(1). */
  change(tenant: number, units: number, timeMicros: number): void {
    this.hours[tenant] = this.usedAt(tenant, timeMicros);
    this.times[tenant] = timeMicros;
    this.running[tenant] = (this.running[tenant] as number) + units;
  }

  /** @returns Hours of its right that a tenant had, those ahead included; Infinity without a right. O(1). */
  hadAt(tenant: number, timeMicros: number): number {
    const right = this.rights[tenant] as number;
    if (right === 0) return Number.POSITIVE_INFINITY;
    return this.usedAt(tenant, timeMicros) + this.aheadOf(tenant, this.running[tenant] as number);
  }

  /** @returns Hours by which a start of some units counts at once; Infinity without a right. */
  aheadOf(tenant: number, units: number): number {
    const right = this.rights[tenant] as number;
    return right === 0 ? Number.POSITIVE_INFINITY : (units * this.aheadHours) / right;
  }

  /** Lifts those that are further behind than what is remembered. O(tenants). */
  lift(timeMicros: number): void {
    for (let tenant = 0; tenant < this.rights.length; tenant++)
      this.most = Math.max(this.most, this.usedAt(tenant, timeMicros));
    const least = this.most - this.memoryHours;
    for (let tenant = 0; tenant < this.rights.length; tenant++) {
      if (this.usedAt(tenant, timeMicros) >= least) continue;
      this.hours[tenant] = least;
      this.times[tenant] = timeMicros;
    }
  }

  private usedAt(tenant: number, timeMicros: number): number {
    const right = this.rights[tenant] as number;
    const hours = this.hours[tenant] as number;
    if (right === 0) return hours;
    const elapsed = (timeMicros - (this.times[tenant] as number)) / MICROS_PER_HOUR;
    return hours + ((this.running[tenant] as number) * elapsed) / right;
  }
}
