/** A policy from a user's file, watched: exceptions and invalid answers are reported as faults of that file. */
import type { Explanation, PlacementPolicy } from '../../governor/policy/policy.ts';
import { holds } from '../../governor/zone/zone-placement.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { TegError } from '../../model/errors.ts';

/** Lines of the stack of a user's error that are shown. */
const STACK_LINES = 3;

/** Passes every call on. Some 50 ns a decision, for policies from files only. */
export class GuardedPolicy implements PlacementPolicy {
  readonly name: string;
  readonly demandSeen?: (demand: Demand, count?: number) => void;
  readonly nodeChanged?: (node: number) => void;
  readonly explain?: (demand: Demand, chosen?: number) => Explanation;
  private readonly inner: PlacementPolicy;
  private readonly cluster: ClusterState;
  private readonly shown: string;

  /** @param shown The file as the user named it. */
  constructor(inner: PlacementPolicy, cluster: ClusterState, shown: string) {
    this.inner = inner;
    this.cluster = cluster;
    this.shown = shown;
    this.name = inner.name;
    // A method that the user's policy lacks must be absent here too.
    if (inner.demandSeen !== undefined) {
      this.demandSeen = (demand, count) => this.call('demandSeen', () => inner.demandSeen?.(demand, count));
    }
    if (inner.nodeChanged !== undefined) {
      this.nodeChanged = (node) => this.call('nodeChanged', () => inner.nodeChanged?.(node));
    }
    if (inner.explain !== undefined) {
      this.explain = (demand, chosen) =>
        this.call('explain', () => inner.explain?.(demand, chosen) as Explanation);
    }
  }

  get gpuMask(): number {
    return this.inner.gpuMask;
  }

  get nodesExamined(): number {
    const nodes = this.inner.nodesExamined;
    if (Number.isFinite(nodes) && nodes >= 0) return nodes;
    throw this.broken(`its nodesExamined is ${nodes}`, 'a number ≥ 0');
  }

  choose(demand: Demand): number {
    let node: number;
    try {
      node = this.inner.choose(demand);
    } catch (error) {
      throw policyThrew(this.shown, 'choose()', error);
    }
    this.checkAnswer(node, demand);
    return node;
  }

  private checkAnswer(node: number, demand: Demand): void {
    if (node === -1) return;
    const { cluster } = this;
    if (!Number.isInteger(node) || node < 0 || node >= cluster.nodeCount) {
      throw this.broken(
        `choose() returned ${String(node)}`,
        `−1 or the number of a node, 0 to ${cluster.nodeCount - 1}`,
      );
    }
    const pod = `a pod of ${demand.cpuMilli} milli-cores, ${demand.memoryMib} MiB and ${demand.gpuCount} GPUs of ${demand.gpuMilli} milli`;
    if (!cluster.fits(node, demand)) {
      throw this.broken(
        `choose() returned node ${node} ('${cluster.names[node]}') for ${pod}`,
        'a node where it fits, or −1',
      );
    }
    const mask = this.inner.gpuMask;
    if (Number.isInteger(mask) && holds(cluster, node, demand, mask)) return;
    throw this.broken(
      `its gpuMask is ${String(mask)} on node ${node} ('${cluster.names[node]}') for ${pod}`,
      `${demand.gpuCount} bits, each of a GPU of the node with that much free`,
    );
  }

  private call<T>(method: string, run: () => T): T {
    try {
      return run();
    } catch (error) {
      throw policyThrew(this.shown, `${method}()`, error);
    }
  }

  private broken(got: string, expected: string): TegError {
    return new TegError('TEG_POLICY_INVALID', `policy file '${this.shown}': ${got}, expected ${expected}`);
  }
}

/** @returns The error that names a user's file, what it threw, and where in it. */
export function policyThrew(shown: string, where: string, error: unknown): TegError {
  if (error instanceof TegError) return error;
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const lines = error instanceof Error ? ownStack(error) : [];
  const at = lines.length === 0 ? '' : ` (${lines.join(', ')})`;
  return new TegError(
    'TEG_POLICY_INVALID',
    `policy file '${shown}': ${where} threw ${message}${at}; expected no error: correct the file`,
    { cause: error },
  );
}

/** Lines of the stack above TEG's own: where in the user's code it was thrown. */
function ownStack(error: Error): string[] {
  const lines = (error.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at '));
  const end = lines.findIndex(
    (line) => line.includes('guarded-policy.ts') || line.includes('load-policy.ts'),
  );
  return lines.slice(0, Math.min(STACK_LINES, end < 0 ? STACK_LINES : end)).map((line) => line.trim());
}
