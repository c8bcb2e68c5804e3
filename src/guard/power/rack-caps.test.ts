import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { Random } from '../../kernel/random.ts';
import { Boxcar } from '../../physics/power/boxcar.ts';
import { CappedDevice } from '../../physics/power/capped-device.ts';
import { HeatCeiling } from './heat-ceiling.ts';
import { assertAuthority, RackCaps, type RackReadings } from './rack-caps.ts';
import { SensorInverse } from './sensor-inverse.ts';
import { SENT_CAPS_MAX, SentCaps } from './sent-caps.ts';

const FLOOR = 210;
const FULL = 700;
const TICK = 0.1;

function lawOf(devices: number, limit: number, deadSeconds = 0.2): RackCaps {
  return new RackCaps({
    minima: new Float64Array(devices).fill(FLOOR),
    full: new Float64Array(devices).fill(FULL),
    limit,
    uncontrolled: 0,
    deadSeconds,
    sensorSeconds: 1,
    lagSeconds: 0.5,
    tickSeconds: TICK,
  });
}

describe('the audit at start', () => {
  test('a limit that caps cannot hold is refused with the numbers', () => {
    const minima = Float64Array.of(210, 210, 210);
    expect(() => assertAuthority(minima, 100, 729)).toThrow(
      /limit of 729 W for 3 devices whose floors sum to 630 W beside 100 W without a cap: 1 W more/,
    );
    expect(() => assertAuthority(minima, 100, 730)).not.toThrow();
    expect(() => lawOf(4, 839)).toThrow(expect.objectContaining({ code: 'TEG_POWER_AUTHORITY' }));
  });
});

const readings = (time: number, watts: number[], inForce: number[], ceiling = FULL): RackReadings => ({
  time,
  watts: Float64Array.from(watts),
  inForce: Float64Array.from(inForce),
  ceilings: new Float64Array(watts.length).fill(ceiling),
});

describe('coupled caps', () => {
  test('what a device is held back by is raised only after another one shows its lower cap', () => {
    const law = lawOf(2, 1000);
    const out = new Float64Array(2);
    expect(law.tick(readings(0, [100, 500], [500, 500]), out)).toBe(0);
    // The first has room to give: its cap falls, the other one has to wait.
    expect(out[0]).toBeLessThan(400);
    expect(out[1]).toBeNaN();
    const lowered = out[0] as number;
    expect(law.tick(readings(0.1, [100, 500], [500, 500]), out)).toBe(0);
    expect([...out]).toEqual([Number.NaN, Number.NaN]);
    law.tick(readings(0.2, [100, 500], [lowered, 500]), out);
    // What is left of 500 W after a fifth of the longest lag: the power may still be falling.
    const left = lowered + (500 - lowered) * Math.exp(-0.2);
    expect(out[1]).toBeCloseTo(1000 - left, 6);
    expect(law.committedTo(1)).toBeCloseTo(1000 - left, 6);
  });

  test('a device without readings is committed to its full power, and the others have to do with the rest', () => {
    const law = lawOf(2, 1000);
    const out = new Float64Array(2);
    expect(law.tick(readings(0, [Number.NaN, 300], [Number.NaN, 300]), out)).toBe(0);
    expect(out[1]).toBeNaN();
    expect(law.committedTo(0)).toBe(FULL);
  });

  test('a command without effect is sent once more', () => {
    const law = lawOf(1, 700);
    const out = new Float64Array(1);
    law.tick(readings(0, [100], [700], 400), out);
    expect(out[0]).toBe(400);
    const sent: number[] = [];
    for (let tick = 1; tick <= 13; tick++) {
      law.tick(readings(tick * TICK, [100], [700], 400), out);
      if (!Number.isNaN(out[0] as number)) sent.push(tick);
    }
    expect(sent).toEqual([3, 6, 10, 13]);
  });

  test('the sum stays within the limit between ticks: lags, dead times, lost commands, floors, readings that fail', () => {
    const world = fc.record({
      seed: fc.nat(),
      devices: fc.integer({ min: 1, max: 9 }),
      dead: fc.constantFrom(0, 0.05, 0.2, 1),
      part: fc.double({ min: 0.35, max: 1, noNaN: true }),
      lost: fc.constantFrom(0, 0.3),
      gaps: fc.constantFrom(0, 0.1),
    });
    checkProperty(
      fc.property(world, (options) => {
        const { most, limit, served } = run(options);
        expect(most).toBeLessThanOrEqual(limit + 1e-6);
        expect(served).toBeGreaterThan(0);
      }),
      { numRuns: 60 },
    );
  });

  test('the same world passes the limit under a law that counts caps as in force when they are sent', () => {
    const world = { devices: 8, dead: 4, part: 0.8, lost: 0, gaps: 0 };
    const most = (hasty: boolean): number =>
      Math.max(
        ...Array.from({ length: 12 }, (_, i) => i + 1).map((seed) => run({ ...world, seed, hasty }).most),
      );
    expect(most(true)).toBeGreaterThan(0.8 * 8 * FULL + 20);
    expect(most(false)).toBeLessThanOrEqual(0.8 * 8 * FULL);
  });
});

interface World {
  readonly seed: number;
  readonly devices: number;
  readonly dead: number;
  readonly part: number;
  readonly lost: number;
  readonly gaps: number;
  /** Read-backs show what was sent: the negative control. */
  readonly hasty?: boolean;
}

function run({ seed, devices: n, dead, part, lost, gaps, hasty = false }: World): {
  most: number;
  limit: number;
  served: number;
} {
  const random = new Random(seed);
  const limit = part * n * FULL;
  const law = lawOf(n, limit, dead);
  const start = Math.max(limit / n, FLOOR);
  const devices = Array.from({ length: n }, () => {
    const lag = 0.05 * 10 ** random.nextDouble();
    const device = new CappedDevice({
      floorWatts: 200,
      fullWatts: FULL,
      floorError: 0.05,
      deadSeconds: dead * random.nextDouble(),
      lagSeconds: lag,
      kelvinPerWatt: 0.085,
      coolingSeconds: 15,
      watts: 100,
      celsius: 40,
    });
    device.capInForce = start;
    return device;
  });
  const sensors = devices.map(() => new Boxcar(10, 100));
  const demands = new Float64Array(n);
  const sent = new Float64Array(n).fill(start);
  const out = new Float64Array(n);
  let most = 0;
  let served = 0;
  for (let tick = 0; tick < 300; tick++) {
    const time = tick * TICK;
    for (let i = 0; i < n; i++)
      if (random.nextDouble() < 0.05) demands[i] = random.nextDouble() < 0.5 ? 100 : 700;
    const fails = (): boolean => random.nextDouble() < gaps;
    law.tick(
      readings(
        time,
        sensors.map((sensor) => (fails() ? Number.NaN : sensor.read())),
        devices.map(({ capInForce }, i) => (fails() ? Number.NaN : hasty ? (sent[i] as number) : capInForce)),
      ),
      out,
    );
    devices.forEach((device, i) => {
      const cap = out[i] as number;
      if (Number.isNaN(cap)) return;
      device.setCap(cap, time, random.nextDouble() < lost);
      sent[i] = cap;
    });
    for (let step = 1; step <= 10; step++) {
      let sum = 0;
      devices.forEach((device, i) => {
        device.step(time + step * 0.01, 0.01, demands[i] as number, 25);
        sum += device.watts;
      });
      most = Math.max(most, sum);
      served += sum * 0.01;
    }
    for (const [i, device] of devices.entries()) (sensors[i] as Boxcar).push(device.watts);
  }
  return { most, limit, served };
}

describe('caps under way', () => {
  const sentAt = (...values: number[]): SentCaps => {
    const sent = new SentCaps();
    for (const [i, cap] of values.entries()) sent.send(cap, i);
    return sent;
  };

  test('a read-back ends the oldest command that it may be, and those before it', () => {
    const sent = sentAt(300, 400, 300, 500);
    sent.readBack(300, true, -1);
    expect([sent.highest(), sent.last]).toEqual([500, 500]);
    sent.readBack(400, true, -1);
    sent.readBack(500, true, -1);
    expect([sent.highest(), sent.last]).toEqual([0, Number.NaN]);
  });

  test('a read-back that has not changed ends none: 400 may still come before the 300 that it shows', () => {
    const sent = sentAt(400, 300);
    sent.readBack(300, false, -1);
    expect(sent.highest()).toBe(400);
    sent.readBack(300, false, 0);
    expect([sent.highest(), sent.last]).toEqual([300, 300]);
  });

  test('are bounded: with no room nothing is sent', () => {
    const sent = new SentCaps();
    for (let i = 0; i < SENT_CAPS_MAX; i++) expect(sent.send(i + 1, i)).toBe(true);
    expect(sent.send(999, 999)).toBe(false);
    expect(sent.last).toBe(SENT_CAPS_MAX);
    sent.readBack(1, true, -1);
    expect(sent.send(999, 999)).toBe(true);
  });
});

describe('the inverse of the sensor', () => {
  test('shows a step at once, where the reading takes a second', () => {
    const sensor = new Boxcar(10, 600);
    const inverse = new SensorInverse(10);
    inverse.update(sensor.read());
    sensor.push(4600);
    expect(sensor.read()).toBeCloseTo(1000);
    expect(inverse.update(sensor.read())).toBeCloseTo(4600);
    for (let i = 0; i < 40; i++) {
      sensor.push(4600);
      inverse.update(sensor.read());
    }
    expect(inverse.update(sensor.read())).toBeCloseTo(4600, 0);
  });

  test('starts over after a reading that failed', () => {
    const inverse = new SensorInverse(10);
    inverse.update(100);
    expect(inverse.update(Number.NaN)).toBeNaN();
    expect(inverse.update(500)).toBe(500);
  });
});

describe('the ceiling of heat', () => {
  const options = {
    limit: 87,
    readingError: 1,
    kelvinPerWatt: 0.1,
    coolingSeconds: 15,
    inletRise: 0.05,
    lagSeconds: 0.05,
    tickSeconds: TICK,
    deadSeconds: 5,
    floorWatts: FLOOR,
    fullWatts: FULL,
  };

  test('full power far below the limit, the floor above it and without a reading', () => {
    const law = new HeatCeiling(options);
    expect(law.allow(40, 25, 300)).toBe(FULL);
    expect(law.allow(110, 45, 600)).toBe(FLOOR);
    expect(law.allow(Number.NaN, 45, 600)).toBe(FLOOR);
  });

  test('holds the limit in air that heats up, where cutting at the limit does not', () => {
    const hottest = (allow: (celsius: number, inlet: number, committed: number) => number): number => {
      const device = new CappedDevice({ ...DEVICE, celsius: 40 });
      let peak = 0;
      // Caps of the dead time: each may still come into force.
      const underWay = new Float64Array(52).fill(FULL);
      for (let tick = 0; tick < 6000; tick++) {
        const inlet = Math.min(25 + tick * 0.005, 48);
        const committed = Math.max(...underWay, device.capInForce);
        const cap = allow(Math.floor(device.celsius), inlet, committed);
        device.setCap(cap, tick * TICK);
        underWay[tick % underWay.length] = cap;
        for (let step = 1; step <= 10; step++) device.step(tick * TICK + step * 0.01, 0.01, FULL, inlet);
        peak = Math.max(peak, device.celsius);
      }
      return peak;
    };
    const law = new HeatCeiling(options);
    expect(hottest((celsius, inlet, committed) => law.allow(celsius, inlet, committed))).toBeLessThanOrEqual(
      87,
    );
    expect(hottest((celsius) => (celsius < 87 ? FULL : FLOOR))).toBeGreaterThan(88);
  });
});

const DEVICE = {
  floorWatts: 200,
  fullWatts: FULL,
  floorError: 0.05,
  deadSeconds: 5,
  lagSeconds: 0.05,
  kelvinPerWatt: 0.1,
  coolingSeconds: 15,
  watts: 100,
};
