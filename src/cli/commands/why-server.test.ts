/** `teg why`, `teg queue` and `teg prio` against a running scheduler's server. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runHere } from '../../../test/support/command-line.ts';
import { sendJson, startScriptedServer } from '../../../test/support/scripted-server.ts';
import { waitingPage } from '../../drivers/kubernetes/server/waiting-page.ts';
import { gpuPodOf } from '../../governor/pods/economy/economy.fixtures.ts';
import { nlpAndVision, runningPods } from '../../governor/pods/reasons/reasons.fixtures.ts';

let server: Awaited<ReturnType<typeof startScriptedServer>>;
beforeAll(async () => {
  const cluster = nlpAndVision();
  runningPods(cluster, 'vision', 8);
  cluster.pods(gpuPodOf('wide', 'nlp', 9), gpuPodOf('gated', 'vision', 1, {}, { gates: ['x'] }));
  cluster.settle();
  const page = waitingPage(cluster.scheduler.view());
  server = await startScriptedServer((response, request) =>
    sendJson(response, request.path === '/explain/waiting' ? 200 : 404, page),
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
