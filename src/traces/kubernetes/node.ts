/**
 * A Kubernetes node.
 */

import { gpuModelOf } from '../../model/kubernetes/gpus.ts';
import { type NodeSpec, PODS_PER_NODE_DEFAULT } from '../../model/node.ts';
import type { FieldReader, Fields } from './fields.ts';
import { extendedOf, gpusOf, nodeOffers } from './resources.ts';
import { taintsOf } from './taints.ts';

const BYTES_PER_MIB = 1_048_576;

/**
 * Reads a node.
 *
 * @param keepsCordoned Whether nodes that take no pods are kept, with the taints that say so.
 * @returns The node, or undefined if it takes no pods (cordoned or not ready).
 * @throws TegError TEG_TRACE_BAD_VALUE with the path of the field.
 */
export function toNode(node: Fields, reader: FieldReader, keepsCordoned: boolean): NodeSpec | undefined {
  const metadata = reader.fields(node, 'metadata', '');
  const spec = reader.fields(node, 'spec', '');
  const status = reader.fields(node, 'status', '');
  const ready = isReady(status, reader);
  if (!keepsCordoned && (reader.text(spec, 'unschedulable', 'spec') === 'true' || !ready)) {
    reader.context.warn('nodes that are cordoned or not ready are left out');
    return undefined;
  }
  const taints = taintsOf(spec, ready, reader);
  const labels = labelsOf(metadata, reader);
  const offers = nodeOffers(status, reader);
  const gpuCount = gpusOf(offers);
  return {
    name: reader.name(metadata, 'name', 'metadata'),
    cpuMilli: offers.get('cpu') ?? 0,
    memoryMib: Math.floor((offers.get('memory') ?? 0) / BYTES_PER_MIB),
    gpuCount,
    gpuModel: gpuCount > 0 ? gpuModelOf(labels) : '',
    podsMax: offers.get('pods') ?? PODS_PER_NODE_DEFAULT,
    ...extendedOf(offers),
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
    ...(taints.length > 0 ? { taints } : {}),
  };
}

function labelsOf(metadata: Fields, reader: FieldReader): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(reader.fields(metadata, 'labels', 'metadata'))) {
    labels[key] = reader.scalar(value ?? '', `metadata.labels['${key}']`);
  }
  return labels;
}

/** A node that does not say, as in a hand-written file, is ready. */
function isReady(status: Fields, reader: FieldReader): boolean {
  const conditions = reader.listOfFields(status, 'conditions', 'status');
  const ready = conditions.find((c) => reader.text(c, 'type', 'status.conditions[]') === 'Ready');
  return ready === undefined || reader.text(ready, 'status', 'status.conditions[]') === 'True';
}
