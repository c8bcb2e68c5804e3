/**
 * Random pods, as API objects: those that are there, and the one that is to be placed.
 */
import type { Draw } from './draw.ts';
import { type Json, type Making, TAINT_EFFECTS, TAINT_KEYS, TAINT_VALUES } from './draw-nodes.ts';
import { drawContainers } from './draw-requests.ts';
import { drawNodeTerms, drawPodLabels, drawPodSelector } from './draw-selectors.ts';

/** Priorities of pods of a case with that theme. */
const PRIORITIES = [-10, 0, 0, 5, 10] as const;

/** Seconds since 1970 that times of a case count from; in steps of a minute, so that some are the same. */
const EPOCH_SECONDS = 1_780_000_000;

/** A pod that is there. Where it is nothing is checked: it may be too big, or on a node that is gone. @param claims Names in its namespace. */
export function drawExistingPod(
  making: Making,
  index: number,
  claims: (namespace: string) => string[],
): Json {
  const { draw, names, themes, nodes } = making;
  const namespace = names.namespace(draw.chance(0.75) ? 0 : 1);
  const nodeName = draw.chance(0.98) ? names.node(draw.below(nodes)) : names.node(98);
  const deleting = draw.chance(0.08);
  const created = timeText(draw.below(5));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...metadataOf(draw, namespace, `e${index}`),
      creationTimestamp: created,
      ...(deleting && { deletionTimestamp: timeText(100), deletionGracePeriodSeconds: 30 }),
    },
    spec: {
      ...drawSpec(making, false, claims(namespace)),
      schedulerName: draw.chance(0.6) ? 'default-scheduler' : 'another',
      nodeName,
      ...(themes.has('priorities') && { priority: draw.pick(PRIORITIES) }),
    },
    status: {
      phase: draw.chance(0.07) ? draw.pick(['Succeeded', 'Failed']) : 'Running',
      ...draw.maybe(0.9, () => ({ startTime: timeText(draw.below(6)) })),
    },
  };
}

/** The pod that is to be placed. */
export function drawProbe(making: Making, claims: (namespace: string) => string[]): Json {
  const { draw, names, themes } = making;
  const namespace = names.namespace(0);
  const priorities = themes.has('priorities');
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...metadataOf(draw, namespace, 'probe'), creationTimestamp: timeText(50) },
    spec: {
      ...drawSpec(making, true, claims(namespace)),
      schedulerName: 'default-scheduler',
      ...(priorities && {
        priority: draw.pick([-10, 5, 5, 10, 20, 20]),
        preemptionPolicy: draw.chance(0.95) ? 'PreemptLowerPriority' : 'Never',
      }),
      ...(themes.has('gates') && draw.chance(0.2) && { schedulingGates: [{ name: 'example.com/gate' }] }),
    },
    status: { phase: 'Pending' },
  };
}

/** @returns A budget of disruptions of the case's pods. */
export function drawBudget({ draw, names }: Making, index: number): Json {
  const namespace = names.namespace(draw.chance(0.8) ? 0 : 1);
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: `budget${index}`, namespace, uid: `uid-${namespace}-budget${index}` },
    spec: { minAvailable: 1, ...withSelector(drawPodSelector(draw)) },
    status: {
      disruptionsAllowed: draw.pick([0, 0, 1, 2]),
      currentHealthy: 3,
      desiredHealthy: 1,
      expectedPods: 3,
      ...draw.maybe(0.3, () => ({ disruptedPods: { [`e${draw.below(8)}`]: timeText(60) } })),
    },
  };
}

function metadataOf(draw: Draw, namespace: string, name: string): Json {
  return { namespace, name, uid: `uid-${namespace}-${name}`, labels: drawPodLabels(draw) };
}

function timeText(minutes: number): string {
  return new Date((EPOCH_SECONDS + minutes * 60) * 1000).toISOString().replace('.000', '');
}

/** Everything of a spec that decides where a pod can be. @param isProbe Rules bind the probe more than those that are there. */
function drawSpec(making: Making, isProbe: boolean, claims: readonly string[]): Json {
  const { draw, themes, names } = making;
  return {
    ...drawContainers(making),
    ...(isProbe && Object.keys(names.home).length > 0 && { nodeSelector: names.home }),
    ...draw.maybe(isProbe && themes.has('nodeAffinity') ? 0.4 : 0, () => ({
      nodeSelector: { ...names.home, ...drawNodeSelector(making) },
    })),
    ...draw.maybe(themes.has('taints') ? 0.7 : 0.1, () => ({
      tolerations: draw.times(draw.between(1, 3), () => drawToleration(draw)),
    })),
    ...drawAffinity(making, isProbe),
    ...draw.maybe(themes.has('spread') ? (isProbe ? 0.9 : 0.2) : 0, () => ({
      topologySpreadConstraints: drawSpread(making),
    })),
    ...(claims.length > 0 && {
      volumes: claims.map((claim, i) => volumeOf(claim, i)),
    }),
  };
}

/** A volume of a claim, an ephemeral one (`ephemeral:NAME`), or an in-tree disk (`disk:NAME`, `disk-ro:NAME`). */
function volumeOf(claim: string, index: number): Json {
  const [kind, disk] = claim.split(':');
  if (kind === 'ephemeral') {
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    return { name: disk, ephemeral: { volumeClaimTemplate: { spec } } };
  }
  if (disk === undefined) return { name: `v${index}`, persistentVolumeClaim: { claimName: claim } };
  const readOnly = kind === 'disk-ro';
  return { name: `v${index}`, gcePersistentDisk: { pdName: disk, readOnly } };
}

function drawNodeSelector({ draw, names }: Making): Record<string, string> {
  const kind = draw.below(4);
  if (kind === 0) return { [names.zoneKey]: `z${draw.below(3)}` };
  if (kind === 1) return { [names.rackKey]: `r${draw.below(2)}` };
  return { disk: draw.pick(['ssd', 'hdd']), ...draw.maybe(0.3, () => ({ generation: '5' })) };
}

function drawToleration(draw: Draw): Json {
  const key = draw.pick([...TAINT_KEYS, ...TAINT_KEYS, '', 'node.kubernetes.io/unschedulable']);
  const operator = key === '' ? 'Exists' : draw.pick(['Equal', 'Exists', undefined]);
  const effect = draw.pick([...TAINT_EFFECTS, undefined]);
  return {
    ...(key !== '' && { key }),
    ...(operator !== undefined && { operator }),
    ...(operator !== 'Exists' && { value: draw.pick(TAINT_VALUES) }),
    ...(effect !== undefined && { effect }),
    ...(effect === 'NoExecute' && draw.chance(0.3) && { tolerationSeconds: 10 }),
  };
}

function drawAffinity(making: Making, isProbe: boolean): Json | undefined {
  const { draw, themes } = making;
  const pods = themes.has('affinity');
  const affinity: Json = {
    ...draw.maybe(themes.has('nodeAffinity') && isProbe ? 0.7 : 0, () => ({
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: drawNodeTerms(making) },
    })),
    ...draw.maybe(pods ? (isProbe ? 0.6 : 0.1) : 0, () => ({ podAffinity: drawPodTerms(making) })),
    ...draw.maybe(pods ? (isProbe ? 0.5 : 0.35) : 0, () => ({ podAntiAffinity: drawPodTerms(making) })),
  };
  return Object.keys(affinity).length > 0 ? { affinity } : undefined;
}

function drawPodTerms(making: Making): Json {
  const { draw } = making;
  return {
    requiredDuringSchedulingIgnoredDuringExecution: draw.times(draw.pick([1, 1, 2]), () =>
      drawPodTerm(making),
    ),
  };
}

function drawPodTerm(making: Making): Json {
  const { draw, names } = making;
  const selector = drawPodSelector(draw);
  return {
    topologyKey: topologyKey(making),
    ...withSelector(selector),
    ...draw.maybe(0.3, () => ({ namespaces: [names.namespace(draw.below(2))] })),
    ...draw.maybe(0.3, () => ({ namespaceSelector: drawNamespaceSelector(making) })),
    ...(selector !== undefined &&
      draw.maybe(0.15, () => ({ [draw.pick(['matchLabelKeys', 'mismatchLabelKeys'])]: ['version'] }))),
  };
}

function drawNamespaceSelector({ draw }: Making): Json {
  const kind = draw.below(4);
  if (kind === 0) return {};
  if (kind === 1) return { matchExpressions: [{ key: 'team', operator: 'Exists' }] };
  return { matchLabels: { team: draw.pick(['blue', 'red']) } };
}

function topologyKey({ draw, names }: Making): string {
  return draw.pick([names.zoneKey, names.zoneKey, names.hostKey, names.hostKey, names.rackKey]);
}

/** One of each key and kind at most: the API server takes no more. */
function drawSpread(making: Making): Json[] {
  const { draw } = making;
  const constraints = new Map<string, Json>();
  for (let i = draw.pick([1, 1, 2]); i > 0; i--) {
    const hard = draw.chance(0.85);
    const selector = drawPodSelector(draw);
    const constraint: Json = {
      topologyKey: topologyKey(making),
      maxSkew: draw.pick([1, 1, 1, 2, 3]),
      whenUnsatisfiable: hard ? 'DoNotSchedule' : 'ScheduleAnyway',
      ...withSelector(selector),
      ...(hard && draw.maybe(0.3, () => ({ minDomains: draw.between(1, 4) }))),
      ...draw.maybe(0.4, () => ({ nodeAffinityPolicy: draw.pick(['Honor', 'Ignore']) })),
      ...draw.maybe(0.4, () => ({ nodeTaintsPolicy: draw.pick(['Honor', 'Ignore']) })),
      ...(selector !== undefined && draw.maybe(0.2, () => ({ matchLabelKeys: ['version'] }))),
    };
    constraints.set(`${constraint.topologyKey} ${hard}`, constraint);
  }
  return [...constraints.values()];
}

function withSelector(selector: Json | undefined): Json {
  return selector === undefined ? {} : { labelSelector: selector };
}
