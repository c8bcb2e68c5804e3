/**
 * Answers that are read as they arrive: the pages of a list and the events of a watch.
 *
 * Each reader has a connection of its own: an answer that takes minutes (a watch) or megabytes (a page) must never
 * delay a binding.
 */
import type { Client, Dispatcher } from 'undici';
import type { AnswerFormat, EventStream } from './answer-format.ts';
import type { ApiAnswer, ApiTarget } from './api.ts';
import { openConnection, retryAfterSecondsOf, serverAddress } from './connection.ts';
import type { WatchEvent } from './watch-events.ts';

/** Bounds of a reader. */
export interface ApiReaderOptions {
  /** Most seconds without a byte before an answer is abandoned. */
  readonly inactivitySeconds: number;
  /** Most bytes of an answer that is read whole. */
  readonly answerBytesMax: number;
  /** Most bytes of an event. */
  readonly eventBytesMax: number;
  readonly connectTimeoutSeconds: number;
}

/** No byte came for too long. */
export class InactiveError extends Error {
  constructor(seconds: number) {
    super(`no byte within ${seconds} s`);
    this.name = 'InactiveError';
  }
}

/** The head of an answer. */
interface AnswerHead {
  readonly status: number;
  readonly retryAfterSeconds: number;
  readonly contentType: string;
}

/** The receiver of a streamed answer. Its exceptions end the answer with them. */
interface Receiver {
  head(head: AnswerHead): void;
  data(chunk: Buffer): void;
}

/** One GET at a time over one connection. */
export class ApiReader {
  private readBytes = 0;
  private lastHeardMs = performance.now();
  private readonly target: ApiTarget;
  private readonly format: AnswerFormat;
  private readonly options: ApiReaderOptions;
  private readonly prefix: string;
  private readonly connection: Client;
  private current: Reading | undefined;
  private closed = false;

  constructor(target: ApiTarget, format: AnswerFormat, options: ApiReaderOptions) {
    this.target = target;
    this.format = format;
    this.options = options;
    this.prefix = serverAddress(target).prefix;
    this.connection = openConnection(target, 1, options.connectTimeoutSeconds * 1000);
  }

  /** Bytes of bodies so far. */
  get bytes(): number {
    return this.readBytes + (this.current?.bytes ?? 0);
  }

  /** Seconds since the last byte of an answer (since the start, if there was none). */
  get silentSeconds(): number {
    return (performance.now() - (this.current?.heard ? this.current.heardMs : this.lastHeardMs)) / 1000;
  }

  /**
   * Reads an answer whole.
   *
   * @throws InactiveError, or the error that ended the connection.
   */
  async read(path: string): Promise<ApiAnswer> {
    const collector = new Collector(this.format, this.options.answerBytesMax);
    await this.open(path, collector);
    return collector.answer();
  }

  /**
   * Reads an answer event by event until the server ends it. The answer of another status than 200 is read whole.
   *
   * @param onEvent Called with every event; its exception ends the answer with it.
   * @param onOpen Called when the server has answered 200, before any event.
   * @throws InactiveError, errors of `EventStream`, exceptions of `onEvent`, or the error that ended the connection.
   */
  async readEvents(
    path: string,
    onEvent: (event: WatchEvent) => void,
    onOpen: () => void,
  ): Promise<ApiAnswer> {
    let events: EventStream | undefined;
    const collector = new Collector(this.format, this.options.answerBytesMax);
    await this.open(path, {
      head: (head) => {
        collector.head(head);
        if (head.status !== 200) return;
        events = this.format.watch(head.contentType, this.options.eventBytesMax, onEvent);
        onOpen();
      },
      data: (chunk) => (events === undefined ? collector.data(chunk) : events.push(chunk)),
    });
    events?.end();
    return collector.answer();
  }

  /** Abandons the answer being read, if any: it ends with `reason`. The reader can be used further. */
  interrupt(reason: Error): void {
    this.current?.abort(reason);
  }

  /** Cuts the connection; the answer being read ends with an error. */
  async close(): Promise<void> {
    this.closed = true;
    this.current?.abort(new Error('the reader is closed'));
    await this.connection.destroy();
  }

  private async open(path: string, receiver: Receiver): Promise<void> {
    const headers = { accept: this.format.accept, 'user-agent': 'teg', ...(await this.target.headers()) };
    if (this.closed) throw new Error('the reader is closed');
    const reading = new Reading(receiver, this.options.inactivitySeconds);
    this.current = reading;
    try {
      this.connection.dispatch({ method: 'GET', path: this.prefix + path, headers }, reading);
    } catch (error) {
      reading.onResponseError(undefined, error as Error);
    }
    try {
      await reading.done;
    } finally {
      this.readBytes += reading.bytes;
      if (reading.heard) this.lastHeardMs = reading.heardMs;
      this.current = undefined;
    }
  }
}

/** An answer's status and, up to a bound, its body. */
class Collector implements Receiver {
  private readonly format: AnswerFormat;
  private readonly bytesMax: number;
  private begin: AnswerHead = { status: 0, retryAfterSeconds: Number.NaN, contentType: '' };
  private readonly chunks: Buffer[] = [];
  private bytes = 0;

  constructor(format: AnswerFormat, bytesMax: number) {
    this.format = format;
    this.bytesMax = bytesMax;
  }

  head(head: AnswerHead): void {
    this.begin = head;
  }

  data(chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.bytes > this.bytesMax) throw new Error(`the answer passes ${this.bytesMax} bytes`);
    this.chunks.push(chunk);
  }

  answer(): ApiAnswer {
    const { status, retryAfterSeconds, contentType } = this.begin;
    const body = this.bytes === 0 ? undefined : this.format.whole(contentType, this.chunks);
    return { status, body, retryAfterSeconds };
  }
}

/** undici's handler of one streamed answer, with a timer for silence. */
class Reading implements Dispatcher.DispatchHandler {
  readonly done: Promise<void>;
  bytes = 0;
  private readonly receiver: Receiver;
  private readonly inactivityMs: number;
  private resolve!: () => void;
  private reject!: (error: Error) => void;
  private controller: Dispatcher.DispatchController | undefined;
  private timer: NodeJS.Timeout;
  /** True once a byte was received; `heardMs` is when. */
  heard = false;
  heardMs: number;
  private over = false;

  constructor(receiver: Receiver, inactivitySeconds: number) {
    this.receiver = receiver;
    this.inactivityMs = inactivitySeconds * 1000;
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.heardMs = performance.now();
    this.timer = setTimeout(() => this.checkSilence(), this.inactivityMs);
  }

  abort(reason: Error): void {
    if (this.over) return;
    this.finish(reason);
    this.controller?.abort(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.over) throw new Error('given up before it was sent');
    this.controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.hear();
    const contentType = String(headers['content-type'] ?? '');
    const retryAfterSeconds = retryAfterSecondsOf(headers);
    this.receive(() => this.receiver.head({ status, retryAfterSeconds, contentType }));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.hear();
    this.bytes += chunk.length;
    this.receive(() => this.receiver.data(chunk));
  }

  onResponseEnd(): void {
    this.finish(undefined);
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.finish(error);
  }

  private receive(deliver: () => void): void {
    if (this.over) return;
    try {
      deliver();
    } catch (error) {
      this.abort(error as Error);
    }
  }

  private hear(): void {
    this.heard = true;
    this.heardMs = performance.now();
  }

  private checkSilence(): void {
    const silentMs = performance.now() - this.heardMs;
    // The clock is read once per period instead of setting a timer at every chunk.
    if (silentMs >= this.inactivityMs) this.abort(new InactiveError(this.inactivityMs / 1000));
    else this.timer = setTimeout(() => this.checkSilence(), this.inactivityMs - silentMs);
  }

  private finish(error: Error | undefined): void {
    if (this.over) return;
    this.over = true;
    clearTimeout(this.timer);
    if (error === undefined) this.resolve();
    else this.reject(error);
  }
}
