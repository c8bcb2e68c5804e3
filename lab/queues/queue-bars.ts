/**
 * The bars that TEG's queue has to reach, each against EASY and best-effort on the same arrivals.
 *
 * | knowledge | head-of-line loss | large p99 wait | small p99 wait | allocation |
 * |---|---|---|---|---|
 * | exact | ≤ max(.01, .6 × EASY's) | ≤ 1.1 × EASY | ≤ EASY | ≥ best-effort − 0.5 points |
 * | limits, predicted | ≤ max(.02, .6 × EASY's) | ≤ 1.25 × EASY with limits | ≤ EASY | ≥ best-effort − 1 point |
 * | unknown | – | ≤ .5 × best-effort's | – | ≥ best-effort − 2 points |
 *
 * EASY with limits is EASY with predictions where users state none.
 */
import type { DisciplineName, RuntimeKnowledge } from '../../src/simulation/queueing/queue-names.ts';
import type { QueuesRow } from './queues-task.ts';

/** The outcome of one bar. */
export interface QueueBar {
  readonly value: number;
  /** At most (for `allocation` at least) this. */
  readonly bar: number;
  readonly isReached: boolean;
}

/** Outcomes by the column of the row; a column without a bar is absent. */
export type QueueBars = Partial<
  Record<'headOfLine' | 'largeWaitP99Seconds' | 'smallWaitP99Seconds' | 'allocation', QueueBar>
>;

interface Rule {
  readonly headOfLine?: { readonly least: number; readonly ofEasy: number };
  readonly largeOfEasy?: number;
  readonly largeOfBestEffort?: number;
  readonly hasSmall: boolean;
  readonly allocationLess: number;
}

const WITH_LIMITS: Rule = {
  headOfLine: { least: 0.02, ofEasy: 0.6 },
  largeOfEasy: 1.25,
  hasSmall: true,
  allocationLess: 0.01,
};

const RULES: Readonly<Record<RuntimeKnowledge, Rule>> = {
  exact: {
    headOfLine: { least: 0.01, ofEasy: 0.6 },
    largeOfEasy: 1.1,
    hasSmall: true,
    allocationLess: 0.005,
  },
  declared: WITH_LIMITS,
  predicted: WITH_LIMITS,
  unknown: { largeOfBestEffort: 0.5, hasSmall: false, allocationLess: 0.02 },
};

/** @returns The bars of a row, as far as the rows that it is compared with are there. Not for those themselves. */
export function barsOf(row: QueuesRow, rows: readonly QueuesRow[]): QueueBars {
  if (row.queue === 'best-effort' || row.queue === 'easy') return {};
  const rule = RULES[row.knowledge];
  const find = (queue: DisciplineName, ...knowledge: RuntimeKnowledge[]): QueuesRow | undefined =>
    knowledge
      .map((knows) =>
        rows.find((r) => r.workload === row.workload && r.queue === queue && r.knowledge === knows),
      )
      .find((found) => found !== undefined);
  const easy = row.knowledge === 'exact' ? find('easy', 'exact') : find('easy', 'declared', 'predicted');
  const bestEffort = find('best-effort', row.knowledge);
  const { headOfLine, largeOfEasy, largeOfBestEffort, hasSmall, allocationLess } = rule;
  return {
    ...bar(
      'headOfLine',
      row,
      easy && headOfLine && Math.max(headOfLine.least, headOfLine.ofEasy * easy.headOfLine),
    ),
    ...bar('largeWaitP99Seconds', row, times(largeOfEasy, easy?.largeWaitP99Seconds)),
    ...bar('largeWaitP99Seconds', row, times(largeOfBestEffort, bestEffort?.largeWaitP99Seconds)),
    ...bar('smallWaitP99Seconds', row, hasSmall ? times(1, easy?.smallWaitP99Seconds) : undefined),
    ...bar('allocation', row, bestEffort && bestEffort.allocation - allocationLess),
  };
}

function times(factor: number | undefined, value: number | null | undefined): number | undefined {
  return factor === undefined || value === null || value === undefined ? undefined : factor * value;
}

function bar(column: keyof QueueBars, row: QueuesRow, limit: number | undefined): QueueBars {
  const value = row[column];
  if (limit === undefined || value === null) return {};
  const isReached = column === 'allocation' ? value >= limit : value <= limit;
  return { [column]: { value, bar: limit, isReached } };
}
