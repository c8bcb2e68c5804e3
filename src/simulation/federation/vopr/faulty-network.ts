/**
 * A network that delays, loses, doubles, reorders and holds back messages, and falls apart.
 *
 * Each link (sender, receiver) has its own delays. Messages overtake each other because delays are random. A partition
 * loses messages sent across it and those that would arrive during it.
 */
import { MESSAGE_NAMES, type Message } from '../../../governor/federation/messages.ts';
import { assert } from '../../../kernel/assert.ts';
import type { Random } from '../../../kernel/random.ts';
import type { FaultCounts } from './fault-counts.ts';
import { DELAY_MEANS_MAX, LINK_FACTOR_MAX, type NetworkFaults } from './scenario.ts';
import { ensure } from './violation.ts';

/** Most messages that a link carries at once; more are lost, as by a full socket buffer. */
const LINK_MESSAGES_MAX = 256;

/** The network of one run. */
export class FaultyNetwork {
  /** Messages in transit. */
  inFlight = 0;
  /** Arrival time of the last of all sent messages. */
  lastArrival = 0;
  /** Partitions so far. */
  partitions = 0;
  private readonly faults: NetworkFaults;
  private readonly processes: number;
  private readonly random: Random;
  private readonly counts: FaultCounts;
  /** Called for each copy that is sent. */
  private readonly deliverAt: (timeSeconds: number, message: Message) => void;
  /** By link: from × processes + to. */
  private readonly meanFactors: Float64Array;
  private readonly clogged: Float64Array;
  private readonly lastArrivals: Float64Array;
  private readonly carried: Int32Array;
  /** 1: in the part that is cut off; all 0: no partition. */
  private readonly part: Uint8Array;
  private partOneWay = false;
  private partitioned = false;
  private isCalm = false;

  constructor(
    faults: NetworkFaults,
    processes: number,
    random: Random,
    counts: FaultCounts,
    deliverAt: (timeSeconds: number, message: Message) => void,
  ) {
    this.faults = faults;
    this.processes = processes;
    this.random = random;
    this.counts = counts;
    this.deliverAt = deliverAt;
    const links = processes * processes;
    this.meanFactors = new Float64Array(links);
    this.clogged = new Float64Array(links);
    this.lastArrivals = new Float64Array(links);
    this.carried = new Int32Array(links);
    this.part = new Uint8Array(processes);
  }

  /** Sends a message: it arrives never, once or twice. */
  send(message: Message, timeSeconds: number): void {
    const { faults, random, counts, isCalm, processes } = this;
    assert(message.from < processes && message.to < processes, 'a link between processes that do not exist');
    const link = message.from * processes + message.to;
    if (this.isCut(message.from, message.to)) {
      counts.add('message-cut-off');
      return;
    }
    if (!isCalm && faults.lossRate > 0 && random.nextFloat() < faults.lossRate) {
      counts.add('message-lost');
      return;
    }
    this.carry(link, message, timeSeconds);
    if (isCalm || faults.duplicateRate === 0 || random.nextFloat() >= faults.duplicateRate) return;
    counts.add('message-doubled');
    this.carry(link, message, timeSeconds);
  }

  /** A copy arrives. @returns True if it gets through. */
  arrive(message: Message): boolean {
    const link = message.from * this.processes + message.to;
    this.inFlight--;
    const left = (this.carried[link] as number) - 1;
    ensure(left >= 0, () => `a ${MESSAGE_NAMES[message.kind]} arrived that was never sent`);
    this.carried[link] = left;
    if (!this.isCut(message.from, message.to)) return true;
    this.counts.add('message-cut-off');
    return false;
  }

  /** A link holds back its messages. */
  clog(from: number, to: number, untilSeconds: number): void {
    assert(from < this.processes && to < this.processes, 'a link between processes that do not exist');
    this.clogged[from * this.processes + to] = untilSeconds;
    this.counts.add('link-clogged');
  }

  /** Starts a partition. @param oneWay Only messages out of the part are lost. */
  partition(isInPart: (process: number) => boolean, oneWay: boolean): void {
    for (let process = 0; process < this.processes; process++) this.part[process] = isInPart(process) ? 1 : 0;
    this.partOneWay = oneWay;
    this.partitioned = true;
    this.partitions++;
    this.counts.add(oneWay ? 'partition-one-way' : 'partition');
  }

  /** The partition ends. */
  heal(): void {
    this.partitioned = false;
  }

  /** No more faults from now on; messages in transit still arrive at their time. */
  calm(): void {
    this.heal();
    this.isCalm = true;
  }

  private carry(link: number, message: Message, timeSeconds: number): void {
    if ((this.carried[link] as number) >= LINK_MESSAGES_MAX) {
      this.counts.add('link-overflow');
      return;
    }
    const { delayMinSeconds, delayMeanSeconds } = this.faults;
    const mean = delayMeanSeconds * this.factorOf(link);
    let arrival =
      timeSeconds + delayMinSeconds + mean * Math.min(DELAY_MEANS_MAX, this.random.nextExponential());
    const until = this.isCalm ? 0 : (this.clogged[link] as number);
    if (until > timeSeconds) {
      arrival += until - timeSeconds;
      this.counts.add('message-held-back');
    }
    if (arrival < (this.lastArrivals[link] as number)) this.counts.add('message-overtakes');
    else this.lastArrivals[link] = arrival;
    this.carried[link] = (this.carried[link] as number) + 1;
    this.inFlight++;
    this.lastArrival = Math.max(this.lastArrival, arrival);
    this.deliverAt(arrival, message);
  }

  /** Links differ. Drawn when first used. */
  private factorOf(link: number): number {
    let factor = this.meanFactors[link] as number;
    if (factor === 0) {
      factor = LINK_FACTOR_MAX ** (2 * this.random.nextFloat() - 1);
      this.meanFactors[link] = factor;
    }
    return factor;
  }

  private isCut(from: number, to: number): boolean {
    if (!this.partitioned || this.part[from] === this.part[to]) return false;
    return !this.partOneWay || this.part[from] === 1;
  }
}
