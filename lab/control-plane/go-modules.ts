/**
 * The Go modules of `test/control-plane` that the binaries of a control plane are built from, and the place of the
 * binaries: outside the source tree, in a folder named by a digest of all build inputs.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { TegError } from '../../src/model/errors.ts';

const SOURCES = join(import.meta.dirname, '..', '..', 'test', 'control-plane');

/** A module and the packages of its binaries. */
export interface GoModule {
  readonly name: string;
  /** Folder of its go.mod. */
  readonly folder: string;
  /** Package of each binary, in the form of `go build`. */
  readonly packages: Readonly<Record<string, string>>;
  /** Values set at link time (`-X`), by variable. */
  readonly linked: Readonly<Record<string, string>>;
}

function moduleOf(
  name: string,
  packages: Record<string, string>,
  linked: Record<string, string> = {},
): GoModule {
  return { name, folder: join(SOURCES, name), packages, linked };
}

/** Version information of Kubernetes' programs. */
function kubernetesLinked(version: string): Record<string, string> {
  const [major = '', minor = ''] = version.split('.');
  return {
    'k8s.io/component-base/version.gitVersion': `v${version}`,
    'k8s.io/component-base/version.gitMajor': major,
    'k8s.io/component-base/version.gitMinor': minor,
  };
}

const KUBERNETES_LINKED = kubernetesLinked('1.36.3');

/** The modules. Versions are in their go.mod; those that the programs report are here too. */
export const GO_MODULES: readonly GoModule[] = [
  moduleOf('etcd', { etcd: '.' }),
  moduleOf(
    'kubernetes',
    {
      'kube-apiserver': './cmd/kube-apiserver',
      'kube-scheduler': './cmd/kube-scheduler',
      'kube-controller-manager': './cmd/kube-controller-manager',
      kubectl: './cmd/kubectl',
    },
    KUBERNETES_LINKED,
  ),
  // Its own module: a change in it does not rebuild the control plane. It is the stock scheduler, so it reports the
  // same version.
  moduleOf('oracle', { 'scheduler-oracle': '.' }, KUBERNETES_LINKED),
  // For tests in virtual machines alone.
  moduleOf('kubelet', { kubelet: '.' }, KUBERNETES_LINKED),
  moduleOf(
    'kwok',
    { kwok: 'sigs.k8s.io/kwok/cmd/kwok' },
    { 'sigs.k8s.io/kwok/pkg/consts.Version': 'v0.8.0' },
  ),
  moduleOf('tools', {
    helm: 'helm.sh/helm/v4/cmd/helm',
    'promql-check': './cmd/promql-check',
  }),
  // The next version of the API server alone: another version of the groups of pods, which needs no controller. Last:
  // everything else is there when a build has to be cut short.
  moduleOf('kubernetes-1.37', { 'kube-apiserver-1.37': './cmd/kube-apiserver' }, kubernetesLinked('1.37.2')),
];

/** @returns The module that has this binary. @throws TegError TEG_OPTION_INVALID if none has it. */
export function moduleOfBinary(binary: string): GoModule {
  const module = GO_MODULES.find(({ packages }) => Object.hasOwn(packages, binary));
  if (module !== undefined) return module;
  const known = GO_MODULES.flatMap(({ packages }) => Object.keys(packages)).join(', ');
  throw new TegError('TEG_OPTION_INVALID', `got the binary '${binary}', expected one of ${known}`);
}

/**
 * @returns Hexadecimal digest of go.mod, go.sum, the sources and the link-time values. @throws TegError
 *   TEG_CONTROL_PLANE_NOT_BUILT if they are missing.
 */
export function sourceHash(module: GoModule): string {
  if (!existsSync(join(module.folder, 'go.mod'))) {
    throw new TegError(
      'TEG_CONTROL_PLANE_NOT_BUILT',
      `${module.folder} has no go.mod, expected TEG's complete sources (a container image leaves them out): start this from a clone`,
    );
  }
  const hash = createHash('sha256');
  const names = readdirSync(module.folder, { recursive: true, encoding: 'utf8' });
  for (const name of names.filter((file) => /\.go$|go\.(mod|sum)$/.test(file)).sort()) {
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(module.folder, name)))
      .update('\0');
  }
  return hash
    .update(JSON.stringify([module.packages, module.linked]))
    .digest('hex')
    .slice(0, 16);
}

/** Folder of all binaries: `$TEG_CACHE`, else `$XDG_CACHE_HOME/teg`, else `~/.cache/teg`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const base = env.TEG_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'teg');
  return join(base, 'control-plane');
}

/** @returns Folder of a module's binaries as this version of Go (`go1.26.8`) builds them. */
export function moduleCacheFolder(module: GoModule, goVersion: string): string {
  return join(cacheFolder(), `${module.name}-${sourceHash(module)}-${goVersion}`);
}

/**
 * Looks for an existing binary of any version of Go, so that built ones are used on machines that no longer have Go.
 *
 * @returns Its path; undefined if it was never built.
 */
export function builtBinary(binary: string): string | undefined {
  const module = moduleOfBinary(binary);
  const prefix = `${module.name}-${sourceHash(module)}-`;
  const cache = cacheFolder();
  if (!existsSync(cache)) return undefined;
  const folders = readdirSync(cache).filter((name) => name.startsWith(prefix));
  return folders
    .sort()
    .map((name) => join(cache, name, binary))
    .findLast((path) => existsSync(path));
}

/** @returns The binaries that were never built here; tests that need them are skipped with this list. */
export function missingBinaries(binaries: readonly string[]): string[] {
  return binaries.filter((binary) => builtBinary(binary) === undefined);
}
