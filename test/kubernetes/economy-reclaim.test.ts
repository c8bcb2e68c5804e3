/**
 * Quota that is lent and reclaimed on a real API server: three tenants, borrowers that are deleted with their grace period, and the
 * lender's gang, which starts whole when they are gone.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithControlPlane } from './control-plane-fixture.ts';
import type { RunningTeg } from './teg-command.ts';
import {
  boundAmong,
  explainFailures,
  type LivePod,
  scheduledCondition,
  TestCluster,
} from './test-cluster.ts';

const GPU = 'nvidia.com/gpu';
const SOON = { timeout: 30_000, interval: 200 };
/** GPUs of each tenant's quota; the three nodes have just these. */
const QUOTA = 4;

interface SeenEvent {
  readonly reason: string;
  readonly note: string;
  readonly regarding: { readonly name: string };
}

describeWithControlPlane('quota that is lent and reclaimed', ['kubectl'], () => {
  let cluster: TestCluster;
  let scheduler: RunningTeg;

  explainFailures(() => scheduler);

  beforeAll(async () => {
    cluster = await TestCluster.start();
    await cluster.defineEconomy();
    await cluster.applyMarket();
    const spec = { quota: { h100: { [GPU]: QUOTA } }, preemption: { minRuntime: '0s' } };
    for (const name of ['nlp', 'vision', 'robotics']) await cluster.addTenant(name, spec);
    for (const name of ['n1', 'n2', 'n3']) {
      await cluster.addNode(name, { cpu: '32', memory: '64Gi', [GPU]: `${QUOTA}` }, { gpu: 'h100' });
    }
    scheduler = cluster.startScheduler({ economy: { mode: 'enforce' } });
  }, 180_000);

  afterAll(async () => {
    await scheduler?.stop('SIGKILL');
    await cluster?.stop();
  }, 60_000);

  async function addPod(namespace: string, name: string, of: object = {}): Promise<void> {
    const amounts = { requests: { cpu: '1', [GPU]: '1' }, limits: { [GPU]: '1' } };
    await cluster.addPod({ namespace, name }, amounts, of);
  }

  async function boundIn(namespace: string): Promise<number> {
    return boundAmong(await cluster.pods(namespace)).length;
  }

  async function leaving(): Promise<readonly LivePod[]> {
    return (await cluster.pods('vision')).filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
  }

  async function messagesIn(namespace: string): Promise<readonly string[]> {
    return (await cluster.pods(namespace)).map((pod) => scheduledCondition(pod)?.message ?? '');
  }

  test('the lender gets its quota back from the borrower alone, and its gang starts whole', async () => {
    for (let i = 0; i < QUOTA; i++) await addPod('robotics', `r${i}`);
    await expect.poll(() => boundIn('robotics'), SOON).toBe(QUOTA);
    for (let i = 0; i < 2 * QUOTA; i++) await addPod('vision', `v${i}`);
    // Its own quota, and what nlp lends.
    await expect.poll(() => boundIn('vision'), SOON).toBe(2 * QUOTA);

    await cluster.addGroup('nlp', 'train', QUOTA);
    for (let i = 0; i < QUOTA; i++) {
      await addPod('nlp', `t${i}`, { schedulingGroup: { podGroupName: 'train' } });
    }
    await expect.poll(async () => (await leaving()).length, SOON).toBe(QUOTA);
    const text = `reclaim: waiting for ${QUOTA} victims to leave [waiting-for-victims]`;
    await expect.poll(() => messagesIn('nlp'), SOON).toEqual(Array(QUOTA).fill(text));
    const victims = await leaving();
    for (const { metadata, status } of victims) {
      expect(metadata.deletionGracePeriodSeconds).toBe(30);
      expect(status.conditions?.find(({ type }) => type === 'DisruptionTarget')).toMatchObject({
        status: 'True',
        reason: 'PreemptionByScheduler',
        message: expect.stringContaining('reclaims its quota'),
      });
    }
    const notes = async (): Promise<readonly string[]> => {
      const path = '/apis/events.k8s.io/v1/namespaces/vision/events';
      const { items } = (await cluster.must('GET', path)) as { items: SeenEvent[] };
      return items.filter(({ reason }) => reason === 'Preempted').map(({ note }) => note);
    };
    await expect.poll(async () => (await notes()).length, SOON).toBe(QUOTA);
    for (const note of await notes()) expect(note).toMatch(/^Preempted by pod \S+ on node n\d \(reclaim\)$/);

    // As long as one is there nothing of the gang starts, and its room is nobody else's.
    const [last, ...others] = victims as [LivePod, ...LivePod[]];
    for (const { metadata } of others) await end(metadata.name);
    for (let i = 0; i < QUOTA; i++) await addPod('vision', `w${i}`);
    await expect
      .poll(async () => (await messagesIn('vision')).filter((each) => each !== '').length, SOON)
      .toBe(QUOTA);
    expect(await boundIn('nlp')).toBe(0);
    await end(last.metadata.name);
    await expect.poll(() => boundIn('nlp'), SOON).toBe(QUOTA);
    // Nobody is below its quota, and nobody else was evicted.
    expect([await boundIn('vision'), await boundIn('robotics')]).toEqual([QUOTA, QUOTA]);
    expect([
      ...(await cluster.pods('robotics')),
      ...(await cluster.pods('nlp')),
      ...(await leaving()),
    ]).toHaveLength(2 * QUOTA);
    expect(await leaving()).toEqual([]);
  }, 120_000);

  /** What a kubelet does at the end of the grace period. */
  async function end(name: string): Promise<void> {
    await cluster.must('DELETE', `/api/v1/namespaces/vision/pods/${name}`, {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      gracePeriodSeconds: 0,
    });
  }
});
