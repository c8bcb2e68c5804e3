import { describe, expect, test } from 'vitest';
import { Random } from '../kernel/random.ts';
import { grant } from './charges.ts';
import { type ChainedBatch, HashChain, hashText } from './hash-chain.ts';
import { at, RandomClient } from './ledger.fixtures.ts';
import { Ledger } from './ledger.ts';
import { faultText, restoreLedger, verifyLedger } from './verify-ledger.ts';

/** A log of all kinds of calls. */
function randomLog(seed: number, calls: number): { log: ChainedBatch[]; ledger: Ledger } {
  const rng = new Random(seed);
  const chain = new HashChain();
  const log: ChainedBatch[] = [];
  const ledger = new Ledger({ halfLifeMicros: 1e9, onBatch: (batch) => log.push(chain.append(batch)) });
  const client = new RandomClient(rng, 3, 1e6);
  for (const name of ['nlp', 'vision', 'робот']) ledger.open(name, 0);
  let time = 0;
  for (let call = 0; call < calls; call++) {
    time += rng.nextInt(2e8);
    if (rng.nextInt(10) === 0) ledger.settle(time);
    if (rng.nextInt(10) === 0) ledger.forget(Math.max(0, client.position - 30), time);
    if (rng.nextInt(10) === 0) ledger.expire(time);
    ledger.apply(client.chain(), time);
  }
  return { log, ledger };
}

/** A copy whose hashes fit again: what somebody would make who can write the whole log. */
function rechained(log: readonly ChainedBatch[]): ChainedBatch[] {
  const chain = new HashChain();
  return log.map((batch) => chain.append(batch));
}

function copyOf(log: readonly ChainedBatch[]): ChainedBatch[] {
  return log.map(({ number, bytes, hash }) => ({ number, bytes: bytes.slice(), hash: hash.slice() }));
}

describe('verifyLedger', () => {
  const { log, ledger } = randomLog(1, 150);
  const head = hashText(log.at(-1)?.hash as Uint8Array);

  test('finds a log right that is right, and computes the same ledger', () => {
    const report = verifyLedger(log, { head });
    expect(report).toMatchObject({ fault: undefined, batches: log.length, head });
    for (let account = 0; account < ledger.accounts.count; account++) {
      expect(report.ledger?.view(account)).toEqual(ledger.view(account));
    }
  });

  test('finds every bit that flips, at the batch where it is', () => {
    const rng = new Random(3);
    for (let round = 0; round < 150; round++) {
      const batch = rng.nextInt(log.length);
      const damaged = copyOf(log);
      const target = damaged[batch] as ChainedBatch;
      const bytes = rng.nextInt(8) === 0 ? target.hash : target.bytes;
      const byte = rng.nextInt(bytes.length);
      bytes[byte] = (bytes[byte] as number) ^ (1 << rng.nextInt(8));
      expect(verifyLedger(damaged).fault).toMatchObject({ batch, what: 'the hash does not fit' });
    }
  });

  test('finds batches that are left out, doubled, exchanged, or cut off', () => {
    const changed = (change: (copy: ChainedBatch[]) => void): string => {
      const copy = copyOf(log);
      change(copy);
      const { fault } = verifyLedger(copy, { head });
      return fault === undefined ? 'nothing' : faultText(fault);
    };
    expect(changed((copy) => void copy.splice(5, 1))).toMatch(
      /^batch 5: batches are missing.*number 6, expected 5$/,
    );
    expect(changed((copy) => void copy.splice(5, 0, copy[5] as ChainedBatch))).toMatch(
      /^batch 6: batches are missing/,
    );
    const exchange = (copy: ChainedBatch[]): void => {
      const [a, b] = [copy[5] as ChainedBatch, copy[6] as ChainedBatch];
      copy[5] = { ...b, number: 5 };
      copy[6] = { ...a, number: 6 };
    };
    expect(changed(exchange)).toMatch(/^batch 5: the hash does not fit/);
    expect(changed((copy) => void copy.pop())).toMatch(/does not end with the head that was given/);
    expect(changed(() => {})).toBe('nothing');
  });

  test('finds what was changed and chained again, and says which field of which transfer', () => {
    const rng = new Random(4);
    let found = 0;
    let harmless = 0;
    for (let round = 0; round < 300; round++) {
      const damaged = copyOf(log);
      const { bytes } = damaged[rng.nextInt(log.length)] as ChainedBatch;
      const byte = rng.nextInt(bytes.length);
      bytes[byte] = (bytes[byte] as number) ^ (1 << rng.nextInt(8));
      const { fault } = verifyLedger(rechained(damaged));
      if (fault === undefined) harmless++;
      else found++;
    }
    // What stays: another history that the rules allow too, for example another job's number. Only the head distinguishes it.
    expect(found).toBeGreaterThan(150);
    expect(found + harmless).toBe(300);
  });

  test('names the amount that was changed', () => {
    const chain = new HashChain();
    const short: ChainedBatch[] = [];
    const made = new Ledger({ halfLifeMicros: 1e9, onBatch: (batch) => short.push(chain.append(batch)) });
    const tenant = made.open('nlp', 0);
    made.apply([grant(at(0), tenant, 1_000)], 0);
    made.settle(1e9);
    const changeDouble = (batch: number, record: number, byte: number, value: number): string => {
      const damaged = copyOf(short);
      const { bytes } = damaged[batch] as ChainedBatch;
      new DataView(bytes.buffer).setFloat64(32 + 96 * record + byte, value, true);
      const { fault } = verifyLedger(rechained(damaged));
      return fault === undefined ? 'nothing' : faultText(fault);
    };
    // Half of it has evaporated; somebody writes that less did, or that more was granted than could move.
    expect(changeDouble(3, 0, 80, 400)).toBe(
      'batch 3, record 0: moved of transfer 3/255/0: got 400, expected 500',
    );
    expect(changeDouble(2, 0, 80, 900)).toBe(
      'batch 2, record 0: moved of transfer 0/1/0: got 900, expected 1000',
    );
    expect(changeDouble(2, 0, 40, -5)).toMatch(
      /^batch 2: it cannot be done again: got transfer 0\/1\/0: amount -5/,
    );
    expect(changeDouble(0, 0, 80, 1)).toBe(
      'batch 0: the half-life: got 1 µs, expected a second to 250 years',
    );
    expect(changeDouble(3, 0, 80, 500)).toBe('nothing');
  });

  test('a log that needs more room than it is given is not called wrong', () => {
    expect(() => verifyLedger(log, { transfersMax: 5 })).toThrow(
      expect.objectContaining({ code: 'TEG_LIMIT_REACHED' }),
    );
  });

  test('an empty log is not a ledger, and garbage is an error with a code', () => {
    expect(verifyLedger([])).toMatchObject({ batches: 0, fault: undefined, ledger: undefined });
    expect(() => restoreLedger([])).toThrow('the log is empty');
    const chain = new HashChain();
    const garbage = [chain.append({ number: 0, bytes: new Uint8Array(7) })];
    expect(() => restoreLedger(garbage)).toThrow(expect.objectContaining({ code: 'TEG_LEDGER_CORRUPT' }));
  });
});

test('a ledger that was restored goes on where the log ends', () => {
  const { log, ledger } = randomLog(2, 60);
  const chain = new HashChain();
  chain.head = (log.at(-1) as ChainedBatch).hash;
  const longer = [...log];
  const again = restoreLedger(log, { onBatch: (batch) => longer.push(chain.append(batch)) });
  const { length } = log;
  expect(longer).toHaveLength(length);
  for (const each of [again, ledger]) each.apply([grant(at(10_000), 4, 5)], 1e12);
  expect(again.view(4)).toEqual(ledger.view(4));
  expect(longer).toHaveLength(length + 1);
  expect(verifyLedger(longer).fault).toBeUndefined();
});
