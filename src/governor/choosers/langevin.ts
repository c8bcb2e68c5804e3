/**
 * Langevin choice: a walker with inertia on the locality axis of the board, one for each stream of similar jobs, that
 * slides towards good zones near by and is kicked by noise.
 *
 * The field is the smoothed free energy of the entries,
 *
 *     A(q) = −T ln Σ_z Z_z e^{−(q − x_z)²/2w²}
 *
 * with their weights Z_z (`ensemble.ts`) and positions x_z. A choice is a few BAOAB steps and then an entry z drawn in
 * proportion to Z_z e^{−(q − x_z)²/2w²}: q and z together have the law Z_z N(q; x_z, w²), so that entries are chosen in
 * proportion to Z_z in the long run, for any w. Smoothing costs mixing time, not accuracy. With a small probability the
 * walker is proposed a jump to any entry, by Metropolis' rule, which keeps that law and crosses every gap.
 *
 * Inputs: the motion reads only entries within 4 w of the walker, a jump reads one more; the temperature comes from the
 * whole board. Purpose: moves are short, so image caches stay warm. On a board that changes faster than the walker
 * moves it lags behind.
 *
 * Units: e^{−A/T} is all that matters, so the walker moves in A/T at temperature 1 and its momentum stays right when T
 * changes. The kernel's curvature bounds the step: h < 2w. The force is the posterior mean of x_z − q over w²; a test
 * holds it to the derivative that dual numbers give.
 *
 * @source theory §2A (BAOAB), §2B (free energy, claim O3: teleport).
 */
import { assert } from '../../kernel/assert.ts';
import type { Random } from '../../kernel/random.ts';
import type { ChoiceStream, Chooser, ZoneOffers } from './chooser.ts';
import { assertChoice } from './chooser.ts';
import { drawWeighted, Ensemble } from './ensemble.ts';
import { controlTemperature, TEMPERATURE_DEFAULTS, type TemperatureOptions } from './temperature.ts';

/** Settings of the walk. */
export interface WalkOptions {
  /** w: smoothing of the field, in zones, > 0. Larger: less local, mixes faster. */
  readonly width: number;
  /** BAOAB steps a choice, ≥ 0. */
  readonly steps: number;
  /** h in units of w, < 2. */
  readonly step: number;
  /** γ in units of 1/w. */
  readonly friction: number;
  /** Probability that a choice tries a jump instead of a walk. In [0, 1]. */
  readonly teleport: number;
}

/** The defaults. */
export const WALK_DEFAULTS: WalkOptions = { width: 2, steps: 3, step: 0.8, friction: 1, teleport: 0.05 };

/** Entries further away than this, in units of w, weigh below e^{−8} and are not read. */
const REACH = 4;

class LangevinChooser implements Chooser {
  readonly name = 'langevin';
  private readonly ensemble = new Ensemble();
  private readonly kernel = new Kernel();
  private readonly control: TemperatureOptions;
  private readonly walk: WalkOptions;
  /** Factors of the friction step. */
  private readonly keep: number;
  private readonly kick: number;

  constructor(control: TemperatureOptions, walk: WalkOptions) {
    assert(
      walk.width > 0 && walk.steps >= 0 && walk.step > 0 && walk.step < 2,
      'a walk without width, or with an unstable step',
    );
    assert(
      walk.friction >= 0 && walk.teleport >= 0 && walk.teleport <= 1,
      'a friction or a probability of jumps out of range',
    );
    this.control = control;
    this.walk = walk;
    this.keep = Math.exp(-walk.friction * walk.step);
    this.kick = Math.sqrt(1 - this.keep * this.keep);
  }

  choose(offers: ZoneOffers, deciders: number, stream: ChoiceStream, random: Random): number {
    assertChoice(offers, deciders);
    if (offers.count === 1) return 0;
    const { kernel, ensemble } = this;
    controlTemperature(ensemble, offers, deciders, stream, this.control);
    if (Number.isNaN(stream.position)) this.land(stream, stream.home, random);
    this.look(offers, stream, random);
    if (random.nextFloat() < this.walk.teleport) this.jump(offers, stream, random);
    else this.move(offers, stream, random);
    return drawWeighted(kernel.weights, offers.count, kernel.total, random);
  }

  /** A few BAOAB steps; one evaluation each. */
  private move(offers: ZoneOffers, stream: ChoiceStream, random: Random): void {
    const { kernel, keep, kick } = this;
    const half = (this.walk.step * this.walk.width) / 2;
    for (let step = 0; step < this.walk.steps; step++) {
      const p = stream.momentum + half * kernel.force;
      const drawn = keep * p + kick * random.nextNormal();
      stream.position += half * (p + drawn);
      stream.momentum = drawn;
      this.look(offers, stream, random);
      stream.momentum += half * kernel.force;
    }
  }

  /** Proposes any entry; from the one that the walker would choose now, so that the ratio of two weights decides. */
  private jump(offers: ZoneOffers, stream: ChoiceStream, random: Random): void {
    const { heights, places } = this.ensemble;
    const { count, positions } = offers;
    const from = drawWeighted(this.kernel.weights, count, this.kernel.total, random);
    const to = random.nextInt(count);
    const ratio =
      (Math.exp((heights[from] as number) - (heights[to] as number)) * (places[to] as number)) /
      (places[from] as number);
    if (random.nextFloat() >= ratio) return;
    this.land(stream, (positions[to] as number) + this.walk.width * random.nextNormal(), random);
    this.look(offers, stream, random);
  }

  /** Reads the surroundings of the walker; where they are empty, it is put at the nearest entry. */
  private look(offers: ZoneOffers, stream: ChoiceStream, random: Random): void {
    const { kernel, ensemble } = this;
    kernel.read(offers, ensemble, stream.position, this.walk.width);
    if (kernel.total > 0) return;
    this.land(stream, offers.positions[kernel.nearest] as number, random);
    kernel.read(offers, ensemble, stream.position, this.walk.width);
  }

  private land(stream: ChoiceStream, position: number, random: Random): void {
    stream.position = position;
    stream.momentum = random.nextNormal();
  }
}

/** The surroundings of a point: the field's kernel cut off beyond its reach. Reused. */
export class Kernel {
  /** Z_z e^{−(q − x_z)²/2w²}, up to a common factor; 0 out of reach. @shape [≥ count] */
  weights: Float64Array = new Float64Array(64);
  /** Sum of the weights; 0 if nothing is in reach. */
  total = 0;
  /** −d(A/T)/dq. */
  force = 0;
  /** The entry closest to q. */
  nearest = 0;

  /** Reads the entries around q. @param ensemble Evaluated on these offers. @cost O(count), an exponential for each in reach. */
  read(offers: ZoneOffers, ensemble: Ensemble, q: number, width: number): void {
    const { count, positions } = offers;
    const { heights, places } = ensemble;
    if (count > this.weights.length) this.weights = new Float64Array(2 * count);
    const { weights } = this;
    let lowest = Number.POSITIVE_INFINITY;
    let closest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const away = Math.abs((positions[i] as number) - q) / width;
      if (away < closest) {
        closest = away;
        this.nearest = i;
      }
      const height = away <= REACH ? (heights[i] as number) + (away * away) / 2 : Number.POSITIVE_INFINITY;
      weights[i] = height;
      if (height < lowest) lowest = height;
    }
    // Heights count from the lowest near by, not of the board: far from all good entries nothing must underflow.
    let total = 0;
    let pull = 0;
    for (let i = 0; i < count; i++) {
      const height = weights[i] as number;
      const weight =
        height < Number.POSITIVE_INFINITY ? (places[i] as number) * Math.exp(lowest - height) : 0;
      weights[i] = weight;
      total += weight;
      pull += weight * ((positions[i] as number) - q);
    }
    this.total = total;
    this.force = total > 0 ? pull / total / (width * width) : 0;
  }
}

/** @returns Walkers on the locality axis. */
export function createLangevinChooser(
  options: Partial<TemperatureOptions> = {},
  walk: Partial<WalkOptions> = {},
): Chooser {
  return new LangevinChooser({ ...TEMPERATURE_DEFAULTS, ...options }, { ...WALK_DEFAULTS, ...walk });
}
