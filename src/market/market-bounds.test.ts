/** Bounds of the token economy: T-26, T-27 and T-29 of the theory, and who mints how much. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { Random } from '../kernel/random.ts';
import { MICROS_PER_HOUR } from './amounts.ts';
import { burn, grant, mintAt, release } from './charges.ts';
import { at, transfer } from './ledger.fixtures.ts';
import { Ledger } from './ledger.ts';
import { mintRates } from './mint-rates.ts';
import { affordableAfter } from './prices/half-life.ts';
import { Answer, BURN, type Transfer, TransferAction, type TransferId } from './transfer.ts';

const HALF_LIFE = 24 * MICROS_PER_HOUR;
const RATE = 8_000_000;

/** A ledger with one tenant, number 4, that mints RATE from time 0, by default. */
function mintingLedger(rate = RATE): Ledger {
  const ledger = new Ledger({ halfLifeMicros: HALF_LIFE });
  ledger.open('nlp', 0);
  ledger.apply([mintAt(at(0), 4, rate)], 0);
  return ledger;
}

describe('T-26: a tenant that saves, spends and parks as it likes', () => {
  /** Commitments: tokens that left what is available, and did not come back. */
  interface Commitment {
    readonly timeMicros: number;
    amount: number;
  }

  function randomSpending(seed: number): { commitments: Commitment[]; peak: number } {
    const rng = new Random(seed);
    const ledger = mintingLedger();
    const parked: { id: TransferId; commitment: Commitment }[] = [];
    const commitments: Commitment[] = [];
    let peak = 0;
    let time = 0;
    for (let position = 1; position < 400; position++) {
      time += Math.floor(2 ** (10 + 28 * rng.nextFloat()));
      ledger.settle(time);
      const free = ledger.accounts.available(4);
      peak = Math.max(peak, free);
      const id = at(position);
      const amount = rng.nextInt(3) === 0 ? free : Math.floor(free * rng.nextFloat());
      const held = rng.nextInt(2) === 0 ? parked.shift() : undefined;
      let next: Transfer;
      if (held === undefined) {
        const isParked = rng.nextInt(2) === 0;
        next = transfer({
          id,
          action: isParked ? TransferAction.Pend : TransferAction.Post,
          debit: 4,
          credit: BURN,
          amount,
        });
        const commitment = { timeMicros: time, amount };
        commitments.push(commitment);
        if (isParked) parked.push({ id, commitment });
      } else if (rng.nextInt(2) === 0) {
        next = release(id, held.id);
        held.commitment.amount = 0;
      } else {
        const posted = Math.floor(held.commitment.amount * rng.nextFloat());
        next = transfer({ id, action: TransferAction.PostPending, pending: held.id, amount: posted });
        held.commitment.amount = posted;
      }
      expect([...ledger.apply([next], time)]).toEqual([Answer.Done]);
      peak = Math.max(peak, ledger.accounts.available(4));
    }
    return { commitments, peak };
  }

  test('never has more than m/κ, and never commits more than m/κ + m·W in a window W', () => {
    const ceiling = mintingLedger().ceilingOf(RATE);
    let fullest = 0;
    for (let seed = 0; seed < 40; seed++) {
      const { commitments, peak } = randomSpending(seed);
      expect(peak).toBeLessThanOrEqual(ceiling);
      // Over all windows at once: the largest rise of (spent − m·t).
      let spent = 0;
      let lowest = 0;
      for (const { timeMicros, amount } of commitments) {
        const income = (RATE * timeMicros) / MICROS_PER_HOUR;
        lowest = Math.min(lowest, spent - income);
        spent += amount;
        fullest = Math.max(fullest, (spent - income - lowest) / ceiling);
      }
    }
    expect(fullest).toBeLessThanOrEqual(1);
    // The bound is not idle: some run comes near it.
    expect(fullest).toBeGreaterThan(0.5);
  });
});

test('T-27: a balance is m/κ less decayed usage, whatever the tenant spends', () => {
  const rng = new Random(2);
  // 10,000 units: a micro-token is 10^-12 of m/κ.
  const rate = 1e10;
  const ledger = mintingLedger(rate);
  const ceiling = (rate * HALF_LIFE) / MICROS_PER_HOUR / Math.LN2;
  ledger.apply([grant(at(1), 4, Math.floor(ceiling))], 0);
  let usage = 0;
  let time = 0;
  for (let position = 2; position < 5_000; position++) {
    const step = rng.nextInt(2 ** 31);
    time += step;
    usage *= 2 ** (-step / HALF_LIFE);
    const amount = Math.floor(rng.nextDouble() * rate);
    const answers = ledger.apply([burn(at(position), 4, amount)], time);
    if (answers[0] === Answer.Done) usage += amount;
    expect(Math.abs(ledger.accounts.available(4) - (ceiling - usage)) / ceiling).toBeLessThan(1e-9);
  }
  expect(usage).toBeGreaterThan(ceiling / 10);
});

describe('T-29: a gang that costs more than m/κ', () => {
  const ceiling = mintingLedger().ceilingOf(RATE);
  const price = 2 * ceiling;

  test('never starts out of a balance', () => {
    const ledger = mintingLedger();
    ledger.settle(1_000 * HALF_LIFE);
    expect(ledger.accounts.available(4)).toBeLessThan(price);
    expect(affordableAfter(0, price, ceiling, HALF_LIFE)).toBe(Number.POSITIVE_INFINITY);
  });

  test('starts after about P/m if it saves in a reserve', () => {
    const ledger = mintingLedger();
    const tick = HALF_LIFE / 1_000;
    const parts: TransferId[] = [];
    let time = 0;
    for (let position = 1; (ledger.accounts.reserved[4] as number) < price; position++) {
      time += tick;
      const save = {
        action: TransferAction.Pend,
        debit: 4,
        credit: BURN,
        amount: RATE * 24,
        balancing: true,
      } as const;
      ledger.apply([transfer({ id: at(position), ...save })], time);
      parts.push(at(position));
    }
    const expected = (price / RATE) * MICROS_PER_HOUR;
    expect(time / expected).toBeGreaterThan(1);
    expect(time / expected).toBeLessThan(1.001);
    const held = parts.map((id) => ledger.transfers.find(id.position, id.kind, id.subject));
    const start = held.map((slot, index): Transfer => {
      const amount = ledger.transfers.records.moved(slot);
      return transfer({
        ...{ id: at(1e6, 2, index), action: TransferAction.PostPending, amount },
        ...{
          pending: parts[index] as TransferId,
          linked: index + 1 < held.length && (index + 1) % 1_000 > 0,
        },
      });
    });
    expect(new Set(ledger.apply(start, time))).toEqual(new Set([Answer.Done]));
    expect(ledger.view(BURN).balance).toBeGreaterThanOrEqual(BigInt(price));
  });
});

describe('mintRates', () => {
  const share = fc.record({ quota: fc.nat(1e9), weight: fc.double({ min: 0, max: 100, noNaN: true }) });

  test('a whole capacity is minted, each quota is covered, and surplus goes by weight', () => {
    checkProperty(
      fc.property(fc.array(share, { minLength: 1, maxLength: 20 }), fc.nat(1e12), (shares, capacity) => {
        const rates = mintRates(shares, capacity);
        const quotas = shares.reduce((sum, { quota }) => sum + quota, 0);
        const weights = shares.reduce((sum, { weight }) => sum + weight, 0);
        const total = rates.reduce((sum, rate) => sum + rate, 0);
        expect(total).toBe(weights > 0 ? Math.max(quotas, capacity) : quotas);
        const surplus = total - quotas;
        rates.forEach((rate, tenant) => {
          const { quota, weight } = shares[tenant] as (typeof shares)[number];
          expect(Math.abs(rate - quota - (weights > 0 ? (surplus * weight) / weights : 0))).toBeLessThan(
            1.01,
          );
        });
      }),
    );
  });

  test('what is left over by rounding goes to the largest remainders', () => {
    const shares = [1, 2, 0].map((weight) => ({ quota: 0, weight }));
    expect(mintRates(shares, 10)).toEqual([3, 7, 0]);
  });

  test('a tenant that splits itself gains nothing but roundings of a micro-token an hour', () => {
    const whole = { quota: 16_000_000, weight: 3 };
    const other = { quota: 5_000_000, weight: 2 };
    const [before] = mintRates([whole, other], 100_000_001);
    const parts = Array.from({ length: 3 }, () => ({
      quota: 16_000_000 / 3 - (16_000_000 % 3) / 3,
      weight: 1,
    }));
    const split = mintRates([...parts, other], 100_000_001);
    const gained = split.slice(0, 3).reduce((sum, rate) => sum + rate, 0) - (before as number);
    expect(Math.abs(gained)).toBeLessThanOrEqual(3);
  });

  test('a weight that is not a number and a quota that is not an integer are refused', () => {
    for (const wrong of [
      { quota: 1, weight: -1 },
      { quota: 0.5, weight: 1 },
      { quota: 1, weight: Number.NaN },
    ]) {
      expect(() => mintRates([wrong], 10)).toThrow(
        'expected an integer ≥ 0 of micro-units and a finite weight',
      );
    }
  });
});
