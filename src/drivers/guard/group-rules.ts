/** Which groups the guard never acts on, whatever the configuration says: the rules of `freezable`, with what is known on this node. */
import type { CgroupBackend } from '../../guard/node/cgroup-backend.ts';
import { FREEZE_REFUSALS, freezable, type NodeFacts } from '../../guard/paths/freezable.ts';

/** @returns Facts of a machine without Kubernetes: there, containers of pods are unknown, and so refused. @param own The guard's groups. */
export function plainFacts(own: readonly string[]): NodeFacts {
  return {
    protectedPaths: own,
    containers: new Map(),
    sandboxes: new Set(),
    pods: new Map(),
    plainGroups: new Set(),
    staticPodsToo: false,
  };
}

/**
 * @param path Of a group that opted in.
 * @returns    Why it must not be acted on; undefined: it may.
 */
export function refusalOf(path: string, backend: CgroupBackend, facts: NodeFacts): string | undefined {
  const tree = {
    childrenOf: (group: string) =>
      backend.list(group).map((child) => child.slice(child.lastIndexOf('/') + 1)),
    hasProcesses: (group: string) => {
      const handle = backend.open(group);
      const count = handle.processCount();
      handle.close();
      return count > 0;
    },
  };
  const verdict = freezable(path, tree, { ...facts, plainGroups: new Set([path]) });
  return verdict.mayFreeze ? undefined : FREEZE_REFUSALS[verdict.reason];
}
