/**
 * The PodGroup of the coscheduling plugin, in a trial cluster: its definition, so that gangs for any version of
 * Kubernetes can be tried there, too. Only schedulers act on such objects.
 *
 * @source kubernetes-sigs/scheduler-plugins, apis/scheduling/v1alpha1 (fields and types)
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from '../../src/drivers/kubernetes/client/api.ts';
import { TegError } from '../../src/model/errors.ts';

const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const NAME = 'podgroups.scheduling.x-k8s.io';

/** Interval and limit of the wait until the definition is served. */
const LOOK_MS = 50;
const LOOKS_MAX = 600;

const COUNT = { type: 'integer', format: 'int32', minimum: 0 };

const SPEC = {
  type: 'object',
  properties: {
    minMember: { ...COUNT, minimum: 1 },
    minResources: {
      type: 'object',
      additionalProperties: {
        anyOf: [{ type: 'integer' }, { type: 'string' }],
        'x-kubernetes-int-or-string': true,
      },
    },
    scheduleTimeoutSeconds: COUNT,
  },
};

const STATUS = {
  type: 'object',
  properties: {
    phase: { type: 'string' },
    occupiedBy: { type: 'string' },
    running: COUNT,
    succeeded: COUNT,
    failed: COUNT,
    scheduleStartTime: { type: 'string', format: 'date-time' },
  },
};

const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: NAME,
    // API servers demand it of definitions in groups of k8s.io.
    annotations: {
      'api-approved.kubernetes.io': 'https://github.com/kubernetes-sigs/scheduler-plugins/pull/50',
    },
  },
  spec: {
    group: 'scheduling.x-k8s.io',
    scope: 'Namespaced',
    names: { kind: 'PodGroup', listKind: 'PodGroupList', plural: 'podgroups', singular: 'podgroup' },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: SPEC, status: STATUS } } },
      },
    ],
  },
};

/**
 * Defines the coscheduling PodGroup, unless it is defined, and waits until it is served.
 *
 * @throws TegError TEG_SERVER_FAILED if the server refuses it, or does not serve it within half a minute.
 */
export async function defineCoscheduling(client: Pick<ApiClient, 'request'>): Promise<void> {
  const created = await client.request({ method: 'POST', path: DEFINITIONS, body: DEFINITION });
  if (created.status !== 201 && created.status !== 409) throw failed(created.status, created.body);
  for (let look = 0; look < LOOKS_MAX; look++) {
    const { status, body } = await client.request({ method: 'GET', path: `${DEFINITIONS}/${NAME}` });
    if (status !== 200) throw failed(status, body);
    const { status: state } = body as { status?: { conditions?: { type: string; status: string }[] } };
    if (state?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True')) return;
    await delay(LOOK_MS);
  }
  throw failed(200, { message: 'defined, but not served' });
}

function failed(status: number, body: unknown): TegError {
  const { message } = (body ?? {}) as { message?: unknown };
  return new TegError(
    'TEG_SERVER_FAILED',
    `definition of ${NAME}: got ${status} (${String(message ?? 'no message').slice(0, 300)}), expected the server to take and serve it; its log is in the cluster's folder`,
  );
}
