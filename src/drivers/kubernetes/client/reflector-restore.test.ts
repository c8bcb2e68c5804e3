/**
 * After a restore of etcd the versions go back: watches from before see nothing, and versions come again for other contents.
 */
import { describe, expect, test } from 'vitest';
import { sendJson, until } from '../../../../test/support/scripted-server.ts';
import { isOlderVersion } from './known-objects.ts';
import {
  type Answer,
  line,
  listed,
  object,
  run,
  status,
  streamList,
  watching,
} from './reflector.fixtures.ts';

const BACK =
  'pods: the API server went back from version 100 to 60, as after a restore of etcd; everything is listed again';
const LIST = listed(100, [object('p', 50), object('q', 90)]);
/** The state when the backup was made, and the next write, which got a version that was used before. */
const RESTORED = listed(60, [object('p', 50), object('r', 90)]);

const TOO_LARGE = status(504, 'Too large resource version: 100, current: 60', {
  causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
  retryAfterSeconds: 0,
});

describe('the API server is behind the version of a watch', () => {
  test("a watch that is silent: the server's version is checked, and everything is read and reported again", async () => {
    const { told, requests, reflector } = await run([LIST, watching(), RESTORED, RESTORED, watching()], {
      inactivitySeconds: 0.5,
    });
    await until(() => requests.length === 5);
    expect(requests[2]?.query.get('limit')).toBe('1');
    expect(told.warnings).toContain(BACK);
    // Version 50 of p was reported before: it may have other contents now.
    expect(told.words.slice(3)).toEqual(['set p/uid-p@50', 'set r/uid-r@90', 'gone uid-q a/q']);
    expect(requests[4]?.query.get('resourceVersion')).toBe('60');
    expect(reflector.size).toBe(2);
  });

  test('a server that did not go back is checked, and nothing else happens', async () => {
    const { told, requests } = await run([LIST, watching(), listed(100, []), watching()], {
      inactivitySeconds: 0.2,
    });
    await until(() => requests.length === 4);
    expect(requests[3]?.query.get('resourceVersion')).toBe('100');
    expect(told.words).toHaveLength(3);
    expect(told.warnings).toEqual([]);
  });

  test.each<[string, Answer]>([
    ['as an answer', (response) => sendJson(response, 504, TOO_LARGE)],
    ['as an event', watching(line('ERROR', TOO_LARGE))],
  ])('a version that is too large, %s: listed again without it', async (_name, answer) => {
    const { told, requests, reflector } = await run([LIST, answer, RESTORED, RESTORED, watching()]);
    await until(() => requests.length === 5);
    expect(requests.map(({ query }) => query.get('watch'))).toEqual([null, '1', null, null, '1']);
    expect(told.warnings).toContain(BACK);
    expect(reflector.size).toBe(2);
  });

  test('a streamed list that is older: read once more, since objects that it left out may have changed', async () => {
    const objects = [object('p', 50), object('r', 90)];
    const { told, requests, reflector } = await run(
      [
        (response) => streamList(response, 100, [object('p', 50), object('q', 90)]),
        (response) => streamList(response, 60, objects),
        (response) => streamList(response, 60, objects),
      ],
      { listing: 'stream' },
    );
    await until(() => reflector.synced);
    await reflector.relist();
    expect(requests).toHaveLength(3);
    expect(told.warnings).toContain(BACK);
    expect(told.words.filter((word) => word === 'set p/uid-p@50')).toHaveLength(2);
  });
});

test('only numbers are compared', () => {
  expect(isOlderVersion('99', '100')).toBe(true);
  expect(isOlderVersion('100', '100')).toBe(false);
  expect(isOlderVersion('101', '100')).toBe(false);
  expect(isOlderVersion('9007199254740993', '9007199254740994')).toBe(true);
  for (const odd of ['', 'x', '0x1', '-1', '1.5']) {
    expect(isOlderVersion(odd, '100')).toBe(false);
    expect(isOlderVersion('1', odd)).toBe(false);
  }
});
