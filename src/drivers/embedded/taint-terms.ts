/**
 * Taints and tolerations as terms that the simulator knows: a label on tainted nodes, and `NotIn` on the pods.
 *
 * Nodes with the same taints get the same value of one label, and a pod must not be on nodes with a value that stands
 * for a taint it does not tolerate. This is exact, and takes one term for any number of taints.
 */
import type { AffinityTerm, JobSpec } from '../../model/job.ts';
import type { Taint } from '../../model/kubernetes/node.ts';
import type { Toleration } from '../../model/kubernetes/pod.ts';
import type { NodeSpec } from '../../model/node.ts';
import { tolerates as toleratesTaint } from '../../model/readers/taints.ts';

/** The label; its values are `t0`, `t1`, …. */
export const TAINTS_LABEL = 'teg.dev/taints';

/** Nodes with these taints accept no pods: they are cordoned or not healthy. */
const CONDITIONS = 'node.kubernetes.io/';

/** Lists of tolerations whose terms are remembered. */
const KNOWN_MAX = 10_000;

/** The taints of one cluster. */
export class TaintTerms {
  /** The nodes, those with taints labelled. */
  readonly nodes: readonly NodeSpec[];
  /** By number of the label's value. */
  private readonly sets: (readonly Taint[])[] = [];
  private readonly byTolerations = new Map<string, AffinityTerm | undefined>();

  /** @param nodes All of the cluster. */
  constructor(nodes: readonly NodeSpec[]) {
    const values = new Map<string, string>();
    this.nodes = nodes.map((node) => {
      const { taints } = node;
      if (taints === undefined || taints.length === 0) return node;
      const key = JSON.stringify(taints.map(({ key, value, effect }) => [key, value, effect]).sort());
      let value = values.get(key);
      if (value === undefined) {
        value = `t${this.sets.length}`;
        values.set(key, value);
        this.sets.push(taints);
      }
      return { ...node, labels: { ...node.labels, [TAINTS_LABEL]: value } };
    });
  }

  /**
   * @returns The job with the term that keeps it off nodes whose taints it does not tolerate; the same job if no node
   *   has taints.
   */
  apply(job: JobSpec): JobSpec {
    if (this.sets.length === 0) return job;
    const term = this.termOf(job.tolerations);
    return term === undefined ? job : { ...job, affinity: [...(job.affinity ?? []), term] };
  }

  private termOf(tolerations: readonly Toleration[] | undefined): AffinityTerm | undefined {
    const key = JSON.stringify(tolerations ?? null);
    if (this.byTolerations.has(key)) return this.byTolerations.get(key);
    const values: string[] = [];
    this.sets.forEach((taints, i) => {
      if (!taints.every((taint) => tolerates(tolerations, taint))) values.push(`t${i}`);
    });
    const term = values.length === 0 ? undefined : { key: TAINTS_LABEL, operator: 'NotIn' as const, values };
    if (this.byTolerations.size >= KNOWN_MAX) this.byTolerations.clear();
    this.byTolerations.set(key, term);
    return term;
  }
}

/** A job from a source without taints may run on every node except those that accept no pods. */
function tolerates(tolerations: readonly Toleration[] | undefined, taint: Taint): boolean {
  if (tolerations === undefined) return !taint.key.startsWith(CONDITIONS);
  return tolerations.some((toleration) => toleratesTaint(toleration, taint));
}
