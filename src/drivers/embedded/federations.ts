/**
 * Runs of many zones: on one thread or on several, with the same result.
 */
import { availableParallelism } from 'node:os';
import { federationOptions } from '../../governor/federation/federation-options.ts';
import type { FederationResult } from '../../simulation/federation/federation-result.ts';
import { federationResult } from '../../simulation/federation/federation-result.ts';
import { type FederationProgress, runFederation } from '../../simulation/federation/federation-run.ts';
import type { FederationTask } from './federation-task.ts';
import { withSpooledInputs } from './input-spool.ts';
import { WorkerTeam } from './shard-team.ts';

/** How to run. */
export interface FederationRun {
  /** Threads; default as many as the machine runs at once, and no more than groups of zones. */
  readonly workers?: number;
  readonly horizonSeconds?: number;
  readonly sampleSeconds?: number;
  /** Once aborted, the run ends with the results so far. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: FederationProgress) => void;
  readonly onWarnings?: (warnings: readonly string[]) => void;
}

/**
 * Runs one federation.
 *
 * @returns The same whatever the number of workers; `complete: false` if it was stopped through `signal`.
 * @throws TegError of inputs and options.
 */
export async function runZones(task: FederationTask, run: FederationRun = {}): Promise<FederationResult> {
  return withSpooledInputs(task, run.signal, (spooled) => runTeam(spooled, run));
}

async function runTeam(task: FederationTask, run: FederationRun): Promise<FederationResult> {
  const options = federationOptions(task.options);
  const groups = Math.ceil(task.zones / options.fanOut);
  const workers = Math.max(1, Math.min(run.workers ?? availableParallelism(), groups));
  const team = await WorkerTeam.start(task, workers);
  try {
    run.onWarnings?.(team.warnings);
    const outcome = await runFederation(team, {
      ...(run.horizonSeconds === undefined ? {} : { horizonSeconds: run.horizonSeconds }),
      sampleSeconds: run.sampleSeconds ?? sampleSecondsFor(team.facts.arrivalsEndSeconds),
      shouldStop: () => run.signal?.aborted === true,
      ...(run.onProgress === undefined ? {} : { onProgress: run.onProgress }),
    });
    return federationResult(outcome, {
      cluster: task.cluster,
      workload: task.jobs,
      seed: task.seed,
      chooser: task.chooser,
      zones: task.zones,
      hosts: task.hosts ?? task.zones,
      stalenessSeconds: options.publishSeconds,
      arrivalsEndSeconds: team.facts.arrivalsEndSeconds,
      warmupSeconds: task.warmupSeconds ?? 0,
    });
  } finally {
    await team.close();
  }
}

/** Least number of samples of a run; and the finest spacing. */
const SAMPLES_MIN = 2000;
const SAMPLE_SECONDS_MIN = 0.1;

function sampleSecondsFor(spanSeconds: number): number {
  return Math.max(SAMPLE_SECONDS_MIN, spanSeconds / SAMPLES_MIN);
}
