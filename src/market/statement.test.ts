import { expect, test } from 'vitest';
import { Random } from '../kernel/random.ts';
import { costOf } from './amounts.ts';
import type { LedgerBatch } from './batch.ts';
import { RandomClient } from './ledger.fixtures.ts';
import { Ledger } from './ledger.ts';
import { statementOf } from './statement.ts';

const TENANTS = ['nlp', 'vision', 'speech'];

function randomLog(seed: number): { log: LedgerBatch[]; ledger: Ledger; times: number[] } {
  const rng = new Random(seed);
  const log: LedgerBatch[] = [];
  const ledger = new Ledger({ halfLifeMicros: 1e10, onBatch: (batch) => log.push(batch) });
  for (const name of TENANTS) ledger.open(name, 0);
  const client = new RandomClient(rng, TENANTS.length, 1e9);
  const times = [0];
  for (let call = 0; call < 300; call++) {
    const time = (times.at(-1) as number) + rng.nextInt(3e8);
    times.push(time);
    ledger.apply(client.chain(), time);
  }
  ledger.settle(times.at(-1) as number);
  return { log, ledger, times };
}

test('opening and lines make closing, to the micro-token, for every account and any stretch of time', () => {
  for (let seed = 0; seed < 5; seed++) {
    const { log, ledger, times } = randomLog(seed);
    const middle = times[150] as number;
    for (let account = 0; account < ledger.accounts.count; account++) {
      const { name, balance, reserved } = ledger.view(account);
      const whole = statementOf(log, { account: name });
      expect([whole.opening, whole.closing, whole.closingReserved]).toEqual([0n, balance, BigInt(reserved)]);
      const first = statementOf(log, { account: name, toMicros: middle });
      const second = statementOf(log, { account: name, fromMicros: middle });
      expect([second.opening, second.openingReserved]).toEqual([first.closing, first.closingReserved]);
      expect([...first.lines, ...second.lines]).toEqual(whole.lines);
      for (const { opening, openingReserved, lines, closing, closingReserved } of [whole, first, second]) {
        const sum = (field: 'change' | 'reservedChange'): bigint =>
          lines.reduce((total, line) => total + BigInt(line[field]), 0n);
        expect(opening + sum('change')).toBe(closing);
        expect(openingReserved + sum('reservedChange')).toBe(closingReserved);
        for (const { quantity, price, change } of lines) {
          if (price > 0) expect(-change).toBe(costOf(quantity, price));
        }
      }
    }
  }
});

test('pages follow each other: the closing of one is the opening of the next, and all lines are there once', () => {
  const { log } = randomLog(7);
  const whole = statementOf(log, { account: 'vision' });
  expect(whole.next).toBeUndefined();
  for (const linesMax of [1, 7, 50]) {
    const lines = [];
    let skip: number | undefined = 0;
    let [balance, reserved] = [0n, 0n];
    while (skip !== undefined) {
      const page = statementOf(log, { account: 'vision', skip, linesMax });
      expect([page.opening, page.openingReserved]).toEqual([balance, reserved]);
      expect(page.lines.length).toBeLessThanOrEqual(linesMax);
      const change = page.lines.reduce((sum, line) => sum + BigInt(line.change), 0n);
      expect(page.opening + change).toBe(page.closing);
      lines.push(...page.lines);
      [balance, reserved, skip] = [page.closing, page.closingReserved, page.next];
    }
    expect([lines, balance]).toEqual([whole.lines, whole.closing]);
  }
});

test('a name that is not there is refused, with the one that was meant', () => {
  const { log } = randomLog(9);
  expect(() => statementOf(log, { account: 'no' })).toThrow(
    "got the account 'no', expected one of the ledger: MINT",
  );
  expect(() => statementOf(log, { account: 'vison' })).toThrow("speech (did you mean 'vision'?)");
});
