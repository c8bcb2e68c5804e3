/** How a job takes evictions: what an eviction costs it, and what it needs to leave. */

/** The terms of one job. */
export interface EvictionTerms {
  /** Seconds of a run between two checkpoints, from which a later run goes on; > 0. Infinity: it starts over. */
  readonly checkpointSeconds: number;
  /**
   * `all`: it goes whole or not at all. `single`: pods beyond its gang's minimum go one by one, and come back when there is room.
   */
  readonly disruption: Disruption;
}

/** What of a job may be evicted. */
export type Disruption = 'all' | 'single';

/** Of jobs that say nothing. */
export const EVICTION_DEFAULTS: EvictionTerms = Object.freeze({
  checkpointSeconds: Number.POSITIVE_INFINITY,
  disruption: 'all',
});

/** @returns False for a value out of its bounds. */
export function areTermsSound({ checkpointSeconds, disruption }: EvictionTerms): boolean {
  const isInterval = typeof checkpointSeconds === 'number' && checkpointSeconds > 0;
  return isInterval && (disruption === 'all' || disruption === 'single');
}

/** @returns Seconds of a run that its last checkpoint keeps: 0 if it made none. */
export function savedSeconds(runSeconds: number, { checkpointSeconds }: EvictionTerms): number {
  return checkpointSeconds === Number.POSITIVE_INFINITY
    ? 0
    : Math.floor(runSeconds / checkpointSeconds) * checkpointSeconds;
}
