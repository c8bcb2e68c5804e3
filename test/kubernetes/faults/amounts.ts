/**
 * Requests and capacities as the scenarios write them. Of its own, so that the auditor does not repeat a mistake of what it audits.
 */
import type { StoredObject } from './etcd-log.ts';

/** CPU in millis, memory in bytes, pods. */
export interface Amounts {
  readonly cpu: number;
  readonly memory: number;
  readonly pods: number;
}

const SUFFIXES: Readonly<Record<string, number>> = {
  '': 1,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** @returns A quantity such as `500m` or `2Gi`; NaN for others. */
export function quantity(text: unknown): number {
  const match = /^([0-9.]+)([a-zA-Z]*)$/.exec(String(text ?? '0'));
  return match === null ? Number.NaN : Number(match[1]) * (SUFFIXES[match[2] as string] ?? Number.NaN);
}

/** @returns What a pod of plain containers asks for. */
export function podAmounts(pod: StoredObject): Amounts {
  let cpu = 0;
  let memory = 0;
  for (const container of (pod.spec?.containers ?? []) as { resources?: { requests?: object } }[]) {
    const requests = (container.resources?.requests ?? {}) as Record<string, unknown>;
    cpu += Math.ceil(quantity(requests.cpu) * 1000 - 1e-6);
    memory += Math.ceil(quantity(requests.memory));
  }
  return { cpu, memory, pods: 1 };
}

/** @returns What a node has. */
export function nodeAmounts(node: StoredObject): Amounts {
  const has = (node.status?.allocatable ?? {}) as Record<string, unknown>;
  return { cpu: quantity(has.cpu) * 1000, memory: quantity(has.memory), pods: quantity(has.pods) };
}
