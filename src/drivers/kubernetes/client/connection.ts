/**
 * One HTTP/1.1 connection to an API server, and the headers of every request on it.
 *
 * HTTP/2 is off: against a real API server it was 2.4 times slower and cost three times the client's CPU. No
 * `accept-encoding` is ever sent: the server would spend its CPU on gzip.
 */
import { Client } from 'undici';
import type { ApiTarget } from './api.ts';

/** Longer than between the requests of a quiet scheduler, shorter than the 90 s after which an API server hangs up. */
const IDLE_KEPT_MS = 60_000;

/** TCP keep-alive probes, so that a quiet connection through a load balancer is not forgotten there. */
const PROBE_AFTER_MS = 15_000;

/** An API server's address taken apart. */
export interface ServerAddress {
  readonly origin: string;
  /** Path that every request is prefixed with; '' or without a slash at its end. */
  readonly prefix: string;
}

/** @returns The address of the target's server. */
export function serverAddress(target: ApiTarget): ServerAddress {
  const url = new URL(target.server);
  return { origin: url.origin, prefix: url.pathname.replace(/\/+$/, '') };
}

/**
 * A connection that is made at the first request and again whenever it was lost. Its own timers are off: callers
 * time their requests.
 *
 * @param pipelining Most requests written and not yet answered.
 * @param connectTimeoutMs Most time for TCP and TLS.
 */
export function openConnection(target: ApiTarget, pipelining: number, connectTimeoutMs: number): Client {
  return new Client(serverAddress(target).origin, {
    allowH2: false,
    pipelining,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: IDLE_KEPT_MS,
    connect: {
      timeout: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelay: PROBE_AFTER_MS,
      rejectUnauthorized: !target.skipTlsVerify,
      ...(target.ca === undefined ? {} : { ca: target.ca }),
      ...(target.clientCertificate === undefined ? {} : { cert: target.clientCertificate }),
      ...(target.clientKey === undefined ? {} : { key: target.clientKey }),
      ...(target.serverName === undefined ? {} : { servername: target.serverName }),
    },
  });
}

/** @returns Seconds of a Retry-After header; NaN if there is none, or it is a date (API servers send seconds). */
export function retryAfterSecondsOf(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): number {
  const value = headers['retry-after'];
  return typeof value === 'string' && /^\d+$/.test(value.trim()) ? Number(value) : Number.NaN;
}

/** @returns The chunks as parsed JSON, or undefined if they are not JSON. */
export function parseJsonChunks(chunks: readonly Buffer[]): unknown {
  const whole = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  try {
    return JSON.parse(whole.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
