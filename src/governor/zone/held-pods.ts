/**
 * Room that waiting jobs hold for pods which have not started: what a permit point of other schedulers does.
 *
 * Invariant between steps: only jobs that wait under a discipline hold pods, and each pod's room is taken in the cluster.
 * Not in the pod table: nothing runs there, no account is charged, and no metric counts it as used.
 */

/** A pod's place. */
export interface HeldPod {
  readonly node: number;
  readonly gpuMask: number;
}

/** The holders of one zone. Nothing is allocated while nobody holds anything. */
export class HeldPods {
  private readonly byJob = new Map<number, HeldPod[]>();

  /** True if nothing is held. */
  get isEmpty(): boolean {
    return this.byJob.size === 0;
  }

  /** @returns Pods that a job holds. O(1). */
  countOf(job: number): number {
    return this.byJob.get(job)?.length ?? 0;
  }

  /** Visits the nodes of the pods of a job. */
  forEachOf(job: number, visit: (node: number) => void): void {
    for (const { node } of this.byJob.get(job) ?? []) visit(node);
  }

  /** Adds a pod, whose room has been taken. O(1). */
  add(job: number, node: number, gpuMask: number): void {
    const pods = this.byJob.get(job);
    if (pods === undefined) this.byJob.set(job, [{ node, gpuMask }]);
    else pods.push({ node, gpuMask });
  }

  /** Removes and returns all pods of a job, in the order in which they were added. */
  take(job: number): readonly HeldPod[] {
    const pods = this.byJob.get(job) ?? [];
    this.byJob.delete(job);
    return pods;
  }

  /** Removes the pods on a node. @param visit Called with each. O(pods held). */
  takeOn(node: number, visit: (job: number, pod: HeldPod) => void): void {
    for (const [job, pods] of this.byJob) {
      if (!pods.some((pod) => pod.node === node)) continue;
      for (const pod of pods) if (pod.node === node) visit(job, pod);
      const left = pods.filter((pod) => pod.node !== node);
      if (left.length > 0) this.byJob.set(job, left);
      else this.byJob.delete(job);
    }
  }

  /** Visits all pods, by job in the order in which they began to hold. */
  forEach(visit: (job: number, pod: HeldPod) => void): void {
    for (const [job, pods] of this.byJob) for (const pod of pods) visit(job, pod);
  }
}
