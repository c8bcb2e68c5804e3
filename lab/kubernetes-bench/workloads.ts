/**
 * The workloads of `teg bench kubernetes`, by scheduler_perf's names, sized for a machine of two cores.
 *
 * Not here: running them (`throughput-run.ts`, `restart-run.ts`, `packing-run.ts`).
 *
 * @source k8s.io/kubernetes v1.36.3 test/integration/scheduler_perf: misc, affinity, topology_spreading
 */
import { TegError } from '../../src/model/errors.ts';
import type { BenchPodParts } from './bench-objects.ts';

/** The numbers of nodes and pods. */
export interface WorkloadSize {
  readonly nodes: number;
  /** Pods that are bound before anything is measured. */
  readonly initPods: number;
  /** Pods that are measured; of Restart: pods that are bound already. */
  readonly pods: number;
}

/** Background activity while pods are measured. */
export type ChurnKind = 'unschedulable' | 'mixed';

/** Additions of a workload's pod to pod-default. */
export type PodLook = Omit<BenchPodParts, 'namespace' | 'schedulerName'>;

/** A workload. */
export interface Workload {
  readonly name: string;
  /** The quantity measured, for the help and the documentation. */
  readonly about: string;
  /** `rate`: pods are created while the scheduler runs; `gang`: before it starts; `restart`: time to the first bind. */
  readonly kind: 'rate' | 'gang' | 'restart';
  /** Run one after the other by default. */
  readonly sizes: readonly WorkloadSize[];
  /** Most pods of a node, pods of both kinds counted where `sharedNodes` says so: the bound of `--pods`. */
  readonly podsPerNodeMax: number;
  /** Node i gets zone i mod n; none: no zone labels. */
  readonly zones: readonly string[];
  readonly init: PodLook;
  readonly initNamespace: string;
  readonly measured: PodLook;
  readonly measuredNamespace: string;
  readonly churn?: ChurnKind;
  /** Pods of `init` are created on their nodes, the same number on each: no scheduler places them. */
  readonly initBound?: boolean;
}

/** Name of the workload that measures a start. */
export const RESTART = 'Restart';

/** Of scheduler_perf's default node. */
export const CORES_PER_NODE = 4;

/** Pods of a gang. */
export const GANG_SIZE = 20;

/** Pods with low priority on each node of PreemptionBasic: 3.6 of 4 CPUs. */
const LOW_PRIORITY_PER_NODE = 4;

/** The common part of most workloads: pods of 100 milli-CPU on nodes of 4 CPUs. */
const PLAIN = {
  kind: 'rate',
  podsPerNodeMax: 40,
  zones: [],
  init: {},
  initNamespace: 'bench-init',
  measured: {},
  measuredNamespace: 'bench',
} as const;

const NODE_AFFINITY: PodLook = {
  spec: {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [
            {
              matchExpressions: [
                { key: 'topology.kubernetes.io/zone', operator: 'In', values: ['zone1', 'zone2'] },
              ],
            },
          ],
        },
      },
    },
  },
};

const SPREAD: PodLook = {
  labels: { color: 'blue' },
  spec: {
    topologySpreadConstraints: [
      {
        maxSkew: 5,
        topologyKey: 'topology.kubernetes.io/zone',
        whenUnsatisfiable: 'DoNotSchedule',
        labelSelector: { matchLabels: { color: 'blue' } },
      },
    ],
  },
};

const ANTI_AFFINITY: PodLook = {
  labels: { color: 'green' },
  spec: {
    affinity: {
      podAntiAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: [
          {
            labelSelector: { matchLabels: { color: 'green' } },
            topologyKey: 'kubernetes.io/hostname',
            namespaces: ['sched-1', 'sched-0'],
          },
        ],
      },
    },
  },
};

/** All of them, in the order in which they run. */
export const WORKLOADS: readonly Workload[] = [
  {
    ...PLAIN,
    name: 'SchedulingBasic',
    about: 'plain pods of 100m CPU and 500Mi',
    sizes: [
      { nodes: 1000, initPods: 500, pods: 10_000 },
      { nodes: 5000, initPods: 1000, pods: 5000 },
    ],
  },
  {
    ...PLAIN,
    name: 'Unschedulable',
    about: 'plain pods, while every 200 ms a pod of higher priority arrives that fits nowhere',
    sizes: [{ nodes: 5000, initPods: 100, pods: 10_000 }],
    churn: 'unschedulable',
  },
  {
    ...PLAIN,
    name: 'SchedulingWithMixedChurn',
    about:
      'plain pods, while every second a node, a pod that fits nowhere and a service are created or deleted',
    sizes: [{ nodes: 5000, initPods: 0, pods: 10_000 }],
    churn: 'mixed',
  },
  {
    ...PLAIN,
    name: 'SchedulingNodeAffinity',
    about: 'pods that require zone1 or zone2 by node affinity; all nodes are in zone1',
    sizes: [{ nodes: 5000, initPods: 1000, pods: 4000 }],
    zones: ['zone1'],
    init: NODE_AFFINITY,
    measured: NODE_AFFINITY,
  },
  {
    ...PLAIN,
    name: 'TopologySpreading',
    about: 'pods spread over three zones, maxSkew 5, DoNotSchedule',
    sizes: [{ nodes: 5000, initPods: 1000, pods: 4000 }],
    zones: ['moon-1', 'moon-2', 'moon-3'],
    measured: SPREAD,
  },
  {
    ...PLAIN,
    name: 'SchedulingPodAntiAffinity',
    about: 'pods that require a host without another of them, in two namespaces',
    sizes: [{ nodes: 5000, initPods: 1000, pods: 2000 }],
    podsPerNodeMax: 1,
    init: ANTI_AFFINITY,
    initNamespace: 'sched-0',
    measured: ANTI_AFFINITY,
    measuredNamespace: 'sched-1',
  },
  {
    ...PLAIN,
    name: 'PreemptionBasic',
    about: 'pods of 3 CPUs that each evict three of the four pods of lower priority on a node of 4 CPUs',
    sizes: [{ nodes: 1000, initPods: 4000, pods: 1000 }],
    podsPerNodeMax: LOW_PRIORITY_PER_NODE + 1,
    init: { requests: { cpu: '900m', memory: '500Mi' }, spec: { terminationGracePeriodSeconds: 0 } },
    initBound: true,
    measured: { requests: { cpu: '3000m', memory: '500Mi' }, spec: { priority: 10 } },
  },
  {
    ...PLAIN,
    name: 'GangScheduling',
    about: `gangs of ${GANG_SIZE} pods of 100m CPU and 100Mi (PodGroup), created before the scheduler starts`,
    kind: 'gang',
    sizes: [{ nodes: 1000, initPods: 0, pods: 2000 }],
    measured: { requests: { cpu: '100m', memory: '100Mi' } },
  },
  {
    ...PLAIN,
    name: RESTART,
    about: 'from the start of the process to the first bind, in a cluster that is full of bound pods',
    kind: 'restart',
    sizes: [{ nodes: 5000, initPods: 0, pods: 50_000 }],
    initBound: true,
  },
];

/** Name of the packing run, which has sequences instead of a size. */
export const PACKING = 'Packing';

/** @returns The workload. @throws TegError TEG_OPTION_INVALID for an unknown name. */
export function workloadByName(name: string): Workload {
  const workload = WORKLOADS.find((candidate) => candidate.name === name);
  if (workload !== undefined) return workload;
  const known = [...WORKLOADS.map((candidate) => candidate.name), PACKING].join(', ');
  throw new TegError('TEG_OPTION_INVALID', `got the workload '${name}', expected some of ${known}`);
}

/**
 * The sizes that a workload runs with.
 *
 * @param nodes Instead of the default; the pods bound before are then as many for each node as by default.
 * @param pods Instead of the default; at most the number that fits on the nodes.
 * @returns One size, or, without a given number of nodes, one for each default.
 */
export function sizesOf(workload: Workload, nodes?: number, pods?: number): WorkloadSize[] {
  const bases = nodes === undefined ? workload.sizes : workload.sizes.slice(0, 1);
  return bases.map((base) => {
    const count = nodes ?? base.nodes;
    const room = count * workload.podsPerNodeMax;
    const initPods = Math.min(Math.round((base.initPods * count) / base.nodes), Math.floor(room / 2));
    const init = base.initPods === 0 ? 0 : workload.name === 'PreemptionBasic' ? 4 * count : initPods;
    const wanted = Math.max(1, Math.min(pods ?? base.pods, room - init));
    return { nodes: count, initPods: init, pods: workload.kind === 'gang' ? gangPods(wanted) : wanted };
  });
}

/** Whole gangs, unless there is not even one. */
function gangPods(pods: number): number {
  return pods < GANG_SIZE ? pods : pods - (pods % GANG_SIZE);
}
