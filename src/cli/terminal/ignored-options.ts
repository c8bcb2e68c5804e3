/**
 * Refuses options that were given where they have no effect: what is ignored in silence looks as if it had been done.
 */
import type { Command } from 'commander';
import { TegError } from '../../model/errors.ts';

/**
 * @param names As commander calls their values, for example `memoryGib`.
 * @param why   Completes `got --memory-gib …`, for example `without --mix homogeneous, expected both`.
 * @throws TegError TEG_OPTION_INVALID if one of them was given on the command line.
 */
export function refuseGiven(command: Command, names: readonly string[], why: string): void {
  const given = command.options.filter(
    (option) =>
      names.includes(option.attributeName()) &&
      command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (given.length === 0) return;
  throw new TegError('TEG_OPTION_INVALID', `got ${given.map(({ long }) => long).join(', ')} ${why}`);
}
