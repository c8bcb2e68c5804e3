import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkAsyncProperty, checkProperty } from '../../../../test/support/properties.ts';
import type { ApiAnswer, ApiRequest } from '../client/api.ts';
import { cutNote, eventName, type TellEvent } from './event-body.ts';
import { EventRecorder, type EventRecorderOptions } from './event-recorder.ts';
import { answer, NotSent, ScriptedClient, settle, Unknown, VirtualClock } from './writes.fixtures.ts';

const POSTS = '/apis/events.k8s.io/v1/namespaces/ns/events';

function recorderOf(
  handle: (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer> = () => answer(201),
  options: Partial<EventRecorderOptions> = {},
) {
  const clock = new VirtualClock();
  const client = new ScriptedClient(handle);
  const recorder = new EventRecorder({ client, clock, random: () => 0.5, instance: 'teg-0', ...options });
  return { clock, client, recorder };
}

function failed(pod: string, note = '0/3 nodes are available: 3 Insufficient cpu.'): TellEvent {
  return {
    regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'ns', name: pod, uid: `uid-${pod}` },
    type: 'Warning',
    reason: 'FailedScheduling',
    action: 'Scheduling',
    note,
  };
}

describe('EventRecorder', () => {
  test('writes an event with all fields that the API wants', async () => {
    const { client, recorder, clock } = recorderOf();
    recorder.record({
      ...failed('a'),
      related: { apiVersion: 'v1', kind: 'Node', namespace: '', name: 'n', uid: 'u' },
    });
    await clock.untilDone(recorder.idle());
    const [request] = client.requests;
    expect(request).toMatchObject({ method: 'POST', path: POSTS });
    expect(request!.body).toEqual({
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: expect.stringMatching(/^a\.[0-9a-f]{16}$/), namespace: 'ns' },
      eventTime: expect.stringMatching(/^2023-11-14T22:30:00\.\d{6}Z$/),
      reportingController: 'teg-scheduler',
      reportingInstance: 'teg-0',
      action: 'Scheduling',
      reason: 'FailedScheduling',
      regarding: { apiVersion: 'v1', kind: 'Pod', namespace: 'ns', name: 'a', uid: 'uid-a' },
      related: { apiVersion: 'v1', kind: 'Node', name: 'n', uid: 'u' },
      note: '0/3 nodes are available: 3 Insufficient cpu.',
      type: 'Warning',
    });
    expect(recorder.counts).toMatchObject({ recorded: 1, created: 1 });
  });

  test('equal events become a series, written at once and then at most every 30 s', async () => {
    const { client, recorder, clock } = recorderOf((request) =>
      answer(request.method === 'POST' ? 201 : 200),
    );
    recorder.record(failed('a'));
    await clock.advance(1);
    for (let i = 0; i < 5; i++) recorder.record(failed('a'));
    await clock.advance(20);
    expect(client.requests).toHaveLength(1);
    await clock.advance(15);
    for (let i = 0; i < 100; i++) {
      recorder.record(failed('a'));
      await clock.advance(1);
    }
    await clock.advance(40);
    const patches = client.requests.slice(1);
    expect(patches.map(({ method }) => method)).toEqual(['PATCH', 'PATCH', 'PATCH', 'PATCH', 'PATCH']);
    expect(patches[0]!.path).toBe(
      `${POSTS}/${(client.requests[0]!.body as { metadata: { name: string } }).metadata.name}`,
    );
    expect(patches[0]!.body).toEqual({
      series: { count: 6, lastObservedTime: expect.stringMatching(/\.\d{6}Z$/) },
    });
    expect(patches.at(-1)!.body).toMatchObject({ series: { count: 106 } });
    expect(recorder.counts).toMatchObject({ recorded: 106, created: 1, merged: 105, patched: 5 });
  });

  test('repetitions of a waiting event are one write', async () => {
    const { client, recorder, clock } = recorderOf(undefined, { mayRun: () => false });
    for (let i = 0; i < 3; i++) recorder.record(failed('x'));
    for (let i = 0; i < 7; i++) recorder.record(failed('a'));
    await clock.untilDone(recorder.idle());
    expect(client.requests.map(({ body }) => (body as { series?: { count: number } }).series?.count)).toEqual(
      [
        // The first goes at once.
        undefined,
        7,
      ],
    );
    await clock.advance(60);
    expect(client.requests.at(-1)).toMatchObject({ method: 'PATCH', body: { series: { count: 3 } } });
  });

  test('another note, another pod, or ten minutes of quiet make another event; `once` is never merged', async () => {
    const { client, recorder, clock } = recorderOf();
    recorder.record(failed('a'));
    recorder.record(failed('a', 'other'));
    recorder.record(failed('b'));
    await clock.advance(601);
    recorder.record(failed('a'));
    recorder.record({ ...failed('c'), once: true });
    recorder.record({ ...failed('c'), once: true });
    await clock.untilDone(recorder.idle());
    expect(client.requests.map(({ method }) => method)).toEqual(Array(6).fill('POST'));
    const names = client.requests.map(({ body }) => (body as { metadata: { name: string } }).metadata.name);
    expect(new Set(names).size).toBe(6);
  });

  test('an event that the server forgot meanwhile is created again with its count', async () => {
    const { client, recorder, clock } = recorderOf((request) =>
      answer(request.method === 'PATCH' ? 404 : 201),
    );
    recorder.record(failed('a'));
    await clock.advance(100);
    recorder.record(failed('a'));
    await clock.untilDone(recorder.idle());
    expect(client.requests.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST']);
    expect(client.requests[2]!.body).toMatchObject({ series: { count: 2 } });
  });

  test('while binds leave no room only the guaranteed rate is written; then all at once', async () => {
    let room = false;
    const { client, recorder, clock } = recorderOf(undefined, { mayRun: () => room, perSecondMin: 20 });
    for (let i = 0; i < 1000; i++) recorder.record(failed(`p${i}`));
    await clock.advance(10);
    expect(client.requests.length).toBeGreaterThanOrEqual(199);
    expect(client.requests.length).toBeLessThanOrEqual(202);
    room = true;
    await clock.advance(1);
    expect(client.requests).toHaveLength(1000);
  });

  test('never more a second and at a time than allowed', async () => {
    const made = recorderOf(
      () => new Promise((resolve) => made.clock.setTimer(0.05, () => resolve(answer(201)))),
      { perSecondMax: 100, inFlightMax: 4 },
    );
    for (let i = 0; i < 500; i++) made.recorder.record(failed(`p${i}`));
    await made.clock.advance(1);
    // Four at a time, 50 ms each: 80 a second.
    expect(made.client.requests.length).toBeGreaterThanOrEqual(76);
    expect(made.client.requests.length).toBeLessThanOrEqual(84);
    expect(made.client.inFlightMax).toBe(4);
    const fast = recorderOf(undefined, { perSecondMax: 100, inFlightMax: 4 });
    for (let i = 0; i < 500; i++) fast.recorder.record(failed(`p${i}`));
    await fast.clock.advance(1);
    expect(fast.client.requests.length).toBeGreaterThanOrEqual(100);
    expect(fast.client.requests.length).toBeLessThanOrEqual(105);
  });

  test('a full queue drops the oldest and counts them', async () => {
    const { client, recorder, clock } = recorderOf(() => new Promise(() => {}), {
      queueMax: 10,
      inFlightMax: 1,
    });
    for (let i = 0; i < 31; i++) recorder.record(failed(`p${i}`));
    expect([recorder.inFlight, recorder.queued, recorder.counts.dropped]).toEqual([1, 10, 20]);
    await clock.advance(1);
    expect(client.requests).toHaveLength(1);
  });

  test('a write with a lost answer is repeated under the same name: 409 says that the first succeeded', async () => {
    let posts = 0;
    const { client, recorder, clock } = recorderOf(() => {
      if (++posts === 1) throw new Unknown();
      return answer(409);
    });
    recorder.record(failed('a'));
    await clock.untilDone(recorder.idle());
    const names = client.requests.map(({ body }) => (body as { metadata: { name: string } }).metadata.name);
    expect(names[0]).toBe(names[1]);
    expect(recorder.counts).toMatchObject({ created: 1, failed: 0 });
  });

  test('gives up after some tries; a terminating namespace is not a failure', async () => {
    const down = recorderOf(() => {
      throw new NotSent();
    });
    const troubles: string[] = [];
    down.recorder.record(failed('a'));
    await down.clock.untilDone(down.recorder.idle());
    expect(down.client.requests).toHaveLength(16);
    expect(down.recorder.counts).toMatchObject({ failed: 1, created: 0 });
    const going = recorderOf(() => answer(403, { message: 'being terminated' }), {
      onWriteError: (_event, text) => troubles.push(text),
    });
    going.recorder.record(failed('a'));
    await going.clock.untilDone(going.recorder.idle());
    expect(going.client.requests).toHaveLength(1);
    expect(going.recorder.counts).toMatchObject({ refused: 1, failed: 0 });
    expect(troubles).toEqual(['403 being terminated']);
  });

  test('an API server that is away for a minute loses no event, however short the waits are drawn', async () => {
    let away = true;
    const { recorder, clock } = recorderOf(
      () => {
        if (away) throw new NotSent();
        return answer(201);
      },
      { random: () => 0 },
    );
    for (let i = 0; i < 20; i++) recorder.record(failed(`p${i}`));
    await clock.advance(60);
    away = false;
    await clock.untilDone(recorder.idle());
    expect(recorder.counts).toMatchObject({ created: 20, failed: 0 });
  });

  test('429 with Retry-After stops all events for that long', async () => {
    let first = true;
    const { client, recorder, clock } = recorderOf(
      () => {
        const result = first ? answer(429, {}, 9) : answer(201);
        first = false;
        return result;
      },
      { inFlightMax: 1 },
    );
    recorder.record(failed('a'));
    await settle();
    recorder.record(failed('b'));
    await clock.advance(8.9);
    expect(client.requests).toHaveLength(1);
    await clock.untilDone(recorder.idle());
    expect(recorder.counts.created).toBe(2);
  });

  test('flush writes everything at full speed, open series too, and reports the remainder', async () => {
    const { client, recorder, clock } = recorderOf(undefined, { mayRun: () => false });
    recorder.record(failed('a'));
    await clock.advance(1);
    recorder.record(failed('a'));
    for (let i = 0; i < 300; i++) recorder.record(failed(`p${i}`));
    await expect(clock.untilDone(recorder.flush(0.5))).resolves.toBe(0);
    expect(client.requests).toHaveLength(302);
    expect(client.requests.some(({ method }) => method === 'PATCH')).toBe(true);
    const stuck = recorderOf(() => new Promise(() => {}));
    for (let i = 0; i < 30; i++) stuck.recorder.record(failed(`p${i}`));
    await expect(stuck.clock.untilDone(stuck.recorder.flush(2))).resolves.toBe(30);
  });

  test('remembers no more than it may, and loses no count by that', async () => {
    const { client, recorder, clock } = recorderOf(undefined, { rememberedMax: 2 });
    recorder.record(failed('a'));
    await clock.advance(1);
    recorder.record(failed('a'));
    recorder.record(failed('b'));
    recorder.record(failed('c'));
    await clock.advance(1);
    expect(client.requests.filter(({ method }) => method === 'PATCH')).toMatchObject([
      { body: { series: { count: 2 } } },
    ]);
    recorder.record(failed('a'));
    await clock.untilDone(recorder.idle());
    expect(client.requests.filter(({ method }) => method === 'POST')).toHaveLength(4);
  });
});

test('whatever is recorded and answered, every event is written, merged, or counted as lost', async () => {
  await checkAsyncProperty(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 20 })), { maxLength: 80 }),
      fc.array(fc.constantFrom(201, 201, 201, 500, 429, 403, 422, 0, -1), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 8 }),
      async (events, script, queueMax) => {
        let at = 0;
        const { recorder, clock, client } = recorderOf(
          () => {
            const status = script[at++ % script.length]!;
            if (status === 0) throw new Unknown();
            if (status === -1) throw new NotSent();
            return answer(status);
          },
          { queueMax, inFlightMax: 2 },
        );
        for (const [pod, seconds] of events) {
          recorder.record(failed(`p${pod}`));
          await clock.advance(seconds);
        }
        await clock.untilDone(recorder.idle());
        const { recorded, created, merged, dropped, refused, failed: lost } = recorder.counts;
        expect(recorded).toBe(events.length);
        expect(created + merged + dropped + refused + lost).toBe(recorded);
        expect(client.inFlightMax).toBeLessThanOrEqual(2);
      },
    ),
    { numRuns: 100 },
  );
});

test('a note is cut at 1,024 bytes, never within a character', () => {
  checkProperty(
    fc.property(fc.string({ unit: 'grapheme', minLength: 0, maxLength: 1200 }), (note) => {
      const cut = cutNote(note);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(1024);
      if (Buffer.byteLength(note) <= 1024) expect(cut).toBe(note);
      else expect(note.startsWith(cut.slice(0, -4))).toBe(true);
    }),
  );
  expect(cutNote('é'.repeat(600))).toBe(`${'é'.repeat(510)} ...`);
});

test('the name of an event is a valid one however long the name of its object is', () => {
  const regarding = { ...failed('a').regarding, name: `${'a'.repeat(235)}.-${'b'.repeat(16)}` };
  const name = eventName(regarding, 0x18f0_0000_0000_0000n);
  expect(name).toBe(`${'a'.repeat(235)}.18f0000000000000`);
  expect(name.length).toBeLessThanOrEqual(253);
});
