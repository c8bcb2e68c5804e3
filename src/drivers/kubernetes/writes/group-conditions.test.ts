import { describe, expect, test } from 'vitest';
import type { GroupFrame } from '../../../governor/pods/pod-view.ts';
import type { ApiAnswer, ApiRequest } from '../client/api.ts';
import { GroupConditionWriter } from './group-conditions.ts';
import { answer, ScriptedClient, settle, VirtualClock } from './writes.fixtures.ts';

type Wanted = Pick<GroupFrame, 'minCount' | 'bound' | 'waitsFor'>;

/** A server of one version with any number of groups, whose conditions it keeps. */
class Bench {
  readonly clock = new VirtualClock();
  readonly requests: ApiRequest[] = [];
  readonly errors: string[] = [];
  readonly frames = new Map<string, Wanted>();
  readonly writer: GroupConditionWriter;
  leads = true;
  status = 200;

  constructor(version: string) {
    this.writer = new GroupConditionWriter({
      client: new ScriptedClient((request) => this.answer(request, version)),
      clock: this.clock,
      random: () => 0.5,
      mayWrite: () => this.leads,
      mayRun: () => true,
      group: (key) => this.frames.get(key) as GroupFrame | undefined,
      onWriteError: (group, text) => this.errors.push(`${group}: ${text}`),
    });
    this.writer.start();
  }

  add(name: string, frame: Wanted, conditions: object[] = []): void {
    this.frames.set(`core:a/${name}`, frame);
    this.writer.noticed(groupObject(name, conditions));
  }

  private answer(request: ApiRequest, version: string): ApiAnswer {
    this.requests.push(request);
    if (!request.path.includes(`/${version}/`)) return answer(404);
    const { status } = request.body as { status: { conditions: object[] } };
    const name = request.path.split('/').at(-2) as string;
    return answer(this.status, groupObject(name, status.conditions));
  }
}

function groupObject(name: string, conditions: object[]): object {
  return { metadata: { namespace: 'a', name, uid: `uid-${name}` }, status: { conditions } };
}

const RUNS: Wanted = { minCount: 2, bound: 2, waitsFor: 'missing' };
const NO_ROOM: Wanted = { minCount: 2, bound: 0, waitsFor: 'room' };

describe('the condition of a pod group', () => {
  test.each([
    ['v1beta1', 1, 'PodGroupInitiallyScheduled'],
    ['v1alpha3', 2, 'PodGroupInitiallyScheduled'],
    ['v1alpha2', 3, 'PodGroupScheduled'],
  ])('is written in the version that is served: %s', async (version, tries, type) => {
    const bench = new Bench(version);
    bench.add('g', RUNS);
    await bench.clock.advance(1.5);
    expect(bench.requests).toHaveLength(tries);
    expect(bench.requests.at(-1)).toMatchObject({
      contentType: 'application/strategic-merge-patch+json',
      body: { metadata: { uid: 'uid-g' }, status: { conditions: [{ type, status: 'True' }] } },
    });
    // The version is known from now on.
    bench.add('h', RUNS);
    await bench.clock.advance(1.5);
    expect(bench.requests).toHaveLength(tries + 1);
  });

  test('says that there is no room, once, then that it started, and never anything after that', async () => {
    const bench = new Bench('v1beta1');
    bench.add('g', NO_ROOM);
    await bench.clock.advance(10);
    bench.frames.set('core:a/g', RUNS);
    await bench.clock.advance(10);
    bench.frames.set('core:a/g', NO_ROOM);
    await bench.clock.advance(10);
    const said = bench.requests.map(({ body }) => (body as { status: { conditions: object[] } }).status);
    expect(said).toMatchObject([
      { conditions: [{ status: 'False', reason: 'Unschedulable' }] },
      { conditions: [{ status: 'True', reason: 'Scheduled' }] },
    ]);
  });

  test('is left alone where another leader wrote True, without the lease, and while members are missing', async () => {
    const bench = new Bench('v1beta1');
    bench.add('g', NO_ROOM, [{ type: 'PodGroupInitiallyScheduled', status: 'True', reason: 'Scheduled' }]);
    bench.add('incomplete', { minCount: 2, bound: 0, waitsFor: 'missing' });
    await bench.clock.advance(5);
    bench.leads = false;
    bench.add('h', RUNS);
    await bench.clock.advance(5);
    expect(bench.requests).toEqual([]);
  });

  test('is written at a bounded rate, and a refused one not again before the object changes', async () => {
    const bench = new Bench('v1beta1');
    for (let i = 0; i < 200; i++) bench.add(`g${i}`, RUNS);
    await bench.clock.advance(3);
    expect(bench.requests.length).toBeGreaterThan(20);
    expect(bench.requests.length).toBeLessThanOrEqual(2 * 20 + 4);
    bench.writer.stop();
    const refused = new Bench('v1beta1');
    refused.status = 403;
    refused.add('g', RUNS);
    await refused.clock.advance(20);
    await settle();
    expect(refused.requests).toHaveLength(1);
    expect(refused.errors).toHaveLength(1);
  });
});
