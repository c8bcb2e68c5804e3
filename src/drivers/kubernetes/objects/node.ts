/**
 * Nodes: from API objects to descriptions.
 */
import type { NodeDescription, NodeVolumeLimits, Taint } from '../../../model/kubernetes/node.ts';
import {
  type ApiObject,
  isRecord,
  maybeFlag,
  maybeInteger,
  maybeList,
  maybeRecord,
  maybeStrings,
  maybeText,
  projecting,
  recordOf,
  textOf,
} from './read-object.ts';
import { countOf, isCountedResource } from './resource-amounts.ts';

/** Of a CSINode: in-tree plugins whose volumes the node leaves to CSI drivers, with commas between. */
const MIGRATED_PLUGINS = 'storage.alpha.kubernetes.io/migrated-plugins';

const TAINT_EFFECTS: ReadonlySet<string> = new Set(['NoSchedule', 'PreferNoSchedule', 'NoExecute']);

/**
 * Describes a node. Allocatable quantities are rounded up where they are no whole milli or byte, as kube-scheduler does.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of what is malformed, and nothing else whatever the object.
 */
export function nodeOf(object: unknown): NodeDescription {
  return projecting('Node', object, (node) => {
    const metadata = recordOf(node.metadata, 'metadata');
    const spec = maybeRecord(node.spec, 'spec');
    const status = maybeRecord(node.status, 'status');
    const allocatable = maybeRecord(status.allocatable, 'status.allocatable');
    return {
      name: textOf(metadata.name, 'metadata.name'),
      uid: textOf(metadata.uid, 'metadata.uid'),
      labels: maybeStrings(metadata.labels, 'metadata.labels'),
      taints: taintsOf(spec.taints),
      unschedulable: maybeFlag(spec.unschedulable, 'spec.unschedulable'),
      cpuMilli: countOf(allocatable.cpu ?? '0', 'milli', 'status.allocatable.cpu'),
      memoryBytes: countOf(allocatable.memory ?? '0', 'one', 'status.allocatable.memory'),
      podsMax: countOf(allocatable.pods ?? '0', 'one', 'status.allocatable.pods'),
      extended: extendedOf(allocatable),
    };
  });
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

/** Taints with an effect that the scheduler knows. */
function taintsOf(value: unknown): Taint[] {
  const taints: Taint[] = [];
  for (const entry of maybeList(value, 'spec.taints')) {
    const taint = recordOf(entry, 'spec.taints[]');
    const effect = maybeText(taint.effect, 'spec.taints[].effect');
    if (!TAINT_EFFECTS.has(effect)) continue;
    taints.push({
      key: maybeText(taint.key, 'spec.taints[].key'),
      value: maybeText(taint.value, 'spec.taints[].value'),
      effect: effect as Taint['effect'],
    });
  }
  return taints;
}

/**
 * Describes what a CSINode says of the volumes of its node.
 *
 * @throws TegError TEG_KUBE_OBJECT with the path of what is malformed.
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

/** Describes a namespace. @throws TegError TEG_KUBE_OBJECT with the path of what is malformed. */
export function namespaceOf(object: unknown): NamespaceDescription {
  return projecting('Namespace', object, (namespace) => {
    const metadata = recordOf(namespace.metadata, 'metadata');
    return {
      name: textOf(metadata.name, 'metadata.name'),
      labels: maybeStrings(metadata.labels, 'metadata.labels'),
    };
  });
}
