import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkAsyncProperty } from '../../../../test/support/properties.ts';
import type { BindOutcome } from '../../../governor/pods/pod-events.ts';
import type { ApiAnswer, ApiRequest } from '../client/api.ts';
import { Binder, type BinderOptions } from './binder.ts';
import { answer, NotSent, ScriptedClient, settle, Unknown, VirtualClock } from './writes.fixtures.ts';

interface PodState {
  uid: string;
  node: string;
  deleting?: boolean;
  gates?: boolean;
}

/** The pods of a server, and its answers about them when nothing fails. */
class PodStore {
  readonly pods = new Map<string, PodState>();
  /** How often each was bound. */
  readonly binds = new Map<string, number>();

  get(name: string): ApiAnswer {
    const pod = this.pods.get(name);
    if (pod === undefined) return answer(404);
    return answer(200, {
      metadata: { uid: pod.uid, ...(pod.deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}) },
      spec: { nodeName: pod.node, ...(pod.gates ? { schedulingGates: [{ name: 'g' }] } : {}) },
    });
  }

  bind(request: ApiRequest): ApiAnswer {
    const { metadata, target } = request.body as {
      metadata: { name: string; uid: string };
      target: { name: string };
    };
    const pod = this.pods.get(metadata.name);
    if (pod === undefined) return answer(404);
    if (pod.uid !== metadata.uid || pod.node !== '' || pod.deleting || pod.gates) return answer(409);
    pod.node = target.name;
    this.binds.set(metadata.name, (this.binds.get(metadata.name) ?? 0) + 1);
    return answer(201);
  }

  handle(request: ApiRequest): ApiAnswer {
    if (request.method === 'POST') return this.bind(request);
    return this.get(request.path.split('/').at(-1)!);
  }
}

function binderOf(
  handle: (request: ApiRequest, store: PodStore) => ApiAnswer | Promise<ApiAnswer>,
  options: Partial<BinderOptions> = {},
) {
  const clock = new VirtualClock();
  const store = new PodStore();
  const client = new ScriptedClient((request) => handle(request, store));
  const binder = new Binder({ client, clock, random: () => 0.5, mayWrite: () => true, ...options });
  return { clock, store, client, binder };
}

const pod = (name: string, node = 'n1', uid = `uid-${name}`) => ({ namespace: 'ns', name, uid, node });

describe('Binder', () => {
  test('binds with the uid as a precondition', async () => {
    const { store, client, binder } = binderOf((request, pods) => pods.handle(request));
    store.pods.set('a', { uid: 'uid-a', node: '' });
    await expect(binder.bind(pod('a'))).resolves.toMatchObject({ outcome: 'bound' });
    expect(client.asked).toEqual(['POST /api/v1/namespaces/ns/pods/a/binding?timeout=5s']);
    expect(client.requests[0]!.body).toEqual({
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'a', namespace: 'ns', uid: 'uid-a' },
      target: { apiVersion: 'v1', kind: 'Node', name: 'n1' },
    });
    expect(store.pods.get('a')!.node).toBe('n1');
    expect(binder.counts).toMatchObject({ posts: 1, bound: 1, failed: 0, unknown: 0 });
  });

  test.each<[string, PodState | undefined, BindOutcome]>([
    ['bound where we wanted it: our own bind', { uid: 'uid-a', node: 'n1' }, 'bound'],
    ['bound elsewhere', { uid: 'uid-a', node: 'n2' }, 'conflict'],
    ['another pod of that name', { uid: 'other', node: '' }, 'conflict'],
    ['gated', { uid: 'uid-a', node: '', gates: true }, 'conflict'],
    ['being deleted', { uid: 'uid-a', node: '', deleting: true }, 'conflict'],
    ['no more', undefined, 'gone'],
  ])('a refusal is decided by reading: %s', async (_name, state, outcome) => {
    const { store, binder, client } = binderOf((request, pods) => pods.handle(request));
    if (state !== undefined) store.pods.set('a', state);
    await expect(binder.bind(pod('a'))).resolves.toMatchObject({ outcome });
    expect(client.requests.map(({ method }) => method)).toEqual(['POST', 'GET']);
  });

  test('a lost answer of a bind that was done is found out by reading', async () => {
    const { store, binder, clock } = binderOf((request, pods) => {
      const result = pods.handle(request);
      if (request.method === 'POST') throw new Unknown();
      return result;
    });
    store.pods.set('a', { uid: 'uid-a', node: '' });
    await expect(clock.untilDone(binder.bind(pod('a')))).resolves.toMatchObject({ outcome: 'bound' });
    expect(binder.counts).toMatchObject({ posts: 1, unknown: 1, bound: 1 });
  });

  test('the server is never given longer than the bound, however often a binding is tried', async () => {
    const { store, binder, clock, client } = binderOf(
      (request, pods) => {
        if (request.method === 'POST') throw new Unknown();
        return pods.handle(request);
      },
      { serverSeconds: 2, serverSecondsMax: 3 },
    );
    store.pods.set('a', { uid: 'uid-a', node: '' });
    await expect(clock.untilDone(binder.bind(pod('a')))).resolves.toMatchObject({ outcome: 'failed' });
    const given = client.asked.filter((one) => one.startsWith('POST')).map((one) => one.split('timeout=')[1]);
    expect(given).toEqual(['2s', '3s', '3s', '3s', '3s']);
  });

  test('reading is retried for as long as the server is away', async () => {
    let away = true;
    const { store, binder, clock } = binderOf((request, pods) => {
      if (request.method === 'POST') {
        pods.handle(request);
        throw new Unknown();
      }
      if (away) throw new NotSent();
      return pods.handle(request);
    });
    store.pods.set('a', { uid: 'uid-a', node: '' });
    const outcome = binder.bind(pod('a'));
    await clock.advance(3600);
    expect(binder.inFlight).toBe(1);
    away = false;
    await expect(clock.untilDone(outcome)).resolves.toMatchObject({ outcome: 'bound' });
  });

  test('retries a failed binding, and gives up after the last try when no write can still arrive', async () => {
    const { store, binder, clock, client } = binderOf(
      (request, pods) => {
        if (request.method === 'POST') throw new Unknown();
        return pods.handle(request);
      },
      { attemptsMax: 3 },
    );
    store.pods.set('a', { uid: 'uid-a', node: '' });
    const started = clock.nowSeconds();
    await expect(clock.untilDone(binder.bind(pod('a')))).resolves.toMatchObject({ outcome: 'failed' });
    expect(client.requests.filter(({ method }) => method === 'POST').map(({ path }) => path)).toEqual([
      '/api/v1/namespaces/ns/pods/a/binding?timeout=5s',
      '/api/v1/namespaces/ns/pods/a/binding?timeout=10s',
      '/api/v1/namespaces/ns/pods/a/binding?timeout=20s',
    ]);
    expect(client.asked.at(-1)).toBe('GET /api/v1/namespaces/ns/pods/a');
    // The server's time-out of 20 s, and one more.
    expect(clock.nowSeconds() - started).toBeGreaterThanOrEqual(21);
  });

  test('a bind that is carried out late is not called failed', async () => {
    const { store, binder, clock } = binderOf(
      (request, pods) => {
        if (request.method === 'GET') return pods.handle(request);
        clock.setTimer(4.5, () => pods.handle(request));
        throw new Unknown();
      },
      { attemptsMax: 1 },
    );
    store.pods.set('a', { uid: 'uid-a', node: '' });
    await expect(clock.untilDone(binder.bind(pod('a')))).resolves.toMatchObject({ outcome: 'bound' });
  });

  test('429 with Retry-After stops all bindings for that long, and makes the window smaller', async () => {
    let posts = 0;
    const { store, binder, clock } = binderOf((request, pods) => {
      posts++;
      return posts === 1 ? answer(429, {}, 7) : pods.handle(request);
    });
    store.pods.set('a', { uid: 'uid-a', node: '' });
    store.pods.set('b', { uid: 'uid-b', node: '' });
    const window = binder.window;
    const first = binder.bind(pod('a'));
    await settle();
    const second = binder.bind(pod('b'));
    expect(binder.room).toBe(0);
    await clock.advance(6.9);
    expect(posts).toBe(1);
    await clock.advance(0.2);
    await expect(Promise.all([first, second])).resolves.toMatchObject([
      { outcome: 'bound' },
      { outcome: 'bound' },
    ]);
    expect(posts).toBe(3);
    expect(binder.window).toBeLessThan(window);
    expect(binder.counts.throttled).toBe(1);
  });

  test('503 with Retry-After stops all bindings too; 500 is tried again', async () => {
    const statuses = [answer(503, {}, 3), answer(500)];
    const { store, binder, clock } = binderOf((request, pods) =>
      request.method === 'POST' ? (statuses.shift() ?? pods.handle(request)) : pods.handle(request),
    );
    store.pods.set('a', { uid: 'uid-a', node: '' });
    const outcome = binder.bind(pod('a'));
    await clock.advance(2.9);
    expect(binder.counts.posts).toBe(1);
    await expect(clock.untilDone(outcome)).resolves.toMatchObject({ outcome: 'bound' });
    expect(binder.counts).toMatchObject({ posts: 3, unknown: 2 });
  });

  test('a refusal is passed on in the words of the server, cut where an event ends; of an answer without words its status', async () => {
    const said = [
      answer(403, { message: 'pods "a" is forbidden: this node is reserved' }),
      answer(422),
      answer(400, { message: 'x'.repeat(5000) }),
    ];
    const { binder } = binderOf(() => said.shift()!);
    const reasons: string[] = [];
    for (let i = 0; i < 3; i++) reasons.push((await binder.bind(pod('a'))).reason);
    expect(reasons).toEqual([
      'pods "a" is forbidden: this node is reserved',
      'the API server answered 422',
      'x'.repeat(1000),
    ]);
  });

  test('an error of the server in all tries is the reason, and none is given without the lease', async () => {
    const failing = answer(500, { message: 'failed calling webhook "w"' });
    const { store, binder, clock } = binderOf((request, pods) =>
      request.method === 'POST' ? failing : pods.handle(request),
    );
    store.pods.set('a', { uid: 'uid-a', node: '' });
    await expect(clock.untilDone(binder.bind(pod('a')))).resolves.toEqual({
      outcome: 'failed',
      reason: 'failed calling webhook "w"',
    });
    const { binder: without } = binderOf(() => failing, { mayWrite: () => false });
    await expect(without.bind(pod('a'))).resolves.toEqual({ outcome: 'failed', reason: '' });
  });

  test.each([400, 403, 422])('%i is not tried again', async (status) => {
    const { binder, client } = binderOf(() => answer(status));
    await expect(binder.bind(pod('a'))).resolves.toMatchObject({ outcome: 'failed' });
    expect(client.requests).toHaveLength(1);
  });

  test('checks the lease right before every write; no lease, no write', async () => {
    let held = true;
    const { store, binder, clock, client } = binderOf(
      (_request, _pods) => {
        held = false;
        return answer(429, {}, 1);
      },
      { mayWrite: () => held },
    );
    store.pods.set('a', { uid: 'uid-a', node: '' });
    await expect(clock.untilDone(binder.bind(pod('a')))).resolves.toMatchObject({ outcome: 'failed' });
    expect(client.requests).toHaveLength(1);
    // The client checks it once more when the request has waited for a connection.
    expect(client.requests[0]!.stillWanted!()).toBe(false);
    held = true;
    expect(client.requests[0]!.stillWanted!()).toBe(true);
    held = false;
    await expect(binder.bind(pod('a'))).resolves.toMatchObject({ outcome: 'failed' });
    expect(client.requests).toHaveLength(1);
  });

  test('hold: waiting bindings fail at once, those in flight are awaited, and nothing is written until resumed', async () => {
    const answers: ((value: ApiAnswer) => void)[] = [];
    const { binder, client } = binderOf(() => new Promise((resolve) => answers.push(resolve)), {
      windowMax: 2,
      windowMin: 2,
    });
    const outcomes: string[] = [];
    const all = ['a', 'b', 'c', 'd'].map((name) =>
      binder.bind(pod(name)).then(({ outcome }) => outcomes.push(name + outcome)),
    );
    await settle();
    expect([binder.inFlight, binder.queued]).toEqual([2, 2].map((n) => Math.min(n, 2)));
    let drained = false;
    const holding = binder.hold().then(() => {
      drained = true;
    });
    await settle();
    expect(outcomes).toEqual(['cfailed', 'dfailed']);
    expect(drained).toBe(false);
    expect(binder.room).toBe(0);
    await expect(binder.bind(pod('e'))).resolves.toMatchObject({ outcome: 'failed' });
    for (const resolve of answers) resolve(answer(201));
    await Promise.all([...all, holding]);
    expect(outcomes).toEqual(['cfailed', 'dfailed', 'abound', 'bbound']);
    expect(client.requests).toHaveLength(2);
    binder.resume();
    const again = binder.bind(pod('f'));
    await settle();
    answers.at(-1)!(answer(201));
    await expect(again).resolves.toMatchObject({ outcome: 'bound' });
    await binder.stop();
    expect(() => binder.resume()).toThrow('does not start again');
  });

  test('hold while a bind waits for its next try: no try any more', async () => {
    const { store, binder, clock, client } = binderOf((request, pods) =>
      request.method === 'POST' ? answer(500) : pods.handle(request),
    );
    store.pods.set('a', { uid: 'uid-a', node: '' });
    const outcome = binder.bind(pod('a'));
    await settle();
    const held = binder.hold();
    await expect(clock.untilDone(outcome)).resolves.toMatchObject({ outcome: 'failed' });
    await held;
    expect(client.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
  });

  test('the queue is bounded', async () => {
    const { binder } = binderOf(() => new Promise<ApiAnswer>(() => {}), { windowMax: 1, queueMax: 3 });
    const outcomes: string[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      void binder.bind(pod(name)).then(({ outcome }) => outcomes.push(name + outcome));
    }
    await settle();
    expect(outcomes).toEqual(['efailed', 'ffailed']);
    expect([binder.inFlight, binder.queued, binder.counts.overflowed]).toEqual([1, 3, 2]);
    expect(binder.room).toBe(1 + 8 - 4);
  });

  test('a bug of the client is not swallowed, and does not occupy a slot forever', async () => {
    const { binder } = binderOf(() => {
      throw new TypeError('bug');
    });
    await expect(binder.bind(pod('a'))).rejects.toThrow('bug');
    expect(binder.inFlight).toBe(0);
    await binder.settled();
  });
});

/** The server's treatment of one POST. */
interface Fate {
  readonly answer:
    | 'right'
    | 'lost'
    | 'lost, done late'
    | 'lost, not done'
    | 'not sent'
    | 429
    | 500
    | 504
    | 503;
  readonly seconds: number;
}

const fates = fc.record<Fate>({
  answer: fc.constantFrom<Fate['answer'][]>(
    'right',
    'right',
    'lost',
    'lost, done late',
    'lost, not done',
    'not sent',
    429,
    500,
    504,
    503,
  ),
  seconds: fc.double({ min: 0.001, max: 4.9, noNaN: true }),
});

/** Actions of others meanwhile. */
const meddling = fc.record({
  pod: fc.nat({ max: 19 }),
  at: fc.double({ min: 0, max: 30, noNaN: true }),
  what: fc.constantFrom('delete', 'replace', 'bind elsewhere', 'gate', 'terminate'),
});

function meddle(store: PodStore, name: string, what: string): void {
  const state = store.pods.get(name);
  if (state === undefined) return;
  if (what === 'delete') store.pods.delete(name);
  else if (what === 'replace') store.pods.set(name, { uid: `new-${name}`, node: '' });
  else if (what === 'terminate') state.deleting = true;
  else if (state.node === '' && what === 'gate') state.gates = true;
  else if (state.node === '') state.node = 'elsewhere';
}

/** Carries out a POST according to its fate: answered, or thrown. */
async function suffer(clock: VirtualClock, fate: Fate, done: () => ApiAnswer): Promise<ApiAnswer> {
  const wait = (seconds: number) => new Promise<void>((resolve) => clock.setTimer(seconds, resolve));
  if (fate.answer === 'not sent') throw new NotSent();
  await wait(fate.seconds / 2);
  if (fate.answer === 'lost, done late') clock.setTimer(fate.seconds / 2, done);
  if (fate.answer === 'lost, done late' || fate.answer === 'lost, not done') throw new Unknown();
  if (fate.answer === 429 || fate.answer === 503) return answer(fate.answer, {}, fate.seconds);
  const result = done();
  await wait(fate.seconds / 2);
  if (fate.answer === 'lost') throw new Unknown();
  return fate.answer === 'right' ? result : answer(fate.answer);
}

test('whatever the server answers and others do, every bind settles once, truthfully, and never too many at a time', async () => {
  await checkAsyncProperty(
    fc.asyncProperty(
      fc.array(fates, { minLength: 1, maxLength: 60 }),
      fc.array(meddling, { maxLength: 10 }),
      fc.integer({ min: 1, max: 6 }),
      fc.option(fc.double({ min: 0, max: 20, noNaN: true })),
      async (script, meddlings, windowMax, holdAt) => {
        const bindAt = new Map<string, boolean>();
        let at = 0;
        let holding = false;
        const made = binderOf(
          (request, pods) => {
            if (request.method === 'GET') return pods.handle(request);
            expect(holding).toBe(false);
            return suffer(made.clock, script[at++ % script.length]!, () => pods.handle(request));
          },
          { windowMax, windowMin: 1, attemptsMax: 4 },
        );
        const { binder, clock, store, client } = made;
        const names = Array.from({ length: 20 }, (_, i) => `p${i}`);
        for (const name of names) store.pods.set(name, { uid: `uid-${name}`, node: '' });
        for (const { pod: index, at: when, what } of meddlings) {
          clock.setTimer(when, () => meddle(store, names[index]!, what));
        }
        if (holdAt !== null) {
          clock.setTimer(holdAt, () => {
            holding = true;
            void binder.hold();
          });
        }
        const outcomes = new Map<string, BindOutcome>();
        const all = names.map((name) =>
          binder.bind(pod(name)).then(({ outcome }) => {
            expect(outcomes.has(name)).toBe(false);
            outcomes.set(name, outcome);
            bindAt.set(name, store.pods.get(name)?.node === 'n1');
          }),
        );
        await clock.untilDone(Promise.all(all));
        // All late work of the server is done by now or never.
        await clock.advance(60);
        expect(client.inFlightMax).toBeLessThanOrEqual(windowMax);
        expect(binder.inFlight + binder.queued).toBe(0);
        for (const name of names) {
          const times = store.binds.get(name) ?? 0;
          expect(times).toBeLessThanOrEqual(1);
          const outcome = outcomes.get(name);
          // Bound by us; if it is reported as bound, it was bound at that time unless it was deleted since.
          if (outcome === 'bound') expect(times).toBe(1);
          if (outcome === 'failed') expect(times).toBe(0);
          if (outcome === 'conflict' && store.pods.get(name)?.uid === `uid-${name}`) {
            expect(store.pods.get(name)!.node === 'n1' && times === 1).toBe(false);
          }
          if (outcome === 'gone') expect(store.pods.get(name)?.uid).not.toBe(`uid-${name}`);
        }
      },
    ),
    { numRuns: 150 },
  );
}, 120_000);
