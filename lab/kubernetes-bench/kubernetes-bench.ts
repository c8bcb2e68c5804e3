/**
 * `teg bench kubernetes`: every scheduler on every workload, several times, in alternating order.
 */
import { TegError } from '../../src/model/errors.ts';
import type { RunHooks } from './bench-cluster.ts';
import { type BenchFigures, type CreationTime, NO_FIGURES } from './bench-run.ts';
import { type Spread, spreadOf } from './bench-statistics.ts';
import { type PackingSequence, runPackingOnCluster } from './packing-run.ts';
import { RestartCluster } from './restart-run.ts';
import { hasEconomy, type SchedulerName } from './schedulers.ts';
import { runThroughput } from './throughput-run.ts';
import { PACKING, sizesOf, type Workload, type WorkloadSize } from './workloads.ts';

/** The measurements, and the number of repeats. */
export interface KubernetesBenchOptions {
  readonly workloads: readonly Workload[];
  readonly schedulers: readonly SchedulerName[];
  readonly repeats: number;
  /** Overrides each workload's own size. */
  readonly nodes?: number | undefined;
  readonly pods?: number | undefined;
  /** Of gangs always `before`. */
  readonly created: CreationTime;
  readonly signal?: AbortSignal | undefined;
  /** Called with the current run and its progress. */
  readonly onProgress?: (progress: BenchProgress) => void;
}

/** Progress of a benchmark. */
export interface BenchProgress {
  /** Runs that have ended, of how many. */
  readonly runsDone: number;
  readonly runs: number;
  /** `SchedulingBasic teg: binding 120/5000`. */
  readonly note: string;
}

/** A figure of `BenchFigures`. */
export type FigureName = keyof BenchFigures;

/** Results of a scheduler on a workload: medians over its repeats. Times in seconds, memory in bytes. */
export interface KubernetesBenchRow extends BenchFigures {
  readonly workload: string;
  readonly scheduler: SchedulerName;
  readonly nodes: number;
  /** Measured pods; of Restart: pods that are bound already. */
  readonly pods: number;
  readonly created: CreationTime;
  /** Runs that ended well. */
  readonly repeats: number;
  /** Extremes over the repeats, of each figure that has a meaning. */
  readonly spread: Partial<Readonly<Record<FigureName, Spread>>>;
  /** Errors of the others. */
  readonly failures: readonly string[];
  /** Of Packing: the sequence of pods, for example `default-42`. */
  readonly sequence?: string;
}

/** Figures and failures of one scheduler so far. */
interface Collected {
  readonly figures: BenchFigures[];
  readonly failures: string[];
}

/**
 * Runs everything. @returns One row for each size of a workload and scheduler; fewer if it was stopped. @throws TegError of the
 * control plane's build.
 */
export async function benchKubernetes(
  options: KubernetesBenchOptions,
  onRows: (rows: readonly KubernetesBenchRow[]) => void = () => {},
): Promise<KubernetesBenchRow[]> {
  const cases = options.workloads.flatMap((workload) =>
    sizesOf(workload, options.nodes, options.pods).map((size) => ({ workload, size })),
  );
  const counter = new RunCounter(cases.length * options.schedulers.length * options.repeats, options);
  const rows: KubernetesBenchRow[] = [];
  for (const { workload, size } of cases) {
    if (options.signal?.aborted) break;
    const created = workload.kind === 'rate' ? options.created : 'before';
    const collected =
      workload.kind === 'restart'
        ? await runRestarts(workload, size, options, counter)
        : await runAlternating(
            options.schedulers,
            options.repeats,
            counter,
            workload.name,
            (scheduler, hooks) => runThroughput({ workload, size, scheduler, created }, hooks),
          );
    const about = { workload: workload.name, nodes: size.nodes, pods: size.pods, created };
    const added = toRows(about, options.schedulers, collected);
    rows.push(...added);
    onRows(added);
  }
  return rows;
}

/** What `benchPacking` runs. */
export interface PackingBenchOptions
  extends Pick<KubernetesBenchOptions, 'schedulers' | 'repeats' | 'signal' | 'onProgress'> {
  readonly sequences: readonly (PackingSequence & { readonly name: string })[];
}

/** Packs every sequence with every scheduler. @returns One row for each. */
export async function benchPackingOnCluster(
  options: PackingBenchOptions,
  onRows: (rows: readonly KubernetesBenchRow[]) => void = () => {},
): Promise<KubernetesBenchRow[]> {
  const { sequences, schedulers, repeats } = options;
  const counter = new RunCounter(sequences.length * schedulers.length * repeats, options);
  const rows: KubernetesBenchRow[] = [];
  for (const sequence of sequences) {
    if (options.signal?.aborted) break;
    const name = `${PACKING} ${sequence.name}`;
    const collected = await runAlternating(schedulers, repeats, counter, name, (scheduler, hooks) =>
      runPackingOnCluster(sequence, scheduler, hooks),
    );
    const about = {
      workload: PACKING,
      nodes: sequence.nodes.length,
      pods: sequence.jobs.length,
      created: 'meanwhile',
    } as const;
    const added = toRows(about, schedulers, collected).map((row) => ({ ...row, sequence: sequence.name }));
    rows.push(...added);
    onRows(added);
  }
  return rows;
}

/** Counts runs and reports their progress. */
class RunCounter {
  done = 0;
  readonly runs: number;
  readonly signal: AbortSignal | undefined;
  private readonly onProgress: KubernetesBenchOptions['onProgress'];

  constructor(runs: number, { signal, onProgress }: Pick<KubernetesBenchOptions, 'signal' | 'onProgress'>) {
    this.runs = runs;
    this.signal = signal;
    this.onProgress = onProgress;
  }

  hooks(what: string): RunHooks {
    return {
      signal: this.signal,
      onProgress: (note, done, total) => {
        const count = total > 1 ? ` ${done}/${total}` : '';
        this.onProgress?.({ runsDone: this.done, runs: this.runs, note: `${what}: ${note}${count}` });
      },
    };
  }
}

/**
 * Runs each scheduler as often as requested; every second time in the opposite order, so that drift of the machine's
 * speed affects all equally.
 */
async function runAlternating(
  schedulers: readonly SchedulerName[],
  repeats: number,
  counter: RunCounter,
  name: string,
  run: (scheduler: SchedulerName, hooks: RunHooks) => Promise<BenchFigures>,
): Promise<Map<SchedulerName, Collected>> {
  const collected = new Map<SchedulerName, Collected>(
    schedulers.map((scheduler) => [scheduler, { figures: [], failures: [] }]),
  );
  for (const scheduler of alternatingOrder(schedulers, repeats)) {
    if (counter.signal?.aborted) break;
    const mine = collected.get(scheduler) as Collected;
    try {
      mine.figures.push(await run(scheduler, counter.hooks(`${name} ${scheduler}`)));
    } catch (error) {
      if (counter.signal?.aborted) break;
      if (!isFailureOfRun(error)) throw error;
      mine.failures.push(error.message);
    }
    counter.done++;
  }
  return collected;
}

/** @returns Each scheduler `repeats` times: a b b a a b … */
export function alternatingOrder<T>(schedulers: readonly T[], repeats: number): T[] {
  return Array.from({ length: repeats }, (_, r) =>
    r % 2 === 0 ? schedulers : [...schedulers].reverse(),
  ).flat();
}

/** A failed run does not end the benchmark: the others still give results. A missing build fails them all. */
function isFailureOfRun(error: unknown): error is TegError {
  return (
    error instanceof TegError &&
    (error.code === 'TEG_BENCH_FAILED' || error.code === 'TEG_CONTROL_PLANE_FAILED')
  );
}

async function runRestarts(
  workload: Workload,
  size: WorkloadSize,
  options: KubernetesBenchOptions,
  counter: RunCounter,
): Promise<Map<SchedulerName, Collected>> {
  const cluster = await RestartCluster.start(
    workload,
    size,
    counter.hooks(workload.name),
    options.schedulers.some(hasEconomy),
  );
  try {
    return await runAlternating(
      options.schedulers,
      options.repeats,
      counter,
      workload.name,
      (scheduler, hooks) => cluster.run(scheduler, hooks),
    );
  } finally {
    await cluster.stop();
  }
}

/** Rows in the order of the schedulers; none for a scheduler that did not get its turn. */
function toRows(
  about: Pick<KubernetesBenchRow, 'workload' | 'nodes' | 'pods' | 'created'>,
  schedulers: readonly SchedulerName[],
  collected: ReadonlyMap<SchedulerName, Collected>,
): KubernetesBenchRow[] {
  return schedulers.flatMap((scheduler) => {
    const { figures, failures } = collected.get(scheduler) as Collected;
    if (figures.length === 0 && failures.length === 0) return [];
    return [{ ...about, scheduler, ...combineRepeats(figures), failures }];
  });
}

/** @returns Medians, and the spread of every figure that at least one repeat has. */
export function combineRepeats(
  repeats: readonly BenchFigures[],
): BenchFigures & Pick<KubernetesBenchRow, 'repeats' | 'spread'> {
  const names = Object.keys(NO_FIGURES) as FigureName[];
  const all = names.map((name) => [name, spreadOf(repeats.map((figures) => figures[name]))] as const);
  const medians = Object.fromEntries(all.map(([name, { median }]) => [name, median]));
  const spread = Object.fromEntries(all.filter(([, { median }]) => !Number.isNaN(median)));
  return { ...(medians as unknown as BenchFigures), repeats: repeats.length, spread };
}
