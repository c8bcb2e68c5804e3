/** What guard and watchdog send each other. */

/** Time between two heartbeats. */
export const HEARTBEAT_MS = 200;

/** Silence after which a guard counts as hanging. */
export const SILENCE_MS = 3000;

/** A heartbeat. */
export const WATCHDOG_BEAT = '.';

/** The last byte of a guard that has restored everything itself. */
export const WATCHDOG_END = 'q';
