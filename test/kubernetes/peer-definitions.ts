/**
 * Objects of other schedulers on an API server: definitions with the fields that the tests use, named as in the public APIs. Their
 * controllers do not run; tests do what they would.
 */

import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { at } from '../../src/drivers/kubernetes/writes/retrying-request.ts';
import { kubectl } from './control-plane-fixture.ts';

/** A kind of objects. */
interface PeerKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly isNamespaced?: boolean;
  /** Fields of `spec` that the server checks; others are kept as they are. */
  readonly spec: Readonly<Record<string, object>>;
}

const TEXT = { type: 'string' };
const LIST = { type: 'array', items: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
const OPEN = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

const kueue = (kind: string, plural: string, spec: PeerKind['spec'], isNamespaced = false): PeerKind => ({
  ...{ group: 'kueue.x-k8s.io', version: 'v1beta2', kind, plural, spec, isNamespaced },
});

/** Kueue's, v1beta2. */
export const KUEUE_KINDS: readonly PeerKind[] = [
  kueue('ResourceFlavor', 'resourceflavors', {
    nodeLabels: { type: 'object', additionalProperties: TEXT },
  }),
  kueue('ClusterQueue', 'clusterqueues', { cohortName: TEXT, resourceGroups: LIST }),
  kueue('Cohort', 'cohorts', { parentName: TEXT, resourceGroups: LIST }),
  kueue('LocalQueue', 'localqueues', { clusterQueue: TEXT }, true),
  kueue('Workload', 'workloads', { queueName: TEXT, podSets: LIST }, true),
];

/** KAI's. */
export const KAI_KINDS: readonly PeerKind[] = [
  {
    ...{ group: 'scheduling.run.ai', version: 'v2', kind: 'Queue', plural: 'queues' },
    spec: { parentQueue: TEXT, resources: OPEN },
  },
];

/** Volcano's. */
export const VOLCANO_KINDS: readonly PeerKind[] = [
  {
    ...{ group: 'scheduling.volcano.sh', version: 'v1beta1', kind: 'Queue', plural: 'queues' },
    spec: { weight: { type: 'integer' }, reclaimable: { type: 'boolean' }, capability: OPEN },
  },
];

/** @returns The definition of a kind, as `kubectl apply` takes it. */
function definitionOf({ group, version, kind, plural, isNamespaced, spec }: PeerKind): object {
  const preserved = { 'x-kubernetes-preserve-unknown-fields': true };
  const schema = {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: spec, ...preserved }, status: OPEN },
    },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      // Of the reserved group `*.k8s.io`: the server asks where it was approved.
      annotations: { 'api-approved.kubernetes.io': 'unapproved, for tests' },
    },
    spec: {
      group,
      scope: isNamespaced === true ? 'Namespaced' : 'Cluster',
      names: { kind, plural, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: [{ name: version, served: true, storage: true, subresources: { status: {} }, schema }],
    },
  };
}

/** Defines kinds, and waits until they are served. */
export async function defineKinds(plane: ControlPlane, kinds: readonly PeerKind[]): Promise<void> {
  await applyObjects(plane, kinds.map(definitionOf));
  const names = kinds.map(({ plural, group }) => `crd/${plural}.${group}`);
  await kubectl(plane, ['wait', '--for=condition=Established', '--timeout=60s', ...names]);
}

/** Applies objects. @throws Error with what kubectl complained of. */
export async function applyObjects(plane: ControlPlane, items: readonly object[]): Promise<void> {
  await kubectl(plane, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
}

/** @returns `kind/namespace/name` of all objects of these resources (`queues.scheduling.run.ai`), with their versions. */
export async function versionsOf(plane: ControlPlane, resources: string): Promise<Record<string, string>> {
  const { items } = JSON.parse(await kubectl(plane, ['get', resources, '-A', '-o', 'json']));
  return Object.fromEntries(
    (items as object[]).map((item) => {
      const [namespace, name, version] = ['namespace', 'name', 'resourceVersion'].map((key) =>
        at(item, 'metadata', key),
      );
      return [`${at(item, 'kind')}/${namespace ?? ''}/${name}`, String(version)];
    }),
  );
}
