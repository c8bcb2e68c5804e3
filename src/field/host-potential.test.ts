import { describe, expect, test } from 'vitest';
import { HOST_PRICE, HostPotential } from './host-potential.ts';
import { GeometricLattice } from './lattice.ts';

const lattice = new GeometricLattice(1000, 32_000);

describe('HostPotential', () => {
  test('one pod size: the rest is the remainder', () => {
    const host = new HostPotential(lattice, [{ hostMilli: 4000, weight: 1 }], 1000);
    for (const cores of [0, 1, 3, 4, 5, 8, 11, 15]) {
      expect(host.value(cores * 1000, cores * 1000)).toBeCloseTo(HOST_PRICE * 1000 * (cores % 4), 6);
    }
  });

  test('CPU that memory cannot serve counts as left', () => {
    const host = new HostPotential(lattice, [{ hostMilli: 4000, weight: 1 }], 1000);
    expect(host.value(4000, 10_000)).toBeCloseTo(HOST_PRICE * 6000, 6);
  });

  test('room that only rare pods fit is mostly left when patience is short', () => {
    const shapes = [
      { hostMilli: 8000, weight: 99 },
      { hostMilli: 1000, weight: 1 },
    ];
    const patient = new HostPotential(lattice, shapes, 10_000);
    const hasty = new HostPotential(lattice, shapes, 10);
    expect(patient.value(3000, 3000)).toBeCloseTo(0, 6);
    expect(hasty.value(3000, 3000)).toBeGreaterThan(0.8 * HOST_PRICE * 3000);
  });

  test('is nothing where no pod comes without GPU', () => {
    expect(new HostPotential(lattice, [], 60).value(8000, 9000)).toBe(0);
  });

  test('pods smaller than a step are solved for, not dropped', () => {
    const host = new HostPotential(lattice, [{ hostMilli: 100, weight: 1 }], 1000);
    expect(host.value(5000, 5000)).toBeGreaterThanOrEqual(0);
    expect(host.value(5000, 5000)).toBeLessThan(HOST_PRICE * 1000);
  });
});
