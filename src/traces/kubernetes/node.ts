/**
 * A Kubernetes node.
 */

import type { NodeDescription, Taint } from '../../model/kubernetes/node.ts';
import type { NodeSpec } from '../../model/node.ts';
import { GPU_RESOURCES, gpuModelOf } from '../../model/readers/gpus.ts';
import { FROM_FILE } from '../../model/readers/leniency.ts';
import { isReady, nodeOf } from '../../model/readers/read-node.ts';
import { type ApiObject, maybeRecord } from '../../model/readers/read-object.ts';
import { CORDON, NOT_READY } from '../../model/readers/taints.ts';
import { BYTES_PER_MIB } from '../../model/units.ts';
import type { ReadContext } from '../context.ts';

/**
 * Reads a node.
 *
 * @param context `keepsCordoned`: true if nodes that take no pods are kept, with the taints that say so.
 * @returns The node, or undefined if it takes no pods (cordoned or not ready).
 * @throws TegError TEG_KUBE_OBJECT with the path of the field.
 */
export function toNode(object: ApiObject, context: ReadContext): NodeSpec | undefined {
  const node = nodeOf(object, FROM_FILE);
  const ready = isReady(maybeRecord(object.status, 'status'));
  if (!context.keepsCordoned && (node.unschedulable || !ready)) {
    context.warn('nodes that are cordoned or not ready are left out');
    return undefined;
  }
  return specOf(node, taintsOf(node, ready), context);
}

function specOf(node: NodeDescription, taints: readonly Taint[], context: ReadContext): NodeSpec {
  const { gpus, extended } = splitGpus(node.extended, context.ignoredResources);
  const [[gpuResource, gpuCount] = [undefined, 0], ...others] = gpus;
  if (others.length > 0 && !context.heedsRules) {
    context.warn('of GPUs of several makes on a node those of the make with most count: nodes');
  }
  return {
    name: node.name,
    cpuMilli: node.cpuMilli,
    memoryMib: Math.floor(node.memoryBytes / BYTES_PER_MIB),
    gpuCount,
    gpuModel: gpuCount > 0 ? gpuModelOf(node.labels) : '',
    podsMax: node.podsMax,
    ...(gpuResource === undefined ? {} : { gpuResource }),
    ...(Object.keys(extended).length > 0 ? { extended } : {}),
    ...(Object.keys(node.labels).length > 0 ? { labels: node.labels } : {}),
    ...(taints.length > 0 ? { taints } : {}),
  };
}

/** Taints that keep pods away; a cordon and a missing readiness count as their standard taints. */
function taintsOf(node: NodeDescription, ready: boolean): Taint[] {
  const taints = node.taints.filter(({ effect }) => effect !== 'PreferNoSchedule');
  if (node.unschedulable) add(taints, CORDON);
  if (!ready) add(taints, NOT_READY);
  return taints;
}

function add(taints: Taint[], taint: Taint): void {
  if (!taints.some(({ key, effect }) => key === taint.key && effect === taint.effect)) taints.push(taint);
}

/**
 * @param ignored Ignored names.
 * @returns GPU devices by make, the most first, and all other further resources; resources that only repeat the devices
 *   are neither.
 */
export function splitGpus(
  amounts: Readonly<Record<string, number>>,
  ignored: ReadonlySet<string>,
): { gpus: [resource: string, count: number][]; extended: Record<string, number> } {
  const gpus: [string, number][] = [];
  const extended: Record<string, number> = {};
  for (const [name, amount] of Object.entries(amounts)) {
    if (ignored.has(name)) continue;
    if (GPU_RESOURCES.includes(name)) gpus.push([name, amount]);
    else if (name !== 'alibabacloud.com/gpu-milli') extended[name] = amount;
  }
  return { gpus: gpus.sort((a, b) => b[1] - a[1]), extended };
}
