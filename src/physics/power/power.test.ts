import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { BOXCAR_SAMPLES_MAX, Boxcar } from './boxcar.ts';
import { CappedDevice, COMMANDS_UNDER_WAY_MAX } from './capped-device.ts';
import { frontierWatts, partsWatts } from './power-curve.ts';
import {
  A40_THROTTLING,
  energyUnderCap,
  type ThrottlingCurve,
  throughputUnderCap,
  V100_THROTTLING,
} from './throttling.ts';

const near = (value: number, wanted: number): number => Math.abs(value / wanted - 1);

describe('Frontier, within 0.5 % of RAPS', () => {
  test.each([
    ['idle', 0, 652.3, 95.5e3, 7.28e6],
    ['full load', 1, 2772.7, 378.3e3, 28.2e6],
  ])('%s', (_name, load, node, rack, system) => {
    const watts = frontierWatts(load, load);
    expect(near(watts.node, node)).toBeLessThan(0.005);
    expect(near(watts.rack, rack)).toBeLessThan(0.005);
    expect(near(watts.system, system)).toBeLessThan(0.005);
  });

  test('loads are cut to 0 and 1', () => {
    const parts = [{ count: 2, idleWatts: 10, fullWatts: 30 }];
    expect([-1, 0, 0.5, 1, 7].map((load) => partsWatts(parts, [load]))).toEqual([20, 20, 40, 60, 60]);
  });
});

describe('boxcar', () => {
  test('a step is a ramp of one window', () => {
    const sensor = new Boxcar(10, 100);
    const seen = Array.from({ length: 12 }, () => {
      sensor.push(200);
      return sensor.read();
    });
    expect(seen[0]).toBeCloseTo(110);
    expect(seen[4]).toBeCloseTo(150);
    expect(seen[9]).toBeCloseTo(200);
    expect(seen[11]).toBeCloseTo(200);
  });

  test('rounding errors do not pile up', () => {
    const sensor = new Boxcar(7, 0);
    for (let i = 0; i < 100_000; i++) sensor.push(i % 2 === 0 ? 1e12 : 0.1);
    for (let i = 0; i < 14; i++) sensor.push(0.1);
    expect(sensor.read()).toBeCloseTo(0.1, 9);
  });

  test('windows are bounded', () => {
    expect(() => new Boxcar(0, 1)).toThrow('no samples');
    expect(() => new Boxcar(BOXCAR_SAMPLES_MAX + 1, 1)).toThrow('too many');
    expect(new Boxcar(BOXCAR_SAMPLES_MAX, 3).read()).toBe(3);
  });
});

const H100 = {
  floorWatts: 200,
  fullWatts: 700,
  floorError: 0.1,
  deadSeconds: 0.5,
  lagSeconds: 0.1,
  kelvinPerWatt: 0.085,
  coolingSeconds: 43,
  watts: 700,
  celsius: 35 + 0.085 * 700,
};

/** Runs a device at full demand. @returns Its power at the end of each step of 10 ms. */
function run(device: CappedDevice, from: number, seconds: number, demand = 700): number[] {
  const out: number[] = [];
  for (let i = 1; i <= Math.round(seconds / 0.01); i++) {
    device.step(from + i * 0.01, 0.01, demand, 35);
    out.push(device.watts);
  }
  return out;
}

describe('a device with a cap', () => {
  test('a cap has no effect before its dead time, then power follows with the lag', () => {
    const device = new CappedDevice(H100);
    device.setCap(400, 0);
    const power = run(device, 0, 1.5);
    expect(power[48]).toBe(700);
    expect(device.capInForce).toBe(400);
    // One lag after the dead time, all but 1/e of the step is done.
    expect(power[58]).toBeCloseTo(400 + 300 * Math.exp(-1), 6);
    expect(power[149]).toBeLessThan(400.1);
  });

  test('the cap is cut to its range, is not exact at the floor, and lost commands leave no trace', () => {
    const device = new CappedDevice(H100);
    device.setCap(50, 0);
    expect(run(device, 0, 3).at(-1)).toBeCloseTo(220, 3);
    expect(device.capInForce).toBe(200);
    device.setCap(9000, 3);
    run(device, 3, 1);
    expect(device.capInForce).toBe(700);
    device.setCap(300, 4, true);
    expect(run(device, 4, 2).at(-1)).toBeCloseTo(700, 3);
    expect(device.capInForce).toBe(700);
  });

  test('temperature settles at inlet + R P, with the time constant R C', () => {
    const device = new CappedDevice({ ...H100, watts: 0, celsius: 35 });
    run(device, 0, 43);
    expect(device.celsius).toBeCloseTo(35 + 59.5 * (1 - Math.exp(-1)), 0);
    run(device, 43, 600);
    expect(device.celsius).toBeCloseTo(94.5, 3);
  });

  test('commands under way are bounded: the last one counts', () => {
    const device = new CappedDevice(H100);
    for (let i = 0; i < COMMANDS_UNDER_WAY_MAX + 10; i++) device.setCap(300 + (i % 7), 0);
    device.setCap(555, 0);
    run(device, 0, 0.6);
    expect(device.capInForce).toBe(555);
  });
});

describe('throttling', () => {
  test('measured limits are met, between them it is linear, and low caps cost energy', () => {
    expect(throughputUnderCap(V100_THROTTLING, 125)).toBe(0.853);
    expect(throughputUnderCap(V100_THROTTLING, 112.5)).toBeCloseTo((0.725 + 0.853) / 2, 9);
    expect(throughputUnderCap(V100_THROTTLING, 400)).toBe(1);
    expect(throughputUnderCap(V100_THROTTLING, 50)).toBeCloseTo(0.725 / 2, 9);
    expect(throughputUnderCap(V100_THROTTLING, Number.NaN)).toBe(0);
    expect(energyUnderCap(A40_THROTTLING, 100)).toBeGreaterThan(1.3);
    expect(energyUnderCap(A40_THROTTLING, 175)).toBeLessThan(0.85);
    expect(() => energyUnderCap(A40_THROTTLING, 99)).toThrow('below');
  });

  const shared = process.env.TEG_SHARED ?? join(import.meta.dirname, '../../../../shared');
  const folder = join(shared, 'traces/zeus-2023');
  test.skipIf(!existsSync(folder)).each([
    ['v100', V100_THROTTLING],
    ['a40', A40_THROTTLING],
  ])('the medians of the trace of %s (skipped where the trace is absent)', (name, curve) => {
    const rows = readRows(`${folder}/summary_power_${name}.csv.gz`);
    curve.limits.slice(0, -1).forEach((limit, i) => {
      const { throughput, energy } = mediansAt(rows, curve, limit);
      expect(throughput).toBeCloseTo(curve.throughput[i] as number, 2);
      expect(energy).toBeCloseTo(curve.energy[i] as number, 2);
    });
  });
});

interface ZeusRow {
  readonly key: string;
  readonly limit: number;
  readonly seconds: number;
  readonly watts: number;
}

function readRows(path: string): ZeusRow[] {
  const lines = gunzipSync(readFileSync(path)).toString().trim().split('\n').slice(1);
  return lines.map((line) => {
    const fields = line.split(',');
    const [limit = 0, seconds = 0, watts = 0] = fields.slice(4).map(Number);
    return { key: fields.slice(0, 4).join(), limit, seconds, watts };
  });
}

function mediansAt(
  rows: readonly ZeusRow[],
  { fullWatts }: ThrottlingCurve,
  limit: number,
): { throughput: number; energy: number } {
  const full = new Map(rows.filter((row) => row.limit === fullWatts).map((row) => [row.key, row]));
  const pairs = rows
    .filter((row) => row.limit === limit && full.has(row.key))
    .map((row) => [row, full.get(row.key) as ZeusRow] as const);
  const median = (values: number[]): number => {
    values.sort((a, b) => a - b);
    const middle = values.length >> 1;
    return values.length % 2 === 1
      ? (values[middle] as number)
      : ((values[middle] as number) + (values[middle - 1] as number)) / 2;
  };
  return {
    throughput: median(pairs.map(([row, whole]) => whole.seconds / row.seconds)),
    energy: median(pairs.map(([row, whole]) => (row.seconds * row.watts) / (whole.seconds * whole.watts))),
  };
}
