/**
 * A random client of a ledger: transfers of all kinds, chains, ids used again, pending ones resolved once and twice.
 */
import type { Random } from '../kernel/random.ts';
import {
  BURN,
  type ClientAction,
  Code,
  TAX,
  type Transfer,
  TransferAction,
  type TransferId,
} from './transfer.ts';

/** A transfer with only the given fields set. */
export function transfer(given: Partial<Transfer> & { readonly id: TransferId }): Transfer {
  const plain = {
    debit: 0,
    credit: 0,
    amount: 0,
    timeoutMicros: 0,
    code: Code.None,
    job: -1,
    quantity: 0,
    price: 0,
  };
  return { action: TransferAction.Post, ...plain, ...given };
}

/** An id that is unique if the position is. */
export function at(position: number, kind = 1, subject = 0): TransferId {
  return { position, kind, subject };
}

/** Draws transfers; positions increase by one with each, apart from replays. */
export class RandomClient {
  position = 0;
  private readonly rng: Random;
  private readonly tenants: number;
  private readonly amountMax: number;
  /** Ids of the latest pending transfers. */
  private readonly pending: TransferId[] = [];
  private readonly sent: Transfer[] = [];

  /** @param tenants Accounts 4 to 3 + tenants; one more is used, which does not exist. */
  constructor(rng: Random, tenants: number, amountMax: number) {
    this.rng = rng;
    this.tenants = tenants;
    this.amountMax = amountMax;
  }

  /** @returns A chain: mostly one transfer, sometimes up to four, sometimes one that was sent before. */
  chain(): Transfer[] {
    const { rng } = this;
    if (this.sent.length > 0 && rng.nextInt(20) === 0) return this.replay();
    const length = rng.nextInt(4) === 0 ? 2 + rng.nextInt(3) : 1;
    const chain: Transfer[] = [];
    for (let link = 0; link < length; link++) chain.push({ ...this.one(), linked: link + 1 < length });
    this.sent.push(chain[0] as Transfer);
    if (this.sent.length > 50) this.sent.shift();
    return chain;
  }

  /** A transfer that was sent before, unchanged or with another amount. */
  private replay(): Transfer[] {
    const { rng } = this;
    const old = this.sent[rng.nextInt(this.sent.length)] as Transfer;
    const changed =
      rng.nextInt(2) === 0 && old.action !== TransferAction.VoidPending ? { amount: old.amount + 1 } : {};
    return [{ ...old, ...changed, linked: false }];
  }

  private one(): Transfer {
    const { rng } = this;
    const id = at(this.position++, rng.nextInt(3), rng.nextInt(100));
    const tenant = 4 + rng.nextInt(this.tenants + (rng.nextInt(50) === 0 ? 1 : 0));
    const amount = Math.floor(rng.nextDouble() * this.amountMax);
    switch (rng.nextInt(8)) {
      case 0:
        return transfer({ id, action: TransferAction.SetMint, credit: tenant, amount });
      case 1:
        return transfer({ id, debit: 0, credit: tenant, amount, code: Code.Grant });
      case 2:
        return transfer({ id, debit: tenant, credit: TAX, amount, balancing: true, code: Code.Tax });
      case 3:
        return transfer({ id, debit: tenant, credit: tenant === 4 ? 5 : 4, amount, code: Code.Move });
      case 4:
      case 5:
        return this.resolution(id, amount);
      default: {
        this.pending.push(id);
        if (this.pending.length > 20) this.pending.shift();
        const timeoutMicros = rng.nextInt(3) === 0 ? 1 + rng.nextInt(1e9) : 0;
        return transfer({
          id,
          action: TransferAction.Pend,
          debit: tenant,
          credit: BURN,
          amount,
          timeoutMicros,
          code: Code.Escrow,
        });
      }
    }
  }

  private resolution(id: TransferId, amount: number): Transfer {
    const { rng, pending } = this;
    const target = pending[rng.nextInt(pending.length + 1)] ?? at(this.position + 1);
    const isPost = rng.nextInt(3) > 0;
    const action: ClientAction = isPost ? TransferAction.PostPending : TransferAction.VoidPending;
    return transfer({
      id,
      action,
      pending: target,
      amount: isPost ? Math.floor(amount / 2) : 0,
      code: Code.Rent,
    });
  }
}
