/**
 * `bin/teg scheduler` with what cannot work: it ends soon, with an exit code, and says what is wrong where.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

const TEG = join(import.meta.dirname, '..', '..', '..', 'bin', 'teg');
const folder = mkdtempSync(join(tmpdir(), 'teg-wrong-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface End {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param stopAfterMs Then it gets a signal to stop. */
function teg(args: readonly string[], stopAfterMs?: number): Promise<End> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [TEG, 'scheduler', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      said.stdout += String(chunk);
    });
    child.stderr.on('data', (chunk) => {
      said.stderr += String(chunk);
    });
    const timer =
      stopAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGTERM'), stopAfterMs);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, ...said });
    });
  });
}

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const HEAD = 'apiVersion: teg.dev/v1alpha1\nkind: SchedulerConfiguration\n';

function kubeconfig(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user: { token: 't' } }],
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe.each<[string, string, string[]]>([
  ['not YAML', 'a: [', ['TEG_CONFIG_INVALID']],
  ['a field that there is not', `${HEAD}queue: {backof: 1}`, ['TEG_CONFIG_INVALID', 'queue.backof']],
  [
    'a wrong type',
    `${HEAD}clientConnection: {connections: many}`,
    ['clientConnection.connections', 'got "many"', 'expected'],
  ],
  [
    'out of bounds',
    `${HEAD}leaderElection: {leaseDuration: 0s}`,
    ['leaderElection.leaseDuration', 'got "0s"', 'expected'],
  ],
  [
    'a lease that does not fit its deadline',
    `${HEAD}leaderElection: {renewDeadline: 20s}`,
    ['leaderElection.renewDeadline', 'got "20s"', 'less than'],
  ],
  [
    'another version',
    'apiVersion: teg.dev/v9\nkind: SchedulerConfiguration',
    ['apiVersion', 'teg.dev/v1alpha1'],
  ],
])('a configuration that is %s', (name, content, words) => {
  test('ends with 2 and names the field', async () => {
    const path = file(`${name.replaceAll(' ', '-')}.yaml`, content);
    const { code, stderr } = await teg(['--config', path]);
    expect(code).toBe(2);
    for (const word of [path, ...words]) expect(stderr).toContain(word);
    expect(stderr).not.toContain('    at ');
  });
});

describe('what is around it', () => {
  test.each<[string, () => string[], string[]]>([
    ['no such configuration', () => ['--config', join(folder, 'none.yaml')], ['none.yaml']],
    ['no such kubeconfig', () => ['--kubeconfig', join(folder, 'none')], ['none']],
    [
      'a kubeconfig that is none',
      () => ['--kubeconfig', file('broken', '{{{{')],
      ['TEG_KUBE_CONFIG', 'broken'],
    ],
    [
      'a kubeconfig without the context',
      () => ['--kubeconfig', file('other', kubeconfig('https://127.0.0.1:1')), '--context', 'prod'],
      ['TEG_KUBE_CONFIG', 'prod'],
    ],
  ])('%s', async (_, args, words) => {
    const { code, stderr } = await teg(args());
    expect(code).not.toBe(0);
    expect(code).not.toBe(70);
    for (const word of words) expect(stderr).toContain(word);
    expect(stderr).not.toContain('    at ');
  });

  test('a record file that cannot be written', async () => {
    const server = kubeconfig(`http://127.0.0.1:${await freePort()}`);
    const quiet = file(
      'quiet.yaml',
      `${HEAD}server: {bindAddress: 127.0.0.1, port: 0, insecureLoopback: true}`,
    );
    const record = join(folder, 'no', 'such', 'folder', 'x.gz');
    const args = ['--kubeconfig', file('config', server), '--config', quiet, '--record', record];
    const { code, stderr } = await teg(args);
    expect(code).not.toBe(0);
    expect(code).not.toBe(70);
    expect(stderr).toContain(record);
    expect(stderr).not.toContain('    at ');
  });

  test('a server that is not there: it says so, keeps trying, and stops on a signal', async () => {
    const port = await freePort();
    const quiet = file(
      'quiet.yaml',
      `${HEAD}server: {bindAddress: 127.0.0.1, port: 0, insecureLoopback: true}`,
    );
    const config = file('away', kubeconfig(`http://127.0.0.1:${port}`));
    const { code, stdout, stderr } = await teg(['--kubeconfig', config, '--config', quiet], 3000);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('ECONNREFUSED');
    expect(stdout).toContain(String(port));
  }, 30_000);

  test('a port that is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const busy = file(
      'busy.yaml',
      `${HEAD}server: {bindAddress: 127.0.0.1, port: ${port}, insecureLoopback: true}`,
    );
    const { code, stderr } = await teg([
      '--kubeconfig',
      file('c', kubeconfig('http://127.0.0.1:1')),
      '--config',
      busy,
    ]);
    await new Promise((resolve) => taken.close(resolve));
    expect(code).not.toBe(0);
    expect(code).not.toBe(70);
    expect(stderr).toContain(String(port));
    expect(stderr).not.toContain('    at ');
  });
});
