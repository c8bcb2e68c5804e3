/**
 * The `teg` command as a user meets it: a process with arguments, output and an exit code.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorsMarkdown } from '../src/cli/commands/errors-command.ts';
import { ERROR_CODES } from '../src/model/errors.ts';

const ROOT = join(import.meta.dirname, '..');
const TEG = join(ROOT, 'bin', 'teg');
const VERSION = String(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).version);

function teg(...args: string[]) {
  const env = { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined };
  const { status, stdout, stderr } = spawnSync(process.execPath, [TEG, ...args], {
    env,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

describe('help', () => {
  test('without arguments it prints the help', () => {
    const { status, stdout, stderr } = teg();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^Usage: teg \[options\] \[command\]\n\nTEG, the Thermo-Economic Governor/);
    expect(stdout).toContain('Exit codes: 0 success');
    expect(teg('--help').stdout).toBe(stdout);
    expect(teg('help').stdout).toBe(stdout);
  });

  test('every command has a description and its own help', () => {
    const commands = [...teg().stdout.matchAll(/^ {2}([a-z-]+) (?:\[|<).*?\s{2,}(.+)$/gm)];
    expect(commands.map((match) => match[1])).toContain('errors');
    for (const [, name = ''] of commands.filter((match) => match[1] !== 'help')) {
      const { status, stdout } = teg(name, '--help');
      expect({ name, status }).toEqual({ name, status: 0 });
      expect(stdout).toContain(`Usage: teg ${name} `);
    }
  });

  test('prints the version of package.json', () => {
    expect(teg('--version')).toEqual({ status: 0, stdout: `${VERSION}\n`, stderr: '' });
    expect(teg('-V').stdout).toBe(`${VERSION}\n`);
  });

  test('loads nothing heavy', () => {
    const hook = `
      import { registerHooks } from 'node:module';
      registerHooks({ load(url, context, next) { process.stderr.write(url + '\\n'); return next(url, context); } });
    `;
    const args = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, TEG, '--help'];
    const { stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    const urls = stderr.trim().split('\n');
    expect(urls.some((url) => url.endsWith('/src/cli/program.ts'))).toBe(true);
    const packages = urls.flatMap((url) => /\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []);
    expect([...new Set(packages)]).toEqual(['commander']);
    const own = urls.filter((url) => url.includes('/src/'));
    expect(own.length).toBeLessThan(50);
    // Names alone, without imports: the choices of --queue.
    const others = own.filter((url) => !url.endsWith('/src/simulation/queueing/queue-names.ts'));
    expect(others.filter((url) => /\/src\/(field|governor|simulation|drivers)\//.test(url))).toEqual([]);
  });

  test('is quick: less than 150 ms of processor time beyond the start of Node.js', () => {
    const hook =
      'process.on("exit", () => { const { user, system } = process.cpuUsage(); console.error(user + system); });';
    const bestMicros = (args: string[]): number => {
      const all = ['--import', `data:text/javascript,${encodeURIComponent(hook)}`, ...args];
      const runs = Array.from({ length: 5 }, () => spawnSync(process.execPath, all, { encoding: 'utf8' }));
      return Math.min(...runs.map(({ stderr }) => Number(stderr)));
    };
    const empty = bestMicros(['-e', '0']);
    expect(empty).toBeGreaterThan(0);
    expect(bestMicros([TEG, '--help']) - empty).toBeLessThan(150_000);
  });
});

describe('what cannot be understood', () => {
  test.each([
    [['erors'], "unknown command 'erors'. Did you mean errors?", 'teg --help'],
    [['errors', '--jsn'], "unknown option '--jsn'. Did you mean --json?", 'teg errors --help'],
    [['--jsn'], "unknown option '--jsn'", 'teg --help'],
    [
      ['policies', 'more'],
      "too many arguments for 'policies'. Expected 0 arguments but got 1",
      'teg policies --help',
    ],
  ])('teg %j', (args, message, help) => {
    const { status, stdout, stderr } = teg(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    const [first, second] = stderr.split('\n');
    expect(first).toMatch(new RegExp(`^error TEG_OPTION_INVALID: ${message.replace(/[.?]/g, '\\$&')}`));
    expect(second).toBe(`hint: \`${help}\` lists the options`);
  });
});

describe('teg errors', () => {
  test('lists every code', () => {
    const { status, stdout } = teg('errors');
    expect(status).toBe(0);
    for (const code of Object.keys(ERROR_CODES)) expect(stdout).toMatch(new RegExp(`^${code} `, 'm'));
  });

  test('as JSON', () => {
    const entries = JSON.parse(teg('errors', '--json').stdout);
    expect(entries).toHaveLength(Object.keys(ERROR_CODES).length);
    expect(entries[0]).toEqual({
      code: 'TEG_INPUT_NOT_FOUND',
      exitCode: 2,
      meaning: ERROR_CODES.TEG_INPUT_NOT_FOUND,
    });
  });

  test('docs/errors.md is what it prints: `bin/teg errors --print-page > docs/errors.md`', () => {
    expect(readFileSync(join(ROOT, 'docs', 'errors.md'), 'utf8')).toBe(errorsMarkdown());
    expect(teg('errors', '--print-page').stdout).toBe(errorsMarkdown());
  });
});

test('a reader that stops early ends it quietly', async () => {
  const child = spawn(process.execPath, [TEG, 'errors'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const [code, signal] = await once(child, 'close');
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
});
