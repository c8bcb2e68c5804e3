/**
 * One run of a federation: windows of virtual time over a team of shards, and the result.
 *
 * The team is an interface, so that the same loop drives shards in this thread and on worker threads (`drivers/embedded`).
 */
import { GPU_MILLI } from '../../model/node.ts';
import { compareEnvelopes, type Envelope } from './network.ts';
import { Shard, type ShardOptions, type ShardStatus } from './shard.ts';
import type { ShardMetrics } from './shard-metrics.ts';

/** Progress and end of a run. */
export interface FederationRunOptions {
  /** Virtual end; default: when all finite jobs have ended. */
  readonly horizonSeconds?: number;
  /** Virtual time between two samples of the use; default 1. */
  readonly sampleSeconds?: number;
  readonly shouldStop?: () => boolean;
  /** Called at every sample. */
  readonly onProgress?: (progress: FederationProgress) => void;
}

/** The work of a team. */
export interface FederationFacts {
  readonly nodes: number;
  readonly jobs: number;
  /** Milli-GPU and thousandths of a core of all nodes. */
  readonly capacityGpuMilli: number;
  readonly capacityCpuMilli: number;
  readonly publishSeconds: number;
  readonly arrivalsEndSeconds: number;
  /** Longest window of all shards together: no message is faster. Infinity: there is one shard, which sees to its own. */
  readonly windowSecondsMax: number;
}

/** Progress of a run. */
export interface FederationProgress {
  readonly virtualSeconds: number;
  readonly jobsArrived: number;
  readonly jobsEnded: number;
  readonly jobs: number;
  readonly gpuShare: number;
}

/** Shards that run side by side. */
export interface ShardTeam {
  readonly facts: FederationFacts;
  /**
   * Lets all shards run until then, then exchanges their envelopes. @returns Their states, and the time of the next
   * event.
   */
  window(untilSeconds: number): Promise<{ statuses: readonly ShardStatus[]; nextSeconds: number }>;
  /** @returns All measurements, added up. */
  finish(): Promise<ShardMetrics>;
}

/** One sample of the use. */
export interface FederationSample {
  readonly timeSeconds: number;
  readonly runningGpuMilli: number;
  readonly runningCpuMilli: number;
}

/** Result of a run. */
export interface FederationOutcome {
  readonly ended: 'drained' | 'horizon' | 'stalled' | 'interrupted';
  readonly endSeconds: number;
  readonly samples: readonly FederationSample[];
  readonly metrics: ShardMetrics;
  readonly facts: FederationFacts;
}

/** Refresh periods without a start or an end, and the least time, after which nothing more will happen. */
const STALL_PERIODS = 60;
const STALL_SECONDS_MIN = 60;

/** Runs to the end. @throws TegError as the team. */
export async function runFederation(
  team: ShardTeam,
  options: FederationRunOptions = {},
): Promise<FederationOutcome> {
  const { facts } = team;
  const { onProgress } = options;
  const horizon = options.horizonSeconds ?? Number.POSITIVE_INFINITY;
  const sampleSeconds = options.sampleSeconds ?? 1;
  const stall = Math.max(STALL_SECONDS_MIN, STALL_PERIODS * facts.publishSeconds);
  const samples: FederationSample[] = [];
  let now = 0;
  let nextSample = sampleSeconds;
  /** Nothing happens before. */
  let quietUntil = 0;
  let ended: FederationOutcome['ended'] = 'horizon';
  while (now < horizon) {
    now = Math.min(quietUntil + facts.windowSecondsMax, nextSample, horizon);
    const { statuses, nextSeconds } = await team.window(now);
    quietUntil = Math.max(now, Math.min(nextSeconds, nextSample, horizon));
    if (now >= nextSample || now >= horizon) {
      const sample = sampleOf(now, statuses);
      samples.push(sample);
      nextSample += sampleSeconds;
      onProgress?.(progressOf(sample, statuses, facts));
      if (options.shouldStop?.() === true) {
        ended = 'interrupted';
        break;
      }
      const rest = restOf(statuses, facts.jobs, now, stall);
      if (rest !== undefined) {
        ended = rest;
        break;
      }
    }
  }
  return { ended, endSeconds: now, samples, metrics: await team.finish(), facts };
}

/**
 * Lets a single shard run for any length: its windows need no other shard.
 *
 * @returns Time of the next event.
 */
export function runAlone(shard: Shard, untilSeconds: number, delayMinSeconds: number): number {
  for (;;) {
    const envelopes = shard.takeOutgoing(0);
    shard.deliver(envelopes.sort(compareEnvelopes));
    const next = shard.nextSeconds();
    if (next >= untilSeconds) return next;
    shard.run(Math.min(next + delayMinSeconds, untilSeconds));
  }
}

/** Runs all shards in this thread. */
export class LocalTeam implements ShardTeam {
  readonly facts: FederationFacts;
  readonly shards: readonly Shard[];
  private readonly delayMinSeconds: number;

  /** @param count Shards, ≥ 1: the result does not depend on it. */
  constructor(options: Omit<ShardOptions, 'index' | 'count'>, count: number) {
    this.facts = federationFacts(options, count);
    this.delayMinSeconds = options.network.delayMinSeconds;
    this.shards = Array.from({ length: count }, (_, index) => new Shard({ ...options, index, count }));
  }

  async window(untilSeconds: number): Promise<{ statuses: readonly ShardStatus[]; nextSeconds: number }> {
    const { shards } = this;
    const [only] = shards;
    if (shards.length === 1 && only !== undefined) {
      const next = runAlone(only, untilSeconds, this.delayMinSeconds);
      return { statuses: [only.status()], nextSeconds: next };
    }
    for (const shard of shards) shard.run(untilSeconds);
    let nextSeconds = Number.POSITIVE_INFINITY;
    shards.forEach((shard, index) => {
      const envelopes: Envelope[] = shards.flatMap((other) => other.takeOutgoing(index));
      shard.deliver(envelopes.sort(compareEnvelopes));
      nextSeconds = Math.min(nextSeconds, shard.nextSeconds());
    });
    return { statuses: shards.map((shard) => shard.status()), nextSeconds };
  }

  async finish(): Promise<ShardMetrics> {
    const [first, ...others] = this.shards.map((shard) => shard.finish());
    const sum = first as ShardMetrics;
    for (const other of others) sum.merge(other);
    return sum;
  }
}

/** @returns The work of a team of n shards. O(nodes). */
export function federationFacts(
  { world, jobs, network }: Omit<ShardOptions, 'index' | 'count'>,
  shards: number,
): FederationFacts {
  let capacityGpuMilli = 0;
  let capacityCpuMilli = 0;
  for (const node of world.nodes) {
    capacityGpuMilli += node.gpuCount * GPU_MILLI;
    capacityCpuMilli += node.cpuMilli;
  }
  return {
    nodes: world.nodes.length,
    jobs: jobs.count,
    capacityGpuMilli,
    capacityCpuMilli,
    publishSeconds: world.options.publishSeconds,
    arrivalsEndSeconds: jobs.spanSeconds,
    windowSecondsMax: shards === 1 ? Number.POSITIVE_INFINITY : network.delayMinSeconds,
  };
}

function sampleOf(timeSeconds: number, statuses: readonly ShardStatus[]): FederationSample {
  let runningGpuMilli = 0;
  let runningCpuMilli = 0;
  for (const status of statuses) {
    runningGpuMilli += status.runningGpuMilli;
    runningCpuMilli += status.runningCpuMilli;
  }
  return { timeSeconds, runningGpuMilli, runningCpuMilli };
}

function progressOf(
  sample: FederationSample,
  statuses: readonly ShardStatus[],
  { jobs, capacityGpuMilli }: FederationFacts,
): FederationProgress {
  const toCome = statuses.reduce((sum, status) => sum + status.jobsToCome, 0);
  return {
    virtualSeconds: sample.timeSeconds,
    jobsArrived: jobs - toCome,
    jobsEnded: statuses.reduce((sum, status) => sum + status.jobsEnded, 0),
    jobs,
    gpuShare: capacityGpuMilli > 0 ? sample.runningGpuMilli / capacityGpuMilli : 0,
  };
}

/** @returns Why a run is over, if it is. */
function restOf(
  statuses: readonly ShardStatus[],
  jobs: number,
  now: number,
  stall: number,
): 'drained' | 'stalled' | undefined {
  let toCome = 0;
  let finiteRuns = 0;
  let ended = 0;
  let progressAt = Number.NEGATIVE_INFINITY;
  for (const status of statuses) {
    toCome += status.jobsToCome;
    finiteRuns += status.finiteRuns;
    ended += status.jobsEnded;
    progressAt = Math.max(progressAt, status.progressAt);
  }
  if (toCome > 0 || finiteRuns > 0) return undefined;
  if (ended === jobs) return 'drained';
  return now - progressAt > stall ? 'stalled' : undefined;
}
