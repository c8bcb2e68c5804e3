/** The market against a plain model of rents, and its ledger. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { MICROS_PER_HOUR } from '../amounts.ts';
import { Call, readBatch } from '../batch.ts';
import { type ChainedBatch, HashChain } from '../hash-chain.ts';
import { Ledger } from '../ledger.ts';
import { checkLedger } from '../ledger-check.ts';
import { statementOf } from '../statement.ts';
import { restoreLedger, verifyLedger } from '../verify-ledger.ts';
import type { TokenMarketOptions } from './market-options.ts';
import { PlainRents } from './token-market.oracle.ts';
import { TokenMarket } from './token-market.ts';

const HOUR = MICROS_PER_HOUR;
const DAY = 24 * HOUR;

/** A market of one flavour with 100 GPUs and equal tenants. */
function marketOf(tenants: number, options: Partial<TokenMarketOptions> = {}): TokenMarket {
  return new TokenMarket({
    flavors: [{ name: 'h100', capacityMilli: 100_000 }],
    tenants: Array.from({ length: tenants }, (_, i) => ({ name: `team-${i}`, quotaMilli: 0, weight: 1 })),
    ...options,
  });
}

/** Starts and ends at random, at a load of .3 to .9. Calls `after` after each. */
function randomLife(
  market: TokenMarket,
  rng: Random,
  events: number,
  after: (time: number, event: { started?: number; ended?: number }) => void,
): number {
  const running: number[] = [];
  let time = 0;
  for (let event = 0; event < events; event++) {
    time += rng.nextInt(HOUR / 4);
    const load = (market.loads[0] as number) / (market.capacities[0] as number);
    if (running.length > 0 && (load > 0.9 || (load > 0.3 && rng.nextInt(2) === 0))) {
      const at = rng.nextInt(running.length);
      const lease = running[at] as number;
      running.splice(at, 1);
      market.ended(lease, time);
      after(time, { ended: lease });
    } else {
      const tenant = rng.nextInt(market.tenantCount);
      const expected = rng.nextInt(2) === 0 ? Number.POSITIVE_INFINITY : 3 * (1 + rng.nextInt(HOUR));
      const lease = market.started(tenant, 0, 1 + rng.nextInt(8_000), time, expected);
      running.push(lease);
      after(time, { started: lease });
    }
  }
  for (const lease of running) {
    market.ended(lease, time);
    after(time, { ended: lease });
  }
  return time;
}

describe('a market with a random life', () => {
  test('charges what a plain model charges, and its balance is m/κ less decayed usage', () => {
    for (let seed = 0; seed < 8; seed++) {
      const market = marketOf(5, { halfLifeMicros: 7 * DAY, openingHours: 1e6 });
      const plain = new PlainRents(5, 7 * DAY);
      let tick = market.dueMicros;
      const end = randomLife(market, new Random(seed), 1_500, (time, { started, ended }) => {
        // Ticks that came before the event: the plain model has the loads of that time still.
        for (; tick <= time; tick += HOUR) {
          const rho = plain.milli / 100_000;
          plain.tick(Math.min(20, 1 / (1 - rho)) * 111_111, tick);
        }
        const { leases } = market;
        if (ended !== undefined) plain.end(ended, time);
        if (started === undefined) return;
        const milli = leases.millis[started] as number;
        const price = ((leases.rates[started] as number) * 1_000) / milli;
        plain.start(started, leases.tenants[started] as number, milli, price, time);
      });
      const last = end - (end % HOUR) + HOUR;
      market.advance(last);
      plain.tick(0, last);
      checkLedger(market.ledger);
      for (let tenant = 0; tenant < 5; tenant++) {
        const charged = plain.charged[tenant] as number;
        expect(charged).toBeGreaterThan(1e6);
        expect(Math.abs((market.book.charged[tenant] as number) / charged - 1)).toBeLessThan(1e-5);
        expect(market.book.owedAt(tenant, last)).toBe(0);
        expect(market.book.paid[tenant]).toBe(market.book.charged[tenant]);
        // Rent is charged for an hour at a time: .7 % of what is used in an hour at most.
        const usage = plain.usage[tenant] as number;
        expect(Math.abs(market.usageOf(tenant, last) / usage - 1)).toBeLessThan(0.005);
      }
    }
  });

  test('writes nothing between ticks, and one batch a tick beside its notes', () => {
    const batches: ChainedBatch[] = [];
    const chain = new HashChain();
    const onBatch = (batch: { number: number; bytes: Uint8Array<ArrayBuffer> }): void => {
      batches.push(chain.append(batch));
    };
    const ledger = new Ledger({ halfLifeMicros: 7 * DAY, onBatch });
    const market = marketOf(5, { ledger });
    const first = batches.length;
    randomLife(market, new Random(3), 2_000, () => {});
    const ticks = market.dueMicros / HOUR - 1;
    const notes = batches.filter(({ bytes }) => readBatch(bytes, '').call === Call.Note).length;
    const changes = batches.length - first - notes;
    expect(changes).toBeGreaterThan(ticks * 0.99);
    // The ledger forgets now and then.
    expect(changes).toBeLessThan(ticks * 1.02 + 1);
    expect(notes).toBeLessThan(ticks + 10);
    expect(verifyLedger(batches).fault).toBeUndefined();
    const statement = statementOf(batches, { account: 'team-2' });
    expect(statement.closing - statement.opening).toBe(
      statement.lines.reduce((sum, line) => sum + BigInt(line.change), 0n),
    );
    const quantity = statement.lines.reduce((sum, line) => sum + line.quantity, 0);
    expect(quantity).toBeGreaterThan(0);
  });

  test('does its calls again after a crash that lost the end of the log, and goes on as if nothing had been', () => {
    const lived = (crashAt: number): string => {
      const chain = new HashChain();
      const log: ChainedBatch[] = [];
      const onBatch = (batch: { number: number; bytes: Uint8Array<ArrayBuffer> }): void => {
        log.push(chain.append(batch));
      };
      const options = { callsKept: Number.POSITIVE_INFINITY, startMicros: 0 };
      let market = marketOf(4, { ...options, ledger: new Ledger({ halfLifeMicros: DAY, onBatch }) });
      const calls: ((again: TokenMarket) => number)[] = [];
      const rng = new Random(13);
      const running: number[] = [];
      for (let event = 0, time = 0; event < 600; event++) {
        time += rng.nextInt(HOUR);
        const [at, tenant, milli] = [time, rng.nextInt(4), 1 + rng.nextInt(4_000)];
        const ending = running.length > 20 ? running.shift() : undefined;
        // Slots of leases are given out in the same order each time.
        const call = (again: TokenMarket): number => {
          if (ending === undefined) return again.started(tenant, 0, milli, at);
          again.ended(ending, at);
          return ending;
        };
        calls.push(call);
        const lease = call(market);
        if (ending === undefined) running.push(lease);
        if (event !== crashAt) continue;
        log.length -= 3;
        chain.head = (log.at(-1) as ChainedBatch).hash;
        market = marketOf(4, { ...options, ledger: restoreLedger(log, { onBatch }) });
        for (const call of calls) call(market);
      }
      return Buffer.from(chain.head).toString('hex');
    };
    expect(lived(300)).toBe(lived(-1));
  });

  test('gives the same log for the same calls', () => {
    const log = (): string => {
      const chain = new HashChain();
      const ledger = new Ledger({ halfLifeMicros: DAY, onBatch: (batch) => void chain.append(batch) });
      randomLife(marketOf(4, { ledger }), new Random(5), 300, () => {});
      return Buffer.from(chain.head).toString('hex');
    };
    expect(log()).toBe(log());
  });
});

describe('affordability', () => {
  test('who starts only what it can afford, and ends it in time, never owes', () => {
    const market = marketOf(3, { halfLifeMicros: DAY, horizonMicros: 2 * HOUR });
    const rng = new Random(9);
    let [time, started, refused] = [0, 0, 0];
    let running: { lease: number; end: number }[] = [];
    for (let event = 0; event < 4_000; event++) {
      time += rng.nextInt(HOUR / 20);
      for (const { lease, end } of running) if (end <= time) market.ended(lease, time);
      running = running.filter(({ end }) => end > time);
      const tenant = rng.nextInt(3);
      const milli = 1 + rng.nextInt(20_000);
      // It ends before the tick after next, and the horizon covers that.
      const expected = 1 + rng.nextInt(HOUR);
      if ((market.loads[0] as number) + milli > 100_000) continue;
      if (!market.canAfford(tenant, market.costOf(0, milli), time)) {
        refused++;
        continue;
      }
      started++;
      running.push({ lease: market.started(tenant, 0, milli, time), end: time + expected });
      for (let each = 0; each < 3; each++) expect(market.book.owedAt(each, time)).toBe(0);
    }
    expect(started).toBeGreaterThan(300);
    expect(refused).toBeGreaterThan(300);
  });

  test('is reached when it says so', () => {
    const market = marketOf(4, { halfLifeMicros: DAY });
    market.ended(market.started(0, 0, 90_000, 0), 20 * HOUR);
    const cost = market.costOf(0, 90_000);
    const at = market.affordableAt(0, cost, 20 * HOUR);
    expect(at).toBeGreaterThan(25 * HOUR);
    expect(market.canAfford(0, cost, at - 2 * HOUR)).toBe(false);
    expect(market.canAfford(0, cost, at)).toBe(true);
    expect(market.affordableAt(0, 1e15, at)).toBe(Number.POSITIVE_INFINITY);
  });

  test('a start is charged before the next decision, and what is not used comes back', () => {
    const market = marketOf(2, { halfLifeMicros: DAY, openingHours: 10 });
    const before = market.balanceOf(0, 0);
    const lease = market.started(0, 0, 10_000, 0);
    const rate = market.leases.rates[lease] as number;
    expect(market.balanceOf(0, 0)).toBe(before - rate);
    market.ended(lease, 0);
    expect(market.balanceOf(0, 0)).toBe(before);
  });

  test('a job that runs longer than declared counts as it runs, before the tick', () => {
    const market = marketOf(2, { halfLifeMicros: DAY, openingHours: 10 });
    const lease = market.started(0, 0, 10_000, 0, HOUR / 3_600);
    const rate = market.leases.rates[lease] as number;
    const honest = market.balanceOf(1, HOUR / 2);
    expect((honest - market.balanceOf(0, HOUR / 2)) / rate).toBeCloseTo(0.5, 6);
    market.ended(lease, HOUR / 2);
    expect((honest - market.balanceOf(0, HOUR / 2)) / rate).toBeCloseTo(0.5, 6);
  });

  test('a tenant that mints nothing runs, owes, and is behind all others', () => {
    const market = new TokenMarket({
      flavors: [{ name: 'h100', capacityMilli: 8_000 }],
      tenants: [
        { name: 'guest', quotaMilli: 0, weight: 0 },
        { name: 'team', quotaMilli: 8_000, weight: 1 },
      ],
    });
    market.started(0, 0, 1_000, 0);
    market.advance(5 * HOUR);
    expect(market.canAfford(0, 0, 5 * HOUR)).toBe(false);
    expect(market.book.owedAt(0, 5 * HOUR)).toBeGreaterThan(0);
    expect(market.standingOf(0, 5 * HOUR)).toBe(Number.NEGATIVE_INFINITY);
    expect(market.levelShareOf(0, 5 * HOUR)).toBe(0);
    expect(market.mints).toEqual(Float64Array.of(0, 8e6));
  });
});

test('rounded rates leave nothing behind: after all have ended nothing is charged', () => {
  const market = marketOf(1, { halfLifeMicros: DAY });
  const rng = new Random(11);
  const leases = Array.from({ length: 200 }, () => market.started(0, 0, 1 + rng.nextInt(300), 0));
  market.advance(HOUR);
  for (const lease of leases) market.ended(lease, 1.5 * HOUR);
  const charged = market.chargedOf(0, 1.5 * HOUR);
  expect(charged).toBeGreaterThan(1e6);
  expect(market.chargedOf(0, 1.99 * HOUR)).toBe(charged);
  market.settle(2 * HOUR);
  expect(market.chargedOf(0, 1e4 * HOUR)).toBe(charged);
  expect(market.ledger.accounts.reserved[4]).toBe(0);
});

test('prices follow the load, and running jobs are quoted again once a period', () => {
  const market = marketOf(2, { halfLifeMicros: DAY });
  const idle = market.priceOf(0).value;
  const lease = market.started(0, 0, 10_000, 0);
  // p + p'·own at an idle flavour: a tenth more.
  expect((market.leases.rates[lease] as number) / 10 / idle).toBeCloseTo(1.1, 5);
  market.started(1, 0, 80_000, 0);
  const { value, slope } = market.priceOf(0);
  expect(value / idle).toBeCloseTo(10, 5);
  expect(slope).toBeGreaterThan(0);
  market.advance(HOUR);
  const first = market.book.charged[0] as number;
  expect(first / 10 / idle).toBeCloseTo(1.1, 5);
  market.advance(2 * HOUR);
  expect(((market.book.charged[0] as number) - first) / 10 / idle).toBeCloseTo(10, 4);
  market.setCapacity(0, 0);
  expect(market.priceOf(0).value).toBe(20 * idle);
});

test('a tax takes what there is, and nothing of what is reserved', () => {
  const market = marketOf(2, { halfLifeMicros: DAY, openingHours: 1 });
  market.started(0, 0, 10_000, 0);
  market.advance(HOUR);
  const free = market.book.availableAt(0, HOUR);
  expect(market.tax(0, 3_600_000, 1_000, HOUR)).toBe(1_000);
  expect(market.tax(0, 3_600_000_000, 1_000_000_000, HOUR)).toBe(Math.floor(free) - 1_000);
  expect(market.book.reservedOf(0)).toBeGreaterThan(0);
  checkLedger(market.ledger);
});
