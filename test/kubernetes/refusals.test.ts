/**
 * What a real API server refuses, or TEG does not do, is said at the pod: event, condition and explanation; and ends when its cause does.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { ApiClient, ApiRequest } from '../../src/drivers/kubernetes/client/api.ts';
import { clientOf, describeWithControlPlane } from './control-plane-fixture.ts';
import { RunningTeg, runTeg } from './teg-command.ts';

const PODS = '/api/v1/namespaces/default/pods';
const EVENTS = '/apis/events.k8s.io/v1/namespaces/default/events';
const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const DEVICE_CLASSES = '/apis/resource.k8s.io/v1/deviceclasses';
const GPU = 'example.com/gpu';
const SOON = { timeout: 30_000, interval: 200 };

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

interface Pod {
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly conditions?: readonly Condition[] };
}

interface ReportedEvent {
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly name: string };
}

describeWithControlPlane('refusals on a real API server', [], () => {
  let plane: ControlPlane;
  let client: ApiClient;
  let scheduler: RunningTeg;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'teg-refusals-'));
    const config = {
      apiVersion: 'teg.dev/v1alpha1',
      kind: 'SchedulerConfiguration',
      server: { bindAddress: '127.0.0.1', port: 0, insecureLoopback: true },
      podMaxBackoffSeconds: 2,
    };
    writeFileSync(join(folder, 'teg.yaml'), stringify(config));
    plane = await startControlPlane();
    client = clientOf(plane.kubeconfig);
    await addNode('n1', {});
    scheduler = new RunningTeg(['scheduler', '--config', join(folder, 'teg.yaml')], {
      kubeconfig: plane.kubeconfig,
      folder,
    });
  }, 120_000);

  afterEach(({ task }) => {
    if (task.result?.state !== 'fail') return;
    process.stderr.write(`${scheduler.stdout.slice(-3000)}\n${scheduler.stderr.slice(-3000)}\n`);
  });

  afterAll(async () => {
    await scheduler?.stop('SIGKILL');
    await client?.close();
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  async function must(method: ApiRequest['method'], path: string, body?: unknown): Promise<unknown> {
    const answer = await client.request({ method, path, ...(body === undefined ? {} : { body }) });
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return answer.body;
  }

  async function addNode(name: string, extended: Readonly<Record<string, string>>): Promise<void> {
    const metadata = { name, labels: { 'kubernetes.io/hostname': name } };
    const status = { allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...extended } };
    await must('POST', '/api/v1/nodes', { metadata, status });
  }

  async function addPod(name: string, amounts: Readonly<Record<string, string>>): Promise<void> {
    const containers = [{ name: 'c', image: 'x', resources: { requests: amounts, limits: amounts } }];
    await must('POST', PODS, { metadata: { name }, spec: { schedulerName: 'teg', containers } });
  }

  async function read(name: string): Promise<Pod> {
    return (await must('GET', `${PODS}/${name}`)) as Pod;
  }

  async function nodeOf(name: string): Promise<string> {
    return (await read(name)).spec.nodeName ?? '';
  }

  async function scheduledOf(name: string): Promise<Condition | undefined> {
    return (await read(name)).status.conditions?.find(({ type }) => type === 'PodScheduled');
  }

  async function notesOf(name: string): Promise<string[]> {
    const { items } = (await must('GET', EVENTS)) as { items: ReportedEvent[] };
    const own = items.filter(
      ({ reason, regarding }) => reason === 'FailedScheduling' && regarding.name === name,
    );
    return own.map(({ note }) => note);
  }

  async function explained(name: string): Promise<string> {
    const { pages } = scheduler.said('teg scheduler starts')[0] as { pages: string };
    const ended = await runTeg(['explain', 'pod', `default/${name}`, '--server', pages]);
    expect(ended.code, ended.stderr).toBe(0);
    return ended.stdout.replaceAll(/\s+/g, ' ');
  }

  test('a binding that an admission policy refuses is an event, a condition and an explanation, until the policy goes', async () => {
    await must('POST', `${ADMISSION}/validatingadmissionpolicies`, {
      metadata: { name: 'no-binding' },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [
            { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods/binding'] },
          ],
        },
        validations: [{ expression: "object.target.name == 'nowhere'", message: 'no room for guests' }],
      },
    });
    await must('POST', `${ADMISSION}/validatingadmissionpolicybindings`, {
      metadata: { name: 'no-binding' },
      spec: { policyName: 'no-binding', validationActions: ['Deny'] },
    });
    // A policy works a moment after it was made: bindings that nothing watches show when.
    const probe = async (): Promise<number> => {
      const metadata = { name: 'nobody', namespace: 'default' };
      const body = { metadata, target: { kind: 'Node', name: 'n1' } };
      return (await client.request({ method: 'POST', path: `${PODS}/nobody/binding`, body })).status;
    };
    await expect.poll(probe, SOON).toBe(422);
    await addPod('guest', { cpu: '100m' });
    const text =
      /^running Bind plugin "DefaultBinder": pods "guest" is forbidden: ValidatingAdmissionPolicy 'no-binding' .*: no room for guests$/;
    await expect.poll(async () => (await scheduledOf('guest'))?.message ?? '', SOON).toMatch(text);
    expect(await scheduledOf('guest')).toMatchObject({ status: 'False', reason: 'SchedulerError' });
    await expect.poll(async () => (await notesOf('guest'))[0] ?? '', SOON).toMatch(text);
    const explanation = await explained('guest');
    expect(explanation).toContain('the last attempt failed: running Bind plugin');
    expect(explanation).toContain('it would go to n1, if the failed step succeeds this time');
    expect(await nodeOf('guest')).toBe('');
    await must('DELETE', `${ADMISSION}/validatingadmissionpolicybindings/no-binding`);
    await must('DELETE', `${ADMISSION}/validatingadmissionpolicies/no-binding`);
    await expect.poll(() => nodeOf('guest'), SOON).toBe('n1');
    expect(await scheduledOf('guest')).toMatchObject({ status: 'True' });
  }, 120_000);

  test('a condition that an admission policy refuses is there soon after the policy goes, without anything else happening', async () => {
    await must('POST', `${ADMISSION}/validatingadmissionpolicies`, {
      metadata: { name: 'no-status' },
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [
            { apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE'], resources: ['pods/status'] },
          ],
        },
        validations: [{ expression: "object.metadata.name != 'quiet'", message: 'nothing is written' }],
      },
    });
    await must('POST', `${ADMISSION}/validatingadmissionpolicybindings`, {
      metadata: { name: 'no-status' },
      spec: { policyName: 'no-status', validationActions: ['Deny'] },
    });
    // A pod of another scheduler shows when the policy works.
    const containers = [{ name: 'c', image: 'x' }];
    await must('POST', PODS, { metadata: { name: 'quiet' }, spec: { schedulerName: 'nobody', containers } });
    const probe = async (): Promise<number> => {
      const body = { status: { message: 'probe' } };
      const contentType = 'application/merge-patch+json';
      return (await client.request({ method: 'PATCH', path: `${PODS}/quiet/status`, body, contentType }))
        .status;
    };
    await expect.poll(probe, SOON).toBe(422);
    await must('DELETE', `${PODS}/quiet`, { gracePeriodSeconds: 0 });
    await addPod('quiet', { cpu: '64' });
    const refused = () => scheduler.said('status refused by the API server');
    await expect.poll(() => refused().length, SOON).toBe(1);
    expect(await scheduledOf('quiet')).toBeUndefined();
    await must('DELETE', `${ADMISSION}/validatingadmissionpolicybindings/no-status`);
    await must('DELETE', `${ADMISSION}/validatingadmissionpolicies/no-status`);
    await expect
      .poll(async () => (await scheduledOf('quiet'))?.message ?? '', SOON)
      .toContain('Insufficient cpu');
    await must('DELETE', `${PODS}/quiet`, { gracePeriodSeconds: 0 });
  }, 120_000);

  test('an extended resource that a DeviceClass stands for is refused for that, as long as the class is there', async () => {
    const messageOf = async (name: string): Promise<string> => (await scheduledOf(name))?.message ?? '';
    for (const name of ['device-a', 'device-b']) await addPod(name, { cpu: '100m', [GPU]: '1' });
    const insufficient = `0/1 nodes are available: 1 Insufficient ${GPU}.`;
    await expect.poll(() => messageOf('device-b'), SOON).toContain(insufficient);
    await must('POST', DEVICE_CLASSES, {
      metadata: { name: 'gpu.example.com' },
      spec: { extendedResourceName: GPU, selectors: [{ cel: { expression: 'true' } }] },
    });
    const backed = `0/1 nodes are available: 1 node(s) have no ${GPU} of their own: it is backed by DeviceClass gpu.example.com, which TEG does not allocate.`;
    for (const name of ['device-a', 'device-b']) {
      await expect.poll(() => messageOf(name), SOON).toContain(backed);
      expect(await scheduledOf(name)).toMatchObject({ status: 'False', reason: 'Unschedulable' });
      await expect
        .poll(async () => (await notesOf(name)).some((note) => note.includes(backed)), SOON)
        .toBe(true);
    }
    expect(await explained('device-a')).toContain('DynamicResources');
    await must('DELETE', `${DEVICE_CLASSES}/gpu.example.com`);
    for (const name of ['device-a', 'device-b']) {
      await expect.poll(() => messageOf(name), SOON).toContain(insufficient);
    }
    await must('POST', DEVICE_CLASSES, {
      metadata: { name: 'gpu.example.com' },
      spec: { extendedResourceName: GPU },
    });
    await expect.poll(() => messageOf('device-a'), SOON).toContain(backed);
    await addNode('n2', { [GPU]: '1' });
    await expect
      .poll(async () => (await Promise.all(['device-a', 'device-b'].map(nodeOf))).sort(), SOON)
      .toEqual(['', 'n2']);
  }, 120_000);
});
