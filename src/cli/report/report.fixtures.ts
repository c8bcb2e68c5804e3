/**
 * Small real comparisons for the tests of reports: simulated, not invented. For a report about `teg`, a baseline runs
 * under that name, because TEG takes a second to learn its prices; `teg start` is tested with itself.
 */
import { Random } from '../../kernel/random.ts';
import { DemandTable } from '../../model/demand.ts';
import { JobTableBuilder } from '../../simulation/inputs/job-table.ts';
import { policyByName } from '../../simulation/inputs/policies.ts';
import { compareRuns } from '../../simulation/metrics/compare.ts';
import type { ComparisonResult, SimulationResult } from '../../simulation/metrics/result.ts';
import { runSimulation } from '../../simulation/run/simulator.ts';
import {
  capacityOf,
  DEFAULT_DURATION,
  generateJobs,
  generateNodes,
  HOMOGENEOUS_MIX,
  type NodeKind,
} from '../../traces/generate.ts';
import type { ReportSource } from './report-source.ts';

/** Names that would break a page, a table, a shell or a fence if they were not escaped. */
export const HOSTILE = `<script>alert("x")</script> | *b* ' & \`c\` $(d) </style><img src=x onerror=e>`;

/** The policy that runs under the name of TEG. */
const STAND_IN = 'best-fit';

/** Machines without GPUs. */
const CPU_MIX: readonly NodeKind[] = [{ model: '', gpus: 0, cores: 64, memoryMib: 262_144, share: 1 }];

/** The small comparison to run. */
export interface SmallComparison {
  readonly policies?: readonly string[];
  readonly seeds?: readonly number[];
  /** Offered load. */
  readonly load?: number;
  readonly nodes?: number;
  readonly isCpuOnly?: boolean;
  readonly withTiming?: boolean;
  readonly horizonSeconds?: number;
  /** Off: its prices take longer than everything else. */
  readonly withEquilibrium?: boolean;
}

/** Runs a comparison of some hundred jobs on some ten nodes; a fraction of a second. */
export function smallComparison(options: SmallComparison = {}): ComparisonResult {
  const { policies = ['teg', 'kube-scheduler', 'fgd'], seeds = [1, 2, 3] } = options;
  const runs = policies.map((policy) => seeds.map((seed) => smallRun(policy, seed, options)));
  return compareRuns({ policies, seeds, baseline: policies.at(-1) as string, runs });
}

/** Runs one simulation. */
export function smallRun(policy: string, seed: number, options: SmallComparison = {}): SimulationResult {
  const { nodes: count = 12, load = 1.2, isCpuOnly = false, withTiming = false, horizonSeconds } = options;
  const { withEquilibrium = false } = options;
  const nodes = generateNodes({ nodes: count, mix: isCpuOnly ? CPU_MIX : HOMOGENEOUS_MIX });
  const builder = new JobTableBuilder(new DemandTable());
  const duration = { ...DEFAULT_DURATION, maxSeconds: 28_800 };
  const workload = {
    jobs: 400,
    load,
    duration,
    capacity: capacityOf(isCpuOnly ? generateNodes({ nodes: count, mix: HOMOGENEOUS_MIX }) : nodes),
  };
  for (const job of generateJobs(workload, new Random(seed, 3))) {
    if (!isCpuOnly || job.gpuCount === 0) builder.add(job);
  }
  let micros = 0;
  return runSimulation({
    nodes,
    jobs: builder.build(),
    policy: { name: policy, create: policyByName(policy === 'teg' ? STAND_IN : policy).create },
    seed,
    samples: 60,
    withEquilibrium,
    labels: { cluster: HOSTILE, workload: 'small', load: 1, repeat: 1, resampled: false },
    ...(withTiming ? { clockMicros: () => micros++ } : {}),
    ...(horizonSeconds === undefined ? {} : { horizonSeconds }),
  });
}

/** @returns The same comparison with another name for a policy. */
export function renamed(result: ComparisonResult, from: string, to: string): ComparisonResult {
  const name = (policy: string): string => (policy === from ? to : policy);
  return {
    ...result,
    baseline: name(result.baseline),
    policies: result.policies.map(name),
    metrics: result.metrics.map((metric) => ({
      ...metric,
      policies: metric.policies.map((entry) => ({ ...entry, policy: name(entry.policy) })),
    })),
    runs: result.runs.map((run) => ({ ...run, policy: name(run.policy) })),
  };
}

/** @returns A source of a report on a result. */
export function sourceOf(result: ComparisonResult, more: Partial<ReportSource> = {}): ReportSource {
  return {
    result,
    command: 'bin/teg compare --seeds 1-3',
    madeAt: '2026-01-02 03:04 UTC',
    version: '1.2.3',
    machine: 'a machine',
    ...more,
  };
}
