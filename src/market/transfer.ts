/**
 * Transfers: what a client may ask of the ledger, and what it is answered.
 *
 *     Pend ──▶ open ──▶ PostPending (all or a part; the rest is released) · VoidPending · expiry
 *     Post: at once          SetMint: a tenant's income from now on
 *
 * A transfer never changes: a mistake is corrected by another one. Linked transfers succeed together or not at all.
 */
import { INT32_MAX } from '../kernel/limits.ts';
import { TegError } from '../model/errors.ts';
import { AMOUNT_MAX, costOf, isNatural, QUANTITY_PER_UNIT_HOUR } from './amounts.ts';

/** Account where tokens come from: its balance is minus what was ever made. */
export const MINT = 0;

/** Account where rent goes, and what else leaves the world. */
export const BURN = 1;

/** Account of what evaporated. */
export const EVAPORATED = 2;

/** Account of tax on what is held idle. */
export const TAX = 3;

/** Names of the accounts that every ledger has. */
export const SYSTEM_ACCOUNTS: readonly string[] = ['MINT', 'BURN', 'EVAP', 'TAX'];

/** What a record of the ledger does. Those from `Mint` on are the ledger's own: it derives them, nobody asks for them. */
export const TransferAction = {
  Post: 1,
  Pend: 2,
  PostPending: 3,
  VoidPending: 4,
  SetMint: 5,
  Open: 6,
  Forget: 7,
  Genesis: 8,
  Mint: 9,
  Evaporate: 10,
  Expire: 11,
  /** Notes of what ran, see `usage-notes.ts`. They move nothing. */
  NoteFlavor: 12,
  NoteJob: 13,
  NoteStart: 14,
  NoteEnd: 15,
  NoteQuote: 16,
} as const;

/** An action of a client's transfer. */
export type ClientAction = 1 | 2 | 3 | 4 | 5;

/** Why tokens move; part of the log, so numbers never change their meaning. Clients may use others up to CODE_MAX. */
export const Code = {
  None: 0,
  Grant: 1,
  Mint: 2,
  Evaporation: 3,
  Escrow: 4,
  Rent: 5,
  Release: 6,
  Expiry: 7,
  Tax: 8,
  Burn: 9,
  Move: 10,
  /** Evaporation of tokens that came back from an escrow, for the time that they were in it. */
  Returned: 11,
} as const;

/** Names of the codes, for statements. */
export const CODE_NAMES: readonly string[] = [
  ...['none', 'grant', 'mint', 'evaporation', 'escrow', 'rent', 'release', 'expiry', 'tax', 'burn', 'move'],
  'returned',
];

/** Largest code of a client. */
export const CODE_MAX = 65_535;

/** Answers to a transfer. Kept with its id: the same id is answered the same for as long as it is remembered. */
export const Answer = {
  Done: 0,
  /** The account to be debited has less available. */
  NotEnough: 1,
  /** No account of that number, or not one that this action is for. */
  AccountUnknown: 2,
  /** No pending transfer of that id; or it was answered with a refusal. */
  PendingUnknown: 3,
  AlreadyPosted: 4,
  AlreadyVoided: 5,
  AlreadyExpired: 6,
  /** More than is pending. */
  ExceedsPending: 7,
  /** The balance to be credited would pass AMOUNT_MAX. */
  Overflow: 8,
  /** Another transfer of its chain failed. */
  LinkedFailed: 9,
  /** Not remembered: the id belongs to another transfer, or to a part of the chain only. */
  IdReused: 10,
  /**
   * Not remembered: an unknown id, of a position that is forgotten or before the last one. A replay that differs, or is too late.
   */
  Stale: 11,
} as const;

/**
 * Made by the client from what caused the transfer, so that a replay of the cause makes the same id.
 */
export interface TransferId {
  /** Position of the cause in the client's event log: an integer ≥ 0 that does not decrease from new transfer to new transfer. */
  readonly position: number;
  /** What the cause asks for; the client's numbers, in [0, KIND_MAX]. */
  readonly kind: number;
  /** Whom for: an account, or a job; a 31-bit integer ≥ 0. */
  readonly subject: number;
}

/** Largest kind of a client's id. */
export const KIND_MAX = 254;

/** Kind of the ids of the ledger's own records. */
export const LEDGER_KIND = 255;

/** One transfer that a client asks for. */
export interface Transfer {
  readonly id: TransferId;
  readonly action: ClientAction;
  /** Post, Pend: the account that pays. Else 0: a pending transfer has its own, and SetMint has MINT. */
  readonly debit: number;
  /** Post, Pend: the account that gets it. SetMint: the tenant. Else 0. */
  readonly credit: number;
  /**
   * Micro-tokens; PostPending: at most the pending amount, the rest is released. SetMint: micro-tokens an hour. VoidPending: 0.
   */
  readonly amount: number;
  /** The transfer that is posted or voided. */
  readonly pending?: TransferId | undefined;
  /** Pend: it expires after that time; 0: never. */
  readonly timeoutMicros: number;
  /** Takes what is available if that is less than the amount. Post and Pend. */
  readonly balancing?: boolean;
  /** Succeeds only with the next transfer of the call. */
  readonly linked?: boolean;
  /** Why; see `Code`. */
  readonly code: number;
  /** Job that it is for, −1: none. */
  readonly job: number;
  /** Unit-milliseconds and micro-tokens for a unit-hour: if there is a price, the amount is their cost. */
  readonly quantity: number;
  readonly price: number;
}

/** Longest chain of linked transfers. */
export const CHAIN_MAX = 1_024;

/** Most transfers of one call. */
export const TRANSFERS_PER_CALL_MAX = 65_536;

/** Largest mint of a tenant, micro-tokens an hour: that of 10^6 units. */
export const MINT_RATE_MAX = 1e12;

/** @returns A word for an id, as statements print it: `17/5/4`. */
export function idText({ position, kind, subject }: TransferId): string {
  return `${position}/${kind}/${subject}`;
}

/**
 * Checks the form of the transfers of one call, which does not depend on the state of the ledger.
 *
 * @throws TegError TEG_LEDGER_TRANSFER for the first that is malformed, or for a chain that does not end.
 */
export function checkTransfers(transfers: readonly Transfer[]): void {
  if (transfers.length > TRANSFERS_PER_CALL_MAX)
    refuse(`got ${transfers.length} transfers in one call, expected at most ${TRANSFERS_PER_CALL_MAX}`);
  let chain = 0;
  for (const transfer of transfers) {
    const wrong = problemOf(transfer);
    if (wrong !== undefined) refuse(`transfer ${idText(transfer.id)}: ${wrong}`);
    chain = transfer.linked === true ? chain + 1 : 0;
    if (chain >= CHAIN_MAX)
      refuse(`transfer ${idText(transfer.id)}: expected at most ${CHAIN_MAX} in a chain`);
  }
  if (chain > 0) refuse('the last transfer of a call is linked, expected one that ends the chain');
}

function refuse(message: string): never {
  throw new TegError('TEG_LEDGER_TRANSFER', `${message}; nothing was changed`);
}

/** @returns What is malformed, undefined if nothing is. */
function problemOf(transfer: Transfer): string | undefined {
  const { action, amount, timeoutMicros, code, job, quantity, price, debit, credit } = transfer;
  const wrongId = problemOfId(transfer.id) ?? (transfer.pending && problemOfId(transfer.pending));
  if (wrongId !== undefined) return wrongId;
  const isResolving = action === TransferAction.PostPending || action === TransferAction.VoidPending;
  if (!(action >= TransferAction.Post && action <= TransferAction.SetMint))
    return `action ${action}, expected 1 to 5`;
  if (isResolving !== (transfer.pending !== undefined))
    return 'expected a pending id for post and void, and no other';
  const amountMax =
    action === TransferAction.SetMint
      ? MINT_RATE_MAX
      : action === TransferAction.VoidPending
        ? 0
        : AMOUNT_MAX;
  if (!isNatural(amount) || amount > amountMax)
    return `amount ${amount}, expected an integer in [0, ${amountMax}]`;
  if (!isNatural(debit) || !isNatural(credit) || debit > INT32_MAX || credit > INT32_MAX)
    return `accounts ${debit} and ${credit}, expected 31-bit integers`;
  if (isResolving ? debit + credit !== 0 : debit === credit)
    return `accounts ${debit} and ${credit} do not fit the action`;
  if (action === TransferAction.SetMint && debit !== MINT) return `debits ${debit}, expected MINT (${MINT})`;
  if (!isNatural(timeoutMicros) || (timeoutMicros > 0 && action !== TransferAction.Pend))
    return `timeout ${timeoutMicros}, expected an integer ≥ 0 µs, and 0 unless pending`;
  if (!isNatural(code) || code > CODE_MAX) return `code ${code}, expected an integer in [0, ${CODE_MAX}]`;
  if (!isNatural(job + 1)) return `job ${job}, expected an integer ≥ −1`;
  return problemOfPrice(amount, quantity, price);
}

function problemOfId({ position, kind, subject }: TransferId): string | undefined {
  if (!isNatural(position)) return `position ${position}, expected an integer in [0, 2^53)`;
  if (!isNatural(kind) || kind > KIND_MAX) return `kind ${kind}, expected an integer in [0, ${KIND_MAX}]`;
  if (!isNatural(subject) || subject > INT32_MAX) return `subject ${subject}, expected a 31-bit integer ≥ 0`;
  return undefined;
}

function problemOfPrice(amount: number, quantity: number, price: number): string | undefined {
  if (!isNatural(quantity) || !isNatural(price))
    return `quantity ${quantity} and price ${price}, expected integers ≥ 0`;
  if (price === 0) return undefined;
  const cost = costOf(quantity, price);
  return cost === amount
    ? undefined
    : `amount ${amount}, expected ⌊${quantity} × ${price} / ${QUANTITY_PER_UNIT_HOUR}⌋ = ${cost}`;
}
