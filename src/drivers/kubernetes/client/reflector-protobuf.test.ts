import type { ServerResponse } from 'node:http';
import { describe, expect, test } from 'vitest';
import { until } from '../../../../test/support/scripted-server.ts';
import { POD } from '../objects/wire-schemas.ts';
import type { ReflectedResource } from './api.ts';
import { integer, message, one, text } from './protobuf/message-schema.ts';
import { bytesField, encode, enveloped, frame, framed } from './protobuf/protobuf.fixtures.ts';
import { type Answer, bookmark, line, listed, object, PODS, run, watching } from './reflector.fixtures.ts';

const TYPE = 'application/vnd.kubernetes.protobuf';
const RESOURCE: ReflectedResource = { ...PODS, schema: POD };

const LIST_META = message({ resourceVersion: text(2), continue: text(3) });
const STATUS = message({
  message: text(3),
  details: one(5, message({ retryAfterSeconds: integer(5) })),
  code: integer(6),
});

const pod = (name: string, version: number): Buffer =>
  encode(POD, object(name, version) as Record<string, unknown>);

function page(version: number, pods: readonly Buffer[], next = ''): Buffer {
  const metadata = encode(LIST_META, { resourceVersion: `${version}`, continue: next });
  return enveloped(
    'PodList',
    Buffer.concat([bytesField(1, metadata), ...pods.map((one) => bytesField(2, one))]),
  );
}

function status(code: number, text: string, retryAfterSeconds = 0): Buffer {
  return encode(STATUS, { code, message: text, details: { retryAfterSeconds } });
}

/** A bookmark as a server sends it: an object with metadata alone; with `end` it ends a streamed list. */
function mark(version: number, end = false): Buffer {
  const annotation = bytesField(
    12,
    Buffer.concat([bytesField(1, 'k8s.io/initial-events-end'), bytesField(2, 'true')]),
  );
  const metadata = Buffer.concat([bytesField(6, `${version}`), ...(end ? [annotation] : [])]);
  return frame('BOOKMARK', 'Pod', bytesField(1, metadata));
}

const send = (response: ServerResponse, code: number, body: Buffer): void => {
  response.writeHead(code, { 'content-type': TYPE });
  response.end(body);
};

function watch(response: ServerResponse, ...frames: Buffer[]): void {
  response.writeHead(200, { 'content-type': `${TYPE};stream=watch` });
  response.write(Buffer.concat(frames));
}

const LIST: Answer = (response) => send(response, 200, page(10, [pod('p', 3), pod('q', 4)]));

describe('a resource with a schema', () => {
  test('is requested as protobuf before JSON; pages, then every change', async () => {
    const { told, requests, reflector } = await run(
      [
        (response) => send(response, 200, page(10, [pod('p', 3)], 'next')),
        (response) => send(response, 200, page(10, [pod('q', 4)])),
        (response) =>
          watch(
            response,
            frame('ADDED', 'Pod', pod('r', 11)),
            frame('MODIFIED', 'Pod', pod('p', 12)),
            frame('DELETED', 'Pod', pod('q', 13)),
            mark(20),
          ),
      ],
      {},
      RESOURCE,
    );
    await until(() => reflector.counts.bookmarks === 1);
    expect(told.words).toEqual([
      ...['set p/uid-p@3', 'set q/uid-q@4', 'synced'],
      ...['set r/uid-r@11', 'set p/uid-p@12', 'gone uid-q a/q'],
    ]);
    expect(requests.map(({ headers }) => headers.accept)).toEqual(Array(3).fill(`${TYPE},application/json`));
    expect(requests[1]?.query.get('continue')).toBe('next');
  });

  test('listed, added and changed objects come with all fields of the schema', async () => {
    const onNode = (name: string, version: number): Buffer =>
      encode(POD, { ...object(name, version), spec: { nodeName: `node-of-${name}` } });
    const nodes: unknown[] = [];
    const { reflector } = await run(
      [
        (response) => send(response, 200, page(10, [onNode('p', 3)])),
        (response) =>
          watch(
            response,
            frame('ADDED', 'Pod', onNode('r', 11)),
            frame('MODIFIED', 'Pod', onNode('p', 12)),
            mark(20),
          ),
      ],
      {},
      RESOURCE,
      () => ({
        set: (pod) => nodes.push((pod as { spec?: { nodeName?: string } }).spec?.nodeName),
        gone: () => undefined,
        synced: () => undefined,
      }),
    );
    await until(() => reflector.counts.bookmarks === 1);
    expect(nodes).toEqual(['node-of-p', 'node-of-r', 'node-of-p']);
  });

  test('an empty list', async () => {
    const { told, reflector } = await run([(response) => send(response, 200, page(10, []))], {}, RESOURCE);
    await until(() => reflector.synced);
    expect(told.words).toEqual(['synced']);
  });

  test('a streamed list ends with its bookmark', async () => {
    const streamed: Answer = (response) =>
      watch(
        response,
        frame('ADDED', 'Pod', pod('p', 3)),
        mark(10, true),
        frame('ADDED', 'Pod', pod('q', 11)),
      );
    const { told, reflector } = await run([streamed], { listing: 'stream' }, RESOURCE);
    await until(() => reflector.counts.events === 2);
    expect(told.words).toEqual(['set p/uid-p@3', 'synced', 'set q/uid-q@11']);
  });

  test('a server that answers in JSON is understood, list and watch', async () => {
    const { told, reflector } = await run(
      [listed(10, [object('p', 3)]), watching(line('ADDED', object('q', 11)), bookmark(12))],
      {},
      RESOURCE,
    );
    await until(() => reflector.counts.bookmarks === 1);
    expect(told.words).toEqual(['set p/uid-p@3', 'synced', 'set q/uid-q@11']);
  });

  test('a version that is gone, as an event and as an answer: listed again', async () => {
    const { requests, told, reflector } = await run(
      [
        LIST,
        (response) => watch(response, frame('ERROR', 'Status', status(410, 'too old'))),
        LIST,
        (response) => send(response, 410, enveloped('Status', status(410, 'too old'))),
        LIST,
        (response) => watch(response, mark(20)),
      ],
      {},
      RESOURCE,
    );
    await until(() => reflector.counts.bookmarks === 1);
    expect(requests.map(({ query }) => query.get('resourceVersion'))).toEqual([
      null,
      '10',
      null,
      '10',
      null,
      '10',
    ]);
    expect(reflector.counts.expired).toBe(2);
    expect(told.warnings).toHaveLength(1);
    expect(told.warnings[0]).toContain('410: too old');
  });

  test('Retry-After within an ERROR event is honoured', async () => {
    const later: Answer = (response) => watch(response, frame('ERROR', 'Status', status(504, 'later', 1)));
    const { requests, waits } = await run([LIST, later, LIST], { backoffSecondsMax: 2 }, RESOURCE);
    await until(() => requests.length === 3);
    expect(waits[1]).toBeGreaterThan(990);
  });

  test.each([
    ['frames that are not events', framed(Buffer.from('garbage'))],
    ['events without the mark of an API server', framed(bytesField(1, 'ADDED'))],
    ['a frame that announces more than the bound', Buffer.from([0x7f, 0, 0, 0])],
    ['JSON under the name of protobuf', Buffer.from(line('ADDED', object('p', 11)))],
  ])('%s are garbage: from the same version again', async (_, garbage) => {
    const { requests, reflector } = await run(
      [LIST, (response) => watch(response, garbage), (response) => watch(response, mark(20))],
      {},
      RESOURCE,
    );
    await until(() => reflector.counts.bookmarks === 1);
    expect(requests.map(({ query }) => query.get('resourceVersion'))).toEqual([null, '10', '10']);
    expect(reflector.counts.garbage).toBe(1);
  });

  test('a watch that ends within a frame resumes where it was', async () => {
    const cutShort: Answer = (response) => {
      const last = frame('ADDED', 'Pod', pod('s', 12));
      watch(response, frame('ADDED', 'Pod', pod('r', 11)), last.subarray(0, last.length - 3));
      response.end();
    };
    const { requests, told, reflector } = await run(
      [LIST, cutShort, (response) => watch(response, mark(20))],
      {},
      RESOURCE,
    );
    await until(() => reflector.counts.bookmarks === 1);
    expect(told.words.at(-1)).toBe('set r/uid-r@11');
    expect(requests[2]?.query.get('resourceVersion')).toBe('11');
  });

  test('a list that is none is refused in words', async () => {
    const { told } = await run([(response) => send(response, 200, Buffer.from('no list'))], {}, RESOURCE);
    await until(() => told.warnings.length > 0);
    expect(told.warnings[0]).toBe('listing pods: the answer is not a list');
  });
});
