/**
 * What `npm start`, `npm test`, `npm run test:kubernetes`, `npm run check`, `npm run bench` and `npm run cluster` run: installs what is missing,
 * finds a Node.js that can run the sources, and hands over.
 *
 * Plain JavaScript for Node 18 and later, without dependencies: it runs before anything is installed.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDependencies } from './dependencies.mjs';
import {
  endLike,
  fail,
  findRuntime,
  missingRuntimeMessage,
  ROOT,
  runProgram,
  runtimeEnv,
} from './runtime.mjs';

const USAGE = 'usage: node bin/bootstrap.mjs start|test|test:kubernetes|check|bench|cluster [arguments]';

/**
 * A step: a tool (its package and the name of its command) with arguments.
 *
 * @typedef {{ name: string, tool: [string, string], args: string[] }} Step
 * @typedef {{ exitCode: number, signal: NodeJS.Signals | null }} End
 * @typedef {{ end: End, output: string }} StepResult
 */

/**
 * Static checks, in the order in which their output is printed. They run side by side: none needs another.
 *
 * @type {Step[]}
 */
const CHECKS = [
  { name: 'lint and format', tool: ['@biomejs/biome', 'biome'], args: ['check', '--error-on-warnings'] },
  { name: 'types', tool: ['typescript', 'tsc'], args: ['-p', '.'] },
  { name: 'dead code', tool: ['knip', 'knip'], args: [] },
];

/**
 * @param {string} packageName
 * @param {string} binName
 * @returns {string} The script behind a tool's command, found without relying on links or shells.
 */
function toolScript(packageName, binName) {
  const folder = join(ROOT, 'node_modules', packageName);
  try {
    const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    return join(folder, typeof bin === 'string' ? bin : bin[binName]);
  } catch {
    return fail(
      `TEG_INSTALL_FAILED: ${packageName} is not installed, expected it in ${folder}: run \`npm ci\``,
    );
  }
}

/**
 * Runs phases one after the other, all of them, the steps of a phase side by side, and says at the end which failed.
 *
 * @param {string} runtime
 * @param {Step[][]} phases
 */
async function runPhases(runtime, phases) {
  /** @type {string[]} */
  const failed = [];
  for (const steps of phases) {
    // A step on its own writes as it goes; the output of several is printed whole, in order.
    const isAlone = steps.length === 1;
    const running = steps.map((step) => runStep(runtime, step, isAlone));
    /** @type {End | undefined} */
    let interrupted;
    for (const [i, { name }] of steps.entries()) {
      const { end, output } = await /** @type {Promise<StepResult>} */ (running[i]);
      if (!isAlone) process.stdout.write(`\n── ${name}\n${output}`);
      if (end.signal !== null || end.exitCode === 130) interrupted ??= end;
      else if (end.exitCode !== 0) failed.push(name);
    }
    if (interrupted !== undefined) return endLike(interrupted);
  }
  process.stdout.write(failed.length === 0 ? '\nall passed\n' : `\nfailed: ${failed.join(', ')}\n`);
  process.exitCode = failed.length === 0 ? 0 : 1;
}

/**
 * @param {string} runtime
 * @param {Step} step
 * @param {boolean} isAlone Whether it has the terminal to itself.
 * @returns {Promise<StepResult>} `output` is empty for a step that is alone.
 */
async function runStep(runtime, { name, tool, args }, isAlone) {
  const command = [toolScript(...tool), ...args];
  const options = { cwd: ROOT, env: runtimeEnv() };
  if (isAlone) {
    process.stdout.write(`\n── ${name}\n`);
    return { end: await runProgram(runtime, command, options), output: '' };
  }
  /** @type {Buffer[]} */
  const chunks = [];
  const end = await runProgram(runtime, command, { ...options, onOutput: (chunk) => chunks.push(chunk) });
  return { end, output: Buffer.concat(chunks).toString() };
}

/**
 * Tests; with arguments only them, without the static checks: `npm test -- src/field`.
 *
 * @param {string[]} args
 * @returns {Step[][]}
 */
function testPhases(args) {
  /** @type {Step} */
  const tests = { name: 'tests', tool: ['vitest', 'vitest'], args: ['run', ...args] };
  return args.length > 0 ? [[tests]] : [CHECKS, [tests]];
}

/**
 * Tests on a real control plane: builds its binaries first (once a machine), then runs what is named, or all.
 *
 * @param {string[]} args
 * @returns {Step[][]}
 */
function kubernetesPhases(args) {
  const tests = args.some((arg) => !arg.startsWith('-')) ? args : ['test/kubernetes', ...args];
  return testPhases(tests);
}

/** @param {string[]} argv */
async function main([command = '', ...args]) {
  if (!['start', 'test', 'check', 'bench', 'cluster', 'test:kubernetes'].includes(command)) {
    fail(
      `TEG_OPTION_INVALID: got '${command}', expected one of start, test, check, bench, cluster, test:kubernetes\n${USAGE}`,
      2,
    );
  }
  if (!existsSync(join(ROOT, 'package-lock.json'))) {
    fail(
      `TEG_INSTALL_FAILED: ${ROOT} has no package-lock.json, expected a complete checkout: clone it again`,
    );
  }
  const isTeg = command === 'start' || command === 'cluster';
  await ensureDependencies({ needDev: !isTeg });
  const runtime = findRuntime() ?? fail(missingRuntimeMessage());
  if (command === 'test') return runPhases(runtime, testPhases(args));
  if (command === 'test:kubernetes') {
    // A suite whose binaries are missing after the build fails; it is not skipped.
    process.env.TEG_CONTROL_PLANE = 'required';
    const build = await runProgram(runtime, [join(ROOT, 'lab/main.ts'), 'cluster', '--build-only'], {
      cwd: ROOT,
      env: runtimeEnv(),
    });
    return build.exitCode === 0 ? runPhases(runtime, kubernetesPhases(args)) : endLike(build);
  }
  if (command === 'check') return runPhases(runtime, [CHECKS]);
  const [file, ...first] = isTeg ? ['lab/main.ts', command] : ['bench/run.ts'];
  // The working folder stays the caller's: `npm start -- --nodes ./my.csv` names a file where npm was started.
  const cwd = process.env.INIT_CWD ?? process.cwd();
  const options = { cwd, env: runtimeEnv(), forwardKeys: isTeg };
  endLike(await runProgram(runtime, [join(ROOT, String(file)), ...first, ...args], options));
}

await main(process.argv.slice(2));
