/** `teg bench memory`: every law at every overcommit, on the same jobs, over several seeds. */
import { MEMORY_LAWS, type MemoryLaw } from './memory-node.ts';
import { type MemoryOutcome, runMemoryTrial } from './memory-trial.ts';

/** What to measure. */
export interface MemoryPlan {
  readonly overcommits: readonly number[];
  readonly nodes: number;
  readonly hours: number;
}

/** The whole plan, and the short one. */
const WHOLE: MemoryPlan = { overcommits: [1.75, 2, 2.25], nodes: 8, hours: 24 };
const QUICK: MemoryPlan = { overcommits: [2], nodes: 4, hours: 12 };

/** @returns The plan. @param quick True: seconds. */
export function memoryPlan(quick: boolean): MemoryPlan {
  return quick ? QUICK : WHOLE;
}

/** Rows of a plan. */
export function memoryRows({ overcommits }: MemoryPlan): number {
  return overcommits.length * MEMORY_LAWS.length;
}

/** Means over the seeds, but for the last two. */
export interface MemoryRow extends MemoryOutcome {
  readonly law: MemoryLaw;
  /** Limits over requests. */
  readonly overcommit: number;
  readonly seeds: number;
  /** Useful hours over those of the better of kernel and eviction on the same jobs: the least of a seed. */
  readonly usefulRatioLeast: number;
  /** Highest use of a node in any seed. */
  readonly usageMost: number;
}

/** Runs all trials. @param done Called after each row. */
export function runMemoryBench(
  plan: MemoryPlan,
  seeds: readonly number[],
  done?: (rows: number) => void,
): MemoryRow[] {
  const rows: MemoryRow[] = [];
  const { overcommits, ...size } = plan;
  for (const overcommit of overcommits) {
    // Of the laws that kill, the first two, by seed.
    const killers: number[] = seeds.map(() => 0);
    for (const law of MEMORY_LAWS) {
      const outcomes = seeds.map((seed) => runMemoryTrial({ law, overcommit, seed, ...size }));
      const useful = outcomes.map(({ usefulHours }) => usefulHours);
      if (law === 'kernel' || law === 'eviction') {
        for (const [i, hours] of useful.entries()) killers[i] = Math.max(killers[i] as number, hours);
      }
      rows.push({
        law,
        overcommit,
        seeds: seeds.length,
        ...meanOf(outcomes),
        usefulRatioLeast: Math.min(...useful.map((hours, i) => hours / (killers[i] as number))),
        usageMost: Math.max(...outcomes.map(({ usageMost }) => usageMost)),
      });
      done?.(rows.length);
    }
  }
  return rows;
}

function meanOf(outcomes: readonly MemoryOutcome[]): MemoryOutcome {
  const names = Object.keys(outcomes[0] as MemoryOutcome) as (keyof MemoryOutcome)[];
  const mean = (name: keyof MemoryOutcome): number =>
    outcomes.reduce((sum, outcome) => sum + outcome[name], 0) / outcomes.length;
  return Object.fromEntries(names.map((name) => [name, mean(name)])) as unknown as MemoryOutcome;
}
