/** For the tests of the writes: time that moves on command, and an API client whose answers are scripted. */
import assert from 'node:assert/strict';
import type { ApiAnswer, ApiClient, ApiRequest } from '../client/api.ts';
import { type TypedObject, writeObject } from '../client/protobuf/message-writer.ts';
import { readBack } from '../client/protobuf/protobuf.fixtures.ts';
import type { WriteClock } from './write-clock.ts';

/** As the client's error of that name: surely not done. */
export class NotSent extends Error {
  override readonly name = 'ApiNotSentError';
}

/** As the client's error of that name: outcome unknown. */
export class Unknown extends Error {
  override readonly name = 'ApiUnknownError';
}

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** @returns Settles after the pending promises and immediates. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Time by hand. */
export class VirtualClock implements WriteClock {
  #now = 1000;
  readonly #timers = new Set<Timer>();

  nowSeconds(): number {
    return this.#now;
  }

  wallSeconds(): number {
    return 1_700_000_000 + this.#now;
  }

  setTimer(seconds: number, callback: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, seconds), callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** When the next timer is due, `nowSeconds`; Infinity: none. */
  get next(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const timer of this.#timers) next = Math.min(next, timer.at);
    return next;
  }

  /** Moves time without running timers: what a suspended process sees. */
  jump(seconds: number): void {
    this.#now += seconds;
  }

  /** Runs everything due until then, in order, promises in between. */
  async advance(seconds: number): Promise<void> {
    const until = this.#now + seconds;
    await settle();
    while (this.next <= until) {
      this.#runNext();
      await settle();
    }
    this.#now = Math.max(this.#now, until);
    await settle();
  }

  /**
   * Moves from timer to timer until the promise is settled. @throws Error if there is nothing left to wait for, or
   * after too long.
   */
  async untilDone<Value>(promise: Promise<Value>, secondsMax = 10_000): Promise<Value> {
    let done = false;
    promise.then(
      () => {
        done = true;
      },
      () => {
        done = true;
      },
    );
    const until = this.#now + secondsMax;
    await settle();
    while (!done) {
      if (this.next === Number.POSITIVE_INFINITY) throw new Error('nothing to wait for, and not done');
      if (this.next > until) throw new Error(`not done after ${secondsMax} seconds`);
      this.#runNext();
      await settle();
    }
    return promise;
  }

  #runNext(): void {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (first === undefined || timer.at < first.at) first = timer;
    if (first === undefined) return;
    this.#timers.delete(first);
    this.#now = Math.max(this.#now, first.at);
    first.callback();
  }
}

/** @returns An answer. */
export function answer(status: number, body: unknown = {}, retryAfterSeconds = Number.NaN): ApiAnswer {
  return { status, body, retryAfterSeconds };
}

/** A field of a body that its schema does not name would be lost silently. */
function assertSchemaNamesAll({ body, schema }: ApiRequest): void {
  if (schema === undefined) return;
  const asJson: unknown = JSON.parse(JSON.stringify(body));
  assert.deepEqual(readBack(writeObject(body as TypedObject, schema), schema), asJson);
}

/** A client that calls a function; records the requests, and the largest number in flight. */
export class ScriptedClient implements ApiClient {
  readonly requests: ApiRequest[] = [];
  inFlight = 0;
  inFlightMax = 0;
  readonly #handle: (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>;

  constructor(handle: (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>) {
    this.#handle = handle;
  }

  async request(request: ApiRequest): Promise<ApiAnswer> {
    this.requests.push(request);
    assertSchemaNamesAll(request);
    this.inFlight++;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
    try {
      return await this.#handle(request);
    } finally {
      this.inFlight--;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The requests, as `METHOD path`. */
  get asked(): string[] {
    return this.requests.map(({ method, path }) => `${method} ${path}`);
  }
}
