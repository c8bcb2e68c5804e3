/** Both simulated networks under the same laws: that of federations, and the faulty one of VOPR. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../src/kernel/random.ts';
import { type Envelope, Network } from '../../src/simulation/federation/network.ts';
import { FaultCounts } from '../../src/simulation/federation/vopr/fault-counts.ts';
import { FaultyNetwork } from '../../src/simulation/federation/vopr/faulty-network.ts';
import {
  checkDelivery,
  checkDeterminism,
  checkFaults,
  checkOvertaking,
  type MakeTestNetwork,
  TEST_NETWORK_PROCESSES,
  type TestCopy,
} from './network.laws.ts';

const healthy: MakeTestNetwork = (faults, seed) => {
  const network = new Network(faults, seed);
  return {
    send: (message, timeSeconds) => {
      const envelopes: Envelope[] = [];
      network.send(message, timeSeconds, envelopes);
      return envelopes;
    },
  };
};

const faulty: MakeTestNetwork = (faults, seed) => {
  const none = {
    clogsPerSecond: 0,
    clogMeanSeconds: 1,
    partitionsPerSecond: 0,
    partitionMeanSeconds: 1,
    oneWayShare: 0,
  };
  const copies: TestCopy[] = [];
  const network = new FaultyNetwork(
    { ...faults, ...none },
    TEST_NETWORK_PROCESSES,
    new Random(seed),
    new FaultCounts(),
    (arrivesAt, message) => copies.push({ arrivesAt, message }),
  );
  return {
    send: (message, timeSeconds) => {
      copies.length = 0;
      network.send(message, timeSeconds);
      expect(network.inFlight).toBe(copies.length);
      for (const copy of copies) expect(network.arrive(copy.message)).toBe(true);
      return [...copies];
    },
  };
};

describe.each([
  ['Network', healthy],
  ['FaultyNetwork', faulty],
])('%s', (_, make) => {
  test('delivers each message once, unchanged, and not too early', () => checkDelivery(make));
  test('loses and doubles only what it is asked to', () => checkFaults(make));
  test('gives the same run for the same seed', () => checkDeterminism(make));
  test('promises no order', () => checkOvertaking(make));
});
