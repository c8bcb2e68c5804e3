/** The ledger beside the plain one: the same answers and the same balances after every call. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { Random } from '../kernel/random.ts';
import type { ChainedBatch } from './hash-chain.ts';
import { HashChain } from './hash-chain.ts';
import { RandomClient } from './ledger.fixtures.ts';
import { PlainLedger } from './ledger.oracle.ts';
import { Ledger } from './ledger.ts';
import { checkLedger } from './ledger-check.ts';
import { faultText, verifyLedger } from './verify-ledger.ts';

const TENANTS = 3;

/** One run of both, from a seed. @returns The log. */
function runBoth(seed: number, calls: number, halfLifeMicros: number, amountMax: number): ChainedBatch[] {
  const rng = new Random(seed);
  const chain = new HashChain();
  const log: ChainedBatch[] = [];
  const ledger = new Ledger({ halfLifeMicros, onBatch: (batch) => log.push(chain.append(batch)) });
  const plain = new PlainLedger(halfLifeMicros);
  const client = new RandomClient(rng, TENANTS, amountMax);
  for (let tenant = 0; tenant < TENANTS; tenant++) {
    ledger.open(`tenant-${tenant}`, 0);
    plain.open(0);
  }
  let time = 0;
  for (let call = 0; call < calls; call++) {
    if (rng.nextInt(2) === 0) time += Math.floor(2 ** (40 * rng.nextFloat()));
    const kind = rng.nextInt(12);
    if (kind === 0) {
      ledger.settle(time);
      plain.settle(time);
    } else if (kind === 1) {
      const position = client.position - rng.nextInt(60);
      if (position >= 0) {
        ledger.forget(position, time);
        plain.forget(position, time);
      }
      if (client.position <= position) client.position = position + 1;
    } else if (kind === 2) {
      ledger.expire(time);
      plain.expire(time);
    } else {
      const transfers = Array.from({ length: 1 + rng.nextInt(3) }, () => client.chain()).flat();
      expect([...ledger.apply(transfers, time)]).toEqual(plain.apply(transfers, time));
    }
    const mine = Array.from({ length: TENANTS + 4 }, (_, account) => ledger.view(account));
    expect(mine.map(({ balance, reserved }) => [balance, BigInt(reserved)])).toEqual(plain.balances());
    checkLedger(ledger);
  }
  return log;
}

test('a reserve that comes back after 182 half-lives has evaporated whole', () => {
  // Found by a random draw: the oracle kept 2^-182 of it, which is a micro-token as long as its evaporation is rounded down.
  expect(runBoth(937_498, 60, 1e6, 1e9).length).toBeGreaterThan(10);
});

test('every answer and every balance is that of the plain ledger', () => {
  const run = fc.tuple(fc.nat(1e6), fc.constantFrom(1e6, 3.6e9, 6.048e11), fc.constantFrom(1, 1e3, 1e9));
  checkProperty(
    fc.property(run, ([seed, halfLife, amountMax]) => {
      const log = runBoth(seed, 60, halfLife, amountMax);
      const { fault } = verifyLedger(log);
      expect(fault && faultText(fault)).toBeUndefined();
    }),
    { numRuns: 60 },
  );
});
