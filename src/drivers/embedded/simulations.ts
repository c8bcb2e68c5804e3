/**
 * Simulations on worker threads: one, or every policy with every seed.
 */
import { availableParallelism } from 'node:os';
import { TegError } from '../../model/errors.ts';
import type { JobRecords } from '../../simulation/inputs/job-log.ts';
import { compareRuns } from '../../simulation/metrics/compare.ts';
import type { ComparisonResult, SimulationResult } from '../../simulation/metrics/result.ts';
import type { DisciplineName } from '../../simulation/queueing/queue-names.ts';
import { withSpooledInputs } from './input-spool.ts';
import type { SimulationTask, SimulationTaskResult } from './simulation-task.ts';
import { type PoolProgress, runOnWorkers } from './worker-pool.ts';

/** How to run. */
export interface RunOptions {
  /** Threads; default as many as the machine runs at once. */
  readonly workers?: number;
  /** Once aborted the runs end with partial results. */
  readonly signal?: AbortSignal;
  /** Milliseconds that a run may take to notice a stop request; default GRACE_MS of the worker pool. */
  readonly graceMs?: number;
  readonly onProgress?: (progress: PoolProgress) => void;
  /** Receives each run as it ends, in the order in which runs end. */
  readonly onRun?: (result: SimulationResult) => void;
  /** Receives the outcome of every job of a simulation whose task has `withJobs`. */
  readonly onJobs?: (records: JobRecords) => void;
  /** Called once with the assumptions and omissions of the input readers. */
  readonly onWarnings?: (warnings: readonly string[]) => void;
}

/** Every policy (or every queue) with every seed. */
export interface ComparisonTask extends Omit<SimulationTask, 'policy' | 'seed' | 'explain' | 'zoneDecides'> {
  /** At least one, without duplicates. */
  readonly policies: readonly string[];
  /** Compared instead of policies, under the only one. At least one, without duplicates. */
  readonly queues?: readonly DisciplineName[];
  /** At least one, without duplicates. */
  readonly seeds: readonly number[];
  /** One of the policies, or of the queues. */
  readonly baseline: string;
}

/** Milliseconds that a run may take to notice a stop request while it reads its inputs. */
const UNBEGUN_GRACE_MS = 500;

const WORKER = new URL('./simulation-worker.ts', import.meta.url);

/**
 * Runs one simulation on a thread of its own.
 *
 * @returns The result; `complete: false` if it was stopped through `signal`.
 * @throws TegError as `SimulationTaskRunner.run`; TEG_INTERRUPTED if it was stopped before it began.
 */
export async function simulate(task: SimulationTask, options: RunOptions = {}): Promise<SimulationResult> {
  const [done] = await withSpooledInputs(task, options.signal, (spooled) =>
    runOnWorkers<SimulationTask, SimulationTaskResult>(poolOptions([spooled], undefined, options)),
  );
  if (done === undefined) {
    throw new TegError(
      'TEG_INTERRUPTED',
      'stopped before the simulation had anything to report; start it again',
    );
  }
  options.onWarnings?.(done.warnings);
  if (done.jobs !== undefined) options.onJobs?.(done.jobs);
  return done.result;
}

/**
 * Runs every policy with every seed and compares.
 *
 * @returns The same whatever the number of workers; `complete: false` if it was stopped through `signal`.
 * @throws TegError as `simulate`.
 */
export async function compare(task: ComparisonTask, options: RunOptions = {}): Promise<ComparisonResult> {
  const { policies, queues, seeds, baseline, ...common } = task;
  const [policy = ''] = policies;
  const rivals: readonly Pick<SimulationTask, 'policy' | 'queue'>[] =
    queues?.map((queue) => ({ policy, queue })) ?? policies.map((name) => ({ policy: name }));
  const results = await withSpooledInputs(common, options.signal, (spooled) => {
    const tasks = rivals.flatMap((rival) =>
      seeds.map((seed) => ({ ...spooled, ...rival, seed, zoneDecides: true })),
    );
    return runOnWorkers<SimulationTask, SimulationTaskResult>(
      poolOptions(tasks, seedBySeed(rivals.length, seeds.length), options),
    );
  });
  const first = results.find((entry) => entry !== undefined);
  if (first !== undefined) options.onWarnings?.(first.warnings);
  const runs = rivals.map((_, r) => seeds.map((_, s) => results[r * seeds.length + s]?.result));
  if (queues === undefined) return compareRuns({ policies, seeds, baseline, runs });
  // Reports call the rivals of a comparison its policies; here they are queues.
  const named = runs.map((some, r) => some.map((run) => run && { ...run, policy: queues[r] as string }));
  const compared = compareRuns({ policies: queues, seeds, baseline, runs: named });
  const note = `compared are queues: the nodes of each are chosen by the policy ${policy}`;
  return { ...compared, notes: [note, ...compared.notes] };
}

function poolOptions(
  tasks: readonly SimulationTask[],
  order: readonly number[] | undefined,
  { workers = availableParallelism(), signal, graceMs, onProgress, onRun }: RunOptions,
): Parameters<typeof runOnWorkers<SimulationTask, SimulationTaskResult>>[0] {
  return {
    url: WORKER,
    tasks,
    workers,
    ...(order === undefined ? {} : { order }),
    ...(signal === undefined ? {} : { signal }),
    ...(graceMs === undefined ? {} : { graceMs }),
    // While it reads its inputs a task looks at no stop request, and there is nothing to report.
    unbegunGraceMs: Math.min(graceMs ?? UNBEGUN_GRACE_MS, UNBEGUN_GRACE_MS),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(onRun === undefined ? {} : { onResult: (done) => onRun((done as SimulationTaskResult).result) }),
  };
}

/** All policies of a seed one after the other: a worker then mostly has the seed's workload at hand. */
function seedBySeed(policies: number, seeds: number): number[] {
  return Array.from(
    { length: seeds * policies },
    (_, i) => (i % policies) * seeds + Math.floor(i / policies),
  );
}
