/**
 * The API client: requests over a few HTTP/1.1 connections, in JSON or, where the caller has a schema, in protobuf.
 *
 * Requests go to the connection with the fewest requests on it, so that an idle connection is always preferred to
 * waiting behind another request. Further requests wait here, in order, and not inside undici: a request that times out
 * while it waits is then surely not sent. Retries are left to the caller: only the caller knows what a repetition
 * means.
 */
import type { Client } from 'undici';
import { BOTH_TYPES, JSON_TYPE } from './answer-format.ts';
import type { ApiAnswer, ApiClient, ApiRequest, ApiTarget, Headers } from './api.ts';
import { ApiNotSentError } from './api-errors.ts';
import { openConnection, serverAddress } from './connection.ts';
import { Exchange, type ExchangeCode, type ExchangeOwner } from './exchange.ts';
import { PROTOBUF } from './protobuf/envelope.ts';
import { type TypedObject, writeObject } from './protobuf/message-writer.ts';
import { RequestStatistics } from './request-statistics.ts';

/** Bounds of a client. */
export interface HttpClientOptions {
  /** Connections at most; made when needed. Default 8. */
  readonly connections?: number;
  /**
   * Requests per connection that are sent and not answered, at most. Default 1: with 8, against a real API server on
   * the same two cores, writes were a quarter to a half slower and cost 1.3 to 1.6 times the client's CPU, and a lost
   * connection left eight outcomes unknown instead of one.
   */
  readonly pipelining?: number;
  /** Requests that wait for a place on a connection, at most; further ones fail as not sent. Default 10,000. */
  readonly waitingMax?: number;
  /** Default time-out of requests, seconds. Default 30. */
  readonly timeoutSeconds?: number;
  /** Default bound of answers, bytes. Default 64 MiB. */
  readonly answerBytesMax?: number;
  /** Default 10. */
  readonly connectTimeoutSeconds?: number;
  /** Default `teg`. */
  readonly userAgent?: string;
  /** How long `close` waits for requests to end. Default 5. */
  readonly closeSeconds?: number;
  /** Called for every request that ended. */
  readonly onSettled?: () => void;
}

/** Every option with its default. */
const DEFAULTS: Required<HttpClientOptions> = {
  connections: 8,
  pipelining: 1,
  waitingMax: 10_000,
  timeoutSeconds: 30,
  answerBytesMax: 64 * 1024 * 1024,
  connectTimeoutSeconds: 10,
  userAgent: 'teg',
  closeSeconds: 5,
  onSettled: () => undefined,
};

/** A connection and the exchanges given to it. */
interface Lane {
  readonly connection: Client;
  readonly exchanges: Set<Exchange>;
}

/** The state of an exchange until it ends. */
interface Journey {
  readonly startedMs: number;
  readonly seconds: number;
  headers: Headers;
  readonly body: Buffer | null;
  /** '' without a body. */
  readonly contentType: string;
  lane: Lane | undefined;
}

/** Interval of the time-out checks: one timer for all requests, since most end long before. */
const DEADLINES_MS = 50;

/** @returns A client of the target; nothing is connected yet. */
export function createApiClient(target: ApiTarget, options: HttpClientOptions = {}): HttpApiClient {
  return new HttpApiClient(target, options);
}

/** An `ApiClient` with counters. */
export class HttpApiClient implements ApiClient, ExchangeOwner {
  /** Requests that ended, by method, resource and code. */
  readonly statistics = new RequestStatistics();
  private readonly target: ApiTarget;
  private readonly options: Required<HttpClientOptions>;
  private readonly prefix: string;
  private readonly lanes: Lane[] = [];
  private protobuf = true;
  private readonly journeys = new Map<Exchange, Journey>();
  private readonly waiting = new Set<Exchange>();
  private sendingSoon = false;
  private deadlines: NodeJS.Timeout | undefined;
  /** Headers of the last request, with the inputs they were made of. */
  private latestHeaders: { own: Headers; contentType: string; all: Headers } | undefined;
  private closed = false;
  private idle: (() => void) | undefined;

  constructor(target: ApiTarget, options: HttpClientOptions) {
    this.target = target;
    this.options = { ...DEFAULTS, ...options };
    this.prefix = serverAddress(target).prefix;
    const { connections, pipelining, connectTimeoutSeconds } = this.options;
    for (let i = 0; i < connections; i++) {
      const connection = openConnection(target, pipelining, connectTimeoutSeconds * 1000);
      this.lanes.push({ connection, exchanges: new Set() });
    }
  }

  /** Requests that are under way or waiting. */
  get pendingCount(): number {
    return this.journeys.size;
  }

  /** Requests that wait for a place on a connection. */
  get waitingCount(): number {
    return this.waiting.size;
  }

  /** See `ApiClient.request`. */
  request(request: ApiRequest): Promise<ApiAnswer> {
    if (!this.protobuf || request.schema === undefined) {
      const body = request.body === undefined ? null : Buffer.from(JSON.stringify(request.body));
      return this.ask(request, body, contentTypeOf(request));
    }
    const answer = this.ask(request, writeObject(request.body as TypedObject, request.schema), PROTOBUF);
    return answer.then((got) => (got.status === 415 ? this.refuseProtobuf(request) : got));
  }

  /** Bodies are JSON from now on. */
  private refuseProtobuf(request: ApiRequest): never {
    this.protobuf = false;
    throw new ApiNotSentError('the server takes no protobuf: JSON from now on', request);
  }

  private ask(request: ApiRequest, body: Buffer | null, contentType: string): Promise<ApiAnswer> {
    const exchange = new Exchange(request, request.answerBytesMax ?? this.options.answerBytesMax, this);
    const seconds = request.timeoutSeconds ?? this.options.timeoutSeconds;
    const startedMs = performance.now();
    const journey: Journey = { startedMs, seconds, headers: {}, body, contentType, lane: undefined };
    this.journeys.set(exchange, journey);
    this.deadlines ??= setInterval(() => this.endOverdue(), DEADLINES_MS);
    if (this.closed) exchange.abort(new Error('the client is closed'));
    else this.authorize(exchange, journey);
    return exchange.answer;
  }

  /** Lets requests end (for some seconds), then cuts the connections. Later requests fail as not sent. */
  async close(): Promise<void> {
    this.closed = true;
    for (const exchange of this.waiting) exchange.abort(new Error('the client is closed'));
    if (this.journeys.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, this.options.closeSeconds * 1000);
        this.idle = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    await Promise.all(this.lanes.map((lane) => lane.connection.destroy()));
  }

  /** For exchanges: the caller has its answer. */
  settled(exchange: Exchange, code: ExchangeCode): void {
    const journey = this.journeys.get(exchange) as Journey;
    this.waiting.delete(exchange);
    const seconds = (performance.now() - journey.startedMs) / 1000;
    this.statistics.record(exchange.request.method, exchange.request.path, code, seconds);
    this.options.onSettled();
    if (journey.lane === undefined) this.forget(exchange);
  }

  /** For exchanges: their place on the connection is free. */
  released(exchange: Exchange): void {
    const journey = this.journeys.get(exchange) as Journey;
    journey.lane?.exchanges.delete(exchange);
    journey.lane = undefined;
    if (exchange.settled) this.forget(exchange);
    this.sendWaitingSoon();
  }

  /** Ends requests that have timed out. O(pending). */
  private endOverdue(): void {
    const nowMs = performance.now();
    for (const [exchange, { startedMs, seconds }] of this.journeys) {
      if (nowMs - startedMs >= seconds * 1000) exchange.abort(new Error(`no answer within ${seconds} s`));
    }
    if (this.journeys.size > 0) return;
    clearInterval(this.deadlines);
    this.deadlines = undefined;
  }

  /** Gets the authentication headers; synchronously where they are at hand. */
  private authorize(exchange: Exchange, journey: Journey): void {
    try {
      const own = this.target.headers();
      if (own instanceof Promise) {
        own.then(
          (headers) => this.admit(exchange, journey, headers),
          (error: Error) => exchange.abort(error),
        );
      } else this.admit(exchange, journey, own);
    } catch (error) {
      exchange.abort(error as Error);
    }
  }

  /** Gives a request to a connection, or lets it wait for one. */
  private admit(exchange: Exchange, journey: Journey, own: Headers): void {
    if (exchange.settled) return;
    journey.headers = this.headersOf(journey.contentType, own);
    const lane = this.freeLane();
    if (lane !== undefined) this.send(exchange, journey, lane);
    else if (this.waiting.size < this.options.waitingMax) this.waiting.add(exchange);
    else exchange.abort(new Error(`${this.waiting.size} requests wait already, which is the limit`));
  }

  private headersOf(contentType: string, own: Headers): Headers {
    const latest = this.latestHeaders;
    if (latest !== undefined && latest.own === own && latest.contentType === contentType) return latest.all;
    const all: Headers = {
      accept: contentType === PROTOBUF ? BOTH_TYPES : JSON_TYPE,
      'user-agent': this.options.userAgent,
      ...own,
      ...(contentType === '' ? {} : { 'content-type': contentType }),
    };
    this.latestHeaders = { own, contentType, all };
    return all;
  }

  private freeLane(): Lane | undefined {
    let best = this.lanes[0] as Lane;
    for (const lane of this.lanes) if (lane.exchanges.size < best.exchanges.size) best = lane;
    return best.exchanges.size < this.options.pipelining ? best : undefined;
  }

  private send(exchange: Exchange, journey: Journey, lane: Lane): void {
    journey.lane = lane;
    lane.exchanges.add(exchange);
    exchange.markDispatched();
    const { method, path } = exchange.request;
    const { body, headers } = journey;
    // Where pipelining is on, writes are pipelined too: `Exchange` refuses the repetition that undici then considers
    // allowed.
    const pipelined = { idempotent: true, blocking: false, ...(method === 'DELETE' ? { reset: false } : {}) };
    try {
      lane.connection.dispatch({ method, path: this.prefix + path, headers, body, ...pipelined }, exchange);
    } catch (error) {
      // Refused before anything was queued: a path or header that HTTP does not allow.
      exchange.onResponseError(undefined, error as Error);
    }
  }

  /**
   * Deferred: undici reports a failed connection from within its own work, and does not accept a request at that
   * moment.
   */
  private sendWaitingSoon(): void {
    if (this.sendingSoon || this.waiting.size === 0) return;
    this.sendingSoon = true;
    queueMicrotask(() => {
      this.sendingSoon = false;
      this.sendWaiting();
    });
  }

  private sendWaiting(): void {
    while (this.waiting.size > 0) {
      const lane = this.freeLane();
      if (lane === undefined) return;
      const exchange = this.waiting.values().next().value as Exchange;
      this.waiting.delete(exchange);
      this.send(exchange, this.journeys.get(exchange) as Journey, lane);
    }
  }

  private forget(exchange: Exchange): void {
    this.journeys.delete(exchange);
    if (this.journeys.size === 0) this.idle?.();
  }
}

function contentTypeOf({ method, body, contentType }: ApiRequest): string {
  if (body === undefined) return '';
  return contentType ?? (method === 'PATCH' ? 'application/merge-patch+json' : JSON_TYPE);
}
