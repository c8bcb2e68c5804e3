import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ensureCredentials } from './credentials.ts';
import { writeWholeFile } from './whole-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'teg-whole-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a reader of the old file reads it to its end; the new one is private', () => {
  const path = join(folder, 'kubeconfig');
  writeWholeFile(path, 'old', 0o600);
  chmodSync(path, 0o644);
  const open = openSync(path, 'r');
  writeWholeFile(path, 'new', 0o600);
  expect(readFileSync(open, 'utf8')).toBe('old');
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['kubeconfig']);
});

test('a failure leaves nothing beside it', () => {
  const inside = join(folder, 'taken');
  mkdirSync(join(inside, 'kubeconfig', 'full'), { recursive: true });
  expect(() => writeWholeFile(join(inside, 'kubeconfig'), 'text', 0o600)).toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
  expect(readdirSync(inside)).toEqual(['kubeconfig']);
  expect(() => writeWholeFile(join(folder, 'missing', 'kubeconfig'), 'text', 0o600)).toThrow(/ENOENT/);
});

test('credentials are made once for a folder', () => {
  const place = join(folder, 'plane');
  mkdirSync(place);
  const token = ensureCredentials(place);
  expect(token).toMatch(/^[0-9a-f]{48}$/);
  expect(ensureCredentials(place)).toBe(token);
  expect(readdirSync(place).sort()).toEqual(['sa.key', 'sa.pub', 'tokens.csv']);
  expect(['sa.key', 'tokens.csv'].map((name) => statSync(join(place, name)).mode & 0o777)).toEqual([
    0o600, 0o600,
  ]);
});
