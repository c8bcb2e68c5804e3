/** A node of Kubernetes without an API server: containerd, runc and a kubelet that runs the pods of a folder. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const PODS = '/etc/kubernetes/pods';
const SOCKET = '/run/containerd/containerd.sock';
const IMAGE = 'teg.invalid/busybox:1';
const KUBELET = 'http://127.0.0.1:10255';

const CONTAINERD = `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${IMAGE}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        NoPivotRoot = true
        SystemdCgroup = false
`;

const KUBELET_CONFIG = {
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  staticPodPath: PODS,
  fileCheckFrequency: '1s',
  syncFrequency: '10s',
  cgroupDriver: 'cgroupfs',
  containerRuntimeEndpoint: `unix://${SOCKET}`,
  readOnlyPort: 10255,
  authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
  authorization: { mode: 'AlwaysAllow' },
  localStorageCapacityIsolation: false,
  makeIPTablesUtilChains: false,
  imageGCHighThresholdPercent: 100,
  imageGCLowThresholdPercent: 99,
  failSwapOn: false,
  resolvConf: '',
  evictionHard: { 'memory.available': '1Mi' },
  enableServer: true,
  serializeImagePulls: false,
};

/** What the kubelet says about one container. */
export interface ContainerStatus {
  readonly pod: string;
  readonly container: string;
  /** Of 64 digits. */
  readonly id: string;
  readonly isRunning: boolean;
  readonly restarts: number;
  /** Below the mount of control groups. */
  readonly path: string;
}

/** Starts runtime and kubelet. @returns Once both answer. */
export class KubeletNode {
  private containerd: ChildProcess;

  private constructor() {
    for (const folder of [PODS, '/etc/containerd', '/var/lib/kubelet', '/var/log', '/tmp/shared'])
      mkdirSync(folder, { recursive: true });
    writeFileSync('/etc/containerd/config.toml', CONTAINERD);
    writeFileSync('/etc/kubernetes/kubelet.json', JSON.stringify(KUBELET_CONFIG));
    writeFileSync('/etc/resolv.conf', '');
    this.containerd = startIn('/system.slice/containerd.service', 'containerd', []);
  }

  static async start(): Promise<KubeletNode> {
    const node = new KubeletNode();
    await untilAnswers('containerd', () => execFileSync('ctr', ['version'], { stdio: 'ignore' }));
    importImage();
    startIn('/system.slice/kubelet.service', 'kubelet', [
      '--config=/etc/kubernetes/kubelet.json',
      '--hostname-override=guest',
      '--node-ip=10.0.2.15',
      '--v=1',
    ]);
    await untilAnswers('the kubelet', async () => {
      await (await fetch(`${KUBELET}/pods`)).text();
    });
    return node;
  }

  /** Ends containerd alone, and starts it again: shims and containers stay. */
  async restartContainerd(): Promise<void> {
    const gone = new Promise((resolve) => this.containerd.once('exit', resolve));
    this.containerd.kill('SIGTERM');
    await gone;
    this.containerd = startIn('/system.slice/containerd.service', 'containerd', []);
    await untilAnswers('containerd', () => execFileSync('ctr', ['version'], { stdio: 'ignore' }));
  }

  /** Writes a pod that opts in. @param metadata More of its metadata. */
  addPod(
    name: string,
    containers: readonly Record<string, unknown>[],
    metadata: Record<string, unknown> = {},
  ): void {
    const common = {
      image: IMAGE,
      imagePullPolicy: 'Never',
      volumeMounts: [{ name: 'shared', mountPath: '/shared' }],
    };
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name, namespace: 'default', annotations: { 'teg.dev/guard': 'enabled' }, ...metadata },
      spec: {
        hostNetwork: true,
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: 8,
        containers: containers.map((container) => ({ ...common, ...container })),
        volumes: [{ name: 'shared', hostPath: { path: '/tmp/shared' } }],
      },
    };
    writeFileSync(`${PODS}/${name}.json`, JSON.stringify(pod));
  }

  removePod(name: string): void {
    rmSync(`${PODS}/${name}.json`);
  }

  /** @returns All containers that the kubelet knows. */
  async containers(): Promise<ContainerStatus[]> {
    const { items } = (await (await fetch(`${KUBELET}/pods`)).json()) as { items: RawPod[] | null };
    return (items ?? []).flatMap(({ metadata, status }) =>
      (status.containerStatuses ?? []).map(({ name, containerID = '', restartCount, state }) => {
        const id = containerID.split('//')[1] ?? '';
        const hash = metadata.annotations?.['kubernetes.io/config.hash'] ?? metadata.uid;
        return {
          pod: metadata.name.replace(/-guest$/, ''),
          container: name,
          id,
          isRunning: state.running !== undefined,
          restarts: restartCount,
          path: `/kubepods/besteffort/pod${hash}/${id}`,
        };
      }),
    );
  }

  /** Waits until that many containers of a pod run. */
  async running(name: string, count: number, withinMs = 200_000): Promise<void> {
    const started = performance.now();
    for (;;) {
      const all = await this.containers();
      if (all.filter(({ pod, isRunning }) => pod === name && isRunning).length >= count) return;
      if (performance.now() - started > withinMs)
        throw new Error(`the pod ${name} does not run: ${logTail('kubelet')}\n${logTail('containerd')}`);
      await sleep(300);
    }
  }
}

interface RawPod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly annotations?: Record<string, string>;
  };
  readonly status: {
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly containerID?: string;
      readonly restartCount: number;
      readonly state: { readonly running?: unknown };
    }[];
  };
}

/** Starts a service in a group of its own. */
function startIn(path: string, command: string, args: readonly string[]): ChildProcess {
  mkdirSync(`/sys/fs/cgroup${path}`, { recursive: true });
  const log = openSync(`/var/log/${command}`, 'a');
  const script = `echo $$ > /sys/fs/cgroup${path}/cgroup.procs; exec "$0" "$@"`;
  return spawn('/bin/sh', ['-c', script, command, ...args], { stdio: ['ignore', log, log] });
}

/** @returns The last lines of a service. */
export function logTail(service: string): string {
  return readFileSync(`/var/log/${service}`, 'utf8').split('\n').slice(-25).join('\n');
}

async function untilAnswers(what: string, ask: () => unknown): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await ask();
      return;
    } catch (error) {
      if (attempt > 200)
        throw new Error(`${what} does not answer: ${error}\n${logTail(what.split(' ').at(-1) as string)}`);
      await sleep(250);
    }
  }
}

/** An image of one layer, a busybox with its applets, as `docker save` writes it. */
function importImage(): void {
  const root = '/tmp/image/root';
  for (const folder of ['bin', 'tmp', 'www', 'shared', 'proc', 'sys', 'dev', 'etc'])
    mkdirSync(`${root}/${folder}`, { recursive: true });
  writeFileSync(`${root}/www/index.html`, 'ok\n');
  execFileSync('cp', ['/bin/busybox', `${root}/bin/busybox`]);
  for (const name of [
    'sh',
    'sleep',
    'httpd',
    'cat',
    'echo',
    'dd',
    'date',
    'true',
    'test',
    'nc',
    'tail',
    'touch',
  ])
    symlinkSync('busybox', `${root}/bin/${name}`);
  execFileSync('tar', ['cf', '/tmp/image/layer.tar', '-C', root, '.']);
  const digest = createHash('sha256').update(readFileSync('/tmp/image/layer.tar')).digest('hex');
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: { Env: ['PATH=/bin'], Cmd: ['/bin/sleep', '1000000'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  };
  writeFileSync('/tmp/image/config.json', JSON.stringify(config));
  const manifest = [{ Config: 'config.json', RepoTags: [IMAGE], Layers: ['layer.tar'] }];
  writeFileSync('/tmp/image/manifest.json', JSON.stringify(manifest));
  execFileSync('tar', [
    'cf',
    '/tmp/image.tar',
    '-C',
    '/tmp/image',
    'manifest.json',
    'config.json',
    'layer.tar',
  ]);
  execFileSync('ctr', ['-n', 'k8s.io', 'images', 'import', '/tmp/image.tar'], { stdio: 'ignore' });
  rmSync('/tmp/image', { recursive: true });
}
