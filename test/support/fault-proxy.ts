/**
 * A reverse proxy on loopback that stands before a real API server and does to requests what bad days do: refuses
 * them, delays them, lets the server do them and loses the answer, never answers, cuts connections.
 *
 * It speaks plain HTTP/1.1 to its clients and TLS to the server, and passes the clients' credentials on. Which request
 * a fault hits is decided by rules in order, each with its number of times or its probability from a seeded stream:
 * the same requests in the same order meet the same faults.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as requestTls } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApiTarget } from '../../src/drivers/kubernetes/client/api.ts';
import { Random } from '../../src/kernel/random.ts';

/** What happens to a request. */
export type Fault =
  /** Answered by the proxy; the server never hears of it. */
  | { readonly kind: 'answer'; readonly status: number; readonly retryAfterSeconds?: number }
  /** Passed on after this time. */
  | { readonly kind: 'delay'; readonly milliseconds: number }
  /** Passed on and done by the server; the connection is cut instead of answered. */
  | { readonly kind: 'lose-answer' }
  /** Passed on and done by the server; the client never hears anything and its connection stays open. */
  | { readonly kind: 'withhold-answer' }
  /** Never passed on, never answered; the connection stays open. */
  | { readonly kind: 'silence' }
  /** The connection is cut before the request is passed on. */
  | { readonly kind: 'cut' }
  /** Cut after this many bytes of the answer's body (a watch: of what it sends). */
  | { readonly kind: 'cut-answer'; readonly afterBytes: number };

/** Which requests a fault hits. */
export interface FaultRule {
  readonly fault: Fault;
  /** Default: all. */
  readonly method?: RegExp;
  /** Matched against path and query. Default: all. */
  readonly path?: RegExp;
  /** How many requests it hits at most. Default: no end. */
  readonly times?: number;
  /** How many matching requests are let pass first. Default 0. */
  readonly after?: number;
  /** In [0, 1]. Default 1. */
  readonly probability?: number;
}

/** What the proxy did. */
export interface FaultCounts {
  /** Requests that arrived. */
  requests: number;
  /** Requests passed on to the server. */
  forwarded: number;
  /** Watches that were cut or silenced by a call. */
  watchesCut: number;
  watchesSilenced: number;
  /** Faults by kind. */
  readonly faults: Record<Fault['kind'], number>;
}

/** A running proxy. */
export interface FaultProxy {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Path of a kubeconfig that leads through the proxy. */
  readonly kubeconfig: string;
  readonly counts: FaultCounts;
  /** Adds a rule, after those that are there. @returns A function that takes it away, and how often it has hit. */
  add(rule: FaultRule): { remove(): void; hits(): number };
  /** Takes all rules away. */
  clear(): void;
  /** Cuts every watch that is open. @returns How many. */
  cutWatches(): number;
  /** Lets every watch that is open fall silent: half open, as behind a dead load balancer. @returns How many. */
  silenceWatches(): number;
  /** Watches that are open. */
  watches(): number;
  stop(): Promise<void>;
}

/** How to start a proxy. */
export interface FaultProxyOptions {
  /** The API server, with the credentials that the proxy's kubeconfig shall have. */
  readonly upstream: ApiTarget;
  /** Of the stream that draws probabilities. Default 1. */
  readonly seed?: number;
}

/** A rule and what it has seen. */
interface ActiveRule {
  readonly rule: FaultRule;
  seen: number;
  hits: number;
}

/** A watch that is being passed on. */
interface OpenWatch {
  readonly socket: Socket;
  silence(): void;
}

/** @returns A proxy that listens; requests pass unharmed until a rule is added. */
export async function startFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new RunningFaultProxy(options);
  await proxy.listen();
  return proxy;
}

class RunningFaultProxy implements FaultProxy {
  url = '';
  readonly kubeconfig: string;
  readonly counts: FaultCounts = {
    requests: 0,
    forwarded: 0,
    watchesCut: 0,
    watchesSilenced: 0,
    faults: {
      answer: 0,
      delay: 0,
      'lose-answer': 0,
      'withhold-answer': 0,
      silence: 0,
      cut: 0,
      'cut-answer': 0,
    },
  };
  private readonly upstream: ApiTarget;
  private readonly folder = mkdtempSync(join(tmpdir(), 'teg-fault-proxy-'));
  private readonly random: Random;
  private readonly agent: Agent;
  private readonly server = createServer((request, response) => this.take(request, response));
  private readonly sockets = new Set<Socket>();
  private readonly openWatches = new Set<OpenWatch>();
  private rules: ActiveRule[] = [];

  constructor(options: FaultProxyOptions) {
    this.upstream = options.upstream;
    this.kubeconfig = join(this.folder, 'kubeconfig');
    this.random = new Random(options.seed ?? 1);
    const { ca, skipTlsVerify } = options.upstream;
    const trust = { rejectUnauthorized: !skipTlsVerify, ...(ca === undefined ? {} : { ca }) };
    this.agent = new Agent({ keepAlive: true, ...trust });
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('error', () => undefined);
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    const token = (await this.upstream.headers()).authorization?.replace('Bearer ', '');
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'proxy',
      contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
      clusters: [{ name: 'proxy', cluster: { server: this.url } }],
      users: [{ name: 'proxy', user: { token } }],
    };
    writeFileSync(this.kubeconfig, JSON.stringify(config), { mode: 0o600 });
  }

  add(rule: FaultRule): { remove(): void; hits(): number } {
    const active: ActiveRule = { rule, seen: 0, hits: 0 };
    this.rules.push(active);
    const remove = (): void => {
      this.rules = this.rules.filter((one) => one !== active);
    };
    return { remove, hits: () => active.hits };
  }

  clear(): void {
    this.rules = [];
  }

  cutWatches(): number {
    const cut = this.openWatches.size;
    for (const watch of this.openWatches) watch.socket.destroy();
    this.counts.watchesCut += cut;
    return cut;
  }

  silenceWatches(): number {
    const silenced = this.openWatches.size;
    for (const watch of this.openWatches) watch.silence();
    this.openWatches.clear();
    this.counts.watchesSilenced += silenced;
    return silenced;
  }

  watches(): number {
    return this.openWatches.size;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      for (const socket of this.sockets) socket.destroy();
    });
    this.agent.destroy();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private take(request: IncomingMessage, response: ServerResponse): void {
    this.counts.requests++;
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('error', () => undefined);
    request.on('end', () => {
      const fault = this.draw(request);
      if (fault !== undefined) this.counts.faults[fault.kind]++;
      this.treat(request, Buffer.concat(parts), response, fault);
    });
  }

  /** The fault of the first rule that hits. Every rule that matches sees the request until one hits. */
  private draw(request: IncomingMessage): Fault | undefined {
    for (const active of this.rules) {
      const { rule } = active;
      if (rule.method?.test(request.method ?? '') === false) continue;
      if (rule.path?.test(request.url ?? '') === false) continue;
      if (active.seen++ < (rule.after ?? 0)) continue;
      if (active.hits >= (rule.times ?? Number.POSITIVE_INFINITY)) continue;
      if (rule.probability !== undefined && this.random.nextFloat() >= rule.probability) continue;
      active.hits++;
      return rule.fault;
    }
    return undefined;
  }

  private treat(
    request: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
    fault: Fault | undefined,
  ): void {
    switch (fault?.kind) {
      case 'answer':
        answer(response, fault.status, fault.retryAfterSeconds);
        break;
      case 'delay':
        setTimeout(() => this.forward(request, body, response, undefined), fault.milliseconds);
        break;
      case 'silence':
        break;
      case 'cut':
        request.socket.destroy();
        break;
      default:
        this.forward(request, body, response, fault);
    }
  }

  private forward(
    request: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
    fault: Fault | undefined,
  ): void {
    this.counts.forwarded++;
    const { method, url, headers } = request;
    const { connection: _, host: __, ...passed } = headers;
    const onward = requestTls(
      new URL(url ?? '/', this.upstream.server),
      { method: method ?? 'GET', headers: { ...passed, 'content-length': body.length }, agent: this.agent },
      (incoming) => this.passBack(request, incoming, response, fault),
    );
    // The server is gone: so is the client's connection.
    onward.on('error', () => request.socket.destroy());
    // A watch that nobody hears any more must end at the server too.
    response.on('close', () => onward.destroy());
    onward.end(body);
  }

  private passBack(
    request: IncomingMessage,
    incoming: IncomingMessage,
    response: ServerResponse,
    fault: Fault | undefined,
  ): void {
    const { socket } = request;
    incoming.on('error', () => socket.destroy());
    if (fault?.kind === 'lose-answer' || fault?.kind === 'withhold-answer') {
      // Read whole, so that the server has surely done it.
      incoming.resume();
      incoming.on('end', () => fault.kind === 'lose-answer' && socket.destroy());
      return;
    }
    const { connection: _, 'transfer-encoding': __, ...headers } = incoming.headers;
    response.writeHead(incoming.statusCode ?? 502, headers);
    response.flushHeaders();
    const watch = this.follow(request, incoming);
    let left = fault?.kind === 'cut-answer' ? fault.afterBytes : Number.POSITIVE_INFINITY;
    incoming.on('data', (chunk: Buffer) => {
      if (watch.silent) return;
      if (chunk.length < left) response.write(chunk);
      else response.write(chunk.subarray(0, left), () => socket.destroy());
      left = Math.max(0, left - chunk.length);
    });
    incoming.on('end', () => {
      if (!watch.silent) response.end();
    });
  }

  /** Enters the answer among the open watches if it is one. */
  private follow(request: IncomingMessage, incoming: IncomingMessage): { silent: boolean } {
    const state = { silent: false };
    if (!/[?&]watch=(1|true)\b/.test(request.url ?? '') || incoming.statusCode !== 200) return state;
    const silence = (): void => {
      state.silent = true;
    };
    const watch: OpenWatch = { socket: request.socket, silence };
    this.openWatches.add(watch);
    const leave = (): void => {
      this.openWatches.delete(watch);
    };
    incoming.on('close', leave);
    request.socket.once('close', leave);
    return state;
  }
}

/** Answers as an API server would, with a Status. */
function answer(response: ServerResponse, code: number, retryAfterSeconds: number | undefined): void {
  const reasons: Record<number, string> = { 409: 'Conflict', 429: 'TooManyRequests', 500: 'InternalError' };
  const body = {
    kind: 'Status',
    apiVersion: 'v1',
    status: 'Failure',
    message: `fault proxy: ${code}`,
    reason: reasons[code] ?? 'ServiceUnavailable',
    code,
  };
  const retry = retryAfterSeconds === undefined ? {} : { 'retry-after': `${retryAfterSeconds}` };
  response.writeHead(code, { 'content-type': 'application/json', ...retry });
  response.end(JSON.stringify(body));
}
