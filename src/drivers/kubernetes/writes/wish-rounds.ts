/**
 * Writes that are noted in rounds and carried out at a pace: what a round finds changed is a wish, by the object's key, and a later
 * round's wish takes the place of an earlier one that is not being written yet.
 *
 * Invariants: at most one write of an object at a time; each write is tried once, since a later round makes another; nothing is
 * written without `mayWrite`, nor after `stop`. Bounded by the number of keys.
 */
import type { ApiAnswer, ApiClient, ApiRequest } from '../client/api.ts';
import { PacedSender } from './paced-sender.ts';
import { askedWaitSeconds, requestWithRetries } from './retrying-request.ts';
import { Waits, type WriteClock } from './write-clock.ts';

const TIMEOUT_SECONDS = 15;

/** Dependencies of such a writer. */
export interface WishPorts {
  readonly client: ApiClient;
  readonly clock: WriteClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** True if this process leads, and the lease is surely held. */
  readonly mayWrite: () => boolean;
  /** True if bindings leave room now; otherwise one write a second at most. */
  readonly mayRun: () => boolean;
}

/** How often and how fast. */
export interface WishPace {
  /** Seconds between rounds. */
  readonly roundSeconds: number;
  readonly inFlightMax: number;
  readonly perSecondMax: number;
}

/** What its owner does. */
export interface WishWork<Wish> {
  /** Notes which wishes there are now. */
  round(): void;
  /** Carries one out; the key is busy meanwhile. */
  write(key: string, wish: Wish): Promise<void>;
}

/** See the head of the file. `start` once, `stop` once. */
export class WishRounds<Wish> {
  /** By key, the first one next. */
  readonly wishes = new Map<string, Wish>();
  private readonly busy = new Set<string>();
  private readonly ports: WishPorts;
  private readonly roundSeconds: number;
  private readonly work: WishWork<Wish>;
  private readonly sender: PacedSender;
  private readonly waits: Waits;
  private isStopped = false;
  private cancelRound: () => void = () => {};

  constructor(ports: WishPorts, { roundSeconds, inFlightMax, perSecondMax }: WishPace, work: WishWork<Wish>) {
    this.ports = ports;
    this.roundSeconds = roundSeconds;
    this.work = work;
    this.waits = new Waits(ports.clock);
    const { wishes } = this;
    const pace = { inFlightMax, perSecondMax, perSecondMin: 1, mayRun: ports.mayRun };
    this.sender = new PacedSender(ports.clock, pace, {
      get size() {
        return wishes.size;
      },
      start: () => this.writeNext(),
      idle: () => {},
    });
  }

  /** Begins with the rounds. */
  start(): void {
    if (this.isStopped) return;
    this.cancelRound = this.ports.clock.setTimer(this.roundSeconds, () => {
      this.work.round();
      this.start();
    });
  }

  /** Ends it; a write in flight ends on its own. */
  stop(): void {
    this.isStopped = true;
    this.cancelRound();
    this.wishes.clear();
    this.waits.endAll();
  }

  /** There are wishes: carries out what the pace allows. */
  wake(): void {
    this.sender.wake();
  }

  /** @returns Whether a key is being written. */
  isBusy(key: string): boolean {
    return this.busy.has(key);
  }

  /** One try. @returns Undefined: not sent, or not answered. */
  ask(request: ApiRequest): Promise<ApiAnswer | undefined> {
    const { client, random, mayWrite } = this.ports;
    return requestWithRetries(
      {
        client,
        waits: this.waits,
        random,
        attemptsMax: 1,
        backOff: { secondsFirst: 1, secondsMax: 1 },
        keepOn: () => !this.isStopped && mayWrite(),
        onPassing: (answer) => {
          const seconds = askedWaitSeconds(answer);
          if (seconds >= 0) this.sender.pause(seconds);
        },
      },
      { timeoutSeconds: TIMEOUT_SECONDS, ...request },
    );
  }

  private async writeNext(): Promise<void> {
    const [next] = this.wishes;
    if (next === undefined) return;
    const [key, wish] = next;
    this.wishes.delete(key);
    this.busy.add(key);
    await this.work.write(key, wish);
    this.busy.delete(key);
  }
}
