/**
 * Laws of a simulated network: what is sent without faults arrives, once, unchanged and not too early; copies and losses
 * occur only if they are injected; nothing else arrives; no order is promised; and a seed gives one run.
 */
import fc from 'fast-check';
import { expect } from 'vitest';
import { type Message, MessageKind } from '../../src/governor/federation/messages.ts';
import { checkProperty } from '../support/properties.ts';

/** Processes of a test network: 0 up to this. */
export const TEST_NETWORK_PROCESSES = 4;

/** Faults that every simulated network can inject. */
interface TestFaults {
  readonly delayMinSeconds: number;
  readonly delayMeanSeconds: number;
  readonly lossRate: number;
  readonly duplicateRate: number;
}

/** A copy of a message in transit. */
export interface TestCopy {
  readonly arrivesAt: number;
  readonly message: Message;
}

/** A network between TEST_NETWORK_PROCESSES processes. */
interface TestNetwork {
  /** @returns The copies of the message that are now in transit. */
  send(message: Message, timeSeconds: number): readonly TestCopy[];
}

/** Makes a network. */
export type MakeTestNetwork = (faults: TestFaults, seed: number) => TestNetwork;

/** Few enough for one link to carry all of them at once. */
const MESSAGES_MAX = 200;

const DELAYS = { delayMinSeconds: 0.25, delayMeanSeconds: 2 };
const NO_FAULTS: TestFaults = { ...DELAYS, lossRate: 0, duplicateRate: 0 };

interface Sending {
  readonly from: number;
  readonly to: number;
  readonly pauseSeconds: number;
}

const process = fc.nat(TEST_NETWORK_PROCESSES - 1);
const sendings = fc.array(
  fc.record<Sending>({ from: process, to: process, pauseSeconds: fc.constantFrom(0, 0, 0.01, 3) }),
  { maxLength: MESSAGES_MAX, size: 'max' },
);
const rate = fc.constantFrom(0, 0.2, 0.9);
const seeds = fc.nat(2 ** 31);

/** @returns For each sending the ages of its copies at their arrival. Message n has job n. */
function agesOf(network: TestNetwork, all: readonly Sending[]): number[][] {
  let now = 100;
  return all.map(({ from, to, pauseSeconds }, job) => {
    now += pauseSeconds;
    const message: Message = { kind: MessageKind.Gone, from, to, job, offer: 1 };
    const before = JSON.stringify(message);
    return network.send(message, now).map((copy) => {
      expect(JSON.stringify(copy.message), 'a copy is the message that was sent').toBe(before);
      return copy.arrivesAt - now;
    });
  });
}

/** A message arrives once; late enough. */
export function checkDelivery(make: MakeTestNetwork): void {
  checkProperty(
    fc.property(sendings, seeds, (all, seed) => {
      for (const ages of agesOf(make(NO_FAULTS, seed), all)) {
        expect(ages).toHaveLength(1);
        expect(ages[0]).toBeGreaterThanOrEqual(DELAYS.delayMinSeconds - 1e-9);
        expect(ages[0]).toBeLessThan(Number.POSITIVE_INFINITY);
      }
    }),
  );
}

/** No copy without duplication, no loss without losses; at most two copies, each late enough. */
export function checkFaults(make: MakeTestNetwork): void {
  const seen = { lost: 0, doubled: 0 };
  checkProperty(
    fc.property(sendings, seeds, rate, rate, (all, seed, lossRate, duplicateRate) => {
      for (const ages of agesOf(make({ ...DELAYS, lossRate, duplicateRate }, seed), all)) {
        if (lossRate === 0) expect(ages.length).toBeGreaterThanOrEqual(1);
        expect(ages.length).toBeLessThanOrEqual(duplicateRate === 0 ? 1 : 2);
        for (const age of ages) expect(age).toBeGreaterThanOrEqual(DELAYS.delayMinSeconds - 1e-9);
        if (ages.length === 0) seen.lost++;
        if (ages.length === 2) seen.doubled++;
      }
    }),
    { afterFixed: () => expect(Math.min(seen.lost, seen.doubled)).toBeGreaterThan(0) },
  );
}

/** The same seed and messages give the same arrivals; another seed gives others. */
export function checkDeterminism(make: MakeTestNetwork): void {
  checkProperty(
    fc.property(sendings, seeds, rate, rate, (all, seed, lossRate, duplicateRate) => {
      const faults = { ...DELAYS, lossRate, duplicateRate };
      const ages = agesOf(make(faults, seed), all);
      expect(agesOf(make(faults, seed), all)).toEqual(ages);
      if (ages.flat().length > 0) expect(agesOf(make(faults, seed + 1), all)).not.toEqual(ages);
    }),
  );
}

/** Of many messages at short intervals on one link some overtake others: receivers must not rely on an order. */
export function checkOvertaking(make: MakeTestNetwork): void {
  const all = Array.from({ length: MESSAGES_MAX }, () => ({ from: 0, to: 1, pauseSeconds: 0.01 }));
  const arrivals = agesOf(make(NO_FAULTS, 1), all).map(([age = 0], job) => job * 0.01 + age);
  const overtaken = arrivals.filter((at, job) => job > 0 && at < (arrivals[job - 1] as number)).length;
  expect(overtaken).toBeGreaterThan(MESSAGES_MAX / 10);
}
