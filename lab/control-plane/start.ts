/**
 * Starts a control plane: etcd, kube-apiserver and requested further processes, on free ports of loopback.
 *
 * Invariants: only processes that were started here are ever stopped; they end with us, however we end; the API server
 * ends before etcd, because without etcd it hangs in its own shutdown.
 */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { assert } from '../../src/kernel/assert.ts';
import { TegError } from '../../src/model/errors.ts';
import { type BuildProgress, ensureBinaries } from './build.ts';
import type { ControlPlane, ControlPlaneOptions, ControlPlaneProcess } from './control-plane.ts';
import { ensureCredentials, kubeconfigText } from './credentials.ts';
import { type Guardian, startGuardian } from './guardian.ts';
import { kwokPlan } from './kwok.ts';
import { ManagedProcess, type ProcessPlan } from './managed-process.ts';
import {
  apiServerArguments,
  apiServerBinary,
  controllerManagerArguments,
  etcdArguments,
  type Places,
  schedulerArguments,
} from './plans.ts';
import { freePorts } from './ports.ts';
import { onProcessEnd } from './process-end.ts';
import { serves } from './serving.ts';
import { writeWholeFile } from './whole-file.ts';

/** Attempts with other ports when another process took ours between finding and using them. */
const PORT_ATTEMPTS = 4;

/** Order of ending: clients before their servers. Names that are not here end before all. */
const LAST_TO_END = ['kube-apiserver', 'etcd'];

/** Callbacks during the start of a control plane. */
export interface StartHooks {
  /** A binary is being built: minutes, once a machine. */
  readonly onBuild?: (progress: BuildProgress) => void;
  /** A process is being started. */
  readonly onStart?: (name: string) => void;
  /** Ends the start; started processes are stopped, and the promise is rejected with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * Starts a control plane; 4 s with built binaries, minutes more where they are not built yet.
 *
 * @throws TegError TEG_CONTROL_PLANE_NOT_BUILT (no Go and no built binaries), TEG_CONTROL_PLANE_FAILED (a process did
 *         not become ready; the end of its log is in the message).
 */
export async function startControlPlane(
  options: ControlPlaneOptions = {},
  hooks: StartHooks = {},
): Promise<ControlPlane> {
  const full = { controllerManager: options.admission === true, ...options };
  if (full.version === '1.37' && full.controllerManager) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      'got a controller manager (or admission, which needs it) beside an API server of 1.37, expected none: only the API server of 1.37 is built; leave it out, or take version 1.36',
    );
  }
  const names = ['etcd', apiServerBinary(full)];
  if (full.controllerManager) names.push('kube-controller-manager');
  if (full.kwok === true) names.push('kwok');
  const binaries = await ensureBinaries(names, buildOptions(hooks));
  const plane = new RunningControlPlane(full, hooks, binaries);
  try {
    await plane.start();
    return plane;
  } catch (error) {
    await plane.stop();
    throw error;
  }
}

function buildOptions({ onBuild, signal }: StartHooks) {
  return { ...(onBuild && { onProgress: onBuild }), ...(signal && { signal }) };
}

class RunningControlPlane implements ControlPlane {
  server = '';
  readonly folder: string;
  readonly kubeconfig: string;
  readonly processes = new Map<string, ManagedProcess>();
  private readonly options: ControlPlaneOptions;
  private readonly hooks: StartHooks;
  private readonly binaries: Map<string, string>;
  private readonly guardian: Guardian;
  private readonly forget: () => void;
  private readonly isTemporary: boolean;
  private token = '';
  private stopping: Promise<void> | undefined;
  private schedulers = 0;

  constructor(options: ControlPlaneOptions, hooks: StartHooks, binaries: ReadonlyMap<string, string>) {
    this.options = options;
    this.hooks = hooks;
    this.binaries = new Map(binaries);
    this.isTemporary = options.folder === undefined;
    this.folder =
      options.folder === undefined ? mkdtempSync(join(tmpdir(), 'teg-cluster-')) : resolve(options.folder);
    mkdirSync(this.folder, { recursive: true });
    this.kubeconfig = join(this.folder, 'kubeconfig');
    this.guardian = startGuardian(this.isTemporary ? this.folder : undefined);
    this.forget = onProcessEnd({
      stop: () => this.stop(),
      killNow: () => {
        for (const process of this.inEndingOrder()) process.killNow();
      },
    });
  }

  async start(): Promise<void> {
    this.token = ensureCredentials(this.folder);
    const places = await this.startServers();
    this.server = `https://127.0.0.1:${places.apiServerPort}`;
    const certificate = join(this.folder, 'certs', 'apiserver.crt');
    writeWholeFile(this.kubeconfig, kubeconfigText(this.server, certificate, this.token), 0o600);
    if (this.options.controllerManager === true) await this.startControllerManager(places);
    if (this.options.kwok === true) await this.startKwok();
  }

  /** etcd and the API server, on other ports if another process was quicker. */
  private async startServers(): Promise<Places> {
    for (let attempt = 1; ; attempt++) {
      const [etcdPort, etcdPeerPort, apiServerPort] = (await freePorts(3)) as [number, number, number];
      const places = {
        folder: this.folder,
        kubeconfig: this.kubeconfig,
        etcdPort,
        etcdPeerPort,
        apiServerPort,
      };
      try {
        const etcdUrl = `http://127.0.0.1:${etcdPort}`;
        const etcd = await this.launch(
          'etcd',
          'etcd',
          etcdArguments(places, this.options.fsync === true),
          () => serves(`${etcdUrl}/readyz`),
        );
        etcd.url = etcdUrl;
        await this.launch(
          'kube-apiserver',
          apiServerBinary(this.options),
          apiServerArguments(places, this.options),
          () => serves(`https://127.0.0.1:${apiServerPort}/readyz`),
        );
        return places;
      } catch (error) {
        const portTaken = error instanceof TegError && error.message.includes('address already in use');
        if (!portTaken || attempt === PORT_ATTEMPTS) throw error;
        await this.stopProcesses();
        await rm(join(this.folder, 'etcd'), { recursive: true, force: true });
      }
    }
  }

  private async startControllerManager(places: Places): Promise<void> {
    const [port] = (await freePorts(1)) as [number];
    const args = controllerManagerArguments(places, port, this.options);
    await this.launch('kube-controller-manager', 'kube-controller-manager', args, () =>
      serves(`https://127.0.0.1:${port}/healthz`),
    );
  }

  private async startKwok(): Promise<void> {
    await this.run(await kwokPlan(this.program('kwok'), this.kubeconfig, this.folder, false));
  }

  private launch(
    name: string,
    binary: string,
    args: readonly string[],
    isReady: () => Promise<boolean>,
  ): Promise<ManagedProcess> {
    return this.run({ name, program: this.program(binary), args, folder: this.folder, isReady });
  }

  private program(binary: string): string {
    const program = this.binaries.get(binary);
    assert(program !== undefined, `binary ${binary} is built before it is started`);
    return program;
  }

  private async run(plan: ProcessPlan): Promise<ManagedProcess> {
    this.hooks.signal?.throwIfAborted();
    this.hooks.onStart?.(plan.name);
    const process = new ManagedProcess(plan, () => this.protect());
    this.processes.set(plan.name, process);
    await process.start();
    return process;
  }

  private protect(): void {
    this.guardian.protect([...this.processes.values()].map(({ pid }) => pid).filter((pid) => pid !== 0));
  }

  async binary(name: string): Promise<string> {
    const path = (await ensureBinaries([name], buildOptions(this.hooks))).get(name) as string;
    this.binaries.set(name, path);
    return path;
  }

  async startStockScheduler(
    configuration: string,
    flags: readonly string[] = [],
  ): Promise<ControlPlaneProcess> {
    await this.binary('kube-scheduler');
    const number = this.schedulers++;
    const name = number === 0 ? 'kube-scheduler' : `kube-scheduler-${number + 1}`;
    const configFile = join(this.folder, `${name}.yaml`);
    writeFileSync(configFile, schedulerConfiguration(configuration, this.kubeconfig));
    const [port] = (await freePorts(1)) as [number];
    const args = schedulerArguments(this.folder, port, configFile, this.options, flags);
    const process = await this.launch(name, 'kube-scheduler', args, () =>
      serves(`https://127.0.0.1:${port}/readyz`),
    );
    process.url = `https://127.0.0.1:${port}`;
    return process;
  }

  async restart(name: string, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const process = this.processes.get(name);
    if (process === undefined) {
      const known = [...this.processes.keys()].join(', ');
      throw new TegError('TEG_OPTION_INVALID', `got the process '${name}', expected one of ${known}`);
    }
    await process.stop(signal);
    await process.start();
  }

  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  private async stopAll(): Promise<void> {
    await this.stopProcesses();
    this.forget();
    await this.guardian.dismiss();
    if (this.isTemporary) await rm(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }

  private async stopProcesses(): Promise<void> {
    const first = this.inEndingOrder().filter(({ name }) => !LAST_TO_END.includes(name));
    await Promise.all(first.map((process) => process.stop()));
    for (const name of LAST_TO_END) await this.processes.get(name)?.stop();
  }

  private inEndingOrder(): ManagedProcess[] {
    const all = [...this.processes.values()];
    return all.sort((a, b) => LAST_TO_END.indexOf(a.name) - LAST_TO_END.indexOf(b.name));
  }
}

/**
 * A user's KubeSchedulerConfiguration, with the connection to the server: as many requests a second as it answers, in
 * protobuf, so that no client limit is measured, and no election.
 */
function schedulerConfiguration(configuration: string, kubeconfig: string): string {
  const given = (parse(configuration) ?? {}) as Record<string, unknown>;
  return stringify({
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    leaderElection: { leaderElect: false },
    ...given,
    clientConnection: {
      qps: 5000,
      burst: 5000,
      contentType: 'application/vnd.kubernetes.protobuf',
      ...(given.clientConnection as object | undefined),
      kubeconfig,
    },
  });
}
