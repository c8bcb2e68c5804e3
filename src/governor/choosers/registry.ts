/**
 * The zone choosers, by name.
 *
 * A chooser is one file with one factory; a new one has to be added only to this list.
 */
import { closestName } from '../../kernel/closest-name.ts';
import { TegError } from '../../model/errors.ts';
import { createAnticipatedChooser } from './anticipated.ts';
import { createBestOfDChooser } from './best-of-d.ts';
import type { ChooserEntry } from './chooser.ts';
import { createGibbsChooser } from './gibbs.ts';
import { createLangevinChooser } from './langevin.ts';
import { createLeastLoadedChooser } from './least-loaded.ts';
import { createRandomChooser } from './random-choice.ts';

/** Every chooser, in the order in which tables list them. Names are unique. */
export const CHOOSERS: readonly ChooserEntry[] = [
  {
    name: 'anticipated',
    description: 'Prices will be level once all deciders on the same data have arrived.',
    create: createAnticipatedChooser,
  },
  {
    name: 'gibbs',
    description: 'Cheap places more often: in proportion to e^{−A/T}, T by the budget for collisions.',
    create: createGibbsChooser,
  },
  {
    name: 'langevin',
    description: 'A walker near where the last job went, on the same free energy; jumps now and then.',
    create: (options) => createLangevinChooser(options),
  },
  {
    name: 'best-of-d',
    description: 'The cheaper of two entries drawn at random in proportion to their places.',
    create: createBestOfDChooser,
  },
  {
    name: 'least-loaded',
    description: 'The entry that looks cheapest: a baseline that herds on stale data.',
    create: () => createLeastLoadedChooser(),
  },
  {
    name: 'random',
    description: 'Any place, each alike: a baseline that reads no price.',
    create: () => createRandomChooser(),
  },
];

/**
 * @returns The chooser with that name.
 * @throws TegError TEG_OPTION_INVALID with the closest known name.
 */
export function chooserByName(name: string): ChooserEntry {
  const entry = CHOOSERS.find((chooser) => chooser.name === name);
  if (entry !== undefined) return entry;
  const names = CHOOSERS.map((chooser) => chooser.name);
  const closest = closestName(name, names);
  const hint = closest === undefined ? '' : `; did you mean '${closest}'?`;
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got the chooser '${name}', expected one of ${names.join(', ')}${hint}`,
  );
}
