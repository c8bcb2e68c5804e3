/**
 * Stands before a real API server and changes the lines of its watches: for objects that no API server would let in, which
 * a newer one, or a broken one, could send all the same.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as requestTls } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { targetOf } from '../control-plane-fixture.ts';

/** A running proxy. */
export interface RewritingProxy {
  readonly kubeconfig: string;
  stop(): Promise<void>;
}

/** @param rewrite Called with each line of each watch; what it returns is sent instead. */
export async function startRewritingProxy(
  kubeconfig: string,
  rewrite: (line: string) => string,
): Promise<RewritingProxy> {
  const { server: upstream, ca } = targetOf(kubeconfig);
  const agent = new Agent({ keepAlive: true, ...(ca === undefined ? {} : { ca }) });
  const sockets = new Set<Socket>();
  const take = (request: IncomingMessage, response: ServerResponse): void => {
    // Nobody gets protobuf through it: only lines can be changed.
    const { connection: _, host: __, ...headers } = { ...request.headers, accept: 'application/json' };
    const onward = requestTls(
      new URL(request.url ?? '/', upstream),
      { method: request.method ?? 'GET', headers, agent },
      (incoming) => {
        const { connection: ___, 'transfer-encoding': ____, ...answered } = incoming.headers;
        response.writeHead(incoming.statusCode ?? 502, answered);
        if (/[?&]watch=/.test(request.url ?? '')) passLines(incoming, response, rewrite);
        else incoming.pipe(response);
      },
    );
    onward.on('error', () => request.socket.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  };
  const server = createServer(take).on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = mkdtempSync(join(tmpdir(), 'teg-rewriting-'));
  const path = join(folder, 'kubeconfig');
  const { authorization = '' } = await targetOf(kubeconfig).headers();
  writeFileSync(path, kubeconfigText((server.address() as AddressInfo).port, authorization), { mode: 0o600 });
  const stop = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
    agent.destroy();
    rmSync(folder, { recursive: true });
  };
  return { kubeconfig: path, stop };
}

function passLines(
  incoming: IncomingMessage,
  response: ServerResponse,
  rewrite: (line: string) => string,
): void {
  let rest = '';
  response.flushHeaders();
  incoming.setEncoding('utf8');
  incoming.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) response.write(`${rewrite(line)}\n`);
  });
  incoming.on('end', () => response.end());
  incoming.on('error', () => response.destroy());
}

function kubeconfigText(port: number, authorization: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'proxy',
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
    clusters: [{ name: 'proxy', cluster: { server: `http://127.0.0.1:${port}` } }],
    users: [{ name: 'proxy', user: { token: authorization.replace('Bearer ', '') } }],
  });
}
