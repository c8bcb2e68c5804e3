import { describe, expect, test } from 'vitest';
import { gpuPodOf } from '../../../governor/pods/economy/economy.fixtures.ts';
import type { EconomyFigures } from '../../../governor/pods/economy-figures.ts';
import { nlpAndVision, runningPods, withChampion } from '../../../governor/pods/reasons/reasons.fixtures.ts';
import type { TestCluster } from '../../../governor/pods/scheduler.fixtures.ts';
import { type EconomyGauges, EconomyMetrics } from './economy-metrics.ts';
import { SchedulerMetrics } from './scheduler-metrics.ts';

/** Lines of the page that are about the economy, after a collection. */
async function economyLines(economy: EconomyMetrics, page: SchedulerMetrics, cluster: TestCluster) {
  const view = cluster.scheduler.view();
  economy.collect(view.economy(), view.economyFigures());
  const lines = (await page.text()).split('\n');
  return lines.filter((line) =>
    /^teg_(tenant|price|psi|tax|champion|evictions|work_lost|held_idle)/.test(line),
  );
}

function newMetrics(tenantsMax = 100): [EconomyMetrics, SchedulerMetrics] {
  const page = new SchedulerMetrics('teg', '1');
  return [new EconomyMetrics(page, tenantsMax), page];
}

const NO_AMOUNTS = { cpuMilli: 0, memoryMib: 0, gpuMilli: 0 };
const FIGURES: EconomyFigures = {
  waiting: [],
  waitingPods: new Map(),
  evicted: {},
  workLost: new Map(),
  psi: 0,
};

function gaugesOf(count: number, tokens?: EconomyGauges['tenants'][number]['tokens']): EconomyGauges {
  const flavors = ['a', 'b'].map((flavor) => ({
    flavor,
    quota: { ...NO_AMOUNTS, gpuMilli: 8000 },
    used: { ...NO_AMOUNTS, memoryMib: 1 },
    borrowed: NO_AMOUNTS,
    lent: NO_AMOUNTS,
  }));
  const tenants = Array.from({ length: count }, (_, i) => ({
    name: `t${i}`,
    flavors,
    levelShare: 1,
    tokens,
  }));
  return { timeSeconds: 0, tenants, flavors: [], champions: [] };
}

describe('metrics of the economy', () => {
  test('are on no page unless there is an economy', async () => {
    expect(await new SchedulerMetrics('teg', '1').text()).not.toMatch(/teg_(tenant|psi|price)/);
  });

  test('of a real scheduler, in cores, bytes and GPUs', async () => {
    const cluster = nlpAndVision();
    runningPods(cluster, 'vision', 12);
    cluster.pods(gpuPodOf('wide', 'nlp', 8, {}, { gates: ['x'] }));
    const lines = await economyLines(...newMetrics(), cluster);
    for (const line of [
      'teg_tenant_quota{tenant="nlp",flavor="a",resource="gpu"} 8',
      'teg_tenant_used{tenant="vision",flavor="a",resource="gpu"} 12',
      'teg_tenant_used{tenant="vision",flavor="a",resource="cpu"} 12',
      'teg_tenant_borrowed{tenant="vision",flavor="a",resource="gpu"} 4',
      'teg_tenant_lent{tenant="nlp",flavor="a",resource="gpu"} 4',
      'teg_tenant_level_share{tenant="nlp"} +Inf',
      'teg_tenant_waiting{tenant="nlp",reason="scheduling-gated"} 1',
      'teg_evictions_total{why="reclaim"} 0',
      'teg_psi 0',
    ]) {
      expect(lines).toContain(line);
    }
    expect(lines.some((line) => line.startsWith('teg_price{flavor="a"} '))).toBe(true);
    expect(lines.some((line) => line.startsWith('teg_tax'))).toBe(false);
  });

  test('a champion, and the GPU time held idle for it, from look to look', async () => {
    const life = withChampion();
    const { scheduler, timeSeconds } = life.cluster;
    const [economy, page] = newMetrics();
    const view = scheduler.view();
    economy.noteIdle(view.heldIdle(), timeSeconds);
    economy.noteIdle(view.heldIdle(), timeSeconds + 10);
    economy.noteIdle(new Map(), timeSeconds + 15);
    economy.noteIdle(new Map(), timeSeconds + 99);
    const lines = await economyLines(economy, page, life.cluster);
    expect(lines).toContain(`teg_held_idle_gpu_seconds_total{tenant="all"} ${4 * 15}`);
    expect(lines).toContain(`teg_champion_start_seconds{job="all/big"} ${2000 - view.timeSeconds}`);
  });

  test('tokens are shown where there is a ledger', async () => {
    const [economy, page] = newMetrics();
    economy.collect(gaugesOf(1, { balance: 5, reserved: 2, spendPerHour: 3 }), FIGURES);
    const text = await page.text();
    expect(text).toContain('teg_tenant_balance{tenant="t0"} 5\n');
    expect(text).toContain('teg_tenant_reserved{tenant="t0"} 2\n');
    expect(text).toContain('teg_tenant_spend{tenant="t0"} 3\n');
    expect(text).toContain('teg_tenant_used{tenant="t0",flavor="a",resource="memory"} 1048576\n');
    economy.collect(gaugesOf(1), FIGURES);
    expect(await page.text()).not.toContain('teg_tenant_balance{');
  });

  test.each([
    [0, 2],
    [1, 2],
    [2, 2],
    [3, 2],
  ])('%s tenants of at most %s have rows; counts of further ones are together', async (count, max) => {
    const [economy, page] = newMetrics(max);
    const names = Array.from({ length: count }, (_, i) => `t${i}`);
    economy.noteIdle(new Map([...names, 'gone'].map((name) => [name, 1])), 0);
    economy.noteIdle(new Map(), 7);
    economy.collect(gaugesOf(count), {
      ...FIGURES,
      waitingPods: new Map(names.map((name) => [name, new Map([['no-fit', 3]])])),
      workLost: new Map(names.map((name) => [name, 5])),
    });
    const lines = (await page.text()).split('\n');
    const shown = Math.min(count, max);
    const rest = count - shown;
    const rowsOf = (name: string) => lines.filter((line) => line.startsWith(`${name}{`));
    expect(rowsOf('teg_tenant_level_share')).toHaveLength(shown);
    // Of each flavour GPUs, which it has a quota of, and memory, which it uses.
    expect(rowsOf('teg_tenant_quota')).toHaveLength(shown * 4);
    const further = (name: string, labels: string, each: number) =>
      rest === 0 ? [] : [`${name}{tenant="other"${labels}} ${each * rest}`];
    const others = (name: string) => rowsOf(name).filter((line) => line.includes('"other"'));
    expect(others('teg_tenant_waiting')).toEqual(further('teg_tenant_waiting', ',reason="no-fit"', 3));
    expect(others('teg_work_lost_gpu_seconds_total')).toEqual(
      further('teg_work_lost_gpu_seconds_total', '', 5),
    );
    expect(others('teg_held_idle_gpu_seconds_total')).toEqual(
      further('teg_held_idle_gpu_seconds_total', '', 7),
    );
  });
});
