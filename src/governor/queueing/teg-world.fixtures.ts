/** A small cluster in virtual time under the TEG queue. */
import { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Accounts } from '../accounts.ts';
import type { QueuedJob } from '../zone/queue-discipline.ts';
import { FirstFit, makeCluster } from '../zone/zone.fixtures.ts';
import { Zone } from '../zone/zone.ts';
import { JobState, ZoneEventKind, type ZoneOptions } from '../zone/zone-events.ts';
import type { HeadroomClaims } from './headroom.ts';
import { TegQueue } from './teg-queue.ts';
import type { TegQueueOptions } from './teg-queue-options.ts';
import type { TenantOrder } from './turn-order.ts';

/** Demand 4: one GPU. Kind 2: four GPUs. */
const ONE_GPU = 4;

interface WorldOptions extends TegQueueOptions {
  readonly nodes?: readonly number[];
  readonly order?: TenantOrder;
  readonly accounts?: Accounts;
  /** Accounts of its cluster, and what keeps headroom in them. */
  readonly economy?: (cluster: ClusterState) => { accounts: Accounts; headroom?: HeadroomClaims };
  readonly limits?: ZoneOptions;
}

/** Of a job that is submitted. */
interface JobDetails extends Partial<Omit<QueuedJob, 'demand'>> {
  /** Its number in the table; default: one GPU. */
  readonly demand?: number;
}

/** Jobs end by themselves. */
export class World {
  readonly queue: TegQueue;
  readonly zone: Zone;
  readonly cluster: ClusterState;
  time = 0;
  readonly starts = new Map<number, number>();
  private readonly ends: { at: number; job: number }[] = [];
  private readonly durations = new Map<number, number>();

  constructor({ nodes = [2], order, accounts, economy, limits = {}, ...options }: WorldOptions = {}) {
    const cluster = makeCluster(nodes);
    this.cluster = cluster;
    const { headroom, accounts: made } = economy?.(cluster) ?? {};
    const has = headroom === undefined ? {} : { headroom };
    this.queue = new TegQueue(new RuntimeEstimates(), order, { ...options, ...has });
    this.zone = new Zone(cluster, new FirstFit(cluster), limits, accounts ?? made, this.queue);
  }

  /** Submits now. @param expects Absent: it expects its duration. */
  submit(job: number, gpus: number, seconds: number, more: JobDetails = {}): void {
    this.durations.set(job, seconds);
    const { expectedSeconds = seconds, priority = 0, tenant = 0, demand = ONE_GPU } = more;
    this.zone.step(
      {
        kind: ZoneEventKind.JobSubmitted,
        job,
        demandId: demand,
        podCount: gpus,
        gangMin: gpus,
        priority,
        tenant,
        ...(Number.isNaN(expectedSeconds) ? {} : { expectedSeconds }),
      },
      this.time,
    );
  }

  /** One pass now. */
  tick(): void {
    const waiting: number[] = [];
    this.zone.forEachWaitingJob((job) => waiting.push(job));
    this.zone.step({ kind: ZoneEventKind.Tick }, this.time);
    for (const job of waiting) {
      if (this.zone.stateOf(job) !== JobState.Running) continue;
      this.starts.set(job, this.time);
      this.ends.push({ at: this.time + (this.durations.get(job) as number), job });
    }
    this.ends.sort((a, b) => a.at - b.at || a.job - b.job);
  }

  /** Lets time pass, with a pass after the ends of each instant and where the queue asks for one. */
  runTo(time: number): void {
    for (;;) {
      const at = Math.min(
        this.ends[0]?.at ?? Infinity,
        this.zone.dueSeconds > this.time ? this.zone.dueSeconds : Infinity,
      );
      if (at > time) break;
      this.time = at;
      while (this.ends[0]?.at === at) {
        this.zone.step(
          { kind: ZoneEventKind.JobFinished, job: (this.ends.shift() as { job: number }).job },
          at,
        );
      }
      this.tick();
    }
    this.time = time;
  }
}
