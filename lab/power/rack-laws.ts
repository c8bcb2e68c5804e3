/**
 * The laws of `teg bench power`: what each reads, and which caps it sets.
 *
 * The rivals are models of their published rules, with the constants that their descriptions give.
 */
import { HeatCeiling } from '../../src/guard/power/heat-ceiling.ts';
import { RackCaps } from '../../src/guard/power/rack-caps.ts';

/** The rack as a law knows it. */
export interface KnownRack {
  readonly nodes: number;
  /** Range of a node's cap, W, the floor with its error. */
  readonly floorWatts: number;
  readonly fullWatts: number;
  /** Limit of the sum, W. */
  readonly limit: number;
  readonly deadSeconds: number;
  /** Between two ticks, s. */
  readonly tickSeconds: number;
  readonly sensorSeconds: number;
  /** Heat: °C, K, upper bounds of K/W and K/s, lower bound of s, s. */
  readonly celsiusMax: number;
  readonly readingError: number;
  readonly kelvinPerWatt: number;
  readonly inletRise: number;
  readonly coolingSeconds: number;
  readonly lagSeconds: number;
}

/** What a law reads at a tick. */
export interface LawReadings {
  readonly time: number;
  readonly watts: Float64Array;
  readonly inForce: Float64Array;
  readonly celsius: Float64Array;
  readonly inlet: number;
}

/** A law. Caps to set go to `out`; NaN: leave it. */
export interface RackLaw {
  /** Caps in force at the start, W. */
  readonly startWatts: number;
  tick(readings: LawReadings, out: Float64Array): void;
}

/** Names of the laws, in the order of the table. */
export const LAW_NAMES = ['none', 'threshold', 'polca', 'static', 'coupled'] as const;
/** A name of them. */
export type LawName = (typeof LAW_NAMES)[number];

/** Creates a law. */
export function createLaw(name: LawName, rack: KnownRack): RackLaw {
  const share = rack.limit / rack.nodes;
  switch (name) {
    case 'none':
      return { startWatts: rack.fullWatts, tick: (_, out) => void out.fill(Number.NaN) };
    case 'static':
      return withHeatThreshold(rack, { startWatts: share, tick: (_, out) => void out.fill(share) });
    case 'threshold':
      return withHeatThreshold(rack, new Threshold(rack));
    case 'polca':
      return withHeatThreshold(rack, new PolcaLike(rack));
    case 'coupled':
      return new Coupled(rack);
  }
}

function sumOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Seconds between two looks of the threshold laws. */
const POLL_SECONDS = 2;
/** Part of the limit below which the caps are taken off again. */
const RELEASE = 0.9;

/** Above the limit, each node gets its share; below 90 % of it, the caps are taken off. */
class Threshold implements RackLaw {
  readonly startWatts: number;
  private readonly rack: KnownRack;
  private nextLook = 0;
  private capped = false;

  constructor(rack: KnownRack) {
    this.rack = rack;
    this.startWatts = rack.fullWatts;
  }

  tick({ time, watts }: LawReadings, out: Float64Array): void {
    const { limit, nodes, fullWatts } = this.rack;
    if (time >= this.nextLook) {
      this.nextLook = time + POLL_SECONDS;
      const drawn = sumOf(watts);
      if (drawn > limit) this.capped = true;
      else if (drawn < RELEASE * limit) this.capped = false;
    }
    out.fill(this.capped ? limit / nodes : fullWatts);
  }
}

/** Two thresholds, at 80 and 89 % of the limit, released 5 points lower; half of the nodes have low priority. */
const POLCA_FIRST = 0.8;
const POLCA_SECOND = 0.89;
const POLCA_RELEASE = 0.05;
/** Parts of full power: low priority after the first, low and high priority after the second. */
const POLCA_CAPS = { lowFirst: 0.8, lowSecond: 0.6, highSecond: 0.8 } as const;

/** @source Patel et al. 2024, POLCA, ASPLOS'24: thresholds and order; its frequency caps are power caps here. */
class PolcaLike implements RackLaw {
  readonly startWatts: number;
  private readonly rack: KnownRack;
  private nextLook = 0;
  private stage = 0;

  constructor(rack: KnownRack) {
    this.rack = rack;
    this.startWatts = rack.fullWatts;
  }

  tick({ time, watts }: LawReadings, out: Float64Array): void {
    const { limit, nodes, fullWatts } = this.rack;
    if (time >= this.nextLook) {
      this.nextLook = time + POLL_SECONDS;
      const part = sumOf(watts) / limit;
      if (part > POLCA_SECOND) this.stage = 2;
      else if (part > POLCA_FIRST) this.stage = Math.max(this.stage, 1);
      if (part < POLCA_SECOND - POLCA_RELEASE) this.stage = Math.min(this.stage, 1);
      if (part < POLCA_FIRST - POLCA_RELEASE) this.stage = 0;
    }
    const low = [1, POLCA_CAPS.lowFirst, POLCA_CAPS.lowSecond][this.stage] as number;
    const high = this.stage === 2 ? POLCA_CAPS.highSecond : 1;
    for (let i = 0; i < nodes; i++) out[i] = fullWatts * (i < nodes / 2 ? high : low);
  }
}

/** K below the limit at which a node's heat cap is taken off again. */
const COOLED = 3;

/** A law with the usual protection: at the temperature limit a node falls to its floor, until it has cooled. */
function withHeatThreshold(rack: KnownRack, law: RackLaw): RackLaw {
  const hot = new Uint8Array(rack.nodes);
  return {
    startWatts: law.startWatts,
    tick(readings, out): void {
      law.tick(readings, out);
      for (let i = 0; i < hot.length; i++) {
        const celsius = readings.celsius[i] as number;
        if (celsius >= rack.celsiusMax) hot[i] = 1;
        else if (celsius < rack.celsiusMax - COOLED) hot[i] = 0;
        if (hot[i] === 1) out[i] = rack.floorWatts;
      }
    },
  };
}

/** Coupled limits: ours. */
class Coupled implements RackLaw {
  readonly startWatts: number;
  private readonly caps: RackCaps;
  private readonly heat: HeatCeiling;
  private readonly ceilings: Float64Array;

  constructor(rack: KnownRack) {
    const { nodes, floorWatts, fullWatts, limit, deadSeconds, sensorSeconds, lagSeconds } = rack;
    this.startWatts = limit / nodes;
    this.caps = new RackCaps({
      minima: new Float64Array(nodes).fill(floorWatts),
      full: new Float64Array(nodes).fill(fullWatts),
      limit,
      uncontrolled: 0,
      deadSeconds,
      sensorSeconds,
      lagSeconds,
      tickSeconds: rack.tickSeconds,
    });
    this.heat = new HeatCeiling({
      limit: rack.celsiusMax,
      readingError: rack.readingError,
      kelvinPerWatt: rack.kelvinPerWatt,
      inletRise: rack.inletRise,
      coolingSeconds: rack.coolingSeconds,
      lagSeconds,
      tickSeconds: rack.tickSeconds,
      deadSeconds,
      floorWatts,
      fullWatts,
    });
    this.ceilings = new Float64Array(nodes).fill(fullWatts);
  }

  tick(readings: LawReadings, out: Float64Array): void {
    for (let i = 0; i < this.ceilings.length; i++) {
      const committed = Math.max(this.caps.committedTo(i), readings.inForce[i] as number);
      this.ceilings[i] = this.heat.allow(readings.celsius[i] as number, readings.inlet, committed);
    }
    this.caps.tick({ ...readings, ceilings: this.ceilings }, out);
  }
}
