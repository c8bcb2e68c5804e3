/**
 * The control plane that tests, benchmarks and `teg cluster` start.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ensureBinaries } from '../../lab/control-plane/build.ts';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { cacheFolder, GO_MODULES, moduleOfBinary, sourceHash } from '../../lab/control-plane/go-modules.ts';
import { createNodes } from '../../lab/control-plane/nodes.ts';
import { freePorts } from '../../lab/control-plane/ports.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import { ApiNotSentError } from '../../src/drivers/kubernetes/client/api-errors.ts';
import type { HttpApiClient } from '../../src/drivers/kubernetes/client/http-client.ts';
import { clientOf, describeWithControlPlane } from './control-plane-fixture.ts';

/** Whether a process lives. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}

async function until(what: () => boolean | Promise<boolean>, seconds: number): Promise<void> {
  const deadline = performance.now() + seconds * 1000;
  while (!(await what())) {
    if (performance.now() > deadline) throw new Error(`not so after ${seconds} s: ${what}`);
    await delay(50);
  }
}

describe('binaries', () => {
  test('each is of one module, whose sources are there', () => {
    for (const module of GO_MODULES) {
      expect(sourceHash(module)).toMatch(/^[0-9a-f]{16}$/);
      for (const binary of Object.keys(module.packages)) expect(moduleOfBinary(binary)).toBe(module);
    }
    expect(() => moduleOfBinary('kubeadm')).toThrow(/got the binary 'kubeadm', expected one of etcd, /);
  });

  test('are kept where TEG_CACHE, else XDG_CACHE_HOME says', () => {
    expect(cacheFolder({ TEG_CACHE: '/c', XDG_CACHE_HOME: '/x' })).toBe('/c/control-plane');
    expect(cacheFolder({ XDG_CACHE_HOME: '/x' })).toBe('/x/teg/control-plane');
    expect(cacheFolder({})).toMatch(/\.cache\/teg\/control-plane$/);
  });

  test('without Go, it is said what to install', async () => {
    const { PATH, TEG_CACHE } = process.env;
    const cache = mkdtempSync(join(tmpdir(), 'teg-cache-'));
    try {
      process.env.PATH = cache;
      process.env.TEG_CACHE = cache;
      await expect(ensureBinaries(['etcd'])).rejects.toMatchObject({
        code: 'TEG_CONTROL_PLANE_NOT_BUILT',
        message: expect.stringContaining('expected Go 1.26 or later on the PATH'),
      });
    } finally {
      process.env.PATH = PATH;
      if (TEG_CACHE === undefined) delete process.env.TEG_CACHE;
      else process.env.TEG_CACHE = TEG_CACHE;
      rmSync(cache, { recursive: true });
    }
  });

  test('free ports are different and free', async () => {
    const ports = await freePorts(20);
    expect(new Set(ports).size).toBe(20);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(ports[0], '127.0.0.1', resolve));
    server.close();
  });
});

describeWithControlPlane('a control plane as scheduler_perf has it', ['kube-scheduler'], () => {
  let plane: ControlPlane;
  let client: HttpApiClient;

  beforeAll(async () => {
    plane = await startControlPlane();
    client = clientOf(plane.kubeconfig);
  }, 120_000);
  afterAll(async () => {
    await client?.close();
    await plane?.stop();
  });

  const podPath = '/api/v1/namespaces/default/pods';
  const pod = (name: string) => ({
    metadata: { name },
    spec: { containers: [{ name: 'c', image: 'x', resources: { requests: { cpu: '1' } } }] },
  });

  test('serves the pinned version, with upstream pod groups', async () => {
    expect((await client.request({ method: 'GET', path: '/version' })).body).toMatchObject({
      gitVersion: 'v1.36.3',
    });
    const groups = await client.request({
      method: 'GET',
      path: '/apis/scheduling.k8s.io/v1alpha2/podgroups',
    });
    expect(groups.status).toBe(200);
    expect([...plane.processes.keys()]).toEqual(['etcd', 'kube-apiserver']);
  });

  test('nodes are created once, with zones and what was asked for', async () => {
    const template = { prefix: 'gpu-', zones: 3, capacity: { cpu: '64', 'nvidia.com/gpu': '8' } };
    let done = 0;
    await createNodes(client, 100, template, (n) => {
      done = n;
    });
    await createNodes(client, 101, template);
    expect(done).toBe(100);
    const { body } = await client.request({ method: 'GET', path: '/api/v1/nodes' });
    const items = (body as { items: { metadata: { name: string } }[] }).items;
    expect(items.length).toBe(101);
    expect(items.find(({ metadata }) => metadata.name === 'gpu-100')).toMatchObject({
      metadata: { labels: { 'topology.kubernetes.io/zone': 'zone-1', 'kubernetes.io/hostname': 'gpu-100' } },
      status: {
        allocatable: { cpu: '64', memory: '32Gi', pods: '110', 'nvidia.com/gpu': '8' },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    });
  });

  test('a refused node is said', async () => {
    const stranger = clientOf(plane.kubeconfig, 'wrong');
    await expect(createNodes(stranger, 1)).rejects.toMatchObject({ code: 'TEG_SERVER_FAILED' });
    await stranger.close();
  });

  test('the stock scheduler binds, and its CPU time and memory are reported', async () => {
    const scheduler = await plane.startStockScheduler('percentageOfNodesToScore: 50');
    expect((await client.request({ method: 'POST', path: podPath, body: pod('a') })).status).toBe(201);
    await until(async () => {
      const { body } = await client.request({ method: 'GET', path: `${podPath}/a` });
      return (body as { spec: { nodeName?: string } }).spec.nodeName !== undefined;
    }, 20);
    const { cpuSeconds, peakBytes } = scheduler.usage();
    expect(cpuSeconds).toBeGreaterThan(0.05);
    expect(cpuSeconds).toBeLessThan(60);
    expect(peakBytes).toBeGreaterThan(20e6);
    const { pid } = scheduler;
    await scheduler.stop();
    expect(isAlive(pid)).toBe(false);
    expect(scheduler.pid).toBe(0);
    expect(scheduler.usage().cpuSeconds).toBeGreaterThanOrEqual(cpuSeconds);
  });

  test.each([
    ['kube-apiserver', 'SIGKILL'],
    ['kube-apiserver', 'SIGTERM'],
    ['etcd', 'SIGKILL'],
  ] as const)('%s comes back at its port after %s, with all that was stored', async (name, signal) => {
    const process = plane.processes.get(name);
    const before = process?.pid;
    const used = process?.usage().cpuSeconds as number;
    await plane.restart(name, signal);
    expect(process?.pid).not.toBe(before);
    expect(process?.usage().cpuSeconds).toBeGreaterThan(used - 0.001);
    await until(async () => {
      const answer = await client.request({ method: 'GET', path: `${podPath}/a` }).catch(() => undefined);
      return answer?.status === 200;
    }, 20);
  });

  test('an unknown name is refused with the names of the processes', async () => {
    await expect(plane.restart('kubelet')).rejects.toThrow(
      "got the process 'kubelet', expected one of etcd, ",
    );
  });

  test('stopped, nothing of it is left', async () => {
    const pids = [...plane.processes.values()].map(({ pid }) => pid).filter((pid) => pid > 0);
    expect(pids.length).toBe(2);
    await Promise.all([plane.stop(), plane.stop()]);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(existsSync(plane.folder)).toBe(false);
    await expect(client.request({ method: 'GET', path: '/readyz' })).rejects.toThrow(ApiNotSentError);
  });
});

describeWithControlPlane('a control plane with admission', ['kube-controller-manager', 'kwok'], () => {
  test('controllers and kwok give a Job its pods, a bound pod its life; RBAC refuses', async () => {
    const plane = await startControlPlane({ admission: true, kwok: true });
    const client = clientOf(plane.kubeconfig);
    try {
      await createNodes(client, 2);
      const job = {
        metadata: { name: 'j' },
        spec: {
          completions: 2,
          parallelism: 2,
          template: {
            spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }], nodeName: 'node-1' },
          },
        },
      };
      const path = '/apis/batch/v1/namespaces/default/jobs';
      await until(async () => (await client.request({ method: 'POST', path, body: job })).status === 201, 20);
      await until(async () => {
        const { body } = await client.request({ method: 'GET', path: `${path}/j` });
        return (body as { status: { succeeded?: number } }).status.succeeded === 2;
      }, 40);
      const anonymous = clientOf(plane.kubeconfig, 'wrong');
      expect((await anonymous.request({ method: 'GET', path: '/api/v1/nodes' })).status).toBe(401);
      await anonymous.close();
      const { body } = await client.request({ method: 'GET', path: '/api/v1/nodes/node-1' });
      expect((body as { spec: { taints?: unknown } }).spec.taints).toBeUndefined();
    } finally {
      await client.close();
      await plane.stop();
    }
  });
});

/** Starts a control plane in a Node.js of its own. @returns The process ids, and the folder. */
async function startElsewhere(folder?: string) {
  const start = new URL('../../lab/control-plane/start.ts', import.meta.url).href;
  const code = `const { startControlPlane } = await import(${JSON.stringify(start)});
    const plane = await startControlPlane(${JSON.stringify(folder === undefined ? {} : { folder })});
    console.log(JSON.stringify({ folder: plane.folder, pids: [...plane.processes.values()].map((p) => p.pid) }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<string>((resolve) =>
    child.once('exit', (exit, signal) => resolve(signal ?? `${exit}`)),
  );
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (data) => resolve(String(data)));
    void ended.then(() => reject(new Error('ended before it had started')));
  });
  return { child, ended, ...(JSON.parse(line) as { folder: string; pids: number[] }) };
}

describeWithControlPlane('the end of who started it', [], () => {
  test.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)('%s: all ends', async (signal) => {
    const { child, ended, folder, pids } = await startElsewhere();
    expect(pids.length).toBe(2);
    expect(pids.every(isAlive)).toBe(true);
    child.kill(signal);
    expect(await ended).toBe(signal);
    await until(() => !pids.some(isAlive) && !existsSync(folder), 10);
  });

  test('a folder of its own stays, and is gone on from', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'teg-kept-'));
    try {
      const first = await startElsewhere(folder);
      const client = clientOf(join(folder, 'kubeconfig'));
      await createNodes(client, 3);
      await client.close();
      first.child.kill('SIGTERM');
      await first.ended;
      const plane = await startControlPlane({ folder });
      const again = clientOf(plane.kubeconfig);
      const { body } = await again.request({ method: 'GET', path: '/api/v1/nodes' });
      expect((body as { items: unknown[] }).items.length).toBe(3);
      await again.close();
      await plane.stop();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a process that does not start is reported with the end of its log', async () => {
    await expect(startControlPlane({ apiServerFlags: ['--no-such-flag'] })).rejects.toMatchObject({
      code: 'TEG_CONTROL_PLANE_FAILED',
      message: expect.stringMatching(/kube-apiserver ended with 1.*unknown flag: --no-such-flag/s),
    });
  });
});
