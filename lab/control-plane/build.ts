/**
 * Builds the binaries of a control plane with Go, once a machine: `go-modules.ts` finds existing ones.
 *
 * Invariants: a binary appears in the cache whole or not at all (built beside it, then renamed); two builders of one
 * module never work at once (they would compile everything twice).
 */
import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { TegError } from '../../src/model/errors.ts';
import { builtBinary, type GoModule, moduleCacheFolder, moduleOfBinary } from './go-modules.ts';

/** Oldest Go that builds the modules: the `go` line of their go.mod. */
const GO_MINIMUM = [1, 26] as const;

/** How long one builder waits for another, s. A cold build of the slowest module takes 6 minutes on two cores. */
const LOCK_WAIT_SECONDS = 3600;

/** Lines of the compiler's output that an error shows. */
const OUTPUT_LINES_SHOWN = 20;

/** Progress of a build. */
export interface BuildProgress {
  readonly binary: string;
  /** Packages compiled and modules downloaded so far, of a number that only Go knows. */
  readonly steps: number;
  /** Go's last line: `k8s.io/api/core/v1`, `downloading …`, or that another process builds. */
  readonly note: string;
}

/** Options of `ensureBinaries`. */
export interface BuildOptions {
  /** Called for each line of Go's; only while something is built. */
  readonly onProgress?: (progress: BuildProgress) => void;
  /** Ends the build; the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Finds binaries in the cache, and builds missing ones: minutes for the first build.
 *
 * @returns Path of each binary by its name.
 * @throws TegError TEG_CONTROL_PLANE_NOT_BUILT if Go is missing, too old, or could not build (no network, no disk).
 */
export async function ensureBinaries(
  names: readonly string[],
  options: BuildOptions = {},
): Promise<ReadonlyMap<string, string>> {
  const paths = new Map<string, string>();
  for (const name of names) paths.set(name, builtBinary(name) ?? (await build(name, options)));
  return paths;
}

async function build(binary: string, options: BuildOptions): Promise<string> {
  const module = moduleOfBinary(binary);
  const folder = moduleCacheFolder(module, await goVersion(module));
  await mkdir(folder, { recursive: true });
  const unlock = await lock(folder, binary, options);
  try {
    const built = builtBinary(binary);
    if (built !== undefined) return built;
    const path = join(folder, binary);
    const unfinished = join(folder, `.${binary}.${process.pid}`);
    await compile(module, binary, unfinished, options).finally(() => options.signal?.throwIfAborted());
    await rename(unfinished, path);
    return path;
  } finally {
    await unlock();
  }
}

async function compile(
  module: GoModule,
  binary: string,
  output: string,
  { onProgress, signal }: BuildOptions,
): Promise<void> {
  const linked = Object.entries(module.linked).map(([variable, value]) => `-X ${variable}=${value}`);
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags', ['-s', '-w', ...linked].join(' ')];
  const args = ['build', '-v', ...flags, '-o', output, module.packages[binary] as string];
  let steps = 0;
  const end = await runGo(args, module.folder, signal, (line) => {
    steps++;
    onProgress?.({ binary, steps, note: line.replace(/^go: /, '') });
  });
  if (end.code === 0) return;
  await rm(output, { force: true });
  throw new TegError(
    'TEG_CONTROL_PLANE_NOT_BUILT',
    `\`go build\` of ${binary} in ${module.folder} ended with ${end.code ?? end.signal}; the first build needs the network (or GOPROXY) and 5 GB of disk. It said:\n${end.lines.join('\n')}`,
  );
}

interface GoEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last lines of its output. */
  readonly lines: string[];
}

/** Runs `go`; rejects only if it cannot be started or is aborted. */
function runGo(
  args: readonly string[],
  cwd: string,
  signal?: AbortSignal,
  onLine?: (line: string) => void,
): Promise<GoEnd> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' };
    const child = spawn('go', args, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(signal && { signal }),
    });
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        if (lines.push(line) > OUTPUT_LINES_SHOWN) lines.shift();
        onLine?.(line);
      });
    }
    child.on('error', (error) => reject(signal?.aborted === true ? signal.reason : goMissing(error)));
    child.on('close', (code, ended) => resolve({ code, signal: ended, lines }));
  });
}

function goMissing(cause: Error): TegError {
  return new TegError(
    'TEG_CONTROL_PLANE_NOT_BUILT',
    `\`go\` could not be started (${cause.message}), expected Go ${GO_MINIMUM.join('.')} or later on the PATH, which builds kube-apiserver and etcd from their modules: install it from https://go.dev/dl, or use a cluster that you have with --kubeconfig`,
    { cause },
  );
}

/**
 * @returns For example `go1.26.8`; an older Go that may fetch the module's toolchain reports that one.
 * @throws TegError TEG_CONTROL_PLANE_NOT_BUILT.
 */
async function goVersion(module: GoModule): Promise<string> {
  const end = await runGo(['env', 'GOVERSION'], module.folder);
  const version = end.lines.at(-1) ?? '';
  const match = /^go(\d+)\.(\d+)/.exec(version);
  const newEnough =
    match !== null && Number(match[1]) * 1000 + Number(match[2]) >= GO_MINIMUM[0] * 1000 + GO_MINIMUM[1];
  if (end.code === 0 && newEnough) return version.replace(/[^\w.-]/g, '-');
  throw new TegError(
    'TEG_CONTROL_PLANE_NOT_BUILT',
    `\`go env GOVERSION\` said '${end.lines.join(' ')}', expected go${GO_MINIMUM.join('.')} or later: install it from https://go.dev/dl, or use a cluster that you have with --kubeconfig`,
  );
}

/** Waits until no other living process builds the module, and keeps others from doing so. */
async function lock(folder: string, binary: string, options: BuildOptions): Promise<() => Promise<void>> {
  const path = join(folder, '.lock');
  for (let waited = 0; waited < LOCK_WAIT_SECONDS; waited++) {
    options.signal?.throwIfAborted();
    try {
      const file = await open(path, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      return () => rm(path, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw notWritable(folder, error as Error);
    }
    const holder = await readFile(path, 'utf8').catch(() => '');
    if (holder !== '' && !isAlive(Number(holder))) await rm(path, { force: true });
    else await waitForOther(binary, holder, options);
  }
  throw new TegError(
    'TEG_CONTROL_PLANE_NOT_BUILT',
    `another process has held ${path} for ${LOCK_WAIT_SECONDS} s: end it, or remove the file if none builds`,
  );
}

async function waitForOther(
  binary: string,
  holder: string,
  { onProgress, signal }: BuildOptions,
): Promise<void> {
  onProgress?.({ binary, steps: 0, note: `process ${holder} builds, waiting for it` });
  await delay(1000, undefined, signal && { signal }).catch(() => signal?.throwIfAborted());
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function notWritable(folder: string, cause: Error): TegError {
  return new TegError(
    'TEG_CONTROL_PLANE_NOT_BUILT',
    `${dirname(folder)} cannot be written (${cause.message}), expected a folder for built binaries: set TEG_CACHE to one`,
    { cause },
  );
}
