/**
 * The arbiter: whoever owns nodes, and alone decides what runs on them.
 *
 * A zone governor of a federation talks to it through this port; a zone (`zone/zone-arbiter.ts`) and the pod scheduler
 * (`pods/pod-arbiter.ts`) are the two that stand behind it. A job gets capacity in two steps: `hold` takes it for a time, `keep` makes
 * it the job's own. What cannot be placed and may wait is *postponed*, and granted when room appears.
 *
 * Laws, which both implementations are tested for (`arbiter.laws.ts`): never more than the capacity; what is released leaves the arbiter
 * as it was; a quote changes nothing, and is what the job then costs; a hold ends at its time; exactly what waits is postponed.
 *
 * Deterministic, without a clock: times are arguments, in seconds, and never go back. Job numbers are the caller's: dense, and free
 * again once the job holds nothing and does not wait. No call allocates for each job once the tables have grown (zone).
 */
import type { Demand } from '../model/demand.ts';

/** What a job asks for. A plain record that the caller may reuse: nothing of it is kept. */
export interface ArbiterOrder {
  /** Index in the vocabulary that the arbiter was made with. */
  demandId: number;
  /** Pods, ≥ 1. */
  podCount: number;
  /** Pods that have to be placed together, in [1, podCount]. */
  gangMin: number;
  /** Larger goes first among what waits; a 32-bit integer. */
  priority: number;
  /** Whether it counts as an arrival for the typical workload: a job that asks again does not. */
  counts: boolean;
  /** Whether it may wait where there is no room now. */
  waits: boolean;
}

/** What a job would get now, and for what. Filled by `Arbiter.quote`. */
export interface Quote {
  /** Pods that would be placed; 0: fewer than the gang's minimum find room. */
  pods: number;
  /**
   * Their prices in milli-GPU, one placed after the other; 0 where there are none. NaN: no price can be told now, because attempts are
   * postponed by a limit, the field is not made yet, or the policy does not price.
   */
  price: number;
}

/** `hold`: there is no room, and the job does not wait. */
export const REFUSED = -1;
/** `hold`: there is no room now, and the job waits. */
export const POSTPONED = 0;

/** What an arbiter reports of jobs that nobody asked about in the same call. Called before that call returns; must not call the arbiter back, but for `costOf`. */
export interface ArbiterSink {
  /** A job that waited holds capacity, without an end until `keep` gives it one. */
  granted(job: number, demand: Demand, pods: number): void;
  /** A job has lost its capacity: a node is gone, or somebody more important took it. All of it is free. */
  lost(job: number): void;
  /** A hold has ended by its time, and its capacity is free. */
  expired(job: number): void;
}

/** See the head of the file. */
export interface Arbiter {
  /** Time of the last call that took one; −Infinity before. */
  readonly timeSeconds: number;
  /** When `advance` has something to do; Infinity: never. */
  readonly dueSeconds: number;
  /** Jobs that wait. */
  readonly postponedCount: number;

  /** Reports to `sink` from now on. Called once, before anything else. */
  attach(sink: ArbiterSink): void;

  /** Goes on with what a limit postponed, and ends the holds whose time is over. */
  advance(timeSeconds: number): void;

  /**
   * Takes capacity for a job, all of its gang's minimum or nothing.
   *
   * @param job          Holds nothing and does not wait.
   * @param untilSeconds When the hold ends by itself unless it is kept; Infinity: never.
   * @returns            Pods placed, `POSTPONED` or `REFUSED`. Whoever waits for what the arbiter could never hold is refused.
   */
  hold(job: number, order: ArbiterOrder, untilSeconds: number, timeSeconds: number): number;

  /**
   * Gives what a job holds another end.
   *
   * @returns false: its hold was over already, which is reported as `expired`.
   */
  keep(job: number, untilSeconds: number, timeSeconds: number): boolean;

  /** Takes capacity for good: `hold` without an end. */
  place(job: number, order: ArbiterOrder, timeSeconds: number): number;

  /**
   * Takes over a job that runs on its nodes already, for good.
   *
   * @param nodes    Node of each pod.
   * @param gpuMasks GPUs of each pod.
   * @returns        Pods placed; fewer than there are nodes if they do not fit, and then none is.
   */
  adopt(
    job: number,
    order: ArbiterOrder,
    nodes: readonly number[],
    gpuMasks: readonly number[],
    timeSeconds: number,
  ): number;

  /** Frees what a job holds, or lets it wait no more. Nothing happens to a job that does neither. */
  release(job: number, timeSeconds: number): void;

  /** As `release`, of a job whose pods ended by themselves. */
  finish(job: number, timeSeconds: number): void;

  /**
   * Prices an order now. Changes nothing that a later answer depends on.
   *
   * The price is that of a gang as a whole: its pods are placed for a trial, one after the other, and taken back. It is what `costOf` says
   * once the same order is placed without counting as an arrival and nothing has changed. Accounts are not asked: it prices nodes.
   *
   * @cost As the attempt to place it, twice.
   */
  quote(order: ArbiterOrder, into: Quote): void;

  /** @returns What a job costs where its pods are, milli-GPU; 0 if it holds nothing. The measure of `quote`. */
  costOf(job: number): number;

  /** Visits the pods that a job holds capacity for. */
  pods(job: number, visit: (member: number, node: number, gpuMask: number) => void): void;

  /** Visits the jobs that wait, in no particular order. */
  postponed(visit: (job: number) => void): void;

  /** @returns The demand of an order. */
  demandOf(demandId: number): Demand;
}
