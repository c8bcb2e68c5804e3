/** Faults that a real API server cannot be made to show on demand; the rest is in test/kubernetes/snapshot.test.ts. */
import { describe, expect, test } from 'vitest';
import type { ApiAnswer, ApiClient, ApiRequest } from '../client/api.ts';
import { ApiNotSentError } from '../client/api-errors.ts';
import { takeSnapshot } from './take-snapshot.ts';

type Reply = { status: number; body?: unknown; retryAfterSeconds?: number } | Error;

/** Answers by path, each reply once, the last one repeated; 404 for all other paths. */
function scripted(replies: Record<string, Reply[]>): { client: ApiClient; asked: string[] } {
  const asked: string[] = [];
  const request = ({ path }: ApiRequest): Promise<ApiAnswer> => {
    asked.push(path);
    const [name = ''] = path.split('?');
    const queue = replies[name] ?? [{ status: 404 }];
    const reply = (queue.length > 1 ? queue.shift() : queue[0]) as Reply;
    if (reply instanceof Error) return Promise.reject(reply);
    return Promise.resolve({ body: undefined, retryAfterSeconds: Number.NaN, ...reply });
  };
  return { client: { request, close: () => Promise.resolve() }, asked };
}

function list(names: readonly string[], next = ''): Reply {
  return {
    status: 200,
    body: { metadata: { continue: next }, items: names.map((name) => ({ metadata: { name } })) },
  };
}

async function take(client: ApiClient): Promise<{ names: string[]; warnings: string[] }> {
  const warnings: string[] = [];
  const pieces = takeSnapshot(client, {
    takenAtSeconds: 1,
    server: SERVER,
    onWarning: (text) => warnings.push(text),
  });
  const { items } = JSON.parse((await Array.fromAsync(pieces)).join(''));
  return { names: items.map(({ metadata }: { metadata: { name: string } }) => metadata.name), warnings };
}

const SERVER = 'https://h:1';
const NODES = '/api/v1/nodes';
const PODS = '/api/v1/pods';
const CLASSES = '/apis/scheduling.k8s.io/v1/priorityclasses';
const GROUPS_1 = '/apis/scheduling.k8s.io/v1beta1/podgroups';
const GROUPS_2 = '/apis/scheduling.k8s.io/v1alpha2/podgroups';

describe('takeSnapshot', () => {
  test('continues from the token of a 410 when a list is no longer kept', async () => {
    const expired: Reply = { status: 410, body: { kind: 'Status', metadata: { continue: 'later' } } };
    const { client, asked } = scripted({
      [NODES]: [list(['n'])],
      [PODS]: [list(['a', 'b'], 'first'), expired, list(['c'])],
    });
    expect((await take(client)).names).toEqual(['n', 'a', 'b', 'c']);
    expect(asked.filter((path) => path.startsWith(PODS)).map((path) => path.slice(PODS.length))).toEqual([
      '?limit=500',
      '?limit=500&continue=first',
      '?limit=500&continue=later',
    ]);
  });

  test('a 410 without a way on is an error', async () => {
    const expired: Reply = { status: 410, body: { message: 'too old' } };
    const { client } = scripted({ [NODES]: [list(['n'], 'x'), expired], [PODS]: [list([])] });
    await expect(take(client)).rejects.toMatchObject({
      code: 'TEG_SERVER_FAILED',
      message: expect.stringContaining('410: too old'),
    });
  });

  test('tries again after 429, 503 and a lost connection', async () => {
    const lost = new ApiNotSentError('no connection', { method: 'GET', path: NODES });
    const busy: Reply = { status: 429, retryAfterSeconds: 0.01 };
    const { client, asked } = scripted({
      [NODES]: [busy, { status: 503, retryAfterSeconds: 0.01 }, lost, list(['n'])],
      [PODS]: [list(['p'])],
    });
    expect((await take(client)).names).toEqual(['n', 'p']);
    expect(asked.filter((path) => path.startsWith(NODES))).toHaveLength(4);
  }, 20_000);

  test('gives up in the end', async () => {
    const { client, asked } = scripted({
      [NODES]: [{ status: 500, retryAfterSeconds: 0.01 }],
      [PODS]: [list([])],
    });
    await expect(take(client)).rejects.toMatchObject({ code: 'TEG_SERVER_FAILED' });
    expect(asked.filter((path) => path.startsWith(NODES))).toHaveLength(4);
  });

  test('leaves out kinds that it may not read, and says so; kinds that are not served are ignored', async () => {
    const forbidden: Reply = { status: 403, body: { message: 'no right to list' } };
    const { client } = scripted({
      [NODES]: [list(['n'])],
      [PODS]: [list(['p'])],
      '/apis/policy/v1/poddisruptionbudgets': [forbidden],
    });
    const { names, warnings } = await take(client);
    expect(names).toEqual(['n', 'p']);
    expect(warnings).toEqual([
      expect.stringContaining('PodDisruptionBudget objects are not in the snapshot'),
    ]);
    const { client: blind } = scripted({ [NODES]: [list(['n'])], [PODS]: [forbidden] });
    await expect(take(blind)).rejects.toMatchObject({
      message: expect.stringContaining(`${SERVER}${PODS}: got 403: no right to list, expected `),
    });
  });

  test('names the server that is not there, and stops at credentials that are not valid', async () => {
    const away = new ApiNotSentError('connect ECONNREFUSED', { method: 'GET', path: NODES });
    const { client } = scripted({ [CLASSES]: [{ status: 503, retryAfterSeconds: 0.01 }, away] });
    await expect(take(client)).rejects.toMatchObject({
      message: expect.stringMatching(/^https:\/\/h:1: got connect ECONNREFUSED, expected /),
    });
    const { client: stranger, asked } = scripted({ [CLASSES]: [{ status: 401 }] });
    await expect(take(stranger)).rejects.toMatchObject({
      message: expect.stringMatching(/^https:\/\/h:1: got 401, expected .* credentials are not/),
    });
    expect(asked).toHaveLength(1);
  }, 20_000);

  test('takes one version of a kind that is served in several', async () => {
    const both = { [GROUPS_1]: [list(['g'])], [GROUPS_2]: [list(['g'])] };
    const older = { [GROUPS_2]: [list(['g'])] };
    for (const groups of [both, older]) {
      const { client } = scripted({ [NODES]: [list(['n'])], [PODS]: [list([])], ...groups });
      expect((await take(client)).names).toEqual(['n', 'g']);
    }
  });
});
