/** A ledger that is made of a checkpoint does what the first one does, batch by batch. */
import { describe, expect, test } from 'vitest';
import { Random } from '../kernel/random.ts';
import { type ChainedBatch, HashChain } from './hash-chain.ts';
import { RandomClient } from './ledger.fixtures.ts';
import { Ledger } from './ledger.ts';
import { restoreLedger, type StoredCheckpoint, verifyLedger } from './verify-ledger.ts';

const HALF_LIFE = 1e10;

interface Life {
  readonly log: ChainedBatch[];
  readonly ledger: Ledger;
  readonly checkpoints: StoredCheckpoint[];
}

/** Calls of all kinds, with a checkpoint now and then. */
function randomLife(seed: number, calls = 400): Life {
  const rng = new Random(seed);
  const log: ChainedBatch[] = [];
  const chain = new HashChain();
  const ledger = new Ledger({ halfLifeMicros: HALF_LIFE, onBatch: (batch) => log.push(chain.append(batch)) });
  const checkpoints: StoredCheckpoint[] = [];
  const client = new RandomClient(rng, 3, 1e9);
  let time = 0;
  for (let call = 0; call < calls; call++) {
    time += rng.nextInt(3e8);
    const kind = rng.nextInt(12);
    if (call < 3) ledger.open(`tenant-${call}`, time);
    else if (kind === 0) ledger.forget(Math.max(0, client.position - 20), time);
    else if (kind === 1) ledger.settle(time);
    else if (kind === 2) ledger.expire(time);
    else ledger.apply(client.chain(), time);
    if (rng.nextInt(40) === 0)
      checkpoints.push({ count: log.length, head: chain.head, bytes: ledger.checkpoint() });
  }
  return { log, ledger, checkpoints };
}

describe('a checkpoint', () => {
  test('and the batches after it make the same ledger, which goes on in the same way', () => {
    for (let seed = 0; seed < 24; seed++) {
      const { log, ledger, checkpoints } = randomLife(seed);
      expect(checkpoints.length).toBeGreaterThan(2);
      const checkpoint = checkpoints[seed % checkpoints.length] as StoredCheckpoint;
      const stored = log.slice(checkpoint.count);
      const made: ChainedBatch[] = [];
      const chain = new HashChain();
      chain.head = log.at(-1)?.hash as ChainedBatch['hash'];
      const onBatch = (batch: { number: number; bytes: Uint8Array<ArrayBuffer> }): void => {
        made.push(chain.append(batch));
      };
      const restored = restoreLedger(stored, { onBatch }, checkpoint);
      expect(restored.checkpoint()).toEqual(ledger.checkpoint());
      expect(restored.dueMicros).toBe(ledger.dueMicros);
      // Both get the same calls from here.
      const end = log.length;
      const time = ledger.nowMicros;
      expect(randomTail(restored, seed, time)).toEqual(randomTail(ledger, seed, time));
      expect(made.length).toBeGreaterThan(20);
      expect(made).toEqual(log.slice(end));
      expect(restored.checkpoint()).toEqual(ledger.checkpoint());
    }
  });

  test('is compared with the ledger when its whole log is verified', () => {
    const { log, checkpoints } = randomLife(3);
    const [checkpoint] = checkpoints as [StoredCheckpoint];
    expect(verifyLedger(log, { checkpoint }).fault).toBeUndefined();
    for (const at of [20, 300, checkpoint.bytes.length - 1]) {
      const bytes = checkpoint.bytes.slice();
      bytes[at] = (bytes[at] as number) ^ 1;
      const { fault } = verifyLedger(log, { checkpoint: { ...checkpoint, bytes } });
      expect(fault).toMatchObject({ batch: checkpoint.count - 1, what: 'the checkpoint after it' });
    }
    const { fault } = verifyLedger(log.slice(0, checkpoint.count - 1), { checkpoint });
    expect(fault?.what).toBe('the batches before the checkpoint');
  });

  test('of another version, or cut short, is refused', () => {
    const { log, checkpoints } = randomLife(3);
    const [checkpoint] = checkpoints as [StoredCheckpoint];
    for (const bytes of [checkpoint.bytes.slice(0, 50), checkpoint.bytes.slice(0, -8), new Uint8Array(200)]) {
      expect(() => restoreLedger(log.slice(checkpoint.count), {}, { ...checkpoint, bytes })).toThrow(
        /got a checkpoint of version/,
      );
    }
  });
});

/** @returns Answers to the same calls, for every ledger with the same history. */
function randomTail(ledger: Ledger, seed: number, start: number): Uint8Array[] {
  const rng = new Random(seed, 3);
  const client = new RandomClient(rng, 3, 1e9);
  client.position = ledger.transfers.lastPosition + 1;
  const answers: Uint8Array[] = [];
  let time = start;
  for (let call = 0; call < 40; call++) {
    time += rng.nextInt(3e8);
    answers.push(ledger.apply(client.chain(), time));
  }
  return answers;
}
