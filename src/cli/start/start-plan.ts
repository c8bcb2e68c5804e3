/** The plan of `teg start`: the default scenario, or the user's files, put under pressure where they have none. */
import { isGenerated, loadInputs } from '../../drivers/embedded/inputs.ts';
import type { ComparisonTask } from '../../drivers/embedded/simulations.ts';
import { TegError } from '../../model/errors.ts';
import { capacityOf } from '../../traces/generate.ts';
import { formatCount, formatDuration, formatPercent } from '../terminal/formatting.ts';
import { isCount, JOBS_MAX, NODES_MAX, wholeNumber } from '../terminal/option-values.ts';
import { demandPeak, demandTogether, speedForPeak } from './demand-peak.ts';

/** The options as commander parses them. */
export interface StartOptions {
  readonly nodes?: string;
  readonly pods?: string;
  readonly jobs?: string;
  readonly policies: string[];
  readonly seeds?: number[];
  readonly arrivalSpeed?: number;
  readonly repeat?: number;
  readonly horizon?: number;
  readonly workers?: number;
  readonly quick?: boolean;
  readonly decisionCosts?: string;
  readonly out: string;
}

/** The run, and its description. */
export interface StartPlan {
  readonly task: ComparisonTask;
  /** Lines for people, before it runs. */
  readonly intro: readonly string[];
}

/** Sizes of the two scenarios. */
interface Scenario {
  readonly nodes: number;
  /** Generated jobs for each node. */
  readonly jobsPerNode: number;
  readonly seeds: readonly number[];
  /** Number of jobs that a file is repeated to reach. */
  readonly pressureJobs: number;
  readonly samples: number;
}

const FULL: Scenario = {
  nodes: 2_000,
  jobsPerNode: 50,
  seeds: [1, 2, 3, 4],
  pressureJobs: 40_000,
  samples: 300,
};
/** Five short runs instead of a few long ones: fewer seeds cannot show a difference. */
const QUICK: Scenario = {
  nodes: 100,
  jobsPerNode: 25,
  seeds: [1, 2, 3, 4, 5],
  pressureJobs: 2_000,
  samples: 100,
};

/**
 * The generated workload: offered load, and where durations are cut so that the cluster is full within hours, not
 * within the month that the longest jobs of the uncut distribution take.
 */
const OFFERED_LOAD = 0.95;
const LONGEST = '8h';

/** Until the cluster has filled up, policies hardly differ: not measured. */
const WARMUP_SECONDS = 4 * 3_600;

/** Jobs have to arrive for at least this many warm-ups for there to be one: else nothing would be left to measure. */
const WARMUPS_MIN = 1.5;

/** Below this peak of demand a file is put under pressure, until it peaks there. */
const PEAK_LIGHT = 0.5;
const PEAK_TARGET = 1.2;

/** Length of the run of a file under pressure, relative to the time in which its jobs arrive. */
const PRESSURE_HORIZON = 1.5;

/** Most repetitions of a file. */
const REPEAT_MAX = 1_000;

/** All jobs of a file under pressure together must demand this many times the target for its peak to be reached. */
const REPEAT_MARGIN = 2;

/**
 * Decides what to run. Reads the user's files where it has to know their demand.
 *
 * @param spooled As in `InputSources`.
 * @throws TegError TEG_OPTION_INVALID; those of the readers.
 */
export async function planStart(
  options: StartOptions,
  spooled?: ComparisonTask['spooled'],
): Promise<StartPlan> {
  const copies = spooled === undefined ? {} : { spooled };
  const scenario = options.quick ? QUICK : FULL;
  const seeds = options.seeds ?? scenario.seeds;
  const cluster = clusterSource(options.nodes, scenario);
  const jobs = await jobsSource(options, cluster, scenario, copies);
  const { policies } = options;
  const base: ComparisonTask = {
    ...copies,
    cluster,
    jobs,
    policies,
    seeds,
    baseline: policies.find((name) => name !== 'teg') ?? (policies[0] as string),
    samples: scenario.samples,
    withSeries: true,
    withTiming: true,
    ...(isGenerated(jobs) ? {} : { resample: seeds.length > 1 }),
    ...(options.arrivalSpeed === undefined ? {} : { load: options.arrivalSpeed }),
    ...(options.repeat === undefined ? {} : { repeat: options.repeat }),
    ...(options.horizon === undefined ? {} : { horizonSeconds: options.horizon }),
  };
  if (isOwnScenario(options)) return withWarmup(base, options);
  const isFixed = [options.arrivalSpeed, options.repeat, options.horizon].some(
    (value) => value !== undefined,
  );
  if (isGenerated(jobs) || isFixed) return plan(base, []);
  return underPressure(base, scenario);
}

/** Leaves the fill-up out of the figures, unless a number of jobs was given that arrive in too short a time for that. */
async function withWarmup(base: ComparisonTask, { jobs, nodes }: StartOptions): Promise<StartPlan> {
  const whole = plan({ ...base, warmupSeconds: WARMUP_SECONDS }, []);
  if (jobs === undefined && nodes === undefined) return whole;
  const { builder } = await loadInputs({ ...base, seed: base.seeds[0] as number });
  const { spanSeconds } = builder.build();
  if (spanSeconds >= WARMUPS_MIN * WARMUP_SECONDS) return whole;
  return plan(base, [
    `All jobs arrive within ${formatDuration(spanSeconds)}: figures are from the first arrival on, while the cluster still fills up.`,
  ]);
}

/** The workload is the generated one, so its fill-up time is known. */
function isOwnScenario({ pods, jobs, arrivalSpeed, horizon }: StartOptions): boolean {
  const isMadeUp = pods === undefined && (jobs === undefined || isCount(jobs));
  return isMadeUp && arrivalSpeed === undefined && horizon === undefined;
}

function clusterSource(nodes: string | undefined, scenario: Scenario): string {
  if (nodes === undefined) return `generated:openb:${scenario.nodes}`;
  return isCount(nodes) ? `generated:openb:${wholeNumber(1, NODES_MAX)(nodes)}` : nodes;
}

async function jobsSource(
  options: StartOptions,
  cluster: string,
  scenario: Scenario,
  copies: Pick<ComparisonTask, 'spooled'>,
): Promise<string> {
  const { pods, jobs } = options;
  if (pods !== undefined && jobs !== undefined) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got --pods '${pods}' and --jobs '${jobs}', expected one of them: both name the workload`,
    );
  }
  const source = pods ?? jobs;
  if (source !== undefined && !isCount(source)) return source;
  const count =
    source === undefined
      ? scenario.jobsPerNode * (await countNodes(cluster, options, scenario, copies))
      : wholeNumber(1, JOBS_MAX)(source);
  return `generated:${count}:${OFFERED_LOAD}:${LONGEST}`;
}

async function countNodes(
  cluster: string,
  options: StartOptions,
  scenario: Scenario,
  copies: Pick<ComparisonTask, 'spooled'>,
): Promise<number> {
  if (options.nodes === undefined) return scenario.nodes;
  if (isCount(options.nodes)) return wholeNumber(1, NODES_MAX)(options.nodes);
  return (await loadInputs({ ...copies, cluster, jobs: 'generated:1', seed: 1 })).nodes.length;
}

/** A file that fills the cluster runs as it was recorded; another one is sped up until it does. */
async function underPressure(base: ComparisonTask, scenario: Scenario): Promise<StartPlan> {
  const { nodes, builder } = await loadInputs({ ...base, seed: 1 });
  const capacity = capacityOf(nodes);
  const recorded = builder.build();
  const peak = demandPeak(recorded, capacity);
  const noun = capacity.gpuMilli > 0 ? 'GPUs' : 'cores';
  if (peak >= PEAK_LIGHT) {
    return plan(base, [`As recorded its demand peaks at ${formatPercent(peak, 0)} of the ${noun}.`]);
  }
  const together = demandTogether(recorded, capacity);
  const wanted = Math.max(
    scenario.pressureJobs / Math.max(1, recorded.count),
    (REPEAT_MARGIN * PEAK_TARGET) / Math.max(together, 1e-9),
  );
  const repeat = Math.min(REPEAT_MAX, Math.max(1, Math.ceil(wanted)));
  const table = builder.build({ repeat });
  const load = speedForPeak(table, capacity, PEAK_TARGET);
  if (load === undefined) {
    return plan(base, [
      `All its jobs together request ${formatPercent(together)} of the ${noun}: nothing will wait on this cluster.`,
    ]);
  }
  const spanSeconds = table.spanSeconds / load;
  const horizon = spanSeconds > 0 ? { horizonSeconds: Math.ceil(spanSeconds * PRESSURE_HORIZON) } : {};
  return plan({ ...base, repeat, load, ...horizon }, [
    `As recorded its demand never exceeds ${formatPercent(peak, peak < 0.1 ? 1 : 0)} of the ${noun}, so nothing would wait under any policy.`,
    `To separate the policies it runs ${repeat === 1 ? 'once' : `${repeat} times over`} with arrivals ${formatCount(load)} times as fast: demand peaks at ${formatPercent(PEAK_TARGET, 0)}.`,
    '(--arrival-speed 1 runs it as recorded.)',
  ]);
}

function plan(task: ComparisonTask, notes: readonly string[]): StartPlan {
  const { policies, seeds, cluster, jobs } = task;
  const runs = policies.length * seeds.length;
  return {
    task,
    intro: [
      `${policies.join(', ')} on the same arrivals, ${seeds.length === 1 ? 'one seed' : `${seeds.length} seeds`}: ${runs} runs.`,
      `cluster   ${cluster}`,
      `workload  ${jobs}`,
      ...notes,
    ],
  };
}
