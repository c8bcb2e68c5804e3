/** The options of a simulation. */

import type { StrandingTables } from '../../field/stranding-tables.ts';
import type { Accounts } from '../../governor/accounts.ts';
import type { PolicyFactory } from '../../governor/policy/policy.ts';
import type { EffectBuffer } from '../../governor/zone/effects.ts';
import type { Ledger } from '../../market/ledger.ts';
import type { MarketSpec, TenantSpec } from '../../market/tenants/spec.ts';
import type { NodeSpec } from '../../model/node.ts';
import type { DisciplineName, RuntimeKnowledge } from '../queueing/queue-names.ts';
import type { FailureOptions } from './failures.ts';
import type { JobRecords } from './job-log.ts';
import type { JobTable } from './job-table.ts';
import type { PodWorld } from './pod-world.ts';
import type { QueueFigures } from './queue-figures.ts';
import type { RecordedStart } from './recorded-places.ts';

/** Default number of distances between instants of the time series until the last arrival. */
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
  /** Seed of the policy's choices, of failures, of the sampled nodes; its integer part modulo 2^32 counts. */
  readonly seed: number;
  /**
   * The cluster as the pod scheduler sees it, with the pods of every job: then the pod scheduler decides, and the
   * policy only provides the name. Absent: a zone decides. `queue`, `typical` and `retrySeconds` are a zone's.
   */
  readonly world?: PodWorld;
  /** Where the first jobs were when the run starts; absent: it starts from an empty cluster. */
  readonly recorded?: RecordedStart;
  /**
   * Which waiting job starts next. Default best-effort: every job that fits starts. strict-fifo: the first waiting job
   * blocks those behind it. Others: see `../queueing/queues.ts`.
   */
  readonly queue?: DisciplineName;
  /** What queue disciplines are informed of about run times, or predict; default declared: what owners request. */
  readonly runtimes?: RuntimeKnowledge;
  /** Default learned: the policy sees arrivals only. list: it gets the distribution of the whole workload. */
  readonly typical?: 'learned' | 'list';
  /** End of virtual time, > 0; absent: until every job has ended. */
  readonly horizonSeconds?: number;
  /** Events before it count for no mean and no percentile; ≥ 0, default 0. */
  readonly warmupSeconds?: number;
  /** Absent: nodes do not fail. */
  readonly failures?: FailureOptions;
  /** Jobs that lost a node restart (default) or fail; hold: their other pods keep their room meanwhile. See `ZoneOptions`. */
  readonly lostPods?: 'requeue' | 'fail' | 'hold';
  /** Accounts that admit jobs, by the tenants of `jobs`; this run's own. Absent: every job is admitted. */
  readonly accounts?: Accounts;
  /** Tenants whose accounts admit jobs, by name; the result has a part for them. Excludes `accounts` and `world`. */
  readonly tenants?: { readonly market: MarketSpec; readonly tenants: readonly TenantSpec[] };
  /** Where the rents of tenants are written, with queue `teg` or another; empty, and needs `tenants`. Absent: in memory. */
  readonly ledger?: Ledger;
  /** Virtual time between attempts with all waiting jobs, for policies that may miss a node; absent: none. */
  readonly retrySeconds?: number;
  /** Distances of the time series until the last arrival; default SAMPLES_DEFAULT. Fewer than as many rows follow. */
  readonly samples?: number;
  readonly labels?: InputLabels;
  /** Default true. */
  readonly withSeries?: boolean;
  /**
   * True if the distance from an equilibrium is measured, where there are GPUs: some tenths of a second. Default true.
   */
  readonly withEquilibrium?: boolean;
  /** Keeps the tables of prices from one run to the next; the result is the same. Absent: this run builds its own. */
  readonly tables?: StrandingTables;
  /** Microseconds from any origin. Given: the result has `timing`. */
  readonly clockMicros?: () => number;
  /** Largest number of bytes in use so far, read once at the end, for `timing`. */
  readonly memoryBytes?: () => number;
  /** Polled every few hundred events; true ends the run with a partial result. */
  readonly shouldStop?: () => boolean;
  /** Called every few hundred events with the number of jobs that left and the virtual time. */
  readonly onProgress?: (jobsEnded: number, virtualSeconds: number) => void;
  /**
   * Called with the effects of every step of the zone that has any, at the virtual time of the step: the starts of jobs
   * and the nodes of their pods. The buffer is reused and must not be changed.
   */
  readonly onEffects?: (effects: EffectBuffer, nowSeconds: number) => void;
  /** Given: receives the outcome of every job at the end. */
  readonly onJobs?: (records: JobRecords) => void;
  /** Given: the queue is measured at every instant, and the figures arrive here at the end. */
  readonly onQueue?: (figures: QueueFigures) => void;
  /** Index of a job whose reasons are to be kept, see `SimulationResult.explained`. */
  readonly explainJob?: number;
}
