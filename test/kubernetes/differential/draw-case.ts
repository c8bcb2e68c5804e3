/**
 * Random cases: a small cluster, and a pod to be placed in it. Everything that the scheduler promises to honour occurs.
 */
import { Draw } from './draw.ts';
import { drawNodes, type Json, type Making, THEMES, type Theme } from './draw-nodes.ts';
import { drawBudget, drawExistingPod, drawProbe } from './draw-pod.ts';
import { type DrawnStorage, drawStorage } from './draw-volumes.ts';
import { ALONE, type WorldNames } from './world-names.ts';

/** A cluster and a pod. */
export interface DifferentialCase {
  readonly seed: number;
  readonly themes: readonly Theme[];
  /** Nodes, namespaces, pods, budgets and storage. */
  readonly objects: readonly Json[];
  readonly probe: Json;
}

/** @param without Themes that must not be in it. */
export function drawCase(
  seed: number,
  names: WorldNames = ALONE,
  without: readonly Theme[] = [],
): DifferentialCase {
  const draw = new Draw(seed, 7);
  const allowed = THEMES.filter((theme) => !without.includes(theme));
  const themes = new Set(draw.shuffled(allowed).slice(0, draw.pick([1, 1, 2, 2, 3, 4])));
  const making: Making = { draw, names, themes, nodes: draw.between(1, 6) };
  const nodes = drawNodes(making);
  const storage = drawStorage(making);
  const pods = possible(
    draw.times(draw.below(13), (i) => drawExistingPod(making, i, storage.claims)),
    storage,
  );
  const budgets = themes.has('priorities') ? draw.times(draw.below(3), (i) => drawBudget(making, i)) : [];
  const probe = drawProbe(making, (namespace) => [...storage.claims(namespace), ...storage.ephemeral()]);
  if (themes.has('priorities') && 'topologySpreadConstraints' in (probe.spec as Json)) keepAll(pods);
  return {
    seed,
    themes: [...themes].sort(),
    objects: [...drawNamespaces(making), ...nodes, ...storage.objects, ...budgets, ...pods],
    probe,
  };
}

interface Volume {
  readonly persistentVolumeClaim?: { readonly claimName: string };
}

interface Port {
  readonly hostPort: number;
  readonly protocol?: string;
}

interface Pod {
  readonly metadata: { readonly namespace: string };
  readonly spec: {
    nodeName: string;
    volumes?: readonly Volume[];
    containers: { ports?: readonly Port[] }[];
    initContainers?: { ports?: readonly Port[] }[];
  };
}

/**
 * Takes from pods that are there what no two can have at once, a port of a node or a claim for one pod: kube-scheduler
 * counts such things as if there were one of each, so that what it says of pods that share them means nothing.
 */
function possible(pods: readonly Json[], { exclusive }: DrawnStorage): Json[] {
  const taken = new Set<string>();
  const take = (key: string): boolean => !taken.has(key) && taken.add(key) !== undefined;
  for (const { metadata, spec } of pods as readonly object[] as readonly Pod[]) {
    for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
      container.ports = (container.ports ?? []).filter(({ hostPort, protocol }) =>
        take(`${spec.nodeName} ${protocol ?? 'TCP'} ${hostPort}`),
      );
    }
    spec.volumes = (spec.volumes ?? []).filter(({ persistentVolumeClaim: claim }) => {
      const key = `${metadata.namespace}/${claim?.claimName}`;
      return !exclusive.has(key) || take(key);
    });
  }
  return [...pods];
}

/**
 * Lets no pod be on its way out: spread does not count such pods, but where stock looks what it would be without one it
 * takes it off the count all the same, so that its victims for a pod with spread constraints are not enough.
 */
function keepAll(pods: readonly Json[]): void {
  for (const { metadata } of pods) {
    delete (metadata as Json).deletionTimestamp;
    delete (metadata as Json).deletionGracePeriodSeconds;
  }
}

function drawNamespaces({ draw, names }: Making): Json[] {
  return [0, 1].map((index) => {
    const name = names.namespace(index);
    const labels = {
      'kubernetes.io/metadata.name': name,
      ...draw.maybe(0.7, () => ({ team: draw.pick(['blue', 'red']) })),
    };
    return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, uid: `uid-${name}`, labels } };
  });
}
