/**
 * The common interface of all schedulers that TEG's zones are compared with: their inputs, and their results.
 *
 * A peer is a model of another scheduler's decisions, over the same nodes and the same arrivals, in virtual time. It is
 * not that scheduler: docs/peers.md says of each what is modelled, from which source, and what is left out.
 */
import { TegError } from '../../src/model/errors.ts';
import type { NodeSpec } from '../../src/model/node.ts';
import type { JobTable } from '../../src/simulation/inputs/job-table.ts';

/** One run of a peer. */
export interface PeerOptions {
  /** At least one; all stay up. */
  readonly nodes: readonly NodeSpec[];
  /** The demand table is the jobs' own. */
  readonly jobs: JobTable;
  /** Any finite number. */
  readonly seed: number;
  /** End of the run; finite, > 0. Later arrivals are ignored. */
  readonly horizonSeconds: number;
  /** One-way message delay, mean; ≥ 0. Half of it is constant, half exponential. */
  readonly delaySeconds: number;
  /** Period at which stale views are refreshed; > 0, and at most REFRESHES_MAX periods a run. */
  readonly stalenessSeconds: number;
  /** Polled every few thousand events; true ends the run with TEG_INTERRUPTED. */
  readonly shouldStop?: () => boolean;
  /** Called for every pod that gets a place: its job, its number in the job, its node, and its start time there. */
  readonly onStart?: (job: number, member: number, node: number, startSeconds: number) => void;
}

/** Results of a run. Shares in [0, 1]; means and quantiles of an empty set are 0. */
export interface PeerResult {
  readonly name: string;
  /** Attempts to decide about a job, those without success too. Sparrow: requests of nodes that were answered. */
  readonly decisions: number;
  readonly placedPods: number;
  /** Nodes that were queried or sampled for a placed job. `central`: 1. */
  readonly probesMean: number;
  readonly probesP99: number;
  /** Answers "no longer fits", rejected plans, full queues; per placed job. */
  readonly refusals: number;
  /** GPU share in use at the end, and its time mean over the second half of the horizon. */
  readonly allocation: number;
  readonly allocationMean: number;
  /** From a job's arrival until all its pods have been started, of jobs placed. */
  readonly delayMeanSeconds: number;
  readonly delayP50Seconds: number;
  readonly delayP99Seconds: number;
  readonly delayMaxSeconds: number;
  /** Jobs that had arrived and were not placed. */
  readonly waitingAtEnd: number;
}

/** A peer by its name. */
export interface PeerEntry {
  readonly name: string;
  readonly description: string;
  /** A pure function of its options. @throws TegError TEG_OPTION_INVALID, TEG_CLUSTER_INVALID, TEG_INTERRUPTED. */
  readonly run: (options: PeerOptions) => PeerResult;
}

/** Most refreshes of a stale view in one run. */
export const REFRESHES_MAX = 10_000_000;

/** @throws TegError TEG_OPTION_INVALID or TEG_CLUSTER_INVALID unless the options allow a run. */
export function checkPeerOptions(options: PeerOptions): void {
  const { nodes, seed, horizonSeconds, delaySeconds, stalenessSeconds } = options;
  if (nodes.length === 0) {
    throw new TegError('TEG_CLUSTER_INVALID', 'got no nodes; expected at least one: name another cluster');
  }
  requireNumberOption('seed', seed, Number.isFinite(seed), 'a finite number');
  requireNumberOption('horizonSeconds', horizonSeconds, horizonSeconds > 0, 'a finite number above 0');
  requireNumberOption('delaySeconds', delaySeconds, delaySeconds >= 0, 'a finite number of at least 0');
  requireNumberOption(
    'stalenessSeconds',
    stalenessSeconds,
    stalenessSeconds * REFRESHES_MAX >= horizonSeconds,
    `a finite number above 0, and at least ${1 / REFRESHES_MAX} of the horizon`,
  );
}

/** @throws TegError TEG_OPTION_INVALID unless `holds` and the value is finite. */
export function requireNumberOption(what: string, value: number, holds: boolean, expected: string): void {
  if (holds && Number.isFinite(value)) return;
  throw new TegError('TEG_OPTION_INVALID', `${what}: got ${value}; expected ${expected}: correct it`);
}

/** @throws TegError TEG_OPTION_INVALID unless `value` is an integer in [lower, upper]. */
export function requireIntegerOption(what: string, value: number, lower: number, upper: number): void {
  const holds = Number.isInteger(value) && value >= lower && value <= upper;
  requireNumberOption(what, value, holds, `an integer in [${lower}, ${upper}]`);
}
