/**
 * The arbiter: the owner of nodes, which alone decides what runs on them.
 *
 * A zone governor of a federation uses it through this port; a zone (`zone/zone-arbiter.ts`) and the pod scheduler
 * (`pods/pod-arbiter.ts`) are its two implementations. A job gets capacity in two steps: `hold` takes it for a time,
 * `keep` makes it the job's own. A job that cannot be placed and may wait is *postponed*, and granted when room
 * appears.
 *
 * Laws, which both implementations are tested for (`arbiter.laws.ts`): never more than the capacity; a release restores
 * the earlier state; a quote changes nothing, and equals the cost of the job once placed; a hold ends at its time;
 * exactly the waiting jobs are postponed; the accounts decide when a job starts, and never whether it may wait or goes
 * on.
 *
 * Accounts (`accounts.ts`) are asked by `hold` and `place`, before a place is looked for. A job that they do not admit is
 * postponed like one without room, or refused if it does not wait; it blocks no other job, and is tried again when they
 * wake its tenant. They are not asked by `quote`, which prices nodes, so a job with a quote may still be postponed; nor
 * by `adopt`, whose pods run already: those only count as held. Asked and held are the tenant's that the order names.
 *
 * Deterministic, without a clock: times are arguments, in seconds, and never go back. Job numbers are the caller's:
 * dense, and free again once the job holds nothing and does not wait. No call allocates per job once the tables have
 * grown (zone).
 */
import type { Demand } from '../model/demand.ts';

/** The request of a job. A plain record that the caller may reuse: nothing of it is kept. */
export interface ArbiterOrder {
  /** Index in the vocabulary that the arbiter was made with. */
  demandId: number;
  /** Pods, ≥ 1. */
  podCount: number;
  /** Pods that have to be placed together, in [1, podCount]. */
  gangMin: number;
  /** Larger goes first among waiting jobs; a 32-bit integer. */
  priority: number;
  /** Number of its owner in the table of tenants that the arbiter's callers share, in [0, TENANTS_MAX). */
  tenant: number;
  /**
   * True if it counts as an arrival for the typical workload: a repeated request does not. The pod scheduler ignores it:
   * pods of others are no arrivals there, and what is on its nodes counts whenever it makes its field.
   */
  counts: boolean;
  /** True if it may wait when there is no room now. */
  waits: boolean;
}

/** The placement that a job would get now, and its price. Filled by `Arbiter.quote`. */
export interface Quote {
  /** Pods that would be placed; 0: fewer than the gang's minimum find room. */
  pods: number;
  /**
   * Their prices in milli-GPU, one placed after the other; 0 where there are none, negative where they leave less room
   * stranded than before. Undefined: no quote now, and `pods` is
   * 0 without meaning. Either attempts are postponed by a limit or the field is not built, which `advance` ends; or the
   * policy does not price, which nothing ends. Never NaN.
   */
  price: number | undefined;
}

/** `hold`: there is no room, and the job does not wait. */
export const REFUSED = -1;
/** `hold`: there is no room now, and the job waits. */
export const POSTPONED = 0;

/**
 * Reports of an arbiter on jobs other than the one of the current call. Called before that call returns; must not call
 * the arbiter back, except `costOf`.
 */
export interface ArbiterSink {
  /** A job that waited holds capacity, without an end until `keep` gives it one. */
  granted(job: number, demand: Demand, pods: number): void;
  /** A job has lost its capacity: a node is gone, or a more important job took it. All of it is free. */
  lost(job: number): void;
  /** A hold has ended by its time, and its capacity is free. */
  expired(job: number): void;
}

/** An arbiter; see the head of the file. */
export interface Arbiter {
  /** Time of the last call that took one; −Infinity before. */
  readonly timeSeconds: number;
  /** Time of the next due `advance`; Infinity: never. */
  readonly dueSeconds: number;
  /** Jobs that wait. */
  readonly postponedCount: number;

  /** Reports to `sink` from now on. Called once, before anything else. */
  attach(sink: ArbiterSink): void;

  /** Continues attempts that a limit postponed, ends expired holds, and ticks accounts whose time has come. */
  advance(timeSeconds: number): void;

  /**
   * Takes capacity for a job, all of its gang's minimum or nothing.
   *
   * @param job          Holds nothing and does not wait.
   * @param untilSeconds When the hold expires unless it is kept; Infinity: never.
   * @returns Pods placed, `POSTPONED` or `REFUSED`. A job that may wait is refused only if the arbiter could never hold
   *   it, or has as many waiting as it takes.
   */
  hold(job: number, order: ArbiterOrder, untilSeconds: number, timeSeconds: number): number;

  /**
   * Changes the end of a job's hold.
   *
   * @returns false: its hold was over already, which is reported as `expired`.
   */
  keep(job: number, untilSeconds: number, timeSeconds: number): boolean;

  /** Takes capacity permanently: `hold` without an end. */
  place(job: number, order: ArbiterOrder, timeSeconds: number): number;

  /**
   * Adopts a job that runs on its nodes already, permanently. Neither accounts nor waiting jobs keep it out, and it never
   * waits.
   *
   * @param nodes    Node of each pod.
   * @param gpuMasks GPUs of each pod.
   * @returns        Pods placed: as many as there are nodes, or 0 where a node is gone.
   * @throws TegError TEG_POLICY_INVALID: the nodes of a zone have no room for them. What runs in Kubernetes counts,
   *   also beyond what its node has.
   */
  adopt(
    job: number,
    order: ArbiterOrder,
    nodes: readonly number[],
    gpuMasks: readonly number[],
    timeSeconds: number,
  ): number;

  /** Frees a job's capacity, or ends its wait. No effect on a job that has neither. */
  release(job: number, timeSeconds: number): void;

  /** As `release`, of a job whose pods ended on their own. */
  finish(job: number, timeSeconds: number): void;

  /**
   * Prices an order now. Changes nothing that a later answer depends on.
   *
   * The price is that of a gang as a whole: its pods are placed for a trial, one after the other, and taken back. It
   * equals `costOf` once the same order is placed without counting as an arrival and nothing has changed. Accounts are
   * not asked.
   *
   * @cost As the attempt to place it, twice.
   */
  quote(order: ArbiterOrder, into: Quote): void;

  /**
   * @returns The cost of a job where its pods are, milli-GPU, by the measure of `quote`; 0 if it holds nothing. Undefined:
   *   no price is available before the next `advance` or `hold`.
   */
  costOf(job: number): number | undefined;

  /** Visits the pods that a job holds capacity for. */
  pods(job: number, visit: (member: number, node: number, gpuMask: number) => void): void;

  /** Visits the jobs that wait, in no particular order. */
  postponed(visit: (job: number) => void): void;

  /** @returns The demand of an order. */
  demandOf(demandId: number): Demand;
}
