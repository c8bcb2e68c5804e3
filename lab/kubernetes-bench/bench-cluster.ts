/**
 * A fresh control plane for one run, filled by a cheap client and watched for binds and events.
 *
 * As in scheduler_perf: no kubelet, no controllers, admission plugins off, nodes are bare objects.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { loadTarget } from '../../src/drivers/kubernetes/client/target.ts';
import { TegError } from '../../src/model/errors.ts';
import type { ControlPlane, ControlPlaneProcess } from '../control-plane/control-plane.ts';
import { startControlPlane } from '../control-plane/start.ts';
import { namespaceText, nodeText, type ObjectTemplate, podTemplate } from './bench-objects.ts';
import { EtcdWatch, isBound, isScheduledEvent } from './etcd-watch.ts';
import { LOAD_CONNECTIONS, LoadClient } from './load-client.ts';
import type { PodTracker } from './pod-tracker.ts';
import { type SchedulerName, startScheduler } from './schedulers.ts';
import type { PodLook } from './workloads.ts';

/** Default number of creations in flight: one for each connection. */
const SETUP_IN_FLIGHT = LOAD_CONNECTIONS;

/** Polling interval of waits, ms. */
const LOOK_MS = 50;

/** Options and callbacks of a run. */
export interface RunHooks {
  readonly signal?: AbortSignal | undefined;
  /** Reports the current step and its progress. */
  readonly onProgress?: ((note: string, done: number, total: number) => void) | undefined;
}

/** CPU seconds of the processes so far. */
export interface CpuSeconds {
  readonly scheduler: number;
  /** API server and etcd. */
  readonly server: number;
  /** This process: it creates the pods and watches. */
  readonly observer: number;
}

/** Count of an event, and the time of the last one. */
export interface EventCount {
  count: number;
  /** `performance.now()`; NaN: none yet. */
  lastMs: number;
}

/** A cluster for one run; `start` makes one. See the head of the file. */
export class BenchCluster {
  readonly plane: ControlPlane;
  readonly client: LoadClient;
  /** Of the current run. */
  hooks: RunHooks;
  private readonly watches: EtcdWatch[] = [];
  private readonly trackers = new Map<string, PodTracker>();
  private readonly events = new Map<string, EventCount>();
  private readonly schedulers: ControlPlaneProcess[] = [];

  private constructor(plane: ControlPlane, client: LoadClient, hooks: RunHooks) {
    this.plane = plane;
    this.client = client;
    this.hooks = hooks;
  }

  /**
   * Starts one; about 4 s.
   *
   * @param podGroups True if API server and stock scheduler have upstream's PodGroup, which is off by default there.
   * @throws TegError of the control plane.
   */
  static async start(podGroups: boolean, hooks: RunHooks): Promise<BenchCluster> {
    const { signal, onProgress } = hooks;
    const plane = await startControlPlane(
      { admission: false, podGroups },
      {
        ...(signal && { signal }),
        onStart: (name) => onProgress?.(`starting ${name}`, 0, 1),
        onBuild: ({ binary, note }) => onProgress?.(`building ${binary}: ${note}`, 0, 1),
      },
    );
    const target = await loadTarget({ kubeconfig: plane.kubeconfig });
    const cluster = new BenchCluster(plane, await LoadClient.of(target), hooks);
    await cluster.watch();
    return cluster;
  }

  private async watch(): Promise<void> {
    const etcd = this.plane.processes.get('etcd')?.url ?? '';
    const pods = new EtcdWatch(etcd, 'pods', (change) => {
      const tracker = this.trackers.get(change.namespace);
      if (tracker?.awaits(change.name) && isBound(change)) tracker.bound(change.name, performance.now());
    });
    const events = new EtcdWatch(etcd, 'events', (change) => {
      if (!isScheduledEvent(change)) return;
      const count = this.scheduledEvents(change.namespace);
      count.count++;
      count.lastMs = performance.now();
    });
    this.watches.push(pods, events);
    await Promise.all([pods.open(), events.open()]);
  }

  /** Makes namespaces; each name once. */
  async createNamespaces(names: readonly string[]): Promise<void> {
    for (const name of new Set(names)) await this.client.create('/api/v1/namespaces', namespaceText(name));
  }

  /** Makes nodes `node-0`, … @param zones Node i is in zone i mod n; none: no zones. */
  createNodes(count: number, zones: readonly string[]): Promise<void> {
    const labelsOf = (i: number): Record<string, string> => {
      const zone = zones[i % zones.length];
      return zone === undefined ? {} : { 'topology.kubernetes.io/zone': zone };
    };
    return this.createNodesOf(
      Array.from({ length: count }, (_, i) => nodeText(`node-${i}`, { labels: labelsOf(i) })),
    );
  }

  /** @param texts JSON of each node. */
  createNodesOf(texts: readonly string[]): Promise<void> {
    return this.createAll('nodes', texts.length, SETUP_IN_FLIGHT, {
      path: () => '/api/v1/nodes',
      text: (i) => texts[i] as string,
    });
  }

  /** Makes one object for each name. */
  createObjects(what: string, template: ObjectTemplate, names: readonly string[]): Promise<void> {
    return this.createAll(what, names.length, SETUP_IN_FLIGHT, {
      path: () => template.path,
      text: (i) => template.text(names[i] as string),
    });
  }

  /**
   * Makes the pods of a tracker and reports them to it; it has to be `track`ed before for its binds to be seen.
   *
   * @param templateOf Template of pod i.
   * @param inFlightMax Creations in flight; 1: strictly one after the other.
   */
  createPods(
    tracker: PodTracker,
    templateOf: (i: number) => ObjectTemplate,
    inFlightMax = SETUP_IN_FLIGHT,
  ): Promise<void> {
    return this.createAll('pods', tracker.count, inFlightMax, {
      path: (i) => templateOf(i).path,
      text: (i) => templateOf(i).text(tracker.name(i)),
      onCreated: (i) => tracker.created(i, performance.now()),
    });
  }

  /** Makes `count` pods that are bound already, the same number on each node. @param labelsOf Further labels by node. */
  createBoundPods(
    count: number,
    nodes: number,
    namespace: string,
    look: PodLook,
    labelsOf: (node: number) => Readonly<Record<string, string>> = () => ({}),
  ): Promise<void> {
    const templates: ObjectTemplate[] = [];
    const templateOf = (i: number): ObjectTemplate => {
      const node = i % nodes;
      const spec = { ...look.spec, nodeName: `node-${node}` };
      const labels = { ...look.labels, ...labelsOf(node) };
      templates[node] ??= podTemplate({
        namespace,
        schedulerName: 'default-scheduler',
        ...look,
        spec,
        labels,
      });
      return templates[node];
    };
    return this.createAll('bound pods', count, SETUP_IN_FLIGHT, {
      path: (i) => templateOf(i).path,
      text: (i) => templateOf(i).text(`bound-${i}`),
    });
  }

  private createAll(
    what: string,
    count: number,
    inFlightMax: number,
    parts: { path(i: number): string; text(i: number): string; onCreated?(i: number): void },
  ): Promise<void> {
    const { signal, onProgress } = this.hooks;
    let done = 0;
    return this.client.createAll({
      count,
      inFlightMax,
      path: parts.path,
      text: parts.text,
      onCreated: (i) => {
        parts.onCreated?.(i);
        onProgress?.(`creating ${what}`, ++done, count);
      },
      signal,
    });
  }

  /** Starts a scheduler and waits until it serves; it ends with the cluster if not before. */
  async startScheduler(name: SchedulerName): Promise<ControlPlaneProcess> {
    this.hooks.onProgress?.('starting the scheduler', 0, 1);
    const scheduler = await startScheduler(this.plane, name);
    this.schedulers.push(scheduler);
    return scheduler;
  }

  /** From now on the tracker receives the binds in a namespace, instead of the previous tracker. */
  track(namespace: string, tracker: PodTracker): void {
    this.trackers.set(namespace, tracker);
  }

  /** @returns The count of `Scheduled` events of a namespace, which keeps counting. */
  scheduledEvents(namespace: string): EventCount {
    const count = this.events.get(namespace) ?? { count: 0, lastMs: Number.NaN };
    this.events.set(namespace, count);
    return count;
  }

  /**
   * Waits until all pods of a tracker are bound.
   *
   * @param stallSeconds Ends the wait when no pod was bound for this time.
   * @returns True if all are.
   * @throws TegError TEG_BENCH_FAILED if the scheduler ended; the reason of the signal.
   */
  async untilBound(
    tracker: PodTracker,
    scheduler: ControlPlaneProcess,
    stallSeconds: number,
  ): Promise<boolean> {
    let progressMs = performance.now();
    let before = -1;
    while (tracker.boundCount < tracker.count) {
      this.hooks.signal?.throwIfAborted();
      const now = performance.now();
      if (tracker.boundCount !== before) progressMs = now;
      before = tracker.boundCount;
      this.hooks.onProgress?.('binding', before, tracker.count);
      if (now - progressMs > stallSeconds * 1000) return false;
      failIfEnded(scheduler);
      await delay(LOOK_MS);
    }
    return true;
  }

  /**
   * Waits until an event count has reached `expected`, or has not changed for a while.
   *
   * @param onChange Called soon after each change, and once at first.
   */
  async untilEventsRest(
    events: EventCount,
    expected: number,
    quietSeconds: number,
    onChange: () => void = () => {},
  ): Promise<void> {
    let before = -1;
    let changedMs = performance.now();
    for (;;) {
      const now = performance.now();
      if (events.count !== before) {
        onChange();
        changedMs = now;
        before = events.count;
      }
      if (before >= expected || now - changedMs > quietSeconds * 1000) return;
      this.hooks.signal?.throwIfAborted();
      this.hooks.onProgress?.('events', before, expected);
      await delay(LOOK_MS);
    }
  }

  /** CPU time of all processes so far. */
  cpuSeconds(scheduler: ControlPlaneProcess | undefined): CpuSeconds {
    const { user, system } = process.cpuUsage();
    const servers = ['kube-apiserver', 'etcd'].map((name) => this.plane.processes.get(name));
    return {
      scheduler: scheduler?.usage().cpuSeconds ?? 0,
      server: servers.reduce((sum, server) => sum + (server?.usage().cpuSeconds ?? Number.NaN), 0),
      observer: (user + system) / 1e6,
    };
  }

  /** Stops everything, schedulers first. */
  async stop(): Promise<void> {
    await Promise.all(this.watches.map((watch) => watch.close()));
    await this.client.close();
    await Promise.all(this.schedulers.map((scheduler) => scheduler.stop()));
    await this.plane.stop();
  }
}

function failIfEnded(scheduler: ControlPlaneProcess): void {
  if (scheduler.pid !== 0) return;
  const tail = readFileSync(scheduler.logFile, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
  throw new TegError(
    'TEG_BENCH_FAILED',
    `${scheduler.name} ended while it was measured, expected it to run on; the end of its log:\n${tail}`,
  );
}
