/**
 * One cell of `teg bench choosers`: a chooser on a board of one staleness, or a sampler in a field of many dimensions.
 */
import { Random } from '../../src/kernel/random.ts';
import { type BoardOptions, boardSpeeds, simulateBoard } from '../boards/bulletin-board.ts';
import { type FieldOptions, sampleField } from '../boards/high-dimension.ts';
import { chooserOrVariantByName } from '../boards/variants.ts';

/** A chooser on a board. Plain data. */
export interface BoardTask extends Omit<BoardOptions, 'chooser' | 'speeds'> {
  readonly kind: 'board';
  readonly chooser: string;
  readonly servers: 'equal' | 'unequal';
  readonly loserBudget: number;
  readonly seed: number;
}

/** Decisions of a stream in a field: one round of the path on which its bottom wanders. */
const FIELD_DECISIONS = 400;

/** A sampler in a field. Plain data. */
export interface FieldTask extends Omit<FieldOptions, 'decisions'> {
  readonly kind: 'field';
  readonly seed: number;
}

/** A cell. */
export type ChoosersTask = BoardTask | FieldTask;

/** Output of `teg bench choosers --json` for a board. */
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

/** Output of `teg bench choosers --dimensions … --json` for a field. */
export interface FieldRow extends Omit<FieldOptions, 'decisions'> {
  /** In T, over the Gibbs law's. */
  readonly excessPrice: number;
  /** Collisions over the Gibbs law's. */
  readonly crowding: number;
  readonly distance: number;
}

/** Runs a cell. The same seed gives all choosers the same jobs. */
export function runChoosersTask(task: ChoosersTask): BoardRow | FieldRow {
  return task.kind === 'board' ? boardRow(task) : fieldRow(task);
}

function boardRow(task: BoardTask): BoardRow {
  const { chooser, staleness, seed, loserBudget, servers, arrivals, load, refresh, deciders } = task;
  const result = simulateBoard(
    {
      chooser: chooserOrVariantByName(chooser).create({ loserBudget }),
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
    meanResponse: rounded(result.meanResponse),
    herding: rounded(result.herding),
    distance: rounded(result.distance),
  };
}

function fieldRow({ field, dimensions, evaluations, sampler, seed }: FieldTask): FieldRow {
  const options = { field, dimensions, evaluations, sampler };
  const result = sampleField({ ...options, decisions: FIELD_DECISIONS }, new Random(seed));
  return {
    ...options,
    excessPrice: rounded(result.excessPrice),
    crowding: rounded(result.crowding),
    distance: rounded(result.distance),
  };
}

function rounded(value: number): number {
  return Math.round(10_000 * value) / 10_000;
}
