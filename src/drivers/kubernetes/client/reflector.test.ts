import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type ScriptedRequest,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
  until,
} from '../../../../test/support/scripted-server.ts';
import type { ReflectedResource } from './api.ts';
import { Reflector } from './reflector.ts';
import type { ReflectorOptions } from './reflector-options.ts';

let server: ScriptedServer | undefined;
let reflector: Reflector | undefined;

afterEach(async () => {
  await reflector?.stop();
  await server?.stop();
});

/** An object of the API. */
function object(name: string, version: number, uid = `uid-${name}`): object {
  return { metadata: { namespace: 'a', name, uid, resourceVersion: `${version}` } };
}

/** A page. */
function list(version: number, objects: readonly object[], next?: string): object {
  const metadata = { resourceVersion: `${version}`, ...(next === undefined ? {} : { continue: next }) };
  return { kind: 'PodList', apiVersion: 'v1', metadata, items: objects };
}

/** A line of a watch. */
function line(type: string, body: object): string {
  return `${JSON.stringify({ type, object: body })}\n`;
}

/** A bookmark; with `end`, the one after which a streamed list is complete. */
function bookmark(version: number, end = false): string {
  const annotations = end ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  return line('BOOKMARK', { metadata: { resourceVersion: `${version}`, ...annotations } });
}

/** A Status as an API server sends it. */
function status(code: number, message: string, details: object = {}): object {
  return { kind: 'Status', code, message, details };
}

/** Begins the answer of a watch with these lines; it stays open. */
function openWatch(response: ServerResponse, ...lines: string[]): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write(lines.join(''));
}

/** A streamed list, whose watch stays open. */
function streamList(response: ServerResponse, version: number, objects: readonly object[]): void {
  openWatch(response, ...objects.map((one) => line('ADDED', one)), bookmark(version, true));
}

/** What a handler was told, as words. */
class Told {
  readonly words: string[] = [];
  readonly warnings: string[] = [];

  set(one: unknown): void {
    const { name, uid, resourceVersion } = (one as { metadata: Record<string, string> }).metadata;
    this.words.push(`set ${name}/${uid}@${resourceVersion}`);
  }

  gone(uid: string, key: string): void {
    this.words.push(`gone ${uid} ${key}`);
  }

  synced(): void {
    this.words.push('synced');
  }
}

type Answer = (response: ServerResponse, request: ScriptedRequest) => void;

const PODS: ReflectedResource = { name: 'pods', path: '/api/v1/pods' };

/** Quick enough for tests. */
const QUICK: Partial<ReflectorOptions> = {
  listing: 'pages',
  backoffSeconds: 0.01,
  backoffSecondsMax: 0.05,
  inactivitySeconds: 5,
};

/** Starts a server that follows the script (and then falls silent), and a reflector of it. */
async function run(
  script: readonly Answer[],
  options: Partial<ReflectorOptions> = {},
  resource: ReflectedResource = PODS,
): Promise<{ told: Told; reflector: Reflector; requests: readonly ScriptedRequest[] }> {
  const told = new Told();
  server = await startScriptedServer((response, request, index) => script[index]?.(response, request));
  const log = { debug: () => undefined, warn: (_: object, message: string) => told.warnings.push(message) };
  reflector = new Reflector(server.target, resource, told, { ...QUICK, log, ...options });
  reflector.start();
  return { told, reflector, requests: server.requests };
}

describe('listing in pages', () => {
  test('pages are handed over in order, then synced, then the watch begins at the version of the list', async () => {
    const { told, requests, reflector } = await run(
      [
        (response) => sendJson(response, 200, list(10, [object('p', 1), object('q', 2)], 'n/e=xt')),
        (response) => sendJson(response, 200, list(10, [object('r', 3)])),
        (response) =>
          openWatch(
            response,
            line('MODIFIED', object('p', 11)),
            line('DELETED', object('q', 12)),
            bookmark(20),
          ),
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
    expect(server?.connections()).toBe(1);
  });

  test('a continue token that has expired: begun again, nothing twice, what vanished is gone', async () => {
    const { told, reflector } = await run([
      (response) => sendJson(response, 200, list(10, [object('p', 1), object('q', 2)], 'next')),
      (response) => sendJson(response, 410, status(410, 'The provided continue parameter is too old')),
      (response) => sendJson(response, 200, list(12, [object('p', 1)], 'next')),
      (response) => sendJson(response, 200, list(12, [object('r', 11)])),
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
      (response) =>
        openWatch(
          response,
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
    ['too large', (response) => sendJson(response, 200, list(1, [object('x'.repeat(5000), 1)]))],
  ])('an answer that is %s is asked for again', async (_name, answer) => {
    const { told, reflector } = await run(
      [answer, (response) => sendJson(response, 200, list(1, [object('p', 1)]))],
      { pageBytesMax: 4000 },
    );
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
    [
      'never says that the list is complete',
      1,
      (response: ServerResponse) => openWatch(response, line('ADDED', object('p', 1))),
    ],
    ['ends it three times', 3, (response: ServerResponse) => openWatch(response, '') ?? response.end()],
  ])('a server that %s is read in pages', async (_name, times, answer) => {
    const { told, requests } = await run(
      [
        ...Array.from({ length: times }, () => answer),
        (response) => sendJson(response, 200, list(10, [object('p', 1)])),
        (response) => openWatch(response, line('ERROR', status(410, 'too old'))),
        (response) => sendJson(response, 200, list(20, [])),
      ],
      { ...STREAM, inactivitySeconds: 0.2 },
    );
    await until(() => told.words.length === 3);
    expect(told.words).toEqual(['set p/uid-p@1', 'synced', 'gone uid-p a/p']);
    const lists = requests.filter((one) => one.query.get('watch') === null);
    expect(lists.length).toBeGreaterThanOrEqual(2);
  });
});

describe('the watch', () => {
  const LIST: Answer = (response) => sendJson(response, 200, list(10, [object('p', 1), object('q', 2)]));

  test('goes on from the last version when the server ends it, bookmarks included', async () => {
    const { told, requests, reflector } = await run([
      LIST,
      (response) => {
        openWatch(response, line('ADDED', object('r', 11)), bookmark(15));
        response.end();
      },
      (response) => {
        // What was said already may be said again.
        openWatch(response, line('ADDED', object('r', 11)), line('MODIFIED', object('r', 16)));
        response.end();
      },
      (response) => openWatch(response),
    ]);
    await until(() => requests.length === 4);
    expect(requests.slice(1).map((one) => one.query.get('resourceVersion'))).toEqual(['10', '15', '16']);
    expect(told.words.slice(3)).toEqual(['set r/uid-r@11', 'set r/uid-r@16']);
    expect(reflector.counts).toMatchObject({ lists: 1, watches: 3, failures: 0 });
    expect(told.warnings).toEqual([]);
  });

  test.each<[string, Answer]>([
    ['HTTP 410', (response) => sendJson(response, 410, status(410, 'too old resource version'))],
    ['an ERROR event', (response) => openWatch(response, line('ERROR', status(410, 'too old')))],
  ])(
    'a version that is gone (%s): everything is listed again, differences are told',
    async (_name, answer) => {
      const { told, requests, reflector } = await run([
        LIST,
        answer,
        (response) =>
          sendJson(response, 200, list(30, [object('p', 1), object('q', 25, 'another'), object('r', 26)])),
        (response) => openWatch(response, bookmark(31)),
      ]);
      await until(() => reflector.counts.bookmarks === 1);
      expect(told.words.slice(3)).toEqual(['gone uid-q a/q', 'set q/another@25', 'set r/uid-r@26']);
      expect(reflector.counts).toMatchObject({ lists: 2, listsComplete: 2, expired: 1, failures: 1 });
      expect(requests.map((one) => one.query.get('resourceVersion'))).toEqual([null, '10', null, '30']);
      expect(reflector.lastError).toBeUndefined();
    },
  );

  test('a name that comes back with another uid, seen in the watch or not: gone before set', async () => {
    const { told, reflector } = await run([
      LIST,
      (response) =>
        openWatch(
          response,
          line('ADDED', object('p', 11, 'new')),
          line('DELETED', object('p', 12, 'uid-p')),
          line('DELETED', object('p', 13, 'new')),
        ),
    ]);
    await until(() => reflector.size === 1);
    expect(told.words.slice(3)).toEqual(['gone uid-p a/p', 'set p/new@11', 'gone new a/p']);
  });

  test('half open: given up after the inactivity time, taken up again at the same version, without alarm', async () => {
    const { told, requests, reflector } = await run(
      [
        LIST,
        (response) => openWatch(response, line('ADDED', object('r', 11))),
        () => undefined,
        (response) => openWatch(response, line('ADDED', object('s', 12))),
      ],
      { inactivitySeconds: 0.2 },
    );
    await until(() => reflector.size === 4);
    expect(requests.slice(1, 4).map((one) => one.query.get('resourceVersion'))).toEqual(['10', '11', '11']);
    expect(reflector.counts.silent).toBe(2);
    expect(reflector.counts.failures).toBe(0);
    expect(told.words.slice(3)).toEqual(['set r/uid-r@11', 'set s/uid-s@12']);
    // The second in a row is worth a word.
    expect(told.warnings).toEqual(['pods: no byte within 0.2 s']);
  });

  test('lines cut anywhere, also within a character', async () => {
    const text = line('ADDED', object('größe-🙂', 11));
    const bytes = Buffer.from(text + text.replaceAll('größe', 'höhe').replace('"11"', '"12"'));
    const { told, reflector } = await run([
      LIST,
      async (response) => {
        openWatch(response);
        for (const byte of bytes) {
          response.write(Buffer.from([byte]));
          await new Promise((resolve) => setImmediate(resolve));
        }
      },
    ]);
    await until(() => reflector.size === 4);
    expect(told.words.slice(3)).toEqual(['set größe-🙂/uid-größe-🙂@11', 'set höhe-🙂/uid-höhe-🙂@12']);
  });

  test.each<[string, string]>([
    ['no JSON', '{"type": oops\n'],
    ['no event', '[1]\n'],
    ['too long', `${'x'.repeat(3000)}\n`],
    ['null', 'null\n'],
  ])(
    'garbage (%s): from the same version again; listed again if it does not go away',
    async (_name, garbage) => {
      const bad: Answer = (response) => openWatch(response, garbage);
      const { told, requests, reflector } = await run(
        [
          LIST,
          bad,
          (response) => openWatch(response, line('ADDED', object('r', 11)), garbage),
          bad,
          bad,
          bad,
          (response) => sendJson(response, 200, list(40, [object('p', 1)])),
          (response) => openWatch(response, bookmark(41)),
        ],
        { lineBytesMax: 2000 },
      );
      await until(() => reflector.counts.bookmarks === 1);
      expect(requests.map((one) => one.query.get('resourceVersion'))).toEqual([
        null,
        '10',
        '10',
        '11',
        '11',
        '11',
        null,
        '40',
      ]);
      expect(told.words.slice(3)).toEqual(['set r/uid-r@11', 'gone uid-q a/q', 'gone uid-r a/r']);
      expect(reflector.counts.garbage).toBe(5);
    },
  );

  test('Retry-After is honoured, in the header and in an ERROR event', async () => {
    const times: number[] = [];
    const { requests } = await run(
      (
        [
          LIST,
          (response) => sendJson(response, 429, status(429, 'later'), { 'retry-after': '1' }),
          (response) => openWatch(response, line('ERROR', status(504, 'later', { retryAfterSeconds: 1 }))),
          (response) => openWatch(response),
        ] satisfies Answer[]
      ).map((answer: Answer) => (response: ServerResponse, request: ScriptedRequest) => {
        times.push(performance.now());
        answer(response, request);
      }),
      { backoffSecondsMax: 2 },
    );
    await until(() => requests.length === 4);
    expect((times[2] as number) - (times[1] as number)).toBeGreaterThan(990);
    expect((times[3] as number) - (times[2] as number)).toBeGreaterThan(990);
  });

  test('a server that takes watches and ends them at once is not asked in a tight loop', async () => {
    const { requests } = await run(
      [LIST, ...Array.from({ length: 50 }, () => (response: ServerResponse) => response.end())],
      {
        backoffSeconds: 0.2,
        backoffSecondsMax: 0.2,
        barrenWatchesMax: 100,
      },
    );
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(requests.length).toBeLessThanOrEqual(11);
    expect(requests.length).toBeGreaterThanOrEqual(4);
  });
});

describe('refusals', () => {
  test.each([
    [
      401,
      /pods: listing pods: the API server answered 401: no\. Unauthorized; the credentials are not .* valid/,
    ],
    [
      403,
      /pods: listing pods: the API server answered 403: no\. Unauthorized; the account lacks the right to list/,
    ],
    [404, /pods: listing pods: the API server answered 404: .*; this cluster does not have that API/],
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
      (response) => sendJson(response, 200, list(1, [])),
      (response) => openWatch(response),
    ]);
    await until(() => reflector.counts.watches === 1 && reflector.lastError === undefined);
    expect(reflector.synced).toBe(true);
  });

  test('an optional resource that is not there is empty, and found when it comes', async () => {
    const { told, requests, reflector } = await run(
      [
        (response) => sendJson(response, 404, status(404, 'not found')),
        (response) => response.writeHead(404).end('404 page not found'),
        (response) => sendJson(response, 200, list(1, [object('p', 1)])),
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
  test.each(['set', 'gone', 'synced'] as const)('what its %s throws ends the reflector', async (where) => {
    server = await startScriptedServer((response, _request, index) => {
      if (index === 0) sendJson(response, 200, list(1, [object('p', 1)]));
      else openWatch(response, line('DELETED', object('p', 2)));
    });
    const failing = new Told();
    failing[where] = () => {
      throw new Error(`my ${where}`);
    };
    reflector = new Reflector(server.target, PODS, failing, QUICK);
    reflector.start();
    await expect(reflector.done).rejects.toThrow(`my ${where}`);
    const before = server.requests.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(server.requests.length).toBe(before);
    expect(reflector.lastError).toBe(`the handler failed: Error: my ${where}`);
  });

  test('is not called after stop, not even for the rest of a page', async () => {
    const told = new Told();
    server = await startScriptedServer((response) =>
      sendJson(response, 200, list(1, [object('p', 1), object('q', 2), object('r', 3)])),
    );
    const stopper = {
      set: (one: unknown) => {
        told.set(one);
        void (reflector as Reflector).stop();
      },
      gone: () => told.words.push('gone'),
      synced: () => told.synced(),
    };
    reflector = new Reflector(server.target, PODS, stopper, QUICK);
    reflector.start();
    await reflector.done;
    expect(told.words).toEqual(['set p/uid-p@1']);
  });

  test('stop while waiting ends at once; before the start too; start is once', async () => {
    const { reflector } = await run([(response) => sendJson(response, 500, {})], {
      backoffSeconds: 100,
      backoffSecondsMax: 100,
    });
    expect(() => reflector.start()).toThrow('was started before');
    await until(() => reflector.counts.failures === 1);
    const started = performance.now();
    await reflector.stop();
    await reflector.done;
    expect(performance.now() - started).toBeLessThan(1000);
    const never = new Reflector((server as ScriptedServer).target, PODS, new Told(), QUICK);
    await never.stop();
    await never.done;
  });
});
