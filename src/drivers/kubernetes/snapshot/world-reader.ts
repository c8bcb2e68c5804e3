/**
 * Reads a Kubernetes file as the cluster of a simulation that the pod scheduler decides: every object in the live
 * scheduler's form, and for each job of the file its pod.
 *
 * The jobs are those of the reader of traces, which counts pods, expands workloads and assigns names; this reader adds
 * the rest.
 */
import type { PodEvent, PodSchedulerOptions } from '../../../governor/pods/pod-events.ts';
import { TegError } from '../../../model/errors.ts';
import type { JobSpec } from '../../../model/job.ts';
import type { NodeDescription } from '../../../model/kubernetes/node.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { FROM_FILE } from '../../../model/readers/leniency.ts';
import { type ApiObject, isRecord, maybeRecord } from '../../../model/readers/read-object.ts';
import {
  GRACE_SECONDS_DEFAULT,
  type JobPod,
  type LeavingPod,
  type PodWorld,
} from '../../../simulation/inputs/pod-world.ts';
import { type ClusterHabits, habitsOf, podOfJob, unsaidOf } from '../../../simulation/pods/pod-of-job.ts';
import type { KubernetesObject } from '../../../traces/format.ts';
import type { Profiles } from '../objects/profiles.ts';
import { ObjectEvents } from './object-events.ts';
import { ObjectsEconomy } from './objects-economy.ts';

/** The changes of the file's cluster. */
export interface WorldChanges {
  /** Names of the nodes after the changes. */
  readonly nodes: ReadonlySet<string>;
  readonly removed: ReadonlySet<string>;
  /** By name of a node: its copies. */
  readonly copies: ReadonlyMap<string, readonly string[]>;
}

/** Most different warnings that are kept. */
const WARNINGS_MAX = 50;

/** A pod of the file. */
interface ReadPod {
  readonly kind: 'read-pod';
  readonly pod: PodDescription;
  /** Whether it names TEG's scheduler. */
  readonly isOurs: boolean;
  readonly job: JobSpec | undefined;
  readonly graceSeconds: number;
  /** Time when it is gone, seconds since 1970; NaN: it is not being deleted. */
  readonly goneSeconds: number;
}

const HOSTNAME = 'kubernetes.io/hostname';

/** Collects the objects that the readers of traces pass to `onObject`, and makes a world of them. */
export class WorldReader {
  /** Warnings for people, and how often each was due. */
  readonly warnings = new Map<string, number>();
  private readonly ignored: ReadonlySet<string>;
  private readonly events: ObjectEvents;
  private readonly economy: ObjectsEconomy = new ObjectsEconomy((text) => this.warn(text));
  private readonly entries: (PodEvent | ReadPod)[] = [];
  private readonly later: PodEvent[] = [];
  private readonly nodes: NodeDescription[] = [];
  private readonly pods = new Map<string, JobPod>();
  private habits: ClusterHabits | undefined;

  /**
   * @param profiles         Pods that name one come before those of others, as in the watches.
   * @param ignoredResources Ignored for pods and for nodes.
   */
  constructor(profiles: Profiles, ignoredResources: readonly string[]) {
    this.events = new ObjectEvents(profiles, FROM_FILE);
    this.ignored = new Set(ignoredResources);
  }

  /** True if the file had objects that can be decided on. */
  get hasNodes(): boolean {
    return this.nodes.length > 0;
  }

  /** Takes an object of the file that describes the cluster. */
  readonly ofCluster = (read: KubernetesObject): void => {
    if (read.kind === 'Pod') {
      const pod = this.podOf(read);
      if (pod === undefined) return;
      if (read.isMade && pod.job !== undefined) this.addMade(pod.job, pod);
      else this.entries.push(pod);
      return;
    }
    const event = this.eventOf(read);
    if (event === undefined) return;
    if (event.kind === 'node') this.nodes.push(event.node);
    this.entries.push(event);
  };

  /** Takes an object of a file whose pods are not there, and do not use its volumes: only the cluster counts. */
  readonly ofEmptyCluster = (read: KubernetesObject): void => {
    if (read.kind !== 'Pod' && read.kind !== 'VolumeAttachment') this.ofCluster(read);
  };

  /** Takes an object of a file of further jobs: its pods are not assigned, its nodes are ignored. */
  readonly ofJobs = (read: KubernetesObject): void => {
    if (read.kind !== 'Pod') {
      const isOfNodes = read.kind === 'Node' || read.kind === 'CSINode' || read.kind === 'VolumeAttachment';
      const event = isOfNodes ? undefined : this.eventOf(read);
      if (event !== undefined) this.later.push(event);
      return;
    }
    const of = read.job === undefined ? undefined : this.podOf(read);
    if (of?.job === undefined) return;
    if (read.isMade) this.addMade(of.job, of);
    else this.addJob(of.job, of, waiting(of.pod));
  };

  /** As `ofJobs`, for a file whose other objects are known. */
  readonly ofPods = (read: KubernetesObject): void => {
    if (read.kind === 'Pod') this.ofJobs(read);
  };

  /** Ensures that a job has a pod, from any source. */
  addFurther(job: JobSpec): void {
    if (this.pods.has(job.id)) return;
    this.habits ??= habitsOf(this.nodes);
    for (const unsaid of unsaidOf(job)) this.warn(`${unsaid}: jobs`);
    this.addJob(
      job,
      { graceSeconds: GRACE_SECONDS_DEFAULT, goneSeconds: Number.NaN },
      podOfJob(job, this.habits),
    );
  }

  /** @returns The world, with nodes added and removed. Called once, at the end. */
  world(core: PodSchedulerOptions, changes: WorldChanges): PodWorld {
    const events: PodEvent[] = [];
    const leaving: LeavingPod[] = [];
    const originSeconds = this.originSeconds();
    for (const entry of this.inOrder()) {
      if (entry.kind === 'read-pod') {
        for (const pod of this.podsIn(entry, changes)) {
          events.push({ kind: 'pod', pod });
          const seconds = Math.max(0, entry.goneSeconds - originSeconds);
          if (pod.nodeName !== '' && !Number.isNaN(seconds)) leaving.push({ uid: pod.uid, seconds });
        }
      } else events.push(...eventsIn(entry, changes));
    }
    for (const node of this.nodes) {
      for (const copy of changes.copies.get(node.name) ?? []) {
        const labels =
          node.labels[HOSTNAME] === undefined ? node.labels : { ...node.labels, [HOSTNAME]: copy };
        events.push({ kind: 'node', node: { ...node, name: copy, uid: `${node.uid}@${copy}`, labels } });
      }
    }
    events.push(...this.later, ...this.economy.events(undefined));
    return { core, originSeconds, events, leaving, pods: this.pods };
  }

  /** In the order in which the scheduler's watches list them: among equal nodes that may tip the balance. */
  private inOrder(): readonly (PodEvent | ReadPod)[] {
    const isOfOthers = (entry: PodEvent | ReadPod): boolean => entry.kind === 'read-pod' && !entry.isOurs;
    const { entries } = this;
    return [...entries.filter((entry) => !isOfOthers(entry)), ...entries.filter(isOfOthers)];
  }

  /** The fate of a pod of the file, and of its copies. */
  private *podsIn(entry: ReadPod, { removed, copies }: WorldChanges): Generator<PodDescription> {
    const { pod, job } = entry;
    if (job === undefined || Number.isFinite(job.durationSeconds)) {
      if (pod.nodeName !== '' && !removed.has(pod.nodeName)) yield pod;
      return;
    }
    const comesWithNode = isOfNode(job);
    if (pod.nodeName === '' || !removed.has(pod.nodeName)) {
      this.addJob(job, entry, pod);
      yield pod;
    } else if (!comesWithNode) {
      const again = waiting(pod);
      this.addJob(job, entry, again);
      yield again;
    }
    if (!comesWithNode) return;
    for (const nodeName of copies.get(pod.nodeName) ?? []) {
      const copy = { ...pod, uid: `${pod.uid}@${nodeName}`, name: `${pod.name}@${nodeName}`, nodeName };
      this.addJob({ ...job, id: `${job.id}@${nodeName}` }, entry, copy);
      yield copy;
    }
  }

  /** Pods that a workload makes: the object has no name of its own. */
  private addMade(job: JobSpec, of: ReadPod): void {
    const name = job.id.slice(job.id.indexOf('/') + 1);
    this.addJob(job, of, { ...of.pod, uid: `made ${job.id}`, name });
  }

  private addJob(
    job: JobSpec,
    { graceSeconds, goneSeconds }: Pick<ReadPod, 'graceSeconds' | 'goneSeconds'>,
    pod: PodDescription,
  ): void {
    const { owner } = job;
    // The controller of a pod that is being deleted has made another, or will not.
    const comesBack =
      Number.isNaN(goneSeconds) &&
      (owner === undefined ? pod.uid === `job ${job.id}` : !owner.startsWith('Node/'));
    this.pods.set(job.id, { pod, comesBack, graceSeconds });
  }

  private eventOf({ kind, object }: KubernetesObject): PodEvent | undefined {
    try {
      const whole = object.kind === kind ? object : { ...object, kind };
      if (this.economy.see(whole)) return undefined;
      const event = this.events.eventOf(whole);
      if (event === undefined) return undefined;
      this.economy.noticed(event);
      if (event.kind !== 'node') return event;
      return { kind: 'node', node: { ...event.node, extended: this.counted(event.node.extended) } };
    } catch (error) {
      this.leaveOut(error);
      return undefined;
    }
  }

  private podOf({ object, job }: KubernetesObject): ReadPod | undefined {
    try {
      const event = this.events.eventOf(object.kind === 'Pod' ? object : { ...object, kind: 'Pod' });
      if (event?.kind !== 'pod') return undefined;
      const { pod } = event;
      const spec = maybeRecord(object.spec, 'spec');
      const described: PodDescription = {
        ...pod,
        ours: true,
        priority: job?.priority ?? pod.priority,
        template: this.asking(pod.template),
      };
      return {
        kind: 'read-pod',
        pod: described,
        isOurs: pod.ours,
        job,
        graceSeconds: graceOf(spec),
        goneSeconds: goneAt(object),
      };
    } catch (error) {
      this.leaveOut(error);
      if (job === undefined) return undefined;
      this.habits ??= habitsOf(this.nodes);
      const pod = { ...podOfJob(job, this.habits), nodeName: job.nodeName ?? '' };
      return {
        kind: 'read-pod',
        pod,
        isOurs: true,
        job,
        graceSeconds: GRACE_SECONDS_DEFAULT,
        goneSeconds: Number.NaN,
      };
    }
  }

  /** The template without ignored resources. */
  private asking(template: PodDescription['template']): PodDescription['template'] {
    const { requests } = template;
    const extended = this.counted(requests.extended);
    return extended === requests.extended ? template : { ...template, requests: { ...requests, extended } };
  }

  private counted(extended: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
    if (!Object.keys(extended).some((name) => this.ignored.has(name))) return extended;
    return Object.fromEntries(Object.entries(extended).filter(([name]) => !this.ignored.has(name)));
  }

  /** The latest time in the fields of the cluster's pods: it was recorded then, or soon after. */
  private originSeconds(): number {
    let latest = 0;
    for (const entry of this.entries) {
      if (entry.kind !== 'read-pod') continue;
      latest = Math.max(latest, entry.pod.createdSeconds, entry.pod.startedSeconds);
    }
    if (latest > 0) return latest;
    // The first pod arrives at 0.
    let first = Number.POSITIVE_INFINITY;
    for (const { pod } of this.pods.values())
      if (pod.createdSeconds > 0) first = Math.min(first, pod.createdSeconds);
    return Number.isFinite(first) ? first : 0;
  }

  private leaveOut(error: unknown): void {
    if (!(error instanceof TegError) || error.code !== 'TEG_KUBE_OBJECT') throw error;
    this.warn(error.message);
  }

  private warn(text: string): void {
    if (this.warnings.size >= WARNINGS_MAX && !this.warnings.has(text)) return;
    this.warnings.set(text, (this.warnings.get(text) ?? 0) + 1);
  }
}

/** An object other than a pod, and its copies for copies of its node. */
function eventsIn(event: PodEvent, { nodes, removed, copies }: WorldChanges): PodEvent[] {
  if (event.kind === 'node') return nodes.has(event.node.name) ? [event] : [];
  if (event.kind !== 'volume-limits') return [event];
  const { limits } = event;
  const all: PodEvent[] = removed.has(limits.name) ? [] : [event];
  for (const name of copies.get(limits.name) ?? [])
    all.push({ kind: 'volume-limits', limits: { ...limits, name } });
  return all;
}

/** True if the pod exists because the node does. */
function isOfNode({ owner = '' }: JobSpec): boolean {
  return owner.startsWith('DaemonSet/') || owner.startsWith('Node/');
}

/** A pod as its controller would make it again. */
function waiting(pod: PodDescription): PodDescription {
  return {
    ...pod,
    nodeName: '',
    ended: false,
    deleting: false,
    preempted: false,
    nominatedNodeName: '',
    startedSeconds: 0,
  };
}

function graceOf({ terminationGracePeriodSeconds: seconds }: ApiObject): number {
  return typeof seconds === 'number' && seconds >= 0 ? seconds : GRACE_SECONDS_DEFAULT;
}

/** Its deletion timestamp is the end of its grace period. */
function goneAt({ metadata }: ApiObject): number {
  const text = isRecord(metadata) ? metadata.deletionTimestamp : undefined;
  return typeof text === 'string' ? Date.parse(text) / 1000 : Number.NaN;
}
