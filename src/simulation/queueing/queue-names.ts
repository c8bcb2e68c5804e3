/** The names of the queueing disciplines, as `--queue` takes them. */

/** Those that a zone has itself: it decides at each event, by lines of equal jobs. */
export const ZONE_QUEUES = ['best-effort', 'strict-fifo'] as const;

/** Those that plan ahead, by what they know of run times. */
const PLANNING_QUEUES = ['easy', 'conservative', 'slurm-like', 'teg'] as const;

/** A queue of the zone itself. */
export type ZoneQueue = (typeof ZONE_QUEUES)[number];

/** Those that share among tenants, by weights. */
const FAIR_QUEUES = ['kueue-afs', 'kueue-drs', 'kai-time', 'drf', 'karma', 'max-min'] as const;

/** Those under which gangs hold room before they start. */
const HOLDING_QUEUES = [
  'permit-timeout',
  'coscheduling',
  'permit-tax',
  'coscheduling-tax',
  'hold-and-wait',
  'wound-wait',
] as const;

/** All; those that are not a zone's own are in `queues.ts`. */
export const QUEUE_NAMES = [
  ...ZONE_QUEUES,
  'fifo',
  'smallest-first',
  ...PLANNING_QUEUES,
  ...HOLDING_QUEUES,
  ...FAIR_QUEUES,
] as const;

/** A name of a queue. */
export type DisciplineName = (typeof QUEUE_NAMES)[number];

/** @returns True if the zone has this queue itself. */
export function isZoneQueue(name: DisciplineName): name is ZoneQueue {
  return (ZONE_QUEUES as readonly string[]).includes(name);
}

/** @returns True if it plans by run times: without it, knowledge of run times changes nothing. */
export function usesRuntimes(name: DisciplineName): boolean {
  return (PLANNING_QUEUES as readonly string[]).includes(name);
}

/** @returns True if gangs hold room under it before they start. */
export function holdsRoom(name: DisciplineName): boolean {
  return (HOLDING_QUEUES as readonly string[]).includes(name);
}

/** Names of `RuntimeKnowledge`. */
export const RUNTIME_KNOWLEDGE = ['exact', 'declared', 'predicted', 'unknown'] as const;

/**
 * What a discipline is informed of about run times. exact: the true ones. declared: those that owners requested, where
 * they did. predicted: these too, and disciplines prefer what the owner's last two runs took. unknown: none.
 */
export type RuntimeKnowledge = (typeof RUNTIME_KNOWLEDGE)[number];
