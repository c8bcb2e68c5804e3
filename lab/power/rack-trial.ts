/**
 * A rack of eight nodes of eight GPUs behind one breaker, under one law: how far it passes its limits, and what it serves.
 */
import { Random } from '../../src/kernel/random.ts';
import { Boxcar } from '../../src/physics/power/boxcar.ts';
import { CappedDevice } from '../../src/physics/power/capped-device.ts';
import { type PowerTrace, TRACE_STEP } from './power-trace.ts';
import { createLaw, type KnownRack, type LawName, type RackLaw } from './rack-laws.ts';

/** How the nodes' demands lie to each other; hot air: in phase, and cooling fails. */
export const PHASE_NAMES = ['in phase', 'random', 'hot air'] as const;
/** One of them. */
export type PhaseName = (typeof PHASE_NAMES)[number];

/** A row of `teg bench power`. */
export interface PowerRow {
  readonly law: LawName;
  readonly phase: PhaseName;
  readonly actuatorSeconds: number;
  /** Highest power above the limit; negative: how far below. */
  readonly overWattsMax: number;
  readonly secondsOver: number;
  /** Part of the energy that the demand asks for. */
  readonly energyServed: number;
  /** Highest temperature above its limit, K; negative: how far below. */
  readonly overKelvinMax: number;
}

/** A trial. */
export interface RackTrial {
  readonly law: LawName;
  readonly phase: PhaseName;
  readonly actuatorSeconds: number;
  readonly trace: PowerTrace;
  readonly seed: number;
  /** Part of the nodes' peaks that the breaker bears. */
  readonly limitPart: number;
}

/** Nodes of the rack. */
export const RACK_NODES = 8;
const GPUS = 8;
/** W: lowest cap of a GPU, and its error. */
const GPU_FLOOR = 200;
const FLOOR_ERROR = 0.05;
const TICK = 0.1;
const SUBSTEPS = 5;
const SENSOR_SECONDS = 1;
const LAG = 0.05;
const CELSIUS_MAX = 87;
/** K/W of a GPU with clean and with dusty fins, and R C, s: assumed. */
const CLEAN = 0.085;
const DUSTY = 0.1;
const COOLING_SECONDS = 15;
/** °C of the air; where cooling fails, it rises at that rate from the first second on. */
const AIR = 25;
const HOT_AIR = 45;
const AIR_RISE = 0.1;

/** The rack that a law knows, for a trace's peak. */
export function knownRack(
  trace: PowerTrace,
  limitPart: number,
  actuatorSeconds: number,
  nodes = RACK_NODES,
): KnownRack {
  const peak = trace.reduce((most, watts) => Math.max(most, watts), 0);
  return {
    nodes,
    floorWatts: GPU_FLOOR * GPUS * (1 + FLOOR_ERROR),
    fullWatts: peak,
    limit: limitPart * nodes * peak,
    deadSeconds: actuatorSeconds,
    tickSeconds: TICK,
    sensorSeconds: SENSOR_SECONDS,
    celsiusMax: CELSIUS_MAX,
    readingError: 1,
    kelvinPerWatt: DUSTY / GPUS,
    inletRise: AIR_RISE,
    coolingSeconds: COOLING_SECONDS,
    lagSeconds: LAG,
  };
}

/** Runs a trial. @throws TegError TEG_POWER_AUTHORITY if the law refuses the limit. */
export function runTrial(trial: RackTrial): PowerRow {
  const rack = knownRack(trial.trace, trial.limitPart, trial.actuatorSeconds);
  const law = createLaw(trial.law, rack);
  const world = new RackWorld(trial, rack, law);
  const ticks = Math.floor((trial.trace.length * TRACE_STEP) / TICK);
  for (let tick = 0; tick < ticks; tick++) world.tick(tick, law);
  return world.row();
}

class RackWorld {
  private readonly trial: RackTrial;
  private readonly rack: KnownRack;
  private readonly devices: CappedDevice[];
  private readonly sensors: Boxcar[];
  /** Steps by which each node's demand is rotated. */
  private readonly offsets: number[];
  private readonly watts: Float64Array;
  private readonly inForce: Float64Array;
  private readonly celsius: Float64Array;
  private readonly commands: Float64Array;
  private readonly last: Float64Array;
  private peak = Number.NEGATIVE_INFINITY;
  private hottest = Number.NEGATIVE_INFINITY;
  private secondsOver = 0;
  private served = 0;
  private wanted = 0;

  constructor(trial: RackTrial, rack: KnownRack, { startWatts }: RackLaw) {
    this.trial = trial;
    this.rack = rack;
    const random = new Random(trial.seed, 15);
    const hot = trial.phase === 'hot air';
    this.offsets =
      trial.phase === 'random'
        ? independentOffsets(trial.trace, rack, random)
        : Array.from({ length: rack.nodes }, () => 0);
    this.devices = this.offsets.map((offset) => {
      const watts = Math.min(trial.trace[offset] as number, startWatts);
      const kelvinPerWatt = (hot ? DUSTY : CLEAN) / GPUS;
      const device = new CappedDevice({
        floorWatts: GPU_FLOOR * GPUS,
        fullWatts: rack.fullWatts,
        floorError: FLOOR_ERROR,
        deadSeconds: trial.actuatorSeconds,
        lagSeconds: LAG,
        kelvinPerWatt,
        coolingSeconds: COOLING_SECONDS,
        watts,
        celsius: AIR + kelvinPerWatt * watts,
      });
      device.capInForce = startWatts;
      return device;
    });
    this.sensors = this.devices.map(
      ({ watts }) => new Boxcar(Math.round((SENSOR_SECONDS / TICK) * SUBSTEPS), watts),
    );
    const column = (): Float64Array => new Float64Array(rack.nodes);
    this.watts = column();
    this.inForce = column();
    this.celsius = column();
    this.commands = column();
    this.last = column().fill(startWatts);
  }

  tick(tick: number, law: RackLaw): void {
    const { devices, sensors, commands, last } = this;
    const time = tick * TICK;
    const inlet = this.inletAt(time);
    devices.forEach((device, i) => {
      this.watts[i] = (sensors[i] as Boxcar).read();
      this.inForce[i] = device.capInForce;
      this.celsius[i] = Math.floor(device.celsius);
    });
    law.tick({ time, watts: this.watts, inForce: this.inForce, celsius: this.celsius, inlet }, commands);
    devices.forEach((device, i) => {
      const command = commands[i] as number;
      if (Number.isNaN(command) || command === last[i]) return;
      device.setCap(command, time);
      last[i] = command;
    });
    for (let step = 1; step <= SUBSTEPS; step++) this.substep(tick, time + (step * TICK) / SUBSTEPS, inlet);
  }

  private substep(tick: number, time: number, inlet: number): void {
    const { trace } = this.trial;
    const seconds = TICK / SUBSTEPS;
    let sum = 0;
    this.devices.forEach((device, i) => {
      const demand = trace[(tick + (this.offsets[i] as number)) % trace.length] as number;
      const before = device.watts;
      device.step(time, seconds, demand, inlet);
      (this.sensors[i] as Boxcar).push((before + device.watts) / 2);
      sum += device.watts;
      this.wanted += demand * seconds;
      this.served += device.watts * seconds;
      this.hottest = Math.max(this.hottest, device.celsius);
    });
    this.peak = Math.max(this.peak, sum);
    if (sum > this.rack.limit + 1e-6) this.secondsOver += seconds;
  }

  private inletAt(time: number): number {
    return this.trial.phase === 'hot air' ? Math.min(AIR + AIR_RISE * time, HOT_AIR) : AIR;
  }

  row(): PowerRow {
    const { law, phase, actuatorSeconds } = this.trial;
    return {
      law,
      phase,
      actuatorSeconds,
      overWattsMax: Math.round((this.peak - this.rack.limit) * 1000) / 1000,
      secondsOver: this.secondsOver,
      energyServed: Math.min(this.served / this.wanted, 1),
      overKelvinMax: this.hottest - CELSIUS_MAX,
    };
  }
}

/** Most draws of rotations. */
const DRAWS_MAX = 1000;

/**
 * Draws rotations under which the sum without a law stays below the limit, as that of independent jobs mostly does (and as in
 * the published trial, 251 W below): a part of the energy lost for good would hide what a law loses. The last draw, if none is.
 */
function independentOffsets(trace: PowerTrace, { nodes, limit }: KnownRack, random: Random): number[] {
  let offsets: number[] = [];
  for (let draw = 0; draw < DRAWS_MAX; draw++) {
    offsets = Array.from({ length: nodes }, () => random.nextInt(trace.length));
    if (highestSum(trace, offsets) <= limit) break;
  }
  return offsets;
}

function highestSum(trace: PowerTrace, offsets: readonly number[]): number {
  let most = 0;
  for (let i = 0; i < trace.length; i++) {
    let sum = 0;
    for (const offset of offsets) sum += trace[(i + offset) % trace.length] as number;
    most = Math.max(most, sum);
  }
  return most;
}
