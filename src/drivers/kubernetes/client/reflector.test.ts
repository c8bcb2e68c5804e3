import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { sendJson, until } from '../../../../test/support/scripted-server.ts';
import type { ReflectionHandler } from './api.ts';
import {
  type Answer,
  bookmark,
  line,
  list,
  listed,
  object,
  openWatch,
  PODS,
  run,
  status,
  streamList,
  Told,
  watching,
} from './reflector.fixtures.ts';
import { Reflector } from './reflector.ts';

describe('listing in pages', () => {
  test('pages are handed over in order, then synced, then the watch begins at the version of the list', async () => {
    const { told, requests, reflector, server } = await run(
      [
        listed(10, [object('p', 1), object('q', 2)], 'n/e=xt'),
        listed(10, [object('r', 3)]),
        watching(line('MODIFIED', object('p', 11)), line('DELETED', object('q', 12)), bookmark(20)),
      ],
      { pageSize: 2 },
      { ...PODS, fieldSelector: 'spec.nodeName=', labelSelector: 'a in (b)' },
    );
    await until(() => reflector.counts.bookmarks === 1);
    expect(told.words).toEqual([
      'set p/uid-p@1',
      'set q/uid-q@2',
      'set r/uid-r@3',
      'synced',
      'set p/uid-p@11',
      'gone uid-q a/q',
    ]);
    expect(requests.map((one) => Object.fromEntries(one.query))).toEqual([
      { limit: '2', fieldSelector: 'spec.nodeName=', labelSelector: 'a in (b)' },
      { limit: '2', continue: 'n/e=xt', fieldSelector: 'spec.nodeName=', labelSelector: 'a in (b)' },
      {
        watch: '1',
        allowWatchBookmarks: 'true',
        resourceVersion: '10',
        timeoutSeconds: expect.stringMatching(/^[3-6]\d\d$/),
        fieldSelector: 'spec.nodeName=',
        labelSelector: 'a in (b)',
      },
    ]);
    expect(reflector.size).toBe(2);
    expect(reflector.counts).toMatchObject({
      lists: 1,
      listsComplete: 1,
      watches: 1,
      events: 2,
      failures: 0,
    });
    expect(reflector.bytes).toBeGreaterThan(300);
    expect(server.connections()).toBe(1);
  });

  test('a continue token that has expired: begun again, nothing twice, vanished objects are gone', async () => {
    const { told, reflector } = await run([
      listed(10, [object('p', 1), object('q', 2)], 'next'),
      (response) => sendJson(response, 410, status(410, 'The provided continue parameter is too old')),
      listed(12, [object('p', 1)], 'next'),
      listed(12, [object('r', 11)]),
    ]);
    await until(() => reflector.synced);
    expect(told.words).toEqual([
      'set p/uid-p@1',
      'set q/uid-q@2',
      'set r/uid-r@11',
      'gone uid-q a/q',
      'synced',
    ]);
    expect(reflector.counts.expired).toBe(1);
    expect(reflector.objectCounts.unchanged).toBe(1);
    expect(told.warnings).toEqual([]);
  });

  test('an empty list of Go, and objects that are none', async () => {
    const { told, reflector } = await run([
      (response) => sendJson(response, 200, { metadata: { resourceVersion: '1' }, items: null }),
      watching(
        line('ADDED', {}),
        line('ADDED', { metadata: { name: 'x', resourceVersion: '2' } }),
        line('ADDED', { metadata: { uid: 'u' } }),
        line('DELETED', { metadata: { uid: 5, name: 'x' } }),
        line('SOMETHING', {}),
        line('ADDED', { metadata: { name: 'cluster-wide', uid: 'u', resourceVersion: '3' } }),
      ),
    ]);
    await until(() => reflector.size === 1);
    expect(told.words).toEqual(['synced', 'set cluster-wide/u@3']);
    expect(reflector.objectCounts.malformed).toBe(4);
    expect(reflector.counts.garbage).toBe(1);
  });

  test.each<[string, Answer]>([
    ['no list', (response) => sendJson(response, 200, { hello: 1 })],
    ['no JSON', (response) => response.writeHead(200).end('hello')],
    [
      'cut',
      (response) => response.writeHead(200, { 'content-length': '99' }).write('{') && response.socket?.end(),
    ],
    ['500', (response) => sendJson(response, 500, status(500, 'etcd'))],
    ['too large', listed(1, [object('x'.repeat(5000), 1)])],
  ])('an answer that is %s is requested again', async (_name, answer) => {
    const { told, reflector } = await run([answer, listed(1, [object('p', 1)])], { pageBytesMax: 4000 });
    await until(() => reflector.synced);
    expect(told.words).toEqual(['set p/uid-p@1', 'synced']);
    expect(told.warnings).toHaveLength(1);
    expect(reflector.counts.failures).toBe(1);
  });
});

describe('listing as a stream', () => {
  const STREAM = { listing: 'stream' } as const;

  test('one request lists and watches', async () => {
    const { told, requests, reflector } = await run(
      [
        (response) => {
          streamList(response, 10, [object('p', 1), object('q', 2)]);
          response.write(line('DELETED', object('p', 11)));
        },
      ],
      STREAM,
    );
    await until(() => reflector.size === 1 && reflector.synced);
    expect(told.words).toEqual(['set p/uid-p@1', 'set q/uid-q@2', 'synced', 'gone uid-p a/p']);
    expect(Object.fromEntries(requests[0]?.query ?? [])).toMatchObject({
      watch: '1',
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: 'true',
    });
    expect(requests).toHaveLength(1);
  });

  test('broken off: begun again, synced once, nothing twice', async () => {
    const { told, reflector } = await run(
      [
        (response) => {
          openWatch(response, line('ADDED', object('p', 1)), line('ADDED', object('q', 2)));
          setTimeout(() => response.socket?.destroy(), 20);
        },
        (response) => {
          openWatch(response, line('ADDED', object('p', 1)));
          response.end();
        },
        (response) => streamList(response, 10, [object('p', 1), object('r', 3)]),
      ],
      STREAM,
    );
    await until(() => reflector.synced);
    expect(told.words).toEqual([
      'set p/uid-p@1',
      'set q/uid-q@2',
      'set r/uid-r@3',
      'gone uid-q a/q',
      'synced',
    ]);
    expect(reflector.counts).toMatchObject({ lists: 3, listsComplete: 1 });
  });

  test.each([
    [
      'refuses it with 422',
      1,
      (response: ServerResponse) => sendJson(response, 422, status(422, 'forbidden')),
    ],
    ['refuses it with 400', 1, (response: ServerResponse) => sendJson(response, 400, status(400, 'what?'))],
    ['never says that the list is complete', 1, watching(line('ADDED', object('p', 1)))],
    ['ends it three times', 3, (response: ServerResponse) => openWatch(response, '') ?? response.end()],
  ])('a server that %s is read in pages', async (_name, times, answer) => {
    const { told, requests } = await run(
      [
        ...Array.from({ length: times }, () => answer),
        listed(10, [object('p', 1)]),
        watching(line('ERROR', status(410, 'too old'))),
        listed(20, []),
      ],
      { ...STREAM, inactivitySeconds: 0.2 },
    );
    await until(() => told.words.length === 3);
    expect(told.words).toEqual(['set p/uid-p@1', 'synced', 'gone uid-p a/p']);
    const lists = requests.filter((one) => one.query.get('watch') === null);
    expect(lists.length).toBeGreaterThanOrEqual(2);
  });
});

describe('refusals', () => {
  test.each([
    [401, /^listing pods: the API server answered 401: no\. Unauthorized; the credentials are not .* valid/],
    [
      403,
      /^listing pods: the API server answered 403: no\. Unauthorized; the account lacks the right to list/,
    ],
    [404, /^listing pods: the API server answered 404: .*; this cluster does not have that API/],
  ])('%i is said once and clearly, and tried again', async (code, message) => {
    const no: Answer = (response) => sendJson(response, code, status(code, 'no. Unauthorized'));
    const { told, requests, reflector } = await run([no, no, no, no]);
    await until(() => requests.length === 5);
    expect(reflector.lastError).toMatch(message);
    expect(told.warnings).toHaveLength(1);
    expect(told.words).toEqual([]);
    expect(reflector.synced).toBe(false);
  });

  test('after the right was granted all is well', async () => {
    const { reflector } = await run([
      (response) => sendJson(response, 403, status(403, 'no')),
      listed(1, []),
      watching(),
    ]);
    await until(() => reflector.counts.watches === 1 && reflector.lastError === undefined);
    expect(reflector.synced).toBe(true);
  });

  test('an optional resource that is not there is empty, and found when it comes', async () => {
    const { told, requests, reflector } = await run(
      [
        (response) => sendJson(response, 404, status(404, 'not found')),
        (response) => response.writeHead(404).end('404 page not found'),
        listed(1, [object('p', 1)]),
        (response) => response.writeHead(200).end(),
        (response) => sendJson(response, 404, status(404, 'gone again')),
      ],
      { absentSeconds: 0.05 },
      { ...PODS, optional: true },
    );
    await until(() => told.words.length === 3);
    expect(told.words).toEqual(['synced', 'set p/uid-p@1', 'gone uid-p a/p']);
    expect(told.warnings.filter((text) => text.includes('404'))).toEqual([]);
    expect(requests.length).toBeGreaterThanOrEqual(5);
    expect(reflector.size).toBe(0);
  });
});

describe('the handler', () => {
  test.each(['set', 'gone', 'synced'] as const)(
    'an exception of its %s ends the reflector',
    async (where) => {
      const failing = (told: Told): Told => {
        told[where] = () => {
          throw new Error(`my ${where}`);
        };
        return told;
      };
      const { reflector, requests } = await run(
        [listed(1, [object('p', 1)]), watching(line('DELETED', object('p', 2)))],
        {},
        PODS,
        failing,
      );
      await expect(reflector.done).rejects.toThrow(`my ${where}`);
      const before = requests.length;
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(requests.length).toBe(before);
      expect(reflector.lastError).toBe(`the handler failed: Error: my ${where}`);
    },
  );

  test('is not called after stop, not even for the rest of a page', async () => {
    const scene: { stop?: () => Promise<void> } = {};
    const stopping = (told: Told): ReflectionHandler => ({
      set: (one) => {
        told.set(one);
        void scene.stop?.();
      },
      gone: (uid, key) => told.gone(uid, key),
      synced: () => told.synced(),
    });
    const page = list(1, [object('p', 1), object('q', 2), object('r', 3)]);
    const { reflector, told } = await run([(response) => sendJson(response, 200, page)], {}, PODS, stopping);
    scene.stop = () => reflector.stop();
    await reflector.done;
    expect(told.words).toEqual(['set p/uid-p@1']);
  });

  test('stop while waiting ends at once; before the start too; start is once', async () => {
    const { reflector, server } = await run([(response) => sendJson(response, 500, {})], {
      backoffSeconds: 100,
      backoffSecondsMax: 100,
    });
    expect(() => reflector.start()).toThrow('was started before');
    await until(() => reflector.counts.failures === 1);
    const started = performance.now();
    await reflector.stop();
    await reflector.done;
    expect(performance.now() - started).toBeLessThan(1000);
    const never = new Reflector(server.target, PODS, new Told());
    await never.stop();
    await never.done;
  });
});
