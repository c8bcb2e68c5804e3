import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SimulatedCgroups } from '../../guard/node/simulated-cgroups.fixtures.ts';
import { plainFacts } from './group-rules.ts';
import { GroupTable } from './group-table.ts';
import { GuardedPods } from './guarded-pods.ts';

const HASH = '0123456789abcdef0123456789abcdef';
const POD = `/kubepods/besteffort/pod${HASH}`;
const [WEB, BATCH, SANDBOX] = ['a1', 'b2', 'c3'].map((digits) => digits.repeat(32)) as [
  string,
  string,
  string,
];

let items: object[];
let server: Server;
let pods: GuardedPods;
let cgroups: SimulatedCgroups;

function podItem(metadata: object = {}): object {
  const annotations = {
    'kubernetes.io/config.hash': HASH,
    'kubernetes.io/config.source': 'file',
    'teg.dev/guard': 'enabled',
  };
  const livenessProbe = { httpGet: {}, periodSeconds: 2, failureThreshold: 3 };
  return {
    metadata: { uid: 'u', annotations, ...metadata },
    spec: { containers: [{ name: 'web', livenessProbe }, { name: 'batch' }] },
    status: {
      containerStatuses: [
        { name: 'web', containerID: `containerd://${WEB}`, state: { running: {} } },
        { name: 'batch', containerID: `containerd://${BATCH}`, state: { running: {} } },
      ],
    },
  };
}

beforeEach(async () => {
  items = [podItem()];
  server = createServer((_, response) => response.end(JSON.stringify({ items })));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cgroups = new SimulatedCgroups();
  for (const path of ['/system.slice', '/kubepods', '/kubepods/besteffort', POD]) cgroups.create(path);
  for (const id of [WEB, BATCH, SANDBOX]) cgroups.create(`${POD}/${id}`).processes = 1;
  pods = podsOf(true);
  await pods.start();
});

afterEach(() => {
  pods.stop();
  server.close();
});

function podsOf(staticPodsToo: boolean): GuardedPods {
  const { port } = server.address() as AddressInfo;
  return new GuardedPods({
    kubelet: `http://127.0.0.1:${port}`,
    staticPodsToo,
    backend: cgroups,
    protectedPaths: [],
  });
}

test('containers are found, sandboxes and everything else are not', () => {
  expect(
    pods
      .entries()
      .map(({ path }) => path)
      .sort(),
  ).toEqual([`${POD}/${WEB}`, `${POD}/${BATCH}`]);
  expect(pods.budgetOf(`${POD}/${WEB}`)).toEqual({ frozenSecondsMax: 3, breatherSeconds: 5 });
  expect(pods.budgetOf(`${POD}/${BATCH}`).frozenSecondsMax).toBe(Number.POSITIVE_INFINITY);
});

test('static pods are left alone by default', async () => {
  const careful = podsOf(false);
  await careful.start();
  careful.stop();
  expect(careful.entries()).toEqual([]);
});

test.each([
  ['is gone from the list', () => []],
  ['is being deleted', () => [podItem({ deletionTimestamp: '2026-12-01T00:00:00Z' })]],
] as const)('a pod that %s may not be acted on any more', async (_, next) => {
  const table = new GroupTable(cgroups, [], plainFacts([]), pods);
  table.refresh();
  expect(table.sample(0, true).map(({ optedIn }) => optedIn)).toEqual([true, true]);
  items = next();
  for (let waited = 0; waited < 2000 && pods.refusalOf(`${POD}/${WEB}`) === undefined; waited += 10)
    await sleep(10);
  expect(table.sample(0, true).map(({ optedIn }) => optedIn)).toEqual([false, false]);
});
