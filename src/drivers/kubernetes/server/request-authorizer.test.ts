import { describe, expect, test } from 'vitest';
import type { ApiAnswer } from '../client/api.ts';
import { RequestAuthorizer } from './request-authorizer.ts';
import { answerOf, reviewer, scriptedClient } from './server.fixtures.ts';

const review = reviewer({ t1: 'prometheus', t2: 'guest' }, { prometheus: ['/metrics'] });

describe('RequestAuthorizer', () => {
  test('asks for the identity, then for the permission', async () => {
    const { client, requests } = scriptedClient(review);
    const authorizer = new RequestAuthorizer({ client });
    await expect(authorizer.authorize('Bearer t1', '/metrics')).resolves.toEqual({ status: 200, reason: '' });
    expect(requests.map(({ method, path, body }) => ({ method, path, body }))).toEqual([
      {
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/tokenreviews',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: 't1' } },
      },
      {
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        body: {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          spec: {
            user: 'prometheus',
            groups: ['system:authenticated'],
            uid: 'u',
            extra: { a: ['b'] },
            nonResourceAttributes: { path: '/metrics', verb: 'get' },
          },
        },
      },
    ]);
  });

  test.each([
    ['Bearer nobody', '/metrics', 401],
    ['Bearer t2', '/metrics', 403],
    ['Bearer t1', '/snapshot', 403],
    ['bearer t1', '/metrics', 200],
    [undefined, '/metrics', 401],
    ['', '/metrics', 401],
    ['Basic dDE6', '/metrics', 401],
    ['Bearer ', '/metrics', 401],
    ['Bearer t1 t2', '/metrics', 401],
    [`Bearer ${'x'.repeat(20_000)}`, '/metrics', 401],
  ])('%s for %s: %d', async (header, path, status) => {
    const authorizer = new RequestAuthorizer({ client: scriptedClient(review).client });
    expect((await authorizer.authorize(header, path)).status).toBe(status);
  });

  test('malformed tokens are not reviewed', async () => {
    const { client, requests } = scriptedClient(review);
    const authorizer = new RequestAuthorizer({ client });
    await authorizer.authorize(undefined, '/metrics');
    await authorizer.authorize(`Bearer ${'x'.repeat(20_000)}`, '/metrics');
    expect(requests).toEqual([]);
  });

  test('remembers answers, good and bad, for ten seconds', async () => {
    let now = 100;
    const { client, requests } = scriptedClient(review);
    const authorizer = new RequestAuthorizer({ client, nowSeconds: () => now });
    for (let i = 0; i < 5; i++) {
      expect((await authorizer.authorize('Bearer t1', '/metrics')).status).toBe(200);
      expect((await authorizer.authorize('Bearer nobody', '/metrics')).status).toBe(401);
    }
    expect(requests).toHaveLength(3);
    now = 109.9;
    await authorizer.authorize('Bearer t1', '/metrics');
    expect(requests).toHaveLength(3);
    now = 110;
    await authorizer.authorize('Bearer t1', '/metrics');
    expect(requests).toHaveLength(5);
  });

  test('equal reviews at the same time are sent once', async () => {
    const { client, requests } = scriptedClient(review);
    const authorizer = new RequestAuthorizer({ client });
    const verdicts = await Promise.all(
      Array.from({ length: 50 }, () => authorizer.authorize('Bearer t1', '/metrics')),
    );
    expect(verdicts.every(({ status }) => status === 200)).toBe(true);
    expect(requests).toHaveLength(2);
  });

  test('keeps no more answers than it may; the oldest goes', async () => {
    const { client, requests } = scriptedClient(review);
    const authorizer = new RequestAuthorizer({ client, cacheMax: 3 });
    for (const token of ['a', 'b', 'c', 'd']) await authorizer.authorize(`Bearer ${token}`, '/metrics');
    expect(requests).toHaveLength(4);
    for (const token of ['b', 'c', 'd']) await authorizer.authorize(`Bearer ${token}`, '/metrics');
    expect(requests).toHaveLength(4);
    await authorizer.authorize('Bearer a', '/metrics');
    expect(requests).toHaveLength(5);
  });

  test('sends no more reviews at a time than allowed', async () => {
    const open: ((answer: ApiAnswer) => void)[] = [];
    const { client } = scriptedClient(() => new Promise((resolve) => open.push(resolve)));
    const authorizer = new RequestAuthorizer({ client, askingMax: 2 });
    const first = authorizer.authorize('Bearer a', '/metrics');
    const second = authorizer.authorize('Bearer b', '/metrics');
    expect((await authorizer.authorize('Bearer c', '/metrics')).status).toBe(429);
    for (const answer of open) answer(answerOf(201, { status: { authenticated: false } }));
    expect((await first).status).toBe(401);
    expect((await second).status).toBe(401);
    const third = authorizer.authorize('Bearer c', '/metrics');
    open.at(-1)?.(answerOf(201, { status: {} }));
    expect((await third).status).toBe(401);
  });

  test.each<[string, () => ApiAnswer]>([
    [
      'no connection',
      () => {
        throw new Error('not sent');
      },
    ],
    ['an error', () => answerOf(500, { message: 'etcd' })],
    ['no right to create reviews', () => answerOf(403, {})],
    ['an answer that is none', () => answerOf(201, 'hello')],
    ['an answer without a status', () => answerOf(201, {})],
  ])('%s: no caller gets in, and the next one is reviewed again', async (_, trouble) => {
    let well = false;
    const { client } = scriptedClient((request) => (well ? review(request) : trouble()));
    const authorizer = new RequestAuthorizer({ client });
    expect((await authorizer.authorize('Bearer t1', '/metrics')).status).toBe(503);
    well = true;
    expect((await authorizer.authorize('Bearer t1', '/metrics')).status).toBe(200);
  });
});
