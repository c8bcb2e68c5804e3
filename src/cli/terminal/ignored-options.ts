/** Refuses options that were given where they have no effect: a silently ignored option looks as if it had worked. */
import type { Command } from 'commander';
import { TegError } from '../../model/errors.ts';

/**
 * @param names The names that commander gives their values, for example `memoryGib`.
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
