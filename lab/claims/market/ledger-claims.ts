/**
 * T-25: the ledger's balances add up to exactly 0, after every transfer, crash and replay.
 *
 * @source theory §5 (double entry in integers).
 */
import type { Random } from '../../../src/kernel/random.ts';
import { type ChainedBatch, HashChain } from '../../../src/market/hash-chain.ts';
import { Ledger } from '../../../src/market/ledger.ts';
import { BURN, Code, MINT, TAX, type Transfer, TransferAction } from '../../../src/market/transfer.ts';
import { restoreLedger } from '../../../src/market/verify-ledger.ts';
import { type Claim, type Measurement, within } from '../claim.ts';

/** And in full. */
const WORLDS = [20, 200] as const;
const EVENTS = 5_000;
const TENANTS = 6;
const FIRST = 4;
const HALF_LIFE_MICROS = 6e8;
/** One event in this number is the last one before a crash. */
const EVENTS_PER_CRASH = 2_500;
/** Calls that a client does again after a crash; some of the last may not have been stored. */
const REPLAYED = 30;
const LOST_MAX = 4;
const PLAIN = {
  debit: 0,
  credit: 0,
  amount: 0,
  timeoutMicros: 0,
  code: Code.None,
  job: -1,
  quantity: 0,
  price: 0,
};

/** One call of a client. */
interface Call {
  readonly transfers: readonly Transfer[];
  readonly timeMicros: number;
}

/** A client that asks for transfers of all kinds, alone and in chains. */
class Client {
  private readonly random: Random;
  private position = 0;
  private readonly pending: Transfer['id'][] = [];

  constructor(random: Random) {
    this.random = random;
  }

  /** @returns One to four transfers, linked. */
  next(): Transfer[] {
    const length = this.random.nextInt(4) === 0 ? 1 + this.random.nextInt(4) : 1;
    return Array.from({ length }, (_, link) => ({ ...this.one(), linked: link + 1 < length }));
  }

  private one(): Transfer {
    const { random, pending } = this;
    const id = { position: this.position++, kind: 1, subject: 0 };
    const tenant = FIRST + random.nextInt(TENANTS);
    const amount = Math.floor(1e10 * random.nextDouble());
    switch (random.nextInt(8)) {
      case 0:
        return { ...PLAIN, id, action: TransferAction.SetMint, debit: MINT, credit: tenant, amount };
      case 1:
        return { ...PLAIN, id, action: TransferAction.Post, debit: MINT, credit: tenant, amount };
      case 2:
        return {
          ...PLAIN,
          id,
          action: TransferAction.Post,
          debit: tenant,
          credit: TAX,
          amount,
          balancing: true,
        };
      case 3:
      case 4: {
        const target = pending.splice(random.nextInt(Math.max(1, pending.length)), 1)[0];
        if (target === undefined) break;
        const isVoid = random.nextInt(3) === 0;
        const action = isVoid ? TransferAction.VoidPending : TransferAction.PostPending;
        return { ...PLAIN, id, action, pending: target, amount: isVoid ? 0 : Math.floor(amount / 2) };
      }
      default:
    }
    pending.push(id);
    if (pending.length > REPLAYED) pending.shift();
    const timeoutMicros = random.nextInt(3) === 0 ? 1 + random.nextInt(1e9) : 0;
    return { ...PLAIN, id, action: TransferAction.Pend, debit: tenant, credit: BURN, amount, timeoutMicros };
  }
}

/** What a world showed. */
interface Outcome {
  events: number;
  crashes: number;
  /** Events after which the sum was not 0, and crashes after which a balance was another one. */
  unbalanced: number;
  changed: number;
}

/** @param keepsIds False: a client that replays under new ids. */
function live(random: Random, events: number, keepsIds: boolean): Outcome {
  const outcome: Outcome = { events: 0, crashes: 0, unbalanced: 0, changed: 0 };
  const log: ChainedBatch[] = [];
  const chain = new HashChain();
  const onBatch = (batch: { number: number; bytes: Uint8Array<ArrayBuffer> }): void =>
    void log.push(chain.append(batch));
  let ledger = new Ledger({ halfLifeMicros: HALF_LIFE_MICROS, onBatch });
  for (let tenant = 0; tenant < TENANTS; tenant++) ledger.open(`team-${tenant}`, 0);
  const client = new Client(random);
  const recent: Call[] = [];
  let time = 0;
  while (outcome.events < events) {
    if (random.nextInt(4) === 0) time += random.nextInt(1e8);
    const call = { transfers: client.next(), timeMicros: time };
    ledger.apply(call.transfers, time);
    outcome.events += call.transfers.length;
    if (sumOf(ledger) !== 0) outcome.unbalanced++;
    recent.push(call);
    if (recent.length > REPLAYED) recent.shift();
    if (random.nextInt(EVENTS_PER_CRASH) !== 0) continue;
    outcome.crashes++;
    const before = balancesOf(ledger);
    log.length -= Math.min(random.nextInt(LOST_MAX), recent.length, log.length - TENANTS - 1);
    chain.head = (log.at(-1) as ChainedBatch).hash;
    ledger = restoreLedger(log, { onBatch });
    for (const { transfers, timeMicros } of recent) {
      ledger.apply(
        keepsIds ? transfers : transfers.map(renamed),
        keepsIds ? timeMicros : Math.max(time, ledger.nowMicros),
      );
      if (sumOf(ledger) !== 0) outcome.unbalanced++;
    }
    if (balancesOf(ledger) !== before) outcome.changed++;
    if (!keepsIds) break;
  }
  return outcome;
}

/** The same transfer under an id of its own, as a client without idempotent ids would send it. */
function renamed(transfer: Transfer): Transfer {
  return { ...transfer, id: { ...transfer.id, position: transfer.id.position + 2 ** 40 } };
}

/** Exact in doubles: no balance passes 2^53 here. */
function sumOf({ accounts }: Ledger): number {
  let sum = 0;
  for (let account = 0; account < accounts.count; account++) sum += accounts.balance(account);
  return sum;
}

function balancesOf(ledger: Ledger): string {
  return ledger.accounts.names
    .map((_, account) => `${ledger.view(account).balance}/${ledger.view(account).reserved}`)
    .join();
}

/** |Σ| of books in floating point after the same kind of life: tokens, not micro-tokens, and evaporation by a factor. */
function floatingDrift(random: Random): number {
  const balances = new Float64Array(FIRST + TENANTS);
  for (let event = 0; event < EVENTS; event++) {
    const tenant = FIRST + random.nextInt(TENANTS);
    const minted = 1e4 * random.nextDouble();
    const lost = (balances[tenant] as number) * 0.01 * random.nextDouble();
    balances[MINT] = (balances[MINT] as number) - minted;
    balances[BURN] = (balances[BURN] as number) + lost;
    balances[tenant] = (balances[tenant] as number) + minted - lost;
  }
  return Math.abs(balances.reduce((sum, balance) => sum + balance, 0));
}

/** T-25. */
export const LEDGER_ADDS_UP: Claim = {
  test: 'T-25',
  title: 'The ledger adds up to 0',
  claim:
    'The balances of all accounts add up to exactly 0 after each of 10⁶ random transfers (10⁵ without --full), through crashes that lose the end of the log; a client that does its last calls again gets back the balances that it had.',
  conditions:
    'One writer; a client that makes its ids out of its own events, and after a crash does all again that may not have been stored; refused, linked, partial, void, expired and balancing transfers among them.',
  notClaimed: 'Not that the disk keeps what it confirmed: the store has tests of its own.',
  quick: false,
  measure(random: Random, isFull = false): Measurement {
    const count = isFull ? WORLDS[1] : WORLDS[0];
    const worlds = Array.from({ length: count }, (_, world) => live(random.fork(world), EVENTS, true));
    const total = (of: (outcome: Outcome) => number): number =>
      worlds.reduce((sum, world) => sum + of(world), 0);
    const careless = Array.from({ length: 5 }, (_, world) =>
      live(random.fork(1_000 + world), EVENTS * 10, false),
    );
    return {
      checks: [
        within(
          'transfers after which the sum was not 0',
          total(({ unbalanced }) => unbalanced),
          0,
          0,
        ),
        within(
          `crashes (of ${total(({ crashes }) => crashes)}) after which a balance was another one`,
          total(({ changed }) => changed),
          0,
          0,
        ),
      ],
      controls: [
        within(
          'crashes after which a balance was another one, of a client that replays under new ids',
          careless.reduce((sum, { changed }) => sum + changed, 0),
          0,
          0,
        ),
        within('|Σ| of the same books in floating point, tokens', floatingDrift(random.fork(2_000)), 0, 0),
      ],
      notes: [`${total(({ events }) => events)} transfers in ${count} worlds.`],
    };
  },
};
