/**
 * What a pod asks for and what a node offers, as kube-scheduler counts it.
 *
 * @source https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers.
 */
import { GPU_RESOURCES } from '../../model/kubernetes/gpus.ts';
import type { FieldReader, Fields } from './fields.ts';
import type { Rounding } from './quantity.ts';

/** Amounts by resource name: `cpu` in thousandths, everything else in bytes or pieces. */
export type Amounts = Map<string, number>;

/** Resources that `PodSpec` and `NodeSpec` have fields for, or that only repeat another one. */
const OWN_FIELDS: ReadonlySet<string> = new Set([
  'cpu',
  'memory',
  'pods',
  'alibabacloud.com/gpu-milli',
  ...GPU_RESOURCES,
]);

/**
 * @returns What a pod asks for: the sum over containers and sidecars, or what its init containers need in their
 *   turn if that is more, plus overhead. A limit counts as request where there is no request.
 */
export function podRequests(spec: Fields, reader: FieldReader): Amounts {
  const running: Amounts = new Map();
  for (const container of reader.listOfFields(spec, 'containers', 'spec')) {
    add(running, requestsOf(container, 'spec.containers[]', reader));
  }
  const sidecars: Amounts = new Map();
  const starting: Amounts = new Map();
  for (const container of reader.listOfFields(spec, 'initContainers', 'spec')) {
    const own = requestsOf(container, 'spec.initContainers[]', reader);
    if (reader.text(container, 'restartPolicy', 'spec.initContainers[]') === 'Always') {
      add(sidecars, own);
      atLeast(starting, sidecars);
    } else {
      add(own, sidecars);
      atLeast(starting, own);
    }
  }
  add(running, sidecars);
  atLeast(running, starting);
  for (const [name, amount] of requestsOf(spec, 'spec', reader)) running.set(name, amount);
  add(running, amounts(reader.fields(spec, 'overhead', 'spec'), 'spec.overhead', 'up', reader));
  return running;
}

/** @returns What a node offers: allocatable, or capacity where allocatable is silent. */
export function nodeOffers(status: Fields, reader: FieldReader): Amounts {
  const capacity = reader.fields(status, 'capacity', 'status');
  const allocatable = reader.fields(status, 'allocatable', 'status');
  return amounts({ ...capacity, ...allocatable }, 'status.allocatable', 'down', reader);
}

/** @returns GPU devices, of whatever make. */
export function gpusOf(of: Amounts): number {
  return GPU_RESOURCES.reduce((sum, name) => sum + (of.get(name) ?? 0), 0);
}

/** @returns What has no field of its own and is not 0, or nothing. */
export function extendedOf(of: Amounts): { extended?: Record<string, number> } {
  const extended: Record<string, number> = {};
  for (const [name, amount] of of) {
    if (!OWN_FIELDS.has(name) && amount > 0) extended[name] = amount;
  }
  return Object.keys(extended).length > 0 ? { extended } : {};
}

function requestsOf(container: Fields, path: string, reader: FieldReader): Amounts {
  const resources = reader.fields(container, 'resources', path);
  const limits = reader.fields(resources, 'limits', `${path}.resources`);
  const requests = reader.fields(resources, 'requests', `${path}.resources`);
  return amounts({ ...limits, ...requests }, `${path}.resources.requests`, 'up', reader);
}

function amounts(quantities: Fields, path: string, rounding: Rounding, reader: FieldReader): Amounts {
  const all: Amounts = new Map();
  for (const [name, value] of Object.entries(quantities)) {
    const unit = name === 'cpu' ? 'milli' : 'one';
    all.set(name, reader.quantity(value, `${path}['${name}']`, unit, rounding));
  }
  return all;
}

function add(into: Amounts, more: Amounts): void {
  for (const [name, amount] of more) into.set(name, (into.get(name) ?? 0) + amount);
}

function atLeast(into: Amounts, lower: Amounts): void {
  for (const [name, amount] of lower) into.set(name, Math.max(into.get(name) ?? 0, amount));
}
