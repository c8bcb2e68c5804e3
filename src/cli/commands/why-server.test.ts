/** `teg why`, `teg queue`, `teg prio`, `teg share` and `teg quote` against a running scheduler's server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runHere } from '../../../test/support/command-line.ts';
import { sendJson, startScriptedServer } from '../../../test/support/scripted-server.ts';
import { gpuPodOf } from '../../governor/pods/economy/economy.fixtures.ts';
import { nlpAndVision, runningPods } from '../../governor/pods/reasons/reasons.fixtures.ts';
import { economyPage } from '../../simulation/pods/economy-page.ts';
import { waitingPage } from '../../simulation/pods/waiting-page.ts';
import { quoteAnswerSchema } from '../economy/quote-schema.ts';
import { shareAnswerSchema } from '../economy/share-answer.ts';

let server: Awaited<ReturnType<typeof startScriptedServer>>;
beforeAll(async () => {
  const cluster = nlpAndVision();
  runningPods(cluster, 'vision', 8);
  cluster.pods(gpuPodOf('wide', 'nlp', 9), gpuPodOf('gated', 'vision', 1, {}, { gates: ['x'] }));
  cluster.settle();
  const view = cluster.scheduler.view();
  const pages: Readonly<Record<string, unknown>> = {
    '/explain/waiting': waitingPage(view),
    '/explain/economy': economyPage(view),
  };
  server = await startScriptedServer((response, { path }) =>
    sendJson(response, pages[path] === undefined ? 404 : 200, pages[path] ?? {}),
  );
});
afterAll(() => server.stop());

test('answer for the pods of a cluster', async () => {
  const at = ['--server', server.target.server];
  const why = JSON.parse((await runHere(['why', 'vision/gated', '--json', ...at])).stdout);
  expect(why.jobs).toMatchObject([
    {
      id: 'vision/gated',
      code: 'scheduling-gated',
      stage: 'held',
      text: 'Its scheduling gates are left: x.',
    },
  ]);
  const queue = JSON.parse((await runHere(['queue', '--json', ...at])).stdout);
  expect(queue.jobs[0]).toMatchObject({ id: 'nlp/wide', tenant: 'nlp', code: 'no-fit', each: { gpus: 9 } });
  const both = await runHere(['queue', 'result.json', ...at]);
  expect([both.status, both.stderr]).toEqual([2, expect.stringContaining('got --server and the file')]);
  const { jobs } = JSON.parse((await runHere(['prio', '--json', ...at])).stdout);
  expect(jobs.map(({ id, rank }: Record<string, unknown>) => [id, rank])).toEqual([
    ['nlp/wide', 0],
    ['vision/gated', 1],
  ]);
});

test('share and quote answer for the tenants of a cluster, which may ask for no tokens', async () => {
  const at = ['--server', server.target.server];
  const share = JSON.parse((await runHere(['share', '--json', ...at])).stdout);
  expect(shareAnswerSchema.parse(share)).toEqual(share);
  expect(share).toMatchObject({
    mode: 'enforce',
    tenants: [
      { name: 'nlp', depth: 0, used: { gpus: 0 }, waiting: 1, levelShare: null },
      { name: 'vision', used: { gpus: 8 }, running: 8, waiting: 0 },
      { name: 'default' },
    ],
    market: { isFree: true, flavors: [{ name: 'a', capacityUnits: 16, usedUnits: 8 }] },
  });
  const text = (await runHere(['share', ...at])).stdout;
  expect(text).toMatch(/^nlp .* ∞ /m);
  const args = ['quote', 'nlp/wide', '--runtime', '1h', ...at];
  const quote = JSON.parse((await runHere([...args, '--json'])).stdout);
  expect(quoteAnswerSchema.parse(quote)).toEqual(quote);
  expect(quote).toMatchObject({
    isFree: true,
    tenant: 'nlp',
    flavors: [{ load: 0.5, units: 9, podsWithRoom: 0, availableGpus: 8, affordableInSeconds: 0 }],
  });
  expect((await runHere(args)).stdout).toMatch(/^a +50.0 % +2.0000 .* now$/m);
});

test('share and quote publish their schemas', async () => {
  for (const [command, property] of [
    ['share', 'tenants'],
    ['quote', 'flavors'],
  ] as const) {
    const { properties } = JSON.parse((await runHere([command, '--json-schema'])).stdout);
    expect(properties[property].type).toBe('array');
  }
});
