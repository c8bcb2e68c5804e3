/**
 * The semantics of a simulation in the simplest form: the oracle of the simulator's tests.
 *
 * Plain objects and none of the simulator's own parts; after every single event all waiting jobs are tried in order,
 * each on every node. Pods go to the first node with room. No failures of nodes, no retries, no horizon.
 *
 * Events of one instant happen one by one, and the queue is looked through after each: first the ends of jobs in the
 * order of their starts, then the arrivals in the order of the source.
 */
import type { AffinityTerm, JobSpec, PodSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';

/** The place of one pod. */
export interface PlainPod {
  readonly node: number;
  /** Numbers of its GPUs on the node, ascending. */
  readonly gpus: readonly number[];
}

/** The outcome of one job. */
export interface PlainOutcome {
  /** NaN if it never started. */
  startSeconds: number;
  /** NaN if it never ended. */
  endSeconds: number;
  /** In member order; kept after the end. */
  pods: readonly PlainPod[];
}

/** Nodes and their free resources, kept by hand. */
export class PlainCluster {
  readonly nodes: readonly NodeSpec[];
  private readonly placed: { spec: PodSpec; gpus: readonly number[] }[][];

  constructor(nodes: readonly NodeSpec[]) {
    this.nodes = nodes;
    this.placed = nodes.map(() => []);
  }

  /** @returns The GPUs that the pod would get on the node, or undefined if it does not fit. */
  gpusFor(node: number, spec: PodSpec): readonly number[] | undefined {
    const { cpuMilli, memoryMib, podsMax, gpuModel, extended, labels } = this.nodes[node] as NodeSpec;
    const pods = this.placed[node] as { spec: PodSpec }[];
    const used = (amount: (pod: PodSpec) => number): number =>
      pods.reduce((sum, pod) => sum + amount(pod.spec), 0);
    if (pods.length + 1 > podsMax) return undefined;
    if (used((pod) => pod.cpuMilli) + spec.cpuMilli > cpuMilli) return undefined;
    if (used((pod) => pod.memoryMib) + spec.memoryMib > memoryMib) return undefined;
    for (const [name, amount] of Object.entries(spec.extended ?? {})) {
      if (used((pod) => pod.extended?.[name] ?? 0) + amount > (extended?.[name] ?? 0)) return undefined;
    }
    if (!(spec.affinity ?? []).every((term) => holds(term, labels?.[term.key]))) return undefined;
    if (spec.gpuModels.length > 0 && !spec.gpuModels.includes(gpuModel)) return undefined;
    const sameGroup = pods.filter((pod) => pod.spec.spreadGroup === spec.spreadGroup).length;
    if (spec.podsPerNodeMax !== undefined && sameGroup + 1 > spec.podsPerNodeMax) return undefined;
    return this.freeGpus(node, spec);
  }

  /** Puts a pod on a node. */
  place(node: number, spec: PodSpec, gpus: readonly number[]): void {
    this.placed[node]?.push({ spec, gpus });
  }

  /** Takes a pod off again. */
  release(node: number, spec: PodSpec, gpus: readonly number[]): void {
    const pods = this.placed[node] as { spec: PodSpec; gpus: readonly number[] }[];
    pods.splice(
      pods.findIndex((pod) => pod.spec === spec && String(pod.gpus) === String(gpus)),
      1,
    );
  }

  /** Milli-GPU idle on each GPU of a node. */
  idle(node: number): number[] {
    const idle = new Array<number>((this.nodes[node] as NodeSpec).gpuCount).fill(1000);
    for (const { spec, gpus } of this.placed[node] ?? []) {
      for (const gpu of gpus) idle[gpu] = (idle[gpu] as number) - spec.gpuMilli;
    }
    return idle;
  }

  /** A sharing pod gets the fitting GPU with the least idle part, any other pod the first ones that are idle. */
  private freeGpus(node: number, spec: PodSpec): readonly number[] | undefined {
    const idle = this.idle(node);
    const fitting = idle.map((_, gpu) => gpu).filter((gpu) => (idle[gpu] as number) >= spec.gpuMilli);
    if (fitting.length < spec.gpuCount) return undefined;
    if (spec.gpuCount === 1) fitting.sort((a, b) => (idle[a] as number) - (idle[b] as number) || a - b);
    return fitting.slice(0, spec.gpuCount);
  }
}

/** Tries to place all pods of a job, at least `gangMin`, each on the first node with room; all or nothing. */
function tryToPlace(cluster: PlainCluster, job: JobSpec): PlainPod[] | undefined {
  const pods: PlainPod[] = [];
  for (let member = 0; member < job.podCount; member++) {
    const choices = cluster.nodes.map((_, node) => cluster.gpusFor(node, job));
    const node = choices.findIndex((gpus) => gpus !== undefined);
    if (node < 0) break;
    const gpus = choices[node] as readonly number[];
    cluster.place(node, job, gpus);
    pods.push({ node, gpus });
  }
  if (pods.length >= job.gangMin) return pods;
  for (const { node, gpus } of pods) cluster.release(node, job, gpus);
  return undefined;
}

/**
 * Runs jobs to the end.
 *
 * @param jobs  In order of submission times ≥ 0; gangs and jobs of one pod.
 * @param queue best-effort: every waiting job that fits starts, in order of priority, then submission.
 *              strict-fifo: in the same order, up to the first that does not fit.
 * @returns     One entry for each job.
 */
export function simulatePlainly(
  nodes: readonly NodeSpec[],
  jobs: readonly JobSpec[],
  queue: 'best-effort' | 'strict-fifo',
): PlainOutcome[] {
  const cluster = new PlainCluster(nodes);
  const outcomes = jobs.map((): PlainOutcome => ({ startSeconds: NaN, endSeconds: NaN, pods: [] }));
  const running: number[] = [];
  const waiting: number[] = [];
  const endOf = (job: number): number => (outcomes[job] as PlainOutcome).endSeconds;
  let next = 0;
  for (;;) {
    const ending = running.reduce((a, b) => (a >= 0 && endOf(a) <= endOf(b) ? a : b), -1);
    const endAt = ending < 0 ? Infinity : endOf(ending);
    const arriveAt = jobs[next]?.submitSeconds ?? Infinity;
    const now = Math.min(endAt, arriveAt);
    if (now === Infinity) break;
    if (endAt <= arriveAt) {
      running.splice(running.indexOf(ending), 1);
      for (const { node, gpus } of outcomes[ending]?.pods ?? []) {
        cluster.release(node, jobs[ending] as JobSpec, gpus);
      }
    } else {
      const job = next++;
      // A job that the empty cluster could not hold is abandoned at once.
      if (tryToPlace(new PlainCluster(nodes), jobs[job] as JobSpec) !== undefined) waiting.push(job);
    }
    const priority = (job: number): number => (jobs[job] as JobSpec).priority;
    waiting.sort((a, b) => priority(b) - priority(a) || a - b);
    for (const job of [...waiting]) {
      const spec = jobs[job] as JobSpec;
      const pods = tryToPlace(cluster, spec);
      if (pods === undefined && queue === 'strict-fifo') break;
      if (pods === undefined) continue;
      outcomes[job] = { startSeconds: now, endSeconds: now + spec.durationSeconds, pods };
      running.push(job);
      waiting.splice(waiting.indexOf(job), 1);
    }
  }
  for (const job of running) (outcomes[job] as PlainOutcome).endSeconds = NaN;
  return outcomes;
}

function holds({ operator, values }: AffinityTerm, label: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return label !== undefined && values.includes(label);
    case 'NotIn':
      return label === undefined || !values.includes(label);
    case 'Exists':
      return label !== undefined;
    case 'DoesNotExist':
      return label === undefined;
    case 'Gt':
      return label !== undefined && Number(label) > Number(values[0]);
    case 'Lt':
      return label !== undefined && Number(label) < Number(values[0]);
  }
}
