/**
 * A scripted API server's answers to reviews, and requests to a server under test, for the tests of this folder.
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ApiAnswer, ApiClient, ApiRequest } from '../client/api.ts';

/** @returns A client that answers with a function, and its recorded requests. */
export function scriptedClient(answer: (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>): {
  readonly client: ApiClient;
  readonly requests: ApiRequest[];
} {
  const requests: ApiRequest[] = [];
  const client: ApiClient = {
    request: async (request) => {
      requests.push(request);
      return answer(request);
    },
    close: async () => undefined,
  };
  return { client, requests };
}

/** @returns An answer with a body. */
export function answerOf(status: number, body: unknown): ApiAnswer {
  return { status, body, retryAfterSeconds: Number.NaN };
}

/** @returns An API server's answers to reviews: the owner of each token, and the pages that it may get. */
export function reviewer(
  users: Readonly<Record<string, string>>,
  allowed: Readonly<Record<string, readonly string[]>>,
): (request: ApiRequest) => ApiAnswer {
  return (request) => {
    // biome-ignore lint/suspicious/noExplicitAny: bodies of reviews, read by a test
    const { spec } = request.body as any;
    if (request.path === '/apis/authentication.k8s.io/v1/tokenreviews') {
      const username = users[spec.token];
      const groups = ['system:authenticated'];
      const status =
        username === undefined
          ? { authenticated: false }
          : { authenticated: true, user: { username, uid: 'u', groups, extra: { a: ['b'] } } };
      return answerOf(201, { status });
    }
    const { path, verb } = spec.nonResourceAttributes;
    const may = verb === 'get' && (allowed[spec.user] ?? []).includes(path);
    return answerOf(201, { status: { allowed: may } });
  };
}

/** The answer of a server. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/**
 * Gets a page.
 *
 * @param options `ca`: trusted certificates; without it none is checked. `token`: sent as a bearer token.
 */
export function getPage(
  url: string,
  options: { token?: string; ca?: string; headers?: Record<string, string>; servername?: string } = {},
): Promise<Answer> {
  const { token, ca, servername } = options;
  const headers = { ...options.headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) };
  const trust = { rejectUnauthorized: ca !== undefined, ...(ca !== undefined && { ca }) };
  return new Promise((resolve, reject) => {
    const request = url.startsWith('https:')
      ? httpsRequest(url, { headers, agent: false, ...trust, ...(servername && { servername }) })
      : httpRequest(url, { headers, agent: false });
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        text += part;
      });
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode as number, headers: response.headers, text }),
      );
    });
    request.end();
  });
}
