/**
 * Finds, parses, checks and merges kubeconfig files as kubectl does.
 *
 * Why not the library's loader: importing it costs 0.6 s and 80 MB, which is more than the rest of a start; it knows
 * neither `tokenFile` nor files that repeat a name. Its plugins for credentials are used (`credentials.ts`).
 */
import { readFileSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { TegError } from '../../../model/errors.ts';

const CLUSTER = z.object({
  server: z.string(),
  'certificate-authority': z.string().optional(),
  'certificate-authority-data': z.string().optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': z.string().optional(),
  'proxy-url': z.string().optional(),
});

const EXEC = z.object({
  apiVersion: z.string().optional(),
  command: z.string(),
  args: z.array(z.string()).nullish(),
  env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
  installHint: z.string().optional(),
  provideClusterInfo: z.boolean().optional(),
});

const USER = z.object({
  token: z.string().optional(),
  tokenFile: z.string().optional(),
  'client-certificate': z.string().optional(),
  'client-certificate-data': z.string().optional(),
  'client-key': z.string().optional(),
  'client-key-data': z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  as: z.string().optional(),
  'as-uid': z.string().optional(),
  'as-groups': z.array(z.string()).optional(),
  'as-user-extra': z.record(z.string(), z.unknown()).optional(),
  exec: EXEC.nullish(),
  'auth-provider': z
    .object({ name: z.string(), config: z.record(z.string(), z.string()).nullish() })
    .nullish(),
});

const CONTEXT = z.object({ cluster: z.string(), user: z.string().optional() });

const FILE = z.object({
  clusters: z.array(z.object({ name: z.string(), cluster: CLUSTER })).nullish(),
  users: z.array(z.object({ name: z.string(), user: USER.nullish() })).nullish(),
  contexts: z.array(z.object({ name: z.string(), context: CONTEXT })).nullish(),
  'current-context': z.string().nullish(),
});

/** A cluster of a kubeconfig; field names as in the file, paths absolute. */
export type KubeCluster = z.infer<typeof CLUSTER>;

/** A user of a kubeconfig. */
export type KubeUser = z.infer<typeof USER>;

/** A command that prints credentials. */
export type KubeExec = z.infer<typeof EXEC>;

/** The cluster and user that a context names. */
export interface KubeContext {
  readonly cluster: KubeCluster;
  readonly user: KubeUser;
  /** `FILE, context 'NAME'`, for messages. */
  readonly origin: string;
}

/** Longest file that is read. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

/** Files to look at, and whether one that is missing is an error. */
interface Candidates {
  readonly files: readonly string[];
  /** How the user named them; undefined: the user did not. */
  readonly named: string | undefined;
}

/**
 * @param flag The file of a command-line option, if any; it is then the only one read.
 * @param contextName Default: the files' `current-context`.
 * @returns The context's cluster and user; undefined if no file is there and none was named.
 * @throws TegError TEG_KUBE_CONFIG if a file that was named is missing, a file is malformed, or there is no such
 *   context.
 */
export function loadKubeconfig(
  flag: string | undefined,
  contextName: string | undefined,
  env: NodeJS.ProcessEnv,
): KubeContext | undefined {
  const { files, named } = candidates(flag, env);
  const found = files.flatMap((file) => readConfig(file) ?? []);
  if (found.length > 0) return pickContext(found, contextName);
  if (named === undefined) return undefined;
  throw new TegError(
    'TEG_KUBE_CONFIG',
    `${named}: there is no such file, expected a kubeconfig; name one that exists with --kubeconfig`,
  );
}

function candidates(flag: string | undefined, env: NodeJS.ProcessEnv): Candidates {
  if (flag !== undefined) return { files: [flag], named: `--kubeconfig ${flag}` };
  const listed = (env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  if (listed.length > 0) return { files: listed, named: `KUBECONFIG=${env.KUBECONFIG}` };
  const home = env.HOME ?? '';
  return { files: home === '' ? [] : [join(home, '.kube', 'config')], named: undefined };
}

/** A file that was read. */
interface ReadConfig {
  readonly file: string;
  readonly config: z.infer<typeof FILE>;
}

/** @returns The file's content, or undefined if there is no such file. */
function readConfig(file: string): ReadConfig | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unusable(file, `it cannot be read: ${(error as Error).message}`, error);
  }
  if (bytes.length > FILE_BYTES_MAX) {
    throw unusable(file, `${bytes.length} bytes, but a kubeconfig has at most ${FILE_BYTES_MAX}`);
  }
  let document: unknown;
  try {
    document = parse(bytes.toString('utf8'), { logLevel: 'error' });
  } catch (error) {
    throw unusable(file, `it is not YAML: ${(error as Error).message.split('\n')[0]}`, error);
  }
  const result = FILE.safeParse(document);
  if (!result.success) {
    const issue = result.error.issues[0];
    const where = issue?.path.reduce<string>(
      (path, one) => path + (typeof one === 'number' ? `[${one}]` : `.${String(one)}`),
      '',
    );
    throw unusable(file, `${where?.replace(/^\./, '') || 'the document'}: ${issue?.message}`, result.error);
  }
  return { file, config: result.data };
}

/** The first file that has a name wins, as in kubectl. */
function pickContext(found: readonly ReadConfig[], contextName: string | undefined): KubeContext {
  const files = found.map((one) => one.file).join(', ');
  const name = contextName ?? found.map((one) => one.config['current-context']).find(Boolean);
  const contexts = found.flatMap((one) => one.config.contexts ?? []);
  const known =
    contexts.length === 0 ? 'it has none' : `it has ${contexts.map((one) => one.name).join(', ')}`;
  if (!name) throw unusable(files, `no current-context; ${known}; choose one with --context`);
  const context = contexts.find((one) => one.name === name)?.context;
  if (context === undefined)
    throw unusable(files, `no context '${name}'; ${known}; choose one with --context`);
  return {
    cluster: pickCluster(found, context.cluster, name),
    user: context.user === undefined ? {} : pickUser(found, context.user, name),
    origin: `${files}, context '${name}'`,
  };
}

function pickCluster(found: readonly ReadConfig[], name: string, context: string): KubeCluster {
  for (const { file, config } of found) {
    const cluster = config.clusters?.find((one) => one.name === name)?.cluster;
    if (cluster === undefined) continue;
    return withAbsolutePaths(cluster, ['certificate-authority'], file);
  }
  throw unusable(filesOf(found), `context '${context}' names the cluster '${name}', which is not there`);
}

function pickUser(found: readonly ReadConfig[], name: string, context: string): KubeUser {
  for (const { file, config } of found) {
    const entry = config.users?.find((one) => one.name === name);
    if (entry === undefined) continue;
    const user = withAbsolutePaths(entry.user ?? {}, ['client-certificate', 'client-key', 'tokenFile'], file);
    const relative = user.exec?.command.includes('/') === true;
    return user.exec && relative ? { ...user, exec: withAbsolutePaths(user.exec, ['command'], file) } : user;
  }
  throw unusable(filesOf(found), `context '${context}' names the user '${name}', which is not there`);
}

/** Paths in a kubeconfig are relative to the file. */
function withAbsolutePaths<T extends object>(part: T, fields: readonly (keyof T)[], file: string): T {
  const copy = { ...part };
  for (const field of fields) {
    const path = copy[field];
    if (typeof path === 'string' && path !== '' && !isAbsolute(path)) {
      copy[field] = join(dirname(file), path) as T[typeof field];
    }
  }
  return copy;
}

function filesOf(found: readonly ReadConfig[]): string {
  return found.map((one) => one.file).join(', ');
}

function unusable(file: string, why: string, cause?: unknown): TegError {
  return new TegError('TEG_KUBE_CONFIG', `the kubeconfig ${file} cannot be used: ${why}`, { cause });
}
