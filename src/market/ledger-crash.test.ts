/**
 * T-25: the balances add up to exactly 0 after each of 10^6 random events, through crashes and replays.
 */
import { expect, test } from 'vitest';
import { assert } from '../kernel/assert.ts';
import { Random } from '../kernel/random.ts';
import { type ChainedBatch, HashChain } from './hash-chain.ts';
import { RandomClient } from './ledger.fixtures.ts';
import { Ledger } from './ledger.ts';
import { checkLedger } from './ledger-check.ts';
import type { Transfer } from './transfer.ts';
import { restoreLedger } from './verify-ledger.ts';

const WORLDS = 50;
const EVENTS = 20_000;
const TENANTS = 6;
/** One call in this number is the last one before a crash: once or twice in a world. */
const CALLS_PER_CRASH = 9_000;
/** Calls that a client does again after a crash; the last of them may not have been stored. */
const REPLAYED = 30;
const HALF_LIFE_MICROS = 6e8;

interface Call {
  readonly transfers: readonly Transfer[];
  readonly timeMicros: number;
  readonly answers: Uint8Array;
}

/** A client, its ledger, and the log that survives. */
class World {
  readonly log: ChainedBatch[] = [];
  ledger: Ledger;
  events = 0;
  crashes = 0;
  private readonly rng: Random;
  private readonly chain = new HashChain();
  private readonly client: RandomClient;
  private recent: Call[] = [];
  private time = 0;

  constructor(seed: number) {
    this.rng = new Random(seed, 17);
    this.client = new RandomClient(this.rng, TENANTS, 10 ** (1 + this.rng.nextInt(12)));
    this.ledger = new Ledger({ halfLifeMicros: HALF_LIFE_MICROS, onBatch: (batch) => this.store(batch) });
    for (let tenant = 0; tenant < TENANTS; tenant++) this.ledger.open(`tenant-${tenant}`, 0);
  }

  step(): void {
    const { rng } = this;
    if (rng.nextInt(4) === 0) this.time += rng.nextInt(1e8);
    const transfers = this.client.chain();
    const answers = this.ledger.apply(transfers, this.time);
    this.events += transfers.length;
    this.checkSum();
    this.recent.push({ transfers, timeMicros: this.time, answers });
    if (this.recent.length > REPLAYED) this.recent.shift();
    const { position } = this.client;
    if (position > 1_000 && rng.nextInt(500) === 0) this.ledger.forget(position - 1_000, this.time);
    if (rng.nextInt(CALLS_PER_CRASH) === 0) this.crash();
  }

  private store(batch: { number: number; bytes: Uint8Array<ArrayBuffer> }): void {
    this.log.push(this.chain.append(batch));
  }

  /** Loses the memory, and the end of the log that was not acknowledged; then the client does its last calls again. */
  private crash(): void {
    this.crashes++;
    const before = this.balances();
    const lost = Math.min(this.rng.nextInt(4), this.recent.length, this.log.length - TENANTS - 1);
    this.log.length -= lost;
    this.chain.head = (this.log.at(-1) as ChainedBatch).hash;
    this.ledger = restoreLedger(this.log, { onBatch: (batch) => this.store(batch) });
    this.checkSum();
    for (const { transfers, timeMicros, answers } of this.recent) {
      expect([...this.ledger.apply(transfers, timeMicros)]).toEqual([...answers]);
      this.checkSum();
    }
    expect(this.balances()).toEqual(before);
  }

  private balances(): [bigint, number][] {
    const { ledger } = this;
    return ledger.accounts.names.map((_, account) => {
      const { balance, reserved } = ledger.view(account);
      return [balance, reserved];
    });
  }

  /** Exact in doubles: no balance of these worlds passes 2^53. `expect` would take longer than the ledger. */
  private checkSum(): void {
    const { accounts } = this.ledger;
    let sum = 0;
    for (let account = 0; account < accounts.count; account++) sum += accounts.balance(account);
    assert(sum === 0, 'the balances do not add up to 0');
  }
}

test('Σ of all accounts is 0 after each of 10^6 random events, with crashes and replays', () => {
  let events = 0;
  let crashes = 0;
  for (let seed = 0; seed < WORLDS; seed++) {
    const world = new World(seed);
    while (world.events < EVENTS) world.step();
    checkLedger(world.ledger);
    events += world.events;
    crashes += world.crashes;
  }
  expect(events).toBeGreaterThanOrEqual(1e6);
  expect(crashes).toBeGreaterThan(20);
});
