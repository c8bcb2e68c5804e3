/**
 * Nodes without a machine: the Node objects that benchmarks and trial clusters schedule to.
 *
 * @source k8s.io/kubernetes v1.36.3 test/integration/scheduler_perf/templates/node-default.yaml
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiAnswer, ApiClient } from '../../src/drivers/kubernetes/client/api.ts';
import { TegError } from '../../src/model/errors.ts';

/** Creations in flight. */
const IN_FLIGHT = 64;

/** Attempts to create one node when the server is overloaded. */
const ATTEMPTS_MAX = 8;

/** Properties of the nodes. */
export interface NodeTemplate {
  /** Names are `<prefix>0`, `<prefix>1`, …. Default `node-`. */
  readonly prefix?: string;
  /** Default: that of scheduler_perf: 110 pods, 4 CPUs, 32Gi. Further resources such as `nvidia.com/gpu` may be named. */
  readonly capacity?: Readonly<Record<string, string>>;
  /** Node i is in zone `zone-<i mod zones>`; 0: no zones. Default 0. */
  readonly zones?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Keeps pods away that do not tolerate `kwok.x-k8s.io/node=fake:NoSchedule`: for clusters with real nodes too. */
  readonly tainted?: boolean;
}

/** Marks a node that kwok may look after, beside real ones. */
export const KWOK_ANNOTATION = 'kwok.x-k8s.io/node';

/** @returns Node `index` of a template, ready, as it is posted. */
export function nodeObject(index: number, template: NodeTemplate = {}): object {
  const name = `${template.prefix ?? 'node-'}${index}`;
  const zones = template.zones ?? 0;
  const capacity = { pods: '110', cpu: '4', memory: '32Gi', ...template.capacity };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        ...(zones > 0 && { 'topology.kubernetes.io/zone': `zone-${index % zones}` }),
        ...template.labels,
      },
      annotations: { [KWOK_ANNOTATION]: 'fake' },
    },
    ...(template.tainted === true && {
      spec: { taints: [{ key: KWOK_ANNOTATION, value: 'fake', effect: 'NoSchedule' }] },
    }),
    status: {
      capacity,
      allocatable: capacity,
      conditions: [{ type: 'Ready', status: 'True', reason: 'KubeletReady' }],
      phase: 'Running',
      nodeInfo: { kubeletVersion: 'kwok', operatingSystem: 'linux', architecture: 'amd64' },
    },
  };
}

/**
 * Creates nodes 0 … count − 1 of a template, 64 at a time; existing ones are left unchanged.
 *
 * Cost: about 1,000 a second.
 *
 * @param onProgress Called after each with the number done.
 * @throws TegError TEG_SERVER_FAILED if the server refuses one, or is overloaded 8 times.
 */
export async function createNodes(
  client: Pick<ApiClient, 'request'>,
  count: number,
  template: NodeTemplate = {},
  onProgress: (done: number) => void = () => {},
): Promise<void> {
  let next = 0;
  let done = 0;
  const one = async (): Promise<void> => {
    while (next < count) {
      await createNode(client, nodeObject(next++, template));
      onProgress(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, one));
}

/** Interval and limit of the wait until nodes may be used. */
const LOOK_MS = 500;
const USABLE_SECONDS_MAX = 120;

/**
 * Waits until no node with this prefix has the taint that the API server gives new nodes, and that controllers remove
 * when a node is ready.
 *
 * @param onProgress Called with the number so far.
 * @throws TegError TEG_SERVER_FAILED if that takes more than two minutes.
 */
export async function untilUsable(
  client: Pick<ApiClient, 'request'>,
  prefix: string,
  onProgress: (usable: number) => void = () => {},
): Promise<void> {
  for (let waitedMs = 0; waitedMs < USABLE_SECONDS_MAX * 1000; waitedMs += LOOK_MS) {
    const answer = await client.request({ method: 'GET', path: '/api/v1/nodes?resourceVersion=0' });
    if (answer.status !== 200) throw refused('GET', '/api/v1/nodes', answer);
    const nodes = (answer.body as { items: readonly ReadNode[] }).items.filter(({ metadata }) =>
      metadata.name.startsWith(prefix),
    );
    const usable = nodes.filter(({ spec }) => !spec.taints?.some(({ key }) => key === NOT_READY)).length;
    onProgress(usable);
    if (usable === nodes.length) return;
    await delay(LOOK_MS);
  }
  throw new TegError(
    'TEG_SERVER_FAILED',
    `nodes still have the taint ${NOT_READY} after ${USABLE_SECONDS_MAX} s, expected the controller manager to take it away: does it run?`,
  );
}

const NOT_READY = 'node.kubernetes.io/not-ready';

/** The part of a node that is read. */
interface ReadNode {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly taints?: readonly { readonly key: string }[] };
}

/**
 * Deletes nodes 0 … count − 1 of a template; missing ones are ignored.
 *
 * @throws TegError TEG_SERVER_FAILED if the server refuses one.
 */
export async function deleteNodes(
  client: Pick<ApiClient, 'request'>,
  count: number,
  prefix: string,
): Promise<void> {
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < count) {
      const path = `/api/v1/nodes/${prefix}${next++}`;
      const answer = await client.request({ method: 'DELETE', path });
      if (answer.status !== 404 && answer.status >= 300) throw refused('DELETE', path, answer);
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, count) }, one));
}

async function createNode(client: Pick<ApiClient, 'request'>, body: object): Promise<void> {
  let answer: ApiAnswer | undefined;
  for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
    answer = await client.request({ method: 'POST', path: '/api/v1/nodes', body });
    // 409: it exists, perhaps from an earlier run.
    if (answer.status === 201 || answer.status === 409) return;
    if (answer.status !== 429 && answer.status < 500) break;
    await delay(Number.isNaN(answer.retryAfterSeconds) ? 200 * attempt : answer.retryAfterSeconds * 1000);
  }
  throw refused('POST', '/api/v1/nodes', answer);
}

function refused(method: string, path: string, answer: ApiAnswer | undefined): TegError {
  const { message = JSON.stringify(answer?.body) } = (answer?.body ?? {}) as { message?: string };
  return new TegError(
    'TEG_SERVER_FAILED',
    `${method} ${path} was answered with ${answer?.status}: ${message}; expected success: the kubeconfig's user has to be allowed to create and delete nodes`,
  );
}
