/**
 * Random cases: a small cluster, and a pod to be placed in it. Everything that issue 5 §2 promises occurs.
 */
import { Draw } from './draw.ts';
import { drawNodes, type Json, type Making, THEMES, type Theme } from './draw-nodes.ts';
import { drawBudget, drawExistingPod, drawProbe } from './draw-pod.ts';
import { drawStorage } from './draw-volumes.ts';
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
  const possible = THEMES.filter((theme) => !without.includes(theme));
  const themes = new Set(draw.shuffled(possible).slice(0, draw.pick([1, 1, 2, 2, 3, 4])));
  const making: Making = { draw, names, themes, nodes: draw.between(1, 6) };
  const nodes = drawNodes(making);
  const storage = drawStorage(making);
  const pods = draw.times(draw.below(13), (i) => drawExistingPod(making, i, storage.claims));
  const budgets = themes.has('priorities') ? draw.times(draw.below(3), (i) => drawBudget(making, i)) : [];
  const probe = drawProbe(making, storage.claims);
  return {
    seed,
    themes: [...themes].sort(),
    objects: [...drawNamespaces(making), ...nodes, ...storage.objects, ...budgets, ...pods],
    probe,
  };
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
