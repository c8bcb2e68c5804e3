import { describe, expect, test } from 'vitest';
import { type Message, MessageKind } from '../../../governor/federation/messages.ts';
import { Random } from '../../../kernel/random.ts';
import { FaultCounts } from './fault-counts.ts';
import { FaultyNetwork } from './faulty-network.ts';
import { delayMaxOf, type NetworkFaults } from './scenario.ts';

const HEALTHY: NetworkFaults = {
  delayMinSeconds: 0.01,
  delayMeanSeconds: 0.1,
  lossRate: 0,
  duplicateRate: 0,
  clogsPerSecond: 0,
  clogMeanSeconds: 1,
  partitionsPerSecond: 0,
  partitionMeanSeconds: 1,
  oneWayShare: 0,
};

/** A network of four processes, and its deliveries. */
class Net {
  readonly sent: { readonly at: number; readonly message: Message }[] = [];
  readonly counts = new FaultCounts();
  readonly network: FaultyNetwork;

  constructor(faults: Partial<NetworkFaults> = {}) {
    this.network = new FaultyNetwork(
      { ...HEALTHY, ...faults },
      4,
      new Random(3),
      this.counts,
      (at, message) => this.sent.push({ at, message }),
    );
  }

  send(from = 0, to = 1, now = 0): void {
    this.network.send({ kind: MessageKind.Decline, from, to, job: 7, offer: 1 }, now);
  }

  count(kind: Parameters<FaultCounts['add']>[0]): number {
    return this.counts.record()[kind];
  }
}

describe('a message', () => {
  test('takes a random time within its bounds, and may overtake others', () => {
    const net = new Net();
    for (let i = 0; i < 200; i++) net.send();
    const times = net.sent.map(({ at }) => at);
    expect(times.length).toBe(200);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(HEALTHY.delayMinSeconds);
    expect(Math.max(...times)).toBeLessThanOrEqual(delayMaxOf(HEALTHY));
    expect(net.network.lastArrival).toBe(Math.max(...times));
    expect(net.count('message-overtakes')).toBeGreaterThan(50);
  });

  test('is lost or doubled as often as it should be', () => {
    const net = new Net({ lossRate: 0.25, duplicateRate: 0.1 });
    for (let i = 0; i < 4000; i++) {
      net.send(i % 3, 3);
      for (const { message } of net.sent.splice(0)) net.network.arrive(message);
    }
    expect(net.count('message-lost')).toBeGreaterThan(900);
    expect(net.count('message-lost')).toBeLessThan(1100);
    expect(net.count('message-doubled')).toBeGreaterThan(240);
    expect(net.count('message-doubled')).toBeLessThan(360);
    expect(net.network.inFlight).toBe(0);
  });

  test('is lost where a link carries too many', () => {
    const net = new Net();
    for (let i = 0; i < 300; i++) net.send();
    expect(net.sent.length).toBe(256);
    expect(net.count('link-overflow')).toBe(44);
    net.send(1, 0);
    expect(net.sent.length).toBe(257);
  });

  test('arrives once for each copy: more is a fault of the test bed', () => {
    const net = new Net();
    net.send();
    const { message } = net.sent[0] as { message: Message };
    expect(net.network.arrive(message)).toBe(true);
    expect(() => net.network.arrive(message)).toThrow(/never sent/);
  });
});

describe('a clogged link', () => {
  test('holds back messages sent over it until it is free', () => {
    const net = new Net();
    net.network.clog(0, 1, 50);
    net.send(0, 1);
    net.send(1, 0);
    net.send(0, 1, 60);
    const [held, back, later] = net.sent.map(({ at }) => at) as [number, number, number];
    expect(held).toBeGreaterThan(50);
    expect(back).toBeLessThan(5);
    expect(later).toBeLessThan(65);
    expect(net.count('message-held-back')).toBe(1);
  });
});

describe('a partition', () => {
  test('loses messages sent across it, and those that would arrive during it', () => {
    const net = new Net();
    net.send(0, 1);
    net.network.partition((process) => process === 0, false);
    net.send(0, 1);
    net.send(1, 0);
    net.send(1, 2);
    expect(net.sent.length).toBe(2);
    expect(net.sent.map(({ message }) => net.network.arrive(message))).toEqual([false, true]);
    expect(net.count('message-cut-off')).toBe(3);
    net.network.heal();
    net.send(0, 1);
    expect(net.sent.length).toBe(3);
  });

  test('may cut one way only', () => {
    const net = new Net();
    net.network.partition((process) => process === 0, true);
    net.send(0, 1);
    net.send(1, 0);
    expect(net.sent.map(({ message }) => message.from)).toEqual([1]);
    expect(net.count('partition-one-way')).toBe(1);
  });
});

test('a calm network has no faults', () => {
  const net = new Net({ lossRate: 0.9, duplicateRate: 0.9 });
  net.network.clog(0, 1, 1000);
  net.network.partition(() => true, false);
  net.network.calm();
  for (let i = 0; i < 100; i++) net.send();
  expect(net.sent.length).toBe(100);
  expect(Math.max(...net.sent.map(({ at }) => at))).toBeLessThanOrEqual(delayMaxOf(HEALTHY));
});
