import { describe, expect, test } from 'vitest';
import { Random } from '../kernel/random.ts';
import { TegError } from '../model/errors.ts';
import { AMOUNT_MAX, MICROS_PER_HOUR } from './amounts.ts';
import { escrow, grant, mintAt, release, rent, rentTick, tax } from './charges.ts';
import { at, transfer } from './ledger.fixtures.ts';
import { Ledger } from './ledger.ts';
import { checkLedger, supplyOf } from './ledger-check.ts';
import { Answer, BURN, EVAPORATED, MINT, TAX, type Transfer, TransferAction } from './transfer.ts';

/** Long enough that nothing evaporates in a test that is not about it. */
const AGES = 250 * 365 * 24 * MICROS_PER_HOUR;
const HOUR_MS = 3_600_000;

/** A ledger with tenants 4 and 5; the first has 1,000 micro-tokens. */
function ledgerWithTokens(options: { transfersMax?: number } = {}): { ledger: Ledger; a: number; b: number } {
  const ledger = new Ledger({ halfLifeMicros: AGES, ...options });
  const a = ledger.open('a', 0);
  const b = ledger.open('b', 0);
  ledger.apply([grant(at(0), a, 1_000)], 0);
  return { ledger, a, b };
}

function available(ledger: Ledger, account: number): number {
  return ledger.accounts.available(account);
}

function refusal(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error instanceof TegError ? error.code : error;
  }
  return 'accepted';
}

describe('pending transfers', () => {
  test('the limit is checked when a transfer becomes pending, not when it is posted', () => {
    const { ledger, a } = ledgerWithTokens();
    const pend = (position: number, amount: number): Transfer =>
      transfer({ id: at(position), action: TransferAction.Pend, debit: a, credit: BURN, amount });
    expect([...ledger.apply([pend(1, 600), pend(2, 500), pend(3, 400)], 0)]).toEqual([
      Answer.Done,
      Answer.NotEnough,
      Answer.Done,
    ]);
    expect(ledger.view(a)).toMatchObject({ balance: 1_000n, reserved: 1_000, available: 0n });
    expect([...ledger.apply([transfer({ id: at(4), debit: a, credit: BURN, amount: 1 })], 0)]).toEqual([
      Answer.NotEnough,
    ]);
  });

  test('a part is posted and the rest comes back; it is resolved once', () => {
    const { ledger, a } = ledgerWithTokens();
    ledger.apply(
      [transfer({ id: at(1), action: TransferAction.Pend, debit: a, credit: BURN, amount: 600 })],
      0,
    );
    const post = (position: number, amount: number): Transfer =>
      transfer({ id: at(position), action: TransferAction.PostPending, pending: at(1), amount });
    expect([...ledger.apply([post(2, 601), post(3, 250), post(4, 1), release(at(5), at(1))], 0)]).toEqual([
      Answer.ExceedsPending,
      Answer.Done,
      Answer.AlreadyPosted,
      Answer.AlreadyPosted,
    ]);
    expect(ledger.view(a)).toMatchObject({ balance: 750n, reserved: 0, available: 750n });
    expect(ledger.view(BURN).balance).toBe(250n);
    expect([...ledger.apply([release(at(6), at(99)), release(at(7), at(2))], 0)]).toEqual([
      Answer.PendingUnknown,
      Answer.PendingUnknown,
    ]);
  });

  test('what expires comes back at its time, also between two calls, and cannot be posted', () => {
    const { ledger, a } = ledgerWithTokens();
    const pend = { action: TransferAction.Pend, debit: a, credit: BURN, amount: 300 } as const;
    ledger.apply([transfer({ id: at(1), ...pend, timeoutMicros: 50 })], 10);
    ledger.apply([transfer({ id: at(2), ...pend, timeoutMicros: 20 })], 15);
    ledger.apply([release(at(3), at(2))], 16);
    expect(ledger.dueMicros).toBe(60);
    ledger.expire(59);
    expect(available(ledger, a)).toBe(700);
    expect([...ledger.apply([rent(at(4), at(1), { tenant: a, job: 1, quantity: 0, price: 0 })], 60)]).toEqual(
      [Answer.AlreadyExpired],
    );
    expect(available(ledger, a)).toBe(1_000);
    expect(ledger.dueMicros).toBe(Number.POSITIVE_INFINITY);
  });

  test('an expiry is of its own transfer, not of one that has its place now', () => {
    const { ledger, a } = ledgerWithTokens();
    const pend = (position: number, timeoutMicros: number): Transfer => {
      const what = {
        action: TransferAction.Pend,
        debit: a,
        credit: BURN,
        amount: 100,
        timeoutMicros,
      } as const;
      return transfer({ id: at(position), ...what });
    };
    // The first is resolved long before it would expire, behind one that expires earlier.
    ledger.apply([pend(1, 100), pend(2, 50), release(at(3), at(1))], 0);
    ledger.forget(3, 0);
    ledger.apply([pend(4, 1_000), pend(5, 1_000), pend(6, 1_000)], 10);
    ledger.expire(500);
    expect(ledger.view(a).reserved).toBe(300);
    expect(ledger.dueMicros).toBe(1_010);
    ledger.expire(1_010);
    expect(available(ledger, a)).toBe(1_000);
  });

  test('a reserve is bounded, and a balance also when what is pending is posted', () => {
    const { ledger, a } = ledgerWithTokens();
    const pend = { action: TransferAction.Pend, debit: MINT, credit: a } as const;
    const { Done, Overflow } = Answer;
    const pending = [
      transfer({ id: at(1), ...pend, amount: AMOUNT_MAX }),
      transfer({ id: at(2), ...pend, amount: 1 }),
    ];
    expect([...ledger.apply(pending, 0)]).toEqual([Done, Overflow]);
    const post = (position: number, amount: number): Transfer =>
      transfer({ id: at(position), action: TransferAction.PostPending, pending: at(1), amount });
    expect([...ledger.apply([post(3, AMOUNT_MAX), post(4, AMOUNT_MAX - 1_000)], 0)]).toEqual([
      Overflow,
      Done,
    ]);
    expect(available(ledger, a)).toBe(AMOUNT_MAX);
  });

  test('many that are resolved before they expire leave nothing behind', () => {
    const { ledger, a } = ledgerWithTokens();
    for (let position = 1; position < 20_000; position += 2) {
      const pend = {
        action: TransferAction.Pend,
        debit: a,
        credit: BURN,
        amount: 1,
        timeoutMicros: 1e15,
      } as const;
      ledger.apply(
        [transfer({ id: at(position), ...pend }), release(at(position + 1), at(position))],
        position,
      );
      if (position % 100 === 1) ledger.forget(position, position);
    }
    expect(ledger.transfers.slots).toBeLessThan(300);
    expect(ledger.dueMicros).toBe(Number.POSITIVE_INFINITY);
    checkLedger(ledger);
  });
});

describe('ids', () => {
  test('a replayed id is answered as before and changes nothing, in whatever state the account is', () => {
    const { ledger, a } = ledgerWithTokens();
    const pay = transfer({ id: at(1), debit: a, credit: BURN, amount: 900 });
    const more = transfer({ id: at(2), debit: a, credit: BURN, amount: 900 });
    expect([...ledger.apply([pay, more], 5)]).toEqual([Answer.Done, Answer.NotEnough]);
    ledger.apply([grant(at(3), a, 5_000)], 6);
    const before = ledger.view(a);
    const batches = ledger.batchNumber;
    expect([...ledger.apply([pay, more], 0)]).toEqual([Answer.Done, Answer.NotEnough]);
    expect(ledger.view(a)).toEqual(before);
    expect(ledger.batchNumber).toBe(batches);
  });

  test('an id of another transfer is refused, whatever differs', () => {
    const { ledger, a, b } = ledgerWithTokens();
    const pay = transfer({ id: at(1), debit: a, credit: b, amount: 9, job: 3, code: 10 });
    ledger.apply([pay], 0);
    const others = [{ amount: 8 }, { credit: BURN }, { job: 4 }, { code: 9 }, { balancing: true }];
    for (const other of others) {
      expect([...ledger.apply([{ ...pay, ...other }], 0)]).toEqual([Answer.IdReused]);
    }
    expect(available(ledger, b)).toBe(9);
  });

  test('an unknown id of a past position is refused: a replay that differs, or one that comes too late', () => {
    const { ledger, a } = ledgerWithTokens();
    ledger.apply([grant(at(10), a, 1)], 0);
    expect([...ledger.apply([grant(at(9), a, 1)], 0)]).toEqual([Answer.Stale]);
    ledger.forget(10, 0);
    expect([...ledger.apply([grant(at(10), a, 1), grant(at(11), a, 1)], 0)]).toEqual([
      Answer.Stale,
      Answer.Done,
    ]);
    expect(available(ledger, a)).toBe(1_002);
  });

  test('pending transfers outlive that their ids are forgotten', () => {
    const { ledger, a } = ledgerWithTokens();
    const pend = { action: TransferAction.Pend, debit: a, credit: BURN, amount: 300 } as const;
    ledger.apply([transfer({ id: at(1), ...pend }), transfer({ id: at(2), ...pend })], 0);
    ledger.forget(5, 0);
    expect(ledger.transfers.size).toBe(2);
    expect([...ledger.apply([release(at(6), at(1))], 0)]).toEqual([Answer.Done]);
    expect(ledger.transfers.size).toBe(2);
    expect(available(ledger, a)).toBe(700);
  });
});

describe('chains', () => {
  test('are carried out whole or not at all, and each transfer says why', () => {
    const { ledger, a, b } = ledgerWithTokens();
    ledger.apply(
      [transfer({ id: at(1), action: TransferAction.Pend, debit: a, credit: BURN, amount: 500 })],
      0,
    );
    const before = [ledger.view(a), ledger.view(b), ledger.view(BURN)];
    const chain: Transfer[] = [
      transfer({ id: at(2), debit: a, credit: b, amount: 100, linked: true }),
      transfer({ id: at(3), action: TransferAction.PostPending, pending: at(1), amount: 500, linked: true }),
      transfer({ id: at(4), action: TransferAction.SetMint, credit: b, amount: 7, linked: true }),
      transfer({
        id: at(5),
        action: TransferAction.Pend,
        debit: b,
        credit: BURN,
        amount: 50,
        timeoutMicros: 5,
        linked: true,
      }),
      transfer({ id: at(6), debit: b, credit: a, amount: 51 }),
    ];
    const { LinkedFailed, NotEnough, Done } = Answer;
    const failed = [LinkedFailed, LinkedFailed, LinkedFailed, LinkedFailed, NotEnough];
    expect([...ledger.apply(chain, 0)]).toEqual(failed);
    expect([ledger.view(a), ledger.view(b), ledger.view(BURN)]).toEqual(before);
    checkLedger(ledger);
    expect(ledger.dueMicros).toBe(Number.POSITIVE_INFINITY);
    // The pending transfer is still there, and the chain is answered the same again.
    expect([...ledger.apply([...chain, release(at(7), at(1))], 0)]).toEqual([...failed, Done]);
  });

  test('may use what they made: money that comes in first, a transfer that pends first', () => {
    const { ledger, a, b } = ledgerWithTokens();
    const chain: Transfer[] = [
      transfer({ id: at(1), debit: a, credit: b, amount: 600, linked: true }),
      transfer({ id: at(2), action: TransferAction.Pend, debit: b, credit: TAX, amount: 600, linked: true }),
      transfer({ id: at(3), action: TransferAction.PostPending, pending: at(2), amount: 250 }),
    ];
    expect([...ledger.apply(chain, 0)]).toEqual([Answer.Done, Answer.Done, Answer.Done]);
    expect(ledger.view(b)).toMatchObject({ balance: 350n, reserved: 0 });
  });

  test('an id twice in a chain spoils it, and leaves no trace', () => {
    const { ledger, a, b } = ledgerWithTokens();
    const pay = transfer({ id: at(1), debit: a, credit: b, amount: 1 });
    expect([...ledger.apply([{ ...pay, linked: true }, pay], 0)]).toEqual([Answer.IdReused, Answer.IdReused]);
    expect([...ledger.apply([pay], 0)]).toEqual([Answer.Done]);
    expect(available(ledger, b)).toBe(1);
  });
});

describe('what is malformed or too much', () => {
  const { ledger, a, b } = ledgerWithTokens({ transfersMax: 4 });
  const good = transfer({ id: at(1), debit: a, credit: b, amount: 1 });
  const wrong: [string, Partial<Transfer>][] = [
    ['amount', { amount: -1 }],
    ['amount', { amount: 0.5 }],
    ['amount', { amount: AMOUNT_MAX + 1 }],
    ['position', { id: at(-1) }],
    ['kind', { id: at(1, 255) }],
    ['subject', { id: at(1, 0, 2 ** 31) }],
    ['accounts', { credit: a }],
    ['accounts', { debit: -1 }],
    ['timeout', { timeoutMicros: 5 }],
    ['pending', { pending: at(0) }],
    ['code', { code: 65_536 }],
    ['job', { job: -2 }],
    ['action', { action: 9 as 1 }],
    ['MINT', { action: TransferAction.SetMint, debit: b, credit: a }],
    ['expected ⌊', { quantity: HOUR_MS, price: 2 }],
    ['ends the chain', { linked: true }],
  ];
  test.each(wrong)('%s: %o', (word, change) => {
    expect(() => ledger.apply([good, { ...good, ...change }], 0)).toThrow(word);
    expect(refusal(() => ledger.apply([good, { ...good, ...change }], 0))).toBe('TEG_LEDGER_TRANSFER');
    expect(available(ledger, b)).toBe(0);
  });

  test('a time before the last one is refused, for what is new', () => {
    const { ledger: later, a: payer } = ledgerWithTokens();
    later.apply([grant(at(1), payer, 1)], 100);
    expect(refusal(() => later.apply([grant(at(2), payer, 1)], 99))).toBe('TEG_LEDGER_TRANSFER');
    expect([...later.apply([grant(at(1), payer, 1)], 99)]).toEqual([Answer.Done]);
  });

  test('tables are bounded: ids, names, balances', () => {
    const { ledger: small, a: payer } = ledgerWithTokens({ transfersMax: 3 });
    const grants = [1, 2, 3].map((position) => grant(at(position), payer, 1));
    expect(refusal(() => small.apply(grants, 0))).toBe('TEG_LIMIT_REACHED');
    expect(available(small, payer)).toBe(1_000);
    small.forget(0, 0);
    expect([...small.apply(grants, 0)]).toEqual([0, 0, 0]);
    expect(refusal(() => small.open('x'.repeat(256), 0))).toBe('TEG_LEDGER_TRANSFER');
    expect(refusal(() => small.open('', 0))).toBe('TEG_LEDGER_TRANSFER');
    small.forget(3, 0);
    expect([...small.apply([grant(at(4), payer, AMOUNT_MAX)], 0)]).toEqual([Answer.Overflow]);
    expect([...small.apply([mintAt(at(5), payer, 1e12)], 0)]).toEqual([Answer.Overflow]);
    expect([...small.apply([mintAt(at(6), BURN, 1)], 0)]).toEqual([Answer.AccountUnknown]);
  });

  test('sums are exact beyond 2^53', () => {
    const { ledger: big, a: payer } = ledgerWithTokens();
    let position = 1;
    for (let round = 0; round < 40; round++) {
      big.apply([grant(at(position++), payer, AMOUNT_MAX - 1_000)], 0);
      big.apply(
        [transfer({ id: at(position++), debit: payer, credit: BURN, amount: AMOUNT_MAX - 1_000 })],
        0,
      );
    }
    const spent = 40n * BigInt(AMOUNT_MAX - 1_000);
    expect(spent).toBeGreaterThan(2n ** 56n);
    expect(big.view(BURN).balance).toBe(spent);
    expect(big.view(MINT).balance).toBe(-spent - 1_000n);
    expect(big.view(payer)).toMatchObject({ balance: 1_000n, credits: spent + 1_000n });
    checkLedger(big);
  });
});

describe('mint, evaporation, tax', () => {
  const WEEK = 168 * MICROS_PER_HOUR;

  test('how often an account is touched changes nothing', () => {
    const rng = new Random(7);
    const [often, once] = [0, 1].map(() => new Ledger({ halfLifeMicros: WEEK })) as [Ledger, Ledger];
    for (const ledger of [often, once]) {
      ledger.open('a', 0);
      ledger.apply([grant(at(0), 4, 5e9), mintAt(at(1), 4, 16_000_001)], 0);
    }
    let time = 0;
    for (let step = 0; step < 20_000; step++) {
      time += rng.nextInt(1e7);
      often.settle(time);
    }
    once.settle(time);
    // 20,000 steps, each rounded by less than 2^-30 of a micro-token: never more than one apart.
    expect(Math.abs(available(often, 4) - available(once, 4))).toBeLessThanOrEqual(1);
    expect(often.view(MINT).balance).toBe(once.view(MINT).balance);
  });

  test('what is reserved does not evaporate; what comes back unspent has, as if it had stayed', () => {
    const [parks, stays] = [0, 1].map(() => new Ledger({ halfLifeMicros: WEEK })) as [Ledger, Ledger];
    for (const ledger of [parks, stays]) {
      ledger.open('a', 0);
      ledger.apply([grant(at(0), 4, 8e9)], 0);
    }
    parks.apply(
      [transfer({ id: at(1), action: TransferAction.Pend, debit: 4, credit: BURN, amount: 6e9 })],
      0,
    );
    parks.settle(WEEK);
    stays.settle(WEEK);
    expect(parks.view(4)).toMatchObject({ reserved: 6e9, available: 1_000_000_000n });
    expect(stays.view(4).balance).toBe(4_000_000_000n);
    parks.apply(
      [transfer({ id: at(2), action: TransferAction.PostPending, pending: at(1), amount: 2e9 })],
      WEEK,
    );
    // 6 of 8 were reserved: 2 are spent whole; 4 come back after a half-life as 2.
    expect(parks.view(4)).toMatchObject({ reserved: 0, available: 3_000_000_000n });
    expect(parks.view(EVAPORATED).balance).toBe(3_000_000_000n);
  });

  test('tax takes what there is, and never fails for want of tokens', () => {
    const { ledger, a } = ledgerWithTokens();
    const held = { tenant: a, job: 1, quantity: HOUR_MS, price: 700 };
    expect([...ledger.apply([tax(at(1), held), tax(at(2), held), tax(at(3), held)], 0)]).toEqual([0, 0, 0]);
    expect(available(ledger, a)).toBe(0);
    expect(ledger.view(TAX).balance).toBe(1_000n);
  });

  test('a job pays what it used at the price quoted, tick by tick, and the rest comes back', () => {
    const ledger = new Ledger({ halfLifeMicros: AGES });
    const tenant = ledger.open('nlp', 0);
    ledger.apply([grant(at(0), tenant, 10_000_000)], 0);
    const quote = (hours: number): { tenant: number; job: number; quantity: number; price: number } => {
      return { tenant, job: 7, quantity: 4 * hours * HOUR_MS, price: 1_250_000 };
    };
    ledger.apply([escrow(at(1), quote(1))], 0);
    expect(ledger.view(tenant)).toMatchObject({ reserved: 5_000_000 });
    const ids = { rent: at(2), escrow: at(3) };
    ledger.apply(rentTick(ids, at(1), quote(0.5), quote(1)), 0);
    expect(ledger.view(tenant)).toMatchObject({ balance: 7_500_000n, reserved: 5_000_000 });
    ledger.apply([rent(at(4), at(3), quote(0.25))], 0);
    expect(ledger.view(tenant)).toMatchObject({ balance: 6_250_000n, reserved: 0 });
    // A tick whose next horizon cannot be paid changes nothing: the job keeps its escrow, and the market decides.
    ledger.apply([escrow(at(5), quote(1))], 0);
    const { LinkedFailed, NotEnough } = Answer;
    const tick = rentTick({ rent: at(6), escrow: at(7) }, at(5), quote(1), quote(2));
    expect([...ledger.apply(tick, 0)]).toEqual([LinkedFailed, NotEnough]);
    expect(ledger.view(tenant)).toMatchObject({ balance: 6_250_000n, reserved: 5_000_000 });
  });

  test('the supply is what tenants have, and stays below its bound', () => {
    const ledger = new Ledger({ halfLifeMicros: WEEK });
    ledger.open('a', 0);
    ledger.open('b', 0);
    ledger.apply([mintAt(at(0), 4, 1e9), mintAt(at(1), 5, 2e9), grant(at(2), 5, 77)], 0);
    ledger.settle(60 * WEEK);
    const { available: free, reserved, bound } = supplyOf(ledger);
    expect(Number(bound - free)).toBeLessThan(77 + 4);
    expect(reserved).toBe(0n);
    // 3·10^9 micro-tokens an hour, for 168 h / ln 2.
    expect(Number(free) / ((3e9 * 168) / Math.LN2)).toBeCloseTo(1, 9);
  });
});
