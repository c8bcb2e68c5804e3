/**
 * Random selectors and requirements on pods and nodes, as API objects.
 */
import type { Draw } from './draw.ts';
import type { Json, Making } from './draw-nodes.ts';

const APPS = ['x', 'y', 'z'] as const;
const VERSIONS = ['1', '2'] as const;

/** @returns Labels of a pod. */
export function drawPodLabels(draw: Draw): Record<string, string> {
  return {
    ...draw.maybe(0.9, () => ({ app: draw.pick(APPS) })),
    ...draw.maybe(0.7, () => ({ version: draw.pick(VERSIONS) })),
  };
}

/** @returns A selector of pods; undefined now and then, which matches nothing; `{}`, which matches all. */
export function drawPodSelector(draw: Draw): Json | undefined {
  const kind = draw.below(20);
  if (kind === 0) return undefined;
  if (kind === 1) return {};
  if (kind < 13) return { matchLabels: { app: draw.pick(APPS) } };
  return {
    ...draw.maybe(0.4, () => ({ matchLabels: { app: draw.pick(APPS) } })),
    matchExpressions: draw.times(draw.between(1, 2), () => drawPodExpression(draw)),
  };
}

function drawPodExpression(draw: Draw): Json {
  const key = draw.pick(['app', 'app', 'tier']);
  const operator = draw.pick(['In', 'NotIn', 'Exists', 'DoesNotExist']);
  if (operator === 'Exists' || operator === 'DoesNotExist') return { key, operator };
  const values = draw.some(APPS, 0.5);
  return { key, operator, values: values.length > 0 ? values : ['x'] };
}

/** @returns A required node affinity. */
export function drawNodeTerms(making: Making): Json {
  const { draw } = making;
  return {
    nodeSelectorTerms: draw.times(draw.pick([1, 1, 2, 3]), () => drawNodeTerm(making)),
  };
}

/** @returns One alternative of a node affinity. */
export function drawNodeTerm(making: Making): Json {
  const { draw } = making;
  if (draw.chance(0.04)) return {};
  const fields = draw.chance(0.2);
  return {
    ...draw.maybe(fields ? 0.3 : 1, () => ({
      matchExpressions: draw.times(draw.pick([1, 1, 2]), () => drawNodeExpression(making)),
    })),
    ...(fields && { matchFields: draw.times(draw.pick([1, 1, 1, 2]), () => drawField(making)) }),
  };
}

function drawField({ draw, names, nodes }: Making): Json {
  const name = draw.chance(0.9) ? names.node(draw.below(nodes)) : names.node(99);
  return { key: 'metadata.name', operator: draw.pick(['In', 'In', 'In', 'NotIn']), values: [name] };
}

function drawNodeExpression({ draw, names, nodes }: Making): Json {
  const operator = draw.pick(['In', 'In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']);
  if (operator === 'Gt' || operator === 'Lt') {
    return {
      key: draw.pick(['generation', 'generation', 'disk']),
      operator,
      values: [draw.pick(['1', '3', '6', '07'])],
    };
  }
  const key = draw.pick([
    names.zoneKey,
    names.hostKey,
    names.rackKey,
    'disk',
    'empty',
    'generation',
    'nowhere',
  ]);
  if (operator === 'Exists' || operator === 'DoesNotExist') return { key, operator };
  const values: Record<string, readonly string[]> = {
    [names.zoneKey]: ['z0', 'z1', 'z2'],
    [names.hostKey]: draw.times(nodes, names.node),
    [names.rackKey]: ['r0', 'r1'],
    disk: ['ssd', 'hdd'],
    empty: [''],
    generation: ['1', '2', '5'],
  };
  const known = values[key] ?? ['v'];
  const some = draw.some(known, 0.5);
  return { key, operator, values: some.length > 0 ? some : [known[0] as string] };
}
