import { describe, expect, test } from 'vitest';
import { randomCluster, randomDemands, stream } from '../../test/support/random-cluster.ts';
import { TEG_DEFAULTS } from '../governor/policy/teg-options.ts';
import type { Demand } from '../model/demand.ts';
import { GPU_MILLI } from '../model/node.ts';
import { HostPotential } from './host-potential.ts';
import { HostRoom } from './host-room.ts';
import { GeometricLattice } from './lattice.ts';
import { type NodeShape, Price, SHORTAGE_MILLI } from './price.ts';
import { StrandingPotential } from './stranding.ts';

const random = stream(1);
const demands = randomDemands(60, random, randomCluster(1, random).demands);
const typical = { demands, weights: demands.map(() => 1 / demands.length) };
const lattice = new GeometricLattice(1000, 96_000);
const fill = demands.map((d) => ({
  hostMilli: d.cpuMilli,
  gpuCount: d.gpuCount,
  gpuMilli: d.gpuMilli,
  weight: 1,
}));
const stranding = new StrandingPotential(lattice, fill, 8, TEG_DEFAULTS.price);
const host = new HostPotential(
  lattice,
  fill.filter((shape) => shape.gpuCount === 0),
  TEG_DEFAULTS.price.patience,
);
const room = new HostRoom(typical);
const OPENING = 30;
const GPU_OPENING = -7;
const price = new Price(stranding, host, room, OPENING, GPU_OPENING);

/** V of GPUs given one by one, the largest three partial ones separate. */
function potentialOf(
  shape: NodeShape,
  cpu: number,
  memory: number,
  extended: readonly number[],
  gpus: number[],
): number {
  const hostRoom = room.of(cpu, memory, extended);
  const partial = gpus.filter((g) => g < GPU_MILLI).sort((x, y) => y - x);
  const whole = gpus.length - partial.length;
  const [a = 0, b = 0, d = 0, ...further] = partial;
  const rest = shape.rest + further.reduce((sum, g) => sum + g, 0);
  if (whole + a + rest === 0) return host.value(hostRoom, cpu);
  return stranding.value(hostRoom, whole, a, b, d, rest);
}

/** The expected `cost`, by trying every GPU. */
function expectedCost(s: NodeShape, demand: Demand): number {
  const gpus = [...new Array<number>(s.whole).fill(GPU_MILLI), s.a, s.b, s.d].filter((g) => g > 0);
  const cpu = s.cpuMilli - demand.cpuMilli;
  const memory = s.memoryMib - demand.memoryMib;
  const extended = s.extended.map((x, r) => x - (demand.extended[r] ?? 0));
  const before = potentialOf(s, s.cpuMilli, s.memoryMib, s.extended, gpus);
  const opening = (s.fresh ? OPENING : 0) + (s.short ? SHORTAGE_MILLI : 0);
  if (demand.gpuCount === 0) return potentialOf(s, cpu, memory, extended, gpus) - before + opening;
  if (demand.gpuMilli === GPU_MILLI) {
    if (s.whole < demand.gpuCount) return Number.POSITIVE_INFINITY;
    return potentialOf(s, cpu, memory, extended, gpus.slice(demand.gpuCount)) - before + opening;
  }
  const costs = gpus.map((g, i) => {
    if (g < demand.gpuMilli) return Number.POSITIVE_INFINITY;
    const after = gpus.with(i, g - demand.gpuMilli);
    const opened = g === GPU_MILLI ? GPU_OPENING : 0;
    return potentialOf(s, cpu, memory, extended, after) - before + opening + opened;
  });
  return Math.min(Number.POSITIVE_INFINITY, ...costs);
}

function randomShape(): NodeShape {
  const parts = [0, 0, 0]
    .map(() => (random.nextInt(3) === 0 ? 0 : random.nextInt(GPU_MILLI)))
    .sort((x, y) => y - x);
  const [a = 0, b = 0, d = 0] = parts;
  return {
    cpuMilli: 30_000 + random.nextInt(60_000),
    memoryMib: 60_000 + random.nextInt(200_000),
    extended: [200],
    whole: random.nextInt(6),
    a,
    b,
    d,
    rest: d > 0 ? random.nextInt(2) * random.nextInt(d) : 0,
    fresh: random.nextInt(4) === 0,
    short: random.nextInt(4) === 0,
    flavorId: 0,
  };
}

describe('Price', () => {
  test('is the least change of V over the GPUs that fit, with the openings', () => {
    let priced = 0;
    for (let round = 0; round < 3000; round++) {
      const shape = randomShape();
      const demand = demands[random.nextInt(demands.length)] as Demand;
      const expected = expectedCost(shape, demand);
      const cost = price.cost(shape, demand, Number.NaN);
      if (expected === Number.POSITIVE_INFINITY) expect(cost).toBe(expected);
      else {
        expect(cost).toBeCloseTo(expected, 6);
        priced++;
      }
    }
    expect(priced).toBeGreaterThan(1500);
  });

  test('prices many demands on a state that was taken to hand once', () => {
    for (let round = 0; round < 50; round++) {
      const shape = randomShape();
      price.take(shape);
      expect(price.holds(shape)).toBe(true);
      const before = price.potentialHere();
      for (const demand of demands) {
        const cost = price.costHere(demand, before);
        const expected = expectedCost(shape, demand);
        if (expected === Number.POSITIVE_INFINITY) expect(cost).toBe(expected);
        else expect(cost).toBeCloseTo(expected, 6);
      }
    }
  });

  test('values nodes with more whole GPUs than the table distinguishes', () => {
    const shape = { ...randomShape(), whole: 16, a: 300, b: 0, d: 0, rest: 0 };
    for (const demand of demands) {
      expect(price.cost(shape, demand, Number.NaN)).toBeCloseTo(expectedCost(shape, demand), 6);
    }
  });
});
