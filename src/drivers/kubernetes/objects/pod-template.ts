/** The template of a pod: everything that decides where it can run, and a key of the raw fields that it is made of. */
import type { HostPort, PodTemplate } from '../../../model/kubernetes/pod.ts';
import { isResizeInfeasible, isSidecar, podRequestsOf } from '../../../model/readers/pod-requests.ts';
import {
  type ApiObject,
  isRecord,
  malformed,
  maybeInteger,
  maybeList,
  maybeStrings,
  maybeText,
  recordOf,
} from '../../../model/readers/read-object.ts';
import { tolerationsOf } from '../../../model/readers/taints.ts';
import { affinitiesOf } from './pod-affinity.ts';
import { readSpread } from './pod-spread.ts';
import { restartsAll, unsupportedOf } from './pod-unsupported.ts';
import { placedVolumesOf, podVolumesOf } from './pod-volumes.ts';
import type { PodStrategy } from './profiles.ts';

/** The parts of a pod as split by `pod.ts`. */
export interface PodParts {
  readonly namespace: string;
  readonly name: string;
  readonly metadata: ApiObject;
  readonly spec: ApiObject;
  /** Of assigned pods only: their allocated resources count. */
  readonly status: ApiObject | undefined;
  /** Strategy of the profile that the pod names; `pack` for pods of others. */
  readonly strategy: PodStrategy;
}

const PROTOCOLS: ReadonlySet<string> = new Set(['TCP', 'UDP', 'SCTP']);
const PORT_MAX = 65535;

/**
 * @returns A text that is equal only for pods of equal templates. Not the other way round: the order of names counts.
 * @throws RangeError for JSON nested so deeply that it cannot be walked.
 * @cost Linear in the length of the relevant fields; about 2 µs for a usual pod.
 */
export function templateKeyOf(parts: PodParts): string {
  const { spec, status } = parts;
  const volumes = placedVolumesOf(spec.volumes);
  return JSON.stringify([
    parts.namespace,
    parts.metadata.labels,
    keyOfContainers(spec.containers),
    spec.initContainers === undefined ? 0 : keyOfContainers(spec.initContainers),
    spec.tolerations,
    spec.nodeSelector,
    spec.affinity,
    spec.topologySpreadConstraints,
    volumes,
    volumes !== undefined && hasEphemeral(volumes) ? [parts.name, parts.metadata.uid] : 0,
    spec.overhead,
    spec.resources,
    spec.preemptionPolicy,
    spec.resourceClaims === undefined ? 0 : spec.resourceClaims,
    spec.hostNetwork === true && spec.hostUsers === false,
    isRecord(spec.workloadRef),
    status === undefined ? 0 : keyOfStatus(status),
    parts.strategy,
  ]);
}

function hasEphemeral(volumes: readonly unknown[]): boolean {
  return volumes.some((volume) => Array.isArray(volume) && volume[0] === 'ephemeral');
}

/** Requests, host ports and similar fields of each container; names are added from the status where they matter. */
function keyOfContainers(containers: unknown): unknown {
  if (!Array.isArray(containers)) return containers;
  return containers.map((container) =>
    isRecord(container)
      ? [
          isRecord(container.resources) ? container.resources.requests : container.resources,
          keyOfPorts(container.ports),
          container.restartPolicy,
          container.name,
          container.restartPolicyRules === undefined ? 0 : restartsAll([container]),
        ]
      : container,
  );
}

function keyOfPorts(ports: unknown): unknown {
  if (!Array.isArray(ports)) return ports;
  return ports.some((port) => !isRecord(port) || port.hostPort !== undefined) ? ports : 0;
}

/** Allocated resources of a running pod: they differ from the requests while the pod is resized. */
function keyOfStatus(status: ApiObject): unknown {
  return [
    keyOfStatuses(status.containerStatuses),
    keyOfStatuses(status.initContainerStatuses),
    status.resources === undefined ? 0 : status.resources,
    status.allocatedResources === undefined ? 0 : status.allocatedResources,
    Array.isArray(status.conditions) && isResizeInfeasible(status),
  ];
}

function keyOfStatuses(statuses: unknown): unknown {
  if (!Array.isArray(statuses)) return statuses === undefined ? 0 : statuses;
  return statuses.map((entry) =>
    isRecord(entry) && isRecord(entry.resources)
      ? [entry.name, entry.resources.requests, entry.allocatedResources]
      : 0,
  );
}

/**
 * Reads the template of a pod, without a cache.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of the wrong field.
 */
export function templateOf(parts: PodParts): PodTemplate {
  const { namespace, spec } = parts;
  const labels = maybeStrings(parts.metadata.labels, 'metadata.labels');
  const requests = podRequestsOf(spec, parts.status);
  const spread = readSpread(spec.topologySpreadConstraints, labels);
  const tolerations = tolerationsOf(spec.tolerations);
  return {
    namespace,
    labels,
    requests,
    nodeSelector: maybeStrings(spec.nodeSelector, 'spec.nodeSelector'),
    ...affinitiesOf(spec.affinity, { namespace, labels }),
    tolerations: tolerations.usable,
    hostPorts: hostPortsOf(spec),
    spread: spread.spread,
    ...podVolumesOf(spec.volumes, {
      podName: parts.name,
      podUid: maybeText(parts.metadata.uid, 'metadata.uid'),
    }),
    preemptionPolicy: preemptionPolicyOf(spec.preemptionPolicy),
    ...(parts.strategy === 'spread' ? { strategy: parts.strategy } : {}),
    unsupported: [...unsupportedOf(spec, requests), ...tolerations.unsupported, ...spread.unsupported],
  };
}

/** @returns The policy of a pod or group. @throws TegError TEG_KUBE_OBJECT if it is not known. */
export function preemptionPolicyOf(value: unknown): PodTemplate['preemptionPolicy'] {
  const text = maybeText(value, 'spec.preemptionPolicy');
  if (text === '' || text === 'PreemptLowerPriority') return 'PreemptLowerPriority';
  if (text === 'Never') return 'Never';
  throw malformed('spec.preemptionPolicy', text, 'PreemptLowerPriority or Never');
}

/** Ports of the node, of sidecars and containers, as `GetHostPorts` finds them. */
function hostPortsOf(spec: ApiObject): HostPort[] {
  const ports: HostPort[] = [];
  for (const entry of maybeList(spec.initContainers, 'spec.initContainers')) {
    const container = recordOf(entry, 'spec.initContainers[]');
    if (isSidecar(container)) addPorts(ports, container, 'spec.initContainers[].ports');
  }
  for (const entry of maybeList(spec.containers, 'spec.containers')) {
    addPorts(ports, recordOf(entry, 'spec.containers[]'), 'spec.containers[].ports');
  }
  return ports;
}

function addPorts(ports: HostPort[], container: ApiObject, path: string): void {
  for (const entry of maybeList(container.ports, path)) {
    const port = recordOf(entry, `${path}[]`);
    const number = maybeInteger(port.hostPort, `${path}[].hostPort`, 0, PORT_MAX, 0);
    if (number === 0) continue;
    const protocol = maybeText(port.protocol, `${path}[].protocol`) || 'TCP';
    if (!PROTOCOLS.has(protocol)) throw malformed(`${path}[].protocol`, protocol, 'TCP, UDP or SCTP');
    ports.push({
      ip: maybeText(port.hostIP, `${path}[].hostIP`),
      protocol: protocol as HostPort['protocol'],
      port: number,
    });
  }
}
