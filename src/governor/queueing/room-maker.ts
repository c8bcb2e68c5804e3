/** The port through which a queue has room made for jobs that do not start: by evictions, where an economy allows them. */
import type { Demand } from '../../model/demand.ts';
import type { EvictionTerms } from '../../model/eviction-terms.ts';
import type { SchedulingPass } from '../zone/queue-discipline.ts';

/** A job as the queue knows it. */
export interface RoomClaim {
  readonly job: number;
  readonly demand: Demand;
  readonly podCount: number;
  readonly gangMin: number;
  readonly tenant: number;
  readonly priority: number;
  /** How it takes evictions itself. */
  readonly terms: EvictionTerms;
}

/** Makes room for waiting jobs. */
export interface RoomMaker {
  /** When asking again for a job that was refused may help although nothing else happens, seconds; Infinity: never. */
  readonly dueSeconds: number;
  /** A job runs from now on. */
  started(claim: RoomClaim, timeSeconds: number): void;
  /** A job runs no more, or has left without running again. */
  ended(job: number): void;
  /** A running job has more pods than before. */
  resized(job: number, added: number): void;
  /** Evicts jobs of tenants that are to end (`HoldAndDrain`), as many as may go now. */
  drain(pass: SchedulingPass): void;
  /** Begins a pass. @returns False: nothing can be planned before `dueSeconds`. */
  begin(timeSeconds: number): boolean;
  /** @returns False if nobody could be evicted for a job, without looking at who runs; a refusal is remembered for a while. */
  couldMakeRoom(claim: RoomClaim, timeSeconds: number): boolean;
  /** After `couldMakeRoom`. Evicts for a job that did not start. @returns True if it has room now, and headroom: the caller starts it at once. */
  makeRoom(pass: SchedulingPass, claim: RoomClaim): boolean;
  /** The job for which room was made did not start. */
  wasted(): void;
}
