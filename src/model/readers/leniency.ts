/**
 * How far an object may be from what the API server hands out: one reader of Kubernetes objects, with named options.
 */

/** What a reader accepts or fills in beyond the object itself. Every option is off unless it is named. */
export interface Leniency {
  /**
   * Fills in what the API server fills in when it stores an object: the namespace `default`, and requests from limits
   * (of a container; of the pod as a whole where no container has a request for the resource). A uid may be missing.
   */
  readonly fillsDefaults?: boolean;
  /** A node without an entry in `allocatable` offers that of `capacity`; one that says nothing of pods takes the kubelet's 110. */
  readonly capacityStandsIn?: boolean;
  /** Labels and annotations of other gang schedulers name a group too: see `group-keys.ts`. */
  readonly readsForeignGroups?: boolean;
}

/** Objects as the API server hands them out: the scheduler reads these. */
export const AS_SERVED: Leniency = Object.freeze({});

/** Objects of a file: snapshots, but also manifests that no API server has seen. */
export const FROM_FILE: Leniency = Object.freeze({
  fillsDefaults: true,
  capacityStandsIn: true,
  readsForeignGroups: true,
});
