/**
 * How much work of a tenant others' evictions may waste: a leaky bucket of lost GPU-seconds by tenant.
 *
 * A tenant that runs on g GPUs does g · 3600 GPU-seconds of work an hour. Evictions for fair shares may lose `ratePerHour` of
 * that: a bucket of one hour's allowance that fills at this rate. An eviction is allowed while the bucket is not empty and may
 * overdraw it once, so that a gang larger than the allowance can be evicted at all; the debt is paid off before the next. A
 * freshly checkpointed gang costs little. Reclaims within a quota are charged as well, but never refused: quota is a right, and
 * `minRuntime` bounds what they lose.
 */
import { assert } from '../../kernel/assert.ts';

const SECONDS_PER_HOUR = 3600;

interface Bucket {
  /** GPU-seconds that may be lost; negative: overdrawn. */
  left: number;
  sinceSeconds: number;
}

/** Buckets by tenant; a tenant without one has a full one. */
export class EvictionRates {
  private readonly buckets = new Map<number, Bucket>();

  /**
   * @param gpus        What the tenant runs on now.
   * @param ratePerHour Part of its work, in [0, 1].
   * @returns Whether a fair-share eviction is allowed.
   */
  isOpen(tenant: number, nowSeconds: number, gpus: number, ratePerHour: number): boolean {
    if (ratePerHour === 0) return false;
    const bucket = this.buckets.get(tenant);
    if (bucket === undefined) return true;
    const allowance = gpus * SECONDS_PER_HOUR * ratePerHour;
    const filled = bucket.left + (allowance * (nowSeconds - bucket.sinceSeconds)) / SECONDS_PER_HOUR;
    if (filled < allowance) return filled > 0;
    // Full: as if nothing had been evicted.
    this.buckets.delete(tenant);
    return true;
  }

  /** Charges work that evictions by others have lost. Parameters as of `isOpen`, before the eviction. */
  charge(tenant: number, nowSeconds: number, gpus: number, ratePerHour: number, gpuSeconds: number): void {
    assert(gpuSeconds >= 0, 'less than no work was lost');
    const allowance = gpus * SECONDS_PER_HOUR * ratePerHour;
    const bucket = this.buckets.get(tenant) ?? { left: allowance, sinceSeconds: nowSeconds };
    const filled = bucket.left + (allowance * (nowSeconds - bucket.sinceSeconds)) / SECONDS_PER_HOUR;
    this.buckets.set(tenant, { left: Math.min(allowance, filled) - gpuSeconds, sinceSeconds: nowSeconds });
  }
}
