/**
 * Random nodes, as API objects.
 */
import type { Draw } from './draw.ts';
import { ALONE, CLOUD_ZONE, EBS_ZONE, type WorldNames } from './world-names.ts';

/** An API object as JSON. */
export type Json = Record<string, unknown>;

/** What a case is about: everything else is left plain, so that rules meet in every combination but do not always refuse. */
export const THEMES = [
  'resources',
  'taints',
  'nodeAffinity',
  'ports',
  'spread',
  'affinity',
  'volumes',
  'gates',
  'priorities',
] as const;

/** One theme. */
export type Theme = (typeof THEMES)[number];

/** A case while it is made. */
export interface Making {
  readonly draw: Draw;
  readonly names: WorldNames;
  readonly themes: ReadonlySet<Theme>;
  readonly nodes: number;
}

/** Keys and values of taints. */
export const TAINT_KEYS = ['dedicated', 'gpu', 'example.com/old'] as const;
export const TAINT_VALUES = ['', 'a', 'b'] as const;
export const TAINT_EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const;

/** @returns The nodes of a case. */
export function drawNodes(making: Making): Json[] {
  return making.draw.times(making.nodes, (index) => drawNode(making, index));
}

function drawNode(making: Making, index: number): Json {
  const { draw, names, themes } = making;
  const name = names.node(index);
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: `uid-${name}`, labels: drawLabels(making, index) },
    spec: {
      ...draw.maybe(themes.has('taints') ? 0.5 : 0.03, () => ({ taints: drawTaints(draw) })),
      ...draw.maybe(themes.has('taints') ? 0.15 : 0.03, () => ({ unschedulable: true })),
    },
    status: {
      allocatable: drawAllocatable(making),
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

function drawLabels({ draw, names, themes }: Making, index: number): Record<string, string> {
  const zone = `z${draw.below(3)}`;
  return {
    ...names.home,
    ...draw.maybe(0.95, () => ({ [names.hostKey]: names.node(index) })),
    ...draw.maybe(0.85, () => ({ [names.zoneKey]: zone, [CLOUD_ZONE]: zone })),
    ...draw.maybe(0.8, () => ({ [names.rackKey]: `r${draw.below(2)}` })),
    ...draw.maybe(0.7, () => ({ disk: draw.pick(['ssd', 'hdd']) })),
    ...draw.maybe(0.7, () => ({ generation: draw.pick(['1', '2', '5', '10', '0', 'new', '007']) })),
    ...draw.maybe(0.2, () => ({ empty: '' })),
    ...(names === ALONE && themes.has('volumes') && draw.maybe(0.5, () => ({ [EBS_ZONE]: zone }))),
  };
}

/** One of each key and effect at most: the API server takes no more. */
function drawTaints(draw: Draw): Json[] {
  const taints = new Map<string, Json>();
  for (let i = draw.between(1, 2); i > 0; i--) {
    const taint = {
      key: draw.pick(TAINT_KEYS),
      value: draw.pick(TAINT_VALUES),
      effect: draw.pick(TAINT_EFFECTS),
    };
    taints.set(`${taint.key}:${taint.effect}`, taint);
  }
  return [...taints.values()];
}

function drawAllocatable({ draw, themes }: Making): Record<string, string> {
  if (!themes.has('resources')) {
    return { cpu: '4', memory: '8Gi', pods: draw.chance(0.9) ? '110' : '3', 'example.com/gpu': '4' };
  }
  return {
    cpu: draw.pick(['1', '1500m', '2', '2.5', '4', '0.0005']),
    memory: draw.pick(['1Gi', '2Gi', '1500M', '4Gi', '1073741825']),
    pods: draw.pick(['1', '2', '3', '5', '110']),
    ...draw.maybe(0.6, () => ({ 'example.com/gpu': draw.pick(['0', '1', '2', '8']) })),
    ...draw.maybe(0.5, () => ({ 'ephemeral-storage': draw.pick(['1Gi', '10Gi']) })),
    ...draw.maybe(0.5, () => ({ 'hugepages-2Mi': draw.pick(['0', '64Mi', '128Mi']) })),
  };
}
