/** Measures the market over a ledger in memory: starts and ends a second while many jobs run, and what a tick costs a tenant. */
import { Random } from '../../src/kernel/random.ts';
import { MICROS_PER_HOUR } from '../../src/market/amounts.ts';
import { TokenMarket } from '../../src/market/token-market/token-market.ts';

const TENANTS = 50;
const TICKS = 200;
const MILLI_PER_GPU = 1_000;

/** How fast the market is. */
export interface MarketSpeed {
  /** Jobs that run all the time. */
  readonly running: number;
  /** Pairs of an end and a start a second, ticks not counted. */
  readonly restartsPerSecond: number;
  /** Microseconds of a tick for one tenant: rent, quotes and escrow. */
  readonly tickMicrosPerTenant: number;
}

/** @param running Jobs of a GPU. @param restarts Ends and starts of random jobs. */
export function measureMarket(running: number, restarts: number): MarketSpeed {
  const tenants = Array.from({ length: TENANTS }, (_, i) => ({
    name: `team-${i}`,
    quotaMilli: 0,
    weight: 1,
  }));
  const flavors = [{ name: 'gpu', capacityMilli: 1.25 * MILLI_PER_GPU * running }];
  const market = new TokenMarket({ flavors, tenants });
  const random = new Random(1);
  const step = Math.floor(MICROS_PER_HOUR / (4 * (running + restarts)));
  let time = 0;
  const start = (): number => {
    time += step;
    return market.started(random.nextInt(TENANTS), 0, MILLI_PER_GPU, time);
  };
  const leases = Int32Array.from({ length: running }, start);
  const began = performance.now();
  for (let restart = 0; restart < restarts; restart++) {
    const at = random.nextInt(running);
    market.ended(leases[at] as number, time);
    leases[at] = start();
  }
  const restarted = performance.now();
  market.advance(TICKS * MICROS_PER_HOUR);
  const ticked = performance.now();
  return {
    running,
    restartsPerSecond: (1e3 * restarts) / (restarted - began),
    tickMicrosPerTenant: (1e3 * (ticked - restarted)) / (TICKS * TENANTS),
  };
}
