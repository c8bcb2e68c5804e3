import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TegError } from '../../../model/errors.ts';
import { tokenFileHeaders } from './credentials.ts';
import { loadTarget, type TargetOptions } from './target.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'teg-target-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Writes a file into the test's folder. @returns Its path. */
function write(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** A kubeconfig with one context `main`. */
function config(cluster: object, user: object, more: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'main',
    contexts: [{ name: 'main', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: 'https://example.test:6443', ...cluster } }],
    users: [{ name: 'u', user }],
    ...more,
  };
}

/** Loads a target with nothing around. */
function load(options: TargetOptions = {}): ReturnType<typeof loadTarget> {
  return loadTarget({ env: {}, serviceAccountFolder: join(folder, 'none'), ...options });
}

/** What loading a kubeconfig with this user and cluster fails with. */
async function failure(content: unknown, options: TargetOptions = {}): Promise<string> {
  const error = await load({ kubeconfig: write('config', content), ...options }).catch((reason) => reason);
  expect(error).toBeInstanceOf(TegError);
  expect((error as TegError).code).toBe('TEG_KUBE_CONFIG');
  return (error as Error).message.replaceAll(folder, 'FOLDER');
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('a kubeconfig', () => {
  test('with data in place', async () => {
    const target = await load({
      kubeconfig: write(
        'config',
        config(
          { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'kubernetes' },
          { token: 't', 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') },
        ),
      ),
    });
    expect(target).toMatchObject({
      server: 'https://example.test:6443',
      ca: 'CA',
      skipTlsVerify: false,
      serverName: 'kubernetes',
      clientCertificate: 'CERT',
      clientKey: 'KEY',
      origin: `${folder}/config, context 'main'`,
    });
    expect(await target.headers()).toEqual({ authorization: 'Bearer t' });
  });

  test('with files beside it, and a server with a path', async () => {
    for (const name of ['ca.pem', 'cert.pem', 'key.pem', 'token']) write(name, `${name}\n`);
    const target = await load({
      kubeconfig: write(
        'config',
        config(
          {
            server: 'https://example.test/k8s/',
            'certificate-authority': 'ca.pem',
            'insecure-skip-tls-verify': true,
          },
          {
            tokenFile: 'token',
            'client-certificate': 'cert.pem',
            'client-key': join(folder, 'key.pem'),
            as: 'eve',
          },
        ),
      ),
    });
    expect(target).toMatchObject({
      server: 'https://example.test/k8s',
      ca: 'ca.pem\n',
      skipTlsVerify: true,
      clientCertificate: 'cert.pem\n',
      clientKey: 'key.pem\n',
    });
    expect(await target.headers()).toEqual({ authorization: 'Bearer token', 'impersonate-user': 'eve' });
  });

  test('basic authentication; no user at all', async () => {
    const basic = await load({
      kubeconfig: write('config', config({}, { username: 'a', password: 'b' })),
    });
    expect(await basic.headers()).toEqual({ authorization: `Basic ${base64('a:b')}` });
    const nobody = config({}, {}, { contexts: [{ name: 'main', context: { cluster: 'c' } }] });
    expect(await (await load({ kubeconfig: write('config', nobody) })).headers()).toEqual({});
  });

  test('--context chooses; KUBECONFIG names several, the first that knows a name wins, missing ones are skipped', async () => {
    const one = write('one', {
      contexts: [{ name: 'far', context: { cluster: 'c2', user: 'u' } }],
      users: [{ name: 'u', user: { token: 'first' } }],
    });
    const two = write('two', {
      ...config({}, { token: 'second' }),
      clusters: [
        { name: 'c', cluster: { server: 'https://near.test' } },
        { name: 'c2', cluster: { server: 'far.test:80' } },
      ],
    });
    const env = { KUBECONFIG: `${join(folder, 'missing')}:${one}::${two}` };
    const near = await load({ env });
    expect(near.server).toBe('https://near.test');
    expect(await near.headers()).toEqual({ authorization: 'Bearer first' });
    expect((await load({ env, context: 'far' })).server).toBe('http://far.test:80');
  });

  test('~/.kube/config, in YAML', async () => {
    const { mkdirSync } = await import('node:fs');
    mkdirSync(join(folder, '.kube'));
    write(
      '.kube/config',
      'current-context: main\ncontexts: [{name: main, context: {cluster: c}}]\n' +
        'clusters:\n- name: c\n  cluster:\n    server: https://home.test\n    unknown-field: 1\n',
    );
    expect((await load({ env: { HOME: folder } })).server).toBe('https://home.test');
  });
});

describe('a credential plugin', () => {
  /** A plugin that counts its runs in a file and prints its input. */
  function plugin(body: string): string {
    const path = write('plugin.sh', `#!/bin/sh\necho run >> "$(dirname "$0")/runs"\n${body}\n`);
    chmodSync(path, 0o755);
    return './plugin.sh';
  }

  test('gives a token; it gets the same input as from client-go, and runs again when the token expires', async () => {
    const { readFileSync } = await import('node:fs');
    const command = plugin(
      'echo "$KUBERNETES_EXEC_INFO" > "$(dirname "$0")/info"\n' +
        'echo \'{"status":{"token":"\'$1$EXTRA\'","expirationTimestamp":"2001-01-01T00:00:00Z"}}\'',
    );
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1beta1',
      command,
      args: ['tok'],
      env: [{ name: 'EXTRA', value: 'en' }],
      provideClusterInfo: true,
    };
    const target = await load({ kubeconfig: write('config', config({}, { exec })) });
    expect(await target.headers()).toEqual({ authorization: 'Bearer token' });
    expect(JSON.parse(readFileSync(join(folder, 'info'), 'utf8'))).toEqual({
      apiVersion: 'client.authentication.k8s.io/v1beta1',
      kind: 'ExecCredential',
      spec: { interactive: false, cluster: { server: 'https://example.test:6443' } },
    });
    // At load and then once; eight at the same time are served by one run.
    await Promise.all(Array.from({ length: 8 }, () => target.headers()));
    expect(readFileSync(join(folder, 'runs'), 'utf8')).toBe('run\nrun\nrun\n');
  });

  test('gives a client certificate', async () => {
    const command = plugin('echo \'{"status":{"clientCertificateData":"CERT","clientKeyData":"KEY"}}\'');
    const target = await load({ kubeconfig: write('config', config({}, { exec: { command } })) });
    expect(target).toMatchObject({ clientCertificate: 'CERT', clientKey: 'KEY' });
    expect(await target.headers()).toEqual({});
  });

  test('fails, or is not there', async () => {
    const exec = { command: plugin('echo no login >&2; exit 1'), installHint: 'log in first' };
    expect(await failure(config({}, { exec }))).toBe(
      "FOLDER/config, context 'main': the credential plugin 'FOLDER/plugin.sh' failed: no login; log in first",
    );
    const missing = { command: 'no-such-plugin-of-teg', installHint: 'install it' };
    expect(await failure(config({}, { exec: missing }))).toMatch(
      /'no-such-plugin-of-teg' failed: spawn no-such-plugin-of-teg ENOENT; install it$/,
    );
  });
});

test('an OpenID Connect token of the kubeconfig is used', async () => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const jwt = `${part({})}.${part({ exp: Math.floor(Date.now() / 1000) + 3600 })}.x`;
  const user = { 'auth-provider': { name: 'oidc', config: { 'id-token': jwt } } };
  const target = await load({ kubeconfig: write('config', config({}, user)) });
  expect(await target.headers()).toEqual({ authorization: `Bearer ${jwt}` });
});

describe('unusable credentials', () => {
  test.each<[string, unknown, RegExp]>([
    ['no YAML', 'a: [', /^the kubeconfig FOLDER\/config cannot be used: it is not YAML: /],
    ['something else', '- 1', /the document: .*expected object, received array/],
    ['nothing', '', /the document: .*expected object, received null/],
    [
      'a wrong type',
      config({ server: 3 }, {}),
      /clusters\[0\]\.cluster\.server: .*expected string, received number/,
    ],
    ['a token that is none', config({}, { token: 1 }), /users\[0\]\.user\.token: .*expected string/],
    ['no context', { clusters: [] }, /no current-context; it has none; choose one with --context/],
    [
      'an unknown current-context',
      config({}, {}, { 'current-context': 'x' }),
      /no context 'x'; it has main; choose one with --context/,
    ],
    [
      'an unknown cluster',
      config({}, {}, { clusters: null }),
      /context 'main' names the cluster 'c', which is not there/,
    ],
    [
      'an unknown user',
      config({}, {}, { users: null }),
      /context 'main' names the user 'u', which is not there/,
    ],
    [
      'a server that is none',
      config({ server: 'ftp://x' }, {}),
      /has the server 'ftp:\/\/x', expected https:\/\/HOST:PORT/,
    ],
    [
      'a file that is missing',
      config({ 'certificate-authority': 'no' }, {}),
      /names the file FOLDER\/no, which cannot be read/,
    ],
    ['a token file that is missing', config({}, { tokenFile: 'no' }), /no credentials: ENOENT/],
    ['a proxy', config({ 'proxy-url': 'http://p' }, {}), /asks for proxy-url, which is not supported/],
    [
      'groups to impersonate',
      config({}, { as: 'a', 'as-groups': ['g'] }),
      /impersonation of anything but a user/,
    ],
    [
      'an old provider',
      config({}, { 'auth-provider': { name: 'gcp' } }),
      /the auth-provider 'gcp' .expected oidc/,
    ],
  ])('%s', async (_name, content, message) => {
    expect(await failure(content)).toMatch(message);
  });

  test('--context that is not there', async () => {
    expect(await failure(config({}, {}), { context: 'y' })).toMatch(/no context 'y'; it has main/);
  });

  test('a file that was named and is missing; a folder', async () => {
    await expect(load({ kubeconfig: '/no/such' })).rejects.toThrow(
      '--kubeconfig /no/such: there is no such file, expected a kubeconfig',
    );
    await expect(load({ env: { KUBECONFIG: '/no/a:/no/b' } })).rejects.toThrow(
      'KUBECONFIG=/no/a:/no/b: there is no such file',
    );
    await expect(load({ kubeconfig: folder })).rejects.toThrow(/it cannot be read: EISDIR/);
  });

  test('nothing anywhere', async () => {
    await expect(load()).rejects.toThrow(/^no Kubernetes cluster to talk to: .* --kubeconfig FILE$/);
    await expect(load({ env: { HOME: folder } })).rejects.toThrow('no Kubernetes cluster to talk to');
  });
});

describe('in a pod', () => {
  const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };

  test('the service account is used', async () => {
    write('token', 'first\n');
    write('ca.crt', 'CA');
    const target = await load({ env, serviceAccountFolder: folder });
    expect(target).toMatchObject({ server: 'https://[fd00::1]:443', ca: 'CA', origin: 'in cluster' });
    expect(await target.headers()).toEqual({ authorization: 'Bearer first' });
    await expect(load({ env, serviceAccountFolder: folder, context: 'x' })).rejects.toThrow(
      '--context x needs a kubeconfig',
    );
  });

  test('without a token the error says what to do', async () => {
    await expect(load({ env })).rejects.toThrow(/token cannot be read; mount the service account's token/);
  });

  test('a token is read again after ten seconds, and kept while its file is away', async () => {
    let nowMs = 0;
    const file = write('token', 'first');
    const headers = tokenFileHeaders(file, () => nowMs);
    const at = async (ms: number): Promise<string | undefined> => {
      nowMs = ms;
      return (await headers()).authorization;
    };
    expect(await at(0)).toBe('Bearer first');
    write('token', 'second');
    expect(await at(9_999)).toBe('Bearer first');
    expect(await at(10_000)).toBe('Bearer second');
    rmSync(file);
    expect(await at(20_000)).toBe('Bearer second');
    write('token', ' \n');
    expect(await at(30_000)).toBe('Bearer second');
    write('token', 'third');
    expect(await at(40_000)).toBe('Bearer third');
  });
});
