/**
 * Snapshots of Kubernetes clusters for tests: objects by hand or drawn at random, and the results of a start from them.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Draw } from '../../governor/pods/constraints/constraints.fixtures.ts';
import { Random } from '../../kernel/random.ts';
import type { ApiObject } from '../../model/readers/read-object.ts';
import type { SimulationResult } from '../../simulation/metrics/result.ts';
import { type SimulationTask, SimulationTaskRunner } from './simulation-task.ts';

/** Results of a start from a snapshot. */
export type WhatIfAnswer = NonNullable<SimulationResult['whatIf']>;

const ZONE = 'topology.kubernetes.io/zone';
const HOST = 'kubernetes.io/hostname';
const CREATED = '2026-01-01T00:00:00Z';

/** A node of 4 cores. */
export function aNode(
  name: string,
  labels: object = {},
  spec: object = {},
  allocatable: object = {},
): ApiObject {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, uid: `node-${name}`, labels: { [HOST]: name, ...labels } },
    spec,
    status: {
      allocatable: { cpu: '4', memory: '16Gi', pods: '110', ...allocatable },
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}

/** A pod of one core in the namespace `a`. */
export function aPod(
  name: string,
  spec: object = {},
  metadata: object = {},
  requests: object = { cpu: '1' },
): ApiObject {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'a', uid: `pod-${name}`, creationTimestamp: CREATED, ...metadata },
    spec: { schedulerName: 'teg', containers: [{ name: 'c', resources: { requests } }], ...spec },
    status: { phase: 'nodeName' in spec ? 'Running' : 'Pending' },
  };
}

/** A PodGroup of Kubernetes itself. */
export function aGroup(name: string, minCount: number): ApiObject {
  return {
    apiVersion: 'scheduling.k8s.io/v1alpha2',
    kind: 'PodGroup',
    metadata: { name, namespace: 'a', uid: `group-${name}` },
    spec: { schedulingPolicy: { gang: { minCount } } },
  };
}

/** A StorageClass whose volumes wait for their first consumer, a volume on one node, and a claim for it. */
export function aLocalVolume(node: string): ApiObject[] {
  const onNode = { matchExpressions: [{ key: HOST, operator: 'In', values: [node] }] };
  return [
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'local', uid: 'class-local' },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: `pv-${node}`, uid: `pv-${node}` },
      spec: {
        storageClassName: 'local',
        capacity: { storage: '10Gi' },
        accessModes: ['ReadWriteOnce'],
        local: { path: '/d' },
        nodeAffinity: { required: { nodeSelectorTerms: [onNode] } },
      },
      status: { phase: 'Available' },
    },
    aClaim('data', 'local'),
  ];
}

/** A claim that is not bound. */
export function aClaim(name: string, storageClassName: string): ApiObject {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name, namespace: 'a', uid: `claim-${name}` },
    spec: { storageClassName, accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    status: { phase: 'Pending' },
  };
}

/** A pod that uses a claim. */
export function withClaim(claimName: string): object {
  return { volumes: [{ name: 'v', persistentVolumeClaim: { claimName } }] };
}

/** A required term of affinity or anti-affinity to pods with a label. */
export function near(
  kind: 'podAffinity' | 'podAntiAffinity',
  app: string,
  topologyKey: string = HOST,
): object {
  const term = { topologyKey, labelSelector: { matchLabels: { app } } };
  return { affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } };
}

/** A topology spread over zones. */
export function spreadOver(app: string, whenUnsatisfiable = 'DoNotSchedule'): object {
  const constraint = {
    maxSkew: 1,
    topologyKey: ZONE,
    whenUnsatisfiable,
    labelSelector: { matchLabels: { app } },
  };
  return { topologySpreadConstraints: [constraint] };
}

/** Columns of `jobRows`. */
const JOBS_HEADER = 'id,submit_s,duration_s,cpu_milli,memory_mib,pod_count,gang_min,gpu_count,gpu_milli';

/** Rows that end before the GPU columns request none. */
function withoutGpus(row: string): string {
  return row.split(',').length < JOBS_HEADER.split(',').length ? `${row},0,0` : row;
}

let files = 0;

/**
 * Runs a start from objects. @param task Deviations from a plain run of `teg`; `jobRows` are further jobs, see
 * JOBS_HEADER.
 */
export async function startFromObjects(
  items: readonly ApiObject[],
  { jobRows, ...task }: Partial<SimulationTask> & { readonly jobRows?: readonly string[] } = {},
): Promise<{ result: SimulationResult; whatIf: WhatIfAnswer; warnings: readonly string[] }> {
  const cluster = join(tmpdir(), `teg-snapshot-${process.pid}-${files++}.json`);
  writeFileSync(cluster, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const jobs = jobRows === undefined ? '' : `${cluster}.csv`;
  if (jobRows !== undefined)
    writeFileSync(jobs, `${[JOBS_HEADER, ...jobRows.map(withoutGpus)].join('\n')}\n`);
  try {
    const { result, warnings } = await new SimulationTaskRunner().run(
      { cluster, jobs, seed: 1, policy: 'teg', ...task, whatIf: { startFromSnapshot: true, ...task.whatIf } },
      { shouldStop: () => false, report: () => undefined },
    );
    return { result, whatIf: result.whatIf as WhatIfAnswer, warnings };
  } finally {
    rmSync(cluster);
    if (jobs !== '') rmSync(jobs);
  }
}

/**
 * Runs objects on their emptied nodes. @param task Deviations from a plain run of `teg`; `jobItems` arrive instead of the
 * file's own pods, if given.
 */
export async function placeAgain(
  items: readonly ApiObject[],
  { jobItems, ...task }: Partial<SimulationTask> & { readonly jobItems?: readonly ApiObject[] } = {},
): Promise<{
  result: SimulationResult;
  whatIf: WhatIfAnswer | undefined;
  places: Record<string, string>;
  reasons: Record<string, string>;
  warnings: readonly string[];
}> {
  const folder = mkdtempSync(join(tmpdir(), 'teg-again-'));
  const cluster = join(folder, 'cluster.json');
  const further = join(folder, 'jobs.json');
  writeFileSync(cluster, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  if (jobItems !== undefined) writeFileSync(further, JSON.stringify({ kind: 'List', items: jobItems }));
  try {
    const { result, warnings } = await new SimulationTaskRunner().run(
      { cluster, jobs: jobItems === undefined ? cluster : further, seed: 1, policy: 'teg', ...task },
      { shouldStop: () => false, report: () => undefined },
    );
    const { whatIf } = result;
    const reasons = Object.fromEntries((whatIf?.reasons ?? []).map(({ pod, reason }) => [pod, reason]));
    return { result, whatIf, places: whatIf === undefined ? {} : placesOf(whatIf), reasons, warnings };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @returns Nodes of the placed pods. */
export function placesOf({ placements }: WhatIfAnswer): Record<string, string> {
  return Object.fromEntries(placements.map(({ pod, node }) => [pod, node]));
}

/** A random cluster with pods of every kind of rule, some on nodes already. */
export function drawSnapshot(seed: number): ApiObject[] {
  const draw = new Draw(new Random(seed));
  const nodeCount = 2 + draw.below(20);
  const items: ApiObject[] = [];
  for (let i = 0; i < nodeCount; i++) items.push(drawNode(draw, `n${i}`));
  if (draw.chance(0.7)) items.push(...aLocalVolume(`n${draw.below(nodeCount)}`));
  if (draw.chance(0.5)) items.push(...provisioned());
  if (draw.chance(0.3)) items.push(drawBudget(draw));
  const groups = draw.below(4);
  for (let g = 0; g < groups; g++) if (draw.chance(0.85)) items.push(aGroup(`g${g}`, 2 + draw.below(3)));
  const podCount = 5 + draw.below(150);
  for (let i = 0; i < podCount; i++) items.push(drawPod(draw, i, nodeCount, groups));
  return items;
}

function drawNode(draw: Draw, name: string): ApiObject {
  const labels = { [ZONE]: draw.of(['z1', 'z2', 'z3']), ...(draw.chance(0.4) ? { disk: 'ssd' } : {}) };
  const taints = draw.chance(0.2)
    ? [{ key: 'dedicated', effect: draw.of(['NoSchedule', 'PreferNoSchedule']) }]
    : [];
  const gpus = draw.chance(0.4) ? { 'nvidia.com/gpu': String(1 + draw.below(4)) } : {};
  return aNode(name, labels, { taints, unschedulable: draw.chance(0.1) }, gpus);
}

function provisioned(): ApiObject[] {
  return [
    {
      apiVersion: 'storage.k8s.io/v1',
      kind: 'StorageClass',
      metadata: { name: 'made', uid: 'class-made' },
      provisioner: 'disk.csi',
      volumeBindingMode: 'WaitForFirstConsumer',
    },
    aClaim('made', 'made'),
  ];
}

function drawBudget(draw: Draw): ApiObject {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name: 'b', namespace: 'a', uid: 'b' },
    spec: { selector: { matchLabels: { app: 'x' } } },
    status: { disruptionsAllowed: draw.below(3) },
  };
}

function drawPod(draw: Draw, number: number, nodeCount: number, groups: number): ApiObject {
  const app = draw.of(['x', 'y', 'z']);
  const isPlaced = draw.chance(0.35);
  const group = groups > 0 && draw.chance(0.35) ? `g${draw.below(groups)}` : '';
  const spec = {
    priority: draw.of([0, 0, 0, 5, 10]),
    ...(isPlaced ? { nodeName: `n${draw.below(nodeCount)}` } : {}),
    ...(group === '' ? {} : { schedulingGroup: { podGroupName: group } }),
    ...drawRules(draw, app),
  };
  const requests = {
    cpu: draw.of(['100m', '500m', '1', '1500m', '3']),
    memory: draw.of(['100Mi', '1Gi', '3000000001']),
    ...(draw.chance(0.25) ? { 'nvidia.com/gpu': String(1 + draw.below(2)) } : {}),
  };
  const creationTimestamp = `2026-01-01T00:00:0${draw.below(3)}Z`;
  return aPod(`p${String(number).padStart(2, '0')}`, spec, { labels: { app }, creationTimestamp }, requests);
}

function drawRules(draw: Draw, app: string): object {
  const other = draw.of(['x', 'y', 'z']);
  return draw.of<() => object>([
    () => ({}),
    () => ({}),
    () => near('podAffinity', other, ZONE),
    () => near('podAntiAffinity', app, draw.of([HOST, ZONE])),
    () => spreadOver(app),
    () => spreadOver(app, 'ScheduleAnyway'),
    () => ({ tolerations: [{ key: 'dedicated', operator: 'Exists' }] }),
    () => ({ nodeSelector: { disk: 'ssd' } }),
    () => withClaim(draw.of(['data', 'made', 'none'])),
    () => ({ preemptionPolicy: 'Never' }),
    () => ({ schedulingGates: [{ name: 'example.com/gate' }] }),
    () => ({ containers: [{ name: 'c', ports: [{ containerPort: 80, hostPort: 80 }] }] }),
  ])();
}
