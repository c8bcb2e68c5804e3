/**
 * The end of a market whose process died: what ran in it is known from its notes, ends now, and pays up to now.
 *
 *     log, back to where the market began ──▶ what ran, at which prices, since which rent
 *                                               └──▶ ends noted ─▶ rents out of the old escrows ─▶ the rest comes back
 *
 * The next market starts what still runs once more, behind these calls. So no token is lost or paid twice: an escrow is resolved
 * once, and rent runs until the take-over. What ended while nobody led pays until then.
 */
import { TegError } from '../../model/errors.ts';
import { type BatchParts, Call, type LedgerBatch, readBatch } from '../batch.ts';
import type { Ledger } from '../ledger.ts';
import { Answer, Code, type Transfer, TransferAction, type TransferId } from '../transfer.ts';
import { SlotState } from '../transfer-table.ts';
import { NoteBuffer, readNotes } from '../usage-notes.ts';
import { excessRent, MarketKind, releaseOf, rentFrom } from './market-transfers.ts';
import { RentAudit } from './rent-audit.ts';

/** What the end of a market found. */
export interface FinishedMarket {
  /** Leases that ran. */
  readonly ended: number;
  /** Micro-tokens of rent that were due, and what of it could not be paid. */
  readonly due: number;
  readonly unpaid: number;
}

/**
 * Ends the market that a log breaks off in; nothing where none was begun, or the last one ended.
 *
 * @param ledger      Brought back from the log.
 * @param newestFirst Its batches from the last one backwards; read as far as the beginning of the last market.
 * @param timeMicros  Not before the ledger's time.
 * @throws TegError TEG_LEDGER_CORRUPT if the notes do not fit the ledger.
 * @cost O(batches and leases of that market).
 */
export function finishMarket(
  ledger: Ledger,
  newestFirst: Iterable<LedgerBatch>,
  timeMicros: number,
): FinishedMarket {
  const audit = new RentAudit();
  for (const parts of lastMarket(newestFirst)) audit.next(parts, ledger);
  const ends = new NoteBuffer(ledger.notesWritten);
  for (const start of audit.running) ends.add({ action: TransferAction.NoteEnd, start }, timeMicros);
  const ended = ends.count;
  const firstBatch = ended === 0 ? undefined : endNotes(ends, timeMicros);
  if (firstBatch !== undefined) audit.next(firstBatch, ledger);
  ledger.note(ends.records, ended, '', timeMicros);
  return { ended, ...settleAll(ledger, audit, timeMicros) };
}

/** Batches of the last market that was begun, in order. */
function lastMarket(newestFirst: Iterable<LedgerBatch>): BatchParts[] {
  const parts: BatchParts[] = [];
  for (const { number, bytes } of newestFirst) {
    const batch = readBatch(bytes, `batch ${number}`);
    if (batch.call !== Call.Note && batch.call !== Call.Apply) continue;
    parts.push(batch);
    if (batch.call === Call.Note && begins(batch)) return parts.reverse();
  }
  return [];
}

function begins(batch: BatchParts): boolean {
  for (const { action, flavor } of readNotes(batch)) {
    if (action === TransferAction.NoteFlavor && flavor === 0) return true;
  }
  return false;
}

/** The ends as a batch, which the audit reads before the ledger has it. */
function endNotes({ records, count }: NoteBuffer, timeMicros: number): BatchParts {
  return { number: -1, call: Call.Note, account: -1, timeMicros, records, count, name: '' };
}

/** Pays what is due out of what is reserved, account by account, and gives the rest back. */
function settleAll(
  ledger: Ledger,
  audit: RentAudit,
  timeMicros: number,
): { readonly due: number; readonly unpaid: number } {
  const escrows = openEscrows(ledger);
  let [due, unpaid] = [0, 0];
  let position = ledger.transfers.lastPosition + 1;
  for (let account = 0; account < ledger.accounts.count; account++) {
    if (!ledger.accounts.isTenant(account)) continue;
    const owed = audit.takeDue(account, timeMicros);
    const reserves = escrows.get(account) ?? [];
    if (owed.due === 0 && reserves.length === 0) continue;
    due += owed.due;
    unpaid += owed.due - pay(ledger, { account, position, reserves, ...owed }, timeMicros);
    // Each transfer of an account has its own position where it had several reserves.
    position += reserves.length + 1;
  }
  return { due, unpaid };
}

/** A reserve that is open. */
interface OpenReserve {
  readonly id: TransferId;
  readonly amount: number;
  readonly job: number;
}

function openEscrows({ transfers }: Ledger): Map<number, OpenReserve[]> {
  const escrows = new Map<number, OpenReserve[]>();
  for (const slot of transfers.inOrder()) {
    if (transfers.states[slot] !== SlotState.Open) continue;
    const { id, debit, code, moved, job } = transfers.records.fields(slot);
    if (code !== Code.Escrow) continue;
    const reserves = escrows.get(debit) ?? [];
    reserves.push({ id, amount: moved, job });
    escrows.set(debit, reserves);
  }
  return escrows;
}

/** @returns Micro-tokens paid. */
function pay(
  ledger: Ledger,
  {
    account,
    position,
    reserves,
    due,
    quantity,
  }: {
    readonly account: number;
    readonly position: number;
    readonly reserves: readonly OpenReserve[];
    readonly due: number;
    readonly quantity: number;
  },
  timeMicros: number,
): number {
  const transfers: Transfer[] = [];
  const escrow = reserves.find(({ id }) => id.kind === MarketKind.Escrow);
  const inEscrow = Math.min(due, escrow?.amount ?? 0);
  const idAt = (at: number, kind: number): TransferId => ({
    position: position + at,
    kind,
    subject: account,
  });
  const excess = due - inEscrow;
  if (escrow !== undefined) {
    transfers.push(rentFrom(idAt(0, MarketKind.Rent), escrow.id, inEscrow, quantity, excess > 0));
  }
  if (excess > 0) {
    const rest = escrow === undefined ? quantity : 0;
    transfers.push(excessRent(idAt(0, MarketKind.Excess), account, excess, rest, false));
  }
  for (const [at, { id, job }] of reserves.entries()) {
    if (id !== escrow?.id) transfers.push(releaseOf(idAt(at + 1, MarketKind.Release), id, job));
  }
  const answers = ledger.apply(transfers, timeMicros);
  if (answers.some((answer) => answer !== Answer.Done)) {
    throw new TegError(
      'TEG_LEDGER_CORRUPT',
      `the end of a market: got the answers ${[...answers].join(', ')} for account '${ledger.accounts.names[account]}', expected all ` +
        'done: the notes of the log do not fit its reserves; restore a copy',
    );
  }
  if (excess === 0) return due;
  const slot = ledger.transfers.find(position, MarketKind.Excess, account);
  return inEscrow + (slot < 0 ? 0 : ledger.transfers.records.moved(slot));
}
