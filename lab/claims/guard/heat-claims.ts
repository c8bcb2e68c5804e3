/**
 * G-10: the heat filter holds temperatures on five plants, with measured heat flow also where the model of cooling is wrong.
 *
 * @source The table of docs/guard-laws.md. The plants' constants are assumed, not measured.
 */
import { HeatFilter } from '../../../src/guard/barrier/heat-filter.ts';
import { atMost, type Check, type Claim, type Measurement } from '../claim.ts';
import { figures } from './growth-laws.ts';

/** A device: C Ṫ = P − (T − Ta)/R, Ṗ = (u − P)/τ. */
interface HeatPlant {
  readonly name: string;
  /** R, K/W. */
  readonly resistance: number;
  /** R C, s. */
  readonly coolingSeconds: number;
  /** τ, s. */
  readonly lagSeconds: number;
  readonly powerMin: number;
  readonly powerMax: number;
}

const AIR = 35;
const LIMIT = 87;
const TICK = 1;
const SUBSTEPS = 50;
const SECONDS = 900;
/** K: the rounding of a run. */
const ROUNDING = 1e-6;

const PLANTS: readonly HeatPlant[] = [
  {
    name: 'GPU in air, cap in 0.1 s',
    resistance: 0.085,
    coolingSeconds: 43,
    lagSeconds: 0.1,
    powerMin: 200,
    powerMax: 700,
  },
  {
    name: 'GPU in air, in-band cap in 1 s',
    resistance: 0.085,
    coolingSeconds: 43,
    lagSeconds: 1,
    powerMin: 200,
    powerMax: 700,
  },
  {
    name: 'cold plate, out-of-band cap in 5 s',
    resistance: 0.085,
    coolingSeconds: 13,
    lagSeconds: 5,
    powerMin: 200,
    powerMax: 700,
  },
  {
    name: 'CPU of 350 W',
    resistance: 0.16,
    coolingSeconds: 36,
    lagSeconds: 0.1,
    powerMin: 60,
    powerMax: 350,
  },
  {
    name: 'mass of a server',
    resistance: 0.0095,
    coolingSeconds: 120,
    lagSeconds: 2,
    powerMin: 1500,
    powerMax: 6500,
  },
];

/** The cap to set from temperature, its slope, and power, as they were read. */
type HeatLaw = (celsius: number, slope: number, power: number) => number;

/** Highest temperature less the limit, K, over all points between ticks; the larger of two integrators. @param staleTicks Age of each reading. */
function excess(plant: HeatPlant, law: HeatLaw, staleTicks = 0): number {
  return Math.max(...[midpoint, heatRungeKutta].map((step) => peakUnder(plant, law, staleTicks, step)));
}

/** Moves temperature and power on by `seconds` under a held cap. */
type HeatStep = (state: Float64Array, cap: number, plant: HeatPlant, seconds: number) => void;

/** Ṫ. */
function slopeOf(plant: HeatPlant, celsius: number, power: number): number {
  return ((power - (celsius - AIR) / plant.resistance) * plant.resistance) / plant.coolingSeconds;
}

/** The power is exact; the temperature by the midpoint, an error below a microkelvin at this step. */
const midpoint: HeatStep = (state, cap, plant, seconds) => {
  const [celsius = 0, power = 0] = state;
  const middle = cap + (power - cap) * Math.exp(-seconds / 2 / plant.lagSeconds);
  const half = celsius + (seconds / 2) * slopeOf(plant, celsius, power);
  state[0] = celsius + seconds * slopeOf(plant, half, middle);
  state[1] = cap + (power - cap) * Math.exp(-seconds / plant.lagSeconds);
};

/** Classical Runge–Kutta for both. */
const heatRungeKutta: HeatStep = (state, cap, plant, seconds) => {
  const [t = 0, p = 0] = state;
  const rate = (x: number, y: number) => [slopeOf(plant, x, y), (cap - y) / plant.lagSeconds] as const;
  const a = rate(t, p);
  const b = rate(t + (seconds / 2) * a[0], p + (seconds / 2) * a[1]);
  const c = rate(t + (seconds / 2) * b[0], p + (seconds / 2) * b[1]);
  const d = rate(t + seconds * c[0], p + seconds * c[1]);
  state[0] = t + (seconds / 6) * (a[0] + 2 * b[0] + 2 * c[0] + d[0]);
  state[1] = p + (seconds / 6) * (a[1] + 2 * b[1] + 2 * c[1] + d[1]);
};

function peakUnder(plant: HeatPlant, law: HeatLaw, staleTicks: number, move: HeatStep): number {
  const state = Float64Array.of(AIR + plant.resistance * plant.powerMin, plant.powerMin);
  const read = (): [number, number, number] => {
    const [celsius = 0, power = 0] = state;
    return [celsius, slopeOf(plant, celsius, power), power];
  };
  let peak = Number.NEGATIVE_INFINITY;
  const readings = [read()];
  for (let tick = 0; tick < SECONDS / TICK; tick++) {
    const cap = law(...(readings[Math.max(0, tick - staleTicks)] as [number, number, number]));
    for (let i = 0; i < SUBSTEPS; i++) {
      move(state, Math.min(Math.max(cap, plant.powerMin), plant.powerMax), plant, TICK / SUBSTEPS);
      peak = Math.max(peak, state[0] as number);
    }
    readings.push(read());
  }
  return peak - LIMIT;
}

/** Errors of the model that a law believes in. */
interface Belief {
  readonly capacity?: number;
  readonly resistance?: number;
  readonly air?: number;
  readonly gain?: number;
  readonly margin?: number;
  /** Heat flow from the model of cooling, not from P − C Ṫ. */
  readonly fromModel?: boolean;
}

function heatLaw(plant: HeatPlant, belief: Belief = {}): HeatLaw {
  const capacity = (belief.capacity ?? 1) * (plant.coolingSeconds / plant.resistance);
  const resistance = (belief.resistance ?? 1) * plant.resistance;
  const filter = new HeatFilter({
    capacity,
    lagSeconds: plant.lagSeconds,
    coolingSeconds: capacity * resistance,
    gain: belief.gain ?? 1 / TICK,
    margin: belief.margin ?? 0,
    powerMin: plant.powerMin,
    powerMax: plant.powerMax,
  });
  return (celsius, slope, power) => {
    const flow = belief.fromModel
      ? (celsius - AIR - (belief.air ?? 0)) / resistance
      : power - capacity * slope;
    return filter.allow(celsius, slope, flow, LIMIT);
  };
}

/** The barrier that ignores the lag of the cap: Ṫ ≤ k (Tmax − T) with the power itself as input. */
function withoutLag(plant: HeatPlant): HeatLaw {
  const capacity = plant.coolingSeconds / plant.resistance;
  return (celsius) => (celsius - AIR) / plant.resistance + (capacity * (LIMIT - celsius)) / TICK;
}

const cutAtLimit =
  (plant: HeatPlant): HeatLaw =>
  (celsius) =>
    celsius < LIMIT ? plant.powerMax : plant.powerMin;

function held(what: string, values: readonly number[]): Check {
  return atMost(`highest temperature less the limit in K, ${what}`, Math.max(...values), ROUNDING);
}

/** G-10. */
export const HEAT_HELD: Claim = {
  test: 'G-10',
  title: 'Temperature never passes its limit',
  claim:
    'With k1 = 1/τ + 1/(RC) and k2 at most one over tick and age of readings, the capped power never lifts the temperature past its limit, between ticks too; with measured heat flow P − C Ṫ also where R, Ta and C are wrong.',
  conditions:
    'One thermal mass, tick 1 s, noise-free slope; five plants with assumed constants. Old readings: 1 s, k2 = 0.25/s, margin 1.5 K; C 20 % low, R 10 % high, Ta 5 K off.',
  notClaimed:
    'That the constants are those of any device; that a noisy slope needs no filter (its lag counts in the age).',
  quick: true,
  measure(): Measurement {
    const all = (law: (plant: HeatPlant) => HeatLaw, staleTicks = 0): number[] =>
      PLANTS.map((plant) => excess(plant, law(plant), staleTicks));
    const wrong: Belief = { capacity: 0.8, resistance: 1.1, air: 5, gain: 0.25, margin: 1.5 };
    const careful = all((plant) => heatLaw(plant, { gain: 0.25, margin: 1.5 }), 1);
    const measured = all((plant) => heatLaw(plant, wrong), 1);
    const modelled = all(
      (plant) => heatLaw(plant, { ...wrong, fromModel: true, resistance: 0.9, air: -5 }),
      1,
    );
    const cold = all((plant) => heatLaw(plant, { ...wrong, resistance: 0.9, air: -5 }), 1);
    const threshold = all(cutAtLimit);
    const degreeOne = all(withoutLag);
    return {
      checks: [
        held(
          'fresh readings',
          all((plant) => heatLaw(plant)),
        ),
        held('readings 1 s old, k2 = 0.25/s, margin 1.5 K', careful),
        held('the same, C 20 % low, R 10 % high, Ta 5 K off, measured heat flow', measured),
        held('the same, C 20 % low, R 10 % low, Ta 5 K off the other way, measured heat flow', cold),
      ],
      controls: [
        atMost(
          'least excess of the plants: full power below the limit, least power above',
          Math.min(...threshold),
          ROUNDING,
        ),
        atMost(
          'least excess of the plants: a barrier that ignores the lag of the cap',
          Math.min(...degreeOne),
          ROUNDING,
        ),
        held('heat flow from a model with R 10 % low and Ta 5 K off', modelled),
      ],
      notes: [
        `Excess in K, plant by plant (${PLANTS.map((plant) => plant.name).join('; ')}): careful ${figures(careful, 2)}; wrong model, measured flow ${figures(measured, 2)}; wrong model, modelled flow ${figures(modelled, 2)}; threshold ${figures(threshold, 2)}; degree 1 ${figures(degreeOne, 2)}.`,
      ],
    };
  },
};
