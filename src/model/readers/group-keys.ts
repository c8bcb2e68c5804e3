/** The group that a pod names. */
import { AS_SERVED, type Leniency } from './leniency.ts';
import { type ApiObject, maybeRecord, maybeText } from './read-object.ts';

/** Label that names the group of the coscheduling plugin. */
export const COSCHEDULING_LABEL = 'scheduling.x-k8s.io/pod-group';

/**
 * Labels and annotations that name a group, by precedence: coscheduling, its older form, Volcano, and Kueue's plain
 * pods. The scheduler reads the first one, as a label, alone.
 */
export const GROUP_KEYS: readonly string[] = [
  COSCHEDULING_LABEL,
  'pod-group.scheduling.sigs.k8s.io',
  'scheduling.k8s.io/group-name',
  'scheduling.volcano.sh/group-name',
  'kueue.x-k8s.io/pod-group-name',
  'pod-group-name',
];

/** The group of a pod. */
export interface GroupName {
  /** `core`: `spec.schedulingGroup`; `cosched`: the label of the coscheduling plugin; `other`: a key of another scheduler. */
  readonly api: 'core' | 'cosched' | 'other';
  /** Within the pod's namespace. */
  readonly name: string;
}

/**
 * @param leniency `readsForeignGroups`: all `GROUP_KEYS` count, as labels and then as annotations.
 * @returns The group that a pod names, the API's own before labels; undefined if it names none.
 * @throws TegError TEG_KUBE_OBJECT.
 */
export function groupNameOf(
  metadata: ApiObject,
  spec: ApiObject,
  leniency: Leniency = AS_SERVED,
): GroupName | undefined {
  const group = maybeRecord(spec.schedulingGroup, 'spec.schedulingGroup');
  const own = maybeText(group.podGroupName, 'spec.schedulingGroup.podGroupName');
  if (own !== '') return { api: 'core', name: own };
  const labels = maybeRecord(metadata.labels, 'metadata.labels');
  const labelled = named(labels, COSCHEDULING_LABEL, 'metadata.labels');
  if (labelled !== '') return { api: 'cosched', name: labelled };
  return leniency.readsForeignGroups === true ? foreignGroup(metadata, labels) : undefined;
}

function foreignGroup(metadata: ApiObject, labels: ApiObject): GroupName | undefined {
  const annotations = maybeRecord(metadata.annotations, 'metadata.annotations');
  for (const [texts, path] of [
    [labels, 'metadata.labels'],
    [annotations, 'metadata.annotations'],
  ] as const) {
    for (const key of GROUP_KEYS) {
      const name = named(texts, key, path);
      if (name !== '') return { api: 'other', name };
    }
  }
  return undefined;
}

function named(texts: ApiObject, key: string, path: string): string {
  return Object.hasOwn(texts, key) ? maybeText(texts[key], `${path}[${key}]`) : '';
}
