/** Rents by job: out of the notes of a market's log, and against each lease on its own. */
import { expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { MICROS_PER_HOUR } from '../amounts.ts';
import { type LedgerBatch, readBatch } from '../batch.ts';
import { type ChainedBatch, HashChain } from '../hash-chain.ts';
import { type JobCharge, JobCharges } from '../job-charges.ts';
import { Ledger } from '../ledger.ts';
import { statementOf } from '../statement.ts';
import { Code, TransferAction } from '../transfer.ts';
import { verifyLedger } from '../verify-ledger.ts';
import { RentAudit } from './rent-audit.ts';
import { TokenMarket } from './token-market.ts';

const HOUR = MICROS_PER_HOUR;

interface History {
  readonly log: ChainedBatch[];
  readonly market: TokenMarket;
  /** By job: unit-microseconds that it ran, by milli-unit. */
  readonly used: Map<number, bigint>;
  readonly names: readonly string[];
}

/** A market of two flavors with leases of random jobs; some tenants cannot pay all of it. */
function randomHistory(seed: number, starts = 300): History {
  const rng = new Random(seed);
  const log: ChainedBatch[] = [];
  const chain = new HashChain();
  const ledger = new Ledger({
    halfLifeMicros: 24 * HOUR,
    onBatch: (batch: LedgerBatch) => log.push(chain.append(batch)),
  });
  const names = ['poor', 'rich', 'none'];
  const market = new TokenMarket({
    flavors: [
      { name: 'h100', capacityMilli: 64_000 },
      { name: 'a100', capacityMilli: 32_000, tokensPerUnitHour: 0.5 },
    ],
    tenants: names.map((name, at) => ({ name, quotaMilli: 0, weight: [1, 30, 0][at] as number })),
    ledger,
  });
  const used = new Map<number, bigint>();
  const running: { lease: number; job: number; milli: number; start: number }[] = [];
  const end = (at: number, time: number): void => {
    const [gone] = running.splice(at, 1);
    if (gone === undefined) return;
    market.ended(gone.lease, time);
    used.set(gone.job, (used.get(gone.job) ?? 0n) + BigInt(gone.milli) * BigInt(time - gone.start));
  };
  let time = 0;
  for (let step = 0; step < starts; step++) {
    // Often at one instant, and sometimes just at a tick.
    time += rng.nextInt(3) === 0 ? 0 : rng.nextInt(HOUR);
    if (rng.nextInt(5) === 0) time += HOUR - (time % HOUR);
    const job = step % 3 === 2 ? step - 1 : step;
    const milli = 1 + rng.nextInt(8_000);
    const name = running.some((each) => each.job === job) ? undefined : `job-${job}`;
    const lease = market.started(rng.nextInt(3), rng.nextInt(2), milli, time, 2 * HOUR, {
      number: job,
      name,
    });
    running.push({ lease, job, milli, start: time });
    while (running.length > 12 || (running.length > 0 && rng.nextInt(3) === 0))
      end(rng.nextInt(running.length), time);
  }
  while (running.length > 0) {
    time += rng.nextInt(HOUR);
    end(0, time);
  }
  market.settle(time);
  return { log, market, used, names };
}

function chargesOf(log: readonly LedgerBatch[]): JobCharge[] {
  const charges = new JobCharges();
  return log.flatMap(({ number, bytes }) => [...charges.read(readBatch(bytes, `batch ${number}`))]);
}

test('parts of rents are what each lease used at its price, and add up to the rents exactly', () => {
  for (let seed = 0; seed < 10; seed++) {
    const { log, market, used } = randomHistory(seed);
    const rents = chargesOf(log).filter(
      ({ movement, flavor }) => movement.record.code === Code.Rent && flavor,
    );
    const byJob = new Map<number, bigint>();
    const byTransfer = new Map<object, number>();
    for (const { movement, job, jobName, flavor, quantity, price, moved, fromMicros, toMicros } of rents) {
      expect(jobName).toBe(`job-${job}`);
      expect(['h100', 'a100']).toContain(flavor?.name);
      expect(price).toBeGreaterThanOrEqual(flavor?.base as number);
      expect(fromMicros).toBeLessThan(toMicros);
      expect(toMicros).toBeLessThanOrEqual(movement.record.timeMicros);
      expect(moved).toBeLessThanOrEqual((quantity * price) / 3.6e6 + price / 3.6e6 + 2);
      byJob.set(job, (byJob.get(job) ?? 0n) + BigInt(quantity));
      byTransfer.set(movement, (byTransfer.get(movement) ?? 0) + moved);
    }
    for (const [movement, moved] of byTransfer) expect(moved).toBe((movement as JobCharge['movement']).moved);
    // Every job has its quantity, to a unit-millisecond for each of its lines.
    for (const [job, use] of used) {
      const lines = rents.filter((each) => each.job === job).length;
      const exact = Number(use) / 1e6;
      // The tenant without mint is not charged where it has nothing, and its usage is on lines all the same.
      expect(Math.abs(Number(byJob.get(job) ?? 0n) - exact), `job ${job}`).toBeLessThanOrEqual(lines + 1);
    }
    const paid = rents.reduce((sum, { moved }) => sum + moved, 0);
    expect(paid).toBe([0, 1, 2].reduce((sum, tenant) => sum + (market.book.paid[tenant] as number), 0));
  }
});

test('a statement by job adds up as the one by period does, to the same closing', () => {
  for (let seed = 20; seed < 25; seed++) {
    const { log, names } = randomHistory(seed);
    for (const account of [...names, 'BURN']) {
      const plain = statementOf(log, { account });
      const byJob = statementOf(log, { account, byJob: true });
      expect([byJob.closing, byJob.closingReserved]).toEqual([plain.closing, plain.closingReserved]);
      const sum = byJob.lines.reduce((total, { change }) => total + BigInt(change), 0n);
      expect(sum).toBe(byJob.closing);
      const reserved = byJob.lines.reduce((total, { reservedChange }) => total + BigInt(reservedChange), 0n);
      expect(reserved).toBe(byJob.closingReserved);
      const rentOf = (lines: typeof plain.lines): number =>
        lines.reduce((total, { code, change }) => total + (code === Code.Rent ? change : 0), 0);
      expect(rentOf(byJob.lines)).toBe(rentOf(plain.lines));
    }
    const poor = statementOf(log, { account: 'poor', byJob: true, linesMax: 40, skip: 20 });
    expect(poor.lines.length).toBe(40);
    expect(poor.next).toBe(60);
  }
});

test('rents are recomputed from the notes', () => {
  for (let seed = 40; seed < 50; seed++) {
    const { log } = randomHistory(seed);
    expect(verifyLedger(log, { audit: new RentAudit() }).fault).toBeUndefined();
  }
});

test('negative control: a log that was written and chained again with another use is right to the ledger, not to the audit', () => {
  const { log } = randomHistory(3);
  const chain = new HashChain();
  let isChanged = false;
  const forged = log.map(({ number, bytes }) => {
    const parts = readBatch(bytes, '');
    const start = [...Array(parts.count).keys()].find(
      (at) => parts.records.action(at) === TransferAction.NoteStart,
    );
    if (isChanged || start === undefined) return chain.append({ number, bytes });
    const copy = bytes.slice();
    const { records } = readBatch(copy, '');
    // Its rate.
    records.doubles[12 * start + 5] = records.amount(start) + 1e6;
    isChanged = true;
    return chain.append({ number, bytes: copy });
  });
  expect(isChanged).toBe(true);
  expect(verifyLedger(forged).fault).toBeUndefined();
  const { fault } = verifyLedger(forged, { audit: new RentAudit() });
  expect(fault?.what).toMatch(/^the rent of '/);
  expect(Number(fault?.expected)).toBeGreaterThan(Number(fault?.found));
});

test('a market that is done again notes nothing twice', () => {
  const { log } = randomHistory(5, 60);
  const again = randomHistory(5, 60);
  expect(again.log).toEqual(log);
});
