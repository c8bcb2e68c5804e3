/** Choice of the API server and its credentials: a kubeconfig, or the service account of the pod this runs in. */
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { TegError } from '../../../model/errors.ts';
import type { ApiTarget } from './api.ts';
import { certificateAuthorityOf, credentialsOf, tokenFileHeaders } from './credentials.ts';
import { type KubeContext, loadKubeconfig } from './kubeconfig.ts';

/** Where kubelet puts the token, the certificate authority and the namespace of a pod's service account. */
export const SERVICE_ACCOUNT_FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Where to look. */
export interface TargetOptions {
  /** A kubeconfig file; default: `KUBECONFIG`, then `~/.kube/config`, then the pod's service account. */
  readonly kubeconfig?: string | undefined;
  /** Default: the kubeconfig's current-context. */
  readonly context?: string | undefined;
  /** Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
  /** Default `SERVICE_ACCOUNT_FOLDER`. */
  readonly serviceAccountFolder?: string;
}

/**
 * @returns The API server to talk to; nothing is connected yet.
 * @throws TegError TEG_KUBE_CONFIG if there is none, the context is unknown, a file is malformed, or credentials
 *         cannot be got.
 */
export async function loadTarget(options: TargetOptions = {}): Promise<ApiTarget> {
  const env = options.env ?? process.env;
  const context = loadKubeconfig(options.kubeconfig, options.context, env);
  if (context !== undefined) return kubeconfigTarget(context);
  const inCluster = inClusterTarget(env, options.serviceAccountFolder ?? SERVICE_ACCOUNT_FOLDER);
  if (inCluster === undefined) {
    throw new TegError(
      'TEG_KUBE_CONFIG',
      'no Kubernetes cluster to talk to: no --kubeconfig was given, KUBECONFIG is not set, there is no ' +
        '~/.kube/config, and this does not run in a pod; name a kubeconfig with --kubeconfig FILE',
    );
  }
  if (options.context === undefined) return inCluster;
  throw new TegError(
    'TEG_KUBE_CONFIG',
    `--context ${options.context} needs a kubeconfig, but there is none; name one with --kubeconfig FILE`,
  );
}

async function kubeconfigTarget(context: KubeContext): Promise<ApiTarget> {
  const { cluster, origin } = context;
  const credentials = await credentialsOf(context);
  return {
    server: checkedServer(cluster.server, origin),
    ca: certificateAuthorityOf(context),
    skipTlsVerify: cluster['insecure-skip-tls-verify'] ?? false,
    serverName: cluster['tls-server-name'],
    clientCertificate: credentials.clientCertificate,
    clientKey: credentials.clientKey,
    headers: credentials.headers,
    origin,
  };
}

/** As client-go does, a server without a scheme is one of plain HTTP. */
function checkedServer(server: string, origin: string): string {
  const text = server.includes('://') ? server : `http://${server}`;
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.hostname === '') {
    throw new TegError('TEG_KUBE_CONFIG', `${origin} has the server '${server}', expected https://HOST:PORT`);
  }
  return text.replace(/\/+$/, '');
}

/** @returns The target of the pod this runs in, or undefined if it runs in none. */
function inClusterTarget(env: NodeJS.ProcessEnv, folder: string): ApiTarget | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !port) return undefined;
  const tokenFile = join(folder, 'token');
  const origin = 'in cluster';
  readMounted(tokenFile);
  return {
    server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    ca: readMounted(join(folder, 'ca.crt')),
    skipTlsVerify: false,
    serverName: undefined,
    clientCertificate: undefined,
    clientKey: undefined,
    headers: tokenFileHeaders(tokenFile),
    origin,
  };
}

function readMounted(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TegError(
      'TEG_KUBE_CONFIG',
      `this runs in a pod, but ${file} cannot be read; mount the service account's token ` +
        '(automountServiceAccountToken) or name a kubeconfig with --kubeconfig FILE',
      { cause },
    );
  }
}
