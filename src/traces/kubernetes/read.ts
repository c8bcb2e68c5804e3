/**
 * Reads Kubernetes objects from YAML or JSON as `kubectl get nodes,pods -A -o yaml` prints them: lists, single objects,
 * several documents. Pods become jobs, nodes become nodes, workloads become those of their pods that the file does not
 * list; everything else is counted and left out.
 */
import { TegError } from '../../model/errors.ts';
import type { JobSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import {
  type ApiObject,
  malformed,
  maybeInteger,
  maybeList,
  recordOf,
  textOf,
} from '../../model/readers/read-object.ts';
import { findJobProblem, findNodeProblem } from '../../model/validate.ts';
import type { TraceBatch } from '../batch.ts';
import { BATCH_ROWS, type PartContext, type ReadContext } from '../context.ts';
import type { OpenedInput } from '../source.ts';
import { Expansion } from './expansion.ts';
import { KnownNames } from './known-names.ts';
import { boundBroken, LeftOut } from './left-out.ts';
import { toNode } from './node.ts';
import { kindOf, LIST_DEPTH_MAX, openObjects } from './objects.ts';
import { neverPreempts, type PodSurroundings, podToJob, SYSTEM_PRIORITIES } from './pod.ts';
import { workloadKindOf } from './workloads.ts';

/** Kinds of objects besides nodes and pods that affect scheduling: read by a caller that applies all rules. */
const RULE_KINDS: ReadonlySet<string> = new Set([
  'Namespace',
  'Market',
  'Tenant',
  'PodGroup',
  'PodDisruptionBudget',
  'PersistentVolumeClaim',
  'PersistentVolume',
  'StorageClass',
  'CSINode',
  'CSIDriver',
  'CSIStorageCapacity',
  'VolumeAttachment',
  'DeviceClass',
]);

/** Bound of the value of a priority class: those of the system have 2,000,001,000. */
const PRIORITY_MAX = 2 ** 31 - 1;

/** Most priority classes that are kept. */
const CLASSES_MAX = 10_000;

/**
 * Reads a file.
 *
 * Objects that cannot be used are left out with a warning; a piece that is neither JSON nor YAML is a bad row.
 *
 * @returns Batches of jobs and of nodes, each in file order.
 * @throws TegError of the first bad row that is not tolerated; TEG_INPUT_TOO_LARGE; TEG_INPUT_UNKNOWN_FORMAT.
 */
export async function* readKubernetes(input: OpenedInput, context: ReadContext): AsyncGenerator<TraceBatch> {
  const { texts, parse } = openObjects(input, context);
  const collector = new Collector(context);
  for await (const batch of texts) {
    for (const object of batch) {
      collector.line = object.line;
      try {
        collector.add(parse(object), 0);
      } catch (error) {
        context.bad(error);
      }
    }
    yield* collector.full(BATCH_ROWS);
  }
  for (const isWhole of collector.expand()) if (isWhole) yield* collector.full(BATCH_ROWS);
  yield* collector.full(1);
  collector.finish();
}

/** Turns parsed objects into jobs and nodes. */
class Collector {
  readonly context: ReadContext;
  /** Line where the current object begins. */
  line = 0;
  private readonly leftOut: LeftOut;
  private readonly expansion: Expansion;
  /** Objects and lists with a kind. */
  private recognised = 0;
  private readonly names = new KnownNames();
  private readonly rivals = new PriorityRivals();
  private readonly priorityByClass = new Map<string, number>(SYSTEM_PRIORITIES);
  private readonly around: PodSurroundings = {
    priorityByClass: this.priorityByClass,
    originMs: Number.NaN,
  };
  private jobs: JobSpec[] = [];
  private nodes: NodeSpec[] = [];

  constructor(context: ReadContext) {
    this.context = context;
    this.leftOut = new LeftOut(context);
    this.expansion = new Expansion(context);
  }

  /**
   * Reports omissions. Called once, at the end of the file.
   *
   * @throws TegError TEG_INPUT_UNKNOWN_FORMAT if the file has no Kubernetes object.
   */
  finish(): void {
    const { context, leftOut } = this;
    if (this.recognised === 0 && leftOut.count > 0) {
      throw new TegError(
        'TEG_INPUT_UNKNOWN_FORMAT',
        `${context.file}: got ${leftOut.count} values of which none is a Kubernetes object, expected objects with kind, metadata and spec as kubectl prints them; see docs/traces.md`,
      );
    }
    leftOut.report();
    const preempting = this.rivals.couldPreempt();
    if (preempting > 0 && !context.heedsRules)
      context.warn(
        'preemption is ignored: pods that wait, of a higher priority than others that run',
        preempting,
      );
    if (this.recognised === 0) context.warn('no Kubernetes objects');
  }

  /** Takes one parsed value: an object or a list of them; unusable ones are left out. */
  add(value: unknown, depth: number): void {
    try {
      this.take(value, depth);
    } catch (error) {
      this.leftOut.add(value, this.line, error);
    }
  }

  /**
   * Adds the pods of workloads that the file does not list, at its end. @yields True when a batch is full, after each.
   */
  *expand(): Generator<boolean> {
    for (const { job, preempts, object } of this.expansion.jobs()) {
      this.push(job, preempts);
      if (object !== undefined) this.context.onObject?.({ kind: 'Pod', object, job, isMade: true });
      yield this.jobs.length >= BATCH_ROWS;
    }
  }

  /** @returns Batches with at least `rows` items; they are handed over. */
  *full(rows: number): Generator<TraceBatch> {
    if (this.jobs.length >= rows) {
      yield { kind: 'jobs', items: this.jobs };
      this.jobs = [];
    }
    if (this.nodes.length >= rows) {
      yield { kind: 'nodes', items: this.nodes };
      this.nodes = [];
    }
  }

  private take(value: unknown, depth: number): void {
    const object = recordOf(value, 'the object');
    const kind = kindOf(object);
    if (kind !== '') this.recognised++;
    if (kind === 'Pod') this.addPod(object);
    else if (kind === 'Node') this.addNode(object);
    else if (kind === 'PriorityClass') this.addClass(object);
    else if (kind.endsWith('List')) this.addList(object, depth);
    else if (kind === '') throw malformed('kind', '', 'Pod, Node or another kind');
    else this.addOther(kind, object);
  }

  private addOther(kind: string, object: ApiObject): void {
    const workload = workloadKindOf(object);
    if (workload === undefined) {
      this.context.onObject?.({ kind, object });
      if (this.context.heedsRules && RULE_KINDS.has(kind)) return;
      this.context.warn(`objects other than pods, nodes and workloads are left out (${kind.slice(0, 60)})`);
    } else this.expansion.add(workload, object, (pod, context) => this.toJob(pod, context));
  }

  /** @throws TegError TEG_KUBE_OBJECT. */
  private toJob(pod: ApiObject, context: PartContext): JobSpec | undefined {
    const job = podToJob(pod, this.around, context);
    const problem = job && findJobProblem(job);
    if (problem !== undefined) throw boundBroken(problem);
    return job;
  }

  private addPod(pod: ApiObject): void {
    const { namespace, name } = recordOf(pod.metadata, 'metadata');
    if (!this.isNew('pods', `${String(namespace ?? 'default')}/${String(name)}`)) return;
    this.expansion.pods.see(pod);
    const job = this.toJob(pod, this.context);
    this.context.onObject?.({ kind: 'Pod', object: pod, ...(job === undefined ? {} : { job }) });
    if (job !== undefined) this.push(job, !neverPreempts(pod));
  }

  private push(job: JobSpec, preempts: boolean): void {
    this.jobs.push(job);
    if (Number.isFinite(job.durationSeconds)) return;
    if (job.nodeName !== undefined) this.rivals.runs(job.priority);
    else if (preempts) this.rivals.waits(job.priority, job.podCount);
  }

  private addNode(object: ApiObject): void {
    const node = toNode(object, this.context);
    if (node === undefined) return;
    const problem = findNodeProblem(node);
    if (problem !== undefined) throw boundBroken(problem);
    if (!this.isNew('nodes', node.name)) return;
    this.nodes.push(node);
    this.context.onObject?.({ kind: 'Node', object });
  }

  /** A cluster has one object of a kind and name: on a duplicate the first counts. */
  private isNew(what: string, name: string): boolean {
    const isNew = this.names.add(name);
    if (!isNew) this.context.warn(`${what} of a name that the file had before are left out`);
    return isNew;
  }

  private addClass(object: ApiObject): void {
    const metadata = recordOf(object.metadata, 'metadata');
    if (this.priorityByClass.size >= CLASSES_MAX) return;
    // The name of the field is not enough in YAML: taints have a `value` too, which is a text.
    const value = typeof object.value === 'string' ? Number(object.value) : object.value;
    this.priorityByClass.set(
      textOf(metadata.name, 'metadata.name'),
      maybeInteger(value, 'value', -PRIORITY_MAX, PRIORITY_MAX, 0),
    );
  }

  private addList(list: ApiObject, depth: number): void {
    if (depth >= LIST_DEPTH_MAX) throw malformed('items', list, 'no lists within lists');
    for (const item of maybeList(list.items, 'items')) this.add(item, depth + 1);
  }
}

/** Most different priorities of waiting pods that are counted separately. */
const PRIORITIES_MAX = 10_000;

/** True if waiting pods have a higher priority than running ones. */
class PriorityRivals {
  private leastRunning = Number.POSITIVE_INFINITY;
  private readonly waiting = new Map<number, number>();

  runs(priority: number): void {
    this.leastRunning = Math.min(this.leastRunning, priority);
  }

  waits(priority: number, pods: number): void {
    const known = this.waiting.get(priority);
    if (known !== undefined || this.waiting.size < PRIORITIES_MAX)
      this.waiting.set(priority, (known ?? 0) + pods);
  }

  /** @returns Waiting pods with a higher priority than the least important running one. */
  couldPreempt(): number {
    let count = 0;
    for (const [priority, pods] of this.waiting) if (priority > this.leastRunning) count += pods;
    return count;
  }
}
