/**
 * What tests against a real API server share: whether its binaries are there, and a client of its administrator.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe } from 'vitest';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { missingBinaries } from '../../lab/control-plane/go-modules.ts';
import type { ApiClient, ApiTarget } from '../../src/drivers/kubernetes/client/api.ts';
import { createApiClient, type HttpApiClient } from '../../src/drivers/kubernetes/client/http-client.ts';

/**
 * `describe` that is skipped, with the reason printed, where binaries of the control plane were never built: a build
 * takes minutes and the network, which no test should. In `npm run test:kubernetes`, which has built them, the file fails instead.
 *
 * @param binaries Needed besides etcd and kube-apiserver.
 * @throws Error if one of them is missing and TEG_CONTROL_PLANE is `required`.
 */
export function describeWithControlPlane(name: string, binaries: readonly string[], suite: () => void): void {
  const missing = missingBinaries(['etcd', 'kube-apiserver', ...binaries]);
  if (missing.length > 0) {
    const text = `'${name}': ${missing.join(', ')} not built; \`npm run cluster -- --build-only\` builds them`;
    if (process.env.TEG_CONTROL_PLANE === 'required') throw new Error(text);
    process.stderr.write(`skipped ${text}\n`);
  }
  describe.skipIf(missing.length > 0)(name, suite);
}

/** @returns Where the server of a kubeconfig that a control plane wrote is. @param token Instead of the administrator's. */
export function targetOf(kubeconfig: string, token?: string): ApiTarget {
  const config = JSON.parse(readFileSync(kubeconfig, 'utf8'));
  const { server, 'certificate-authority-data': ca } = config.clusters[0].cluster;
  const authorization = `Bearer ${token ?? config.users[0].user.token}`;
  return {
    server,
    ca: Buffer.from(ca, 'base64').toString('utf8'),
    skipTlsVerify: false,
    serverName: undefined,
    clientCertificate: undefined,
    clientKey: undefined,
    headers: () => Promise.resolve({ authorization }),
    origin: kubeconfig,
  };
}

/** @returns A client of the control plane's administrator, or of a token. */
export function clientOf(kubeconfig: string, token?: string): HttpApiClient {
  return createApiClient(targetOf(kubeconfig, token));
}

/** @returns What makes objects with a client. @throws Error, when it is used, with the server's answer, if it refuses one. */
export function creatorOf(client: Pick<ApiClient, 'request'>) {
  return {
    create: async (path: string, text: string): Promise<void> => {
      const { status, body } = await client.request({ method: 'POST', path, body: JSON.parse(text) });
      if (status !== 201) throw new Error(`POST ${path}: ${status} ${JSON.stringify(body).slice(0, 300)}`);
    },
  };
}

/** Runs kubectl as the administrator. @returns What it printed. @throws Error with what it complained of. */
export async function kubectl(plane: ControlPlane, args: readonly string[], input = ''): Promise<string> {
  const program = await plane.binary('kubectl');
  return execFileSync(program, [`--kubeconfig=${plane.kubeconfig}`, ...args], {
    encoding: 'utf8',
    input,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}
