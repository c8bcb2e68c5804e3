import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { sendJson, until } from '../../../../test/support/scripted-server.ts';
import {
  type Answer,
  bookmark,
  line,
  listed,
  object,
  openWatch,
  run,
  status,
  watching,
} from './reflector.fixtures.ts';

describe('the watch', () => {
  const LIST = listed(10, [object('p', 1), object('q', 2)]);

  test('resumes from the last version when the server ends it, bookmarks included', async () => {
    const { told, requests, reflector } = await run([
      LIST,
      (response) => {
        openWatch(response, line('ADDED', object('r', 11)), bookmark(15));
        response.end();
      },
      (response) => {
        // Reported objects may be reported again.
        openWatch(response, line('ADDED', object('r', 11)), line('MODIFIED', object('r', 16)));
        response.end();
      },
      watching(),
    ]);
    await until(() => requests.length === 4);
    expect(requests.slice(1).map((one) => one.query.get('resourceVersion'))).toEqual(['10', '15', '16']);
    expect(told.words.slice(3)).toEqual(['set r/uid-r@11', 'set r/uid-r@16']);
    expect(reflector.counts).toMatchObject({ lists: 1, watches: 3, failures: 0 });
    expect(told.warnings).toEqual([]);
  });

  test.each<[string, Answer]>([
    ['HTTP 410', (response) => sendJson(response, 410, status(410, 'too old resource version'))],
    ['an ERROR event', watching(line('ERROR', status(410, 'too old')))],
  ])(
    'a version that is gone (%s): everything is listed again, differences are reported',
    async (_name, answer) => {
      const { told, requests, reflector } = await run([
        LIST,
        answer,
        listed(30, [object('p', 1), object('q', 25, 'another'), object('r', 26)]),
        watching(bookmark(31)),
      ]);
      await until(() => reflector.counts.bookmarks === 1);
      expect(told.words.slice(3)).toEqual(['gone uid-q a/q', 'set q/another@25', 'set r/uid-r@26']);
      expect(reflector.counts).toMatchObject({ lists: 2, listsComplete: 2, expired: 1, failures: 1 });
      expect(requests.map((one) => one.query.get('resourceVersion'))).toEqual([null, '10', null, '30']);
      expect(reflector.lastError).toBeUndefined();
    },
  );

  test('a version that is gone after an outage: listed again at once, waited for only if that happens twice', async () => {
    const away: Answer = (response) => sendJson(response, 503, status(503, 'away'));
    const gone: Answer = (response) => sendJson(response, 410, status(410, 'too old'));
    const script = [LIST, away, away, gone, LIST, gone, gone, LIST, watching()];
    const { requests, waits } = await run(script, {
      backoffSeconds: 0.2,
      backoffSecondsMax: 10,
      random: () => 1,
    });
    await until(() => requests.length === script.length);
    expect(waits[3]).toBeLessThan(100);
    expect(waits[5]).toBeGreaterThan(100);
  });

  test('a name that comes back with another uid, seen in the watch or not: gone before set', async () => {
    const { told, reflector } = await run([
      LIST,
      watching(
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
        watching(line('ADDED', object('r', 11))),
        () => undefined,
        watching(line('ADDED', object('s', 12))),
      ],
      { inactivitySeconds: 0.2 },
    );
    await until(() => reflector.size === 4);
    expect(requests.slice(1, 4).map((one) => one.query.get('resourceVersion'))).toEqual(['10', '11', '11']);
    expect(reflector.counts.silent).toBe(2);
    expect(reflector.counts.failures).toBe(0);
    expect(told.words.slice(3)).toEqual(['set r/uid-r@11', 'set s/uid-s@12']);
    // The second in a row is logged.
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
      const bad = watching(garbage);
      const { told, requests, reflector } = await run(
        [
          LIST,
          bad,
          watching(line('ADDED', object('r', 11)), garbage),
          bad,
          bad,
          bad,
          listed(40, [object('p', 1)]),
          watching(bookmark(41)),
        ],
        { eventBytesMax: 2000 },
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
    const { requests, waits } = await run(
      [
        LIST,
        (response) => sendJson(response, 429, status(429, 'later'), { 'retry-after': '1' }),
        watching(line('ERROR', status(504, 'later', { retryAfterSeconds: 1 }))),
        watching(),
      ],
      { backoffSecondsMax: 2 },
    );
    await until(() => requests.length === 4);
    expect(waits[1]).toBeGreaterThan(990);
    expect(waits[2]).toBeGreaterThan(990);
  });

  test('a server that takes watches and ends them at once is not queried in a tight loop', async () => {
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
