import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TegError } from '../../model/errors.ts';
import { ask, type ControlRequest, ControlServer } from './control-socket.ts';

let folder: string;
let path: string;
let server: ControlServer | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'teg-control-'));
  path = join(folder, 'control.sock');
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  rmSync(folder, { recursive: true });
});

const listen = async (answer: (request: ControlRequest) => unknown): Promise<void> => {
  server = await ControlServer.listen(path, answer);
};

test('answers, on a socket that its owner alone may open', async () => {
  await listen(({ op, group }) => ({ op, group }));
  expect(await ask(path, { op: 'freeze', group: '/a' })).toEqual({ op: 'freeze', group: '/a' });
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('passes an expected failure on, and nothing of a bug', async () => {
  await listen(({ op }) => {
    if (op === 'freeze') throw new TegError('TEG_GUARD_GROUP', 'got that, expected this');
    throw new Error('a bug');
  });
  await expect(ask(path, { op: 'freeze' })).rejects.toMatchObject({
    code: 'TEG_GUARD_GROUP',
    message: 'got that, expected this',
  });
  await expect(ask(path, { op: 'status' })).rejects.toMatchObject({ code: 'TEG_OPTION_INVALID' });
});

test('refuses a folder in which another guard answers, and takes over a socket that nobody serves', async () => {
  await listen(() => ({}));
  await expect(ControlServer.listen(path, () => ({}))).rejects.toMatchObject({ code: 'TEG_GUARD_RUNNING' });
  await server?.close();
  writeFileSync(path, '');
  await listen(() => 'new');
  expect(await ask(path, { op: 'status' })).toBe('new');
});

test('says that no guard runs', async () => {
  await expect(ask(path, { op: 'status' })).rejects.toMatchObject({ code: 'TEG_GUARD_NOT_RUNNING' });
  expect(existsSync(path)).toBe(false);
});

test('a question without end is cut off, other text is refused', async () => {
  await listen(() => ({}));
  const send = (text: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = createConnection(path);
      let answer = '';
      socket.on('data', (chunk) => {
        answer += String(chunk);
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(answer));
      socket.write(text);
    });
  expect(await send('x'.repeat(20_000))).toBe('');
  expect(await send('not JSON\n')).toMatch(/"code":"TEG_OPTION_INVALID"/);
});
