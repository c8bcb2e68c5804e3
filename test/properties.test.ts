/**
 * The fixed half of a property's draws is the same in every run, the other half is not; a broken property fails with its seed;
 * and no test checks properties in another way.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { directChecks, PROPERTIES } from './property-rules.ts';
import { checkAsyncProperty, checkProperty, type PropertyOptions } from './support/properties.ts';

const ROOT = join(import.meta.dirname, '..');

/** All folders of the repository, so that code which moves stays held to the rule. */
const FOLDERS = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
  .map(({ name }) => name);

/** What a property is given in one check of it. */
type Draws = (options?: PropertyOptions<unknown>) => Promise<number[]>;

async function drawn(options: PropertyOptions<unknown> = {}): Promise<number[]> {
  const values: number[] = [];
  checkProperty(
    fc.property(fc.integer(), (value) => {
      values.push(value);
    }),
    options,
  );
  return values;
}

/** The same of an asynchronous property, each draw of which takes a while. */
async function drawnAsync(options: PropertyOptions<unknown> = {}): Promise<number[]> {
  const values: number[] = [];
  await checkAsyncProperty(
    fc.asyncProperty(fc.integer(), async (value) => {
      await new Promise((resolve) => setImmediate(resolve));
      values.push(value);
    }),
    options,
  );
  return values;
}

describe.each<[string, Draws]>([
  ['a property', drawn],
  ['an asynchronous property', drawnAsync],
])('%s', (_kind, draws) => {
  test('half of the draws are always the same, the others differ from run to run', async () => {
    const [first, second] = [await draws(), await draws()];
    expect(first).toHaveLength(100);
    expect(second.slice(0, 50)).toEqual(first.slice(0, 50));
    expect(second.slice(50)).not.toEqual(first.slice(50));
    // Recorded: the draws stay what they were when somebody relied on them.
    expect(first.slice(0, 4)).toEqual([-5, -947_033_091, -1_232_745_809, 1_972_369_669]);
  });

  test('an odd number, one draw, and a seed of its own', async () => {
    expect(await draws({ numRuns: 7 })).toHaveLength(7);
    expect(await draws({ numRuns: 1 })).toEqual((await draws()).slice(0, 1));
    const own = await draws({ numRuns: 10, seed: 5 });
    expect((await draws({ numRuns: 10, seed: 5 })).slice(0, 5)).toEqual(own.slice(0, 5));
    expect((await draws({ numRuns: 10 })).slice(0, 5)).not.toEqual(own.slice(0, 5));
  });

  test('a statement about the fixed draws is checked once they have passed, and fails the check', async () => {
    let called = 0;
    const afterFixed = (): void => void called++;
    expect(await draws({ afterFixed })).toHaveLength(100);
    expect(await draws({ numRuns: 1, afterFixed })).toHaveLength(1);
    expect(called).toBe(2);
    const refuse = (): never => {
      throw new Error('not reached');
    };
    await expect(draws({ afterFixed: refuse })).rejects.toThrow('not reached');
  });
});

test('what fails in either half is thrown, with the seed that shows it again', () => {
  let runs = 0;
  const failing = (from: number) => fc.property(fc.integer(), () => ++runs < from);
  expect(() => checkProperty(failing(1))).toThrow(/seed: 20260801/);
  runs = 0;
  expect(() => checkProperty(failing(60))).toThrow(/seed: (?!20260801)/);
});

test('what fails in either half of an asynchronous property is a rejection, with the seed that shows it again', async () => {
  let runs = 0;
  const failing = (from: number) => fc.asyncProperty(fc.integer(), async () => ++runs < from);
  await expect(checkAsyncProperty(failing(1))).rejects.toThrow(/seed: 20260801/);
  // The random half is not begun.
  expect(runs).toBeLessThan(50);
  runs = 0;
  await expect(checkAsyncProperty(failing(60))).rejects.toThrow(/seed: (?!20260801)/);
});

describe('every property', () => {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.m?[jt]s$/.test(name) && !name.includes('node_modules'))
      .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
  )
    .sort()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));

  test('is checked through the support file', () => {
    expect(files.filter(({ text }) => text.includes('checkAsyncProperty(')).length).toBeGreaterThan(5);
    expect(files.flatMap(directChecks)).toEqual([]);
  });

  test('the support file itself calls fast-check, which the rule would notice anywhere else', () => {
    const support = files.find(({ path }) => path === PROPERTIES);
    expect(directChecks({ path: 'test/x.ts', text: support?.text ?? '' })).toHaveLength(2);
  });
});

describe('the rule', () => {
  const check = (code: string): string[] =>
    directChecks({ path: 'src/a.test.ts', text: `import fc from 'fast-check';\n${code}\n` });

  test.each([
    ['fc.assert(fc.property(fc.nat(), f))', 'uses fc.assert'],
    ['const { failed } = fc.check(property)', 'uses fc.check'],
    ["fc['assert'](property)", 'uses fc[…]'],
    ['fc?.assert(property)', 'uses fc.assert'],
    ['const { assert } = fc', 'uses fc as a value'],
    ['const other = fc', 'uses fc as a value'],
    ['run(fc)', 'uses fc as a value'],
    ['const all = { fc }', 'uses fc as a value'],
    ["import { assert as holds } from 'fast-check'", 'imports parts of fast-check'],
    ["import { default as all } from 'fast-check'; all.assert(p)", 'imports parts of fast-check'],
    ["import * as all from 'fast-check'", 'imports parts of fast-check'],
    ["export { assert } from 'fast-check'", 'passes fast-check on'],
    ["export * from 'fast-check'", 'passes fast-check on'],
    ["const all = await import('fast-check')", 'loads fast-check'],
    ["require('fast-check').assert(p)", 'hands fast-check to a function'],
  ])('refuses %s', (code, what) => {
    expect(check(code)[0]).toBe(
      `src/a.test.ts:2: ${what}: properties are checked with checkProperty or checkAsyncProperty of ${PROPERTIES}`,
    );
  });

  test('refuses a file that exports fast-check again', () => {
    expect(check('export { fc };')[0]).toMatch(/^src\/a\.test\.ts:\d: passes fast-check on: /);
  });

  test.each([
    'checkProperty(fc.property(fc.nat(), (n) => { expect(n).toBe(n); }))',
    'const [job] = fc.sample(jobs, { numRuns: 1, seed: 7 })',
    "const draws: fc.Arbitrary<number> = fc.nat(); // not fc.assert\nconst text = 'fc.assert(p)'",
    "import type { Arbitrary } from 'fast-check'; import { type Parameters } from 'fast-check'",
    'console.assert(true); assert.check(1)',
  ])('leaves %s alone', (code) => {
    expect(check(code)).toEqual([]);
  });
});
