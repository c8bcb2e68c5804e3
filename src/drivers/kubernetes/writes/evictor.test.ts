import { describe, expect, test } from 'vitest';
import type { ApiAnswer, ApiRequest } from '../client/api.ts';
import { Evictor, type EvictorOptions } from './evictor.ts';
import { answer, NotSent, ScriptedClient, settle, Unknown, VirtualClock } from './writes.fixtures.ts';

const victim = { namespace: 'ns', name: 'a', uid: 'uid-a' };
const PATH = '/api/v1/namespaces/ns/pods/a';

function evictorOf(
  handle: (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>,
  options: Partial<EvictorOptions> = {},
) {
  const clock = new VirtualClock();
  const client = new ScriptedClient(handle);
  const evictor = new Evictor({ client, clock, random: () => 0.5, mayWrite: () => true, ...options });
  return { clock, client, evictor };
}

/** @returns A server that gives its answers in turn and repeats the last one. */
function answers(...list: (ApiAnswer | Error)[]): () => ApiAnswer {
  return () => {
    const next = list.length > 1 ? list.shift()! : list[0]!;
    if (next instanceof Error) throw next;
    return next;
  };
}

const other = answer(200, { metadata: { uid: 'new' } });
const same = answer(200, { metadata: { uid: 'uid-a' } });

describe('preempt', () => {
  test('marks the victim, then deletes it, both by uid', async () => {
    const { client, evictor } = evictorOf(() => answer(200));
    await expect(evictor.preempt(victim)).resolves.toMatchObject({ done: true });
    expect(client.asked).toEqual([`PATCH ${PATH}/status`, `DELETE ${PATH}`]);
    expect(client.requests[0]!.body).toEqual({
      metadata: { uid: 'uid-a' },
      status: {
        conditions: [
          {
            type: 'DisruptionTarget',
            status: 'True',
            reason: 'PreemptionByScheduler',
            message: 'TEG: preempting to accommodate a higher priority pod',
            lastProbeTime: null,
            lastTransitionTime: '2023-11-14T22:30:00Z',
          },
        ],
      },
    });
    expect(client.requests[1]!.body).toMatchObject({ preconditions: { uid: 'uid-a' } });
  });

  test.each<[string, (ApiAnswer | Error)[], boolean, string[]]>([
    ['gone before it was marked', [answer(404)], true, ['PATCH']],
    ['another pod of its name', [answer(409), other], true, ['PATCH', 'GET']],
    ['another pod, as the server says it of a patch', [answer(422), other], true, ['PATCH', 'GET']],
    ['gone before it was deleted', [answer(200), answer(404)], true, ['PATCH', 'DELETE']],
    ['replaced before it was deleted', [answer(200), answer(409), other], true, ['PATCH', 'DELETE', 'GET']],
    [
      'a conflict that passes',
      [answer(409), same, answer(200), answer(200)],
      true,
      ['PATCH', 'GET', 'PATCH', 'DELETE'],
    ],
    [
      'a lost answer',
      [new Unknown(), answer(200), new Unknown(), answer(404)],
      true,
      ['PATCH', 'PATCH', 'DELETE', 'DELETE'],
    ],
    [
      'errors that pass',
      [answer(500), new NotSent(), answer(429, {}, 2), answer(200)],
      true,
      ['PATCH', 'PATCH', 'PATCH', 'PATCH', 'DELETE'],
    ],
    ['no right to mark: not deleted', [answer(403)], false, ['PATCH']],
    ['no right to delete', [answer(200), answer(403)], false, ['PATCH', 'DELETE']],
    ['a server that does not come back', [new NotSent()], false, Array(6).fill('PATCH')],
  ])('%s', async (_name, list, done, asked) => {
    const { client, evictor, clock } = evictorOf(answers(...list));
    await expect(clock.untilDone(evictor.preempt(victim))).resolves.toMatchObject({ done });
    expect(client.requests.map(({ method }) => method)).toEqual(asked);
  });

  test('writes nothing without the lease, nor after it was stopped', async () => {
    let held = true;
    const { client, evictor, clock } = evictorOf(
      () => {
        held = false;
        return answer(200);
      },
      { mayWrite: () => held },
    );
    await expect(evictor.preempt(victim)).resolves.toMatchObject({ done: false });
    expect(client.requests).toHaveLength(1);
    const stopped = evictorOf(() => answer(500));
    const result = stopped.evictor.preempt(victim);
    await settle();
    stopped.evictor.stop();
    await expect(clock.untilDone(result)).resolves.toMatchObject({ done: false });
    expect(stopped.client.requests).toHaveLength(1);
  });

  test('bounds those at work and those waiting, and refuses the rest at once', async () => {
    const open: ((value: ApiAnswer) => void)[] = [];
    const { client, evictor } = evictorOf(() => new Promise((resolve) => open.push(resolve)), {
      inFlightMax: 2,
      queueMax: 3,
    });
    const results: boolean[] = [];
    const all = Array.from({ length: 7 }, () =>
      evictor.preempt(victim).then(({ done }) => results.push(done)),
    );
    await settle();
    expect(results).toEqual([false, false]);
    expect([client.inFlight, evictor.pending]).toEqual([2, 5]);
    while (open.length > 0) {
      open.shift()!(answer(200));
      await settle();
    }
    await Promise.all(all);
    expect(results).toEqual([false, false, true, true, true, true, true]);
    expect([client.inFlightMax, evictor.pending]).toEqual([2, 0]);
  });
});

describe('evict', () => {
  test('calls the eviction API, by uid', async () => {
    const { client, evictor } = evictorOf(() => answer(201));
    await expect(evictor.evict(victim)).resolves.toMatchObject({ done: true });
    expect(client.asked).toEqual([`POST ${PATH}/eviction`]);
    expect(client.requests[0]!.body).toEqual({
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { namespace: 'ns', name: 'a' },
      deleteOptions: { preconditions: { uid: 'uid-a' } },
    });
  });

  test('a refusing budget is retried after its Retry-After, some times', async () => {
    const refusing = evictorOf(() => answer(429, { message: 'disruption budget' }, 10));
    const started = refusing.clock.nowSeconds();
    await expect(refusing.clock.untilDone(refusing.evictor.evict(victim))).resolves.toMatchObject({
      done: false,
    });
    expect(refusing.client.requests).toHaveLength(6);
    expect(refusing.clock.nowSeconds() - started).toBeGreaterThanOrEqual(50);
    const giving = evictorOf(answers(answer(429, {}, 10), answer(201)));
    await expect(giving.clock.untilDone(giving.evictor.evict(victim))).resolves.toMatchObject({ done: true });
  });

  test("gives the server's reason for a refusal; none when the lease or a stop ended it", async () => {
    const budget = answer(429, {
      message: "Cannot evict pod as it would violate the pod's disruption budget.",
    });
    const refusing = evictorOf(() => budget);
    await expect(refusing.clock.untilDone(refusing.evictor.evict(victim))).resolves.toEqual({
      done: false,
      reason: "Cannot evict pod as it would violate the pod's disruption budget.",
    });
    const forbidden = evictorOf(() => answer(403, { message: 'pods "a" is forbidden' }));
    await expect(forbidden.evictor.preempt(victim)).resolves.toEqual({
      done: false,
      reason: 'pods "a" is forbidden',
    });
    const without = evictorOf(() => budget, { mayWrite: () => false });
    await expect(without.evictor.evict(victim)).resolves.toEqual({ done: false, reason: '' });
  });

  test('gone is done', async () => {
    const { evictor } = evictorOf(() => answer(404));
    await expect(evictor.evict(victim)).resolves.toMatchObject({ done: true });
  });
});
