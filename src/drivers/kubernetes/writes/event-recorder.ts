/**
 * Reports to people: Events behind a bounded queue, written when binds leave room, equal ones as a series.
 *
 * Why not at once: half of a pod's cost to the API server is its `Scheduled` event, and no caller waits for it.
 * Invariants: at most `queueMax` wait; each is written, merged into an equal one, or counted as dropped, refused or
 * failed. A name is chosen once and kept in all tries, so that a lost answer makes no second event.
 */
import { assert } from '../../../kernel/assert.ts';
import type { ApiAnswer, ApiClient, ApiRequest } from '../client/api.ts';
import { eventBody, eventKey, eventName, eventNamespace, seriesBody, type TellEvent } from './event-body.ts';
import { Fifo } from './fifo.ts';
import { PacedSender } from './paced-sender.ts';
import { answerText, askedWaitSeconds, type BackOff, requestWithRetries } from './retrying-request.ts';
import { Waits, type WriteClock } from './write-clock.ts';
import { EVENT } from './written-schemas.ts';

/** Dependencies of the recorder, and its bounds. */
export interface EventRecorderOptions {
  readonly client: ApiClient;
  readonly clock: WriteClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** `reportingInstance`: the replica that reports it. */
  readonly instance: string;
  /** `reportingController`; default `teg-scheduler`. */
  readonly controller?: string;
  /** True if binds leave room now; default always. */
  readonly mayRun?: () => boolean;
  /** Most events that wait; when the queue is full the oldest is dropped. Default 20,000. */
  readonly queueMax?: number;
  /** Most writes at a time; default 16. */
  readonly inFlightMax?: number;
  /** Most writes a second; default 1,000. */
  readonly perSecondMax?: number;
  /** Writes a second that are guaranteed whatever `mayRun` says; default 20. */
  readonly perSecondMin?: number;
  /** An equal event within this many seconds of the last one is counted instead of reported again; default 600. */
  readonly seriesSeconds?: number;
  /** A series is written at most this often; default 30 s. */
  readonly seriesWriteSeconds?: number;
  /**
   * Most events that are kept for that; default 50,000: those of as many waiting pods, renewed every five minutes, stay
   * one event each.
   */
  readonly rememberedMax?: number;
  /** Tries for one write; default 16: an API server that is away for a minute loses no event, one that refuses keeps its place for about two. */
  readonly attemptsMax?: number;
  readonly backOff?: BackOff;
  /** Called with the reason why an event could not be written. */
  readonly onWriteError?: (event: TellEvent, text: string) => void;
}

/** Counts since the start. `recorded` = created + merged + dropped + refused + failed, and those that still wait. */
export interface EventCounts {
  readonly recorded: number;
  /** Written as an event of their own. */
  readonly created: number;
  /** Counted in an equal event. */
  readonly merged: number;
  /** Writes of a series. */
  readonly patched: number;
  /** Lost because the queue was full. */
  readonly dropped: number;
  /** The namespace is gone or going, or there is no right to write there. */
  readonly refused: number;
  /** Not written in all tries, or malformed to the server. */
  readonly failed: number;
}

/** An event and its count. */
interface Entry {
  readonly event: TellEvent;
  readonly key: string;
  readonly name: string;
  readonly firstWallSeconds: number;
  lastWallSeconds: number;
  /** `nowSeconds` of the last one. */
  lastSeen: number;
  count: number;
  /** Count known to the server; 0: the server has no such event yet. */
  written: number;
  /** `nowSeconds` of the last write. */
  writtenAt: number;
  /** Waits in the queue or is being written. */
  busy: boolean;
  /** Waits for its next write of the series. */
  cancelDue: (() => void) | undefined;
}

/** Records events; see the head of the file. */
export class EventRecorder {
  readonly #options: Required<Omit<EventRecorderOptions, 'onWriteError'>> &
    Pick<EventRecorderOptions, 'onWriteError'>;
  readonly #queue = new Fifo<Entry>();
  /** By key, the one seen longest ago first. */
  readonly #remembered = new Map<string, Entry>();
  readonly #sender: PacedSender;
  readonly #waits: Waits;
  readonly #idleListeners = new Set<() => void>();
  #lastStamp = 0n;
  #flushing = false;
  readonly #counts = { recorded: 0, created: 0, merged: 0, patched: 0, dropped: 0, refused: 0, failed: 0 };

  constructor(options: EventRecorderOptions) {
    this.#options = {
      controller: 'teg-scheduler',
      mayRun: () => true,
      queueMax: 20_000,
      inFlightMax: 16,
      perSecondMax: 1000,
      perSecondMin: 20,
      seriesSeconds: 600,
      seriesWriteSeconds: 30,
      rememberedMax: 50_000,
      attemptsMax: 16,
      backOff: { secondsFirst: 0.5, secondsMax: 15 },
      ...options,
    };
    assert(this.#options.queueMax >= 1, 'a queue has room for one');
    const queue = this.#queue;
    this.#sender = new PacedSender(options.clock, this.#options, {
      get size() {
        return queue.size;
      },
      start: () => this.#write(queue.shift()!),
      idle: () => {
        for (const listener of this.#idleListeners) listener();
        this.#idleListeners.clear();
      },
    });
    this.#waits = new Waits(options.clock);
  }

  /** Writes that wait. */
  get queued(): number {
    return this.#queue.size;
  }

  /** Writes in flight. */
  get inFlight(): number {
    return this.#sender.inFlight;
  }

  /** A copy of the counts. */
  get counts(): EventCounts {
    return { ...this.#counts };
  }

  /** Takes an event; never blocks, never fails. O(1). */
  record(event: TellEvent): void {
    this.#counts.recorded++;
    const { clock, seriesSeconds } = this.#options;
    const now = clock.nowSeconds();
    const key = event.once === true ? '' : eventKey(event);
    const known = event.once === true ? undefined : this.#remembered.get(key);
    if (known !== undefined && now - known.lastSeen <= seriesSeconds) {
      known.count++;
      known.lastSeen = now;
      known.lastWallSeconds = clock.wallSeconds();
      this.#counts.merged++;
      this.#remember(known);
      this.#writeSeriesWhenDue(known);
      return;
    }
    const wallSeconds = clock.wallSeconds();
    const entry: Entry = {
      event,
      key,
      name: eventName(event.regarding, this.#stamp(wallSeconds)),
      firstWallSeconds: wallSeconds,
      lastWallSeconds: wallSeconds,
      lastSeen: now,
      count: 1,
      written: 0,
      writtenAt: 0,
      busy: false,
      cancelDue: undefined,
    };
    if (event.once !== true) this.#remember(entry);
    this.#enqueue(entry);
  }

  /**
   * @returns Settles when nothing waits and nothing is in flight (counts of a series that are not due do not count).
   */
  idle(): Promise<void> {
    if (this.queued + this.inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleListeners.add(resolve));
  }

  /**
   * Writes everything as fast as the server allows, including the last counts of all series; for the end of the
   * process.
   *
   * @returns The number of writes left when the time was over.
   */
  async flush(seconds: number): Promise<number> {
    this.#flushing = true;
    for (const entry of this.#remembered.values()) this.#writeSeriesNow(entry);
    this.#sender.hurry();
    const idle = this.idle();
    let cancel = (): void => {};
    await Promise.race([
      idle,
      new Promise<void>((resolve) => {
        cancel = this.#options.clock.setTimer(seconds, resolve);
      }),
    ]);
    cancel();
    this.#flushing = false;
    return this.queued + this.inFlight;
  }

  /** A number larger than all before, and about the time in nanoseconds. */
  #stamp(wallSeconds: number): bigint {
    const stamp =
      BigInt(Math.floor(wallSeconds * 1e6)) * 1000n + BigInt(Math.floor(this.#options.random() * 999));
    this.#lastStamp = stamp > this.#lastStamp ? stamp : this.#lastStamp + 1n;
    return this.#lastStamp;
  }

  #remember(entry: Entry): void {
    this.#remembered.delete(entry.key);
    this.#remembered.set(entry.key, entry);
    if (this.#remembered.size <= this.#options.rememberedMax) return;
    const oldest = this.#remembered.values().next().value!;
    this.#remembered.delete(oldest.key);
    this.#writeSeriesNow(oldest);
  }

  #forget(entry: Entry): void {
    if (this.#remembered.get(entry.key) === entry) this.#remembered.delete(entry.key);
  }

  #enqueue(entry: Entry): void {
    entry.busy = true;
    this.#queue.push(entry);
    if (this.#queue.size > this.#options.queueMax) this.#drop(this.#queue.shift()!);
    this.#sender.wake();
  }

  /** The queue is full: an event is lost, a count of a series only waits for the next one. */
  #drop(entry: Entry): void {
    entry.busy = false;
    if (entry.written > 0) return;
    this.#counts.dropped++;
    this.#forget(entry);
  }

  /** A series with counts unknown to the server: written now if the last write is long enough ago, else later. */
  #writeSeriesWhenDue(entry: Entry): void {
    if (entry.busy || entry.cancelDue !== undefined || entry.count === entry.written) return;
    const { clock, seriesWriteSeconds } = this.#options;
    const wait = entry.writtenAt + seriesWriteSeconds - clock.nowSeconds();
    if (wait <= 0 || this.#flushing) {
      this.#enqueue(entry);
      return;
    }
    entry.cancelDue = clock.setTimer(wait, () => this.#writeSeriesNow(entry));
  }

  #writeSeriesNow(entry: Entry): void {
    entry.cancelDue?.();
    entry.cancelDue = undefined;
    if (!entry.busy && entry.count > entry.written) this.#enqueue(entry);
  }

  async #write(entry: Entry): Promise<void> {
    const series = { count: entry.count, lastWallSeconds: entry.lastWallSeconds };
    const isNew = entry.written === 0;
    let result = isNew ? await this.#create(entry, series) : await this.#patch(entry, series);
    // Events live for an hour on the server; a series may outlive its event.
    if (!isNew && result?.status === 404) result = await this.#create(entry, series);
    entry.busy = false;
    this.#conclude(entry, series.count, isNew, result);
  }

  #conclude(entry: Entry, count: number, isNew: boolean, result: ApiAnswer | undefined): void {
    // 409: the name is ours alone, so an earlier try that seemed lost succeeded.
    if (result !== undefined && ((result.status >= 200 && result.status < 300) || result.status === 409)) {
      this.#counts[isNew ? 'created' : 'patched']++;
      entry.written = count;
      entry.writtenAt = this.#options.clock.nowSeconds();
      this.#writeSeriesWhenDue(entry);
      return;
    }
    this.#forget(entry);
    if (isNew) this.#counts[result?.status === 403 || result?.status === 404 ? 'refused' : 'failed']++;
    const text = result === undefined ? 'no answer in all tries' : answerText(result);
    this.#options.onWriteError?.(entry.event, text);
  }

  #create(entry: Entry, series: { count: number; lastWallSeconds: number }): Promise<ApiAnswer | undefined> {
    const { controller, instance } = this.#options;
    const namespace = encodeURIComponent(eventNamespace(entry.event.regarding));
    return this.#ask({
      method: 'POST',
      path: `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
      body: eventBody(entry.event, entry.name, controller, instance, entry.firstWallSeconds, series),
      schema: EVENT,
    });
  }

  #patch(entry: Entry, series: { count: number; lastWallSeconds: number }): Promise<ApiAnswer | undefined> {
    const namespace = encodeURIComponent(eventNamespace(entry.event.regarding));
    return this.#ask({
      method: 'PATCH',
      path: `/apis/events.k8s.io/v1/namespaces/${namespace}/events/${encodeURIComponent(entry.name)}`,
      body: seriesBody(series),
    });
  }

  #ask(request: Pick<ApiRequest, 'method' | 'path' | 'body' | 'schema'>): Promise<ApiAnswer | undefined> {
    return requestWithRetries(
      {
        client: this.#options.client,
        waits: this.#waits,
        random: this.#options.random,
        attemptsMax: this.#options.attemptsMax,
        backOff: this.#options.backOff,
        keepOn: () => true,
        onPassing: (answer) => {
          const seconds = askedWaitSeconds(answer);
          if (seconds >= 0) this.#sender.pause(seconds);
        },
      },
      { ...request, successIsEnough: true, timeoutSeconds: 15 },
    );
  }
}
