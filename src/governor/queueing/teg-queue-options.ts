/** Options and constants of the TEG queue. */
import type { HeadroomClaims } from './headroom.ts';
import type { ReservationOptions } from './reservations.ts';
import type { RoomMaker } from './room-maker.ts';
import type { TegEntry } from './teg-lines.ts';
import type { TenantOrder } from './turn-order.ts';

/** Jobs that one pass looks at, at most. */
export const CANDIDATES_MAX_DEFAULT = 20_000;

/** New jobs beyond that are looked at so much later at the latest, seconds. */
export const REST_SECONDS = 1;

/** All tenants are equal. */
export const NO_ORDER: TenantOrder = Object.freeze({ shareOf: () => 0 });

/** Options of the queue. */
export interface TegQueueOptions extends ReservationOptions {
  /** Jobs that one pass looks at, at most; default 20,000. */
  readonly candidatesMax?: number;
  /** Evicts others for jobs that do not start; absent: nobody is evicted. */
  readonly rooms?: RoomMaker;
  /** Keeps headroom of quotas and limits for gangs; absent: nobody does. */
  readonly headroom?: HeadroomClaims;
}

/** Codes of refusals that no eviction changes. */
export const NOT_FOR_WANT_OF_ROOM: ReadonlySet<string> = new Set(['tenant-held', 'budget-empty']);

/** No entry is taken. */
export const NO_ENTRIES: ReadonlySet<TegEntry> = new Set();
