/**
 * What a market asks of the ledger, as transfers: the vocabulary of `economy` in double entry.
 *
 *     start   escrow of the quoted rent over the horizon        pending: tenant → BURN
 *     tick    rent of the time that is over, and a new escrow   partial post, linked with a pending
 *     end     rent of the rest                                  partial post; the remainder goes back
 *
 * Ids are the caller's: made of the event that causes a charge, so that a replay charges nothing twice.
 */
import { costOf } from './amounts.ts';
import { BURN, Code, MINT, TAX, type Transfer, TransferAction, type TransferId } from './transfer.ts';

/** A quantity for a job at a quoted price. */
export interface Charge {
  readonly tenant: number;
  readonly job: number;
  /** Unit-milliseconds. */
  readonly quantity: number;
  /** Micro-tokens for a unit-hour. */
  readonly price: number;
}

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
export function mintAt(id: TransferId, tenant: number, rate: number): Transfer {
  return {
    ...PLAIN,
    id,
    action: TransferAction.SetMint,
    debit: MINT,
    credit: tenant,
    amount: rate,
    code: Code.Mint,
  };
}

/** Tokens besides the mint. */
export function grant(id: TransferId, tenant: number, amount: number): Transfer {
  return { ...PLAIN, id, action: TransferAction.Post, debit: MINT, credit: tenant, amount, code: Code.Grant };
}

/** Reserves the rent of a horizon. @param timeoutMicros After which it goes back; 0: never. */
export function escrow(id: TransferId, charge: Charge, timeoutMicros = 0): Transfer {
  return { ...charged(id, charge, Code.Escrow), action: TransferAction.Pend, credit: BURN, timeoutMicros };
}

/** Pays the rent of what was used out of an escrow, which ends; what was not used goes back. */
export function rent(id: TransferId, pending: TransferId, used: Charge): Transfer {
  return { ...charged(id, used, Code.Rent), action: TransferAction.PostPending, pending, debit: 0 };
}

/**
 * Pays the rent of what was used and reserves the next horizon: both or neither. @param ids Of the rent and of the new escrow.
 */
export function rentTick(
  ids: { readonly rent: TransferId; readonly escrow: TransferId },
  pending: TransferId,
  used: Charge,
  next: Charge,
  timeoutMicros = 0,
): Transfer[] {
  return [{ ...rent(ids.rent, pending, used), linked: true }, escrow(ids.escrow, next, timeoutMicros)];
}

/** Gives an escrow back whole. */
export function release(id: TransferId, pending: TransferId): Transfer {
  return { ...PLAIN, id, action: TransferAction.VoidPending, pending, code: Code.Release };
}

/** Tax on what is held idle: takes what there is, and never fails for want of tokens. */
export function tax(id: TransferId, held: Charge): Transfer {
  return { ...charged(id, held, Code.Tax), action: TransferAction.Post, credit: TAX, balancing: true };
}

/** Takes tokens of an account out of the world. */
export function burn(id: TransferId, account: number, amount: number): Transfer {
  return { ...PLAIN, id, action: TransferAction.Post, debit: account, credit: BURN, amount, code: Code.Burn };
}

function charged(
  id: TransferId,
  { tenant, job, quantity, price }: Charge,
  code: number,
): Transfer & { debit: number } {
  const amount = costOf(quantity, price);
  return { ...PLAIN, id, action: TransferAction.Post, debit: tenant, amount, code, job, quantity, price };
}
