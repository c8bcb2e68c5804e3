/**
 * Holds the sources to the house rules, and the checker to samples that break each of them.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  brokenRules,
  FILE_LINES_MAX,
  FUNCTION_LINES_MAX,
  ROOM_IMPORTS,
  roomOf,
  type SourceFile,
} from './architecture-rules.ts';

/** What the table calls the core. */
const PURE = ['kernel', 'physics', 'model', 'field', 'market', 'governor', 'guard', 'simulation'];

const ROOT = join(import.meta.dirname, '..');

/** All TypeScript files of the product and of the laboratory. */
function sources(): SourceFile[] {
  return ['src', 'lab']
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map(
        (name) => `${folder}/${name}`,
      ),
    )
    .filter((name) => name.endsWith('.ts'))
    .sort()
    .map((name) => name.replaceAll('\\', '/'))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

describe('the sources', () => {
  const files = sources();

  test('are there', () => {
    expect(files.length).toBeGreaterThan(10);
    expect(files.map((file) => file.path)).toContain('src/kernel/random.ts');
  });

  test('keep the rules of the house', () => {
    expect(brokenRules(files)).toEqual([]);
  });

  test('docs/architecture.md has the same import table', () => {
    const text = readFileSync(join(ROOT, 'docs', 'architecture.md'), 'utf8');
    for (const room of new Set(files.map((file) => roomOf(file.path)))) {
      const allowed = ROOM_IMPORTS[room] as readonly string[];
      const folder = room.startsWith('lab') ? room : `src/${room}`;
      const row = new RegExp(`^\\| \`${folder}\` \\|.*\\| (.*) \\|$`, 'm').exec(text);
      expect(row, `a row for ${folder}`).not.toBeNull();
      if (row?.[1] === 'everything') continue;
      const core = files.map((file) => roomOf(file.path)).filter((name) => PURE.includes(name));
      const listed = row?.[1]?.includes('nothing')
        ? []
        : (row?.[1]?.split(', ') ?? []).flatMap((name) => (name === 'the core' ? core : name));
      expect(allowed, `imports of src/${room}`).toEqual(expect.arrayContaining(listed));
      expect(listed, `imports of src/${room}`).toEqual(expect.arrayContaining(allowed.filter(exists)));
    }
    function exists(room: string): boolean {
      return files.some((file) => roomOf(file.path) === room);
    }
  });
});

/** What the checker says about one file. */
function check(path: string, text: string): string[] {
  return brokenRules([{ path, text }]);
}

describe('the checker', () => {
  test.each([
    ['model', '../field/lattice.ts', 'model may import kernel'],
    ['kernel', '../model/node.ts', 'kernel may import nothing of ours'],
    ['kernel', 'node:fs', 'kernel imports nothing'],
    ['kernel', 'simple-statistics', 'kernel imports nothing'],
    ['physics', '../model/node.ts', 'physics may import kernel'],
    ['field', '../governor/policy.ts', 'field may import kernel, physics, model'],
    ['governor', '../simulation/run.ts', 'governor may import'],
    ['governor', 'node:crypto', 'governor decides, and so has no I/O'],
    ['traces', '../field/lattice.ts', 'traces may import kernel, model'],
    ['simulation', '../cli/main.ts', 'simulation may import'],
    ['cli', '../../bench/run.ts', 'it lies outside src'],
    ['cli', './program.test.ts', 'a test is imported by tests only'],
    ['drivers', '../../lab/claims/claim.ts', 'drivers may import kernel, physics'],
  ])('refuses that %s imports %s', (room, specifier, why) => {
    expect(check(`src/${room}/x.ts`, `import { a } from '${specifier}';\n`)).toEqual([
      expect.stringMatching(`^src/${room}/x.ts:1: imports '${specifier}': ${why}`),
    ]);
  });

  test.each([
    ["import type { A } from '../cli/a.ts';", 1],
    ["export { a } from '../cli/a.ts';", 1],
    ["export type { A } from '../cli/a.ts';", 1],
    ["export * from '../cli/a.ts';", 1],
    ["\nawait import('../cli/a.ts');", 2],
    ["start(new URL('../cli/a.ts', import.meta.url));", 1],
    ["let a: import('../cli/a.ts').A;", 1],
    ["let a: typeof import('../cli/a.ts');", 1],
  ])('sees an import however it is written: %s', (text, line) => {
    expect(check('src/field/x.ts', text)).toEqual([
      expect.stringContaining(`src/field/x.ts:${line}: imports '../cli/a.ts'`),
    ]);
  });

  test('allows what the table allows', () => {
    const text =
      "import { a } from '../kernel/a.ts';\nimport { b } from './deeper/b.ts';\nimport { z } from 'zod';\n";
    expect(check('src/field/x.ts', text)).toEqual([]);
    expect(check('src/simulation/baselines/x.ts', "import { a } from '../../kernel/a.ts';\n")).toEqual([]);
    expect(
      check('src/kernel/x.test.ts', "import { a } from 'vitest';\nsetTimeout(a, Date.now());\n"),
    ).toEqual([]);
  });

  test('refuses a file in no room', () => {
    expect(check('src/x.ts', '')).toEqual([expect.stringContaining('lies in no room')]);
    expect(check('src/utils/x.ts', '')).toEqual([expect.stringContaining('lies in no room')]);
  });

  test('lets the laboratory import the product, and its rooms without I/O the core alone', () => {
    const text = "import { a } from '../../src/cli/a.ts';\n";
    expect(check('lab/bench/x.ts', text)).toEqual([]);
    expect(check('lab/claims/x.ts', text)).toEqual([expect.stringContaining('lab/claims may import kernel')]);
    expect(check('lab/claims/x.ts', 'Date.now();\n')).toHaveLength(1);
    expect(check('lab/peers/x.ts', "import 'node:fs';\n")).toHaveLength(1);
  });

  test('finds folders that need each other', () => {
    const upward = brokenRules([
      { path: 'src/governor/zone/a.ts', text: "import '../policy/b.ts';\n" },
      { path: 'src/governor/policy/b.ts', text: "import './c.ts';\n" },
      { path: 'src/governor/policy/d.ts', text: "import '../zone/e.ts';\n" },
    ]);
    expect(upward).toEqual([
      'src/governor: its parts need each other in a circle: src/governor/zone/a.ts imports src/governor/policy/b.ts; ' +
        'src/governor/policy/d.ts imports src/governor/zone/e.ts',
    ]);
    const outer = [
      { path: 'src/governor/a.ts', text: "import './zone/b.ts';\n" },
      { path: 'src/governor/zone/b.ts', text: "import '../c.ts';\n" },
    ];
    expect(brokenRules(outer)).toEqual([]);
    expect(
      brokenRules([...outer, { path: 'src/governor/c.ts', text: "import './zone/d.ts';\n" }]),
    ).toHaveLength(1);
  });

  test('finds circles, also through types and through several files', () => {
    const circle = brokenRules([
      { path: 'src/field/a.ts', text: "import './b.ts';\n" },
      { path: 'src/field/b.ts', text: "import type { C } from './deeper/c.ts';\n" },
      { path: 'src/field/deeper/c.ts', text: "export * from '../a.ts';\n" },
    ]);
    expect(circle[0]).toBe(
      'src/field/a.ts:1: imports itself in a circle: src/field/a.ts → src/field/b.ts → src/field/deeper/c.ts → src/field/a.ts',
    );
  });

  test('an import at run time closes a circle too', () => {
    const files = [
      { path: 'src/cli/a.ts', text: "import './b.ts';\n" },
      { path: 'src/cli/b.ts', text: "await import('./a.ts');\n" },
    ];
    expect(brokenRules(files)[0]).toBe(
      'src/cli/a.ts:1: imports itself in a circle: src/cli/a.ts → src/cli/b.ts → src/cli/a.ts',
    );
  });

  test.each([
    "import 'node:crypto'",
    "import { readFileSync } from 'fs'",
    "import { Worker } from 'worker_threads'",
    "import { fetch as get } from 'undici'",
    "await import('node:fs')",
    "export { readFileSync } from 'fs'",
    'await fetch(url)',
    'globalThis.fetch(url)',
    "globalThis['fetch'](url)",
    'const get = fetch',
    'process.env.HOME',
    'const { env } = process',
    'console.log(1)',
    'f(console)',
    'await import(name)',
    "await import('./a' + '.ts')",
    'new Worker(url)',
    "require('fs')",
    "eval('1')",
    "(0, eval)('1')",
    'const run = eval',
    "new Function('1')",
    "new (Function)('1')",
    'global.fetch(url)',
    'self.process.env',
    'new SharedWorker(url)',
    "import fs = require('fs')",
  ])('refuses a way out of the core: %s', (code) => {
    for (const room of ['model', 'kernel', 'physics', 'field', 'market', 'governor', 'simulation']) {
      const found = check(`src/${room}/x.ts`, `\n${code};\n`);
      expect(found.length, room).toBeGreaterThan(0);
      for (const problem of found) expect(problem).toMatch(/^src\/\w+\/x\.ts:2: (?:imports|uses|passes) /);
    }
    expect(check('src/cli/x.ts', `${code};\n`)).toEqual([]);
  });

  test.each([
    'const D = Date; D.now()',
    'const M = Math; M.random()',
    'const { performance: p } = globalThis; p.now()',
    'const g = globalThis; g.Math.random()',
    'call(Date)',
    'const clocks = { Date }',
    "globalThis['Math'].random()",
    'globalThis[name].now()',
    'global.Date.now()',
    'const world = global',
    "Math['ran' + 'dom']()",
    'Date[name]()',
    'Date.call(null)',
    'new Date(...[])',
    'Temporal.Now.instant()',
    "import { randomUUID } from 'node:crypto'",
    "import { randomInt } from 'crypto'",
    "import { setTimeout as later } from 'timers/promises'",
  ])('refuses a clock or chance under another name: %s', (code) => {
    for (const room of ['governor', 'simulation', 'traces']) {
      expect(check(`src/${room}/x.ts`, `${code};\n`).length, room).toBeGreaterThan(0);
    }
  });

  test('knows names of its own from those of the world', () => {
    const text = [
      'function restart(process: Process): void { process.env = 1; world.fetch(process); }',
      'const text = { fetch: 1, console: 2, process: 3 };',
      'class Node { private readonly console = 1; fetch(): void {} }',
      'interface Host { process: number; fetch(): void; at: Date }',
      'if (x instanceof Date) f(new Date(5), Math.max(1, 2), text.console);',
      'export type { Worker } from "./worker.ts";',
    ].join('\n');
    expect(check('src/simulation/x.ts', text)).toEqual([]);
  });

  test.each([
    ['Date.now()', 'Date.now'],
    ['performance.now()', 'performance.now'],
    ['Math.random()', 'Math.random'],
    ["Math['random']()", 'Math.random'],
    ['globalThis.Math.random()', 'Math.random'],
    ['const f = Math.random', 'Math.random'],
    ['const { random } = Math', 'parts of Math'],
    ['process.hrtime.bigint()', 'process.hrtime'],
    ['setTimeout(() => {}, 1)', 'setTimeout'],
    ['globalThis.setInterval(f, 1)', 'setInterval'],
    ['const later = setTimeout', 'setTimeout'],
    ['new Date()', 'new Date()'],
    ['Date()', 'Date()'],
    ['crypto.randomUUID()', 'crypto.randomUUID'],
  ])('refuses %s in a deterministic room', (code, what) => {
    for (const room of [
      'model',
      'kernel',
      'physics',
      'field',
      'market',
      'governor',
      'simulation',
      'traces',
    ]) {
      const [first, ...more] = check(`src/${room}/x.ts`, `\n${code};\n`);
      expect(first).toBe(`src/${room}/x.ts:2: uses ${what}: time and randomness are arguments here`);
      expect(more.every((problem) => problem.startsWith(`src/${room}/x.ts:2: `))).toBe(true);
    }
    expect(check('src/cli/x.ts', `${code};\n`)).toEqual([]);
  });

  test('refuses the modules of clocks', () => {
    expect(check('src/simulation/x.ts', "import { performance } from 'node:perf_hooks';\n")).toHaveLength(1);
  });

  test('knows comments, texts and own names from the real thing', () => {
    const text =
      "// Date.now()\nconst text = 'Math.random()';\nclock.now();\nrandom.random();\nnew Date(12);\nnew Date('2020-01-01');\n";
    expect(check('src/kernel/x.ts', text)).toEqual([]);
  });

  test('refuses default exports and enums', () => {
    expect(check('src/cli/x.ts', '/** A. */\nexport default function a() {}\n')).toContain(
      'src/cli/x.ts:2: has a default export: export by name',
    );
    expect(check('src/cli/x.ts', 'enum A { B }\n')).toEqual([
      'src/cli/x.ts:1: has an enum: use a union of literals',
    ]);
    expect(check('src/cli/x.ts', 'const enum A { B }\n')).toHaveLength(1);
  });

  test('refuses long files and long functions', () => {
    const lines = (count: number): string => 'f();\n'.repeat(count);
    expect(check('src/cli/x.ts', lines(FILE_LINES_MAX))).toEqual([]);
    expect(check('src/cli/x.ts', lines(FILE_LINES_MAX + 1))).toEqual([
      expect.stringContaining('has 501 lines'),
    ]);
    const body = lines(FUNCTION_LINES_MAX - 2);
    const forms = [
      (inner: string) => `function a() {\n${inner}}\n`,
      (inner: string) => `const a = () => {\n${inner}};\n`,
      (inner: string) => `class A { m() {\n${inner}} }\n`,
      (inner: string) => `const a = function () {\n${inner}};\n`,
    ];
    for (const form of forms) {
      expect(check('src/cli/x.ts', form(body))).toEqual([]);
      expect(check('src/cli/x.ts', form(`${body}f();\n`))).toEqual([
        expect.stringContaining('function of 71 lines'),
      ]);
    }
  });

  test.each([
    'export function a(): void {}',
    'export const a = 1;',
    'export class A {}',
    'export interface A {}',
    'export type A = 1;',
    'const a = 1;\nexport { a };',
    '// not a doc comment\nexport const a = 1;',
    '/* nor this */\nexport const a = 1;',
    '/** Of another thing. */\nconst b = 1;\nexport const a = b;',
  ])('refuses an export without a doc comment: %s', (text) => {
    expect(check('src/cli/x.ts', text)).toEqual([
      expect.stringMatching(/exports [aA] without a doc comment/),
    ]);
  });

  test.each([
    '/** Says what. */\nexport function a(): void {}',
    '/** Overloaded. */\nexport function a(b: 1): void;\nexport function a(b: 2): void;\nexport function a(b: unknown): void {}',
    '/** Listed later. */\nconst a = 1;\nexport { a };',
    "export { a } from './b.ts';",
    'function a(): void {}\na();',
  ])('accepts a documented or passed-on export: %s', (text) => {
    expect(check('src/cli/x.ts', text)).toEqual([]);
  });

  test('refuses one exported name for two things', () => {
    const files = [
      { path: 'src/cli/a.ts', text: '/** A. */\nexport const total = 1;\n' },
      { path: 'src/model/b.ts', text: '/** B. */\nexport function total(): void {}\n' },
      { path: 'src/model/c.ts', text: "export { total } from './b.ts';\n" },
      { path: 'src/model/b.test.ts', text: 'export const total = 2;\n' },
    ];
    expect(brokenRules(files)).toEqual([
      'src/model/b.ts:1: exports total, as src/cli/a.ts does: give one of them another name',
    ]);
  });

  test('says where a file does not parse', () => {
    expect(check('src/cli/x.ts', 'const = ;')[0]).toMatch(/^src\/cli\/x\.ts:1: does not parse/);
  });
});
