/**
 * `teg cluster` from its start to Ctrl-C, as a user has it.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { clientOf, describeWithControlPlane } from './control-plane-fixture.ts';

const TEG = join(import.meta.dirname, '..', '..', 'bin', 'teg');

interface Ready {
  readonly kubeconfig: string;
  readonly folder: string;
  readonly nodes: number;
  readonly kubectl: string;
}

interface Running {
  readonly child: ChildProcess;
  /** Of the process, with all it wrote on standard error. */
  readonly ended: Promise<{ code: number | null; errors: string }>;
  /** Its first line, or '' if it ended without one. */
  readonly firstLine: Promise<string>;
}

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGTERM');
});

function teg(...args: string[]): Running {
  const child = spawn(TEG, ['cluster', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  const ended = new Promise<{ code: number | null; errors: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, errors })),
  );
  const firstLine = new Promise<string>((resolve) => {
    child.stdout.once('data', (data) => resolve(String(data)));
    void ended.then(() => resolve(''));
  });
  return { child, ended, firstLine };
}

describe('options', () => {
  test.each([
    [['--nodes', '20001'], 'got --nodes 20001, expected at most 20000'],
    [['--memory', 'much'], 'got --memory much, expected a quantity such as 32Gi'],
    [['--kubeconfig', 'x', '--folder', 'y'], 'got --kubeconfig and --folder'],
    [['--kubeconfig', 'x', '--with-stock-scheduler'], 'got --kubeconfig and --with-stock-scheduler'],
  ])('%s is refused', async (args, message) => {
    const { code, errors } = await teg(...args).ended;
    expect(errors).toContain(message);
    expect(code).toBe(2);
  });
});

describeWithControlPlane('teg cluster', ['kube-controller-manager', 'kwok', 'kubectl'], () => {
  test('starts, has its nodes, lends itself to another one, and ends on Ctrl-C with nothing left', async () => {
    const own = teg('--nodes', '20', '--gpus', '8', '--zones', '2', '--json');
    const ready = JSON.parse(await own.firstLine) as Ready;
    expect(ready).toMatchObject({ nodes: 20, kubectl: expect.stringMatching(/kubectl$/) });
    const client = clientOf(ready.kubeconfig);
    const nodes = async () => {
      const { body } = await client.request({ method: 'GET', path: '/api/v1/nodes' });
      return (body as { items: { metadata: { name: string }; spec: object; status: object }[] }).items;
    };
    expect(await nodes()).toHaveLength(20);
    for (const { spec } of await nodes()) expect(spec).toEqual({});
    expect((await nodes())[0]?.status).toMatchObject({ allocatable: { 'nvidia.com/gpu': '8' } });

    const guest = teg('--kubeconfig', ready.kubeconfig, '--nodes', '3', '--json');
    expect(JSON.parse(await guest.firstLine)).toMatchObject({ nodes: 23, folder: null });
    const played = (await nodes()).filter(({ metadata }) => metadata.name.startsWith('teg-node-'));
    expect(played).toHaveLength(3);
    const taint = { key: 'kwok.x-k8s.io/node', value: 'fake', effect: 'NoSchedule' };
    for (const { spec } of played) expect(spec).toEqual({ taints: [taint] });
    guest.child.kill('SIGINT');
    expect(await guest.ended).toMatchObject({ code: 0 });
    expect(await nodes()).toHaveLength(20);
    await client.close();

    own.child.kill('SIGINT');
    expect(await own.ended).toMatchObject({ code: 0 });
    expect(existsSync(ready.folder)).toBe(false);
    const alone = await teg('--kubeconfig', ready.kubeconfig).ended;
    expect(alone).toMatchObject({ code: 2, errors: expect.stringContaining('there is no such file') });
  });
});
