/**
 * Nodes: from API objects to descriptions.
 */

import type { NodeDescription, NodeVolumeLimits } from '../kubernetes/node.ts';
import { PODS_PER_NODE_DEFAULT } from '../node.ts';
import { NODE_PRESSURES, type NodePressure } from '../node-state.ts';
import { AS_SERVED, type Leniency } from './leniency.ts';
import {
  type ApiObject,
  isRecord,
  maybeFlag,
  maybeInteger,
  maybeList,
  maybeRecord,
  maybeStrings,
  projecting,
  recordOf,
  textOf,
} from './read-object.ts';
import { countOf, isCountedResource } from './resource-amounts.ts';
import { taintsOf } from './taints.ts';

/** Of a CSINode: in-tree plugins whose volumes the node leaves to CSI drivers, with commas between. */
const MIGRATED_PLUGINS = 'storage.alpha.kubernetes.io/migrated-plugins';

/**
 * Describes a node. Allocatable quantities are rounded up to whole millis or bytes, as in kube-scheduler.
 *
 * @param leniency `capacityStandsIn` and, for a missing uid, `fillsDefaults`.
 * @throws TegError TEG_KUBE_OBJECT with the path of the malformed field, and nothing else for any object.
 */
export function nodeOf(object: unknown, leniency: Leniency = AS_SERVED): NodeDescription {
  return projecting('Node', object, (node) => {
    const metadata = recordOf(node.metadata, 'metadata');
    const spec = maybeRecord(node.spec, 'spec');
    const status = maybeRecord(node.status, 'status');
    const allocatable = offersOf(status, leniency);
    const podsMissing = leniency.capacityStandsIn === true ? String(PODS_PER_NODE_DEFAULT) : '0';
    return {
      name: textOf(metadata.name, 'metadata.name'),
      uid: uidOf(metadata, leniency),
      labels: maybeStrings(metadata.labels, 'metadata.labels'),
      taints: taintsOf(spec.taints),
      unschedulable: maybeFlag(spec.unschedulable, 'spec.unschedulable'),
      cpuMilli: countOf(allocatable.cpu ?? '0', 'milli', 'status.allocatable.cpu'),
      memoryBytes: countOf(allocatable.memory ?? '0', 'one', 'status.allocatable.memory'),
      podsMax: countOf(allocatable.pods ?? podsMissing, 'one', 'status.allocatable.pods'),
      extended: extendedOf(allocatable),
      ...pressureOf(status),
    };
  });
}

function uidOf(metadata: ApiObject, leniency: Leniency): string {
  const isMissing = metadata.uid === undefined || metadata.uid === null;
  return isMissing && leniency.fillsDefaults === true ? '' : textOf(metadata.uid, 'metadata.uid');
}

function offersOf(status: ApiObject, leniency: Leniency): ApiObject {
  const allocatable = maybeRecord(status.allocatable, 'status.allocatable');
  if (leniency.capacityStandsIn !== true) return allocatable;
  return { ...maybeRecord(status.capacity, 'status.capacity'), ...allocatable };
}

/** @returns True if a node's status says that it is ready, or says nothing of it, as in a manifest. */
export function isReady(status: ApiObject): boolean {
  for (const entry of maybeList(status.conditions, 'status.conditions')) {
    const condition = recordOf(entry, 'status.conditions[]');
    if (condition.type === 'Ready') return condition.status === 'True';
  }
  return true;
}

/** Conditions of a node by the pressure that they report: the kubelet's, and the node guard's. */
const PRESSURE_CONDITIONS: Readonly<Record<NodePressure, readonly string[]>> = {
  memory: ['MemoryPressure', 'MemoryGuardPressure'],
  disk: ['DiskPressure'],
  pid: ['PIDPressure'],
};
/** The guard's condition for a node that may draw no watt more. */
const POWER_CONDITION = 'PowerGuardPressure';

/** What kubelet and guard report; `Unknown` (nothing was reported for a while) is none. */
function pressureOf(status: ApiObject): Pick<NodeDescription, 'pressure' | 'powerHeadroomWatts'> {
  const reported = new Set<unknown>();
  for (const entry of maybeList(status.conditions, 'status.conditions')) {
    const condition = recordOf(entry, 'status.conditions[]');
    if (condition.status === 'True') reported.add(condition.type);
  }
  const isReported = (condition: string): boolean => reported.has(condition);
  const pressure = NODE_PRESSURES.filter((each) => PRESSURE_CONDITIONS[each].some(isReported));
  return {
    ...(pressure.length === 0 ? {} : { pressure }),
    ...(isReported(POWER_CONDITION) ? { powerHeadroomWatts: 0 } : {}),
  };
}

function extendedOf(allocatable: ApiObject): Record<string, number> {
  const extended: Record<string, number> = {};
  for (const name of Object.keys(allocatable).sort()) {
    if (name === 'cpu' || name === 'memory' || name === 'pods' || !isCountedResource(name)) continue;
    const count = countOf(allocatable[name], 'one', `status.allocatable[${name}]`);
    if (count > 0) extended[name] = count;
  }
  return extended;
}

/**
 * Describes the volume fields of a node's CSINode.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of the malformed field.
 */
export function volumeLimitsOf(object: unknown): NodeVolumeLimits {
  return projecting('CSINode', object, (node) => {
    const metadata = recordOf(node.metadata, 'metadata');
    const spec = maybeRecord(node.spec, 'spec');
    const limits: Record<string, number> = {};
    for (const entry of maybeList(spec.drivers, 'spec.drivers')) {
      const driver = recordOf(entry, 'spec.drivers[]');
      if (!isRecord(driver.allocatable)) continue;
      const path = 'spec.drivers[].allocatable.count';
      const count = maybeInteger(driver.allocatable.count, path, 0, 2 ** 31 - 1, -1);
      if (count >= 0) limits[textOf(driver.name, 'spec.drivers[].name')] = count;
    }
    const migrated = maybeStrings(metadata.annotations, 'metadata.annotations')[MIGRATED_PLUGINS] ?? '';
    return {
      name: textOf(metadata.name, 'metadata.name'),
      limits,
      ...(migrated !== '' && { migrated: migrated.split(',') }),
    };
  });
}

/** A namespace and its labels, for namespace selectors. */
export interface NamespaceDescription {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Describes a namespace. @throws TegError TEG_KUBE_OBJECT with the path of the malformed field. */
export function namespaceOf(object: unknown): NamespaceDescription {
  return projecting('Namespace', object, (namespace) => {
    const metadata = recordOf(namespace.metadata, 'metadata');
    return {
      name: textOf(metadata.name, 'metadata.name'),
      labels: maybeStrings(metadata.labels, 'metadata.labels'),
    };
  });
}
