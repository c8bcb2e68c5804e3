/**
 * What the records of a log say about balances, read without the ledger: statements are made of it, and a verification compares
 * it with what the ledger computes.
 */
import type { BatchParts } from './batch.ts';
import type { Ledger } from './ledger.ts';
import type { RecordFields } from './record.ts';
import { Answer, idText, SYSTEM_ACCOUNTS, TransferAction } from './transfer.ts';
import { SlotState } from './transfer-table.ts';

/** One movement: tokens from one account to another, and into or out of the reserve of the first. */
export interface Movement {
  readonly record: RecordFields;
  readonly debit: number;
  readonly credit: number;
  /** Micro-tokens that went from debit to credit; ≥ 0. */
  readonly moved: number;
  /** By how much the reserve of `debit` changed. */
  readonly reservedChange: number;
}

/** A pending transfer that is not resolved. */
interface OpenPending {
  readonly debit: number;
  readonly credit: number;
  readonly held: number;
  /** Of the job, for which the record that resolves it need not say it again. */
  readonly job: number;
}

/** Reads batches in their order. Memory: open pending transfers and names. */
export class LogReader {
  /** Names by account. */
  readonly names: string[] = [...SYSTEM_ACCOUNTS];
  private readonly open = new Map<string, OpenPending>();

  /** Continues with the log of a ledger after what it has done. Once, before the first batch. */
  adopt({ accounts, transfers }: Ledger): void {
    this.names.splice(0, this.names.length, ...accounts.names);
    for (const slot of transfers.inOrder()) {
      if (transfers.states[slot] !== SlotState.Open) continue;
      const { id, debit, credit, moved, job } = transfers.records.fields(slot);
      this.open.set(idText(id), { debit, credit, held: moved, job });
    }
  }

  /** @returns The movements of the next batch, in order; those that were refused have none. */
  *read({ records, count, name }: BatchParts): Generator<Movement> {
    for (let at = 0; at < count; at++) {
      const record = records.fields(at);
      if (record.answer !== Answer.Done) continue;
      if (record.action === TransferAction.Open) this.names.push(name);
      const movement = this.movementOf(record);
      if (movement !== undefined) yield movement;
    }
  }

  private movementOf(record: RecordFields): Movement | undefined {
    const { action, debit, credit, moved, id, pending, job } = record;
    switch (action) {
      case TransferAction.Post:
      case TransferAction.Mint:
      case TransferAction.Evaporate:
        return { record, debit, credit, moved, reservedChange: 0 };
      case TransferAction.Pend:
        this.open.set(idText(id), { debit, credit, held: moved, job });
        return { record, debit, credit, moved: 0, reservedChange: moved };
      case TransferAction.PostPending:
      case TransferAction.VoidPending:
      case TransferAction.Expire: {
        const resolved = this.open.get(pending === undefined ? '' : idText(pending));
        if (resolved === undefined) return undefined;
        this.open.delete(idText(pending as RecordFields['id']));
        return {
          record: job < 0 ? { ...record, job: resolved.job } : record,
          debit: resolved.debit,
          credit: resolved.credit,
          moved: action === TransferAction.PostPending ? moved : 0,
          reservedChange: -resolved.held,
        };
      }
      default:
        return undefined;
    }
  }
}
