/** Bounds and dependencies of a reflector. */

/** Log for messages to people; pino fits. */
export interface ReflectorLog {
  debug(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/** Bounds, with the defaults that `REFLECTOR_DEFAULTS` has. */
export interface ReflectorOptions {
  /**
   * How the objects that exist at the start are read: `stream` (one watch that begins with them; a server that cannot
   * do it is noticed and read in pages) or `pages`.
   */
  readonly listing: 'stream' | 'pages';
  /** Objects per page. */
  readonly pageSize: number;
  /** Most seconds without a byte, of a page or a watch. */
  readonly inactivitySeconds: number;
  /** Bounds of the time after which the server is asked to end a watch; drawn again for each. */
  readonly watchSecondsMin: number;
  readonly watchSecondsMax: number;
  /** Waits after failures double from the first to the longest. */
  readonly backoffSeconds: number;
  readonly backoffSecondsMax: number;
  /** How often a missing optional resource is looked for. */
  readonly absentSeconds: number;
  /**
   * Failed watches in a row, none of which brought an event, after which everything is listed again; and interrupted
   * streamed lists in a row after which pages are read.
   */
  readonly barrenWatchesMax: number;
  /** Most bytes of an event of a watch. */
  readonly eventBytesMax: number;
  /** Most bytes of a page. */
  readonly pageBytesMax: number;
  readonly connectTimeoutSeconds: number;
  readonly log: ReflectorLog;
  /** Uniform in [0, 1); spreads the waits. */
  readonly random: () => number;
}

/** The defaults. */
export const REFLECTOR_DEFAULTS: ReflectorOptions = {
  listing: 'stream',
  pageSize: 500,
  // More than the minute after which a quiet watch gets a bookmark: a shorter wait gives up healthy watches.
  inactivitySeconds: 75,
  watchSecondsMin: 300,
  watchSecondsMax: 600,
  backoffSeconds: 0.2,
  backoffSecondsMax: 10,
  absentSeconds: 60,
  barrenWatchesMax: 3,
  eventBytesMax: 32 * 1024 * 1024,
  pageBytesMax: 256 * 1024 * 1024,
  connectTimeoutSeconds: 10,
  log: { debug: () => undefined, warn: () => undefined },
  random: Math.random,
};

/** Counters of a reflector since its start. */
export interface ReflectorCounts {
  /** Listings begun, in pages or streamed; all but the first are relists. */
  lists: number;
  /** Listings that completed. */
  listsComplete: number;
  /** Watches begun, streamed lists among them. */
  watches: number;
  /** Events of watches with objects. */
  events: number;
  bookmarks: number;
  /** Versions that the server no longer had (410). */
  expired: number;
  /** Connections closed because no byte came; of a quiet resource this is the usual end of a watch. */
  silent: number;
  /** All other failures, including expired versions. */
  failures: number;
  /** Lines of a watch that were not events or were too long, and events of an unknown type. */
  garbage: number;
}
