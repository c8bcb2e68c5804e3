import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { SchedulerConfig } from '../config/config-schema.ts';
import { defaultSchedulerConfig } from '../config/scheduler-config.ts';
import { LoopHealth } from '../loop-health.ts';
import { SchedulerMetrics } from './scheduler-metrics.ts';
import { type SchedulerPages, SchedulerServer, type SchedulerServerOptions } from './scheduler-server.ts';
import { makeSelfSignedCertificate } from './self-signed-certificate.ts';
import { getPage, reviewer, scriptedClient } from './server.fixtures.ts';

/** Another parser of certificates, where it is installed. */
const OPENSSL = 'openssl';

const folder = mkdtempSync(join(tmpdir(), 'teg-server-'));
afterAll(() => rmSync(folder, { recursive: true }));

const servers: SchedulerServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const review = reviewer(
  { t1: 'prometheus', t2: 'guest', t3: 'admin' },
  {
    prometheus: ['/metrics'],
    admin: ['/metrics', '/configz', '/snapshot', '/explain/shop/web', '/explain/shop/other'],
  },
);

/** Controls and queries of a started server. */
interface Started {
  readonly server: SchedulerServer;
  /** With the port, over a loopback address. */
  readonly url: string;
  readonly state: { ready: string; live: string };
  readonly troubles: string[];
  readonly requests: unknown[];
}

/** Starts a server on a free port. */
async function start(
  server: Partial<SchedulerConfig['server']>,
  pages: Partial<SchedulerPages> = {},
  options: Partial<SchedulerServerOptions> = {},
): Promise<Started> {
  const state = { ready: '', live: '' };
  const troubles: string[] = [];
  const { client, requests } = scriptedClient(review);
  const config = defaultSchedulerConfig();
  const started = await SchedulerServer.start({
    server: { ...config.server, bindAddress: '127.0.0.1', port: 0, ...server },
    client,
    onWriteError: (text, error) => troubles.push(`${text}: ${error}`),
    pages: {
      ready: () => state.ready,
      live: () => state.live,
      config,
      metrics: new SchedulerMetrics('teg', '1'),
      explain: (namespace, name) => (name === 'web' ? { pod: `${namespace}/${name}` } : undefined),
      waiting: () => ({ count: 0, jobs: [] }),
      economy: () => ({ atSeconds: 0 }),
      snapshot: () => '{"kind":"snapshot"}',
      ...pages,
    },
    ...options,
  });
  servers.push(started);
  return { server: started, url: started.url.replace('0.0.0.0', '127.0.0.1'), state, troubles, requests };
}

describe('over plain HTTP on loopback', () => {
  test('health, open and in words', async () => {
    const { url, state } = await start({ insecureLoopback: true });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    for (const page of ['/healthz', '/livez', '/readyz']) {
      expect(await getPage(url + page)).toMatchObject({ status: 200, text: 'ok' });
    }
    state.ready = 'pods are not listed yet';
    expect(await getPage(`${url}/readyz`)).toMatchObject({ status: 503, text: 'pods are not listed yet' });
    expect(await getPage(`${url}/livez`)).toMatchObject({ status: 200 });
    state.live = 'the loop is stuck';
    for (const page of ['/healthz', '/livez', '/readyz']) {
      expect(await getPage(url + page)).toMatchObject({ status: 503, text: 'the loop is stuck' });
    }
  });

  test('the other pages, without a token and without asking', async () => {
    const { url, requests } = await start({ insecureLoopback: true });
    const metrics = await getPage(`${url}/metrics`);
    expect(metrics.headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(metrics.text).toContain('# TYPE scheduler_schedule_attempts_total counter');
    const config = await getPage(`${url}/configz`);
    expect(JSON.parse(config.text)).toEqual(defaultSchedulerConfig());
    const explained = await getPage(`${url}/explain/shop/web`);
    expect(JSON.parse(explained.text)).toEqual({ pod: 'shop/web' });
    expect(await getPage(`${url}/explain/shop/other`)).toMatchObject({
      status: 404,
      text: '{"error":"no pod shop/other is known"}',
    });
    expect(await getPage(`${url}/explain/waiting`)).toMatchObject({
      status: 200,
      text: '{"count":0,"jobs":[]}',
    });
    expect(await getPage(`${url}/snapshot`)).toMatchObject({ status: 200, text: '{"kind":"snapshot"}' });
    expect(await getPage(`${url}/debug`)).toMatchObject({ status: 404 });
    expect(await getPage(`${url}/explain/${'x'.repeat(300)}/web`)).toMatchObject({ status: 414 });
    expect(requests).toEqual([]);
  });

  test('a snapshot that is streamed', async () => {
    const lines = Array.from({ length: 1000 }, (_, i) => `{"line":${i}}\n`);
    const { url } = await start({ insecureLoopback: true }, { snapshot: () => Readable.from(lines) });
    expect((await getPage(`${url}/snapshot`)).text).toBe(lines.join(''));
  });

  test('the error of a page that fails goes to the log only', async () => {
    const explain = () => {
      throw new Error('secret');
    };
    const { url, troubles } = await start({ insecureLoopback: true }, { explain });
    const answer = await getPage(`${url}/explain/a/b`);
    expect(answer).toMatchObject({ status: 500, text: '{"error":"internal error"}' });
    expect(troubles).toEqual(['/explain/a/b failed: Error: secret']);
  });

  test('headers that are too long, requests that are none', async () => {
    const { url } = await start({ insecureLoopback: true });
    const answer = await getPage(`${url}/livez`, { headers: { a: 'x'.repeat(40_000) } });
    expect(answer.status).toBe(431);
    const port = Number(new URL(url).port);
    const text = await new Promise<string>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write('hello\r\n\r\n'));
      let got = '';
      socket.on('data', (part) => {
        got += part;
      });
      socket.on('close', () => resolve(got));
      socket.on('error', reject);
    });
    expect(text).toContain('400 Bad Request');
    expect((await getPage(`${url}/livez`)).status).toBe(200);
  });

  test('IPv6, and localhost by name', async () => {
    const six = await start({ insecureLoopback: true, bindAddress: '::1' });
    expect(six.url).toMatch(/^http:\/\/\[::1\]:\d+$/);
    expect((await getPage(`${six.url}/metrics`)).status).toBe(200);
    const named = await start({ insecureLoopback: true, bindAddress: 'localhost' });
    expect((await getPage(`${named.url}/metrics`)).status).toBe(200);
  });

  test('a port that is taken', async () => {
    const { url } = await start({ insecureLoopback: true });
    const port = Number(new URL(url).port);
    await expect(start({ insecureLoopback: true, port })).rejects.toMatchObject({
      code: 'TEG_LISTEN_FAILED',
      message: expect.stringContaining(`127.0.0.1:${port}: got EADDRINUSE`),
    });
  });
});

describe('over HTTPS', () => {
  test('with a self-signed certificate, which clients that know it accept', async () => {
    const { url, server } = await start({});
    const ca = server.certificate?.pair.cert as string;
    expect(url).toMatch(/^https:/);
    expect(await getPage(`${url}/livez`, { ca })).toMatchObject({ status: 200 });
    const port = new URL(url).port;
    expect(await getPage(`https://localhost:${port}/livez`, { ca })).toMatchObject({ status: 200 });
    await expect(getPage(`${url}/livez`, { ca, servername: 'other.example' })).rejects.toThrow(/altnames/);
    const other = makeSelfSignedCertificate(['127.0.0.1'], Date.now() / 1000, 1).cert;
    await expect(getPage(`${url}/livez`, { ca: other })).rejects.toThrow(/self-signed|certificate/);
    expect(await getPage(`${url}/metrics`, { ca })).toMatchObject({ status: 200 });
  });

  test('on all addresses only authorized callers get pages, health is open', async () => {
    const { url } = await start({ bindAddress: '0.0.0.0' });
    const status = async (page: string, token?: string) =>
      (await getPage(url + page, token === undefined ? {} : { token })).status;
    expect(await status('/readyz')).toBe(200);
    for (const page of ['/metrics', '/configz', '/snapshot', '/explain/shop/web']) {
      expect(await status(page)).toBe(401);
      expect(await status(page, 'nobody')).toBe(401);
      expect(await status(page, 't2')).toBe(403);
      expect(await status(page, 't3')).toBe(200);
    }
    expect(await status('/explain/shop/other', 't3')).toBe(404);
    expect(await status('/explain/shop/secret', 't3')).toBe(403);
    expect(await status('/metrics', 't1')).toBe(200);
    expect(await status('/metrics?a=b', 't1')).toBe(200);
    expect(await status('/snapshot', 't1')).toBe(403);
    const refused = await getPage(`${url}/metrics`);
    expect(refused.headers['www-authenticate']).toBe('Bearer');
    expect(JSON.parse(refused.text)).toEqual({ error: 'a bearer token is needed' });
  });

  test("every spelling of a page is authorized by that page's rule", async () => {
    const { url, requests } = await start({ bindAddress: '0.0.0.0' });
    expect((await getPage(`${url}/%6detrics`, { token: 't1' })).status).toBe(200);
    expect((await getPage(`${url}/explain/shop/%77eb`, { token: 't3' })).status).toBe(200);
    expect(JSON.stringify(requests)).not.toContain('%');
  });

  test('with files, read again when they change; broken files change nothing', async () => {
    const certFile = join(folder, 'tls.crt');
    const keyFile = join(folder, 'tls.key');
    const write = ({ cert, key }: { cert: string; key: string }) => {
      writeFileSync(certFile, cert);
      writeFileSync(keyFile, key);
    };
    const [first, second] = [1, 2].map(() => makeSelfSignedCertificate(['127.0.0.1'], Date.now() / 1000, 1));
    if (first === undefined || second === undefined) throw new Error('unreachable');
    write(first);
    const { url, server, troubles } = await start({ tls: { certFile, keyFile } }, {}, { lookSeconds: 3600 });
    expect((await getPage(`${url}/livez`, { ca: first.cert })).status).toBe(200);
    write(second);
    await server.certificate?.look();
    expect((await getPage(`${url}/livez`, { ca: second.cert })).status).toBe(200);
    await expect(getPage(`${url}/livez`, { ca: first.cert })).rejects.toThrow();
    write({ cert: second.cert, key: first.key });
    await server.certificate?.look();
    await server.certificate?.look();
    expect(troubles).toEqual([expect.stringContaining('got the key of another certificate')]);
    write({ cert: 'nothing', key: 'nothing' });
    await server.certificate?.look();
    expect(troubles).toHaveLength(2);
    expect((await getPage(`${url}/livez`, { ca: second.cert })).status).toBe(200);
  });

  test('files are looked at by themselves', async () => {
    const certFile = join(folder, 'b.crt');
    const keyFile = join(folder, 'b.key');
    const first = makeSelfSignedCertificate(['127.0.0.1'], Date.now() / 1000, 1);
    const second = makeSelfSignedCertificate(['127.0.0.1'], Date.now() / 1000, 1);
    writeFileSync(certFile, first.cert);
    writeFileSync(keyFile, first.key);
    const { url } = await start({ tls: { certFile, keyFile } }, {}, { lookSeconds: 0.05 });
    writeFileSync(certFile, second.cert);
    writeFileSync(keyFile, second.key);
    await expect
      .poll(
        () =>
          getPage(`${url}/livez`, { ca: second.cert }).then(
            ({ status }) => status,
            () => 0,
          ),
        {
          timeout: 10_000,
        },
      )
      .toBe(200);
  });

  test.each([
    ['missing', 'no.crt', 'there is no such file (ENOENT), expected a PEM file'],
    ['broken', 'broken.crt', 'expected a certificate and its key in PEM'],
  ])('%s files are refused at the start', async (_, name, message) => {
    writeFileSync(join(folder, 'broken.crt'), 'x');
    const file = join(folder, name);
    await expect(start({ tls: { certFile: file, keyFile: file } })).rejects.toMatchObject({
      code: 'TEG_LISTEN_FAILED',
      message: expect.stringContaining(message),
    });
  });
});

describe('a self-signed certificate', () => {
  const at = Date.UTC(2026, 0, 1) / 1000;

  test('is valid, also to strict parsers', () => {
    const hosts = ['teg-0.kube-system', 'localhost', '10.1.2.3', '::1', 'fd00::10:0:1'];
    const { cert } = makeSelfSignedCertificate(hosts, at, 365);
    const certificate = new X509Certificate(cert);
    expect(certificate.subject).toBe('CN=teg-0.kube-system');
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.validFromDate.getTime()).toBe(at * 1000);
    expect(certificate.validToDate.getTime()).toBe((at + 365 * 86_400) * 1000);
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.checkIP('10.1.2.3')).toBe('10.1.2.3');
    expect(certificate.checkIP('fd00::10:0:1')).toBe('fd00::10:0:1');
    expect(certificate.checkIP('10.1.2.4')).toBeUndefined();
    expect(certificate.serialNumber).toMatch(/^[4-7]/);
  });

  test('openssl agrees', ({ skip }) => {
    const file = join(folder, 'own.crt');
    writeFileSync(file, makeSelfSignedCertificate(['a.example'], Date.now() / 1000 - 60, 1).cert);
    try {
      execFileSync(OPENSSL, ['version'], { stdio: 'ignore' });
    } catch {
      skip('openssl is not there');
    }
    const strict = ['verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', file, file];
    expect(execFileSync(OPENSSL, strict, { encoding: 'utf8' })).toContain('OK');
  });

  test('beyond 2049 and with a very long name', () => {
    const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`;
    const certificate = new X509Certificate(makeSelfSignedCertificate([long], at, 36_500).cert);
    expect(certificate.validToDate.getUTCFullYear()).toBe(2125);
    expect(certificate.subject).toHaveLength(3 + 64);
    expect(certificate.checkHost(long)).toBe(long);
  });
});

describe('LoopHealth', () => {
  test('work that waits too long is a problem until there is a turn', () => {
    const health = new LoopHealth(60);
    expect(health.problem(1000)).toBe('');
    health.due(100);
    health.due(150);
    expect(health.problem(160)).toBe('');
    expect(health.problem(161)).toBe('work has waited 61 s for a turn of the loop');
    health.turned();
    expect(health.problem(1000)).toBe('');
    health.due(1000);
    expect(health.problem(1060)).toBe('');
    expect(health.problem(1100)).not.toBe('');
  });
});
