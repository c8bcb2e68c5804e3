/**
 * Free ports on loopback.
 */
import { createServer, type Server } from 'node:net';

/**
 * Finds ports that nothing listens on; all are held until the last is found, so none is returned twice.
 *
 * Another process may take one before ours does: the caller then tries again with others.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listening));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function listening(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve(server));
  });
}
