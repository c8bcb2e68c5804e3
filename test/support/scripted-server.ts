/**
 * An HTTP server with scripted answers, for cases that a real API server cannot be made to produce: answers cut
 * in the middle, lines split anywhere, garbage, versions that are gone, connections that fall silent.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { ApiTarget } from '../../src/drivers/kubernetes/client/api.ts';

/** A request that the server got. */
export interface ScriptedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** Body as text; '' if there was none. */
  readonly body: string;
  readonly socket: Socket;
}

/** A running scripted server. */
export interface ScriptedServer {
  readonly target: ApiTarget;
  /** All requests so far, in order of arrival. */
  readonly requests: ScriptedRequest[];
  /** Connections so far. */
  connections(): number;
  stop(): Promise<void>;
}

/** @returns A server that answers each request as `answer` says; `index` counts requests from 0. */
export async function startScriptedServer(
  answer: (response: ServerResponse, request: ScriptedRequest, index: number) => void,
): Promise<ScriptedServer> {
  const requests: ScriptedRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((incoming, response) => {
    const parts: Buffer[] = [];
    incoming.on('data', (part: Buffer) => parts.push(part));
    incoming.on('end', () => {
      const url = new URL(incoming.url ?? '/', 'http://localhost');
      const request: ScriptedRequest = {
        method: incoming.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        headers: incoming.headers,
        body: Buffer.concat(parts).toString('utf8'),
        socket: incoming.socket,
      };
      requests.push(request);
      answer(response, request, requests.length - 1);
    });
  });
  server.on('connection', (socket) => {
    connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  return {
    target: plainTarget((server.address() as AddressInfo).port),
    requests,
    connections: () => connections,
    stop,
  };
}

/** @returns A target on loopback without TLS. */
export function plainTarget(port: number): ApiTarget {
  return {
    server: `http://127.0.0.1:${port}`,
    ca: undefined,
    skipTlsVerify: false,
    serverName: undefined,
    clientCertificate: undefined,
    clientKey: undefined,
    headers: () => Promise.resolve({ authorization: 'Bearer test' }),
    origin: 'a test',
  };
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}

/** Waits until something holds. @throws Error with the condition's text after `seconds`. */
export async function until(what: () => boolean, seconds = 10): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!what()) {
    if (performance.now() > deadline) throw new Error(`not so after ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
