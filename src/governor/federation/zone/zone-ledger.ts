/**
 * A zone governor's record of each job that holds capacity in its zone: host, offer, deadline.
 *
 * Jobs have the caller's numbers outside and small local numbers inside (dense, reused), so that a zone's tables grow
 * with the jobs that it holds and not with those that the cluster has ever seen.
 *
 *     Free ──stand──▶ Standing ──grant──▶ Escrow ──confirm──▶ Running
 *      ▲ └──────────hold (stand and grant at once)──▲             │
 *      └───────────drop: withdrawn, let go, expired, ended────────┘
 *
 * A row, column by column, is a `LedgerRow`.
 */

import { assert } from '../../../kernel/assert.ts';
import { grown } from '../../../kernel/grown.ts';
import type { Demand } from '../../../model/demand.ts';

/** Local jobs that a new ledger has room for. */
const CAPACITY_FIRST = 64;

/** The state of a local number. `Standing`: the job waits in the zone and holds nothing. */
export const HoldState = { Free: 0, Escrow: 1, Running: 2, Standing: 3 } as const;

/** What the columns say of one local number. In force from `Standing` on; amounts and offer from `Escrow` on. */
export interface LedgerRow {
  /** A `HoldState`. */
  readonly states: number;
  /** The caller's number of the job, and the host's number of the attempt that was answered last. */
  readonly jobs: number;
  readonly attempts: number;
  /** Process of the agent host. */
  readonly hosts: number;
  /** Number of the offer; 0 while it stands. */
  readonly offers: number;
  /** Standing: when the request ends. Escrow: when the offer does. Running: without meaning. Seconds. */
  readonly deadlines: number;
  /** Running: when it was confirmed, less the work done before, seconds. */
  readonly workSince: number;
  /** What the place cost when it was offered, milli-GPU. */
  readonly prices: number;
  /** Held by all pods; 0 while it stands. */
  readonly gpuMilli: number;
  readonly cpuMilli: number;
  readonly pods: number;
}

/** Columns by local number. Written by its governor only. About 70 bytes a job. */
export class ZoneLedger implements Readonly<Record<keyof LedgerRow, ArrayLike<number>>> {
  /** @shape [capacity] `HoldState`. */
  states: Uint8Array = new Uint8Array(CAPACITY_FIRST);
  /** The caller's number. @shape [capacity] */
  jobs: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** @shape [capacity] */
  offers: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** Of the proposal that was offered for. @shape [capacity] */
  attempts: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** End of the escrow, seconds. @shape [capacity] */
  deadlines: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** Time of the confirmation, less the work done before: now − this is the job's work. @shape [capacity] */
  workSince: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** @shape [capacity] */
  prices: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** GPU in milli that the job holds, all pods. @shape [capacity] */
  gpuMilli: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** CPU that the job holds, all pods. @shape [capacity] */
  cpuMilli: Float64Array = new Float64Array(CAPACITY_FIRST);
  /** Pods placed. @shape [capacity] */
  pods: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** Process of the agent host. @shape [capacity] */
  hosts: Int32Array = new Int32Array(CAPACITY_FIRST);
  /** Jobs that wait in the zone. */
  standing = 0;
  /** Jobs in escrow. */
  escrows = 0;
  /** milli-GPU in escrow, and of running jobs. */
  escrowGpuMilli = 0;
  runningGpuMilli = 0;
  /** Thousandths of a core of running jobs. */
  runningCpuMilli = 0;
  /** Pods of running jobs. */
  runningPods = 0;
  private readonly locals = new Map<number, number>();
  private readonly free: number[] = [];
  private used = 0;

  /** Jobs held. */
  get size(): number {
    return this.locals.size;
  }

  /** @returns The local number of a job, −1 if it holds nothing. */
  localOf(job: number): number {
    return this.locals.get(job) ?? -1;
  }

  /** @returns The number that the next `hold` will use. */
  peekLocal(): number {
    return this.free.length > 0 ? (this.free[this.free.length - 1] as number) : this.used;
  }

  /** Enters a job that was just placed, in escrow. @returns Its local number, as `peekLocal` returned it. */
  hold(job: number, offer: number, attempt: number, host: number, demand: Demand, pods: number): number {
    const local = this.stand(job, attempt, host);
    this.grant(local, offer, demand, pods);
    return local;
  }

  /** Enters a job that waits in the zone. @returns Its local number, as `peekLocal` returned it. */
  stand(job: number, attempt: number, host: number): number {
    assert(!this.locals.has(job), 'a job is held twice');
    const local = this.free.pop() ?? this.used++;
    if (local >= this.states.length) this.grow();
    this.locals.set(job, local);
    this.states[local] = HoldState.Standing;
    this.jobs[local] = job;
    this.offers[local] = 0;
    this.attempts[local] = attempt;
    this.hosts[local] = host;
    this.gpuMilli[local] = 0;
    this.cpuMilli[local] = 0;
    this.pods[local] = 0;
    this.standing++;
    return local;
  }

  /** A job that waited was placed: it is in escrow. */
  grant(local: number, offer: number, demand: Demand, pods: number): void {
    assert(this.states[local] === HoldState.Standing, 'only a job that waits can be granted a place');
    this.standing--;
    this.states[local] = HoldState.Escrow;
    this.offers[local] = offer;
    this.gpuMilli[local] = demand.gpuTotalMilli * pods;
    this.cpuMilli[local] = demand.cpuMilli * pods;
    this.pods[local] = pods;
    this.escrows++;
    this.escrowGpuMilli += demand.gpuTotalMilli * pods;
  }

  /** The escrow was confirmed: the job runs. */
  confirm(local: number): void {
    assert(this.states[local] === HoldState.Escrow, 'only an escrow can be confirmed');
    const gpuMilli = this.gpuMilli[local] as number;
    this.states[local] = HoldState.Running;
    this.escrows--;
    this.escrowGpuMilli -= gpuMilli;
    this.runningGpuMilli += gpuMilli;
    this.runningCpuMilli += this.cpuMilli[local] as number;
    this.runningPods += this.pods[local] as number;
  }

  /** Drops a job that holds nothing any more. */
  drop(local: number): void {
    const gpuMilli = this.gpuMilli[local] as number;
    if (this.states[local] === HoldState.Standing) this.standing--;
    else if (this.states[local] === HoldState.Escrow) {
      this.escrows--;
      this.escrowGpuMilli -= gpuMilli;
    } else {
      this.runningGpuMilli -= gpuMilli;
      this.runningCpuMilli -= this.cpuMilli[local] as number;
      this.runningPods -= this.pods[local] as number;
    }
    this.locals.delete(this.jobs[local] as number);
    this.states[local] = HoldState.Free;
    this.free.push(local);
  }

  /** Visits all jobs held, in the order of their local numbers. */
  forEach(visit: (local: number) => void): void {
    for (let local = 0; local < this.used; local++) {
      if (this.states[local] !== HoldState.Free) visit(local);
    }
  }

  private grow(): void {
    const n = 2 * this.states.length;
    this.states = grown(this.states, n);
    this.jobs = grown(this.jobs, n);
    this.offers = grown(this.offers, n);
    this.attempts = grown(this.attempts, n);
    this.deadlines = grown(this.deadlines, n);
    this.workSince = grown(this.workSince, n);
    this.prices = grown(this.prices, n);
    this.gpuMilli = grown(this.gpuMilli, n);
    this.cpuMilli = grown(this.cpuMilli, n);
    this.pods = grown(this.pods, n);
    this.hosts = grown(this.hosts, n);
  }
}
