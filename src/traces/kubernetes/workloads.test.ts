import { describe, expect, test } from 'vitest';
import type { JobSpec } from '../../model/job.ts';
import type { ReadOptions } from '../format.ts';
import { type ReadResult, readText } from '../specs.fixtures.ts';

type Json = Record<string, unknown>;

const MADE = 'pods that the file does not list are made from their workloads';

const TEMPLATE = {
  metadata: { labels: { app: 'x' } },
  spec: {
    containers: [{ name: 'c', resources: { requests: { cpu: '500m', memory: '1Gi' } } }],
    nodeSelector: { zone: 'a' },
  },
};

function object(kind: string, apiVersion: string, spec: Json, more: Json = {}): Json {
  const { metadata = {}, ...rest } = more;
  return {
    apiVersion,
    kind,
    metadata: { name: 'w', namespace: 'team', uid: `uid-of-${kind}`, ...(metadata as Json) },
    spec,
    ...rest,
  };
}

function pod(name: string, owner: Json, more: Json = {}): Json {
  const { metadata = {}, ...rest } = more;
  const ownerReferences = [{ controller: true, ...owner }];
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'team', ownerReferences, ...(metadata as Json) },
    spec: { containers: [], nodeName: 'n' },
    ...rest,
  };
}

async function read(items: readonly Json[], options: ReadOptions = {}): Promise<ReadResult> {
  const inList = await readText(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }), options);
  const documents = items.map((item) => `---\n${JSON.stringify(item)}\n`).join('');
  const asDocuments = await readText(`# several documents\n${documents}`, options);
  expect(withoutLines(asDocuments)).toEqual(withoutLines(inList));
  return inList;
}

/** The list is one line, each document a line of its own. */
function withoutLines({ warnings, ...rest }: ReadResult): unknown {
  return { ...rest, warnings: warnings.map((w) => ({ ...w, message: w.message.replace(/:\d+\)/, ')') })) };
}

function ids({ jobs }: { readonly jobs: readonly JobSpec[] }): string[] {
  return jobs.map(({ id }) => id);
}

function numbered(prefix: string, count: number, first = 0): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}-${first + i}`);
}

const DEPLOYMENT = object('Deployment', 'apps/v1', { replicas: 3, template: TEMPLATE });

describe('a workload becomes its pods', () => {
  test("each has the template's requests and the workload's name", async () => {
    const created = { metadata: { creationTimestamp: '2026-01-01T00:00:10Z' } };
    const first = pod('first', {}, { metadata: { creationTimestamp: '2026-01-01T00:00:00Z' } });
    const { jobs, warnings } = await read([
      first,
      object('Deployment', 'apps/v1', { replicas: 2, template: TEMPLATE }, created),
    ]);
    expect(jobs.slice(1)).toEqual(
      ['team/w-0', 'team/w-1'].map((id) => ({
        id,
        tenant: 'team',
        priority: 0,
        cpuMilli: 500,
        memoryMib: 1024,
        gpuCount: 0,
        gpuMilli: 0,
        gpuModels: [],
        affinity: [{ key: 'zone', operator: 'In', values: ['a'] }],
        submitSeconds: 10,
        durationSeconds: Number.POSITIVE_INFINITY,
        requestedSeconds: Number.NaN,
        podCount: 1,
        gangMin: 1,
        tolerations: [],
        owner: 'Deployment/w',
      })),
    );
    expect(warnings).toEqual([{ message: MADE, count: 2 }]);
  });

  test.each([
    ['Deployment', 'apps/v1', { replicas: 2 }, numbered('team/w', 2)],
    ['Deployment', 'extensions/v1beta1', {}, numbered('team/w', 1)],
    ['Deployment', 'apps/v1', { replicas: 0 }, []],
    ['ReplicaSet', 'apps/v1', { replicas: 2 }, numbered('team/w', 2)],
    ['ReplicationController', 'v1', { replicas: 2 }, numbered('team/w', 2)],
    ['StatefulSet', 'apps/v1', { replicas: 2, ordinals: { start: 5 } }, numbered('team/w', 2, 5)],
    ['Job', 'batch/v1', {}, numbered('team/w', 1)],
    ['Job', 'batch/v1', { parallelism: 3 }, numbered('team/w', 3)],
    ['Job', 'batch/v1', { parallelism: 3, completions: 2 }, numbered('team/w', 2)],
    ['Job', 'batch/v1', { completions: 2 }, numbered('team/w', 1)],
    ['Job', 'batch/v1', { parallelism: 4, completions: 4, completionMode: 'Indexed' }, numbered('team/w', 4)],
    ['Job', 'batch/v1', { parallelism: 0 }, []],
  ])('%s of %s with %j', async (kind, version, spec, expected) => {
    const result = await read([object(kind, version, { ...spec, template: TEMPLATE })]);
    expect(ids(result)).toEqual(expected);
    expect(result.jobs.every((job) => job.owner === `${kind}/w` && job.cpuMilli === 500)).toBe(true);
  });

  test('a Job counts its remaining completions, and its deadline', async () => {
    const spec = { parallelism: 4, completions: 6, activeDeadlineSeconds: 600, template: TEMPLATE };
    const { jobs, warnings } = await read([object('Job', 'batch/v1', spec, { status: { succeeded: 3 } })]);
    expect(jobs.map(({ requestedSeconds }) => requestedSeconds)).toEqual([600, 600, 600]);
    expect(warnings).toEqual([{ message: MADE, count: 3 }]);
    const early = await read([object('Job', 'batch/v1', spec)]);
    expect(early.jobs).toHaveLength(4);
    expect(early.warnings[0]).toEqual({ message: expect.stringContaining('at once count: Jobs'), count: 1 });
  });

  test('a JobSet has the pods of its replicated jobs', async () => {
    const job = (parallelism: number): Json => ({ spec: { parallelism, template: TEMPLATE } });
    const result = await read([
      object('JobSet', 'jobset.x-k8s.io/v1alpha2', {
        replicatedJobs: [
          { name: 'driver', template: job(1) },
          { name: 'workers', replicas: 2, template: job(3) },
        ],
      }),
    ]);
    expect(ids(result)).toEqual([...numbered('team/w-driver', 1), ...numbered('team/w-workers', 6)]);
  });
});

describe('a Job of Volcano is a gang', () => {
  const volcano = (tasks: readonly Json[], minAvailable?: number): Json =>
    object('Job', 'batch.volcano.sh/v1alpha1', {
      ...(minAvailable === undefined ? {} : { minAvailable }),
      tasks: tasks.map((task) => ({ template: TEMPLATE, ...task })),
    });
  const gangs = async (spec: Json): Promise<unknown> =>
    (await read([spec])).jobs.map(({ id, podCount, gangMin }) => [id, podCount, gangMin]);

  test.each([
    ['minAvailable of its pods', [{ name: 't', replicas: 4 }], 3, [['team/w-t', 4, 3]]],
    ['all of them unless it says how many', [{ name: 't', replicas: 4 }], undefined, [['team/w-t', 4, 4]]],
    [
      'each task on its own',
      [
        { name: 'ps', replicas: 2 },
        { name: 'worker', replicas: 6, minAvailable: 4 },
      ],
      6,
      [
        ['team/w-ps', 2, 2],
        ['team/w-worker', 6, 4],
      ],
    ],
    [
      'less than all falls to the tasks in their order',
      [
        { name: 'ps', replicas: 2 },
        { name: 'worker', replicas: 6 },
      ],
      5,
      [
        ['team/w-ps', 2, 2],
        ['team/w-worker', 6, 3],
      ],
    ],
    [
      'a gang of one is not a gang',
      [{ name: 't', replicas: 2 }],
      1,
      [
        ['team/w-t-0', 1, 1],
        ['team/w-t-1', 1, 1],
      ],
    ],
  ] as const)('%s', async (_name, tasks, minAvailable, expected) => {
    expect(await gangs(volcano(tasks, minAvailable))).toEqual(expected);
  });

  test('members that the file has count towards the gang', async () => {
    const owner = { apiVersion: 'batch.volcano.sh/v1alpha1', kind: 'Job', name: 'w', uid: 'uid-of-Job' };
    const there = pod('w-t-1', owner, { metadata: { annotations: { 'volcano.sh/task-spec': 't' } } });
    expect(await gangs({ ...volcano([{ name: 't', replicas: 4 }], 4) })).toEqual([['team/w-t', 4, 4]]);
    const { jobs } = await read([volcano([{ name: 't', replicas: 4 }], 4), there]);
    expect(jobs.map(({ id, podCount, gangMin }) => [id, podCount, gangMin])).toEqual([
      ['team/w-t-1', 1, 1],
      ['team/w-t', 3, 3],
    ]);
  });

  test('is distinguished from a Job of Kubernetes without an apiVersion, and several tasks are reported', async () => {
    const { apiVersion: _, ...manifest } = volcano([
      { name: 'a', replicas: 2 },
      { name: 'b', replicas: 2 },
    ]);
    const { jobs, warnings } = await read([manifest]);
    expect(jobs).toMatchObject([{ gangMin: 2 }, { gangMin: 2 }]);
    expect(warnings[0]).toEqual({
      message: 'each task of a Volcano Job is a gang of its own: Jobs',
      count: 1,
    });
  });
});

describe('pods that the file has are not counted twice', () => {
  const replicaSet = object(
    'ReplicaSet',
    'apps/v1',
    { replicas: 3, template: TEMPLATE },
    {
      metadata: {
        name: 'w-5d9c',
        uid: 'uid-of-ReplicaSet',
        ownerReferences: [
          {
            apiVersion: 'apps/v1',
            kind: 'Deployment',
            name: 'w',
            uid: 'uid-of-Deployment',
            controller: true,
          },
        ],
      },
    },
  );
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'w-5d9c', uid: 'uid-of-ReplicaSet' };
  const hashed = { metadata: { labels: { 'pod-template-hash': '5d9c' } } };
  const pods = [pod('w-5d9c-aaaaa', owner, hashed), pod('w-5d9c-bbbbb', owner, hashed)];

  test.each([
    ['after them', [...pods, DEPLOYMENT, replicaSet], 'team/w-0'],
    ['before them', [replicaSet, DEPLOYMENT, ...pods], 'team/w-0'],
    ['without the ReplicaSet', [...pods, DEPLOYMENT], 'team/w-0'],
    ['a ReplicaSet without its Deployment', [...pods, replicaSet], 'team/w-5d9c-0'],
  ])('a Deployment with two of three: %s', async (_name, items, made) => {
    const result = await read(items);
    expect(ids(result)).toEqual(['team/w-5d9c-aaaaa', 'team/w-5d9c-bbbbb', made]);
    expect(result.warnings).toEqual([{ message: MADE, count: 1 }]);
  });

  test('those that have ended or are being deleted are made up for', async () => {
    const ended = pod('w-5d9c-ccccc', owner, { ...hashed, status: { phase: 'Failed' } });
    const deleted = pod('w-5d9c-ddddd', owner, {
      metadata: { ...hashed.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' },
    });
    const { jobs } = await read([...pods, ended, deleted, DEPLOYMENT]);
    expect(jobs.filter(({ owner: by }) => by === 'Deployment/w')).toHaveLength(1);
  });

  test('a StatefulSet passes over numbers that are there', async () => {
    const set = object('StatefulSet', 'apps/v1', { replicas: 3, template: TEMPLATE });
    const of = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'w', uid: 'uid-of-StatefulSet' };
    expect(ids(await read([set, pod('w-1', of)]))).toEqual(['team/w-1', 'team/w-0', 'team/w-2']);
  });

  test('the uid distinguishes a workload from an earlier one of its name; where one has none the name decides', async () => {
    const set = (metadata: Json): Json =>
      object('ReplicaSet', 'apps/v1', { replicas: 2, template: TEMPLATE }, { metadata });
    const of = (uid?: string): Json => ({
      kind: 'ReplicaSet',
      name: 'w',
      ...(uid === undefined ? {} : { uid }),
    });
    const made = async (uid: string | undefined, ownerUid?: string): Promise<number> =>
      (await read([set({ uid }), pod('p', of(ownerUid))])).jobs.length - 1;
    expect(await made('now', 'now')).toBe(1);
    expect(await made('now', 'earlier')).toBe(2);
    expect(await made('now')).toBe(1);
    expect(await made(undefined, 'earlier')).toBe(1);
  });

  test('pods of a JobSet, with its Jobs in the file or not', async () => {
    const template = { spec: { parallelism: 2, template: TEMPLATE } };
    const set = object('JobSet', 'jobset.x-k8s.io/v1alpha2', {
      replicatedJobs: [
        { name: 'a', template },
        { name: 'b', template },
      ],
    });
    const by = { apiVersion: 'jobset.x-k8s.io/v1alpha2', kind: 'JobSet', name: 'w', uid: 'uid-of-JobSet' };
    const job = object(
      'Job',
      'batch/v1',
      { parallelism: 2, template: TEMPLATE },
      { metadata: { name: 'w-b-0', uid: 'uid-of-b', ownerReferences: [{ controller: true, ...by }] } },
    );
    const labels = { 'jobset.sigs.k8s.io/jobset-name': 'w', 'jobset.sigs.k8s.io/replicatedjob-name': 'b' };
    const there = pod(
      'w-b-0-0-xyzzy',
      { apiVersion: 'batch/v1', kind: 'Job', name: 'w-b-0', uid: 'uid-of-b' },
      { metadata: { labels } },
    );
    const expected = ['team/w-b-0-0-xyzzy', ...numbered('team/w-a', 2), ...numbered('team/w-b', 1)];
    expect(ids(await read([set, job, there]))).toEqual(expected);
    expect(ids(await read([there, set]))).toEqual(expected);
  });

  test('a workload that the file has twice', async () => {
    const { jobs, warnings } = await read([DEPLOYMENT, DEPLOYMENT]);
    expect(jobs).toHaveLength(3);
    expect(warnings[0]).toEqual({ message: expect.stringContaining('twice'), count: 1 });
  });
});

describe('workloads without pods', () => {
  test.each([
    ['DaemonSets are not expanded', 'DaemonSet', 'apps/v1', {}, {}],
    ['CronJobs are not expanded', 'CronJob', 'batch/v1', { jobTemplate: {} }, {}],
    ['suspended', 'Job', 'batch/v1', { suspend: true }, {}],
    ['suspended', 'JobSet', 'jobset.x-k8s.io/v1alpha2', { suspend: true, replicatedJobs: [] }, {}],
    ['have ended', 'Job', 'batch/v1', {}, { status: { conditions: [{ type: 'Complete', status: 'True' }] } }],
    ['have ended', 'Job', 'batch.volcano.sh/v1alpha1', {}, { status: { state: { phase: 'Aborted' } } }],
    [
      'have ended',
      'JobSet',
      'jobset.x-k8s.io/v1alpha2',
      {},
      { status: { conditions: [{ type: 'Failed', status: 'True' }] } },
    ],
    [
      'being deleted',
      'Deployment',
      'apps/v1',
      {},
      { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } },
    ],
  ])('%s: %s', async (message, kind, version, spec, more) => {
    const { jobs, warnings } = await read([object(kind, version, { template: TEMPLATE, ...spec }, more)]);
    expect(jobs).toEqual([]);
    expect(warnings).toEqual([{ message: expect.stringContaining(message), count: 1 }]);
  });

  test('a kind of another API group is another kind', async () => {
    const { jobs, warnings } = await read([
      object('Deployment', 'example.com/v1', { template: TEMPLATE }),
      object('ReplicaSet', 'v1', { template: TEMPLATE }),
    ]);
    expect(ids({ jobs })).toEqual(['team/w-0']);
    expect(warnings[0]?.message).toContain('other than pods, nodes and workloads are left out (Deployment)');
  });

  test.each([
    ['spec.template is nothing, expected an object', 'Deployment', 'apps/v1', {}],
    [
      'spec.replicas is -1, expected an integer',
      'Deployment',
      'apps/v1',
      { replicas: -1, template: TEMPLATE },
    ],
    ['spec.tasks is a text', 'Job', 'batch.volcano.sh/v1alpha1', { tasks: 'x' }],
    ['spec.replicatedJobs[].name is nothing', 'JobSet', 'jobset.x-k8s.io/v1alpha2', { replicatedJobs: [{}] }],
  ])('one that cannot be used is left out with the reason: %s', async (message, kind, version, spec) => {
    const odd = object(kind, version, spec, { metadata: { name: 'odd' } });
    const { jobs, warnings } = await read([odd, object('Deployment', 'apps/v1', { template: TEMPLATE })]);
    expect(ids({ jobs })).toEqual(['team/w-0']);
    expect(warnings.map((warning) => warning.message).join()).toContain(
      message.replace('is a text', 'is "x"'),
    );
    expect(warnings.map((warning) => warning.message).join()).toContain(`${kind} team/odd cannot be used`);
  });
});

describe('limits', () => {
  test('an object of more pods than are allowed is left out; one at the limit is not', async () => {
    const of = (name: string, replicas: number): Json =>
      object('Deployment', 'apps/v1', { replicas, template: TEMPLATE }, { metadata: { name } });
    const items = [of('at', 3), of('beyond', 4), of('forever', 2 ** 31 - 1)];
    const { jobs, warnings } = await read(items, { limits: { podsPerWorkloadMax: 3 } });
    expect(ids({ jobs })).toEqual(numbered('team/at', 3));
    expect(warnings.map(({ message }) => message)).toContainEqual(
      expect.stringMatching(
        /^Deployment team\/beyond .*: pods is 4, expected at most 3 of one object; 1 more/,
      ),
    );
  });

  test('pods beyond those of all objects are left out and counted', async () => {
    const of = (name: string): Json =>
      object('Deployment', 'apps/v1', { replicas: 2, template: TEMPLATE }, { metadata: { name } });
    const options = { limits: { workloadPodsMax: 4 } };
    expect((await read([of('a'), of('b')], options)).jobs).toHaveLength(4);
    const { jobs, warnings } = await read([of('a'), of('b'), of('c')], options);
    expect(jobs).toHaveLength(4);
    expect(warnings).toContainEqual({ message: 'pods of workloads beyond 4 are left out', count: 2 });
  });

  test('by default an object may have 65,536 pods', async () => {
    const of = (replicas: number): Json => object('Deployment', 'apps/v1', { replicas, template: TEMPLATE });
    const text = (replicas: number): string => JSON.stringify(of(replicas));
    expect((await readText(text(65_536))).jobs).toHaveLength(65_536);
    expect((await readText(text(65_537))).jobs).toHaveLength(0);
  });
});

test('ignored fields are reported for each generated pod', async () => {
  const spec = { ...TEMPLATE.spec, topologySpreadConstraints: [{}], priority: 5 };
  const running = pod('runs', {});
  const { warnings } = await read([
    object('Deployment', 'apps/v1', { replicas: 3, template: { spec } }),
    running,
  ]);
  expect(warnings).toContainEqual({ message: expect.stringContaining('topology spread'), count: 3 });
  expect(warnings).toContainEqual({ message: expect.stringContaining('preemption is ignored'), count: 3 });
});
