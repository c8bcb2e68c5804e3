/**
 * The command lines of the control plane's processes.
 */
import type { ControlPlaneOptions } from './control-plane.ts';
import { NODE_LEASE_SECONDS } from './kwok.ts';

/** Where things are. */
export interface Places {
  readonly folder: string;
  readonly etcdPort: number;
  readonly etcdPeerPort: number;
  readonly apiServerPort: number;
  readonly kubeconfig: string;
}

/**
 * Gates of upstream's PodGroup in 1.36, for all processes: the API server protects each PodGroup by a finalizer, which
 * only a controller manager with the gate takes off.
 */
const POD_GROUP_GATES = '--feature-gates=GenericWorkload=true,GangScheduling=true';

/** Flags of each version's API server that serve PodGroups: a version of the API that it does not know stops it at start. */
const POD_GROUP_FLAGS = {
  '1.36': [POD_GROUP_GATES, '--runtime-config=scheduling.k8s.io/v1alpha2=true'],
  '1.37': [
    '--feature-gates=GenericWorkload=true,PodGroupPreemptionPolicy=true',
    '--runtime-config=scheduling.k8s.io/v1beta1=true,scheduling.k8s.io/v1alpha3=true',
  ],
} as const;

/** @returns Name of the API server's binary. */
export function apiServerBinary({ version = '1.36' }: ControlPlaneOptions): string {
  return version === '1.36' ? 'kube-apiserver' : `kube-apiserver-${version}`;
}

/** @returns Arguments of etcd. */
export function etcdArguments({ folder, etcdPort, etcdPeerPort }: Places, fsync: boolean): string[] {
  const client = `http://127.0.0.1:${etcdPort}`;
  const peer = `http://127.0.0.1:${etcdPeerPort}`;
  return [
    `--data-dir=${folder}/etcd`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--quota-backend-bytes=4294967296',
    '--log-level=warn',
    ...(fsync ? [] : ['--unsafe-no-fsync']),
  ];
}

/**
 * Admission plugins that are left out. Without admission: those that scheduler_perf leaves out. With it, but without a
 * manager of nodes: only the one that taints each new node until a controller removes the taint.
 */
function disabledAdmission(options: ControlPlaneOptions): string[] {
  if (options.admission !== true) return ['ServiceAccount', 'TaintNodesByCondition', 'Priority'];
  return managesNodes(options) ? [] : ['TaintNodesByCondition'];
}

/**
 * True if node conditions are kept fresh and taints follow them: kwok does the one, the controller manager the other.
 */
function managesNodes(options: ControlPlaneOptions): boolean {
  return options.kwok === true && options.controllerManager === true;
}

/** @returns Arguments of kube-apiserver. */
export function apiServerArguments(places: Places, options: ControlPlaneOptions): string[] {
  const { folder } = places;
  const disabled = disabledAdmission(options);
  return [
    `--etcd-servers=http://127.0.0.1:${places.etcdPort}`,
    `--secure-port=${places.apiServerPort}`,
    '--bind-address=127.0.0.1',
    `--cert-dir=${folder}/certs`,
    '--service-cluster-ip-range=10.0.0.0/24',
    // The address of the API server is loopback, which no Endpoints object may hold.
    '--endpoint-reconciler-type=none',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${folder}/sa.pub`,
    `--service-account-signing-key-file=${folder}/sa.key`,
    `--token-auth-file=${folder}/tokens.csv`,
    '--authorization-mode=Node,RBAC',
    // Without it a stop waits a minute for watches that their clients keep open.
    '--shutdown-watch-termination-grace-period=1s',
    '--max-requests-inflight=3000',
    '--max-mutating-requests-inflight=3000',
    ...(disabled.length > 0 ? [`--disable-admission-plugins=${disabled.join(',')}`] : []),
    ...(options.podGroups === false ? [] : POD_GROUP_FLAGS[options.version ?? '1.36']),
    ...(options.apiServerFlags ?? []),
  ];
}

/** @returns Arguments of kube-controller-manager. */
export function controllerManagerArguments(
  { folder, kubeconfig }: Places,
  port: number,
  options: ControlPlaneOptions,
): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    // There is no front proxy with certificates to look up; it would complain every 10 s.
    '--authentication-skip-lookup=true',
    `--service-account-private-key-file=${folder}/sa.key`,
    `--root-ca-file=${folder}/certs/apiserver.crt`,
    `--cert-dir=${folder}/controller-manager`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    '--leader-elect=false',
    '--use-service-account-credentials=false',
    '--kube-api-qps=500',
    '--kube-api-burst=1000',
    // Nodes without a kubelet or kwok send no heartbeat: they would be declared dead after 50 s.
    ...(managesNodes(options)
      ? [`--node-monitor-grace-period=${NODE_LEASE_SECONDS}s`]
      : ['--controllers=*,-node-lifecycle-controller']),
    ...(options.podGroups === false ? [] : [POD_GROUP_GATES]),
  ];
}

/** @returns Arguments of the stock scheduler. */
export function schedulerArguments(
  folder: string,
  port: number,
  configFile: string,
  options: ControlPlaneOptions,
  flags: readonly string[],
): string[] {
  return [
    `--config=${configFile}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${folder}/scheduler`,
    '--authorization-always-allow-paths=/healthz,/readyz,/livez,/metrics',
    ...(options.podGroups === false ? [] : [POD_GROUP_GATES]),
    ...flags,
  ];
}
