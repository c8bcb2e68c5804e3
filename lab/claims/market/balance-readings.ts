/** What a market says that its tenants have between two payments of rent, against what its ledger settles to then. */
import type { Random } from '../../../src/kernel/random.ts';
import { MICROS_PER_HOUR } from '../../../src/market/amounts.ts';
import { SlotCluster } from './slot-cluster.ts';

const HOUR = MICROS_PER_HOUR;
const GPUS = 50;
const TENANTS = 4;
const READINGS = 1_000;

/**
 * A cluster with more work than fits, whose market is read at random times.
 *
 * @param halfLife µs. @param kept Part of a balance that a reading leaves; less than 1 for a control.
 * @returns Largest |read − settled| over m/κ.
 */
export function readingError(random: Random, halfLife: number, kept = 1): number {
  const options = { halfLifeMicros: halfLife, rentPeriodMicros: HOUR };
  const tenants = Array.from({ length: TENANTS }, (_, i) => ({
    name: `team-${i}`,
    quotaMilli: 0,
    weight: 1,
  }));
  const cluster = new SlotCluster(GPUS, { tenants, ...options });
  const { market } = cluster;
  const { ledger, book } = market;
  let time = 0;
  let worst = 0;
  for (let reading = 0; reading < READINGS; reading++) {
    const runMicros = 1 + Math.floor(4 * HOUR * random.nextFloat());
    cluster.submit(random.nextInt(TENANTS), { gpus: 1 + random.nextInt(GPUS), runMicros }, time);
    time += 1 + Math.floor(HOUR * random.nextFloat());
    cluster.runTo(time);
    const tenant = random.nextInt(TENANTS);
    const account = book.accounts[tenant] as number;
    const read = kept * book.availableAt(tenant, time);
    ledger.settle(time, account);
    const settled = ledger.accounts.available(account);
    worst = Math.max(worst, Math.abs(read - settled) / (book.ceilings[tenant] as number));
  }
  return worst;
}
