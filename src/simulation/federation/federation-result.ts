/**
 * The result of a run with many zones: the only shape of it, in the program and in JSON.
 */
import { z } from 'zod';
import type { FederationOutcome, FederationSample } from './federation-run.ts';

/** Instants of the series until the last arrival, at most, and after it. */
const SERIES_MAX = 200;

const share = z.number().min(0).max(1);
const seconds = z.number().min(0);

/** Schema of `FederationResult`. */
export const federationResultSchema = z.object({
  cluster: z.string().describe('As it was named.'),
  workload: z.string().describe('As it was named.'),
  seed: z.number().int(),
  chooser: z.string().describe('How agents choose their zone.'),
  zones: z.number().int().min(1),
  hosts: z.number().int().min(1).describe('Agent hosts.'),
  stalenessSeconds: z.number().positive().describe('How often every zone and summary node publishes.'),
  complete: z.boolean().describe('Whether it ran to its end.'),
  ended: z.enum(['drained', 'horizon', 'stalled', 'interrupted']),
  endSeconds: seconds.describe('Virtual time at the end.'),
  nodes: z.number().int(),
  jobs: z.object({
    arrived: z.number().int(),
    placed: z.number().int().describe('Started at least once.'),
    starts: z.number().int().describe('Starts, restarts included.'),
    ended: z.number().int(),
    waiting: z.number().int().describe('Waiting or deciding at the end.'),
  }),
  allocation: z
    .object({ gpu: share.nullable(), cpu: share.nullable() })
    .describe('Mean share in use over all samples; null where there is none of it.'),
  allocationWhileArriving: z
    .object({ gpu: share.nullable(), cpu: share.nullable() })
    .describe('The same until the last arrival.'),
  allocationAtEnd: z.object({ gpu: share.nullable(), cpu: share.nullable() }),
  wait: z
    .object({ mean: seconds, p50: seconds, p90: seconds, p99: seconds, max: seconds })
    .nullable()
    .describe('Arrival to the news of the first start; null if nothing started.'),
  probes: z
    .object({ mean: z.number(), p50: z.number(), p99: z.number() })
    .nullable()
    .describe('Proposals that a placement took, the one that succeeded included.'),
  refusals: z.number().min(0).describe('Proposals refused, for each placement.'),
  unanswered: z.number().int().describe('Proposals without an answer.'),
  migrations: z.number().int().describe('Jobs moved between zones while they ran.'),
  escrowsExpired: z.number().int().describe('Offers that were not confirmed in time.'),
  distance: z
    .number()
    .nullable()
    .describe(
      'Mean distance in zones between placements of one shape from one host, over a third of the zones (the value under random choice).',
    ),
  moved: share.nullable().describe('Share of such placements that went to another zone than the last one.'),
  age: z
    .object({ mean: seconds, max: seconds })
    .describe('Age of the oldest part of the data that was chosen by.'),
  traffic: z.object({
    messages: z.number().int(),
    summaryBytesPerSecond: z.number().describe('Summaries and boards, whole cluster.'),
    summaryBytesPerNodeAndRefresh: z.number(),
    jobBytesPerSecond: z.number(),
  }),
  series: z.array(z.object({ timeSeconds: seconds, gpu: share.nullable(), cpu: share.nullable() })),
});

/** Result of a run with many zones. */
export type FederationResult = z.infer<typeof federationResultSchema>;

/** Facts that the outcome lacks. */
export interface FederationLabels {
  readonly cluster: string;
  readonly workload: string;
  readonly seed: number;
  readonly chooser: string;
  readonly zones: number;
  readonly hosts: number;
  readonly stalenessSeconds: number;
  /** Time of the last arrival. */
  readonly arrivalsEndSeconds: number;
  /** Use before is left out, as are waits of jobs that arrived before. */
  readonly warmupSeconds: number;
}

/** @returns The result of an outcome. */
export function federationResult(outcome: FederationOutcome, labels: FederationLabels): FederationResult {
  const { metrics, samples, facts, endSeconds } = outcome;
  const { hosts, traffic } = metrics;
  const { arrivalsEndSeconds, warmupSeconds, ...named } = labels;
  const elapsed = Math.max(endSeconds, Number.MIN_VALUE);
  const refreshes = elapsed / labels.stalenessSeconds;
  const warm = samples.filter((sample) => sample.timeSeconds >= warmupSeconds);
  const arriving = warm.filter((sample) => sample.timeSeconds <= arrivalsEndSeconds);
  const last = samples.slice(-1);
  const placed = metrics.firstStarts;
  return {
    ...named,
    complete: outcome.ended !== 'interrupted',
    ended: outcome.ended,
    endSeconds,
    nodes: facts.nodes,
    jobs: {
      arrived: metrics.arrived,
      placed,
      starts: metrics.starts,
      ended: metrics.ended,
      waiting: metrics.waitingAtEnd,
    },
    allocation: meanUse(warm, outcome),
    allocationWhileArriving: meanUse(arriving.length > 0 ? arriving : last, outcome),
    allocationAtEnd: meanUse(last, outcome),
    wait: metrics.waits.count === 0 ? null : waitsOf(outcome),
    probes:
      hosts.placements === 0
        ? null
        : { mean: hosts.probesMean, p50: hosts.probesQuantile(0.5), p99: hosts.probesQuantile(0.99) },
    refusals: hosts.placements === 0 ? 0 : hosts.refusals / hosts.placements,
    unanswered: hosts.unanswered,
    migrations: hosts.migrations,
    escrowsExpired: metrics.escrowsExpired,
    distance:
      hosts.successors === 0 || labels.zones === 1
        ? null
        : hosts.distanceSum / hosts.successors / (labels.zones / 3),
    moved: hosts.successors === 0 ? null : hosts.moved / hosts.successors,
    age: { mean: hosts.proposals === 0 ? 0 : hosts.ageMicros / hosts.proposals / 1e6, max: hosts.ageMax },
    traffic: {
      messages: traffic.messages,
      summaryBytesPerSecond: traffic.summaryBytes / elapsed,
      summaryBytesPerNodeAndRefresh: traffic.summaryBytes / refreshes / facts.nodes,
      jobBytesPerSecond: traffic.jobBytes / elapsed,
    },
    series: seriesOf(samples, arrivalsEndSeconds).map((sample) => ({
      timeSeconds: sample.timeSeconds,
      ...meanUse([sample], outcome),
    })),
  };
}

function waitsOf({ metrics }: FederationOutcome): NonNullable<FederationResult['wait']> {
  return {
    mean: metrics.waitMicros / metrics.waits.count / 1e6,
    p50: metrics.waitQuantile(0.5),
    p90: metrics.waitQuantile(0.9),
    p99: metrics.waitQuantile(0.99),
    max: metrics.waitQuantile(1),
  };
}

function meanUse(
  samples: readonly FederationSample[],
  { facts }: FederationOutcome,
): { gpu: number | null; cpu: number | null } {
  let gpu = 0;
  let cpu = 0;
  for (const sample of samples) {
    gpu += sample.runningGpuMilli;
    cpu += sample.runningCpuMilli;
  }
  const per = (sum: number, capacity: number): number | null =>
    capacity === 0 || samples.length === 0 ? null : sum / samples.length / capacity;
  return { gpu: per(gpu, facts.capacityGpuMilli), cpu: per(cpu, facts.capacityCpuMilli) };
}

/** Instants after the last arrival do not reduce the number before it, however long that part is. */
function seriesOf(samples: readonly FederationSample[], arrivalsEndSeconds: number): FederationSample[] {
  const after = samples.findIndex(({ timeSeconds }) => timeSeconds > arrivalsEndSeconds);
  const end = after < 0 ? samples.length : after;
  return [...thinned(samples.slice(0, end)), ...thinned(samples.slice(end))];
}

function thinned(samples: readonly FederationSample[]): FederationSample[] {
  const stride = Math.ceil(samples.length / SERIES_MAX);
  return samples.filter((_, i) => (samples.length - 1 - i) % Math.max(1, stride) === 0);
}
