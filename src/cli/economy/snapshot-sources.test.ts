/** `teg why`, `queue`, `prio`, `share`, `quote`, `explain` and `simulate` on a snapshot of a cluster with an economy. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runHere } from '../../../test/support/command-line.ts';
import { keptOf } from '../../drivers/kubernetes/snapshot/kept-fields.ts';
import { quoteAnswerSchema } from './quote-schema.ts';
import { shareAnswerSchema } from './share-answer.ts';
import { reasonedReportSchema } from './waiting-answer.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-snapshot-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'cluster.json');

const TEG = join(import.meta.dirname, '..', '..', '..', 'bin', 'teg');
const API = 'teg.dev/v1alpha1';
const TIME = '2026-01-01T00:00:00Z';

type Loose = { readonly apiVersion: string; readonly kind: string } & Record<string, unknown>;

function tenant(name: string, gpus: number, more: object = {}, balance = ''): Loose {
  return {
    ...{ apiVersion: API, kind: 'Tenant', metadata: { name, uid: name } },
    spec: {
      ...(gpus === 0 ? {} : { quota: { h100: { 'nvidia.com/gpu': gpus } } }),
      namespaces: { matchLabels: { team: name } },
      ...more,
    },
    ...(balance === '' ? {} : { status: { balance, secret: 'x' } }),
  };
}

function pod(namespace: string, name: string, gpus: number, nodeName = ''): Loose {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid: `${namespace}-${name}`, creationTimestamp: TIME },
    spec: {
      schedulerName: 'teg',
      containers: [
        {
          name: 'c',
          resources: {
            requests: { cpu: '1', 'nvidia.com/gpu': `${gpus}` },
            limits: { 'nvidia.com/gpu': `${gpus}` },
          },
        },
      ],
      ...(nodeName === '' ? {} : { nodeName }),
    },
    status: {
      phase: nodeName === '' ? 'Pending' : 'Running',
      ...(nodeName === '' ? {} : { startTime: '2026-01-01T00:10:00Z' }),
    },
  };
}

function objectsOf(mode: string): Loose[] {
  return [
    ...['vision', 'nlp', 'batch'].map((name) => ({
      ...{ apiVersion: 'v1', kind: 'Namespace' },
      metadata: { name, labels: { team: name } },
    })),
    {
      ...{ apiVersion: API, kind: 'Market', metadata: { name: 'default', uid: 'm' } },
      spec: {
        flavors: [{ name: 'h100', nodeSelector: { gpu: 'h100' }, unitsPerHour: { 'nvidia.com/gpu': 1 } }],
        halfLife: '168h',
        tokens: true,
      },
      ...(mode === '' ? {} : { status: { mode, price: '1' } }),
    },
    tenant('research', 0),
    tenant('vision', 8, { parent: 'research' }, '500'),
    tenant('nlp', 4, { parent: 'research', weight: 3, limit: { h100: { 'nvidia.com/gpu': 4 } } }),
    tenant('batch', 0),
    ...['n1', 'n2'].map((name) => ({
      ...{ apiVersion: 'v1', kind: 'Node', metadata: { name, uid: name, labels: { gpu: 'h100' } } },
      spec: {},
      status: {
        allocatable: { cpu: '64', memory: '256Gi', pods: '110', 'nvidia.com/gpu': '8' },
        capacity: { cpu: '64', memory: '256Gi', pods: '110', 'nvidia.com/gpu': '8' },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    })),
    pod('batch', 'borrows', 8, 'n1'),
    pod('vision', 'wants', 8),
    pod('nlp', 'too-wide', 5),
    pod('nlp', 'wants', 4),
  ];
}

function write(path: string, objects: readonly Loose[]): string {
  const items = objects.map((object) => keptOf(object, object.apiVersion, object.kind));
  writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  return path;
}

async function jsonOf(...args: string[]) {
  const { status, stdout, stderr } = await runHere([...args, '--json']);
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout);
}

const reasons = ({ jobs }: { jobs: { id: string; code: string }[] }) =>
  Object.fromEntries(jobs.map(({ id, code }) => [id, code]));

beforeAll(() => {
  write(file, objectsOf('enforce'));
});

describe('a snapshot with Market and Tenants', () => {
  test('answers why, queue and prio: what would start next is not tried yet, the rest has its reason', async () => {
    const queue = await jsonOf('queue', '--start', '--snapshot', file);
    expect(reasonedReportSchema.parse(queue)).toEqual(queue);
    expect(reasons(queue)).toEqual({
      'vision/wants': 'not-tried',
      'nlp/too-wide': 'limit-exceeded',
      'nlp/wants': 'quota-used-up',
    });
    expect(queue.jobs[0].waitedSeconds).toBe(600);
    const why = await jsonOf('why', 'nlp/too-wide', '--snapshot', file);
    expect(why.jobs[0].text).toContain('tenant nlp may never hold more than 4 GPUs');
    const { jobs } = await jsonOf('prio', '--snapshot', file);
    expect(jobs.map(({ rank }: { rank: number }) => rank)).toEqual([0, 1, 2]);
  });

  test('answers share with the tree and the balances of the statuses', async () => {
    const share = await jsonOf('share', '--snapshot', file);
    expect(shareAnswerSchema.parse(share)).toEqual(share);
    expect(share.mode).toBe('enforce');
    expect(share.tenants).toMatchObject([
      { name: 'batch', depth: 0, used: { gpus: 8 }, borrowed: { gpus: 8 }, weightShare: 0.5, useShare: 1 },
      { name: 'research', depth: 0, weight: 1, waiting: 3, running: 0, useShare: 0, levelShare: null },
      { name: 'nlp', depth: 1, weight: 3, weightShare: 0.75, quota: { gpus: 4 } },
      { name: 'vision', depth: 1, weightShare: 0.25, quota: { gpus: 8 } },
      { name: 'default' },
    ]);
    const balances = Object.fromEntries(
      share.market.tenants.map(({ name, balance }: { name: string; balance: number }) => [name, balance]),
    );
    expect(balances.vision).toBe(500);
    const { stdout } = await runHere(['share', '--snapshot', file]);
    expect(stdout).toMatch(/^ {2}vision +1 +25\.0 % /m);
    expect(stdout).toMatch(/^batch +1 +\S+ % +100\.0 % /m);
  });

  test('answers quote, also for a job that waits', async () => {
    const args = ['--pods', '2', '--gpus', '4', '--runtime', '1h', '--tenant', 'nlp'];
    const quote = await jsonOf('quote', ...args, '--snapshot', file);
    expect(quoteAnswerSchema.parse(quote)).toEqual(quote);
    expect(quote.flavors).toMatchObject([{ flavor: 'h100', load: 0.5, units: 8, podsWithRoom: 2 }]);
    const waiting = await jsonOf('quote', 'nlp/too-wide', '--snapshot', file);
    expect(waiting).toMatchObject({
      tenant: 'nlp',
      job: { code: 'limit-exceeded' },
      flavors: [{ units: 5 }],
    });
    const { stdout } = spawnSync(process.execPath, [TEG, 'quote', ...args, '--snapshot', file], {
      encoding: 'utf8',
    });
    expect(stdout).toContain('2 pods of 4 GPUs, 1 h 00 m; at 2026-01-01T00:10:00Z');
  });

  test('is explained with its reason; the Market says the mode, and a configuration says another', async () => {
    const explained = await jsonOf('explain', 'pod', 'nlp/too-wide', '--snapshot', file);
    expect(explained.nodesTotal).toBe(2);
    const config = join(folder, 'off.yaml');
    writeFileSync(config, 'apiVersion: teg.dev/v1alpha1\nkind: SchedulerConfiguration\n');
    const off = await runHere(['share', '--snapshot', file, '--config', config]);
    expect([off.status, off.stderr]).toEqual([2, expect.stringContaining('has no Market that is in force')]);
    const observed = write(join(folder, 'observed.json'), objectsOf('observe'));
    expect((await jsonOf('share', '--snapshot', observed)).mode).toBe('observe');
    expect(reasons(await jsonOf('why', '--snapshot', observed))).not.toHaveProperty(
      'nlp/too-wide',
      'limit-exceeded',
    );
    const unsaid = write(join(folder, 'unsaid.json'), objectsOf(''));
    expect((await jsonOf('share', '--snapshot', unsaid)).mode).toBe('enforce');
  });

  test('runs the economy in a simulation, and its result answers the same questions', async () => {
    const args = ['--cluster', file, '--start-from-snapshot', '--horizon', '1h', '--no-series'];
    const result = join(folder, 'result.json');
    const simulated = await jsonOf('simulate', ...args);
    writeFileSync(result, JSON.stringify(simulated));
    expect(simulated.whatIf.decidedBy).toBe('pod-scheduler');
    expect(reasons(await jsonOf('why', result))).toMatchObject({ 'nlp/too-wide': 'limit-exceeded' });
    const share = await jsonOf('share', result);
    expect(shareAnswerSchema.parse(share)).toEqual(share);
    expect(share.tenants.at(-2)).toMatchObject({ name: 'vision', used: { gpus: 8 } });
    expect(share.market.atSeconds).toBeLessThanOrEqual(3600);
    const ran = await runHere(['simulate', ...args.slice(0, -1)]);
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toMatch(/^ {2}vision +1 +25\.0 % /m);
    const quote = await jsonOf('quote', result, '--gpus', '1', '--tenant', 'vision');
    expect(quoteAnswerSchema.parse(quote)).toEqual(quote);
  });

  test('names what is wrong with the objects, and refuses a snapshot without a Market', async () => {
    const broken = write(join(folder, 'broken.json'), [
      ...objectsOf('enforce'),
      tenant('loop', 0, { parent: 'nowhere' }),
    ]);
    const { status, stderr } = await runHere(['share', '--snapshot', broken]);
    expect([status, stderr]).toEqual([0, expect.stringContaining('note: Tenant loop: ')]);
    const without = write(
      join(folder, 'without.json'),
      objectsOf('').filter(({ kind }) => kind !== 'Market' && kind !== 'Tenant'),
    );
    expect(reasons(await jsonOf('why', '--snapshot', without))).toMatchObject({ 'nlp/too-wide': 'no-fit' });
    expect((await runHere(['quote', '--snapshot', without])).stderr).toContain(
      'has no Market that is in force',
    );
  });
});
