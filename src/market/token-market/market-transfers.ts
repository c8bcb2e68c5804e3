/**
 * The market's transfers. Amounts are sums over the jobs of a tenant, so that they have a quantity but no price of their own.
 */
import { BURN, Code, MINT, TAX, type Transfer, TransferAction, type TransferId } from '../transfer.ts';

/** Kinds of the ids of a market's transfers. Part of logs: numbers never change their meaning. */
export const MarketKind = {
  Mint: 1,
  Opening: 2,
  Rent: 3,
  /** Rent beyond what was in escrow. */
  Excess: 4,
  Escrow: 5,
  Saving: 6,
  Tax: 7,
  Release: 8,
} as const;

const PLAIN = {
  debit: 0,
  credit: 0,
  amount: 0,
  timeoutMicros: 0,
  code: Code.None,
  job: -1,
  quantity: 0,
  price: 0,
} as const;

/** Income of a tenant from now on. @param rate Micro-tokens an hour. */
export function mintOf(id: TransferId, account: number, rate: number): Transfer {
  const action = TransferAction.SetMint;
  return { ...PLAIN, id, action, debit: MINT, credit: account, amount: rate, code: Code.Mint };
}

/** Tokens that a tenant starts with. */
export function openingOf(id: TransferId, account: number, amount: number): Transfer {
  const action = TransferAction.Post;
  return { ...PLAIN, id, action, debit: MINT, credit: account, amount, code: Code.Grant };
}

/** Reserves what there is, at most an amount. @param linked Only with the next transfer of the call. */
export function reserveOf(id: TransferId, account: number, amount: number, job = -1): Transfer {
  const action = TransferAction.Pend;
  return {
    ...PLAIN,
    id,
    action,
    debit: account,
    credit: BURN,
    amount,
    balancing: true,
    code: Code.Escrow,
    job,
  };
}

/** Pays out of a reserve, which ends. @param quantity Unit-milliseconds. */
export function rentFrom(
  id: TransferId,
  pending: TransferId,
  amount: number,
  quantity: number,
  linked: boolean,
  job = -1,
): Transfer {
  const action = TransferAction.PostPending;
  return { ...PLAIN, id, action, pending, amount, quantity, linked, code: Code.Rent, job };
}

/** Pays what there is, at most an amount. */
export function excessRent(
  id: TransferId,
  account: number,
  amount: number,
  quantity: number,
  linked: boolean,
): Transfer {
  const action = TransferAction.Post;
  return {
    ...PLAIN,
    ...{ id, action, debit: account, credit: BURN, amount, quantity, linked },
    balancing: true,
    code: Code.Rent,
  };
}

/** Gives a reserve back whole. */
export function releaseOf(id: TransferId, pending: TransferId, job: number): Transfer {
  return { ...PLAIN, id, action: TransferAction.VoidPending, pending, code: Code.Release, job };
}

/** Tax: what there is, at most an amount. @param quantity Unit-milliseconds held idle. */
export function taxOf(id: TransferId, account: number, amount: number, quantity: number): Transfer {
  const action = TransferAction.Post;
  return {
    ...PLAIN,
    ...{ id, action, debit: account, credit: TAX, amount, quantity },
    balancing: true,
    code: Code.Tax,
  };
}
