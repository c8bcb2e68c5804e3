/**
 * `teg bench zones`: the same saturating arrivals for every chooser, for one zone that knows everything, and for models
 * of other schedulers.
 */
import { resourceUsage } from 'node:process';
import type { FederationTask } from '../../src/drivers/embedded/federation-task.ts';
import { runZones } from '../../src/drivers/embedded/federations.ts';
import { withSpooledInputs } from '../../src/drivers/embedded/input-spool.ts';
import { runOnWorkers } from '../../src/drivers/embedded/worker-pool.ts';
import type { FederationResult } from '../../src/simulation/federation/federation-result.ts';
import type { PeerResult } from '../peers/peer.ts';
import type { SingleZoneResult } from './single-zone.ts';

/** Options of the benchmark. */
export interface ZonesBenchOptions {
  /** The federation; its chooser does not count. With a saturating workload. */
  readonly task: FederationTask;
  readonly choosers: readonly string[];
  /** Models of other schedulers; see `docs/peers.md`. */
  readonly peers: readonly string[];
  /** Virtual end. */
  readonly horizonSeconds: number;
  readonly workers?: number;
  readonly signal?: AbortSignal;
  /** Called with the current run, and its progress in [0, 1]. */
  readonly onProgress?: (what: string, share: number) => void;
}

/** One row: a chooser, or a model of another scheduler. NaN where a figure has no meaning for it. */
export interface ZonesBenchRow {
  readonly chooser: string;
  readonly nodes: number;
  readonly zones: number;
  readonly stalenessSeconds: number;
  readonly jobs: number;
  /** Proposals (for peers: nodes queried) a placement. */
  readonly probesMean: number;
  readonly probesP99: number;
  /** Refusals for each placement. */
  readonly refusals: number;
  /** See `FederationResult.distance`; null where there is one zone or none. */
  readonly distance: number | null;
  /** Share of all GPUs in use at the end; with lifetimes the mean of the second half. */
  readonly allocation: number;
  /** The same arrivals on one zone that always knows the current state of all nodes. */
  readonly allocationFreshSingleZone: number;
  readonly summaryBytesPerSecond: number;
  readonly summaryBytesPerNodeAndRefresh: number;
  /** Arrival to start, of jobs that started. */
  readonly waitMeanSeconds: number;
  readonly waitP99Seconds: number;
  readonly placedJobs: number;
  readonly waitingJobs: number;
  /** Of the summaries used for the choice. */
  readonly ageMeanSeconds: number;
  readonly ageMaxSeconds: number;
  /** Largest resident set of the process so far. */
  readonly peakMemoryBytes: number;
  readonly wallSeconds: number;
}

/** Options of a reference run; plain data. */
export type ReferenceTask =
  | { readonly kind: 'single-zone'; readonly task: FederationTask; readonly horizonSeconds: number }
  | {
      readonly kind: 'peer';
      readonly name: string;
      readonly task: FederationTask;
      readonly horizonSeconds: number;
    };

/** Its result. */
export type ReferenceResult =
  | { readonly kind: 'single-zone'; readonly result: SingleZoneResult }
  | { readonly kind: 'peer'; readonly result: PeerResult };

const WORKER = new URL('./zones-reference-worker.ts', import.meta.url);

/** Runs everything, one after the other. @returns One row each; fewer if it was stopped. @throws TegError of inputs. */
export async function benchZones(options: ZonesBenchOptions): Promise<ZonesBenchRow[]> {
  return withSpooledInputs(options.task, options.signal, (task) => benchTask({ ...options, task }));
}

async function benchTask(options: ZonesBenchOptions): Promise<ZonesBenchRow[]> {
  const { task, choosers, peers, horizonSeconds, signal, onProgress } = options;
  const rows: ZonesBenchRow[] = [];
  onProgress?.('one fresh zone', 0);
  const single = await reference({ kind: 'single-zone', task, horizonSeconds }, options);
  if (single?.kind !== 'single-zone') return rows;
  const fresh = allocationOf(task, single.result.allocation, single.result.allocationMean);
  for (const chooser of choosers) {
    if (signal?.aborted) return rows;
    const begin = performance.now();
    const result = await runZones(
      { ...task, chooser },
      {
        horizonSeconds,
        sampleSeconds: Math.max(0.1, horizonSeconds / 200),
        ...(options.workers === undefined ? {} : { workers: options.workers }),
        ...(signal === undefined ? {} : { signal }),
        onProgress: (p) => onProgress?.(chooser, p.virtualSeconds / horizonSeconds),
      },
    );
    if (!result.complete) return rows;
    rows.push(rowOf(task, result, fresh, (performance.now() - begin) / 1000));
  }
  for (const name of peers) {
    if (signal?.aborted) return rows;
    onProgress?.(name, 0);
    const begin = performance.now();
    const peer = await reference({ kind: 'peer', name, task, horizonSeconds }, options);
    if (peer?.kind === 'peer') {
      rows.push(peerRow(task, peer.result, fresh, (performance.now() - begin) / 1000));
    }
  }
  return rows;
}

async function reference(
  task: ReferenceTask,
  options: ZonesBenchOptions,
): Promise<ReferenceResult | undefined> {
  const [result] = await runOnWorkers<ReferenceTask, ReferenceResult>({
    url: WORKER,
    tasks: [task],
    workers: 1,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  return result;
}

function allocationOf(task: FederationTask, atEnd: number, mean: number): number {
  return Number.isFinite(task.saturation?.lifetimeSeconds ?? Number.NaN) ? mean : atEnd;
}

function rowOf(
  task: FederationTask,
  result: FederationResult,
  fresh: number,
  wallSeconds: number,
): ZonesBenchRow {
  const late = result.series.slice(Math.floor(result.series.length / 2));
  const mean = late.reduce((sum, sample) => sum + (sample.gpu ?? 0), 0) / late.length;
  return {
    chooser: result.chooser,
    nodes: result.nodes,
    zones: result.zones,
    stalenessSeconds: result.stalenessSeconds,
    jobs: result.jobs.arrived,
    probesMean: result.probes?.mean ?? Number.NaN,
    probesP99: result.probes?.p99 ?? Number.NaN,
    refusals: result.refusals,
    distance: result.distance,
    allocation: allocationOf(task, result.allocationAtEnd.gpu ?? 0, mean),
    allocationFreshSingleZone: fresh,
    summaryBytesPerSecond: result.traffic.summaryBytesPerSecond,
    summaryBytesPerNodeAndRefresh: result.traffic.summaryBytesPerNodeAndRefresh,
    waitMeanSeconds: result.wait?.mean ?? Number.NaN,
    waitP99Seconds: result.wait?.p99 ?? Number.NaN,
    placedJobs: result.jobs.placed,
    waitingJobs: result.jobs.waiting,
    ageMeanSeconds: result.age.mean,
    ageMaxSeconds: result.age.max,
    peakMemoryBytes: resourceUsage().maxRSS * 1024,
    wallSeconds,
  };
}

function peerRow(task: FederationTask, peer: PeerResult, fresh: number, wallSeconds: number): ZonesBenchRow {
  return {
    chooser: peer.name,
    nodes: 0,
    zones: 0,
    stalenessSeconds: task.options.publishSeconds ?? 1,
    jobs: peer.decisions,
    probesMean: peer.probesMean,
    probesP99: peer.probesP99,
    refusals: peer.refusals,
    distance: null,
    allocation: allocationOf(task, peer.allocation, peer.allocationMean),
    allocationFreshSingleZone: fresh,
    summaryBytesPerSecond: 0,
    summaryBytesPerNodeAndRefresh: 0,
    waitMeanSeconds: peer.delayMeanSeconds,
    waitP99Seconds: peer.delayP99Seconds,
    placedJobs: peer.placedPods,
    waitingJobs: peer.waitingAtEnd,
    ageMeanSeconds: Number.NaN,
    ageMaxSeconds: Number.NaN,
    peakMemoryBytes: resourceUsage().maxRSS * 1024,
    wallSeconds,
  };
}
