/**
 * What a fault scenario plays on: a control plane of its own, pods and nodes made at will, an auditor over all of it, and
 * schedulers as child processes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlPlane } from '../../../lab/control-plane/control-plane.ts';
import { nodeObject } from '../../../lab/control-plane/nodes.ts';
import { startControlPlane } from '../../../lab/control-plane/start.ts';
import { createEconomy, tenantLabelOf } from '../../../lab/kubernetes-bench/economy-of-bench.ts';
import type { ApiAnswer, ApiRequest } from '../../../src/drivers/kubernetes/client/api.ts';
import type { HttpApiClient } from '../../../src/drivers/kubernetes/client/http-client.ts';
import { Random } from '../../../src/kernel/random.ts';
import { clientOf, creatorOf } from '../control-plane-fixture.ts';
import { Auditor } from './auditor.ts';
import { TegChild, type TegOptions } from './teg-child.ts';

/** Requests of the stage under way at once. */
const IN_FLIGHT = 24;

/** How often a request is tried while the API server is away. */
const ATTEMPTS_MAX = 200;

/** With the economy in force. */
const TENANTS = 3;

/** What pods are like. */
export interface PodLook {
  readonly prefix: string;
  readonly cpu?: string;
  readonly memory?: string;
  readonly schedulerName?: string;
  /** PodGroup that they belong to. */
  readonly group?: string;
  /** Put over the object. */
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** How to set the stage. */
export interface StageOptions {
  /** Whether another scheduler binds pods, too. */
  readonly others?: boolean;
  readonly seed?: number;
  /** Schedulers run with `economy.mode: enforce`, and pods are of three tenants, whose quotas cover all. */
  readonly enforce?: boolean;
}

/** See the head of the file. */
export class Stage {
  readonly plane: ControlPlane;
  readonly client: HttpApiClient;
  readonly auditor: Auditor;
  readonly random: Random;
  private readonly schedulers: TegChild[] = [];
  private readonly enforce: boolean;

  private constructor(
    plane: ControlPlane,
    client: HttpApiClient,
    auditor: Auditor,
    { seed = 1, enforce = false }: StageOptions,
  ) {
    this.enforce = enforce;
    this.plane = plane;
    this.client = client;
    this.auditor = auditor;
    this.random = new Random(seed);
  }

  /** @returns A stage; 5 s. */
  static async set(options: StageOptions = {}): Promise<Stage> {
    const plane = await startControlPlane({ apiServerFlags: ['--storage-media-type=application/json'] });
    try {
      const auditor = await Auditor.start({
        etcd: plane.processes.get('etcd')?.url ?? '',
        others: options.others === true,
      });
      const client = clientOf(plane.kubeconfig);
      if (options.enforce === true) await createEconomy(creatorOf(client), TENANTS, TENANTS * 1e6);
      return new Stage(plane, client, auditor, options);
    } catch (error) {
      await plane.stop();
      throw error;
    }
  }

  /** Ends everything. */
  async strike(): Promise<void> {
    await Promise.all(this.schedulers.filter(({ running }) => running).map((teg) => teg.kill()));
    this.auditor.stop();
    await this.client.close();
    await this.plane.stop();
  }

  /** Starts a scheduler; it is not waited for. */
  startTeg(options: Partial<TegOptions> = {}): TegChild {
    const teg = new TegChild({
      kubeconfig: this.plane.kubeconfig,
      folder: this.plane.folder,
      onDeath: (what) => this.auditor.violations.push(what),
      ...options,
      ...(this.enforce && { config: { ...options.config, economy: { mode: 'enforce' } } }),
    });
    this.schedulers.push(teg);
    return teg;
  }

  /** What schedulers wrote that no fault of others excuses. */
  get complaints(): string[] {
    const all: string[] = [];
    for (const { stderr, lines } of this.schedulers) {
      if (stderr !== '') all.push(`stderr: ${stderr.slice(0, 600)}`);
      for (const line of lines) {
        if (typeof line.level === 'number' && line.level >= 50) all.push(JSON.stringify(line).slice(0, 600));
      }
    }
    return all;
  }

  /** One request, tried again while the server is away or has no time. */
  async ask(request: ApiRequest): Promise<ApiAnswer> {
    for (let tried = 1; ; tried++) {
      const answer = await this.client.request(request).catch(() => undefined);
      if (answer !== undefined && answer.status !== 429 && answer.status < 500) return answer;
      if (tried >= ATTEMPTS_MAX) throw new Error(`${request.method} ${request.path}: ${answer?.status}`);
      await delay(100);
    }
  }

  /** Does something for each of `count`, some at a time. */
  async each(count: number, act: (index: number) => Promise<unknown>): Promise<void> {
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) await act(next++);
    };
    await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, worker));
  }

  /** Creates nodes `node-<from>` and so on. */
  async nodes(count: number, capacity: Readonly<Record<string, string>> = {}, from = 0): Promise<void> {
    await this.each(count, (index) => this.must('/api/v1/nodes', nodeObject(from + index, { capacity })));
  }

  /** Creates pods `<prefix>-<index>`. */
  async pods(count: number, look: PodLook, from = 0): Promise<void> {
    await this.each(count, (index) =>
      this.must('/api/v1/namespaces/default/pods', podObject(from + index, this.owned(from + index, look))),
    );
  }

  /** Pods of a group are of one tenant. */
  private owned(index: number, look: PodLook): PodLook {
    if (!this.enforce) return look;
    const { group, metadata = {} } = look;
    const tenant = tenantLabelOf(group === undefined ? index : group.length, TENANTS);
    return { ...look, metadata: { ...metadata, labels: { ...(metadata.labels ?? {}), ...tenant } } };
  }

  /** Creates an object. */
  async must(path: string, body: object): Promise<ApiAnswer> {
    const answer = await this.ask({ method: 'POST', path, body });
    if (answer.status !== 201 && answer.status !== 409) {
      throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body).slice(0, 500)}`);
    }
    return answer;
  }

  /** Deletes a pod at once. */
  deletePod(name: string): Promise<ApiAnswer> {
    return this.ask({
      method: 'DELETE',
      path: `/api/v1/namespaces/default/pods/${name}?gracePeriodSeconds=0`,
    });
  }

  /** Changes an object by a merge patch. */
  patch(path: string, body: object): Promise<ApiAnswer> {
    return this.ask({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' });
  }

  /** Creates a PodGroup. */
  async group(name: string, minCount: number): Promise<void> {
    await this.must('/apis/scheduling.k8s.io/v1alpha2/namespaces/default/podgroups', {
      apiVersion: 'scheduling.k8s.io/v1alpha2',
      kind: 'PodGroup',
      metadata: { name, namespace: 'default' },
      spec: { schedulingPolicy: { gang: { minCount } } },
    });
  }

  /** Waits until something is so; a violation if it is not within the time. @returns Seconds that it took. */
  async until(what: string, isSo: () => boolean | Promise<boolean>, seconds: number): Promise<number> {
    const began = performance.now();
    const passed = (): number => (performance.now() - began) / 1000;
    while (!(await isSo())) {
      if (passed() > seconds) {
        this.auditor.violations.push(`not within ${seconds} s: ${what}`);
        return passed();
      }
      await delay(20);
    }
    return passed();
  }

  /** Everything of ours is on a node. */
  placed(seconds: number): Promise<number> {
    const { auditor } = this;
    return this.until('everything placeable is placed', () => auditor.unbound === 0, seconds).then((took) => {
      if (auditor.unbound > 0) auditor.violations.push(`${auditor.unbound} pods are left unplaced`);
      return took;
    });
  }

  /**
   * Every pod of ours that was bound has exactly one event that says so, when no more come.
   *
   * @param lostMax Pods that may be without one: they waited in processes that were killed.
   * @returns       How many are without.
   */
  async eventsAreThere(seconds: number, lostMax = 0): Promise<number> {
    const { auditor } = this;
    const lost = (): number => {
      let count = 0;
      for (const uid of auditor.everBound) if (!auditor.scheduledEvents.has(uid)) count++;
      return count;
    };
    let last = Number.NaN;
    let since = performance.now();
    const isQuiet = (): boolean => {
      const now = lost();
      if (now !== last) since = performance.now();
      last = now;
      return now === 0 || (now <= lostMax && performance.now() - since > 3000);
    };
    await this.until(`at most ${lostMax} bound pods without an event`, isQuiet, seconds);
    if (lost() > lostMax) {
      const names = [...auditor.pods.values()].filter(
        (pod) => auditor.everBound.has(pod.uid) && !auditor.scheduledEvents.has(pod.uid),
      );
      auditor.violations.push(`no event: ${names.slice(0, 5).map(({ name }) => name)}`);
    }
    for (const [uid, count] of auditor.scheduledEvents) {
      if (count > 1) auditor.violations.push(`pod ${uid} has ${count} events Scheduled`);
    }
    return lost();
  }
}

/** @returns A pod. */
export function podObject(index: number, look: PodLook): object {
  const { cpu = '100m', memory = '100Mi', group, schedulerName = 'teg' } = look;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `${look.prefix}-${index}`, namespace: 'default', ...look.metadata },
    spec: {
      schedulerName,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image: 'none', resources: { requests: { cpu, memory } } }],
      ...(group !== undefined && { schedulingGroup: { podGroupName: group } }),
      ...look.spec,
    },
  };
}
