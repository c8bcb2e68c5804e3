/**
 * Who decides in a simulation: a zone, or the pod scheduler (`../pods/pod-decider.ts`).
 */
import type { EffectBuffer } from '../../governor/zone/effects.ts';
import type { JobStateCode, ZoneEvent } from '../../governor/zone/zone-events.ts';
import type { Demand } from '../../model/demand.ts';

/** Takes events and answers with effects; `Zone` says what each means. */
export interface Decider {
  /** @returns What to carry out; valid until the next step. */
  step(event: ZoneEvent, timeSeconds: number): EffectBuffer;
  /** Whether a tick would go on with what the last step left over. */
  readonly hasPostponed: boolean;
  stateOf(job: number): JobStateCode;
  forEachPod(job: number, visit: (member: number, node: number, gpuMask: number) => void): void;
  forEachPodOn(node: number, visit: (job: number, gpuMask: number) => void): void;
  demandOf(job: number): Demand;
}

/** A decider for which something falls due by itself, without an arrival or an end of a job. */
export interface Timers {
  /** Virtual time at which a tick is wanted; Infinity: none. */
  readonly dueSeconds: number;
}
