/**
 * A round: one pod of each case, all to one scheduler, and what became of them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from '../../../src/drivers/kubernetes/client/api.ts';
import { create, forEach, pathOf, send } from './api-world.ts';
import type { Json } from './draw-nodes.ts';

const LABEL = 'differential';
const POLL_MS = 150;
/** How long a verdict is waited for. */
const VERDICT_SECONDS = 60;
/** After pods are gone, until both schedulers surely know. */
const SETTLE_MS = 400;

/** Outcome of a pod: its node, or the reason and message of its condition. */
export interface Verdict {
  readonly node: string;
  /** Reason and message of the condition PodScheduled; '' if it was placed. */
  readonly reason: string;
  readonly message: string;
}

interface Pod {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly conditions?: readonly { type: string; status: string; reason?: string; message?: string }[];
  };
}

/**
 * Puts pods to a scheduler and takes them away again.
 *
 * @param probes By whatever key the verdicts are wanted; each in a namespace of its own.
 * @throws Error if one gets no verdict in time.
 */
export async function probeRound(
  client: ApiClient,
  schedulerName: string,
  probes: ReadonlyMap<string, Json>,
): Promise<Map<string, Verdict>> {
  const pods = new Map([...probes].map(([key, probe]) => [key, probeFor(probe, schedulerName)]));
  await forEach([...pods.values()], (pod) => create(client, pod));
  const byPath = new Map([...pods].map(([key, pod]) => [pathOf(pod), key]));
  const verdicts = new Map<string, Verdict>();
  for (const start = Date.now(); verdicts.size < pods.size; await delay(POLL_MS)) {
    for (const pod of await listProbes(client)) {
      const verdict = verdictOf(pod);
      const key = byPath.get(pathOf({ kind: 'Pod', metadata: pod.metadata }));
      if (verdict !== undefined && key !== undefined && !verdicts.has(key)) verdicts.set(key, verdict);
    }
    if (Date.now() - start > VERDICT_SECONDS * 1000) {
      const missing = [...pods.keys()].filter((key) => !verdicts.has(key));
      throw new Error(`${schedulerName} said nothing of ${missing.join(' ')} in ${VERDICT_SECONDS} s`);
    }
  }
  await takeAway(client, [...pods.values()]);
  return verdicts;
}

async function takeAway(client: ApiClient, pods: readonly Json[]): Promise<void> {
  await forEach(pods, (pod) =>
    send(client, { method: 'DELETE', path: `${pathOf(pod)}?gracePeriodSeconds=0` }),
  );
  while ((await listProbes(client)).length > 0) await delay(POLL_MS);
  await delay(SETTLE_MS);
}

function probeFor(probe: Json, schedulerName: string): Json {
  const metadata = probe.metadata as { labels?: object };
  const { status: _, ...rest } = probe;
  return {
    ...rest,
    metadata: { ...metadata, labels: { ...metadata.labels, [LABEL]: 'probe' } },
    spec: { ...(probe.spec as Json), schedulerName },
  };
}

async function listProbes(client: ApiClient): Promise<readonly Pod[]> {
  const path = `/api/v1/pods?labelSelector=${LABEL}%3Dprobe`;
  return (await send(client, { method: 'GET', path })).items as readonly Pod[];
}

function verdictOf({ spec, status }: Pod): Verdict | undefined {
  if (spec.nodeName !== undefined) return { node: spec.nodeName, reason: '', message: '' };
  const told = status.conditions?.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False');
  return told && { node: '', reason: told.reason ?? '', message: told.message ?? '' };
}

/** @returns The probe bound to one node by name, whatever else it asks for. */
export function pinned(probe: Json, node: string): Json {
  const spec = probe.spec as { affinity?: { nodeAffinity?: Json } };
  const required = 'requiredDuringSchedulingIgnoredDuringExecution';
  const known = spec.affinity?.nodeAffinity?.[required] as { nodeSelectorTerms: Json[] } | undefined;
  const field = { key: 'metadata.name', operator: 'In', values: [node] };
  const terms = (known?.nodeSelectorTerms ?? [{}]).map((term) => ({
    ...term,
    matchFields: [...((term.matchFields as Json[] | undefined) ?? []), field],
  }));
  const nodeAffinity = { ...spec.affinity?.nodeAffinity, [required]: { nodeSelectorTerms: terms } };
  return { ...probe, spec: { ...spec, affinity: { ...spec.affinity, nodeAffinity } } };
}
