/**
 * The set-up of most tests on a real API server: a control plane with an administrator's client, a folder, and requests that must
 * succeed.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, vi } from 'vitest';
import { stringify } from 'yaml';
import { CHART } from '../../deploy/render.ts';
import type { ControlPlane, ControlPlaneOptions } from '../../lab/control-plane/control-plane.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { ApiRequest } from '../../src/drivers/kubernetes/client/api.ts';
import type { HttpApiClient } from '../../src/drivers/kubernetes/client/http-client.ts';
import { clientOf, kubectl } from './control-plane-fixture.ts';
import { TegChild } from './faults/teg-child.ts';
import { RunningTeg } from './teg-command.ts';

/** What tests read of a pod. */
export interface LivePod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
  };
  readonly spec: {
    readonly nodeName?: string;
    readonly schedulingGroup?: { readonly podGroupName?: string };
  };
  readonly status: { readonly phase: string; readonly conditions?: readonly LiveCondition[] };
}

/** What tests read of a pod's condition. */
export interface LiveCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

/** See the head of the file. */
export class TestCluster {
  readonly plane: ControlPlane;
  readonly client: HttpApiClient;
  /** Removed at the end. */
  readonly folder: string;
  private restarted: TegChild | undefined;

  private constructor(plane: ControlPlane, folder: string) {
    this.plane = plane;
    this.client = clientOf(plane.kubeconfig);
    this.folder = folder;
  }

  /** @returns A control plane; 5 s. */
  static async start(options: ControlPlaneOptions = {}): Promise<TestCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'teg-cluster-'));
    return new TestCluster(await startControlPlane(options), folder);
  }

  async stop(): Promise<void> {
    if (this.restarted?.running) await this.restarted.kill();
    await this.client.close();
    await this.plane.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** One request that must succeed. @returns The answer's body. */
  async must(method: ApiRequest['method'], path: string, body?: unknown): Promise<unknown> {
    const answer = await this.client.request({ method, path, ...(body === undefined ? {} : { body }) });
    expect(answer.status, `${method} ${path} ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  }

  /** The chart's CRDs, until they are served. */
  async defineEconomy(): Promise<void> {
    await kubectl(this.plane, ['apply', '-f', join(CHART, 'crds')]);
    const names = ['markets', 'tenants', 'accounts'].map((plural) => `crd/${plural}.teg.dev`);
    await kubectl(this.plane, ['wait', '--for=condition=Established', '--timeout=60s', ...names]);
  }

  /** Applies an object of the economy. @returns What kubectl printed. */
  async apply(kind: 'Market' | 'Tenant' | 'Account', name: string, spec: object): Promise<string> {
    const object = { apiVersion: 'teg.dev/v1alpha1', kind, metadata: { name }, spec };
    return kubectl(this.plane, ['apply', '--validate=strict', '-f', '-'], JSON.stringify(object));
  }

  /** The market: one flavour, `h100`, of the nodes with label `gpu: h100`. @param more Put over the specification. */
  async applyMarket(more: object = {}): Promise<void> {
    const unitsPerHour = { 'nvidia.com/gpu': 1 };
    const flavors = [{ name: 'h100', nodeSelector: { gpu: 'h100' }, unitsPerHour }];
    await this.apply('Market', 'default', { flavors, halfLife: '168h', ...more });
  }

  /** A tenant, and a namespace of its own with the same name. */
  async addTenant(name: string, spec: object): Promise<void> {
    await this.must('POST', '/api/v1/namespaces', { metadata: { name, labels: { team: name } } });
    await this.apply('Tenant', name, { ...spec, namespaces: { matchLabels: { team: name } } });
  }

  async addNode(
    name: string,
    allocatable: Readonly<Record<string, string>>,
    labels: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    await this.must('POST', '/api/v1/nodes', {
      metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
      status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110', ...allocatable } },
    });
  }

  /** A pod with one container. @param more Put over the specification. */
  async addPod(
    path: { readonly namespace: string; readonly name: string; readonly labels?: object },
    resources: { readonly requests: object; readonly limits?: object },
    more: object = {},
  ): Promise<void> {
    const { namespace, ...metadata } = path;
    await this.must('POST', `/api/v1/namespaces/${namespace}/pods`, {
      metadata,
      spec: { schedulerName: 'teg', containers: [{ name: 'c', image: 'x', resources }], ...more },
    });
  }

  /** An upstream PodGroup in the version of 1.36. */
  async addGroup(namespace: string, name: string, minCount: number): Promise<void> {
    await this.must('POST', `/apis/scheduling.k8s.io/v1alpha2/namespaces/${namespace}/podgroups`, {
      apiVersion: 'scheduling.k8s.io/v1alpha2',
      kind: 'PodGroup',
      metadata: { name },
      spec: { schedulingPolicy: { gang: { minCount } } },
    });
  }

  /** @returns Pods of a namespace; '': of all. */
  async pods(namespace = ''): Promise<readonly LivePod[]> {
    const path = namespace === '' ? '/api/v1/pods' : `/api/v1/namespaces/${namespace}/pods`;
    return ((await this.must('GET', path)) as { readonly items: readonly LivePod[] }).items;
  }

  /** The scheduler of `restart`; undefined: none was started. */
  get child(): TegChild | undefined {
    return this.restarted;
  }

  /** Starts a scheduler with this configuration instead of the one before. It ends with the cluster. */
  async restart(config: Readonly<Record<string, unknown>>): Promise<void> {
    if (this.restarted?.running) await this.restarted.kill();
    const { plane, folder } = this;
    const onDeath = (what: string): void => void process.stderr.write(what);
    const child = new TegChild({ kubeconfig: plane.kubeconfig, folder, config, onDeath });
    this.restarted = child;
    await vi.waitFor(() => expect(child.said('synced')).toHaveLength(1), { timeout: 60_000, interval: 250 });
  }

  /** Starts `teg scheduler` with this configuration beside a free port. */
  startScheduler(fields: object = {}): RunningTeg {
    const file = join(this.folder, 'teg.yaml');
    const config = {
      apiVersion: 'teg.dev/v1alpha1',
      kind: 'SchedulerConfiguration',
      server: { bindAddress: '127.0.0.1', port: 0, insecureLoopback: true },
      ...fields,
    };
    writeFileSync(file, stringify(config));
    const { kubeconfig } = this.plane;
    return new RunningTeg(['scheduler', '--config', file], { kubeconfig, folder: this.folder });
  }
}

/** @returns Those that are on a node. */
export function boundAmong(pods: readonly LivePod[]): LivePod[] {
  return pods.filter(({ spec }) => (spec.nodeName ?? '') !== '');
}

/** @returns What a pod says about its placement. */
export function scheduledCondition({ status }: LivePod): LiveCondition | undefined {
  return status.conditions?.find(({ type }) => type === 'PodScheduled');
}

/** Prints the end of a scheduler's output after each test that fails. */
export function explainFailures(scheduler: () => RunningTeg | TegChild | undefined): void {
  afterEach(({ task }) => {
    const running = scheduler();
    if (task.result?.state !== 'fail' || running === undefined) return;
    const said =
      running instanceof TegChild ? JSON.stringify(running.lines.slice(-20)) : running.stdout.slice(-3000);
    process.stderr.write(`${said}\n${running.stderr.slice(-3000)}\n`);
  });
}
