/** Kueue's flavours, LocalQueues and configuration. */
import { badSource, isFields, type LostField, SourceFields, type SourceObject } from './source-objects.ts';

/** A flavour by the labels of its nodes. */
export interface KueueFlavor {
  readonly name: string;
  readonly nodeLabels: Readonly<Record<string, string>>;
}

const FLAVOR_WHY = {
  'spec.nodeTaints': 'pods declare what they tolerate',
  'spec.tolerations': 'TEG does not change pods',
  'spec.topologyName': 'TEG reads topology from the nodes and the groups',
} as const;

/** @returns Flavours, those with more labels first: a node of TEG belongs to the first that it matches. */
export function flavorsOf(objects: readonly SourceObject[], lost: LostField[]): KueueFlavor[] {
  const flavors = objects.map(({ name, at, value }) => {
    const fields = new SourceFields(at, value);
    const labels = fields.get('spec.nodeLabels') ?? {};
    if (!isFields(labels) || !Object.values(labels).every((label) => typeof label === 'string')) {
      throw badSource(at, 'spec.nodeLabels', labels, 'labels', 'correct it');
    }
    lost.push(...fields.rest('spec', FLAVOR_WHY));
    return { name, nodeLabels: labels as Record<string, string> };
  });
  const labelCount = ({ nodeLabels }: KueueFlavor): number => Object.keys(nodeLabels).length;
  return flavors.sort((a, b) => labelCount(b) - labelCount(a));
}

/**
 * @returns Namespaces by ClusterQueue, sorted. Where several queues have one, it is nobody's: its pods need the label.
 * @throws TegError TEG_CONFIG_INVALID for a ClusterQueue that is not there.
 */
export function claimedNamespaces(
  locals: readonly SourceObject[],
  queues: ReadonlySet<string>,
  lost: LostField[],
): Map<string, string[]> {
  const claims = new Map<string, Set<string>>();
  for (const { at, value, name } of locals) {
    const fields = new SourceFields(at, value);
    const queue = fields.text('spec.clusterQueue');
    if (queue === undefined || !queues.has(queue)) {
      throw badSource(
        at,
        'spec.clusterQueue',
        queue,
        'the name of a ClusterQueue that is there',
        'add it, or correct the name',
      );
    }
    const namespace = fields.text('metadata.namespace') ?? 'default';
    claims.set(namespace, (claims.get(namespace) ?? new Set()).add(queue));
    lost.push(...fields.rest('spec', {}));
    lost.push({
      at,
      path: 'metadata.name',
      value: name,
      why: 'TEG has no queues in namespaces: the namespace says whose a pod is',
    });
  }
  const namespaces = new Map<string, string[]>();
  for (const [namespace, claimants] of [...claims].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [queue = '', ...others] = claimants;
    if (others.length === 0) namespaces.set(queue, [...(namespaces.get(queue) ?? []), namespace]);
    else {
      const why = 'a namespace has one tenant; give its pods the label teg.dev/tenant, or choose one';
      lost.push({ at: `namespace '${namespace}'`, path: '', value: [...claimants].sort(), why });
    }
  }
  return namespaces;
}

/** @returns Seconds, if Kueue's configuration sets a half-life above 0. */
export function halfLifeOf(configurations: readonly SourceObject[], lost: LostField[]): number | undefined {
  let halfLife: number | undefined;
  for (const { at, value } of configurations) {
    const fields = new SourceFields(at, value);
    const path = 'admissionFairSharing.usageHalfLifeTime';
    const seconds = fields.seconds(path);
    if (seconds === 0)
      lost.push({ at, path, value: '0s', why: '168h was taken: 0 would switch fairness off' });
    else if (seconds !== undefined) halfLife = seconds;
    lost.push(...fields.rest('admissionFairSharing', {}));
  }
  return halfLife;
}
