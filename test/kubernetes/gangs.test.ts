/**
 * Gangs on a real API server: what a scheduler knows of them after a restart, members that have ended, unlike members, what the
 * metrics and alerts make of them, and that their objects can be deleted.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defineCoscheduling } from '../../lab/control-plane/coscheduling.ts';
import type { ApiRequest } from '../../src/drivers/kubernetes/client/api.ts';
import { getPage } from '../../src/drivers/kubernetes/server/server.fixtures.ts';
import { describeWithControlPlane } from './control-plane-fixture.ts';
import { sumOf } from './metrics-text.ts';
import type { RunningTeg } from './teg-command.ts';
import { explainFailures, type LivePod, scheduledCondition, TestCluster } from './test-cluster.ts';

const PODS = '/api/v1/namespaces/default/pods';
const GROUPS = '/apis/scheduling.k8s.io/v1alpha2/namespaces/default/podgroups';
const LABELLED = '/apis/scheduling.x-k8s.io/v1alpha1/namespaces/default/podgroups';
const SOON = { timeout: 30_000, interval: 200 };
/** A gang that is thought to be broken is released after this. */
const REPAIR_SECONDS = 3;

describeWithControlPlane('gangs', ['kube-controller-manager'], () => {
  let cluster: TestCluster;
  let scheduler: RunningTeg;

  explainFailures(() => scheduler);

  beforeAll(async () => {
    cluster = await TestCluster.start({ controllerManager: true });
    await defineCoscheduling(cluster.client);
    await addNode('n1', '4');
    start();
  }, 120_000);

  afterAll(async () => {
    await scheduler?.stop('SIGKILL');
    await cluster?.stop();
  }, 60_000);

  function start(): void {
    scheduler = cluster.startScheduler({ gangs: { repairSeconds: REPAIR_SECONDS } });
  }

  async function restart(): Promise<void> {
    expect((await scheduler.stop()).code).toBe(0);
    start();
    await expect.poll(() => scheduler.said('leading').length, SOON).toBe(1);
  }

  function must(method: ApiRequest['method'], path: string, body?: unknown): Promise<unknown> {
    return cluster.must(method, path, body);
  }

  function addNode(name: string, cpu: string, labels: Readonly<Record<string, string>> = {}): Promise<void> {
    return cluster.addNode(name, { cpu }, labels);
  }

  function addGroup(name: string, minCount: number): Promise<void> {
    return cluster.addGroup('default', name, minCount);
  }

  function addPod(name: string, cpu: string, of: object, labels: object = {}): Promise<void> {
    return cluster.addPod({ namespace: 'default', name, labels }, { requests: { cpu } }, of);
  }

  const inGroup = (name: string, more: object = {}) => ({ schedulingGroup: { podGroupName: name }, ...more });

  async function read(name: string): Promise<LivePod> {
    return (await must('GET', `${PODS}/${name}`)) as LivePod;
  }

  async function nodeOf(name: string): Promise<string> {
    return (await read(name)).spec.nodeName ?? '';
  }

  async function messageOf(name: string): Promise<string> {
    return scheduledCondition(await read(name))?.message ?? '';
  }

  async function bound(...names: readonly string[]): Promise<void> {
    for (const name of names) await expect.poll(() => nodeOf(name), SOON).not.toBe('');
  }

  async function end(name: string, phase: 'Succeeded' | 'Failed'): Promise<void> {
    await must('PATCH', `${PODS}/${name}/status`, { status: { phase } });
  }

  async function metric(name: string, labels: Readonly<Record<string, string>>): Promise<number> {
    const { pages } = scheduler.said('teg scheduler starts')[0] as { pages: string };
    return sumOf((await getPage(`${pages}/metrics`)).text, name, labels);
  }

  const unschedulable = () => metric('scheduler_pending_pods', { queue: 'unschedulable' });
  const repairing = () => metric('teg_gangs', { state: 'repairing' });

  test('after a restart no member of a gang that had started is evicted', async () => {
    await addGroup('train', 4);
    for (let i = 0; i < 4; i++) await addPod(`m${i}`, '1', inGroup('train'));
    await bound('m0', 'm1', 'm2', 'm3');
    await end('m1', 'Succeeded');
    await end('m2', 'Succeeded');
    await restart();
    await end('m0', 'Failed');
    await addPod('m0-again', '3500m', inGroup('train'));
    await expect
      .poll(() => messageOf('m0-again'), SOON)
      .toMatch(/^0\/1 nodes are available: 1 Insufficient cpu\./);
    // What the alert TegGangsStuck asks for, and TegPodsUnschedulable.
    expect(await repairing()).toBe(0);
    expect(await unschedulable()).toBe(1);
    await delay((REPAIR_SECONDS + 3) * 1000);
    expect((await read('m3')).metadata.deletionTimestamp).toBeUndefined();
    expect(scheduler.stdout).not.toContain('is released');
  }, 90_000);

  test('the successor of the last member is placed although the others have ended', async () => {
    await end('m3', 'Succeeded');
    await bound('m0-again');
    await end('m0-again', 'Failed');
    await addPod('m0-third', '1', inGroup('train'));
    await bound('m0-third');
    expect(await unschedulable()).toBe(0);
  }, 60_000);

  test('a minimum that is raised evicts nobody, though the scheduler is restarted', async () => {
    const apiVersion = 'scheduling.x-k8s.io/v1alpha1';
    const metadata = { name: 'labelled' };
    await must('POST', LABELLED, { apiVersion, kind: 'PodGroup', metadata, spec: { minMember: 2 } });
    const labels = { 'scheduling.x-k8s.io/pod-group': 'labelled' };
    for (const name of ['l0', 'l1']) await addPod(name, '500m', {}, labels);
    await bound('l0', 'l1');
    await must('PATCH', `${LABELLED}/labelled`, { spec: { minMember: 6 } });
    await restart();
    await addPod('l2', '500m', {}, labels);
    await bound('l2');
    await delay((REPAIR_SECONDS + 2) * 1000);
    for (const name of ['l0', 'l1', 'l2']) {
      expect((await read(name)).metadata.deletionTimestamp).toBeUndefined();
    }
  }, 90_000);

  test('a head and workers that fit in one way only are placed', async () => {
    await addNode('a-head', '5', { pool: 'ray' });
    await addNode('b', '4', { pool: 'ray', head: 'no' });
    await addPod('daemon', '500m', { nodeSelector: { 'kubernetes.io/hostname': 'a-head' } });
    await bound('daemon');
    await addGroup('ray', 3);
    const worker = inGroup('ray', { nodeSelector: { pool: 'ray' } });
    for (const name of ['w0', 'w1']) await addPod(name, '2', worker);
    await delay(1100);
    await addPod('head', '4', inGroup('ray', { nodeSelector: { 'kubernetes.io/hostname': 'a-head' } }));
    await bound('head', 'w0', 'w1');
    expect(await Promise.all(['head', 'w0', 'w1'].map(nodeOf))).toEqual(['a-head', 'b', 'b']);
  }, 60_000);

  test('a gang that fits nowhere is unschedulable, one that lacks members is gated', async () => {
    await addGroup('large', 2);
    await addPod('x0', '64', inGroup('large'));
    await expect.poll(() => metric('scheduler_pending_pods', { queue: 'gated' }), SOON).toBe(1);
    await addPod('x1', '64', inGroup('large'));
    await expect.poll(unschedulable, SOON).toBe(2);
    await expect
      .poll(() => messageOf('x0'), SOON)
      .toMatch(/ Insufficient cpu.* pod group default\/large needs 2 pods at once, 0 of 2 fit\.$/);
    for (const name of ['x0', 'x1']) await must('DELETE', `${PODS}/${name}?gracePeriodSeconds=0`);
    await expect.poll(unschedulable, SOON).toBe(0);
  }, 60_000);

  test('a PodGroup can be deleted once its pods are gone', async () => {
    await addGroup('brief', 2);
    const path = `${GROUPS}/brief`;
    const { finalizers } = ((await must('GET', path)) as { metadata: { finalizers?: string[] } }).metadata;
    expect(finalizers).toEqual(['scheduling.k8s.io/podgroup-protection']);
    await must('DELETE', path);
    const status = async () => (await cluster.client.request({ method: 'GET', path })).status;
    await expect.poll(status, SOON).toBe(404);
  }, 60_000);
});
