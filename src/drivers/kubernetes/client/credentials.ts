/** Authentication: headers that identify the client, renewed when they must be. */
import { readFileSync } from 'node:fs';
import { TegError } from '../../../model/errors.ts';
import type { Headers } from './api.ts';
import type { KubeContext, KubeExec, KubeUser } from './kubeconfig.ts';

/** Proof of the client's identity. */
export interface Credentials {
  /** PEM. */
  readonly clientCertificate: string | undefined;
  readonly clientKey: string | undefined;
  headers(): Headers | Promise<Headers>;
}

/** Interval between reads of a token file; kubelet renews tokens when 80 % of their hour are over. */
const TOKEN_CHECK_MS = 10_000;

/** How long a plugin may take when credentials are first requested. */
const PLUGIN_SECONDS_MAX = 60;

/**
 * @returns Headers with the token of a file, which is read again every ten seconds. The last token stays in use while
 *          the file cannot be read.
 * @throws Error from `headers` if there has never been a token.
 */
export function tokenFileHeaders(file: string, nowMs: () => number = () => performance.now()): () => Headers {
  let headers: Headers | undefined;
  let readMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (headers !== undefined && nowMs() - readMs < TOKEN_CHECK_MS) return headers;
    readMs = nowMs();
    try {
      const token = readFileSync(file, 'utf8').trim();
      if (token === '') throw new Error(`the token file ${file} is empty`);
      headers = { authorization: `Bearer ${token}` };
    } catch (error) {
      if (headers === undefined) throw error;
    }
    return headers;
  };
}

/**
 * @returns The credentials of a kubeconfig's user; plugins are run once to find out whether they work.
 * @throws TegError TEG_KUBE_CONFIG if a file is missing, a plugin fails, or a way is named that is not supported.
 */
export async function credentialsOf(context: KubeContext): Promise<Credentials> {
  const { user } = context;
  refuseUnsupported(context);
  const clientCertificate = pem(user['client-certificate-data'], user['client-certificate'], context);
  const clientKey = pem(user['client-key-data'], user['client-key'], context);
  const fixed: Headers = user.as === undefined ? {} : { 'impersonate-user': user.as };
  const own = { clientCertificate, clientKey };
  if (user.tokenFile !== undefined) {
    const headers = tokenFileHeaders(user.tokenFile);
    await explained(Promise.resolve().then(headers), context);
    return { ...own, headers: () => ({ ...fixed, ...headers() }) };
  }
  const token = user.token ?? '';
  if (token !== '') return constant(own, { ...fixed, authorization: `Bearer ${token}` });
  if (user.username !== undefined) {
    const basic = Buffer.from(`${user.username}:${user.password ?? ''}`).toString('base64');
    return constant(own, { ...fixed, authorization: `Basic ${basic}` });
  }
  if (user.exec) return pluginCredentials(context, execUser(user.exec, context), fixed);
  if (user['auth-provider'])
    return pluginCredentials(context, { authProvider: user['auth-provider'] }, fixed);
  return constant(own, fixed);
}

function constant(own: Omit<Credentials, 'headers'>, headers: Headers): Credentials {
  return { ...own, headers: () => headers };
}

function refuseUnsupported({ cluster, user, origin }: KubeContext): void {
  const provider = user['auth-provider']?.name;
  const refused =
    cluster['proxy-url'] !== undefined
      ? 'proxy-url'
      : user['as-uid'] !== undefined || user['as-groups'] !== undefined || user['as-user-extra'] !== undefined
        ? 'impersonation of anything but a user (as-uid, as-groups, as-user-extra)'
        : provider !== undefined && provider !== 'oidc'
          ? `the auth-provider '${provider}' (expected oidc; others were replaced by exec plugins)`
          : undefined;
  if (refused !== undefined) {
    throw new TegError('TEG_KUBE_CONFIG', `${origin} asks for ${refused}, which is not supported`);
  }
}

/** PEM text of base64 data or, without it, of a file. */
function pem(
  data: string | undefined,
  file: string | undefined,
  { origin }: KubeContext,
): string | undefined {
  if (data) return Buffer.from(data, 'base64').toString('utf8');
  if (!file) return undefined;
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TegError('TEG_KUBE_CONFIG', `${origin} names the file ${file}, which cannot be read`, {
      cause,
    });
  }
}

/** @returns The PEM text of the cluster's certificate authority, if it names one. */
export function certificateAuthorityOf(context: KubeContext): string | undefined {
  const { cluster } = context;
  return pem(cluster['certificate-authority-data'], cluster['certificate-authority'], context);
}

/** A user as the library's plugins read it. */
type PluginUser = Pick<KubeUser, 'exec'> & { authProvider?: KubeUser['auth-provider'] };

/** Passes the plugin the same data as client-go; some plugins do not start without it. */
function execUser(exec: KubeExec, { cluster }: KubeContext): PluginUser {
  const info = {
    apiVersion: exec.apiVersion ?? 'client.authentication.k8s.io/v1',
    kind: 'ExecCredential',
    spec: { interactive: false, ...(exec.provideClusterInfo ? { cluster: { server: cluster.server } } : {}) },
  };
  const env = [{ name: 'KUBERNETES_EXEC_INFO', value: JSON.stringify(info) }, ...(exec.env ?? [])];
  return { exec: { ...exec, args: exec.args ?? [], env } };
}

/** The fields that the library's plugins fill in. */
interface PluginAnswer {
  headers: Record<string, string>;
  cert?: string;
  key?: string;
}

async function pluginCredentials(
  context: KubeContext,
  user: PluginUser,
  fixed: Headers,
): Promise<Credentials> {
  const plugin = user.exec
    ? new (await import('@kubernetes/client-node/dist/exec_auth.js')).ExecAuth()
    : new (await import('@kubernetes/client-node/dist/oidc_auth.js')).OpenIDConnectAuth();
  const ask = async (): Promise<PluginAnswer> => {
    const answer: PluginAnswer = { headers: {} };
    await plugin.applyAuthentication({ name: 'user', ...user } as never, answer as never);
    return answer;
  };
  const first = await explained(ask(), context);
  // Many requests at the moment of renewal must not start many plugins.
  let running: Promise<PluginAnswer> | undefined;
  const shared = (): Promise<PluginAnswer> => {
    running ??= ask().finally(() => {
      running = undefined;
    });
    return running;
  };
  const headers = async (): Promise<Headers> => {
    const answer = await shared();
    const authorization = answer.headers.Authorization;
    return authorization === undefined ? fixed : { ...fixed, authorization };
  };
  return { clientCertificate: first.cert, clientKey: first.key, headers };
}

/** Waits for first credentials; failures become the user's business. */
async function explained<T>(asked: Promise<T>, { origin, user }: KubeContext): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`no credentials within ${PLUGIN_SECONDS_MAX} s`);
    timer = setTimeout(() => reject(error), PLUGIN_SECONDS_MAX * 1000);
  });
  try {
    return await Promise.race([asked, late]);
  } catch (cause) {
    const how = user.exec ? `the credential plugin '${user.exec.command}' failed` : 'no credentials';
    const hint = user.exec?.installHint ? `; ${user.exec.installHint.trim()}` : '';
    throw new TegError('TEG_KUBE_CONFIG', `${origin}: ${how}: ${(cause as Error).message.trim()}${hint}`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}
