import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Random } from '../../kernel/random.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { DemandTable } from '../../model/demand.ts';
import { loadPolicy } from './load-policy.ts';

const EXAMPLE = join(import.meta.dirname, '../../../examples/my-policy.ts');
const folder = mkdtempSync(join(tmpdir(), 'teg-policy-'));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;

/** @returns The path of a policy file with this text. */
function file(text: string): string {
  const path = join(folder, `policy-${files++}.mjs`);
  writeFileSync(path, text);
  return path;
}

const context = () => ({ cluster: new ClusterState(new DemandTable()), random: new Random(1) });

function refused(code: string, message: RegExp): unknown {
  return expect.objectContaining({ code, message: expect.stringMatching(message) });
}

describe('loadPolicy', () => {
  test('takes names of the registry', async () => {
    expect((await loadPolicy('fgd')).create(context()).name).toBe('fgd');
    await expect(loadPolicy('fdg')).rejects.toEqual(refused('TEG_POLICY_UNKNOWN', /did you mean 'fgd'/));
  });

  test('takes the path of a file, which stays its name', async () => {
    const entry = await loadPolicy(EXAMPLE);
    expect(entry.name).toBe(EXAMPLE);
    expect(entry.description).toBe('The node with the most free CPU among eight drawn at random.');
    expect(entry.create(context()).name).toBe('roomiest-of-eight');
  });

  test('a description may be left out', async () => {
    const path = file(
      'export const createPolicy = () => ({ name: "x", gpuMask: 0, nodesExamined: 0, choose: () => -1 })',
    );
    const entry = await loadPolicy(path);
    expect(entry.description).toBe(`From ${path}.`);
    expect(entry.create(context()).choose({} as never)).toBe(-1);
  });

  test('says which file is not there', async () => {
    await expect(loadPolicy('./nowhere/mine.ts')).rejects.toEqual(
      refused('TEG_INPUT_NOT_FOUND', /'\.\/nowhere\/mine\.ts', which is not there/),
    );
  });

  test.each([
    ['export const x = 1', /exports createPolicy as undefined, expected a function/],
    ['export const createPolicy = 1', /exports createPolicy as number/],
    ['export const createPolicy = () => ({}); export const description = 5', /exports description as number/],
    ['throw new Error("on purpose")', /could not be loaded \(on purpose\)/],
    ['export const createPolicy = (', /could not be loaded/],
  ])('refuses the file %s', async (text, message) => {
    await expect(loadPolicy(file(text))).rejects.toEqual(refused('TEG_POLICY_INVALID', message));
  });

  test.each([
    ['null', /createPolicy returned null/],
    ['5', /createPolicy returned number/],
    ['{ gpuMask: 0, nodesExamined: 0, choose() {} }', /name: undefined, expected string/],
    ['{ name: "x", gpuMask: 0, nodesExamined: 0 }', /choose: undefined, expected function/],
    ['{ name: "x", gpuMask: "0", nodesExamined: 0, choose() {} }', /gpuMask: string, expected number/],
    [
      '{ name: "x", gpuMask: 0, nodesExamined: 0, choose() {}, explain: 1 }',
      /explain: number, expected a function or/,
    ],
  ])('refuses the policy %s', async (text, message) => {
    const { create } = await loadPolicy(file(`export const createPolicy = () => (${text})`));
    expect(() => create(context())).toThrow(refused('TEG_POLICY_INVALID', message) as Error);
  });
});
