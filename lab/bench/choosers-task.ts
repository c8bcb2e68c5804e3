/**
 * One cell of `teg bench choosers`: a chooser on a board of one staleness.
 */

import { chooserByName } from '../../src/governor/choosers/registry.ts';
import { Random } from '../../src/kernel/random.ts';
import { rounded } from '../../src/kernel/statistics.ts';
import { type BoardOptions, boardSpeeds, simulateBoard } from '../boards/bulletin-board.ts';

/** A chooser on a board. Plain data. */
export interface BoardTask extends Omit<BoardOptions, 'chooser' | 'speeds'> {
  readonly chooser: string;
  readonly servers: 'equal' | 'unequal';
  readonly loserBudget: number;
  readonly seed: number;
}

/** Output of `teg bench choosers --json`. */
export interface BoardRow {
  readonly chooser: string;
  /** T_b, mean service times. */
  readonly staleness: number;
  /** Mean service times. */
  readonly meanResponse: number;
  /** Unevenness of the queues over that of independent ones. */
  readonly herding: number;
  /** Between successive choices of a stream, in servers. */
  readonly distance: number;
}

/** Runs a cell. The same seed gives all choosers the same jobs. */
export function runChoosersTask(task: BoardTask): BoardRow {
  const { chooser, staleness, seed, loserBudget, servers, arrivals, load, refresh, deciders } = task;
  const result = simulateBoard(
    {
      chooser: chooserByName(chooser).create({ loserBudget }),
      speeds: boardSpeeds(servers),
      staleness,
      arrivals,
      load,
      refresh,
      deciders,
    },
    new Random(seed),
  );
  return {
    chooser,
    staleness,
    meanResponse: rounded(result.meanResponse, 4),
    herding: rounded(result.herding, 4),
    distance: rounded(result.distance, 4),
  };
}
