/** Requests a page from the HTTP server of a running `teg scheduler`. */
import { Agent, request } from 'undici';
import { TegError } from '../../model/errors.ts';

/** Address of the server and how its identity is verified. */
export interface SchedulerAddress {
  /** `http://127.0.0.1:10259`, `https://…`. */
  readonly server: string;
  /** Bearer token; '' for none. */
  readonly token: string;
  /** PEM of the authority of its certificate; '' for the system's. */
  readonly ca: string;
  readonly skipTlsVerify: boolean;
}

/** Most bytes of an answer. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
const TIMEOUT_MS = 30_000;

/** A page: JSON, or undefined for 404. */
export interface SchedulerAnswer {
  readonly found: boolean;
  readonly body: unknown;
}

/**
 * Requests a page.
 *
 * @param path From `/` on, already encoded.
 * @throws TegError TEG_OPTION_INVALID for a bad address; TEG_SERVER_FAILED if the server cannot be reached, refuses, or
 *   does not answer JSON.
 */
export async function askScheduler(address: SchedulerAddress, path: string): Promise<SchedulerAnswer> {
  const url = `${checkedServer(address.server)}${path}`;
  const connect = {
    rejectUnauthorized: !address.skipTlsVerify,
    ...(address.ca === '' ? {} : { ca: address.ca }),
  };
  const dispatcher = new Agent({ connect, maxResponseSize: ANSWER_BYTES_MAX });
  try {
    const answer = await request(url, {
      dispatcher,
      headers: address.token === '' ? {} : { authorization: `Bearer ${address.token}` },
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await answer.body.text();
    if (answer.statusCode === 200) return { found: true, body: parse(url, text) };
    if (answer.statusCode === 404 && isOurs(text)) return { found: false, body: undefined };
    throw refused(url, answer.statusCode, text);
  } catch (error) {
    if (error instanceof TegError) throw error;
    throw unreachable(url, error as Error);
  } finally {
    await dispatcher.destroy();
  }
}

function checkedServer(server: string): string {
  const url = URL.parse(server);
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (isHttp && url.search === '' && url.hash === '') return server.replace(/\/+$/, '');
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got the server '${server}', expected http://HOST:PORT or https://HOST:PORT`,
  );
}

/** A 404 of another server says nothing about a pod. */
function isOurs(text: string): boolean {
  try {
    const body = JSON.parse(text) as { error?: unknown } | null;
    return typeof body?.error === 'string' && body.error.startsWith('no pod ');
  } catch {
    return false;
  }
}

function parse(url: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const got = text.slice(0, 60);
    throw new TegError(
      'TEG_SERVER_FAILED',
      `${url}: got ${JSON.stringify(got)}, expected JSON; is a teg scheduler there?`,
      { cause },
    );
  }
}

function refused(url: string, status: number, text: string): TegError {
  const advice =
    status === 401 || status === 403
      ? 'give a token that may get the non-resource URL /explain/* (--token-file)'
      : 'is a teg scheduler there?';
  return new TegError(
    'TEG_SERVER_FAILED',
    `${url}: got ${status} ${text.slice(0, 200)}, expected 200; ${advice}`,
  );
}

function unreachable(url: string, error: Error): TegError {
  const code = (error as NodeJS.ErrnoException).code ?? error.message;
  const advice = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)
    ? 'name its authority (--ca-file), or --insecure-skip-tls-verify for a self-signed certificate'
    : 'check that it runs there, or forward its port (kubectl port-forward)';
  return new TegError('TEG_SERVER_FAILED', `${url}: got ${code}, expected an answer; ${advice}`, {
    cause: error,
  });
}
