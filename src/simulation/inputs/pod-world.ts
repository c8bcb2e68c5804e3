/**
 * A Kubernetes cluster at the start of a simulation, as the pod scheduler sees it, and the pods that the jobs stand for.
 */
import type { PodEvent, PodSchedulerOptions } from '../../governor/pods/pod-events.ts';
import type { PodDescription } from '../../model/kubernetes/pod.ts';

/** Seconds from the deletion of a pod to its end where the pod does not say (the API server's default). */
export const GRACE_SECONDS_DEFAULT = 30;

/** The pod of a job. A job of several pods has as many of them, each with a name of its own. */
export interface JobPod {
  /** Not assigned, unless the job stays where it was recorded. */
  readonly pod: PodDescription;
  /** True if its controller makes another when it is deleted. */
  readonly comesBack: boolean;
  /** Seconds from its deletion to its end; ≥ 0. */
  readonly graceSeconds: number;
}

/** A pod that was being deleted when the cluster was recorded. */
export interface LeavingPod {
  readonly uid: string;
  /** Seconds from the start until it is gone; ≥ 0. */
  readonly seconds: number;
}

/** The cluster at virtual time 0. Not changed; may serve several simulations. */
export interface PodWorld {
  /** `renewalSeconds` is ignored: reports are not renewed. */
  readonly core: PodSchedulerOptions;
  /** Seconds since 1970 at virtual time 0. */
  readonly originSeconds: number;
  /** All objects in the order of the source; of the pods, those that are there at the start. */
  readonly events: readonly PodEvent[];
  readonly leaving: readonly LeavingPod[];
  /** By id of the source's job. */
  readonly pods: ReadonlyMap<string, JobPod>;
}
