/**
 * What a real API server refuses, or TEG does not do, is said at the pod: event, condition and explanation; and ends when its cause does.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ApiRequest } from '../../src/drivers/kubernetes/client/api.ts';
import { describeWithControlPlane } from './control-plane-fixture.ts';
import { type RunningTeg, runTeg } from './teg-command.ts';
import {
  explainFailures,
  type LiveCondition,
  type LivePod,
  scheduledCondition,
  TestCluster,
} from './test-cluster.ts';

const PODS = '/api/v1/namespaces/default/pods';
const EVENTS = '/apis/events.k8s.io/v1/namespaces/default/events';
const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
const DEVICE_CLASSES = '/apis/resource.k8s.io/v1/deviceclasses';
const GPU = 'example.com/gpu';
const SOON = { timeout: 30_000, interval: 200 };

interface ReportedEvent {
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly name: string };
}

describeWithControlPlane('refusals on a real API server', [], () => {
  let cluster: TestCluster;
  let scheduler: RunningTeg;

  explainFailures(() => scheduler);

  beforeAll(async () => {
    cluster = await TestCluster.start();
    await cluster.addNode('n1', {});
    scheduler = cluster.startScheduler({ podMaxBackoffSeconds: 2 });
  }, 120_000);

  afterAll(async () => {
    await scheduler?.stop('SIGKILL');
    await cluster?.stop();
  }, 60_000);

  function must(method: ApiRequest['method'], path: string, body?: unknown): Promise<unknown> {
    return cluster.must(method, path, body);
  }

  function addPod(name: string, amounts: Readonly<Record<string, string>>): Promise<void> {
    return cluster.addPod({ namespace: 'default', name }, { requests: amounts, limits: amounts });
  }

  async function read(name: string): Promise<LivePod> {
    return (await must('GET', `${PODS}/${name}`)) as LivePod;
  }

  async function nodeOf(name: string): Promise<string> {
    return (await read(name)).spec.nodeName ?? '';
  }

  async function scheduledOf(name: string): Promise<LiveCondition | undefined> {
    return scheduledCondition(await read(name));
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
      return (await cluster.client.request({ method: 'POST', path: `${PODS}/nobody/binding`, body })).status;
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
      return (
        await cluster.client.request({ method: 'PATCH', path: `${PODS}/quiet/status`, body, contentType })
      ).status;
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
    await cluster.addNode('n2', { [GPU]: '1' });
    await expect
      .poll(async () => (await Promise.all(['device-a', 'device-b'].map(nodeOf))).sort(), SOON)
      .toEqual(['', 'n2']);
  }, 120_000);
});
