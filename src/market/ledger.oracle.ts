/**
 * The ledger as plainly as it can be said: maps, BigInt, whole copies of the state; 2^−x from the series of e. Slow.
 *
 * It shares the words of `transfer.ts` with the ledger, and nothing that computes.
 */
import { Answer, idText, type Transfer, TransferAction } from './transfer.ts';

const HOUR = 3_600_000_000n;
const BITS = 200n;
const ONE = 1n << BITS;
const AMOUNT_MAX = 2n ** 51n - 1n;

interface PlainAccount {
  credits: bigint;
  debits: bigint;
  reserved: bigint;
  rate: bigint;
  settled: bigint;
  /** Mint not posted, in hours⁻¹ of the clock: 1 / HOUR of a micro-token. */
  mintRest: bigint;
  /** Evaporation not posted, in 2^-32 of a micro-token. */
  evaporationRest: bigint;
}

interface PlainTransfer {
  readonly transfer: Transfer;
  answer: number;
  moved: bigint;
  time: bigint;
  state: 'closed' | 'open' | 'posted' | 'voided' | 'expired';
}

interface PlainState {
  accounts: PlainAccount[];
  transfers: Map<string, PlainTransfer>;
  lastPosition: number;
  floor: number;
}

/** ⌊a / b⌋ also below 0, for b > 0. */
function floorDivide(a: bigint, b: bigint): bigint {
  return a >= 0n || a % b === 0n ? a / b : a / b - 1n;
}

/** ln 2 with BITS bits: Σ 1 / (k 2^k). */
function ln2(): bigint {
  let sum = 0n;
  for (let k = 1n; k < BITS; k++) sum += ONE / (k << k);
  return sum;
}
const LN2 = ln2();

/** A factor with more halvings is 0, as ledgers have it: after 129 half-lives nothing is left of any balance. */
const HALVINGS_MAX = 128n;

/** 2^(−elapsed/half) with BITS bits, from the series of e^−y. */
function halving(elapsed: bigint, half: bigint): bigint {
  if (elapsed / half > HALVINGS_MAX) return 0n;
  const y = ((elapsed % half) * LN2) / half;
  let term = ONE;
  let sum = 0n;
  for (let k = 1n; term !== 0n; k++) {
    sum += term;
    term = -((term * y) >> BITS) / k;
  }
  return sum >> (elapsed / half);
}

/** The oracle. Accounts 0 to 3 are MINT, BURN, EVAP, TAX. */
export class PlainLedger {
  private readonly half: bigint;
  private state: PlainState = { accounts: [], transfers: new Map(), lastPosition: -1, floor: -1 };

  constructor(halfLifeMicros: number) {
    this.half = BigInt(halfLifeMicros);
    for (let i = 0; i < 4; i++) this.open(0);
  }

  open(time: number): void {
    this.expire(time);
    const zero = { credits: 0n, debits: 0n, reserved: 0n, rate: 0n, mintRest: 0n, evaporationRest: 0n };
    this.state.accounts.push({ ...zero, settled: BigInt(time) });
  }

  /** [balance, reserved] of every account. */
  balances(): [bigint, bigint][] {
    return this.state.accounts.map(({ credits, debits, reserved }) => [credits - debits, reserved]);
  }

  forget(position: number, time: number): void {
    if (position <= this.state.floor) return;
    this.expire(time);
    this.state.floor = Math.max(this.state.floor, position);
    this.dropForgotten();
  }

  settle(time: number): void {
    this.expire(time);
    for (let account = 0; account < this.state.accounts.length; account++)
      this.settleOne(account, BigInt(time));
  }

  apply(transfers: readonly Transfer[], time: number): number[] {
    const answers: number[] = [];
    let chain: Transfer[] = [];
    for (const transfer of transfers) {
      chain.push(transfer);
      if (transfer.linked === true) continue;
      answers.push(...this.applyChain(chain, time));
      chain = [];
    }
    return answers;
  }

  expire(time: number): void {
    for (;;) {
      const due = [...this.state.transfers.values()]
        .filter(({ state, transfer }) => state === 'open' && transfer.timeoutMicros > 0)
        .map((held) => ({ held, at: held.time + BigInt(held.transfer.timeoutMicros) }))
        .filter(({ at }) => at <= BigInt(time));
      if (due.length === 0) return;
      // Maps keep the order of insertion, and sorting is stable: equal times by age.
      const first = due.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))[0] as (typeof due)[number];
      this.settleOne(first.held.transfer.debit, first.at);
      first.held.state = 'expired';
      this.giveBack(first.held, first.held.moved, first.at);
      this.dropForgotten();
    }
  }

  private applyChain(chain: readonly Transfer[], time: number): number[] {
    const known = chain.map(({ id }) => this.state.transfers.get(idText(id)));
    const isKnown = known.every((each) => each !== undefined);
    if (isKnown && known.every((each, at) => sameText(each.transfer, chain[at] as Transfer))) {
      return known.map(({ answer }) => answer);
    }
    if (known.some((each) => each !== undefined)) return chain.map(() => Answer.IdReused);
    let last = this.state.lastPosition;
    const seen = new Set<string>();
    for (const { id } of chain) {
      if (id.position < this.state.lastPosition || id.position <= this.state.floor)
        return chain.map(() => Answer.Stale);
    }
    this.expire(time);
    for (const { id } of chain) {
      if (id.position < last) return chain.map(() => Answer.Stale);
      if (seen.has(idText(id))) return chain.map(() => Answer.IdReused);
      last = id.position;
      seen.add(idText(id));
    }
    this.state.lastPosition = last;
    for (const transfer of chain) {
      const pending = transfer.pending && this.state.transfers.get(idText(transfer.pending));
      const touched = [transfer.debit, transfer.credit];
      if (pending !== undefined && pending.state !== 'closed')
        touched.push(pending.transfer.debit, pending.transfer.credit);
      for (const account of touched) this.settleOne(account, BigInt(time));
    }
    const before = structuredClone(this.state);
    const answers: number[] = [];
    for (const transfer of chain) {
      const made: PlainTransfer = { transfer, answer: 0, moved: 0n, time: BigInt(time), state: 'closed' };
      made.answer = this.execute(made);
      answers.push(made.answer);
      this.state.transfers.set(idText(transfer.id), made);
      if (made.answer !== Answer.Done) break;
    }
    const failed = answers.findIndex((answer) => answer !== Answer.Done);
    if (failed < 0) {
      this.dropForgotten();
      return answers;
    }
    this.state = before;
    return chain.map((transfer, at) => {
      const answer = at === failed ? (answers[at] as number) : Answer.LinkedFailed;
      this.state.transfers.set(idText(transfer.id), {
        transfer,
        answer,
        moved: 0n,
        time: BigInt(time),
        state: 'closed',
      });
      return answer;
    });
  }

  private execute(made: PlainTransfer): number {
    const { transfer } = made;
    const { accounts } = this.state;
    if (transfer.action === TransferAction.SetMint) {
      const account = accounts[transfer.credit];
      if (account === undefined || transfer.credit < 4) return Answer.AccountUnknown;
      // m/κ, rounded down, and one more.
      if ((BigInt(transfer.amount) * this.half * ONE) / (LN2 * HOUR) + 1n > AMOUNT_MAX)
        return Answer.Overflow;
      account.rate = BigInt(transfer.amount);
      return Answer.Done;
    }
    if (transfer.pending !== undefined) return this.resolve(made);
    const debit = accounts[transfer.debit];
    const credit = accounts[transfer.credit];
    if (debit === undefined || credit === undefined) return Answer.AccountUnknown;
    let amount = BigInt(transfer.amount);
    const available = debit.credits - debit.debits - debit.reserved;
    if (transfer.debit !== 0 && amount > available) {
      if (transfer.balancing !== true) return Answer.NotEnough;
      amount = available;
    }
    made.moved = amount;
    if (transfer.action === TransferAction.Pend) {
      if (debit.reserved + amount > AMOUNT_MAX) return Answer.Overflow;
      debit.reserved += amount;
      made.state = 'open';
      return Answer.Done;
    }
    return this.move(transfer.debit, transfer.credit, amount);
  }

  private resolve(made: PlainTransfer): number {
    const { transfer } = made;
    const held = this.state.transfers.get(idText(transfer.pending as Transfer['id']));
    if (held === undefined || held.state === 'closed') return Answer.PendingUnknown;
    if (held.state === 'posted') return Answer.AlreadyPosted;
    if (held.state === 'voided') return Answer.AlreadyVoided;
    if (held.state === 'expired') return Answer.AlreadyExpired;
    const amount = BigInt(transfer.amount);
    if (amount > held.moved) return Answer.ExceedsPending;
    const answer = this.move(held.transfer.debit, held.transfer.credit, amount);
    if (answer !== Answer.Done) return answer;
    held.state = transfer.action === TransferAction.PostPending ? 'posted' : 'voided';
    made.moved = amount;
    this.giveBack(held, held.moved - amount, made.time);
    return Answer.Done;
  }

  private move(debit: number, credit: number, amount: bigint): number {
    const from = this.state.accounts[debit] as PlainAccount;
    const to = this.state.accounts[credit] as PlainAccount;
    if (credit >= 4 && to.credits - to.debits + amount > AMOUNT_MAX) return Answer.Overflow;
    from.debits += amount;
    to.credits += amount;
    return Answer.Done;
  }

  /** Ends a reserve; what comes back evaporates for the time that it was away. */
  private giveBack(held: PlainTransfer, rest: bigint, time: bigint): void {
    const account = this.state.accounts[held.transfer.debit] as PlainAccount;
    account.reserved -= held.moved;
    if (held.transfer.debit < 4) return;
    const lost = ((rest << 32n) * (ONE - halving(time - held.time, this.half))) >> BITS;
    this.evaporate(account, account.evaporationRest + lost);
  }

  private evaporate(account: PlainAccount, due: bigint): void {
    const whole = due >> 32n;
    account.evaporationRest = due & 0xffffffffn;
    account.debits += whole;
    (this.state.accounts[2] as PlainAccount).credits += whole;
  }

  private settleOne(number: number, time: bigint): void {
    const account = this.state.accounts[number];
    if (account === undefined || number < 4 || time <= account.settled) return;
    const elapsed = time - account.settled;
    const factor = halving(elapsed, this.half);
    const fraction = (): bigint => (account.mintRest << 32n) / HOUR;
    const available = (): bigint => account.credits - account.debits - account.reserved;
    const before = (available() << 32n) + fraction() - account.evaporationRest;
    const total = account.mintRest + account.rate * elapsed;
    account.credits += total / HOUR;
    (this.state.accounts[0] as PlainAccount).debits += total / HOUR;
    account.mintRest = total % HOUR;
    const kept = floorDivide(before * factor, ONE);
    const grown = ((account.rate * this.half * (ONE - factor)) << 32n) / (LN2 * HOUR);
    const due = (available() << 32n) + fraction() - kept - grown;
    this.evaporate(account, due > 0n ? due : 0n);
    account.settled = time;
  }

  private dropForgotten(): void {
    for (const [id, { transfer, state }] of this.state.transfers) {
      if (transfer.id.position <= this.state.floor && state !== 'open') this.state.transfers.delete(id);
    }
  }
}

/** Whether two transfers ask for the same. */
function sameText(a: Transfer, b: Transfer): boolean {
  const text = ({ linked = false, balancing = false, pending, ...rest }: Transfer): string => {
    const sorted = Object.entries({ ...rest, id: idText(rest.id) }).sort(([x], [y]) => (x < y ? -1 : 1));
    return JSON.stringify([sorted, linked, balancing, pending === undefined ? '' : idText(pending)]);
  };
  return text(a) === text(b);
}
