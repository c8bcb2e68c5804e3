/** The lines of a watch, and the ends of lists and watches that a reflector must distinguish. */

/** One parsed line of a watch. */
export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

/** A request or watch that failed; `status` is the server's. */
export class ReflectionError extends Error {
  readonly status: number;
  readonly retryAfterSeconds: number;
  /** The server has not reached the requested version. */
  readonly isVersionTooLarge: boolean;

  /** @param message Names the resource. */
  constructor(status: number, message: string, retryAfterSeconds: number, isVersionTooLarge = false) {
    super(message);
    this.name = 'ReflectionError';
    this.status = status;
    this.retryAfterSeconds = retryAfterSeconds;
    this.isVersionTooLarge = isVersionTooLarge;
  }
}

/** A line that no watch can have sent; the message does not name the resource. */
export class GarbageError extends Error {
  override readonly name = 'GarbageError';
}

/** HTTP status with which an API server reports that a version is too old to resume from. */
export const STATUS_GONE = 410;

/** HTTP status of a request for which the right is missing. */
export const STATUS_FORBIDDEN = 403;

/** HTTP status of an API that this cluster does not have. */
export const STATUS_NOT_FOUND = 404;

/** Cause with which an API server reports that it has not reached a version: a lagging replica, or restored data. */
const VERSION_TOO_LARGE = 'ResourceVersionTooLarge';

/** Marks the bookmark after which a streamed list is complete. */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/**
 * @returns The event.
 * @throws GarbageError if the line is not an event.
 */
export function parseWatchEvent(line: string): WatchEvent {
  let event: unknown;
  try {
    event = JSON.parse(line) as unknown;
  } catch {
    event = undefined;
  }
  const { type, object } = (event ?? {}) as { type?: unknown; object?: unknown };
  if (typeof type !== 'string' || typeof object !== 'object' || object === null) {
    throw new GarbageError(`a line of the watch is not an event: ${quoted(line)}`);
  }
  return { type, object };
}

/** @returns True for the bookmark that ends the first part of a streamed list. */
export function endsInitialEvents(object: unknown): boolean {
  const metadata = (object as { metadata?: { annotations?: Record<string, unknown> } }).metadata;
  return metadata?.annotations?.[INITIAL_EVENTS_END] === 'true';
}

/**
 * The error for a server's answer that is not a list or watch, or for an ERROR event.
 *
 * @param status HTTP status of the answer; NaN to take it from the body.
 * @param body A Status object, or anything.
 */
export function refusal(
  status: number,
  body: unknown,
  retryAfterSeconds: number,
  doing: string,
): ReflectionError {
  const { code, message, details } = (body ?? {}) as {
    code?: unknown;
    message?: unknown;
    details?: { retryAfterSeconds?: unknown; causes?: unknown };
  };
  const known = Number.isNaN(status) ? (typeof code === 'number' ? code : 0) : status;
  const said = typeof message === 'string' && message !== '' ? `: ${quoted(message)}` : '';
  const inBody = details?.retryAfterSeconds;
  const retryAfter =
    Number.isNaN(retryAfterSeconds) && typeof inBody === 'number' ? inBody : retryAfterSeconds;
  return new ReflectionError(
    known,
    `${doing}: the API server answered ${known}${said}${advice(known)}`,
    retryAfter,
    hasCause(details?.causes, VERSION_TOO_LARGE),
  );
}

/** @returns True if a Status's list of causes names a reason. */
function hasCause(causes: unknown, reason: string): boolean {
  return (
    Array.isArray(causes) && causes.some((cause) => (cause as { reason?: unknown } | null)?.reason === reason)
  );
}

/** The remedy for a status that waiting does not cure. */
function advice(status: number): string {
  if (status === 401) return '; the credentials are not (or no longer) valid here';
  if (status === 403) return '; the account lacks the right to list and watch this, see the ClusterRole';
  if (status === STATUS_NOT_FOUND) return '; this cluster does not have that API';
  return '';
}

/** The beginning of a text that came from outside. */
function quoted(text: string): string {
  return text.length <= 300 ? text : `${text.slice(0, 300)}… (${text.length} characters)`;
}
