/**
 * The second half of `teg start`: the same jobs once more, in several zones with agents on stale summaries.
 */
import type { FederationTask } from '../../drivers/embedded/federation-task.ts';
import { runZones } from '../../drivers/embedded/federations.ts';
import type { ComparisonTask } from '../../drivers/embedded/simulations.ts';
import type { FederationResult } from '../../simulation/federation/federation-result.ts';
import type { ComparisonResult, SimulationResult } from '../../simulation/metrics/result.ts';
import { CHOOSER_DEFAULT, toZonesTask } from '../federation/zones-options.ts';
import { formatCount, formatDuration, formatFixed, formatPercent } from '../terminal/formatting.ts';
import { interruptSignal } from '../terminal/interrupt.ts';
import { ProgressLine } from '../terminal/progress-line.ts';

/** Nodes of a zone here; and most zones, so that it stays a matter of seconds. */
const NODES_PER_ZONE = 250;
const ZONES_MAX = 8;

/** How often zones publish here. */
const STALENESS_SECONDS = 5;

/**
 * Runs the first seed of the comparison in zones.
 *
 * @returns Lines for people; none where the cluster is too small to divide, or the run was stopped.
 */
export async function runInZones(task: ComparisonTask, result: ComparisonResult): Promise<string[]> {
  const seed = task.seeds[0] as number;
  const single = result.runs.find((run) => run.policy === 'teg' && run.seed === seed);
  if (single === undefined || !single.complete) return [];
  const zones = Math.min(ZONES_MAX, Math.floor(single.cluster.nodes / NODES_PER_ZONE));
  if (zones < 2) return [];
  const line = new ProgressLine(`${zones} zones`, { unit: 'jobs' });
  try {
    const run = await runZones(zonesTask(task, seed, zones), {
      signal: interruptSignal(),
      ...(task.horizonSeconds === undefined ? {} : { horizonSeconds: task.horizonSeconds }),
      onProgress: (p) => line.update(p.jobsArrived, `${formatPercent(p.gpuShare)} of GPUs`, p.jobs),
    });
    return run.complete ? [story(run, single), `again     ${command(task, seed, zones)}`] : [];
  } finally {
    line.finish();
  }
}

function zonesTask(task: ComparisonTask, seed: number, zones: number): FederationTask {
  const { load, repeat, resample, warmupSeconds } = task;
  return {
    cluster: task.cluster,
    jobs: task.jobs,
    seed,
    typical: task.typical ?? 'learned',
    ...toZonesTask({ zones, staleness: STALENESS_SECONDS }),
    ...(task.spooled === undefined ? {} : { spooled: task.spooled }),
    ...(load === undefined ? {} : { load }),
    ...(repeat === undefined ? {} : { repeat }),
    ...(resample === undefined ? {} : { resample }),
    ...(warmupSeconds === undefined ? {} : { warmupSeconds }),
  };
}

function story(run: FederationResult, single: SimulationResult): string {
  const use = (allocation: { gpu: number | null; cpu: number | null }): string =>
    allocation.gpu === null
      ? `${formatPercent(allocation.cpu ?? 0)} of cores`
      : `${formatPercent(allocation.gpu)} of GPUs`;
  const wait = (mean: number | undefined): string => (mean === undefined ? '–' : formatDuration(mean));
  return (
    `Without a global view (seed ${run.seed}): ${run.zones} zones, ${formatCount(run.hosts)} hosts of agents that choose by ` +
    `summaries ${formatDuration(run.age.mean)} old on average (at worst ${formatDuration(run.age.max)}): ` +
    `${use(run.allocationWhileArriving)} in use, mean wait ${wait(run.wait?.mean)}, ` +
    `${run.probes === null ? '' : `${formatFixed(run.probes.mean, 3)} probes a job`}. ` +
    `One zone that sees everything: ${use(single.allocationWhileArriving)}, ${wait(single.wait?.mean)}.`
  );
}

function command(task: ComparisonTask, seed: number, zones: number): string {
  const parts = [
    `bin/teg simulate --cluster ${task.cluster} --jobs ${task.jobs} --seed ${seed}`,
    `--zones ${zones} --staleness ${STALENESS_SECONDS}s --chooser ${CHOOSER_DEFAULT}`,
  ];
  if (task.load !== undefined) parts.push(`--arrival-speed ${task.load}`);
  if (task.repeat !== undefined) parts.push(`--repeat ${task.repeat}`);
  if (task.resample === true) parts.push('--resample');
  if (task.warmupSeconds !== undefined) parts.push(`--warmup ${task.warmupSeconds}`);
  if (task.horizonSeconds !== undefined) parts.push(`--horizon ${task.horizonSeconds}`);
  return parts.join(' ');
}
