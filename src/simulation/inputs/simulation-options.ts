/**
 * What a simulation is given.
 */

import type { Accounts } from '../../governor/accounts.ts';
import type { PolicyFactory } from '../../governor/policy/policy.ts';
import type { EffectBuffer } from '../../governor/zone/effects.ts';
import type { NodeSpec } from '../../model/node.ts';
import type { EquilibriumPrices } from '../equilibrium/equilibrium-prices.ts';
import type { FailureOptions } from './failures.ts';
import type { JobRecords } from './job-log.ts';
import type { JobTable } from './job-table.ts';
import type { PodWorld } from './pod-world.ts';
import type { RecordedStart } from './recorded-places.ts';

/** Distances between instants of the time series until the last arrival, unless the caller says otherwise. */
export const SAMPLES_DEFAULT = 200;

/** Where the inputs came from; only echoed in the result. */
export interface InputLabels {
  readonly cluster: string;
  readonly workload: string;
  /** As given to `JobTableBuilder.build`. */
  readonly load: number;
  readonly repeat: number;
  readonly resampled: boolean;
}

/** One simulation. */
export interface SimulationOptions {
  /** At least one; names unique. */
  readonly nodes: readonly NodeSpec[];
  /** Not changed; may serve several simulations, also at once. */
  readonly jobs: JobTable;
  readonly policy: { readonly name: string; readonly create: PolicyFactory };
  /** Of the policy's choices, of failures, of which nodes are sampled; its integer part modulo 2^32 counts. */
  readonly seed: number;
  /**
   * The cluster as the pod scheduler sees it, with the pods of every job: then that decides, and the policy only lends its name. Absent: a
   * zone decides. `queue`, `typical` and `retrySeconds` are a zone's.
   */
  readonly world?: PodWorld;
  /** Where the first jobs were when the run starts; absent: it starts from an empty cluster. */
  readonly recorded?: RecordedStart;
  /** Default best-effort: whatever fits starts. strict-fifo: the first waiting job blocks those behind it. */
  readonly queue?: 'best-effort' | 'strict-fifo';
  /** Default learned: the policy sees arrivals only. list: it is told the distribution of the whole workload. */
  readonly typical?: 'learned' | 'list';
  /** End of virtual time, > 0; absent: until every job has ended. */
  readonly horizonSeconds?: number;
  /** What happens before counts for no mean and no percentile; ≥ 0, default 0. */
  readonly warmupSeconds?: number;
  /** Absent: nodes do not fail. */
  readonly failures?: FailureOptions;
  /** Jobs that lost a node start anew (default) or fail. */
  readonly lostPods?: 'requeue' | 'fail';
  /** Who admits jobs, by the tenants of `jobs`; this run's own. Absent: everybody is admitted. */
  readonly accounts?: Accounts;
  /** Virtual time between attempts with everything that waits, for policies that may overlook a node; absent: none. */
  readonly retrySeconds?: number;
  /** Distances of the time series until the last arrival; default SAMPLES_DEFAULT. Fewer than as many rows follow. */
  readonly samples?: number;
  readonly labels?: InputLabels;
  /** Default true. */
  readonly withSeries?: boolean;
  /** Whether the distance from an equilibrium is measured, where there are GPUs: some tenths of a second. Default true. */
  readonly withEquilibrium?: boolean;
  /** Keeps the prices for that from one run to the next with the same cluster and workload. */
  readonly equilibriumPrices?: EquilibriumPrices;
  /** Microseconds from any origin. Given: the result has `timing`. */
  readonly clockMicros?: () => number;
  /** Largest number of bytes in use so far, asked once at the end, for `timing`. */
  readonly memoryBytes?: () => number;
  /** Asked every few hundred events; true ends the run with a partial result. */
  readonly shouldStop?: () => boolean;
  /** Told every few hundred events how many jobs left and what virtual time it is. */
  readonly onProgress?: (jobsEnded: number, virtualSeconds: number) => void;
  /**
   * Called with the effects of every step of the zone that has any, at the virtual time of the step: when each job started
   * and where its pods went. The buffer is reused and must not be changed.
   */
  readonly onEffects?: (effects: EffectBuffer, nowSeconds: number) => void;
  /** Given: told at the end what became of every job. */
  readonly onJobs?: (records: JobRecords) => void;
  /** Index of a job whose reasons are to be kept, see `SimulationResult.explained`. */
  readonly explainJob?: number;
}
