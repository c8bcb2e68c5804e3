/**
 * Variants of the choosers that were measured and rejected, so that their figures can be reproduced: `teg bench
 * choosers --choosers random-by-entries,…`. Not for the cluster.
 */
import { anticipatedLoads, createAnticipatedChooser } from '../../src/governor/choosers/anticipated.ts';
import { createBestOfDChooser } from '../../src/governor/choosers/best-of-d.ts';
import type { Chooser, ChooserEntry, ChooserOptions } from '../../src/governor/choosers/chooser.ts';
import { drawWeighted, Ensemble, leastOf } from '../../src/governor/choosers/ensemble.ts';
import { createLangevinChooser, Kernel } from '../../src/governor/choosers/langevin.ts';
import { chooserByName } from '../../src/governor/choosers/registry.ts';
import { controlTemperature, TEMPERATURE_DEFAULTS } from '../../src/governor/choosers/temperature.ts';
import { waterLevel } from '../../src/governor/choosers/water-level.ts';

/** Smoothing at which the heat bath moves as far a choice as the walkers do without jumps, in zones. */
const HEAT_BATH_WIDTH = 3;

/** Every variant. */
export const CHOOSER_VARIANTS: readonly ChooserEntry[] = [
  {
    name: 'anticipated-so-far',
    description: 'Anticipates only the deciders so far, not as many again.',
    create: () => createAnticipatedChooser(1),
  },
  {
    name: 'anticipated-next',
    description: 'Goes where the next one should: to any entry below the level of those before.',
    create: createNextChooser,
  },
  {
    name: 'best-of-3',
    description: 'The cheapest of three entries drawn at random.',
    create: () => createBestOfDChooser(3),
  },
  {
    name: 'best-of-d-by-entries',
    description: 'Two entries drawn alike, however many places they have.',
    create: () => createBestOfDChooser(2, false),
  },
  {
    name: 'random-by-entries',
    description: 'Any entry alike, however many places it has.',
    create: () => createBestOfDChooser(1, false),
  },
  {
    name: 'least-loaded-any',
    description: 'Least-loaded with ties broken at random.',
    create: () => fixedTemperature('least-loaded-any', 0),
  },
  {
    name: 'langevin-no-jumps',
    description: 'Walkers that never jump.',
    create: (options) => createLangevinChooser(options, { teleport: 0 }),
  },
  {
    name: 'langevin-wide',
    description: 'Walkers on a field smoothed over four zones instead of two.',
    create: (options) => createLangevinChooser(options, { width: 4 }),
  },
  {
    name: 'heat-bath',
    description: 'The walkers’ law without their motion: a Gibbs draw near the last choice.',
    create: createHeatBathChooser,
  },
];

/** @returns The chooser or variant with that name. @throws TegError TEG_OPTION_INVALID. */
export function chooserOrVariantByName(name: string): ChooserEntry {
  return CHOOSER_VARIANTS.find((variant) => variant.name === name) ?? chooserByName(name);
}

/** @returns Logit choice at a fixed temperature ≥ 0. */
export function fixedTemperature(name: string, temperature: number): Chooser {
  let weights = new Float64Array(64);
  return {
    name,
    choose({ count, prices }, _deciders, _stream, random) {
      if (count > weights.length) weights = new Float64Array(2 * count);
      const least = leastOf(prices, count);
      let total = 0;
      for (let i = 0; i < count; i++) {
        const above = (prices[i] as number) - least;
        const weight = above === 0 ? 1 : temperature > 0 ? Math.exp(-above / temperature) : 0;
        weights[i] = weight;
        total += weight;
      }
      return drawWeighted(weights, count, total, random);
    },
  };
}

/** Where the load of the deciders before would have filled entries up to a level, the next one goes to any below it. */
function createNextChooser(): Chooser {
  let shares = new Float64Array(64);
  return {
    name: 'anticipated-next',
    choose(offers, deciders, _stream, random) {
      const { count, prices, slopes, slots } = offers;
      if (count > shares.length) shares = new Float64Array(2 * count);
      const level = deciders > 1 ? waterLevel(offers, deciders - 1) : Number.NEGATIVE_INFINITY;
      let total = 0;
      for (let i = 0; i < count; i++) {
        const above = level - (prices[i] as number);
        const isOpen = above > 0 && above < (slopes[i] as number) * (slots[i] as number);
        shares[i] = isOpen ? 1 / (slopes[i] as number) : 0;
        total += shares[i] as number;
      }
      if (total === 0) total = anticipatedLoads(offers, 0, shares);
      return drawWeighted(shares, count, total, random);
    },
  };
}

/** Position and entry drawn in turn, each given the other: the same law as the walker's, without gradient or momentum. */
function createHeatBathChooser(options: ChooserOptions = {}): Chooser {
  const ensemble = new Ensemble();
  const kernel = new Kernel();
  const control = { ...TEMPERATURE_DEFAULTS, ...options };
  const width = HEAT_BATH_WIDTH;
  return {
    name: 'heat-bath',
    choose(offers, deciders, stream, random) {
      if (offers.count === 1) return 0;
      controlTemperature(ensemble, offers, deciders, stream, control);
      const home = Number.isNaN(stream.position) ? stream.home : stream.position;
      kernel.read(offers, ensemble, home + width * random.nextNormal(), width);
      const entry =
        kernel.total > 0 ? drawWeighted(kernel.weights, offers.count, kernel.total, random) : kernel.nearest;
      stream.position = offers.positions[entry] as number;
      return entry;
    },
  };
}
