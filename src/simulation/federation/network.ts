/**
 * The simulated network between processes: each message takes a random time, and may be lost or doubled.
 *
 * The draws come from a stream of the sender's own, in the order in which it sends, so they do not depend on how
 * processes are spread over threads. No message is faster than `delayMinSeconds`: that is how far threads may run apart.
 */

import { carriesSummaries } from '../../governor/federation/message-fields.ts';
import type { Message } from '../../governor/federation/messages.ts';
import { assert } from '../../kernel/assert.ts';
import { Random } from '../../kernel/random.ts';
import { TegError } from '../../model/errors.ts';
import { WireSizes } from './wire-sizes.ts';

/** The network's effects on messages. */
export interface NetworkOptions {
  /** Least time on the way; > 0. */
  readonly delayMinSeconds: number;
  /** Mean time on the way, ≥ the least; beyond the least it is exponential. */
  readonly delayMeanSeconds: number;
  /** Share of messages that never arrive, in [0, 1). */
  readonly lossRate: number;
  /** Share of messages that arrive twice, in [0, 1). */
  readonly duplicateRate: number;
}

/** A healthy data centre. */
export const NETWORK_DEFAULTS: NetworkOptions = {
  delayMinSeconds: 0.005,
  delayMeanSeconds: 0.01,
  lossRate: 0,
  duplicateRate: 0,
};

/** A message in transit. */
export interface Envelope {
  readonly arrivesAt: number;
  /** Number of the envelope among those of its sender; (arrivesAt, from, number) orders all envelopes. */
  readonly number: number;
  readonly message: Message;
}

/** Bytes of a message that is neither summary nor board, and of the head of those; see `docs/federation.md`. */
const HEADER_BYTES = 48;

/** Streams of the seed. */
const STREAM_NETWORK = 21;

/** Counts of one sender. */
export interface Traffic {
  messages: number;
  /** Summaries and boards. */
  summaryBytes: number;
  /** Everything else. */
  jobBytes: number;
}

/** Carries the messages of some processes. Single thread. */
export class Network {
  /** Since it was made. */
  readonly traffic: Traffic = { messages: 0, summaryBytes: 0, jobBytes: 0 };
  private readonly options: NetworkOptions;
  private readonly seed: number;
  private readonly streams: (Random | undefined)[] = [];
  private readonly numbers: number[] = [];
  private readonly sizes = new WireSizes();

  /** @throws TegError TEG_OPTION_INVALID. */
  constructor(options: NetworkOptions, seed: number) {
    checkNetwork(options);
    this.options = options;
    this.seed = seed;
  }

  /** Sends a message: adds none, one or two envelopes to `envelopes`. */
  send(message: Message, timeSeconds: number, envelopes: Envelope[]): void {
    const { delayMinSeconds, delayMeanSeconds, lossRate, duplicateRate } = this.options;
    const { from } = message;
    assert(from >= 0 && Number.isFinite(timeSeconds), 'a message from nobody, or at no time');
    const random = this.streamOf(from);
    this.count(message);
    if (lossRate > 0 && random.nextFloat() < lossRate) return;
    const copies = duplicateRate > 0 && random.nextFloat() < duplicateRate ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const delay = delayMinSeconds + (delayMeanSeconds - delayMinSeconds) * random.nextExponential();
      const number = (this.numbers[from] ?? 0) + 1;
      this.numbers[from] = number;
      envelopes.push({ arrivesAt: timeSeconds + delay, number, message });
    }
  }

  private count(message: Message): void {
    const { traffic } = this;
    traffic.messages++;
    if (!carriesSummaries(message.kind)) traffic.jobBytes += HEADER_BYTES;
    else traffic.summaryBytes += HEADER_BYTES + this.sizes.contentOf(message);
  }

  private streamOf(process: number): Random {
    let stream = this.streams[process];
    if (stream === undefined) {
      stream = new Random(this.seed, STREAM_NETWORK).fork(process);
      this.streams[process] = stream;
    }
    return stream;
  }
}

/** Orders envelopes as they are delivered, whatever thread they come from. */
export function compareEnvelopes(a: Envelope, b: Envelope): number {
  return a.arrivesAt - b.arrivesAt || a.message.from - b.message.from || a.number - b.number;
}

function checkNetwork(options: NetworkOptions): void {
  const { delayMinSeconds, delayMeanSeconds, lossRate, duplicateRate } = options;
  const bad = (what: string, value: number, expected: string): TegError =>
    new TegError('TEG_OPTION_INVALID', `${what} is ${value}; expected ${expected}: correct it`);
  if (!(delayMinSeconds > 0)) throw bad('the least message delay', delayMinSeconds, 'more than 0 s');
  if (!(delayMeanSeconds >= delayMinSeconds && delayMeanSeconds < Infinity)) {
    throw bad('the mean message delay', delayMeanSeconds, `at least the least one, ${delayMinSeconds} s`);
  }
  if (!(lossRate >= 0 && lossRate < 1)) throw bad('the share of lost messages', lossRate, 'one in [0, 1)');
  if (!(duplicateRate >= 0 && duplicateRate < 1)) {
    throw bad('the share of doubled messages', duplicateRate, 'one in [0, 1)');
  }
}
