/** The tasks of `teg bench packing` as they are sent to worker threads, and their runner there. */
import { loadPolicy } from '../../src/drivers/embedded/load-policy.ts';
import type { PolicyEntry } from '../../src/governor/policy/policy.ts';
import type { JobSpec } from '../../src/model/job.ts';
import { type NodeSpec, PODS_PER_NODE_DEFAULT } from '../../src/model/node.ts';
import { readCluster } from '../../src/traces/read.ts';
import {
  type KubeReferenceRow,
  type KubeSequenceFile,
  readKubeSequence,
  runKubeSequence,
} from './kube-reference.ts';
import { type PackingList, type PackingListFiles, readPackingList } from './packing-inputs.ts';
import { type PackingRow, runPackingList } from './packing-run.ts';

/** One run: a list of the benchmark, or a sequence that a real kube-scheduler packed. Plain data. */
export interface PackingTask {
  /** Node file. */
  readonly nodes: string;
  readonly workload:
    | { readonly kind: 'list'; readonly list: PackingListFiles }
    | { readonly kind: 'sequence'; readonly sequence: KubeSequenceFile };
  /** Name or path. */
  readonly policy: string;
  readonly seed: number;
  readonly typical: 'list' | 'learned';
}

/** The result of a task: a `KubeReferenceRow` for a sequence. */
export type PackingTaskResult = PackingRow | KubeReferenceRow;

/** Runs tasks and keeps the inputs of the last one, since tasks of one list follow each other. */
export class PackingTaskRunner {
  private readonly policies = new Map<string, PolicyEntry>();
  private readonly nodes = new Map<string, readonly NodeSpec[]>();
  private list: { readonly files: PackingListFiles; readonly read: PackingList } | undefined;
  private sequence: { readonly path: string; readonly jobs: readonly JobSpec[] } | undefined;

  /** @throws TegError of the readers and policies. */
  async run(task: PackingTask): Promise<PackingTaskResult> {
    const policy = this.policies.get(task.policy) ?? (await loadPolicy(task.policy));
    this.policies.set(task.policy, policy);
    const { seed, typical, workload } = task;
    if (workload.kind === 'list') {
      const nodes = await this.readNodes(task.nodes);
      const list = await this.readList(workload.list, nodes);
      return runPackingList(nodes, { list, policy, seed, typical });
    }
    const nodes = await this.readNodes(task.nodes, PODS_PER_NODE_DEFAULT);
    const { sequence } = workload;
    if (this.sequence?.path !== sequence.path) {
      this.sequence = { path: sequence.path, jobs: readKubeSequence(sequence.path) };
    }
    return runKubeSequence(nodes, { sequence, jobs: this.sequence.jobs, policy, seed, typical });
  }

  /** @param podsPerNode Pods a node of openb takes; absent: as in the published benchmark. */
  private async readNodes(path: string, podsPerNode?: number): Promise<readonly NodeSpec[]> {
    const key = `${podsPerNode ?? ''} ${path}`;
    const assume = podsPerNode === undefined ? {} : { openbPodsPerNode: podsPerNode };
    const nodes = this.nodes.get(key) ?? (await readCluster(path, { assume }));
    this.nodes.set(key, nodes);
    return nodes;
  }

  private async readList(files: PackingListFiles, nodes: readonly NodeSpec[]): Promise<PackingList> {
    if (this.list?.files.pods !== files.pods) {
      this.list = { files, read: await readPackingList(files, nodes) };
    }
    return this.list.read;
  }
}
