/**
 * The names under which TEG schedules, each with the strategy of its pods, as `schedulerNames` of the configuration says.
 */

/** How nodes are compared: `pack`, the cheapest on the field; `spread`, the emptiest. */
export type PodStrategy = 'pack' | 'spread';

/** An entry of `schedulerNames`; a name alone has the strategy `pack`. */
type ProfileEntry = string | { readonly name: string; readonly strategy: PodStrategy };

/** Strategy by the name that pods have in `spec.schedulerName`; in the order of the configuration. */
export type Profiles = ReadonlyMap<string, PodStrategy>;

/** @returns The profiles of a list of names, at least one and all different. */
export function profilesOf(entries: readonly ProfileEntry[]): Profiles {
  return new Map(
    entries.map((entry) => (typeof entry === 'string' ? [entry, 'pack'] : [entry.name, entry.strategy])),
  );
}

/** @returns The first name: that of events, metrics and logs. */
export function firstNameOf(entries: readonly ProfileEntry[]): string {
  const [first] = profilesOf(entries).keys();
  return first as string;
}
