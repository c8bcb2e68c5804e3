/** The decider of a simulation: a zone, or the pod scheduler (`../pods/pod-decider.ts`). */
import type { EffectBuffer } from '../../governor/zone/effects.ts';
import type { JobStateCode, ZoneEvent } from '../../governor/zone/zone-events.ts';
import type { Demand } from '../../model/demand.ts';

/** Takes events and answers with effects; `Zone` defines their meaning. */
export interface Decider {
  /** @returns The effects to carry out; valid until the next step. */
  step(event: ZoneEvent, timeSeconds: number): EffectBuffer;
  /** True if a tick would continue postponed work of the last step. */
  readonly hasPostponed: boolean;
  /**
   * True if it decides once for all events of an instant, and has not since the last one: it wants a tick then. Absent
   * or undefined: it decides at each event.
   */
  readonly isDecisionDue?: boolean | undefined;
  /** Evicted pods in their grace period: a run does not end before they have left. Undefined: none ever. */
  readonly leavingPods?: number | undefined;
  stateOf(job: number): JobStateCode;
  forEachPod(job: number, visit: (member: number, node: number, gpuMask: number) => void): void;
  forEachPodOn(node: number, visit: (job: number, gpuMask: number) => void): void;
  demandOf(job: number): Demand;
  /** Visits pods that take room for jobs which wait. Absent: there are none. */
  forEachHeld?(visit: (demand: Demand, node: number, gpuMask: number) => void): void;
}

/** A decider with timed work, besides arrivals and ends of jobs. */
export interface Timers {
  /** Virtual time of the requested tick; Infinity: none. */
  readonly dueSeconds: number;
}
