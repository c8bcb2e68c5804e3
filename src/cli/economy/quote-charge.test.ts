/** What `teg quote` says of a running scheduler, and what its market then charges; a quote changes nothing. */
import { expect, test } from 'vitest';
import {
  gpuNode,
  gpuPodOf,
  labelledMarket,
  setEconomy,
  teamTenant,
} from '../../governor/pods/economy/economy.fixtures.ts';
import { digestOf } from '../../governor/pods/log/pod-effects-digest.ts';
import { group, TestCluster } from '../../governor/pods/scheduler.fixtures.ts';
import type { MarketResult } from '../../simulation/metrics/market-result.ts';
import { economyPage } from '../../simulation/pods/economy-page.ts';
import { waitingPage } from '../../simulation/pods/waiting-page.ts';
import { marketTenant, quotesFor } from './quote.ts';

const HOUR = 3600;

/** Two nodes of 8 GPUs, and two tenants that pay; nothing runs. */
function quietCluster(): TestCluster {
  const cluster = new TestCluster().nodes(gpuNode('n1', 'a'), gpuNode('n2', 'a'));
  setEconomy(cluster, 'enforce', { ...labelledMarket('a'), tokens: true }, [
    teamTenant('nlp', { a: 12 }),
    teamTenant('vision', { a: 4 }),
  ]);
  cluster.settle();
  return cluster;
}

function marketOf(cluster: TestCluster): MarketResult {
  const { market } = economyPage(cluster.scheduler.view());
  expect(market).toBeDefined();
  return market as MarketResult;
}

/** @returns Tokens for a job that runs so long, if nothing else starts. */
function quoted(cluster: TestCluster, pods: number, gpus: number, runtimeSeconds: number): number {
  const market = marketOf(cluster);
  const shape = { pods, each: { gpus, cpuCores: 1, memoryGib: 0 }, gpuModels: [], runtimeSeconds };
  const [quote] = quotesFor(market, shape, marketTenant(market, 'nlp', false), undefined);
  return quote?.expectedTokens ?? Number.NaN;
}

/** Runs a gang of these pods. @returns Tokens that its tenant was charged. */
function charged(cluster: TestCluster, pods: number, gpus: number, runtimeSeconds: number): number {
  const before = marketTenant(marketOf(cluster), 'nlp', false).charged;
  if (pods > 1) cluster.group(group('g', pods));
  const more = pods > 1 ? { group: 'core:default/g' } : {};
  const names = Array.from({ length: pods }, (_, i) => `g-${i}`);
  cluster.pods(...names.map((name) => gpuPodOf(name, 'nlp', gpus, {}, more)));
  expect(Object.keys(cluster.settle())).toHaveLength(pods);
  cluster.wait(runtimeSeconds);
  cluster.gone(...names);
  cluster.decide();
  return marketTenant(marketOf(cluster), 'nlp', false).charged - before;
}

test.each([
  [1, 1, HOUR / 2],
  [1, 1, 6 * HOUR],
  [1, 8, HOUR],
  [1, 8, 12 * HOUR],
  [4, 2, HOUR],
  [8, 1, HOUR / 4],
  [8, 1, 5.5 * HOUR],
  [3, 4, 24 * HOUR],
])('%i pods of %i GPUs for %i s are charged what was quoted, within 1 %%', (pods, gpus, seconds) => {
  const cluster = quietCluster();
  const quote = quoted(cluster, pods, gpus, seconds);
  const cost = charged(cluster, pods, gpus, seconds);
  expect(cost).toBeGreaterThan(0);
  expect(Math.abs(quote / cost - 1)).toBeLessThan(0.01);
  // What one hour at the first price would be does not do for long runs: the price follows the load.
  if (pods * gpus >= 8 && seconds > HOUR) {
    const flat = (quoted(quietCluster(), pods, gpus, 60) * seconds) / 60;
    expect(Math.abs(flat / cost - 1)).toBeGreaterThan(0.01);
  }
});

test('a quote, and the pages it is made from, change nothing of what follows', () => {
  const run = (asks: boolean): number => {
    const cluster = quietCluster();
    let digest = 0;
    for (let i = 0; i < 40; i++) {
      const name = `p${i}`;
      if (asks) {
        const { scheduler } = cluster;
        const before = JSON.stringify([economyPage(scheduler.view()), waitingPage(scheduler.view())]);
        quoted(cluster, 1 + (i % 5), 1 + (i % 3), 100 * i + 1);
        expect(JSON.stringify([economyPage(scheduler.view()), waitingPage(scheduler.view())])).toBe(before);
      }
      digest = digestOf(cluster.pods(gpuPodOf(name, i % 2 === 0 ? 'nlp' : 'vision', 1 + (i % 4))), digest);
      digest = digestOf(cluster.decide(), digest);
      cluster.wait(700);
      if (i >= 6) cluster.gone(`p${i - 6}`);
      digest = digestOf(cluster.decide(), digest);
    }
    const tokens = JSON.stringify(marketOf(cluster).tenants);
    return digest + [...tokens].reduce((sum, letter) => (31 * sum + letter.charCodeAt(0)) % 1e9, 7) * 2 ** 20;
  };
  expect(run(true)).toBe(run(false));
});
