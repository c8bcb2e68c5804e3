/**
 * G-10: the heat filter holds temperatures on five plants, with measured heat flow also where the model of cooling is wrong.
 *
 * @source The table of docs/guard-laws.md. The plants' constants are assumed, not measured.
 */
import { HeatFilter } from '../../../src/guard/barrier/heat-filter.ts';
import { atMost, type Check, type Claim, type Measurement } from '../claim.ts';

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

/** Highest temperature less the limit, K, over all points between ticks. @param staleTicks Age of each reading. */
function excess(plant: HeatPlant, law: HeatLaw, staleTicks = 0): number {
  const capacity = plant.coolingSeconds / plant.resistance;
  const step = TICK / SUBSTEPS;
  let celsius = AIR + plant.resistance * plant.powerMin;
  let power = plant.powerMin;
  let peak = Number.NEGATIVE_INFINITY;
  const slopeOf = (t: number, p: number): number => (p - (t - AIR) / plant.resistance) / capacity;
  const readings = [[celsius, slopeOf(celsius, power), power]];
  for (let tick = 0; tick < SECONDS / TICK; tick++) {
    const [t, s, p] = readings[Math.max(0, tick - staleTicks)] as [number, number, number];
    const cap = Math.min(Math.max(law(t, s, p), plant.powerMin), plant.powerMax);
    for (let i = 0; i < SUBSTEPS; i++) {
      // The power is exact; the temperature by the midpoint, an error below a microkelvin at this step.
      const middle = cap + (power - cap) * Math.exp(-step / 2 / plant.lagSeconds);
      const half = celsius + (step / 2) * slopeOf(celsius, power);
      celsius += step * slopeOf(half, middle);
      power = cap + (power - cap) * Math.exp(-step / plant.lagSeconds);
      peak = Math.max(peak, celsius);
    }
    readings.push([celsius, slopeOf(celsius, power), power]);
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
        `Excess in K, plant by plant (${PLANTS.map((plant) => plant.name).join('; ')}): careful ${list(careful)}; wrong model, measured flow ${list(measured)}; wrong model, modelled flow ${list(modelled)}; threshold ${list(threshold)}; degree 1 ${list(degreeOne)}.`,
      ],
    };
  },
};

function list(values: readonly number[]): string {
  return values.map((x) => x.toFixed(2)).join('/');
}
