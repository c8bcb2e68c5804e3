/**
 * Requests that are repeated until the server's answer is final, and the rule for final answers.
 *
 * Only for requests that may be repeated: reads, and writes with a precondition or a unique name.
 */
import type { ApiAnswer, ApiClient, ApiRequest } from '../client/api.ts';
import type { Waits } from './write-clock.ts';

/** Outcome of a request, as far as is known: an answer, surely not done, or unknown. */
export type Attempt =
  | { readonly kind: 'answer'; readonly answer: ApiAnswer }
  | { readonly kind: 'not-sent' }
  | { readonly kind: 'unknown' };

/** First and longest back-off, seconds. */
export interface BackOff {
  readonly secondsFirst: number;
  readonly secondsMax: number;
}

/** The number and spacing of the tries. */
export interface Patience {
  readonly client: ApiClient;
  readonly waits: Waits;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Tries in all, ≥ 1; Infinity: until the outcome is known. */
  readonly attemptsMax: number;
  readonly backOff: BackOff;
  /** Called before every try, and again right before it is written; false ends it. */
  readonly keepOn: () => boolean;
  /** Called for every answer that is a 429 or 5xx, for instance to slow down others. */
  readonly onPassing?: (answer: ApiAnswer) => void;
}

/**
 * Sends the request once. The errors that the interface promises become values; any other is a bug and propagates.
 *
 * Why by name: the classes belong to the client that is plugged in.
 */
export async function attempt(client: ApiClient, request: ApiRequest): Promise<Attempt> {
  try {
    return { kind: 'answer', answer: await client.request(request) };
  } catch (error) {
    if (error instanceof Error && error.name === 'ApiNotSentError') return { kind: 'not-sent' };
    if (error instanceof Error && error.name === 'ApiUnknownError') return { kind: 'unknown' };
    throw error;
  }
}

/**
 * @returns True if a status describes the server's state rather than the request: too many requests, or an internal
 *   error.
 */
export function isPassing(status: number): boolean {
  return status === 429 || status >= 500;
}

/** @returns Seconds to wait before try `tried + 1`: doubling, with a jitter of 50 … 100 % of it. @param tried ≥ 1. */
export function backOffSeconds(backOff: BackOff, tried: number, random: () => number): number {
  const seconds = Math.min(backOff.secondsMax, backOff.secondsFirst * 2 ** Math.min(tried - 1, 40));
  return seconds * (0.5 + 0.5 * random());
}

/** @returns The wait that an answer requests, at most 10 minutes; NaN if it requests none. */
export function askedWaitSeconds(answer: ApiAnswer): number {
  return Math.min(600, answer.retryAfterSeconds);
}

/** @returns The first answer that is neither a 429 nor a 5xx; undefined if there was none in the allowed tries. */
export async function requestWithRetries(
  patience: Patience,
  request: ApiRequest,
): Promise<ApiAnswer | undefined> {
  const wanted: ApiRequest = { ...request, stillWanted: patience.keepOn };
  for (let tried = 1; patience.keepOn(); tried++) {
    const result = await attempt(patience.client, wanted);
    if (result.kind === 'answer' && !isPassing(result.answer.status)) return result.answer;
    if (result.kind === 'answer') patience.onPassing?.(result.answer);
    if (tried >= patience.attemptsMax) return undefined;
    const asked = result.kind === 'answer' ? askedWaitSeconds(result.answer) : Number.NaN;
    const own = backOffSeconds(patience.backOff, tried, patience.random);
    await patience.waits.wait(asked > own ? asked : own);
  }
  return undefined;
}

/** @returns A value inside of an answer, undefined where the path ends early. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  let inner = value;
  for (const key of path) {
    if (typeof inner !== 'object' || inner === null) return undefined;
    inner = (inner as Readonly<Record<string, unknown>>)[key];
  }
  return inner;
}

/** @returns A text inside of an answer, '' where there is none. */
export function textAt(value: unknown, ...path: readonly string[]): string {
  const inner = at(value, ...path);
  return typeof inner === 'string' ? inner : '';
}

/** @returns The server's status and message, shortened, for messages. */
export function answerText(answer: ApiAnswer): string {
  return `${answer.status} ${textAt(answer.body, 'message').slice(0, 200)}`.trim();
}

/** Longest refusal that is shown to people, characters: an event's note ends there. */
const REFUSAL_CHARS_MAX = 1000;

/**
 * @returns The server's answer to a refused write in kube-scheduler's form: its message, or the status where there is
 *   none.
 */
export function serverRefusalText(answer: ApiAnswer): string {
  const message = textAt(answer.body, 'message').trim();
  return message === '' ? `the API server answered ${answer.status}` : message.slice(0, REFUSAL_CHARS_MAX);
}

/** @returns The path of a pod. */
export function podPath(namespace: string, name: string): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}`;
}
