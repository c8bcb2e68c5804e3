/**
 * Keeps node_modules in step with package-lock.json, so that a fresh clone and a pulled one work without thought.
 *
 * Plain JavaScript for Node 18 and later, without dependencies: it runs before anything is installed.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { currentMajor, fail, findRuntime, NODE_MAJOR_MIN, ROOT } from './runtime.mjs';

/** Holds the hash of the package-lock.json that node_modules was last seen to follow. */
export const STAMP_FILE = '.teg-stamp';

/** Lines of npm's output that are shown when it fails: the cause stands at its beginning. */
const OUTPUT_LINES_SHOWN = 100;

/**
 * Whether what is installed is what the lock file names.
 *
 * @param {string} root Folder of the package.
 * @param {{ needDev?: boolean }} [options] `needDev`: also what only development needs. Default true.
 */
export function inStep(root, { needDev = true } = {}) {
  const lockText = readText(join(root, 'package-lock.json'));
  if (lockText === undefined) return false;
  const hash = createHash('sha256').update(lockText).digest('hex');
  const stampPath = join(root, 'node_modules', STAMP_FILE);
  if (readText(stampPath)?.trim() === hash) return true;
  const installedText = readText(join(root, 'node_modules', '.package-lock.json'));
  if (installedText === undefined || !sameVersions(lockText, installedText, needDev)) return false;
  if (needDev) stamp(stampPath, hash);
  return true;
}

/**
 * Compares npm's own record of what it installed with the lock file; optional packages may be absent.
 *
 * @param {string} lockText
 * @param {string} installedText
 * @param {boolean} needDev
 */
function sameVersions(lockText, installedText, needDev) {
  /** @typedef {{ version?: string, optional?: boolean, dev?: boolean, devOptional?: boolean, link?: boolean }} Entry */
  /** @type {Record<string, Entry>} */
  const wanted = JSON.parse(lockText).packages;
  /** @type {Record<string, Entry>} */
  const installed = JSON.parse(installedText).packages;
  return Object.entries(wanted).every(([path, { version, optional, dev, devOptional, link }]) => {
    if (path === '' || link) return true;
    const got = installed[path]?.version;
    const mayLack = optional || devOptional || (dev && !needDev);
    return got === undefined ? mayLack : got === version;
  });
}

/**
 * The stamp only saves time: where it cannot be written, the versions are compared again next time.
 *
 * @param {string} path
 * @param {string} hash
 */
function stamp(path, hash) {
  try {
    writeFileSync(path, `${hash}\n`);
  } catch {
    // A read-only checkout.
  }
}

/** @param {string} path */
function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/**
 * Runs `npm ci` if it is needed; ends the process with TEG_INSTALL_FAILED if that does not succeed.
 *
 * @param {{ needDev: boolean }} options
 */
export async function ensureDependencies({ needDev }) {
  if (inStep(ROOT, { needDev }) && findRuntime() !== undefined) return;
  const started = Date.now();
  process.stderr.write('teg: installing dependencies (npm ci) …\n');
  const { code, output } = await runNpmCi();
  if (code !== 0) {
    const shown = output.trimEnd().split('\n').slice(0, OUTPUT_LINES_SHOWN).join('\n');
    process.stderr.write(`${shown}\n`);
    fail(
      `TEG_INSTALL_FAILED: \`npm ci\` in ${ROOT} ended with ${code}, expected 0: ` +
        'see its output above; it needs npm and its registry',
    );
  }
  inStep(ROOT);
  process.stderr.write(`teg: installed in ${Math.round((Date.now() - started) / 1000)} s\n`);
}

/**
 * Development packages always: NODE_ENV=production or npm's settings must not leave the tests without tools.
 *
 * @returns {Promise<{ code: number | string | null, output: string }>}
 */
function runNpmCi() {
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error', '--include=dev'];
  if (currentMajor() < NODE_MAJOR_MIN) args.push('--include=optional');
  const script = process.env.npm_execpath ?? '';
  const ownNpm = basename(script) === 'npm-cli.js';
  const windows = process.platform === 'win32';
  const [command, first] = ownNpm ? [process.execPath, [script]] : [windows ? 'npm.cmd' : 'npm', []];
  return new Promise((resolve) => {
    const child = spawn(command, [...first, ...args], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: windows && !ownNpm,
    });
    let output = '';
    /** @param {Buffer} data */
    const collect = (data) => {
      output += data;
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => resolve({ code: -1, output: error.message }));
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output }));
  });
}
