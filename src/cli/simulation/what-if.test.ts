/** What-if questions from the user's side: `teg simulate` on a snapshot. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type SimulationResult, simulationResultSchema } from '../../simulation/metrics/result.ts';
import { parseNodeCopies } from './what-if-options.ts';

const TEG = join(import.meta.dirname, '..', '..', '..', 'bin', 'teg');
let folder: string;
let snapshot: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'teg-what-if-'));
  snapshot = join(folder, 'snapshot.json.gz');
  writeFileSync(snapshot, gzipSync(JSON.stringify({ kind: 'List', apiVersion: 'v1', items: ITEMS })));
});
afterAll(() => rmSync(folder, { recursive: true }));

function node(name: string, allocatable: Record<string, string>, spec: object = {}): object {
  const labels = { 'kubernetes.io/hostname': name };
  return {
    kind: 'Node',
    metadata: { name, labels },
    spec,
    status: { allocatable: { pods: '110', ...allocatable } },
  };
}

function pod(
  name: string,
  requests: Record<string, string>,
  spec: object = {},
  metadata: object = {},
): object {
  return {
    kind: 'Pod',
    metadata: { name, namespace: 'a', creationTimestamp: '2026-01-01T00:00:00Z', ...metadata },
    spec: { containers: [{ name: 'c', resources: { requests } }], ...spec },
    status: { phase: 'Pending' },
  };
}

const GPU_TAINT = { taints: [{ key: 'nvidia.com/gpu', effect: 'NoSchedule' }] };
const TOLERANT = { tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists' }] };
const OF_DAEMON_SET = { ownerReferences: [{ kind: 'DaemonSet', name: 'agent', controller: true }] };

/**
 * gpu-1 is tainted and has 1 of 4 GPUs free; cpu-1 has 3 of 8 cores free; old-1 is cordoned with a pod on it. Waiting:
 * a pod of 2 GPUs, one of 2 cores, one of 3 cores with a higher priority, one that no node could hold.
 */
const ITEMS = [
  node('gpu-1', { cpu: '32', memory: '128Gi', 'nvidia.com/gpu': '4' }, GPU_TAINT),
  node('cpu-1', { cpu: '8', memory: '32Gi' }),
  node('old-1', { cpu: '8', memory: '32Gi' }, { unschedulable: true }),
  pod('trains', { cpu: '1', 'nvidia.com/gpu': '3' }, { nodeName: 'gpu-1', ...TOLERANT }),
  pod('serves', { cpu: '4', memory: '16Gi' }, { nodeName: 'cpu-1', nodeSelector: { 'no-longer': 'there' } }),
  pod('agent-1', { cpu: '1' }, { nodeName: 'cpu-1' }, OF_DAEMON_SET),
  pod('stays', { cpu: '2' }, { nodeName: 'old-1' }),
  { ...pod('done', { cpu: '8' }, { nodeName: 'cpu-1' }), status: { phase: 'Succeeded' } },
  pod('lost', { cpu: '1' }, { nodeName: 'not-here' }),
  pod('wants-gpus', { cpu: '1', 'nvidia.com/gpu': '2' }, TOLERANT),
  pod('small', { cpu: '2' }),
  pod('urgent', { cpu: '3' }, { priority: 1000 }),
  pod('huge', { cpu: '64' }),
];

function teg(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
  const { status, stdout, stderr } = spawnSync(process.execPath, [TEG, 'simulate', ...args], {
    env,
    encoding: 'utf8',
    timeout: 60_000,
    maxBuffer: 2 ** 26,
  });
  return { status, stdout, stderr };
}

function whatIf(...args: string[]): NonNullable<SimulationResult['whatIf']> {
  const { status, stdout, stderr } = teg('--cluster', snapshot, '--start-from-snapshot', '--json', ...args);
  expect({ status, stderr: stderr.replaceAll(/^note: .*\n/gm, '') }).toEqual({ status: 0, stderr: '' });
  const result = simulationResultSchema.parse(JSON.parse(stdout));
  expect(result.whatIf).toBeDefined();
  return result.whatIf as NonNullable<SimulationResult['whatIf']>;
}

describe('a node that advertises 70 GPUs', () => {
  const shared = [
    node('shared', { cpu: '124', memory: '970Gi', 'nvidia.com/gpu': '70' }),
    ...Array.from({ length: 72 }, (_, i) => pod(`p${i}`, { cpu: '100m', 'nvidia.com/gpu': '1' })),
  ];

  test.each(['teg', 'kube-scheduler', 'fgd', 'best-fit'])('takes 70 pods of one: %s', (policy) => {
    const path = join(folder, 'shared.json');
    writeFileSync(path, JSON.stringify({ kind: 'List', items: shared }));
    const { status, stdout, stderr } = teg(
      '--cluster',
      path,
      '--start-from-snapshot',
      '--json',
      '--policy',
      policy,
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const { whatIf: result } = simulationResultSchema.parse(JSON.parse(stdout));
    expect(result).toMatchObject({ pending: 72, pendingPlaced: 70, pendingWaiting: 2 });
    expect(result?.after.gpu).toBe(1);
  });
});

describe('a file of Kubernetes without --jobs', () => {
  test('brings its own pods, with all their rules; a zone reports the ignored ones', () => {
    const path = join(folder, 'own.json');
    const lone = pod('lone', { cpu: '1', 'rdma/hca': '1' }, { schedulingGroup: { podGroupName: 'g' } });
    writeFileSync(path, JSON.stringify({ kind: 'List', items: [node('n1', { cpu: '8' }), lone] }));
    const common = ['--cluster', path, '--horizon', '1h', '--json'];
    const ruled = teg(...common, '--ignore-resource', 'rdma/hca');
    expect(ruled.stderr).not.toContain('gangs');
    const { jobs, whatIf: outcome } = simulationResultSchema.parse(JSON.parse(ruled.stdout));
    expect(jobs).toMatchObject({ arrived: 1, waiting: 1 });
    expect(outcome).toMatchObject({ decidedBy: 'pod-scheduler', kept: 0, pending: 1, pendingPlaced: 0 });
    expect(outcome?.reasons?.[0]?.reason).toContain('waiting for the pod group a/g');
    const args = [...common, '--policy', 'best-fit'];
    const { stdout, stderr } = teg(...args, '--ignore-resource', 'rdma/hca');
    const result = simulationResultSchema.parse(JSON.parse(stdout));
    expect(result.jobs).toMatchObject({ arrived: 1, running: 1 });
    expect(result.whatIf).toBeUndefined();
    expect(stderr).toContain('gangs are ignored');
    const counted = teg(...args);
    expect(simulationResultSchema.parse(JSON.parse(counted.stdout)).jobs.running).toBe(0);
  });
});

describe('--ignore-resource on a file of Kubernetes without --jobs', () => {
  const items = [
    ...['n1', 'n2'].map((name) => node(name, { cpu: '8' })),
    pod('lone', { cpu: '1', 'rdma/hca': '1' }),
    pod('plain', { cpu: '1' }),
  ];

  test.each([
    ['one zone', []],
    ['two zones', ['--zones', '2']],
  ])('with %s', (name, zones) => {
    const path = join(folder, `ignored-${zones.length}.json`);
    writeFileSync(path, JSON.stringify({ kind: 'List', items }));
    const waiting = (...args: string[]): unknown => {
      const { status, stdout, stderr } = teg(
        '--cluster',
        path,
        '--horizon',
        '1h',
        '--json',
        ...zones,
        ...args,
      );
      expect({ name, status, stderr }).toMatchObject({ status: 0 });
      return JSON.parse(stdout).jobs.waiting + (JSON.parse(stdout).jobs.dropped ?? 0);
    };
    expect(waiting()).toBe(1);
    expect(waiting('--ignore-resource', 'rdma/hca')).toBe(0);
  });
});

describe('workloads whose pods the file does not have', () => {
  const ASKS = (cpu: string): object => ({ spec: { containers: [{ resources: { requests: { cpu } } }] } });
  const items = [
    node('n1', { cpu: '9' }),
    {
      apiVersion: 'batch.volcano.sh/v1alpha1',
      kind: 'Job',
      metadata: { name: 'ring', creationTimestamp: '2026-01-01T00:00:00Z' },
      spec: { minAvailable: 3, tasks: [{ name: 't', replicas: 4, template: ASKS('2') }] },
    },
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', creationTimestamp: '2026-01-02T00:00:00Z' },
      spec: { replicas: 3, template: ASKS('1') },
    },
  ];

  test('are placed, gangs as one, and counted by pods', () => {
    const path = join(folder, 'workloads.json');
    writeFileSync(path, JSON.stringify({ kind: 'List', items }));
    const { stdout, stderr } = teg('--cluster', path, '--start-from-snapshot', '--json');
    const { whatIf: result } = simulationResultSchema.parse(JSON.parse(stdout));
    expect(result).toMatchObject({ pending: 7, pendingPlaced: 5, pendingWaiting: 2, pendingImpossible: 0 });
    expect(result?.placements.map(({ pod }) => pod)).toEqual([
      ...Array.from({ length: 4 }, () => 'default/ring-t'),
      'default/web-0',
    ]);
    expect(result?.waiting).toEqual(['default/web-1', 'default/web-2']);
    expect(result?.after.cpu).toBe(1);
    expect(stderr).toContain('made from their workloads (7 times)');
    const anew = teg('--cluster', path, '--json');
    expect(JSON.parse(anew.stdout).jobs).toMatchObject({ arrived: 4, running: 2, waiting: 2 });
    expect(anew.stderr.split('made from their workloads')).toHaveLength(2);
  });
});

describe('a start from a snapshot', () => {
  test.each(['teg', 'kube-scheduler'])(
    'leaves pods where they run and places the waiting ones: %s',
    (policy) => {
      const result = whatIf('--policy', policy);
      expect(result).toMatchObject({
        kept: 4,
        pending: 4,
        pendingPlaced: 1,
        pendingWaiting: 2,
        pendingImpossible: 1,
        placements: [{ pod: 'a/urgent', node: 'cpu-1' }],
      });
      expect(result.waiting.toSorted()).toEqual(['a/huge', 'a/small', 'a/wants-gpus']);
      expect(result.before.gpu).toBeCloseTo(0.75);
      expect(result.before.cpu).toBeCloseTo(8 / 48);
      expect(result.after.cpu).toBeCloseTo(11 / 48);
    },
  );

  test('reports omissions', () => {
    const { stderr } = teg('--cluster', snapshot, '--start-from-snapshot');
    expect(stderr).toContain('note: pods on nodes that the file does not have are left out: 1');
  });

  test('with nodes added: pods that belong to a node come with it', () => {
    const result = whatIf('--add-nodes', '1*gpu-1,2*cpu-1');
    expect(result).toMatchObject({ kept: 6, pending: 4, pendingPlaced: 3, pendingImpossible: 1 });
    const nodes = Object.fromEntries(result.placements.map(({ pod, node }) => [pod, node]));
    expect(nodes['a/wants-gpus']).toBe('gpu-1-copy-1');
    // 8 cores less 1 for the DaemonSet's pod and 4 that run on cpu-1 already.
    expect(result.before.cpu).toBeCloseTo(10 / (48 + 32 + 16));
  });

  test('with a node removed: its pods wait again, those of DaemonSets go with it', () => {
    const result = whatIf('--remove-nodes', 'gpu-1,cpu-1', '--add-nodes', '1*cpu-1');
    expect(result).toMatchObject({ kept: 2, pending: 6 });
    // 7 cores: the most important first, then in the order of creation.
    expect(result.placements).toEqual([
      { pod: 'a/urgent', node: 'cpu-1-copy-1', waitedSeconds: 0 },
      { pod: 'a/small', node: 'cpu-1-copy-1', waitedSeconds: 0 },
    ]);
    expect(result.waiting).toContain('a/trains');
    expect(result.waiting).toContain('a/serves');
  });

  test('with further jobs, which take the rest', () => {
    const jobs = join(folder, 'jobs.json');
    const later = { creationTimestamp: '2026-05-01T00:00:00Z' };
    const items = [
      pod('more', { cpu: '1' }, {}, later),
      pod('yet-more', { 'nvidia.com/gpu': '1' }, TOLERANT, later),
    ];
    writeFileSync(jobs, JSON.stringify({ kind: 'List', items }));
    const { status, stdout } = teg('--cluster', snapshot, '--start-from-snapshot', '--jobs', jobs, '--json');
    expect(status).toBe(0);
    const result = simulationResultSchema.parse(JSON.parse(stdout));
    expect(result.jobs).toMatchObject({ arrived: 10, running: 6, waiting: 3 });
    expect(result.endSeconds).toBe(0);
    expect(result.peakGpu).toBe(1);
    expect(result.workload.label).toBe(`the pods of the cluster, then ${jobs}`);
    const twice = teg('--cluster', snapshot, '--start-from-snapshot', '--jobs', snapshot);
    expect(twice.status).toBe(2);
    expect(twice.stderr).toContain('TEG_JOB_INVALID');
  });

  test('is printed as text, without means over no time', () => {
    const { status, stdout } = teg('--cluster', snapshot, '--start-from-snapshot');
    expect(status).toBe(0);
    expect(stdout).toMatch(/^pods that stay +4 /m);
    expect(stdout).toMatch(/^pending placed +1 of 4 +2 wait, 1 no node could hold$/m);
    expect(stdout).toMatch(/^a\/urgent +cpu-1$/m);
    expect(stdout).not.toContain('CPU in use');
    expect(stdout).toMatch(/^a\/small +0\/3 nodes are available: .*1 Insufficient cpu/m);
  });

  test('a pod that waits for a PodGroup that is missing is not placed, and says what it waits for', () => {
    const path = join(folder, 'group.json');
    const lone = pod('lone', { cpu: '1' }, { schedulingGroup: { podGroupName: 'g' } }, { uid: 'lone' });
    writeFileSync(path, JSON.stringify({ kind: 'List', items: [node('n1', { cpu: '8' }), lone] }));
    const { status, stdout, stderr } = teg('--cluster', path, '--start-from-snapshot');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^pending placed +0 of 1 +1 wait$/m);
    expect(stdout).toMatch(/^a\/lone +.*pod group/m);
  });

  test('victims are named', () => {
    const path = join(folder, 'preempts.json');
    const items = [
      node('n1', { cpu: '1' }),
      pod('batch', { cpu: '1' }, { nodeName: 'n1' }),
      pod('urgent', { cpu: '1' }, { priority: 9 }),
    ];
    writeFileSync(path, JSON.stringify({ kind: 'List', items }));
    const { stdout, stderr } = teg('--cluster', path, '--start-from-snapshot');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^preempted +1 +pods that had to make room$/m);
    expect(stdout).toMatch(/^a\/batch +left n1 for a\/urgent$/m);
  });
});

describe('without a start', () => {
  test('one file is cluster and workload, placed again; taints count, cordoned nodes are left out', () => {
    const { status, stdout } = teg('--cluster', snapshot, '--jobs', snapshot, '--json');
    expect(status).toBe(0);
    const result = simulationResultSchema.parse(JSON.parse(stdout));
    expect(result.whatIf).toMatchObject({
      decidedBy: 'pod-scheduler',
      kept: 0,
      pending: 9,
      pendingImpossible: 2,
    });
    expect(result.cluster.nodes).toBe(2);
    // serves selects a label that no node has, huge is too large; without a toleration nothing goes to gpu-1.
    expect(result.jobs.droppedFor).toMatchObject({});
    expect(result.jobs.dropped).toBe(2);
  });

  test('nodes can be added and removed of any cluster', () => {
    const csv = join(folder, 'nodes.csv');
    writeFileSync(csv, 'sn,cpu_milli,memory_mib,gpu,model\nn1,8000,8192,0,\nn2,8000,8192,2,T4\n');
    const args = [
      '--cluster',
      csv,
      '--jobs',
      'generated:20:0.5',
      '--json',
      '--remove-nodes',
      'n1',
      '--add-nodes',
    ];
    const { status, stdout } = teg(...args, '3*n2');
    expect(status).toBe(0);
    expect(JSON.parse(stdout).cluster).toMatchObject({ nodes: 4, gpus: 8 });
  });
});

describe('bad input', () => {
  test.each([
    [['--add-nodes', 'gpu-1'], "got 'gpu-1', expected COUNT*NODE"],
    [['--add-nodes', '0*gpu-1'], 'a count of at least 1'],
    [['--add-nodes', '2*gpu-9'], "got the node 'gpu-9', expected one of the cluster, for example 'gpu-1'"],
    [['--add-nodes', '100001*gpu-1'], 'expected at most 100000'],
    [['--remove-nodes', 'a,,b'], 'names separated by single commas'],
    [['--remove-nodes', 'gpu-1,cpu-1,old-1'], 'expected some to be left'],
    [['--repeat', '2'], '--start-from-snapshot with --repeat'],
    [['--zones', '2'], '--start-from-snapshot with --zones'],
    [['--jobs', '-'], 'standard input: got an empty file'],
  ])('%j', (args, message) => {
    const { status, stderr, stdout } = teg('--cluster', snapshot, '--start-from-snapshot', ...args);
    expect(stderr).toContain(message);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  test('a start from a table is refused with what it needs', () => {
    const path = join(folder, 'nodes.csv');
    writeFileSync(path, 'name,cpu_milli,memory_mib,gpu_count\na,1000,1024,0\n');
    const { status, stderr, stdout } = teg('--cluster', path, '--start-from-snapshot');
    expect(stderr).toMatch(
      /^error TEG_OPTION_INVALID: got --start-from-snapshot with .*nodes.csv, a file of the format teg-nodes-csv, expected one of Kubernetes/,
    );
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  test('a generated cluster has no pods to start from', () => {
    const { status, stderr } = teg('--cluster', 'generated:10', '--start-from-snapshot');
    expect(status).toBe(2);
    expect(stderr).toContain('a file with pods to start from');
  });

  test('copies are read as they are written', () => {
    expect(parseNodeCopies('8*gpu-node-3, 2 * cpu-1')).toEqual([
      { count: 8, node: 'gpu-node-3' },
      { count: 2, node: 'cpu-1' },
    ]);
  });
});
