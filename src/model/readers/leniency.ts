/**
 * Tolerances of the readers: one reader of Kubernetes objects serves the API server, snapshots and manifests, through
 * named options.
 */

/** Deviations that a reader accepts or fills in. Every option is off unless it is set. */
export interface Leniency {
  /**
   * Fills in the API server's defaults: the namespace `default`, and requests from limits (of a container; of the pod
   * as a whole where no container has a request for the resource). A uid may be missing.
   */
  readonly fillsDefaults?: boolean;
  /**
   * A node without an entry in `allocatable` offers that of `capacity`; one without a number of pods takes the
   * kubelet's 110.
   */
  readonly capacityStandsIn?: boolean;
  /** Labels and annotations of other gang schedulers name a group too: see `group-keys.ts`. */
  readonly readsForeignGroups?: boolean;
}

/** Objects in the form that the API server returns: the scheduler reads these. */
export const AS_SERVED: Leniency = Object.freeze({});

/** Objects of a file: snapshots, but also manifests that no API server has seen. */
export const FROM_FILE: Leniency = Object.freeze({
  fillsDefaults: true,
  capacityStandsIn: true,
  readsForeignGroups: true,
});
