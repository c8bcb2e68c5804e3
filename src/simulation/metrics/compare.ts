/**
 * Several policies on the same arrivals: means, confidence intervals, and paired differences against a baseline.
 *
 * Why paired: a seed's arrivals and failures are the same for every policy, so the difference within a seed has far
 * less spread than the figures themselves. Runs that did not reach their end count for nothing.
 */
import { type MeanInterval, meanInterval, pairedInterval } from '../../kernel/statistics.ts';
import { MOVE_COST_MILLI } from '../equilibrium/equilibrium-sampler.ts';
import type { SimulationResult } from './result.ts';
import {
  COMPARISON_SCHEMA,
  type ComparedMetric,
  type ComparedPolicy,
  type ComparisonResult,
} from './result.ts';

/** Default confidence of the intervals. */
export const CONFIDENCE_LEVEL = 0.95;

type MetricHead = Pick<ComparedMetric, 'metric' | 'label' | 'unit' | 'better'>;

/** One figure by which runs are compared. */
interface MetricDefinition extends MetricHead {
  /** null where a run has no such figure. */
  readonly of: (run: SimulationResult) => number | null;
}

/** Wait of the largest jobs of the workload: those that others can starve. */
function largestWaitP99(run: SimulationResult): number | null {
  return run.bySize.at(-1)?.wait?.p99 ?? null;
}

function metric(
  name: string,
  label: string,
  unit: ComparedMetric['unit'],
  better: ComparedMetric['better'],
  of: MetricDefinition['of'],
): MetricDefinition {
  return { metric: name, label, unit, better, of };
}

/** In the order of tables. */
const METRICS: readonly MetricDefinition[] = [
  metric('allocationGpu', 'GPUs in use', 'share', 'higher', (r) => r.allocationWhileArriving.gpu),
  metric('allocationCpu', 'CPU in use', 'share', 'higher', (r) => r.allocationWhileArriving.cpu),
  metric(
    'fragmentation',
    'fragmented part of idle GPUs',
    'share',
    'lower',
    (r) => r.fragmentation?.ratio ?? null,
  ),
  metric('potential', 'stranding potential Φ', 'share', 'lower', (r) => r.equilibrium?.potential ?? null),
  metric(
    'exploitability',
    'exploitability, mean (milli-GPU)',
    'count',
    'lower',
    (r) => r.equilibrium?.exploitability?.mean ?? null,
  ),
  metric(
    'exploitable',
    `pods that gain over ${MOVE_COST_MILLI} milli-GPU by moving`,
    'share',
    'lower',
    (r) => r.equilibrium?.exploitability?.gainingBeyondMove ?? null,
  ),
  metric('headOfLine', 'head-of-line loss', 'share', 'lower', (r) => r.headOfLine.gpu ?? r.headOfLine.cpu),
  metric(
    'heldIdle',
    'held by gangs that do not run',
    'share',
    'lower',
    (r) => r.heldIdle?.shareOfCapacity ?? null,
  ),
  metric('taxOfRent', 'tax on it ÷ rent', 'share', 'lower', (r) => r.heldIdle?.tax?.shareOfRent ?? null),
  metric('waitMean', 'wait, mean', 'seconds', 'lower', (r) => r.wait?.mean ?? null),
  metric('waitP50', 'wait, p50', 'seconds', 'lower', (r) => r.wait?.p50 ?? null),
  metric('waitP90', 'wait, p90', 'seconds', 'lower', (r) => r.wait?.p90 ?? null),
  metric('waitP99', 'wait, p99', 'seconds', 'lower', (r) => r.wait?.p99 ?? null),
  metric('waitLargestP99', 'wait of the largest jobs, p99', 'seconds', 'lower', largestWaitP99),
  metric('slowdownMean', 'bounded slowdown, mean', 'ratio', 'lower', (r) => r.boundedSlowdown?.mean ?? null),
  metric('slowdownP99', 'bounded slowdown, p99', 'ratio', 'lower', (r) => r.boundedSlowdown?.p99 ?? null),
  metric('slowdownP999', 'bounded slowdown, p99.9', 'ratio', 'lower', (r) => r.boundedSlowdown?.p999 ?? null),
  metric('finished', 'jobs finished', 'count', 'higher', (r) => r.jobs.finished),
  metric('dropped', 'jobs dropped', 'count', 'lower', (r) => r.jobs.dropped),
  metric('failed', 'jobs failed', 'count', 'lower', (r) => r.jobs.failed),
  metric('requeues', 'requeues (lost nodes, evictions)', 'count', 'lower', (r) => r.jobs.requeues),
  metric('waiting', 'jobs waiting at the end', 'count', 'lower', (r) => r.jobs.waiting),
  metric('endSeconds', 'time until all is done', 'seconds', 'lower', (r) =>
    r.options.horizonSeconds === null && r.jobs.waiting === 0 ? r.endSeconds : null,
  ),
  metric('energy', 'kJ a useful GPU hour, all done', 'count', 'lower', (r) =>
    r.options.horizonSeconds === null && r.jobs.waiting === 0
      ? (r.energy?.kilojoulesPerGpuHour ?? null)
      : null,
  ),
  metric(
    'nodesExamined',
    'nodes examined a decision',
    'count',
    'lower',
    (r) => r.decisions.nodesExamined.mean,
  ),
  metric('decisionP50', 'decision, p50', 'micros', 'lower', (r) => r.timing?.decisionMicros?.p50 ?? null),
  metric('decisionP99', 'decision, p99', 'micros', 'lower', (r) => r.timing?.decisionMicros?.p99 ?? null),
];

/** The note of a comparison whose seeds made no difference. */
export const SEEDS_CHANGE_NOTHING =
  'every seed gave the same result: the workload is fixed and nothing random happened, so the intervals say ' +
  'nothing; --resample draws the jobs again for each seed';

/** The compared runs. */
export interface ComparisonInput {
  readonly policies: readonly string[];
  readonly seeds: readonly number[];
  /** One of `policies`. */
  readonly baseline: string;
  /** [policy][seed]; undefined where a run never began. */
  readonly runs: readonly (readonly (SimulationResult | undefined)[])[];
  /** Default CONFIDENCE_LEVEL. */
  readonly level?: number;
}

/** Compares runs. A metric is left out if no run has it, or if it is 0 in all of them. */
export function compareRuns(input: ComparisonInput): ComparisonResult {
  const { policies, seeds, baseline, level = CONFIDENCE_LEVEL } = input;
  const metrics = METRICS.map((definition) => compareMetric(definition, input, level)).filter((compared) =>
    compared.policies.some((entry) => entry.values.some((value) => value !== null && value !== 0)),
  );
  const runs = input.runs.flat().filter((run) => run !== undefined);
  return {
    schema: COMPARISON_SCHEMA,
    complete: runs.length === policies.length * seeds.length && runs.every((run) => run.complete),
    level,
    baseline,
    policies: [...policies],
    seeds: [...seeds],
    notes: notesOf(input, metrics, runs),
    metrics,
    runs,
  };
}

function compareMetric(definition: MetricDefinition, input: ComparisonInput, level: number): ComparedMetric {
  const { of, ...head } = definition;
  const values = input.runs.map((runs) =>
    runs.map((run) => (run === undefined || !run.complete ? null : of(run))),
  );
  const baselineValues = values[input.policies.indexOf(input.baseline)] as (number | null)[];
  return {
    ...head,
    policies: input.policies.map((policy, p) =>
      comparePolicy(
        policy,
        values[p] as (number | null)[],
        policy === input.baseline ? undefined : baselineValues,
        head,
        level,
      ),
    ),
  };
}

function comparePolicy(
  policy: string,
  values: (number | null)[],
  baselineValues: readonly (number | null)[] | undefined,
  head: MetricHead,
  level: number,
): ComparedPolicy {
  const known = values.filter((value) => value !== null);
  const mean = known.length === 0 ? null : plainInterval(meanInterval(known, level));
  if (baselineValues === undefined) return { policy, values, mean, difference: null, verdict: 'baseline' };
  const own: number[] = [];
  const others: number[] = [];
  for (const [i, value] of values.entries()) {
    const other = baselineValues[i] as number | null;
    if (value === null || other === null) continue;
    own.push(value);
    others.push(other);
  }
  if (own.length === 0) return { policy, values, mean, difference: null, verdict: 'unclear' };
  const difference = plainInterval(pairedInterval(own, others, level));
  const equal = own.every((value, i) => value === others[i]);
  return { policy, values, mean, difference, verdict: equal ? 'equal' : verdictOf(difference, head.better) };
}

function verdictOf(
  difference: NonNullable<ComparedPolicy['difference']>,
  better: ComparedMetric['better'],
): ComparedPolicy['verdict'] {
  const { low, high } = difference;
  if (low === null || high === null || (low <= 0 && high >= 0)) return 'unclear';
  return low > 0 === (better === 'higher') ? 'better' : 'worse';
}

function plainInterval(interval: MeanInterval): NonNullable<ComparedPolicy['mean']> {
  const { mean, low, high } = interval;
  return Number.isNaN(low) ? { mean, low: null, high: null } : { mean, low, high };
}

/** Caveats of the numbers. */
function notesOf(
  input: ComparisonInput,
  metrics: readonly ComparedMetric[],
  runs: readonly SimulationResult[],
): string[] {
  const notes: string[] = [];
  const planned = input.policies.length * input.seeds.length;
  const whole = runs.filter((run) => run.complete).length;
  if (whole < planned) {
    notes.push(`stopped early: ${whole} of ${planned} runs reached their end; only these are compared`);
  }
  if (input.seeds.length === 1) {
    notes.push('one seed: no confidence intervals; give several, for example --seeds 1-5');
  } else if (whole > 0 && seedsChangeNothing(metrics)) {
    notes.push(SEEDS_CHANGE_NOTHING);
  }
  const unfinished = runs.filter((run) => run.complete && run.jobs.waiting > 0).length;
  if (unfinished > 0) {
    notes.push(`in ${unfinished} run(s) jobs still waited at the end; waits and slowdowns leave them out`);
  }
  if (input.seeds.length > 1 && input.policies.length > 1) {
    notes.push('the intervals are for each figure on its own, not for all of them at once');
  }
  return notes;
}

function seedsChangeNothing(metrics: readonly ComparedMetric[]): boolean {
  return metrics
    .filter((compared) => compared.unit !== 'micros')
    .every((compared) => compared.policies.every((entry) => new Set(entry.values).size === 1));
}
