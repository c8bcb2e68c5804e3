/**
 * One request on its way: when it was handed to a connection, its answer, and the error it ends with.
 *
 * The line between "surely not sent" and "unknown" is drawn by undici's `onRequestStart`, which is called right before
 * the first byte is written: before it, nothing left this process; after it, everything is possible, whatever the error
 * is called. A list of error codes would have to be complete to be safe; this need not be.
 *
 * undici writes the pipelined requests of a lost connection again on the next one. For a write this is refused here:
 * the first copy may have been carried out, and the answer to the second would hide it.
 */
import type { Dispatcher } from 'undici';
import { type BodyReader, bodyReaderOf } from './answer-format.ts';
import type { ApiAnswer, ApiRequest } from './api.ts';
import { ApiNotSentError, ApiUnknownError } from './api-errors.ts';
import { retryAfterSecondsOf } from './connection.ts';

/** How an exchange ended, for the counters. */
export type ExchangeCode = `${number}` | 'unknown' | 'not-sent';

/** Called once when the promise of an exchange is settled, and once when its connection has finished with it. */
export interface ExchangeOwner {
  settled(exchange: Exchange, code: ExchangeCode): void;
  released(exchange: Exchange): void;
}

/** A request, as undici's handler of it. */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly request: ApiRequest;
  readonly answer: Promise<ApiAnswer>;
  private readonly owner: ExchangeOwner;
  private readonly answerBytesMax: number;
  private resolve!: (answer: ApiAnswer) => void;
  private reject!: (error: Error) => void;
  private done = false;
  private dispatched = false;
  private starts = 0;
  private controller: Dispatcher.DispatchController | undefined;
  private status = 0;
  /** Undefined: the caller does not need the body. */
  private readBody: BodyReader | undefined;
  private retryAfterSeconds = Number.NaN;
  private chunks: Buffer[] = [];
  private bytes = 0;

  constructor(request: ApiRequest, answerBytesMax: number, owner: ExchangeOwner) {
    this.request = request;
    this.answerBytesMax = answerBytesMax;
    this.owner = owner;
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** True once the caller has its answer or error. */
  get settled(): boolean {
    return this.done;
  }

  /** It is about to be given to a connection: from here on `released` will be called. */
  markDispatched(): void {
    this.dispatched = true;
  }

  /** Ends the exchange from this side, for example on a time-out. Harmless if it has ended already. */
  abort(reason: Error): void {
    if (this.done) return;
    if (this.controller !== undefined) this.controller.abort(reason);
    // Waiting for a connection: the caller gets its error now, and the connection finds the exchange settled when its
    // turn comes.
    else this.fail(reason);
  }

  /** undici: the request is written next. An exception keeps it from being written. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.done) throw new Error('its time was over before it was sent');
    if (this.request.stillWanted?.() === false) throw new Error('it was not wanted any more');
    if (this.starts > 0 && this.request.method !== 'GET') {
      throw new Error('the connection was lost before the answer');
    }
    this.starts++;
    this.controller = controller;
    this.status = 0;
    this.chunks = [];
    this.bytes = 0;
  }

  /** undici: status and headers (also of informational answers, which the final ones replace). */
  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.status = status;
    this.retryAfterSeconds = retryAfterSecondsOf(headers);
    const needless = this.request.successIsEnough === true && status >= 200 && status < 300;
    this.readBody = needless ? undefined : bodyReaderOf(String(headers['content-type'] ?? ''));
  }

  /** undici: a part of the body. */
  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.bytes += chunk.length;
    if (this.bytes > this.answerBytesMax) {
      controller.abort(new Error(`the answer passes ${this.answerBytesMax} bytes`));
      return;
    }
    if (this.readBody !== undefined) this.chunks.push(chunk);
  }

  /** undici: the answer is there whole. */
  onResponseEnd(): void {
    const body = this.readBody?.(this.chunks);
    this.release();
    if (this.done) return;
    this.done = true;
    this.resolve({ status: this.status, body, retryAfterSeconds: this.retryAfterSeconds });
    this.owner.settled(this, `${this.status}`);
  }

  /** undici: there will be no answer. */
  onResponseError(_controller: unknown, error: Error): void {
    this.release();
    this.fail(error);
  }

  private fail(error: Error): void {
    if (this.done) return;
    this.done = true;
    const sent = this.starts > 0;
    const kind = sent ? ApiUnknownError : ApiNotSentError;
    this.reject(new kind(describeCause(error), this.request, { cause: error }));
    this.owner.settled(this, sent ? 'unknown' : 'not-sent');
  }

  private release(): void {
    this.chunks = this.chunks.length > 0 ? [] : this.chunks;
    if (!this.dispatched) return;
    this.dispatched = false;
    this.owner.released(this);
  }
}

/** An error's message with its code; connection errors of several addresses have their messages inside. */
function describeCause(error: Error): string {
  const code = (error as { code?: unknown }).code;
  const inner =
    error instanceof AggregateError ? error.errors.map((one: Error) => one.message).join('; ') : '';
  const text = error.message || inner || error.name;
  return typeof code === 'string' && !text.includes(code) ? `${text} (${code})` : text;
}
