import { describe, expect, test } from 'vitest';
import { GeometricLattice } from './lattice.ts';
import { StrandingPotential } from './stranding.ts';
import { boltzmann, type FillShape } from './stranding-table.ts';

const OPTIONS = { patience: 40, temperature: 800, hostOnlyWeight: 0.5 };
const lattice = new GeometricLattice(1000, 16_000);

/** V by plain recursion over node states on the lattice's points (host room in whole units, parts of 50 milli). */
function recursive(shapes: readonly FillShape[], host: number, gpus: readonly number[]): number {
  const scale = (s: FillShape): number => (s.gpuCount > 0 ? s.weight : s.weight * OPTIONS.hostOnlyWeight);
  const total = shapes.reduce((sum, s) => sum + scale(s), 0);
  const memo = new Map<string, number>();
  const value = (c: number, parts: readonly number[]): number => {
    const key = `${c}|${parts.join()}`;
    const known = memo.get(key);
    if (known !== undefined) return known;
    const found: { w: number; v: number }[] = [];
    for (const shape of shapes) {
      if (shape.hostMilli > c) continue;
      const next = after(parts, shape).map((p) => value(c - shape.hostMilli, p));
      if (next.length > 0) found.push({ w: scale(shape), v: Math.min(...next) });
    }
    const idle = parts.reduce((sum, p) => sum + p, 0);
    let result = idle;
    if (found.length > 0) {
      const least = Math.min(...found.map((f) => f.v));
      const weights = found.map((f) => f.w * Math.exp(-(f.v - least) / OPTIONS.temperature));
      const sum = weights.reduce((x, w) => x + w, 0);
      const mean = found.reduce((x, f, i) => x + ((weights[i] as number) * f.v) / sum, 0);
      const lost = Math.exp((-OPTIONS.patience * found.reduce((x, f) => x + f.w, 0)) / total);
      result = lost * idle + (1 - lost) * mean;
    }
    memo.set(key, result);
    return result;
  };
  return value(
    host,
    [...gpus].sort((x, y) => y - x),
  );
}

/** Idle parts after a shape, for each GPU it could take; sorted descending. */
function after(parts: readonly number[], shape: FillShape): number[][] {
  const sorted = (p: number[]): number[] => p.filter((x) => x > 0).sort((x, y) => y - x);
  if (shape.gpuCount === 0) return [sorted([...parts])];
  if (shape.gpuMilli === 1000) {
    const whole = parts.filter((p) => p === 1000).length;
    if (whole < shape.gpuCount) return [];
    return [sorted([...parts.filter((p) => p < 1000), ...new Array(whole - shape.gpuCount).fill(1000)])];
  }
  return parts.flatMap((p, i) =>
    p < shape.gpuMilli ? [] : [sorted(parts.map((q, k) => (k === i ? q - shape.gpuMilli : q)))],
  );
}

const shapes: FillShape[] = [
  { hostMilli: 3000, gpuCount: 1, gpuMilli: 800, weight: 5 },
  { hostMilli: 6000, gpuCount: 1, gpuMilli: 1000, weight: 4 },
  { hostMilli: 2000, gpuCount: 1, gpuMilli: 450, weight: 3 },
  { hostMilli: 1000, gpuCount: 1, gpuMilli: 200, weight: 1 },
  { hostMilli: 8000, gpuCount: 2, gpuMilli: 1000, weight: 1 },
  { hostMilli: 4000, gpuCount: 0, gpuMilli: 0, weight: 2 },
];

describe('StrandingPotential', () => {
  const potential = new StrandingPotential(lattice, shapes, 2, OPTIONS);

  test('agrees with a plain recursion on every lattice state of a two-GPU node', () => {
    let worst = 0;
    for (let host = 0; host <= 16_000; host += 1000) {
      for (const [whole, a, b] of [
        [0, 950, 550],
        [0, 800, 200],
        [1, 450, 0],
        [1, 0, 0],
        [2, 0, 0],
        [0, 550, 0],
      ] as const) {
        const gpus = [...new Array<number>(whole).fill(1000), a, b].filter((p) => p > 0);
        const expected = recursive(shapes, host, gpus);
        worst = Math.max(worst, Math.abs(potential.value(host, whole, a, b, 0, 0) - expected));
      }
    }
    // The table keeps 24 bits and an approximate Boltzmann factor.
    expect(worst).toBeLessThan(2);
  });

  test('is all that is idle where nothing fits, and never more than that or less than 0', () => {
    expect(potential.value(0, 2, 0, 0, 0, 0)).toBe(2000);
    for (let host = 0; host <= 16_000; host += 700) {
      const v = potential.value(host, 1, 470, 0, 0, 0);
      expect(v).toBeGreaterThanOrEqual(0);
      expect(v).toBeLessThanOrEqual(1470);
    }
  });

  test('counts parts below the resolution, and further partial GPUs, as lost', () => {
    const base = potential.value(9000, 0, 450, 0, 0, 0);
    expect(potential.value(9000, 0, 480, 0, 0, 0)).toBeCloseTo(base + 30, 3);
    expect(potential.value(9000, 0, 450, 0, 0, 90)).toBeCloseTo(base + 90, 3);
  });

  test('is linear in host room between lattice points and constant beyond the last', () => {
    const at = (host: number): number => potential.value(host, 2, 0, 0, 0, 0);
    expect(at(7500)).toBeCloseTo((at(7000) + at(8000)) / 2, 3);
    expect(at(99_000)).toBe(at(16_000));
  });

  test('values a node with more GPUs than the table by parts', () => {
    const wide = new StrandingPotential(new GeometricLattice(1000, 64_000), shapes, 16, OPTIONS);
    expect(wide.value(64_000, 16, 0, 0, 0, 0)).toBeCloseTo(2 * wide.value(32_000, 8, 0, 0, 0, 0), 3);
  });

  test('without typical pods everything idle is lost', () => {
    const empty = new StrandingPotential(lattice, [], 2, OPTIONS);
    expect(empty.value(16_000, 2, 0, 0, 0, 0)).toBe(2000);
  });

  test('pods without GPU that take less than a step do not blow up the equation', () => {
    const tiny = new StrandingPotential(
      lattice,
      [...shapes, { hostMilli: 100, gpuCount: 0, gpuMilli: 0, weight: 50 }],
      2,
      OPTIONS,
    );
    const v = tiny.value(8000, 1, 0, 0, 0, 0);
    expect(v).toBeGreaterThan(potential.value(8000, 1, 0, 0, 0, 0));
    expect(v).toBeLessThanOrEqual(1000);
  });
});

test('the Boltzmann factor is within 2 % up to 5 and falls to 0', () => {
  for (let y = 0; y <= 5; y += 0.01) expect(Math.abs(boltzmann(y) / Math.exp(-y) - 1)).toBeLessThan(0.02);
  expect(boltzmann(200)).toBeLessThan(1e-9);
  expect(boltzmann(Number.POSITIVE_INFINITY)).toBe(0);
});
