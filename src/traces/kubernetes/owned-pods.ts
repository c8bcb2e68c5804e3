/**
 * The pods of a file by their workload, so that a workload adds only pods that the file does not have.
 *
 * A pod refers to its controller by uid; objects written by hand have none, and are matched by kind and name. Between a
 * pod and the expanded workload there may be another controller that the file lacks (the ReplicaSet of a Deployment,
 * the Job of a JobSet): labels that those controllers set then name the workload.
 */
import { type ApiObject, maybeRecord, maybeText } from '../../model/readers/read-object.ts';
import { ownerOf, workloadKey, workloadKindOf } from './workloads.ts';

/** Most controllers, and most pod numbers, that are kept. */
const OWNERS_MAX = 100_000;

/** Pods of one controller. */
interface Owned {
  /** Uid of the controller; '' if the pods do not name it. */
  readonly uid: string;
  /** Pods that are neither ended nor being deleted. */
  live: number;
  /** Numbers at the end of their names. */
  readonly ordinals: number[];
}

/** A file's pods of a workload. */
export interface PodsThere {
  readonly live: number;
  readonly ordinals: ReadonlySet<number>;
}

/** Counts the pods of a file by their controllers. */
export class OwnedPods {
  /** By key of the controller. */
  private readonly owned = new Map<string, Owned[]>();
  private remembered = 0;

  /** True if there were more controllers than are kept: the counts are incomplete. */
  get isFull(): boolean {
    return this.remembered >= OWNERS_MAX;
  }

  /** Counts a pod. @throws TegError TEG_KUBE_OBJECT. */
  see(pod: ApiObject): void {
    const metadata = maybeRecord(pod.metadata, 'metadata');
    const owner = ownerOf(metadata);
    const kind = owner && workloadKindOf(owner);
    if (owner === undefined || kind === undefined || kind === 'DaemonSet' || this.isFull) return;
    const { phase } = maybeRecord(pod.status, 'status');
    const isEnded = phase === 'Succeeded' || phase === 'Failed';
    const live =
      isEnded || maybeText(metadata.deletionTimestamp, 'metadata.deletionTimestamp') !== '' ? 0 : 1;
    const namespace = maybeText(metadata.namespace, 'metadata.namespace') || 'default';
    const ownerName = maybeText(owner.name, 'metadata.ownerReferences[].name');
    const part = kind === 'VolcanoJob' ? taskOf(metadata) : '';
    const key = workloadKey(kind, namespace, ownerName, part);
    const uid = maybeText(owner.uid, 'metadata.ownerReferences[].uid');
    const ordinal = ordinalOf(metadata, part === '' ? ownerName : `${ownerName}-${part}`);
    this.count(key, uid, live, ordinal);
    const beyond = workloadBeyond(
      kind,
      namespace,
      ownerName,
      maybeRecord(metadata.labels, 'metadata.labels'),
    );
    if (beyond !== '') this.count(beyond, '', live, undefined);
  }

  /** @returns The file's pods under a key, of the workload with this uid ('': of any with the name). */
  of(key: string, uid: string): PodsThere {
    let live = 0;
    const ordinals = new Set<number>();
    for (const owned of this.owned.get(key) ?? []) {
      if (owned.uid !== '' && uid !== '' && owned.uid !== uid) continue;
      live += owned.live;
      for (const ordinal of owned.ordinals) ordinals.add(ordinal);
    }
    return { live, ordinals };
  }

  private count(key: string, uid: string, live: number, ordinal: number | undefined): void {
    const known = this.owned.get(key) ?? [];
    if (known.length === 0) this.owned.set(key, known);
    let owned = known.find((other) => other.uid === uid);
    if (owned === undefined) {
      owned = { uid, live: 0, ordinals: [] };
      known.push(owned);
      this.remembered++;
    }
    owned.live += live;
    if (ordinal === undefined) return;
    owned.ordinals.push(ordinal);
    this.remembered++;
  }
}

/** The number of a pod that is named after its controller: `web-3`. */
function ordinalOf(metadata: ApiObject, prefix: string): number | undefined {
  const name = maybeText(metadata.name, 'metadata.name');
  if (!name.startsWith(`${prefix}-`)) return undefined;
  const rest = name.slice(prefix.length + 1);
  return /^\d{1,10}$/.test(rest) ? Number(rest) : undefined;
}

/** The task of a Volcano Job. */
function taskOf(metadata: ApiObject): string {
  const annotations = maybeRecord(metadata.annotations, 'metadata.annotations');
  const labels = maybeRecord(metadata.labels, 'metadata.labels');
  const path = 'metadata.annotations[volcano.sh/task-spec]';
  return maybeText(annotations['volcano.sh/task-spec'] ?? labels['volcano.sh/task-spec'], path);
}

/** Key of the workload that controls the controller, from the pod's labels; '' if they do not name one. */
function workloadBeyond(kind: string, namespace: string, owner: string, labels: ApiObject): string {
  if (kind === 'ReplicaSet') {
    const hash = labels['pod-template-hash'];
    const isOfDeployment = typeof hash === 'string' && hash !== '' && owner.endsWith(`-${hash}`);
    if (!isOfDeployment) return '';
    return workloadKey('Deployment', namespace, owner.slice(0, -hash.length - 1));
  }
  const set = labels['jobset.sigs.k8s.io/jobset-name'];
  const part = labels['jobset.sigs.k8s.io/replicatedjob-name'];
  if (kind !== 'Job' || typeof set !== 'string' || typeof part !== 'string') return '';
  return workloadKey('JobSet', namespace, set, part);
}
