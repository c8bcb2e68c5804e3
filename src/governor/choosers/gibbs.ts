/**
 * Gibbs choice: an entry of free energy A is drawn exactly in proportion to e^{−A/T}, at the temperature that keeps
 * collisions within their budget.
 *
 * Why no alias table: prices, temperature and offers differ with every demand and board, so that a table would be built
 * for a single draw; one pass over the entries does both.
 *
 * @source theory §2B, §2C.
 */

import type { Random } from '../../kernel/random.ts';
import type { ChoiceStream, Chooser, ZoneOffers } from './chooser.ts';
import { assertChoice } from './chooser.ts';
import { Ensemble } from './ensemble.ts';
import { controlTemperature, TEMPERATURE_DEFAULTS, type TemperatureOptions } from './temperature.ts';

class GibbsChooser implements Chooser {
  readonly name = 'gibbs';
  private readonly ensemble = new Ensemble();
  private readonly options: TemperatureOptions;

  constructor(options: TemperatureOptions) {
    this.options = options;
  }

  choose(offers: ZoneOffers, deciders: number, stream: ChoiceStream, random: Random): number {
    assertChoice(offers, deciders);
    if (offers.count === 1) return 0;
    controlTemperature(this.ensemble, offers, deciders, stream, this.options);
    return this.ensemble.draw(offers.count, random);
  }
}

/** @returns Exact draws from the board. */
export function createGibbsChooser(options: Partial<TemperatureOptions> = {}): Chooser {
  return new GibbsChooser({ ...TEMPERATURE_DEFAULTS, ...options });
}
