/**
 * Keeps pods on nodes with GPUs of the make that they ask for: the simulator counts GPUs of all makes as GPUs.
 *
 * As with taints, a label on the nodes and a term on the pods, and only where a cluster has several makes or not the one asked
 * for.
 */
import type { JobSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';

/** The label; its values are names of resources. */
const MAKE_LABEL = 'teg.dev/gpu-resource';

/** The makes of GPUs of one cluster. */
export class GpuMakes {
  /** The nodes, labelled if there are several makes. */
  readonly nodes: readonly NodeSpec[];
  private readonly makes: ReadonlySet<string>;

  /** @param nodes All of the cluster. */
  constructor(nodes: readonly NodeSpec[]) {
    const makes = new Set<string>();
    for (const { gpuResource } of nodes) if (gpuResource !== undefined) makes.add(gpuResource);
    this.makes = makes;
    this.nodes =
      makes.size < 2
        ? nodes
        : nodes.map((node) =>
            node.gpuResource === undefined
              ? node
              : { ...node, labels: { ...node.labels, [MAKE_LABEL]: node.gpuResource } },
          );
  }

  /** @returns The job with the term that keeps it off GPUs of other makes; itself if there are none, or no make is known. */
  apply(job: JobSpec): JobSpec {
    const { gpuResource } = job;
    const { makes } = this;
    if (gpuResource === undefined || makes.size === 0 || (makes.size === 1 && makes.has(gpuResource))) {
      return job;
    }
    const term = { key: MAKE_LABEL, operator: 'In' as const, values: [gpuResource] };
    return { ...job, affinity: [...(job.affinity ?? []), term] };
  }
}
