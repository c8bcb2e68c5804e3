/**
 * A client that creates and deletes many objects at little cost, for benchmarks: it shares the machine with what is
 * measured, so no answer is parsed and nothing is kept for a request but its status.
 *
 * Objects have names of their own, so a creation that is repeated after a lost answer does no harm: 409 is success.
 * Not for schedulers: they need answers (`client/http-client.ts`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client, Dispatcher } from 'undici';
import { TegError } from '../../../model/errors.ts';
import type { ApiTarget } from '../client/api.ts';
import { openConnection, serverAddress } from '../client/connection.ts';

/** Connections to the API server. */
const CONNECTIONS = 8;

/** Requests sent and not answered on each. */
const PIPELINING = 8;

/** Attempts at one request before it counts as failed; a second apart. */
const ATTEMPTS_MAX = 10;

/** Bytes of an answer that are kept to tell what went wrong. */
const ANSWER_BYTES_SHOWN = 400;

/** Many creations. */
export interface Creation {
  readonly count: number;
  /** Most requests under way. */
  readonly inFlightMax: number;
  path(i: number): string;
  /** JSON. */
  text(i: number): string;
  /** The server said that it is there; after it, `performance.now()` is the time of its creation. */
  onCreated?(i: number): void;
  readonly signal?: AbortSignal | undefined;
}

/** See the module. */
export class LoadClient {
  private readonly prefix: string;
  private readonly connections: Client[];
  private readonly headers: Record<string, string>;
  private next = 0;

  private constructor(target: ApiTarget, headers: Readonly<Record<string, string>>) {
    this.prefix = serverAddress(target).prefix;
    this.headers = { 'user-agent': 'teg-bench', ...headers };
    this.connections = Array.from({ length: CONNECTIONS }, () => openConnection(target, PIPELINING, 10_000));
  }

  /** @returns A client; nothing is connected yet. */
  static async of(target: ApiTarget): Promise<LoadClient> {
    return new LoadClient(target, await target.headers());
  }

  /** Creates one. @throws TegError TEG_BENCH_FAILED. */
  create(path: string, text: string): Promise<void> {
    return this.untilDone('POST', path, text, 409);
  }

  /** Deletes one; no error if it is not there. @throws TegError TEG_BENCH_FAILED. */
  delete(path: string): Promise<void> {
    return this.untilDone('DELETE', path, undefined, 404);
  }

  /** Creates many, as many at once as is allowed, begun in order. @throws TegError TEG_BENCH_FAILED. */
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
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
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
  private send(method: 'POST' | 'DELETE', path: string, text: string | undefined): Promise<Outcome> {
    const connection = this.connections[this.next++ % CONNECTIONS] as Client;
    return new Promise((resolve) => {
      const headers =
        text === undefined ? this.headers : { ...this.headers, 'content-type': 'application/json' };
      const options = { method, path: this.prefix + path, headers, body: text ?? null };
      // Idempotent: undici pipelines nothing else. Repeated creations of a name end in 409.
      connection.dispatch(
        { ...options, idempotent: true, blocking: false, reset: false },
        new Answer(resolve),
      );
    });
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
