/** `teg explain pod` from the user's side: from a file, and from a running server. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { runHere } from '../../../test/support/command-line.ts';
import { sendJson, startScriptedServer } from '../../../test/support/scripted-server.ts';
import { defaultSchedulerConfig } from '../../drivers/kubernetes/config/scheduler-config.ts';
import { SchedulerMetrics } from '../../drivers/kubernetes/server/scheduler-metrics.ts';
import { SchedulerServer } from '../../drivers/kubernetes/server/scheduler-server.ts';
import { reviewer, scriptedClient } from '../../drivers/kubernetes/server/server.fixtures.ts';
import type { PodExplanation } from '../../governor/pods/explain/explain-types.ts';
import { podExplanationSchema } from '../kubernetes/explanation-schema.ts';

const TEG = join(import.meta.dirname, '..', '..', '..', 'bin', 'teg');
let folder: string;
let snapshot: string;

/** Not synchronous: the server below answers meanwhile. */
async function teg(...args: string[]): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined, KUBECONFIG: undefined };
  const child = spawn(process.execPath, [TEG, 'explain', 'pod', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => {
    output.stdout += data;
  });
  child.stderr.on('data', (data) => {
    output.stderr += data;
  });
  const [status] = await once(child, 'close');
  return { status, ...output };
}

function node(name: string, allocatable: Record<string, string>, spec: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: `uid-${name}`, labels: { 'kubernetes.io/hostname': name } },
    spec,
    status: { allocatable: { pods: '110', memory: '64Gi', ...allocatable } },
  };
}

function pod(name: string, requests: Record<string, string>, spec: object = {}, status: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'a', uid: `uid-${name}`, creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { schedulerName: 'teg', containers: [{ name: 'c', resources: { requests } }], ...spec },
    status: { phase: 'Pending', ...status },
  };
}

const ITEMS = [
  node('gpu-1', { cpu: '32', 'nvidia.com/gpu': '4' }),
  node('infra-1', { cpu: '8' }, { taints: [{ key: 'dedicated', value: 'infra', effect: 'NoSchedule' }] }),
  node('cpu-1', { cpu: '8' }),
  node('cpu-2', { cpu: '8' }),
  pod('runs', { cpu: '1', 'nvidia.com/gpu': '3' }, { nodeName: 'gpu-1' }, { phase: 'Running' }),
  pod('done', { cpu: '1' }, { nodeName: 'cpu-1' }, { phase: 'Succeeded' }),
  pod('wants-gpus', { cpu: '1', 'nvidia.com/gpu': '3' }),
  pod('urgent', { cpu: '1', 'nvidia.com/gpu': '3' }, { priority: 1000 }),
  pod('small', { cpu: '1' }),
  pod('gated', { cpu: '1' }, { schedulingGates: [{ name: 'example.com/gate' }] }),
  pod('claims', { cpu: '1' }, { resourceClaims: [{ name: 'r', resourceClaimName: 'x' }] }),
  pod('foreign', { cpu: '1' }, { schedulerName: 'default-scheduler' }),
  {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'broken', namespace: 'a', uid: 'u' },
    spec: { containers: 5 },
  },
];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'teg-explain-'));
  snapshot = join(folder, 'snapshot.json');
  writeFileSync(snapshot, JSON.stringify({ kind: 'List', apiVersion: 'v1', items: ITEMS }));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function explain(name: string): Promise<PodExplanation> {
  const args = ['explain', 'pod', `a/${name}`, '--snapshot', snapshot, '--json'];
  const { status, stdout, stderr } = await runHere(args);
  expect(status, stderr).toBe(0);
  return podExplanationSchema.parse(JSON.parse(stdout));
}

describe('from a snapshot', () => {
  test.each(['yaml', 'json'])(
    'a manifest by hand, in %s: limits are requests, and no uid is needed',
    async (form) => {
      const node = {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: 'gpu-1' },
        status: { capacity: { cpu: '8', memory: '64Gi', 'nvidia.com/gpu': '2' } },
      };
      const pod = (name: string, gpus: string) => ({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: { containers: [{ name: 'c', resources: { limits: { cpu: '1', 'nvidia.com/gpu': gpus } } }] },
      });
      const objects = [node, pod('small', '2'), pod('large', '3')];
      const path = join(folder, `manifest.${form}`);
      const text =
        form === 'json'
          ? JSON.stringify({ kind: 'List', items: objects })
          : objects.map((each) => stringify(each, { defaultStringType: 'QUOTE_DOUBLE' })).join('---\n');
      writeFileSync(path, text);
      const answer = async (name: string): Promise<PodExplanation> => {
        const { status, stdout, stderr } = await teg(name, '--snapshot', path, '--json');
        expect({ status, stderr }).toMatchObject({ status: 0 });
        return podExplanationSchema.parse(JSON.parse(stdout));
      };
      expect(await answer('small')).toMatchObject({ node: 'gpu-1', nodesTotal: 1, nodesFeasible: 1 });
      expect(await answer('large')).toMatchObject({ node: '', nodesTotal: 1, nodesFeasible: 0 });
    },
  );

  test('a pod that fits: its node, the alternatives, and why', async () => {
    const explanation = await explain('small');
    expect(explanation).toMatchObject({
      state: 'waiting',
      nodesTotal: 4,
      nodesFeasible: 3,
      preemption: null,
    });
    expect(explanation.node).toMatch(/^(gpu-1|cpu-1|cpu-2)$/);
    expect(explanation.candidates.length).toBeGreaterThan(1);
    expect(explanation.candidates[0]?.node).toBe(explanation.node);
    expect(explanation.why).not.toBe('');
    expect(explanation.refusals).toEqual([
      expect.objectContaining({ nodes: 1, plugin: 'TaintToleration', resolvable: false }),
    ]);
  });

  test("a pod that fits nowhere: each node's refusal, and what the nearest one lacks", async () => {
    const explanation = await explain('wants-gpus');
    expect(explanation).toMatchObject({ node: '', nodesTotal: 4, nodesFeasible: 0, candidates: [] });
    expect(explanation.refusals.reduce((sum, { nodes }) => sum + nodes, 0)).toBeGreaterThanOrEqual(4);
    const reasons = explanation.refusals.map(({ reason }) => reason);
    expect(reasons).toContain('Insufficient nvidia.com/gpu');
    expect(explanation.nearest[0]).toEqual({
      node: 'gpu-1',
      lacks: [{ resource: 'nvidia.com/gpu', amount: 2, text: '2 nvidia.com/gpu' }],
    });
    expect(explanation.preemption).toMatchObject({ node: '', victims: [] });
  });

  test('a pod that may take the room of others: whose', async () => {
    const { preemption } = await explain('urgent');
    expect(preemption).toMatchObject({
      allowed: true,
      node: 'gpu-1',
      victimCount: 1,
      victims: [{ pod: 'a/runs', node: 'gpu-1', priority: 0, breaksBudget: false }],
    });
  });

  test('a pod that runs, one that is gated, one that needs an unsupported feature', async () => {
    expect(await explain('runs')).toMatchObject({ state: 'bound', node: 'gpu-1' });
    expect(await explain('gated')).toMatchObject({ state: 'gated', gates: ['example.com/gate'] });
    expect(await explain('claims')).toMatchObject({
      state: 'refused',
      unsupported: ['dynamic resource claims (spec.resourceClaims)'],
    });
  });

  test("another scheduler's pod is explained as if it were ours, and malformed objects are reported", async () => {
    const { status, stdout, stderr } = await teg('a/foreign', '--snapshot', snapshot);
    expect(status).toBe(0);
    expect(stderr).toContain("note: the pod names the scheduler 'default-scheduler'");
    expect(stderr).toContain('note: Pod a/broken: ');
    expect(stdout).toMatch(/^a\/foreign: waiting to be placed$\n^$\n^3 of 4/m);
    expect(stdout).toMatch(/^3 of 4 nodes would take it now$/m);
  });

  test('as text', async () => {
    const { stdout } = await teg('a/wants-gpus', '--snapshot', snapshot);
    expect(stdout).toMatch(/^0 of 4 nodes would take it now$/m);
    expect(stdout).toMatch(/^gpu-1 +2 nvidia\.com\/gpu$/m);
    expect(stdout).toMatch(/^preemption: 0\/4 nodes are available: /m);

    const runs = await teg('a/runs', '--snapshot', snapshot);
    expect(runs.stdout).toMatch(/^a\/runs: bound on gpu-1$/m);
    expect(runs.stdout).toMatch(/^0 of 4 nodes would take one more like it now$/m);
  });
});

const ANSWER: PodExplanation = {
  uid: 'u',
  namespace: 'shop',
  name: 'web',
  state: 'backing-off',
  sinceSeconds: 1_700_000_000,
  seenSeconds: 1_700_000_000,
  priority: 5,
  attempts: 4,
  retryAtSeconds: 4_000_000_000,
  retriedOn: ['node added'],
  node: '',
  gates: [],
  unsupported: [],
  group: {
    key: 'core:shop/crew',
    known: true,
    minCount: 4,
    members: 3,
    placed: 0,
    waiting: 3,
    text: '3 of 4 exist',
  },
  message: '0/5 nodes are available: 5 Insufficient cpu.',
  reason: 'Unschedulable',
  nodesTotal: 5,
  nodesFeasible: 0,
  refusals: [{ reason: 'Insufficient cpu', plugin: 'NodeResourcesFit', nodes: 5, resolvable: true }],
  policy: 'teg',
  better: 'lower',
  candidates: [],
  why: '',
  nearest: [{ node: 'n1', lacks: [{ resource: 'cpu', amount: 500, text: '500m cpu' }] }],
  waitsFor: {
    code: 'no-fit',
    stage: 'room',
    text: 'None of 5 nodes takes it; 5 of them: Insufficient cpu.',
    holder: '',
    nextStep: 'Compare its requests with the nodes.',
    data: { nodes: 5 },
  },
  preemption: { allowed: true, node: 'n1', victims: [], victimCount: 0, text: 'nothing to take' },
};

describe('a pod whose binding was refused', () => {
  const message = 'running Bind plugin "DefaultBinder": pods "refused" is forbidden: this node is reserved';
  const condition = { type: 'PodScheduled', status: 'False', reason: 'SchedulerError', message };
  const refused = pod('refused', { cpu: '1' }, {}, { conditions: [condition] });
  const lines = [
    `  the last attempt failed: ${message}`,
    'it would go to gpu-1, if the failed step succeeds this time',
  ];

  test('from objects of kubectl', async () => {
    const file = join(folder, 'refused.json');
    writeFileSync(file, JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [...ITEMS, refused] }));
    const { stdout } = await teg('a/refused', '--snapshot', file);
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(lines));
  });

  test('from the cluster, whose pods are read without messages otherwise', async () => {
    const server = await startScriptedServer((response, { path }) => {
      const kind = path.endsWith('/nodes') ? 'Node' : path.endsWith('/pods') ? 'Pod' : '';
      const items = [...ITEMS, refused].filter((item) => (item as { kind: string }).kind === kind);
      if (path.endsWith('/pods/refused')) sendJson(response, 200, refused);
      else sendJson(response, 200, { metadata: { resourceVersion: '1' }, items });
    });
    const file = join(folder, 'kubeconfig');
    const one = (name: string, more: object): object[] => [{ name: 'x', [name]: more }];
    writeFileSync(
      file,
      JSON.stringify({
        'current-context': 'x',
        contexts: one('context', { cluster: 'x', user: 'x' }),
        clusters: one('cluster', { server: server.target.server }),
        users: one('user', { token: 't' }),
      }),
    );
    const { stdout, stderr } = await teg('a/refused', '--kubeconfig', file);
    await server.stop();
    expect(stdout.split('\n'), stderr).toEqual(expect.arrayContaining(lines));
  });
});

describe('from a server', () => {
  let open: SchedulerServer;
  let guarded: SchedulerServer;

  async function start(insecureLoopback: boolean): Promise<SchedulerServer> {
    const config = defaultSchedulerConfig();
    return SchedulerServer.start({
      server: {
        ...config.server,
        bindAddress: insecureLoopback ? '127.0.0.1' : '0.0.0.0',
        port: 0,
        insecureLoopback,
      },
      client: scriptedClient(reviewer({ good: 'admin' }, { admin: ['/explain/shop/web'] })).client,
      onWriteError: () => {},
      pages: {
        ready: () => '',
        live: () => '',
        config,
        metrics: new SchedulerMetrics('teg', '1'),
        explain: (namespace, name) =>
          `${namespace}/${name}` === 'shop/web' ? ANSWER : name === 'odd' ? { a: 1 } : undefined,
        waiting: () => undefined,
        economy: () => undefined,
        snapshot: () => '',
      },
    });
  }

  beforeAll(async () => {
    open = await start(true);
    guarded = await start(false);
  });
  afterAll(async () => {
    await open.close();
    await guarded.close();
  });

  test('its answer is printed, as JSON or as text', async () => {
    const { status, stdout } = await teg('shop/web', '--server', open.url, '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual(ANSWER);
    const { stdout: text } = await teg('shop/web', '--server', `${open.url}/`);
    expect(text).toMatch(/^shop\/web: waiting: the last attempt found no node$/m);
    expect(text).toContain('4 attempts, priority 5');
    expect(text).toContain('group core:shop/crew: 3 members, 0 placed, 3 waiting, at least 4 together');
    expect(text).toMatch(/^ +5 +Insufficient cpu +NodeResourcesFit +may fit once pods leave/m);
    expect(text).toMatch(/^n1 +500m cpu$/m);
  });

  test('a token is sent, a self-signed certificate accepted on request', async () => {
    const token = join(folder, 'token');
    writeFileSync(token, 'good\n');
    const args = [
      'shop/web',
      '--server',
      guarded.url.replace('0.0.0.0', '127.0.0.1'),
      '--insecure-skip-tls-verify',
      '--json',
    ];
    const { status, stdout, stderr } = await teg(...args, '--token-file', token);
    expect(status, stderr).toBe(0);
    expect(JSON.parse(stdout)).toEqual(ANSWER);
    const none = await teg(...args);
    expect(none.status).toBe(1);
    expect(none.stderr).toContain('got 401');
    expect(none.stderr).toContain('--token-file');
    const untrusted = await teg('shop/web', '--server', guarded.url.replace('0.0.0.0', '127.0.0.1'));
    expect(untrusted.status).toBe(1);
    expect(untrusted.stderr).toContain('--insecure-skip-tls-verify for a self-signed certificate');
  });

  test('an unknown pod, another answer, another server', async () => {
    const unknown = await teg('shop/nobody', '--server', open.url);
    expect(unknown.status).toBe(2);
    expect(unknown.stderr).toContain("TEG_POD_UNKNOWN: got the pod 'shop/nobody'");
    const odd = await teg('shop/odd', '--server', open.url);
    expect(odd.status).toBe(1);
    expect(odd.stderr).toContain("an answer of another form at 'uid'");
    const nowhere = await teg('shop/web', '--server', `${open.url}/nowhere`);
    expect(nowhere.status).toBe(1);
    expect(nowhere.stderr).toContain('got 404');
  });

  test('a server that is not there', async () => {
    const { status, stdout, stderr } = await teg('shop/web', '--server', 'http://127.0.0.1:1');
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toContain('TEG_SERVER_FAILED');
    expect(stderr).toContain('ECONNREFUSED');
  });
});

describe('bad input', () => {
  test.each([
    [['a/nobody', '--snapshot', 'SNAPSHOT'], 'TEG_POD_UNKNOWN', 'expected one of the cluster'],
    [['a/done', '--snapshot', 'SNAPSHOT'], 'TEG_POD_UNKNOWN', 'which has ended'],
    [['a/small', '--snapshot', '/no/such/file'], 'TEG_INPUT_NOT_FOUND', 'ENOENT'],
    [['a/small', '--snapshot', 'TEXT'], 'TEG_TRACE_BAD_ROW', 'expected a Kubernetes object in JSON'],
    [['a/small', '--kubeconfig', '/no/such/file'], 'TEG_KUBE_CONFIG', 'no such file'],
    [['a/small', '--server', 'x', '--snapshot', 'y'], 'TEG_OPTION_INVALID', 'more than one source'],
    [['a/small', '--snapshot', 'SNAPSHOT', '--token-file', 'y'], 'TEG_OPTION_INVALID', 'without --server'],
    [['a/small', '--server', 'http://x', '--config', 'y'], 'TEG_OPTION_INVALID', 'has its configuration'],
    [['a/small', '--server', 'ftp://x'], 'TEG_OPTION_INVALID', 'expected http://HOST:PORT'],
    [['A/small', '--snapshot', 'SNAPSHOT'], 'TEG_OPTION_INVALID', 'expected NAMESPACE/NAME'],
    [['a/b/c', '--snapshot', 'SNAPSHOT'], 'TEG_OPTION_INVALID', 'expected NAMESPACE/NAME'],
    [[], 'TEG_OPTION_INVALID', 'got no pod'],
  ])('%j', async (args, code, message) => {
    const text = join(folder, 'text');
    writeFileSync(text, 'name,cpus\nnode-1,8\n');
    const named: Record<string, string> = { SNAPSHOT: snapshot, TEXT: text };
    const { status, stdout, stderr } = await runHere([
      'explain',
      'pod',
      ...args.map((arg) => named[arg] ?? arg),
    ]);
    expect(stderr).toContain(code);
    expect(stderr).toContain(message);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  });

  test('ends the process with exit code 2', async () => {
    const { status, stdout, stderr } = await teg('A/small', '--snapshot', snapshot);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('expected NAMESPACE/NAME');
  });

  test('the schema of the JSON', async () => {
    const { status, stdout } = await runHere(['explain', 'pod', '--json-schema']);
    expect(status).toBe(0);
    expect(Object.keys(JSON.parse(stdout).properties)).toEqual(Object.keys(ANSWER));
  });
});
