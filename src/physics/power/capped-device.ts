/**
 * A device with a power cap, as a plant: demand in, power and heat out.
 *
 * - A cap takes effect a dead time after it was set; a raise may be lost, as some tools report success without effect.
 * - Power follows min(demand, cap in force) with a lag. At the floor the cap is not exact: the device may draw more.
 * - One thermal mass: C Ṫ = P − (T − inlet)/R.
 *
 * Constants of a real device must be measured; those of the heat are assumed everywhere in TEG.
 */
import { assert } from '../../kernel/assert.ts';

/** A device. */
export interface CappedDeviceOptions {
  /** Range of the cap, W: values outside are cut to it. */
  readonly floorWatts: number;
  readonly fullWatts: number;
  /** Relative error of the cap at the floor, ≥ 0: no cap holds the device below floor · (1 + error). */
  readonly floorError: number;
  /** From a command to its effect, s; ≥ 0. */
  readonly deadSeconds: number;
  /** Lag of power behind demand and cap, s; > 0. */
  readonly lagSeconds: number;
  /** R, K/W; > 0. */
  readonly kelvinPerWatt: number;
  /** R C, s; > 0. */
  readonly coolingSeconds: number;
  /** At the start, W and °C. */
  readonly watts: number;
  readonly celsius: number;
}

/** Most commands under way; further ones replace the last. */
export const COMMANDS_UNDER_WAY_MAX = 1024;

/** The device. Single writer. */
export class CappedDevice {
  /** Power at present, W. */
  watts: number;
  celsius: number;
  /** The cap in force, W: what a read-back shows. */
  capInForce: number;
  private readonly options: CappedDeviceOptions;
  /** Commands under way, oldest first. */
  private readonly pending: { readonly at: number; watts: number }[] = [];

  constructor(options: CappedDeviceOptions) {
    const { floorWatts, fullWatts, floorError, deadSeconds, lagSeconds } = options;
    assert(floorWatts >= 0 && floorWatts <= fullWatts, 'a range of caps out of bounds');
    assert(floorError >= 0 && deadSeconds >= 0 && lagSeconds > 0, 'an error or a delay out of bounds');
    assert(options.kelvinPerWatt > 0 && options.coolingSeconds > 0, 'a constant of heat is not positive');
    this.options = options;
    this.watts = options.watts;
    this.celsius = options.celsius;
    this.capInForce = fullWatts;
  }

  /** Sets the cap at a time. @param lost True: the command is accepted and has no effect. */
  setCap(watts: number, time: number, lost = false): void {
    if (lost) return;
    const { floorWatts, fullWatts, deadSeconds } = this.options;
    const cut = Math.min(Math.max(watts, floorWatts), fullWatts);
    const last = this.pending[this.pending.length - 1];
    if (this.pending.length < COMMANDS_UNDER_WAY_MAX)
      this.pending.push({ at: time + deadSeconds, watts: cut });
    else if (last !== undefined) last.watts = cut;
  }

  /**
   * Moves the device on.
   *
   * @param time    At the end of the step.
   * @param seconds Length of the step, well below the lag.
   * @param demand  W that the device would draw without a cap.
   * @param inlet   Temperature of the air, °C.
   */
  step(time: number, seconds: number, demand: number, inlet: number): void {
    while (this.pending.length > 0 && (this.pending[0] as { at: number }).at <= time + 1e-9) {
      this.capInForce = (this.pending.shift() as { watts: number }).watts;
    }
    const { floorWatts, floorError, lagSeconds, kelvinPerWatt, coolingSeconds } = this.options;
    const bound = Math.max(this.capInForce, floorWatts * (1 + floorError));
    const goal = Math.min(demand, bound);
    const before = this.watts;
    // Exact for a constant goal.
    this.watts = goal + (before - goal) * Math.exp(-seconds / lagSeconds);
    const settled = inlet + kelvinPerWatt * ((before + this.watts) / 2);
    this.celsius = settled + (this.celsius - settled) * Math.exp(-seconds / coolingSeconds);
  }
}
