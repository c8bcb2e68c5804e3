/**
 * A client that creates and deletes many objects at little cost, for benchmarks: it shares the machine with the
 * measured processes, so no answer is parsed and only its status is kept.
 *
 * Objects have unique names, so a creation that is repeated after a lost answer does no harm: 409 is success. Not for
 * schedulers: they need answers (`client/http-client.ts`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client, Dispatcher } from 'undici';
import type { ApiTarget } from '../../src/drivers/kubernetes/client/api.ts';
import { openConnection, serverAddress } from '../../src/drivers/kubernetes/client/connection.ts';
import { TegError } from '../../src/model/errors.ts';

/**
 * Connections to the API server, with one request at a time on each: Go's server answers the requests of one connection
 * one after the other, and pipelining them cost it 15 % and us 40 % more CPU.
 */
export const LOAD_CONNECTIONS = 32;

/** Attempts at one request before it counts as failed; a second apart. */
const ATTEMPTS_MAX = 10;

/** Bytes of an answer that are kept for error messages. */
const ANSWER_BYTES_SHOWN = 400;

/** Many creations. */
export interface Creation {
  readonly count: number;
  /** Most requests in flight. */
  readonly inFlightMax: number;
  path(i: number): string;
  /** JSON. */
  text(i: number): string;
  /** The server confirmed the creation; `performance.now()` is then its time. */
  onCreated?(i: number): void;
  readonly signal?: AbortSignal | undefined;
}

/** See the module. */
export class LoadClient {
  private readonly prefix: string;
  private readonly connections: Client[];
  private readonly headers: Record<string, string>;
  /** Connections without a request. */
  private readonly idle: Client[];
  private next = 0;
  private closed = false;

  private constructor(target: ApiTarget, headers: Readonly<Record<string, string>>) {
    this.prefix = serverAddress(target).prefix;
    this.headers = { 'user-agent': 'teg-bench', ...headers };
    this.connections = Array.from({ length: LOAD_CONNECTIONS }, () => openConnection(target, 1, 10_000));
    this.idle = [...this.connections];
  }

  /** @returns A client; nothing is connected yet. */
  static async of(target: ApiTarget): Promise<LoadClient> {
    return new LoadClient(target, await target.headers());
  }

  /** Creates one. @throws TegError TEG_BENCH_FAILED. */
  create(path: string, text: string): Promise<void> {
    return this.untilDone('POST', path, text, 409);
  }

  /** Deletes one; a missing one is not an error. @throws TegError TEG_BENCH_FAILED. */
  delete(path: string): Promise<void> {
    return this.untilDone('DELETE', path, undefined, 404);
  }

  /** Creates many, as many at once as allowed, begun in order. @throws TegError TEG_BENCH_FAILED. */
  async createAll(creation: Creation): Promise<void> {
    let begun = 0;
    const worker = async (): Promise<void> => {
      while (begun < creation.count) {
        creation.signal?.throwIfAborted();
        const i = begun++;
        await this.create(creation.path(i), creation.text(i));
        creation.onCreated?.(i);
      }
    };
    const workers = Math.min(creation.count, creation.inFlightMax);
    await Promise.all(Array.from({ length: workers }, worker));
  }

  /** Cuts the connections. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all(this.connections.map((connection) => connection.destroy()));
  }

  /** @param otherwise A further status that means success. */
  private async untilDone(
    method: 'POST' | 'DELETE',
    path: string,
    text: string | undefined,
    otherwise: number,
  ): Promise<void> {
    let last = '';
    for (let attempt = 0; attempt < ATTEMPTS_MAX && !this.closed; attempt++) {
      const { status, answer } = await this.send(method, path, text);
      if (status < 300 && status > 0) return;
      if (status === otherwise) return;
      last = `${status === 0 ? 'no answer' : status} ${answer}`;
      if (status !== 0 && status !== 429 && status < 500) break;
      await delay(1000);
    }
    throw new TegError(
      'TEG_BENCH_FAILED',
      `${method} ${path}: got ${last}, expected that the API server does it; see its log`,
    );
  }

  /** @returns Status 0 where there was no answer. */
  private async send(method: 'POST' | 'DELETE', path: string, text: string | undefined): Promise<Outcome> {
    const idle = this.idle.pop();
    const connection = idle ?? (this.connections[this.next++ % LOAD_CONNECTIONS] as Client);
    const json = { ...this.headers, 'content-type': 'application/json' };
    const headers = text === undefined ? this.headers : json;
    const options = { method, path: this.prefix + path, headers, body: text ?? null };
    const outcome = await new Promise<Outcome>((resolve) => {
      connection.dispatch(options, new Answer(resolve));
    });
    if (idle !== undefined) this.idle.push(idle);
    return outcome;
  }
}

interface Outcome {
  readonly status: number;
  readonly answer: string;
}

/** Takes the status of an answer, and its beginning if it is an error. */
class Answer implements Dispatcher.DispatchHandler {
  private readonly resolve: (outcome: Outcome) => void;
  private status = 0;
  private answer = '';

  constructor(resolve: (outcome: Outcome) => void) {
    this.resolve = resolve;
  }

  /** For undici, which takes an object without it for one of an old version. */
  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.status = status;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.status < 300 || this.answer.length >= ANSWER_BYTES_SHOWN) return;
    this.answer += chunk.toString('utf8', 0, ANSWER_BYTES_SHOWN);
  }

  onResponseEnd(): void {
    this.resolve({ status: this.status, answer: this.answer });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.resolve({ status: 0, answer: error.message });
  }
}
