/** What tenants had for their share, against sums over small steps of time and against shares by quanta. */
import { expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { MICROS_PER_HOUR } from '../amounts.ts';
import { TokenQuanta } from '../shares/token-quanta.ts';
import { UsageMemory } from './usage-memory.ts';

const HOUR = MICROS_PER_HOUR;
const STEP = HOUR / 10;

test('is what a plain sum over steps gives, lifted and not, in random lives', () => {
  let lifted = 0;
  for (let seed = 0; seed < 200; seed++) {
    const random = new Random(seed, 1);
    const rights = Float64Array.from({ length: 3 }, () => 1 + random.nextInt(4));
    const memoryHours = random.nextInt(2) === 0 ? Number.POSITIVE_INFINITY : 1 + random.nextInt(5);
    const memory = new UsageMemory(rights, memoryHours * HOUR, HOUR / 2);
    const plain = [0, 0, 0];
    const running = [0, 0, 0];
    for (let step = 0; step < 100; step++) {
      const tenant = random.nextInt(3);
      const units = random.nextInt(2) === 0 ? 1 + random.nextInt(5) : -(running[tenant] as number);
      memory.change(tenant, units, step * STEP);
      running[tenant] = (running[tenant] as number) + units;
      for (let each = 0; each < 3; each++)
        plain[each] = (plain[each] as number) + (running[each] as number) / (rights[each] as number) / 10;
      if (step % 7 !== 0) continue;
      memory.lift((step + 1) * STEP);
      const least = Math.max(...plain) - memoryHours;
      for (let each = 0; each < 3; each++) {
        if ((plain[each] as number) < least) lifted++;
        plain[each] = Math.max(plain[each] as number, least);
        const ahead = (running[each] as number) / (rights[each] as number) / 2;
        expect(memory.hadAt(each, (step + 1) * STEP)).toBeCloseTo((plain[each] as number) + ahead, 9);
      }
    }
  }
  expect(lifted).toBeGreaterThan(100);
});

test('a tenant without a right is last, whatever it had, and nobody is measured against it', () => {
  const memory = new UsageMemory(Float64Array.of(1, 0), 10 * HOUR, 0);
  memory.change(1, 5, 0);
  memory.lift(1_000 * HOUR);
  expect(memory.hadAt(1, 1_000 * HOUR)).toBe(Number.POSITIVE_INFINITY);
  expect([memory.hadAt(0, 1_000 * HOUR), memory.most]).toEqual([0, 0]);
});

test('slice by slice it shares quanta out as the token rule with that memory does, and without a bound as Karma does', () => {
  let lifted = 0;
  for (let seed = 0; seed < 100; seed++) {
    const random = new Random(seed, 2);
    const tenants = 2 + random.nextInt(6);
    const fairShare = 2 ** random.nextInt(4);
    const memory = random.nextInt(2) === 0 ? Number.POSITIVE_INFINITY : 1 + random.nextInt(3);
    const fairShares = new Array<number>(tenants).fill(fairShare);
    const rule = new TokenQuanta({ fairShares, capacity: tenants * fairShare, memory });
    const free = new TokenQuanta({ fairShares, capacity: tenants * fairShare });
    const usage = new UsageMemory(Float64Array.from(fairShares), memory * HOUR, HOUR);
    for (let quantum = 0; quantum < 30; quantum++) {
      const demands = fairShares.map(() => (random.nextInt(3) === 0 ? 0 : random.nextInt(4 * fairShare)));
      const expected = [...rule.quantum(demands)];
      if (`${expected}` !== `${[...free.quantum(demands)]}`) lifted++;
      const time = quantum * HOUR;
      usage.lift(time);
      const shares = fairShares.map(() => 0);
      for (let slice = 0; slice < tenants * fairShare; slice++) {
        let best = -1;
        for (let tenant = 0; tenant < tenants; tenant++) {
          if ((shares[tenant] as number) >= (demands[tenant] as number)) continue;
          if (best < 0 || usage.hadAt(tenant, time) < usage.hadAt(best, time)) best = tenant;
        }
        if (best < 0) break;
        shares[best] = (shares[best] as number) + 1;
        usage.change(best, 1, time);
      }
      expect(shares).toEqual(expected);
      for (let tenant = 0; tenant < tenants; tenant++)
        usage.change(tenant, -(shares[tenant] as number), time + HOUR);
    }
  }
  expect(lifted).toBeGreaterThan(50);
});
