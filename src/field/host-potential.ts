/**
 * The potential of nodes without idle GPUs: CPU that is expected to stay unsold, at a small price.
 *
 * The same idea as the stranding potential with CPU as the sold resource: L(c) is the rest of c milli-cores once
 * typical pods have filled it. CPU that memory or a further resource cannot serve counts as unsold. The price is low,
 * so that where GPUs are at stake this term never decides.
 */
import { assert } from '../kernel/assert.ts';
import type { GeometricLattice } from './lattice.ts';

/** Milli-GPU that one unsold milli-core counts for. */
export const HOST_PRICE = 0.001;

/** A pod in this potential's terms. */
export interface HostShape {
  /** Host room it takes, milli-cores. */
  readonly hostMilli: number;
  readonly weight: number;
}

/** L over a lattice of host room. Immutable. */
export class HostPotential {
  private readonly lattice: GeometricLattice;
  private readonly left: Float64Array;
  private readonly valued: boolean;

  /**
   * @param shapes   Pods that may come to a node without GPUs.
   * @param patience Arrivals that room waits for, as in `StrandingOptions`.
   * @cost O(points × shapes)
   */
  constructor(lattice: GeometricLattice, shapes: readonly HostShape[], patience: number) {
    assert(patience > 0, 'a hole that waits for no arrival');
    this.lattice = lattice;
    const { points } = lattice;
    this.left = new Float64Array(points.length);
    // CPU that no pod requests alone is not stranded; GPUs are priced elsewhere.
    this.valued = shapes.length > 0;
    let total = 0;
    for (const shape of shapes) total += shape.weight;
    for (let i = 1; i < points.length; i++) {
      const c = points[i] as number;
      let fits = 0;
      let sum = 0;
      let itself = 0;
      for (const { hostMilli, weight } of shapes) {
        if (hostMilli > c || hostMilli <= 0) continue;
        fits += weight;
        const rest = c - hostMilli;
        const lower = points[i - 1] as number;
        if (rest <= lower) sum += weight * this.interpolate(rest);
        else {
          // Less than one step: part of it leads back to this point.
          const f = (rest - lower) / (c - lower);
          sum += weight * (1 - f) * (this.left[i - 1] as number);
          itself += weight * f;
        }
      }
      const lost = total > 0 ? Math.exp((-patience * fits) / total) : 1;
      this.left[i] = fits - itself > 0 ? lost * c + ((1 - lost) * sum) / (fits - itself) : c;
    }
  }

  /** @returns Milli-GPU. @param room Host room. @param cpuMilli Free CPU, ≥ room. O(1). */
  value(room: number, cpuMilli: number): number {
    if (!this.valued) return 0;
    return HOST_PRICE * (this.interpolate(room) + cpuMilli - room);
  }

  private interpolate(c: number): number {
    const { points } = this.lattice;
    const k = this.lattice.indexOf(c);
    const low = this.left[k] as number;
    if (k === points.length - 1) return low;
    const lower = points[k] as number;
    return low + ((c - lower) / ((points[k + 1] as number) - lower)) * ((this.left[k + 1] as number) - low);
  }
}
