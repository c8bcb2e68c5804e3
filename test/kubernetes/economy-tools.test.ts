/**
 * The tools of the economy against a running scheduler on a real API server, and against a snapshot of it: who waits, what tenants
 * have, what a job would cost and what it is then charged.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithControlPlane } from './control-plane-fixture.ts';
import { type RunningTeg, runTeg } from './teg-command.ts';
import { boundAmong, explainFailures, scheduledCondition, TestCluster } from './test-cluster.ts';

const GPU = 'nvidia.com/gpu';
const SOON = { timeout: 30_000, interval: 200 };

/** What is read of `teg share --json`. */
interface Shares {
  readonly mode: string;
  readonly tenants: readonly {
    readonly name: string;
    readonly depth: number;
    readonly weightShare: number;
  }[];
  readonly market: {
    readonly atSeconds: number;
    readonly tenants: readonly {
      readonly name: string;
      readonly charged: number;
      readonly balance: number;
    }[];
  };
}

describeWithControlPlane('tools against a running scheduler with an economy', ['kubectl'], () => {
  let cluster: TestCluster;
  let scheduler: RunningTeg;
  let url: string;

  explainFailures(() => scheduler);

  beforeAll(async () => {
    cluster = await TestCluster.start();
    await cluster.defineEconomy();
    await cluster.applyMarket({ tokens: true });
    await cluster.addTenant('research', {});
    await cluster.addTenant('nlp', { parent: 'research', quota: { h100: { [GPU]: 8 } }, weight: 3 });
    await cluster.addTenant('vision', { parent: 'research', limit: { h100: { [GPU]: 2 } } });
    for (const name of ['n1', 'n2'])
      await cluster.addNode(name, { cpu: '32', memory: '64Gi', [GPU]: '8' }, { gpu: 'h100' });
    scheduler = cluster.startScheduler({ economy: { mode: 'enforce' } });
  }, 180_000);

  afterAll(async () => {
    await scheduler?.stop('SIGKILL');
    await cluster?.stop();
  }, 60_000);

  async function addPod(namespace: string, name: string, gpus: number): Promise<void> {
    const amounts = { requests: { cpu: '1', [GPU]: `${gpus}` }, limits: { [GPU]: `${gpus}` } };
    await cluster.addPod({ namespace, name }, amounts);
  }

  async function ask<Answer>(...args: readonly string[]): Promise<Answer> {
    const { code, stdout, stderr } = await runTeg([...args, '--json'], {
      kubeconfig: cluster.plane.kubeconfig,
    });
    expect([code, stderr]).toEqual([0, '']);
    return JSON.parse(stdout) as Answer;
  }

  async function chargedTo(name: string): Promise<{ readonly tokens: number; readonly atSeconds: number }> {
    const { market } = await ask<Shares>('share', '--server', url);
    const { charged } = market.tenants.find(
      (tenant) => tenant.name === name,
    ) as Shares['market']['tenants'][number];
    return { tokens: charged, atSeconds: market.atSeconds };
  }

  test('a quote is what the tenant then pays, within 1 %', async () => {
    await expect.poll(() => scheduler.said('teg scheduler starts').length, SOON).toBe(1);
    url = String(scheduler.said('teg scheduler starts')[0]?.pages);
    const shape = ['--pods', '1', '--gpus', '4', '--cores', '1', '--tenant', 'nlp', '--runtime', '10m'];
    const { flavors } = await ask<{ flavors: { tokensPerHour: number; affordableInSeconds: number }[] }>(
      ...['quote', ...shape, '--server', url],
    );
    expect(flavors).toMatchObject([{ flavor: 'h100', load: 0, podsWithRoom: 1, affordableInSeconds: 0 }]);
    await addPod('nlp', 'paid', 4);
    await expect.poll(async () => boundAmong(await cluster.pods('nlp')).length, SOON).toBe(1);
    const first = await chargedTo('nlp');
    await addPod('vision', 'too-wide', 3);
    await expect
      .poll(async () => (await chargedTo('nlp')).atSeconds, SOON)
      .toBeGreaterThan(first.atSeconds + 3);
    const last = await chargedTo('nlp');
    const perHour = ((last.tokens - first.tokens) * 3600) / (last.atSeconds - first.atSeconds);
    expect(Math.abs((flavors[0]?.tokensPerHour ?? 0) / perHour - 1)).toBeLessThan(0.01);
  });

  test('share is the tree, and condition, why and the snapshot say one code', async () => {
    const share = await ask<Shares>('share', '--server', url);
    expect(share).toMatchObject({
      mode: 'enforce',
      tenants: [
        { name: 'research', depth: 0 },
        { name: 'nlp', depth: 1, weightShare: 0.75, running: 1 },
        { name: 'vision', depth: 1, weightShare: 0.25, waiting: 1 },
        { name: 'default', depth: 0 },
      ],
    });
    await addPod('nlp', 'nowhere', 9);
    const messages = async (): Promise<string[]> =>
      (await cluster.pods())
        .map((pod) => scheduledCondition(pod)?.message ?? '')
        .filter((text) => text !== '');
    await expect
      .poll(async () => (await messages()).sort(), SOON)
      .toEqual([
        expect.stringMatching(/^0\/2 nodes are available: .* \[no-fit\]$/),
        expect.stringMatching(/^not admitted: limit-exceeded /),
      ]);
    const file = join(cluster.folder, 'snapshot.json.gz');
    // Balances are in the statuses, which the scheduler writes at most every ten seconds.
    await expect
      .poll(async () => {
        const tenant = await cluster.must('GET', '/apis/teg.dev/v1alpha1/tenants/nlp');
        return (tenant as { status?: { balance?: string } }).status?.balance ?? '';
      }, SOON)
      .not.toBe('');
    const kubeconfig = cluster.plane.kubeconfig;
    expect((await runTeg(['snapshot', '-o', file], { kubeconfig })).stderr).toContain('1 Market, 3 Tenant');
    for (const source of [
      ['--server', url],
      ['--snapshot', file],
    ]) {
      const { jobs } = await ask<{ jobs: { id: string; code: string }[] }>('queue', '--start', ...source);
      expect(jobs.map(({ id, code }) => `${id} ${code}`).sort()).toEqual([
        'nlp/nowhere no-fit',
        'vision/too-wide limit-exceeded',
      ]);
      const shares = await ask<Shares>('share', ...source);
      expect(shares.tenants.map(({ name, depth }) => `${depth} ${name}`)).toEqual(
        share.tenants.map(({ name, depth }) => `${depth} ${name}`),
      );
    }
    const simulated = await ask<{ shares: Shares; waiting: { jobs: { id: string; code: string }[] } }>(
      ...['simulate', '--cluster', file, '--start-from-snapshot', '--no-series'],
    );
    expect(simulated.shares.mode).toBe('enforce');
    expect(simulated.waiting.jobs.map(({ code }) => code).sort()).toEqual(['limit-exceeded', 'no-fit']);
  });
});
