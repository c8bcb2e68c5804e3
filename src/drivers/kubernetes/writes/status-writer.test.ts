import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkAsyncProperty } from '../../../../test/support/properties.ts';
import type { ApiAnswer, ApiRequest } from '../client/api.ts';
import { StatusWriter, type StatusWriterOptions } from './status-writer.ts';
import { answer, ScriptedClient, settle, Unknown, VirtualClock } from './writes.fixtures.ts';

interface StoredPod {
  uid: string;
  version: number;
  node: string;
  condition: Record<string, unknown> | undefined;
  nominated: string;
  generation: number;
}

/** Pods with the server's merge of conditions and its optimistic concurrency. */
class PodStatusStore {
  readonly pods = new Map<string, StoredPod>();

  add(name: string, more: Partial<StoredPod> = {}): void {
    this.pods.set(name, {
      uid: `uid-${name}`,
      version: 1,
      node: '',
      condition: undefined,
      nominated: '',
      generation: 0,
      ...more,
    });
  }

  /** As the binding call does. */
  bind(name: string): void {
    const pod = this.pods.get(name)!;
    pod.node = 'n1';
    pod.condition = { type: 'PodScheduled', status: 'True' };
    pod.version++;
  }

  handle(request: ApiRequest): ApiAnswer {
    const name = /pods\/([^/]+)/.exec(request.path)![1]!;
    const pod = this.pods.get(name);
    if (pod === undefined) return answer(404);
    if (request.method === 'PATCH') {
      const { metadata, status } = request.body as {
        metadata: { uid: string; resourceVersion: string };
        status: { conditions?: Record<string, unknown>[]; nominatedNodeName?: string | null };
      };
      if (metadata.uid !== pod.uid || metadata.resourceVersion !== `${pod.version}`) return answer(409);
      if (status.conditions !== undefined) pod.condition = { ...pod.condition, ...status.conditions[0] };
      if (status.nominatedNodeName !== undefined) pod.nominated = status.nominatedNodeName ?? '';
      pod.version++;
    }
    return answer(200, {
      metadata: { uid: pod.uid, resourceVersion: `${pod.version}`, generation: pod.generation },
      spec: { ...(pod.node === '' ? {} : { nodeName: pod.node }) },
      status: {
        conditions: [{ type: 'Other' }, ...(pod.condition === undefined ? [] : [pod.condition])],
        nominatedNodeName: pod.nominated,
      },
    });
  }
}

function writerOf(
  options: Partial<StatusWriterOptions> = {},
  handle = (request: ApiRequest, store: PodStatusStore): ApiAnswer | Promise<ApiAnswer> =>
    store.handle(request),
) {
  const clock = new VirtualClock();
  const store = new PodStatusStore();
  const client = new ScriptedClient((request) => handle(request, store));
  const writer = new StatusWriter({ client, clock, random: () => 0.5, mayWrite: () => true, ...options });
  return { clock, store, client, writer };
}

const pod = (name: string) => ({ namespace: 'ns', name, uid: `uid-${name}` });
const lacking = (message: string) => ({ reason: 'Unschedulable' as const, message });

describe('StatusWriter', () => {
  test('reads once, then only writes; the time of the transition is set once', async () => {
    const { store, writer, client, clock } = writerOf();
    store.add('a');
    writer.setNotScheduled(pod('a'), lacking('one'));
    await clock.untilDone(writer.idle());
    const time = store.pods.get('a')!.condition!.lastTransitionTime;
    expect(store.pods.get('a')!.condition).toEqual({
      type: 'PodScheduled',
      status: 'False',
      reason: 'Unschedulable',
      message: 'one',
      lastProbeTime: null,
      lastTransitionTime: '2023-11-14T22:30:00Z',
    });
    await clock.advance(100);
    writer.setNotScheduled(pod('a'), lacking('two'));
    await clock.untilDone(writer.idle());
    expect(store.pods.get('a')!.condition).toMatchObject({ message: 'two', lastTransitionTime: time });
    expect(client.asked).toEqual([
      'GET /api/v1/namespaces/ns/pods/a',
      'PATCH /api/v1/namespaces/ns/pods/a/status',
      'PATCH /api/v1/namespaces/ns/pods/a/status',
    ]);
    expect(client.requests[1]!.contentType).toBe('application/strategic-merge-patch+json');
  });

  test('writes nothing that is there already', async () => {
    const { store, writer, client, clock } = writerOf();
    store.add('a', {
      condition: { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'one' },
    });
    writer.setNotScheduled(pod('a'), lacking('one'));
    writer.nominate(pod('a'), '', 'n7');
    await clock.untilDone(writer.idle());
    expect(client.asked).toEqual(['GET /api/v1/namespaces/ns/pods/a']);
    expect(writer.counts).toMatchObject({ needless: 1, written: 0, merged: 1 });
  });

  test('clears its own nominations alone, also if several came before they were written', async () => {
    const { store, writer, clock } = writerOf();
    store.add('theirs', { nominated: 'n5' });
    writer.nominate(pod('theirs'), '', 'n1');
    store.add('ours', { nominated: 'n1' });
    writer.nominate(pod('ours'), 'n2', 'n1');
    writer.nominate(pod('ours'), '', 'n2');
    store.add('taken');
    writer.nominate(pod('taken'), 'n1', '');
    await clock.untilDone(writer.idle());
    expect(store.pods.get('theirs')?.nominated).toBe('n5');
    expect(store.pods.get('ours')?.nominated).toBe('');
    const taken = store.pods.get('taken') as StoredPod;
    expect(taken.nominated).toBe('n1');
    // Others write between our two writes.
    Object.assign(taken, { nominated: 'n5', version: taken.version + 1 });
    writer.nominate(pod('taken'), '', 'n1');
    await clock.untilDone(writer.idle());
    expect(taken.nominated).toBe('n5');
  });

  test('says which generation of the pod a condition is about, and writes it again for another one', async () => {
    const { store, writer, clock } = writerOf();
    store.add('a', { generation: 3 });
    writer.setNotScheduled(pod('a'), { ...lacking('one'), generation: 2 });
    await clock.untilDone(writer.idle());
    expect(store.pods.get('a')?.condition).toMatchObject({ message: 'one', observedGeneration: 2 });
    writer.setNotScheduled(pod('a'), { ...lacking('one'), generation: 3 });
    await clock.untilDone(writer.idle());
    expect(store.pods.get('a')?.condition).toMatchObject({ message: 'one', observedGeneration: 3 });
    // Where the decision lacks the generation, the pod that was read has it.
    store.add('b', { generation: 7 });
    writer.setNotScheduled(pod('b'), lacking('one'));
    await clock.untilDone(writer.idle());
    expect(store.pods.get('b')?.condition).toMatchObject({ observedGeneration: 7 });
    // A server that does not keep generations does not cause repeated writes.
    const { condition } = store.pods.get('a') as StoredPod;
    store.add('old', { generation: 4, condition: { ...condition, observedGeneration: undefined } });
    writer.setNotScheduled(pod('old'), { ...lacking('one'), generation: 4 });
    await clock.untilDone(writer.idle());
    expect(writer.counts).toMatchObject({ written: 3, needless: 1 });
  });

  test('nominates and clears, together with a condition or alone', async () => {
    const { store, writer, client, clock } = writerOf();
    store.add('a');
    writer.setNotScheduled(pod('a'), lacking('one'));
    writer.nominate(pod('a'), 'n7', '');
    await clock.untilDone(writer.idle());
    expect(store.pods.get('a')).toMatchObject({ nominated: 'n7', condition: { message: 'one' } });
    expect(client.requests).toHaveLength(2);
    writer.nominate(pod('a'), '', 'n7');
    await clock.untilDone(writer.idle());
    expect(store.pods.get('a')!.nominated).toBe('');
    expect(client.requests[2]!.body).toMatchObject({ status: { nominatedNodeName: null } });
  });

  test("never overwrites a bind's fields, not even of one that came in between", async () => {
    const { store, writer, clock } = writerOf({}, (request, pods) => {
      if (request.method === 'PATCH' && pods.pods.get('a')!.node === '') pods.bind('a');
      return pods.handle(request);
    });
    store.add('a');
    writer.setNotScheduled(pod('a'), lacking('one'));
    await clock.untilDone(writer.idle());
    expect(store.pods.get('a')!.condition).toEqual({ type: 'PodScheduled', status: 'True' });
    expect(writer.counts).toMatchObject({ written: 0, needless: 1 });
  });

  test("only a pod's newest wish counts, also of those that arrive during a write", async () => {
    const waiting: (() => void)[] = [];
    const { store, writer, client, clock } = writerOf({ perSecondMin: 1000 }, async (request, pods) => {
      if (request.method === 'PATCH') await new Promise<void>((resolve) => waiting.push(resolve));
      return pods.handle(request);
    });
    store.add('a');
    writer.setNotScheduled(pod('a'), lacking('0'));
    await settle();
    for (let i = 1; i < 10; i++) writer.setNotScheduled(pod('a'), lacking(`${i}`));
    await settle();
    waiting.shift()!();
    await clock.advance(1);
    waiting.shift()!();
    await clock.untilDone(writer.idle());
    expect(client.requests.filter(({ method }) => method === 'PATCH')).toHaveLength(2);
    expect(store.pods.get('a')!.condition).toMatchObject({ message: '9' });
  });

  test('a pod that is gone, or another one of its name, is left alone', async () => {
    const { store, writer, client, clock } = writerOf();
    store.add('b', { uid: 'new' });
    writer.setNotScheduled(pod('a'), lacking('one'));
    writer.setNotScheduled(pod('b'), lacking('one'));
    await clock.untilDone(writer.idle());
    expect(client.requests.every(({ method }) => method === 'GET')).toBe(true);
    expect(writer.counts).toMatchObject({ needless: 2, failed: 0 });
  });

  test('drops withdrawn wishes', async () => {
    const { store, writer, client, clock } = writerOf({ mayRun: () => false, inFlightMax: 1 });
    store.add('a');
    store.add('b');
    writer.setNotScheduled(pod('a'), lacking('one'));
    writer.setNotScheduled(pod('b'), lacking('one'));
    writer.forget('uid-b');
    await clock.untilDone(writer.idle());
    expect(client.asked.some((asked) => asked.includes('pods/b'))).toBe(false);
  });

  test('is bounded: the pod that waits longest is dropped', async () => {
    const { store, writer, clock } = writerOf({ mayRun: () => false, pendingMax: 5 });
    for (let i = 0; i < 20; i++) {
      store.add(`p${i}`);
      writer.setNotScheduled(pod(`p${i}`), lacking('one'));
    }
    expect(writer.queued).toBe(5);
    expect(writer.counts.dropped).toBe(15);
    await clock.untilDone(writer.idle());
    expect(store.pods.get('p19')!.condition).toBeDefined();
    expect(store.pods.get('p14')!.condition).toBeUndefined();
  });

  test('no lease, no write; and a refusal of the server is reported', async () => {
    const held = writerOf({ mayWrite: () => false });
    held.store.add('a');
    held.writer.setNotScheduled(pod('a'), lacking('one'));
    await held.clock.untilDone(held.writer.idle());
    expect(held.client.requests).toHaveLength(0);
    const troubles: string[] = [];
    const refused = writerOf({ onWriteError: (_pod, text) => troubles.push(text) }, () => answer(403));
    refused.writer.setNotScheduled(pod('a'), lacking('one'));
    await refused.clock.untilDone(refused.writer.idle());
    expect(troubles).toEqual(['403']);
    expect(refused.writer.counts.failed).toBe(1);
  });

  test('a write that a policy denies with 422 is reported in its words, after one more read', async () => {
    const troubles: string[] = [];
    const { store, writer, clock, client } = writerOf(
      { onWriteError: (_pod, text) => troubles.push(text) },
      (request, pods) =>
        request.method === 'PATCH' ? answer(422, { message: 'denied by policy' }) : pods.handle(request),
    );
    store.add('a');
    writer.setNotScheduled(pod('a'), lacking('one'));
    await clock.untilDone(writer.idle());
    expect(troubles).toEqual(['422 denied by policy']);
    expect(client.requests.map(({ method }) => method)).toEqual(['GET', 'PATCH', 'GET']);
    expect(writer.counts.failed).toBe(1);
  });

  test('422 because another pod has the name by now is not a failure', async () => {
    const { store, writer, clock } = writerOf({}, (request, pods) => {
      if (request.method !== 'PATCH') return pods.handle(request);
      pods.add('a', { uid: 'uid-of-the-next' });
      return answer(422);
    });
    store.add('a');
    writer.setNotScheduled(pod('a'), lacking('one'));
    await clock.untilDone(writer.idle());
    expect(writer.counts).toMatchObject({ needless: 1, failed: 0 });
  });
});

describe('a refused write is tried again', () => {
  /** A writer of pods whose status a policy protects until it is lifted. */
  function refusing(options: Partial<StatusWriterOptions> = {}, refusal = answer(403)) {
    const patches: number[] = [];
    const policy = { refuses: true };
    const made = writerOf(options, (request, pods) => {
      if (request.method !== 'PATCH') return pods.handle(request);
      patches.push(made.clock.nowSeconds());
      return policy.refuses ? refusal : pods.handle(request);
    });
    made.store.add('a');
    return { ...made, policy, patches };
  }

  test.each([
    ['a policy', answer(403)],
    ['a policy of another kind', answer(422)],
    ['a webhook that is away', answer(500)],
  ])(
    '%s: after waits that double up to a bound, until it is written, and then no more',
    async (_, refusal) => {
      const options = { attemptsMax: 2, backOff: { secondsFirst: 0.001, secondsMax: 0.001 } };
      const { writer, clock, store, policy, patches, client } = refusing(options, refusal);
      writer.setNotScheduled(pod('a'), lacking('one'));
      await clock.advance(60);
      const starts = patches.filter((at, i) => i === 0 || at - (patches[i - 1] as number) > 0.1);
      const waits = starts.slice(1).map((at, i) => Math.round((at - (starts[i] as number)) * 10) / 10);
      expect(waits.slice(0, 7)).toEqual([0.8, 1.5, 3, 6, 7.5, 7.5, 7.5]);
      expect(store.pods.get('a')?.condition).toBeUndefined();
      policy.refuses = false;
      await clock.advance(7.6);
      expect(store.pods.get('a')?.condition).toMatchObject({ message: 'one', status: 'False' });
      expect(writer.retrying).toBe(0);
      const { length } = client.requests;
      await clock.advance(100);
      expect(client.requests).toHaveLength(length);
    },
  );

  test("a newer wish goes at once, with the older one's other fields", async () => {
    const { writer, clock, store, policy, patches } = refusing();
    writer.setNotScheduled(pod('a'), lacking('one'));
    writer.nominate(pod('a'), 'n7', '');
    await clock.untilDone(writer.idle());
    expect(writer.retrying).toBe(1);
    policy.refuses = false;
    writer.setNotScheduled(pod('a'), lacking('two'));
    await clock.untilDone(writer.idle());
    expect(store.pods.get('a')).toMatchObject({ nominated: 'n7', condition: { message: 'two' } });
    await clock.advance(100);
    expect(patches).toHaveLength(2);
  });

  test('one that came while the other was refused, too', async () => {
    const waiting: (() => void)[] = [];
    const { store, writer, clock } = writerOf({}, async (request, pods) => {
      if (request.method !== 'PATCH' || waiting.length > 0) return pods.handle(request);
      await new Promise<void>((resolve) => waiting.push(resolve));
      return answer(403);
    });
    store.add('a');
    writer.nominate(pod('a'), 'n7', '');
    await settle();
    writer.setNotScheduled(pod('a'), lacking('one'));
    waiting[0]?.();
    await clock.untilDone(writer.idle());
    expect(store.pods.get('a')).toMatchObject({ nominated: 'n7', condition: { message: 'one' } });
    expect(writer.retrying).toBe(0);
  });

  test.each<[string, (made: ReturnType<typeof refusing>) => void]>([
    ['was bound by us', ({ writer }) => writer.forget('uid-a')],
    ['was bound by others', ({ store }) => store.bind('a')],
    ['is gone', ({ store }) => void store.pods.delete('a')],
  ])('not for a pod that %s', async (_, change) => {
    const made = refusing();
    made.writer.setNotScheduled(pod('a'), lacking('one'));
    await made.clock.untilDone(made.writer.idle());
    change(made);
    await made.clock.advance(100);
    expect(made.patches).toHaveLength(1);
    expect(made.writer.retrying).toBe(0);
  });

  test('not without the lease, nor after it was lost', async () => {
    let leads = true;
    const { writer, clock, client } = refusing({ mayWrite: () => leads });
    writer.setNotScheduled(pod('a'), lacking('one'));
    await clock.untilDone(writer.idle());
    leads = false;
    const { length } = client.requests;
    await clock.advance(100);
    expect([client.requests.length, writer.retrying]).toEqual([length, 0]);
    writer.setNotScheduled(pod('a'), lacking('two'));
    await clock.advance(100);
    expect([client.requests.length, writer.retrying]).toEqual([length, 0]);
  });

  test('for a bounded number of pods', async () => {
    const { writer, clock, store } = refusing({ retriesMax: 3 });
    for (let i = 0; i < 5; i++) {
      store.add(`p${i}`);
      writer.setNotScheduled(pod(`p${i}`), lacking('one'));
    }
    await clock.untilDone(writer.idle());
    expect(writer.retrying).toBe(3);
    expect(writer.counts.failed).toBe(5);
  });
});

test('whatever is lost and meddled with, the last wish is on the server in the end, unless the pod was bound', async () => {
  await checkAsyncProperty(
    fc.asyncProperty(
      fc.array(fc.constantFrom('right', 'right', 'lost', 'never', 'meddle', 500), {
        minLength: 1,
        maxLength: 12,
      }),
      fc.array(fc.tuple(fc.nat({ max: 2 }), fc.nat({ max: 3 }), fc.boolean()), {
        minLength: 1,
        maxLength: 15,
      }),
      async (script, wishes) => {
        let at = 0;
        let quiet = false;
        const { store, writer, clock } = writerOf({}, (request, pods) => {
          const fate = quiet ? 'right' : script[at++ % script.length];
          const name = /pods\/([^/]+)/.exec(request.path)![1]!;
          if (fate === 'meddle') pods.pods.get(name)!.version++;
          if (fate === 'never') throw new Unknown();
          if (fate === 500) return answer(500);
          const result = pods.handle(request);
          if (fate === 'lost') throw new Unknown();
          return result;
        });
        for (const name of ['p0', 'p1', 'p2']) store.add(name);
        const last = new Map<string, string>();
        const bound = new Set<string>();
        for (const [index, number, bind] of wishes) {
          const name = `p${index}`;
          if (bind && number === 0 && !bound.has(name)) {
            store.bind(name);
            bound.add(name);
          }
          last.set(name, `m${number}`);
          writer.setNotScheduled(pod(name), lacking(`m${number}`));
          await clock.advance(number / 10);
        }
        // While nothing gets through, tries of several pods may alternate for ever: the network recovers in between.
        await clock.advance(60);
        quiet = true;
        await clock.untilDone(writer.idle());
        // A wish whose tries were used up is tried again, without another wish.
        await clock.advance(30);
        expect(writer.retrying).toBe(0);
        for (const [name, message] of last) {
          const { condition } = store.pods.get(name)!;
          if (bound.has(name)) expect(condition!.status).toBe('True');
          else expect(condition).toMatchObject({ status: 'False', message });
        }
      },
    ),
    { numRuns: 100 },
  );
});
