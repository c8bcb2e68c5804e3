import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import {
  plainTarget,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
  until,
} from '../../../../test/support/scripted-server.ts';
import { BINDING } from '../writes/written-schemas.ts';
import type { ApiRequest } from './api.ts';
import { ApiNotSentError, ApiUnknownError } from './api-errors.ts';
import { createApiClient, type HttpApiClient, type HttpClientOptions } from './http-client.ts';
import { integer, message, text } from './protobuf/message-schema.ts';
import { encode, enveloped } from './protobuf/protobuf.fixtures.ts';

let server: ScriptedServer | undefined;
let client: HttpApiClient | undefined;

afterEach(async () => {
  await client?.close();
  await server?.stop();
  client = undefined;
  server = undefined;
});

/** Starts the server and a client of it. */
async function start(
  answer: Parameters<typeof startScriptedServer>[0],
  options: HttpClientOptions = {},
): Promise<HttpApiClient> {
  server = await startScriptedServer(answer);
  client = createApiClient(server.target, { closeSeconds: 0.1, ...options });
  return client;
}

const BIND: ApiRequest = { method: 'POST', path: '/api/v1/namespaces/a/pods/p/binding', body: { target: 1 } };
const READ: ApiRequest = { method: 'GET', path: '/api/v1/namespaces/a/pods/p' };

/** The counts as `method resource code` → number. */
function counted(api: HttpApiClient): Record<string, number> {
  return Object.fromEntries(
    Array.from(api.statistics.counts(), (row) => [`${row.method} ${row.resource} ${row.code}`, row.count]),
  );
}

describe('bodies in protobuf', () => {
  const TYPE = 'application/vnd.kubernetes.protobuf';
  const METADATA = { name: 'p', namespace: 'a', uid: 'u' };
  const PROTOBUF_BIND: ApiRequest = {
    ...BIND,
    body: { apiVersion: 'v1', kind: 'Binding', metadata: METADATA, target: { kind: 'Node', name: 'n' } },
    schema: BINDING,
  };
  const STATUS = message({ message: text(3), reason: text(4), code: integer(6) });

  test('are sent and requested; of protobuf answers only a Status is read', async () => {
    const refusal = { message: 'pod p is already assigned', reason: 'Conflict', code: 409 };
    const answers = [
      enveloped('Status', encode(STATUS, refusal)),
      enveloped('Binding', Buffer.alloc(0)),
      Buffer.from('k8s'),
    ];
    const api = await start((response, _request, index) =>
      response.writeHead(409, { 'content-type': TYPE }).end(answers[index]),
    );
    expect(await api.request(PROTOBUF_BIND)).toMatchObject({ status: 409, body: refusal });
    expect(await api.request(PROTOBUF_BIND)).toMatchObject({ status: 409, body: undefined });
    expect(await api.request(PROTOBUF_BIND)).toMatchObject({ status: 409, body: undefined });
    const [request] = server?.requests ?? [];
    expect(request?.headers).toMatchObject({ 'content-type': TYPE, accept: `${TYPE},application/json` });
    expect(request?.body).toMatch(/^k8s\0.*Binding/s);
  });

  test('a server that takes only JSON refuses one of them; that one was not done, and JSON comes from then on', async () => {
    const api = await start((response, { headers }) =>
      headers['content-type'] === TYPE
        ? sendJson(response, 415, { message: 'the body was in an unknown format' })
        : sendJson(response, 201, { ok: true }),
    );
    await expect(api.request(PROTOBUF_BIND)).rejects.toThrow(ApiNotSentError);
    expect(await api.request(PROTOBUF_BIND)).toMatchObject({ status: 201, body: { ok: true } });
    expect(JSON.parse(server?.requests[1]?.body ?? '')).toEqual(PROTOBUF_BIND.body);
    expect(server?.requests[1]?.headers).toMatchObject({ 'content-type': 'application/json' });
    expect(counted(api)).toEqual({ 'POST pods/binding 415': 1, 'POST pods/binding 201': 1 });
  });
});

describe('answers', () => {
  test('a body that no caller wants is not read into an object; that of a failure is', async () => {
    const api = await start((response, _request, index) =>
      sendJson(response, index === 0 ? 201 : 409, { n: index }),
    );
    const bind = { ...BIND, successIsEnough: true };
    expect(await api.request(bind)).toMatchObject({ status: 201, body: undefined });
    expect(await api.request(bind)).toMatchObject({ status: 409, body: { n: 1 } });
  });

  test('status, JSON and Retry-After come back, whatever the status', async () => {
    const api = await start((response, _request, index) => {
      if (index === 0) sendJson(response, 201, { kind: 'Status' });
      else if (index === 1) sendJson(response, 429, { code: 429 }, { 'retry-after': '7' });
      else response.writeHead(500, { 'content-type': 'text/plain' }).end('broken');
    });
    expect(await api.request(BIND)).toEqual({
      status: 201,
      body: { kind: 'Status' },
      retryAfterSeconds: Number.NaN,
    });
    expect(await api.request(BIND)).toEqual({ status: 429, body: { code: 429 }, retryAfterSeconds: 7 });
    expect(await api.request(READ)).toEqual({
      status: 500,
      body: undefined,
      retryAfterSeconds: Number.NaN,
    });
    expect(counted(api)).toEqual({
      'POST pods/binding 201': 1,
      'POST pods/binding 429': 1,
      'GET pods 500': 1,
    });
    expect(api.statistics.durations().get('POST')?.count).toBe(2);
  });

  test('requests carry JSON, the token and no wish for compression', async () => {
    const api = await start((response) => sendJson(response, 200, {}));
    await api.request(BIND);
    await api.request({ method: 'PATCH', path: '/x', body: { a: 'ü' } });
    await api.request({
      method: 'PATCH',
      path: '/x',
      body: {},
      contentType: 'application/strategic-merge-patch+json',
    });
    await api.request({ method: 'DELETE', path: '/x', body: { preconditions: {} } });
    await api.request(READ);
    const seen = server?.requests ?? [];
    expect(seen.map((one) => one.body)).toEqual([
      '{"target":1}',
      '{"a":"ü"}',
      '{}',
      '{"preconditions":{}}',
      '',
    ]);
    expect(seen.map((one) => one.headers['content-type'])).toEqual([
      'application/json',
      'application/merge-patch+json',
      'application/strategic-merge-patch+json',
      'application/json',
      undefined,
    ]);
    for (const one of seen) {
      expect(one.headers.authorization).toBe('Bearer test');
      expect(one.headers['accept-encoding']).toBeUndefined();
    }
    expect(server?.connections()).toBe(1);
  });

  test('a path prefix of the server goes before every path', async () => {
    server = await startScriptedServer((response) => sendJson(response, 200, {}));
    client = createApiClient({ ...server.target, server: `${server.target.server}/clusters/one` });
    await client.request(READ);
    expect(server.requests[0]?.path).toBe('/clusters/one/api/v1/namespaces/a/pods/p');
  });
});

describe('surely not sent', () => {
  test('nothing listens', async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const { port } = free.address() as { port: number };
    await new Promise((resolve) => free.close(resolve));
    client = createApiClient(plainTarget(port));
    const error = await client.request(BIND).catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(ApiNotSentError);
    expect((error as Error).message).toMatch(
      /^POST \/api\/v1\/namespaces\/a\/pods\/p\/binding: not sent: .*ECONNREFUSED/,
    );
    expect(counted(client)).toEqual({ 'POST pods/binding not-sent': 1 });
  });

  test('nothing listens, and others wait for the same connection', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => free.once('listening', resolve));
    const { port } = free.address() as { port: number };
    await new Promise((resolve) => free.close(resolve));
    client = createApiClient(plainTarget(port), { connections: 1 });
    const api = client;
    const ends = await Promise.allSettled(Array.from({ length: 5 }, () => api.request(BIND)));
    expect(ends.map((end) => end.status === 'rejected' && end.reason instanceof ApiNotSentError)).toEqual(
      new Array(5).fill(true),
    );
    expect([api.pendingCount, api.waitingCount]).toEqual([0, 0]);
  });

  test('the time is over while it waits for a place, and it is not sent later', async () => {
    const held: (() => void)[] = [];
    const api = await start((response) => held.push(() => sendJson(response, 200, {})), {
      connections: 1,
      pipelining: 1,
    });
    const first = api.request(READ);
    await until(() => held.length === 1);
    await expect(api.request({ ...BIND, timeoutSeconds: 0.05 })).rejects.toBeInstanceOf(ApiNotSentError);
    held[0]?.();
    await first;
    const last = api.request(READ);
    await until(() => held.length === 2);
    held[1]?.();
    await last;
    expect(server?.requests.map((one) => one.method)).toEqual(['GET', 'GET']);
    expect(api.pendingCount).toBe(0);
  });

  test('the time is over while the connection is being made', async () => {
    // Takes TCP, never speaks TLS.
    const mute = createServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
    const { port } = mute.address() as { port: number };
    const target = { ...plainTarget(port), server: `https://127.0.0.1:${port}` };
    client = createApiClient(target, { closeSeconds: 0 });
    await expect(client.request({ ...BIND, timeoutSeconds: 0.1 })).rejects.toBeInstanceOf(ApiNotSentError);
    await client.close();
    mute.close();
  });

  test('it is not wanted any more when its turn comes', async () => {
    const held: (() => void)[] = [];
    const api = await start((response) => held.push(() => sendJson(response, 200, {})), { connections: 1 });
    let wanted = true;
    const first = api.request(READ);
    const second = api.request({ ...BIND, stillWanted: () => wanted }).catch((error: Error) => error);
    await until(() => held.length === 1 && api.waitingCount === 1);
    wanted = false;
    held[0]?.();
    await first;
    expect(await second).toBeInstanceOf(ApiNotSentError);
    expect(server?.requests).toHaveLength(1);
  });

  test('more wait than may wait', async () => {
    const api = await start(() => undefined, { connections: 1, pipelining: 2, waitingMax: 3 });
    const all = Array.from({ length: 5 }, () => api.request(READ).catch((error: Error) => error));
    await until(() => api.waitingCount === 3);
    await expect(api.request(BIND)).rejects.toThrow('3 requests wait already, which is the limit');
    await api.close();
    const errors = await Promise.all(all);
    expect(errors.filter((error) => error instanceof ApiNotSentError)).toHaveLength(3);
    expect(errors.filter((error) => error instanceof ApiUnknownError)).toHaveLength(2);
  });

  test('no credentials could be got; the client is closed; HTTP does not allow the path', async () => {
    server = await startScriptedServer((response) => sendJson(response, 200, {}));
    const headers = (): Promise<never> => Promise.reject(new Error('the plugin failed'));
    const other = createApiClient({ ...server.target, headers });
    await expect(other.request(BIND)).rejects.toThrow(/not sent: the plugin failed/);
    await expect(other.request(BIND)).rejects.toBeInstanceOf(ApiNotSentError);
    await other.close();
    await expect(other.request(READ)).rejects.toBeInstanceOf(ApiNotSentError);
    client = createApiClient(server.target);
    await expect(client.request({ ...READ, path: '/a b' })).rejects.toBeInstanceOf(ApiNotSentError);
    expect(server.requests).toEqual([]);
    expect(client.pendingCount).toBe(0);
  });
});

describe('outcome unknown', () => {
  test.each<[string, Parameters<typeof startScriptedServer>[0]]>([
    ['the connection is cut before the answer', (response) => response.socket?.destroy()],
    [
      'it is cut in the middle of the answer',
      (response) => {
        response.writeHead(201, { 'content-length': '100' });
        response.write('{"kind"');
        setTimeout(() => response.socket?.destroy(), 20);
      },
    ],
    ['the answer is not HTTP', (response) => response.socket?.end('garbage\r\n\r\n')],
    ['the answer never comes', () => undefined],
    [
      'the answer never ends',
      (response) => {
        response.writeHead(201, { 'content-length': '100' });
        response.write('{"kind"');
      },
    ],
  ])('%s', async (_name, answer) => {
    const api = await start(answer);
    const error = await api.request({ ...BIND, timeoutSeconds: 0.3 }).catch((reason: Error) => reason);
    expect(error).toBeInstanceOf(ApiUnknownError);
    expect(server?.requests).toHaveLength(1);
    expect(counted(api)).toEqual({ 'POST pods/binding unknown': 1 });
    expect(api.pendingCount).toBe(0);
  });

  test('the answer passes its limit; exactly the limit is taken', async () => {
    const text = JSON.stringify({ a: 'x'.repeat(1000) });
    const api = await start((response) => sendJson(response, 200, JSON.parse(text)));
    expect((await api.request({ ...READ, answerBytesMax: text.length })).status).toBe(200);
    await expect(api.request({ ...READ, answerBytesMax: text.length - 1 })).rejects.toThrow(
      `the answer passes ${text.length - 1} bytes`,
    );
  });

  test('a pipelined write is never written twice; a read may be', async () => {
    const api = await start(
      (response, request, index) => {
        if (index === 0) setTimeout(() => request.socket.destroy(), 50);
        else sendJson(response, 200, {});
      },
      { connections: 1, pipelining: 4 },
    );
    const first = api.request(READ).catch((error: Error) => error);
    await until(() => server?.requests.length === 1);
    const second = api.request(BIND).catch((error: Error) => error);
    const third = api.request(READ).catch((error: Error) => error);
    expect(await first).toBeInstanceOf(ApiUnknownError);
    expect(await second).toBeInstanceOf(ApiUnknownError);
    expect(await third).toMatchObject({ status: 200 });
    const binds = server?.requests.filter((one) => one.method === 'POST') ?? [];
    expect(binds.length).toBeLessThanOrEqual(1);
    expect(server?.connections()).toBe(2);
  });

  test('after all that the next request succeeds', async () => {
    const api = await start((response, request, index) => {
      if (index < 3) request.socket.destroy();
      else sendJson(response, 200, {});
    });
    for (let i = 0; i < 3; i++) await expect(api.request(BIND)).rejects.toBeInstanceOf(ApiUnknownError);
    expect((await api.request(BIND)).status).toBe(200);
  });
});

describe('connections', () => {
  test('an idle connection is preferred to a busy one; all are used before anything is pipelined', async () => {
    const held: (() => void)[] = [];
    const api = await start((response) => held.push(() => sendJson(response, 200, {})), {
      connections: 3,
      pipelining: 2,
    });
    const all = Array.from({ length: 8 }, () => api.request(READ));
    await until(() => api.waitingCount === 2 && held.length >= 3);
    expect(server?.connections()).toBe(3);
    while (held.length > 0 || api.pendingCount > 0) {
      held.shift()?.();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect((await Promise.all(all)).every((one) => one.status === 200)).toBe(true);
    expect(server?.requests).toHaveLength(8);
  });

  test('close lets requests in flight end', async () => {
    const api = await start((response) => setTimeout(() => sendJson(response, 200, {}), 100), {
      closeSeconds: 5,
    });
    const answer = api.request(BIND);
    await until(() => server?.requests.length === 1);
    await api.close();
    expect((await answer).status).toBe(200);
  });
});
