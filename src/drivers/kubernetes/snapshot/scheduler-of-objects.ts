/** A fresh pod scheduler that was shown the objects of a file or of a cluster, with their economy; it has decided nothing. */
import { createConstraints } from '../../../governor/pods/constraints/cluster-constraints.ts';
import type { PodEvent, PodSchedulerOptions } from '../../../governor/pods/pod-events.ts';
import { PodScheduler } from '../../../governor/pods/pod-scheduler.ts';
import { counted } from '../../../kernel/counted.ts';
import type { EconomyMode } from '../../../market/tenants/economy-description.ts';
import { TegError } from '../../../model/errors.ts';
import type { Leniency } from '../../../model/readers/leniency.ts';
import type { ApiObject } from '../../../model/readers/read-object.ts';
import type { TenantReader } from '../objects/pod.ts';
import type { Profiles } from '../objects/profiles.ts';
import { ObjectEvents } from './object-events.ts';
import { ObjectsEconomy } from './objects-economy.ts';

/** Whose scheduler it is, and how the objects are read. */
export interface ObjectsOptions {
  /** Pods whose `spec.schedulerName` is one of these are the scheduler's. */
  readonly profiles: Profiles;
  /** How the objects are read: `FROM_FILE` unless an API server gave them. Default: as it gives them. */
  readonly leniency?: Leniency;
  readonly core: PodSchedulerOptions;
  /** Whose a pod is; default: as its label and namespace say. */
  readonly tenantOf?: TenantReader;
  /** Mode of the economy; default: as the Market's status says, else `enforce`. */
  readonly economyMode?: EconomyMode | undefined;
  /** Called for objects that were left out, and for assumptions. */
  readonly onWarning: (message: string) => void;
}

/** Malformed objects that are reported one by one. */
const MALFORMED_TOLD_MAX = 10;

/**
 * Reads the events of objects.
 *
 * @param objects With their kinds.
 * @param see     Called with each event; what it returns takes the event's place.
 * @returns       All events, those of the economy last.
 * @cost O(objects).
 */
export async function eventsOfObjects(
  objects: AsyncIterable<ApiObject>,
  { profiles, leniency, tenantOf, economyMode, onWarning }: Omit<ObjectsOptions, 'core'>,
  see: (event: PodEvent, object: ApiObject) => PodEvent = (event) => event,
): Promise<PodEvent[]> {
  const reader = new ObjectEvents(profiles, leniency, tenantOf);
  const economy = new ObjectsEconomy(onWarning);
  const events: PodEvent[] = [];
  let malformed = 0;
  for await (const object of objects) {
    try {
      if (economy.see(object)) continue;
      const event = reader.eventOf(object);
      if (event === undefined) continue;
      economy.noticed(event);
      events.push(see(event, object));
    } catch (error) {
      if (!(error instanceof TegError) || error.code !== 'TEG_KUBE_OBJECT') throw error;
      if (malformed++ < MALFORMED_TOLD_MAX) onWarning(error.message);
    }
  }
  if (malformed > MALFORMED_TOLD_MAX)
    onWarning(`left out: ${counted(malformed - MALFORMED_TOLD_MAX, 'further malformed object')}`);
  return [...events, ...economy.events(economyMode)];
}

/** @returns A scheduler after these events. */
export function schedulerAfter(
  events: readonly PodEvent[],
  core: PodSchedulerOptions,
  nowSeconds: number,
): PodScheduler {
  const scheduler = new PodScheduler(core, createConstraints());
  for (const event of events) scheduler.step(event, nowSeconds);
  return scheduler;
}
