/**
 * The results of a simulation and of a comparison: the one shape behind tables, `--json`, reports and plots.
 *
 * Invariants: plain JSON (no NaN, no Infinity: unknown and unbounded values are null); the same inputs and seed give
 * the same bytes, on any machine and for any number of workers. Machine-dependent figures are under `timing`, and only
 * on request.
 */
import { z } from 'zod';
import { whatIfSchema } from '../inputs/what-if-result.ts';
import { QUEUE_NAMES } from '../queueing/queue-names.ts';
import { droppedReportSchema } from './dropped-result.ts';
import { evictionsResultSchema } from './evictions-result.ts';
import { heldIdleResultSchema } from './held-idle-result.ts';
import { marketResultSchema } from './market-result.ts';
import { tenantResultSchema, tenantSharesSchema } from './tenant-result.ts';
import { waitingReportSchema } from './waiting-report.ts';

/** Version of the shape of a `SimulationResult`. */
export const SIMULATION_SCHEMA = 'teg.simulation/1';

/** Version of the shape of a `ComparisonResult`. */
export const COMPARISON_SCHEMA = 'teg.comparison/1';

/** Where the distributions are read off for plots: dense in the middle, denser in the tail. */
export const QUANTILE_GRID: readonly number[] = [
  0, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75,
  0.8, 0.85, 0.875, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.9925, 0.995, 0.9975, 0.999, 0.9995,
  0.9999, 1,
];

const share = z.number().describe('a share: 1 is all of it');
const count = z.number().int().nonnegative();
const seconds = z.number();

/** Percentiles of a quantity that every job has. */
export const distributionSchema = z
  .object({
    count: count.describe('jobs counted'),
    mean: z.number(),
    p50: z.number(),
    p90: z.number(),
    p99: z.number(),
    p999: z.number(),
    max: z.number(),
    grid: z
      .array(z.number())
      .optional()
      .describe('values at the quantiles of `quantileGrid`; quantiles are exact to 0.4 %'),
  })
  .describe('a distribution over jobs');

const clusterSchema = z.object({
  label: z.string().describe('where it came from'),
  nodes: count,
  gpus: count,
  cpuCores: z.number(),
  memoryGib: z.number(),
  flavors: count.describe('distinct kinds of node'),
});

const workloadSchema = z.object({
  label: z.string().describe('where it came from'),
  jobs: count.describe('jobs as scheduled: the members of an elastic array count one each'),
  pods: count,
  demands: count.describe('distinct pod shapes'),
  spanSeconds: seconds.describe('first to last arrival'),
  load: z.number().describe('factor by which arrivals were compressed; 1: as recorded'),
  repeat: count.describe('how often the workload was run through'),
  resampled: z.boolean().describe('true if the seed drew the jobs again at the recorded arrival times'),
  offeredGpu: share
    .nullable()
    .describe('GPU time requested ÷ GPU time available while jobs arrive; null: no GPUs or endless jobs'),
  offeredCpu: share.nullable().describe('the same for CPU'),
});

const optionsSchema = z.object({
  queue: z.enum(QUEUE_NAMES).describe('which waiting job starts next'),
  typical: z
    .enum(['learned', 'list'])
    .describe('where the typical workload that policies price with came from'),
  horizonSeconds: seconds.nullable().describe('end of virtual time; null: until every job has ended'),
  warmupSeconds: seconds.describe('earlier events count for no mean and no percentile'),
  mtbfSeconds: seconds.nullable().describe('mean time between failures of a node; null: nodes do not fail'),
  mttrSeconds: seconds.nullable().describe('mean time until a failed node returns'),
  retrySeconds: seconds.nullable().describe('time between attempts with everything that waits; null: none'),
  lostPods: z.enum(['requeue', 'fail', 'hold']).describe('fate of a job whose node fails'),
});

const jobsSchema = z
  .object({
    arrived: count,
    finished: count,
    dropped: count.describe('could never run on this cluster'),
    droppedFor: z
      .record(z.string(), count)
      .describe('dropped jobs by the first resource that no node has enough of'),
    failed: count.describe('lost with their node and not requeued'),
    running: count.describe('still running at the end'),
    waiting: count.describe('still waiting at the end'),
    requeues: count.describe('times that a job lost a node, or was evicted, and went back to the queue'),
    podsPlaced: count,
    podsLost: count.describe('pods that were on a node when it failed, or were preempted'),
  })
  .describe('arrived = finished + dropped + failed + running + waiting');

const resourceMeansSchema = z.object({
  gpu: share.nullable().describe('null: no GPUs'),
  cpu: share,
  memory: share,
});

const sizeClassSchema = z.object({
  size: z
    .enum(['cpu-only', 'gpu-share', 'gpu-1', 'gpu-2-8', 'gpu-over-8'])
    .describe('by the GPUs of the whole job'),
  jobs: count.describe('jobs that arrived in the measured time'),
  wait: distributionSchema.nullable(),
  boundedSlowdown: distributionSchema.nullable(),
});

/** One column a quantity, one row an instant; shares are of the whole cluster's capacity. */
export const seriesSchema = z.object({
  atSeconds: z.array(z.number()).describe('instants, in seconds since the first arrival'),
  allocatedGpu: z.array(z.number()).describe('share of all GPUs in use'),
  allocatedCpu: z.array(z.number()),
  allocatedMemory: z.array(z.number()),
  arrivedGpu: z
    .array(z.number())
    .describe('share that would be in use had every job started when it arrived; may pass 1'),
  arrivedCpu: z.array(z.number()),
  fragmentationRatio: z
    .array(z.number().nullable())
    .describe(
      'idle GPU that the typical job could not use ÷ idle GPU; null: none idle, or after the last arrival',
    ),
  fragmentationShare: z.array(z.number().nullable()).describe('the same ÷ all GPUs'),
  waitingJobs: z.array(z.number()),
  waitingGpu: z.array(z.number()).describe('GPUs requested by waiting jobs ÷ all GPUs'),
  fittingGpu: z
    .array(z.number())
    .describe('min(idle, requests of the waiting jobs that would fit now) ÷ all GPUs: the head-of-line loss'),
  runningJobs: z.array(z.number()),
  nodesUp: z.array(z.number()).describe('share of nodes that are up'),
  potential: z
    .array(z.number().nullable())
    .describe(
      'Φ ÷ all GPUs, see `equilibrium`; null: not looked at (one in eight instants is, until the last arrival)',
    ),
  exploitability: z
    .array(z.number().nullable())
    .describe('mean gain of a running pod that moves alone, milli-GPU; null: not looked at, or none runs'),
});

const timingSchema = z
  .object({
    wallSeconds: z.number(),
    jobsPerSecond: z.number().describe('jobs that left ÷ wall seconds'),
    decisionMicros: distributionSchema.nullable().describe('one choice of a node; sampled'),
    share: z
      .object({ queue: share, field: share, zone: share, metrics: share })
      .describe(
        'queue: event queue and arrivals; field: the policy; zone: the rest of the deterministic core',
      ),
    peakMemoryBytes: z.number().nullable().describe('largest resident set of the process so far'),
  })
  .describe('depends on the machine, so it is present only on request');

const explanationSchema = z.object({
  policy: z.string(),
  node: z.string().describe("the chosen node, '' if none fits"),
  better: z.enum(['lower', 'higher']),
  candidates: z.array(
    z.object({
      label: z.string(),
      nodes: count,
      value: z.number().nullable(),
      parts: z.record(z.string(), z.number().nullable()),
    }),
  ),
  lacking: z.record(z.string(), z.number()),
});

const explainedSchema = z
  .object({
    job: z.string(),
    submitSeconds: seconds,
    podCount: count,
    gangMin: count,
    demand: z.object({
      cpuMilli: count,
      memoryMib: count,
      gpuCount: count,
      gpuMilli: count,
      gpuTotalMilli: count,
      extended: z.array(z.number()),
      constraintId: z.number().int(),
      spreadGroupId: z.number().int(),
      podsPerNodeMax: z.number().int(),
    }),
    turns: z.array(
      z.object({
        atSeconds: seconds,
        what: z.enum(['arrived', 'waits', 'started', 'released', 'requeued', 'dropped', 'failed']),
        detail: z.string(),
        choices: z.array(explanationSchema).describe('why the pods went where they went, in their order'),
        pods: z.array(z.object({ member: count, node: z.string(), gpus: z.array(count) })),
      }),
    ),
  })
  .describe('the life of the requested job');

const exploitabilitySchema = z.object({
  mean: z.number().describe('of a pod, milli-GPU'),
  max: z.number().describe('of any pod at any instant, milli-GPU'),
  relative: share
    .nullable()
    .describe('Σ of the gains ÷ Σ of the GPUs that these pods hold; null: none holds any'),
  gaining: share.describe('pods that could gain anything: 0 in a Nash equilibrium'),
  gainingBeyondMove: share.describe('pods that could gain more than `moveMilli`: 0 in a μ-equilibrium'),
  moveMilli: z.number().describe('μ: assumed cost of a move, milli-GPU'),
  pods: count.describe('looked at, in all instants together'),
});

const equilibriumSchema = z
  .object({
    potentialGpus: z
      .number()
      .describe(
        'Φ in GPUs: the stranding potential V of all nodes that are up, idle GPU expected to stay unsold',
      ),
    potential: share.describe('the same ÷ all GPUs'),
    potentialLast: share.describe('the same at the last instant looked at'),
    exploitability: exploitabilitySchema
      .nullable()
      .describe(
        'gain of a running pod by moving alone to the cheapest place with room, at marginal prices without rent; null: none ran',
      ),
    samples: count.describe('instants looked at'),
  })
  .describe(
    "means over instants until the last arrival, under the field's prices of the whole workload, the same for every policy",
  );

/** Result of one run of one policy on one workload with one seed. */
export const simulationResultSchema = z.object({
  schema: z.literal(SIMULATION_SCHEMA),
  complete: z.boolean().describe('false: stopped by the user before its end'),
  ended: z
    .enum(['drained', 'horizon', 'stalled', 'interrupted'])
    .describe(
      'drained: every job ended or runs forever; stalled: waiting jobs can never start, or failures always end running jobs',
    ),
  policy: z.string(),
  seed: z.number(),
  cluster: clusterSchema,
  workload: workloadSchema,
  options: optionsSchema,
  endSeconds: seconds.describe('virtual time at the end, since the first arrival'),
  measuredSeconds: seconds.describe('virtual time that the means are over'),
  jobs: jobsSchema,
  allocation: resourceMeansSchema.describe('time mean of the share of capacity in use'),
  allocationWhileArriving: resourceMeansSchema.describe(
    'the same until the last arrival: without the tail in which the cluster drains',
  ),
  peakGpu: share.nullable().describe('largest share of GPUs in use'),
  fragmentation: z
    .object({
      ratio: share.nullable(),
      share: share,
      samples: count,
      nodes: count.describe('nodes looked at at one instant; where there are more they take turns'),
    })
    .nullable()
    .describe('means over the instants of the series until the last arrival; null: no GPUs'),
  equilibrium: equilibriumSchema.nullable().describe('null: no GPUs, or not measured'),
  wait: distributionSchema.nullable().describe('seconds from arrival to start, of jobs that started'),
  boundedSlowdown: distributionSchema
    .nullable()
    .describe('max(1, (end − arrival) ÷ max(run time, 10 s)) of jobs that finished'),
  bySize: z.array(sizeClassSchema),
  waitingLongestSeconds: seconds.describe('how long the longest-waiting job still waits at the end; 0: none'),
  headOfLine: z
    .object({ gpu: share.nullable(), cpu: share, samples: count })
    .describe(
      'time mean of min(idle, Σ waiting jobs that would fit now) ÷ capacity; 0: no job blocks another',
    ),
  nodes: z.object({
    failures: count,
    returns: count,
    upShare: share.describe('time mean of nodes that are up'),
  }),
  decisions: z.object({
    count: count.describe('choices of a node, successful or not'),
    failed: count.describe('that found none'),
    nodesExamined: z.object({ mean: z.number(), p50: z.number(), p99: z.number(), max: z.number() }),
  }),
  gpuHours: z
    .object({
      finished: z.number(),
      lost: z
        .number()
        .describe('spent on runs that a node failure or an eviction ended, since their last checkpoint'),
    })
    .nullable()
    .describe('null: no GPUs'),
  energy: z
    .object({
      kilowattHours: z.number().describe('of all nodes that are up, idle ones included, from samples'),
      kilojoulesPerGpuHour: z
        .number()
        .nullable()
        .describe(
          '÷ GPU hours of finished jobs; compare at equal completed work only; null: no job finished',
        ),
    })
    .nullable()
    .optional()
    .describe('null: no GPUs, or hardware of unknown power; see docs/results/power.md for the model'),
  quantileGrid: z.array(z.number()),
  waiting: waitingReportSchema.optional().describe('jobs that wait at the end, where any does'),
  dropped: droppedReportSchema
    .optional()
    .describe('jobs that the cluster could never hold, where there are any'),
  heldIdle: heldIdleResultSchema.optional().describe('with a queue under which gangs hold room'),
  evictions: evictionsResultSchema.optional().describe('with a file of tenants, and a queue that evicts'),
  tenants: z.array(tenantResultSchema).optional().describe('with a file of tenants: parents first'),
  shares: tenantSharesSchema
    .optional()
    .describe('tenants at the end, where the pod scheduler decides and the cluster has a Market'),
  market: marketResultSchema
    .optional()
    .describe('at the end, with a file of tenants and --queue teg or a ledger, or where there are shares'),
  series: seriesSchema.optional(),
  explained: explainedSchema.optional(),
  whatIf: whatIfSchema
    .optional()
    .describe('where the run started from a snapshot, or the pod scheduler decided'),
  timing: timingSchema.optional(),
});

const intervalSchema = z.object({
  mean: z.number(),
  low: z.number().nullable().describe('null: one seed says nothing about the spread'),
  high: z.number().nullable(),
});

const comparedPolicySchema = z.object({
  policy: z.string(),
  values: z
    .array(z.number().nullable())
    .describe('one a seed, in the order of `seeds`; null: not there in that run'),
  mean: intervalSchema.nullable(),
  difference: intervalSchema
    .nullable()
    .describe(
      'mean of (this − baseline) over the seeds with its confidence interval; null for the baseline itself',
    ),
  verdict: z
    .enum(['better', 'worse', 'unclear', 'equal', 'baseline'])
    .describe('better and worse only where the interval of the difference does not hold 0'),
});

const comparedMetricSchema = z.object({
  metric: z.string(),
  label: z.string(),
  unit: z.enum(['share', 'seconds', 'ratio', 'count', 'micros']),
  better: z.enum(['lower', 'higher']),
  policies: z.array(comparedPolicySchema).describe('in the order of `policies`'),
});

/** Several policies and seeds on the same arrivals. */
export const comparisonResultSchema = z.object({
  schema: z.literal(COMPARISON_SCHEMA),
  complete: z.boolean(),
  level: z.number().describe('confidence of the intervals (Student t)'),
  baseline: z.string(),
  policies: z.array(z.string()),
  seeds: z.array(z.number()),
  notes: z.array(z.string()).describe('caveats of the numbers'),
  metrics: z.array(comparedMetricSchema),
  runs: z.array(simulationResultSchema).describe('policy by policy, seeds in order'),
});

/** Result of one run. */
export type SimulationResult = z.infer<typeof simulationResultSchema>;
/** Several policies and seeds on the same arrivals. */
export type ComparisonResult = z.infer<typeof comparisonResultSchema>;
/** Percentiles of a quantity that every job has. */
export type Distribution = z.infer<typeof distributionSchema>;
/** Time series of a run. */
export type Series = z.infer<typeof seriesSchema>;
/** Machine-dependent figures of a run. */
export type Timing = z.infer<typeof timingSchema>;
/** One row of a comparison. */
export type ComparedMetric = z.infer<typeof comparedMetricSchema>;
/** One cell of a comparison. */
export type ComparedPolicy = z.infer<typeof comparedPolicySchema>;
