/**
 * Every metric: kube-scheduler's, by its names and with its buckets, so that existing dashboards and alerts keep
 * working; and TEG's own, with the prefix `teg_`.
 *
 * @source pkg/scheduler/metrics/metrics.go of Kubernetes 1.36; rest_client_* of k8s.io/component-base.
 */
import { DURATION_BOUNDS_SECONDS } from '../client/request-statistics.ts';
import type { MetricDefinition } from './metric-series.ts';

/** @returns `count` bounds, each `factor` times the one before, as Prometheus' Go client makes them. */
export function exponentialBuckets(first: number, factor: number, count: number): number[] {
  const bounds: number[] = [];
  for (let bound = first; bounds.length < count; bound *= factor) bounds.push(bound);
  return bounds;
}

function counter(name: string, labels: readonly string[], help: string): MetricDefinition {
  return { name, type: 'counter', labels, help };
}

function gauge(name: string, labels: readonly string[], help: string): MetricDefinition {
  return { name, type: 'gauge', labels, help };
}

function histogram(
  name: string,
  labels: readonly string[],
  buckets: readonly number[],
  help: string,
): MetricDefinition {
  return { name, type: 'histogram', labels, buckets, help };
}

const ATTEMPT_BUCKETS = exponentialBuckets(0.001, 2, 15);
const SLI_BUCKETS = exponentialBuckets(0.01, 2, 20);
const POINT_BUCKETS = exponentialBuckets(0.0001, 2, 12);
const PLUGIN_BUCKETS = exponentialBuckets(0.00001, 1.5, 20);
/** 4 µs to 4 s: decisions take microseconds. */
const DECISION_BUCKETS = exponentialBuckets(0.000004, 4, 11);

/** The metrics by the names that the code uses; the order is that of the page and of the exposition. */
export const METRICS = {
  attempts: counter(
    'scheduler_schedule_attempts_total',
    ['result', 'profile'],
    "Attempts to place pods, by result: scheduled, unschedulable, or error (the API server's, or a lost race).",
  ),
  attemptSeconds: histogram(
    'scheduler_scheduling_attempt_duration_seconds',
    ['result', 'profile'],
    ATTEMPT_BUCKETS,
    'Time of an attempt: the decision and, of pods that were placed, the binding.',
  ),
  algorithmSeconds: histogram(
    'scheduler_scheduling_algorithm_duration_seconds',
    [],
    ATTEMPT_BUCKETS,
    'Time of a decision.',
  ),
  sliSeconds: histogram(
    'scheduler_pod_scheduling_sli_duration_seconds',
    ['attempts'],
    SLI_BUCKETS,
    'Time from when a pod was first seen schedulable to its binding, by the attempts that it took (15+ at most).',
  ),
  podAttempts: histogram(
    'scheduler_pod_scheduling_attempts',
    [],
    exponentialBuckets(1, 2, 5),
    'Attempts that pods took until they were placed.',
  ),
  pending: gauge(
    'scheduler_pending_pods',
    ['queue'],
    'Pods that wait: active, backoff, unschedulable (also refused, or more than may wait), or gated (also members of a gang that is not complete).',
  ),
  incoming: counter(
    'scheduler_queue_incoming_pods_total',
    ['queue', 'event'],
    'Pods that came to a queue, by the event that brought them.',
  ),
  preemptionAttempts: counter(
    'scheduler_preemption_attempts_total',
    [],
    'Times that room was looked for by eviction.',
  ),
  preemptionVictims: histogram(
    'scheduler_preemption_victims',
    [],
    exponentialBuckets(1, 2, 7),
    'Pods evicted for one pod.',
  ),
  pointSeconds: histogram(
    'scheduler_framework_extension_point_duration_seconds',
    ['extension_point', 'status', 'profile'],
    POINT_BUCKETS,
    "Time of the steps that TEG has in common with kube-scheduler's framework: Filter, PostFilter, PreBind, Bind.",
  ),
  pluginSeconds: histogram(
    'scheduler_plugin_execution_duration_seconds',
    ['plugin', 'extension_point', 'status'],
    PLUGIN_BUCKETS,
    'Time of the parts of these steps that are timed on their own; TEG has no plugins.',
  ),
  unschedulable: gauge(
    'scheduler_unschedulable_pods',
    ['plugin', 'profile'],
    "Pods that could not be placed, by the plugin that refused nodes (kube-scheduler's names); a pod counts for each.",
  ),
  cacheSize: gauge(
    'scheduler_cache_size',
    ['type'],
    'Objects that the scheduler knows: nodes, pods, and assumed_pods (decided, not yet seen bound).',
  ),
  permitWaitSeconds: histogram(
    'scheduler_permit_wait_duration_seconds',
    ['result'],
    ATTEMPT_BUCKETS,
    'Time that the first pod of a gang waited for the others: allowed, or rejected (the gang was released).',
  ),
  goroutines: gauge(
    'scheduler_goroutines',
    ['operation'],
    'Work under way, by operation; TEG has no goroutines: binding is the bindings in flight.',
  ),
  groupAttempts: counter(
    'scheduler_podgroup_schedule_attempts_total',
    ['result', 'profile'],
    'Attempts to place gangs, by result.',
  ),
  groupAttemptSeconds: histogram(
    'scheduler_podgroup_scheduling_attempt_duration_seconds',
    ['result', 'profile'],
    ATTEMPT_BUCKETS,
    'Time of the decision on a gang.',
  ),
  clientRequests: counter(
    'rest_client_requests_total',
    ['code', 'method', 'resource'],
    'Requests to the API server by status; unknown and not-sent are those without an answer.',
  ),
  clientSeconds: histogram(
    'rest_client_request_duration_seconds',
    ['verb'],
    DURATION_BOUNDS_SECONDS,
    'Time of requests to the API server, by method.',
  ),
  build: gauge('teg_build_info', ['version', 'node_version'], '1; the version is in the labels.'),
  synced: gauge('teg_synced', [], '1 when everything that is watched has been listed once.'),
  leader: gauge('teg_leader', [], '1 while this scheduler holds the Lease, or needs none.'),
  leaderChanges: counter('teg_leader_changes_total', [], 'Times that it got or lost the Lease.'),
  leaseAge: gauge(
    'teg_lease_renewal_age_seconds',
    [],
    'Time since the Lease was last renewed; 0 without one.',
  ),
  decisions: counter(
    'teg_decisions_total',
    ['kind'],
    'Decisions: bind, unschedulable, evict, nominate, gang-release.',
  ),
  decisionSeconds: histogram(
    'teg_decision_duration_seconds',
    [],
    DECISION_BUCKETS,
    'Time of one step of the core that decided something; finer than scheduler_scheduling_algorithm_duration_seconds.',
  ),
  turnSeconds: counter('teg_decision_seconds_total', [], 'Time in decisions, all together.'),
  binds: counter(
    'teg_binds_total',
    ['outcome'],
    'Bindings by outcome: bound, conflict, gone, no-node, failed.',
  ),
  bindSeconds: histogram('teg_bind_duration_seconds', [], ATTEMPT_BUCKETS, 'Time of a binding request.'),
  bindWindow: gauge(
    'teg_bind_window',
    [],
    'Bindings that may be under way; follows the latency of the server.',
  ),
  bindsInFlight: gauge('teg_binds_in_flight', [], 'Bindings under way.'),
  events: counter(
    'teg_events_total',
    ['result'],
    'Events: created, merged into an equal one, dropped (queue full), refused by the server, failed.',
  ),
  eventsWaiting: gauge('teg_events_waiting', [], 'Events that wait to be written.'),
  zones: gauge('teg_zones', [], 'Zones that nodes are divided into.'),
  zoneNodes: gauge('teg_zone_nodes', ['zone'], 'Nodes by zone.'),
  classes: gauge('teg_pod_classes', [], 'Kinds of pods that are distinguished.'),
  gangs: gauge(
    'teg_gangs',
    ['state'],
    'Gangs: waiting, binding, bound (started, though members may have ended since), repairing (members could not be bound).',
  ),
  reflectorObjects: gauge('teg_reflector_objects', ['resource'], 'Objects that are watched.'),
  reflectorCounts: counter(
    'teg_reflector_total',
    ['resource', 'what'],
    'Operations of watches: lists, watches, events, bookmarks, expired (410), silent, failures, garbage.',
  ),
  malformed: counter(
    'teg_malformed_objects_total',
    ['kind'],
    'Objects that were skipped because they are malformed.',
  ),
  pauses: counter('teg_coalescing_pauses_total', [], 'Pauses in which answers and events gathered.'),
  pauseSeconds: counter('teg_coalescing_seconds_total', [], 'Time in these pauses.'),
  recordBytes: counter('teg_record_bytes_total', [], 'Bytes of the log of events, before packing.'),
  recordSteps: counter('teg_record_steps_total', [], 'Steps in the log of events.'),
  recording: gauge('teg_recording', [], '1 while a log of events is written.'),
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** Those of the economy: served only while `economy.mode` is not off. Amounts of memory are bytes, of CPU cores. */
export const ECONOMY_METRICS = {
  balance: gauge('teg_tenant_balance', ['tenant'], 'Tokens that a tenant has; absent without a ledger.'),
  reserved: gauge(
    'teg_tenant_reserved',
    ['tenant'],
    'Tokens set aside for what runs; absent without a ledger.',
  ),
  spend: gauge(
    'teg_tenant_spend',
    ['tenant'],
    'Tokens an hour that what runs costs; absent without a ledger.',
  ),
  quota: gauge(
    'teg_tenant_quota',
    ['tenant', 'flavor', 'resource'],
    'Quota: its own, and what the tenants below it lend.',
  ),
  used: gauge('teg_tenant_used', ['tenant', 'flavor', 'resource'], 'Held by a tenant and all below it.'),
  borrowed: gauge('teg_tenant_borrowed', ['tenant', 'flavor', 'resource'], 'Used above the quota.'),
  lent: gauge('teg_tenant_lent', ['tenant', 'flavor', 'resource'], 'Of its idle quota, what others hold.'),
  levelShare: gauge(
    'teg_tenant_level_share',
    ['tenant'],
    "Its part of its siblings' weights ÷ its part of what they hold; above 1: less than its share; +Inf: it holds nothing.",
  ),
  waiting: gauge(
    'teg_tenant_waiting',
    ['tenant', 'reason'],
    'Pods of a tenant that wait, by the code of the one reason that `teg explain pod` gives.',
  ),
  price: gauge('teg_price', ['flavor'], 'Price of a flavour, a multiple of its base.'),
  psi: gauge('teg_psi', [], 'ψ: the part of all GPUs that incomplete gangs hold, in [0, 1].'),
  tax: gauge(
    'teg_tax',
    ['flavor'],
    'Tax on slots held idle; absent while none is collected, as gangs are placed whole.',
  ),
  championStart: gauge(
    'teg_champion_start_seconds',
    ['job'],
    'Time until the start of a pod or gang for which room is kept, as expected now.',
  ),
  evictions: counter(
    'teg_evictions_total',
    ['why'],
    'Pods evicted by the economy: within, priority, reclaim, fair-share, drain.',
  ),
  workLost: counter(
    'teg_work_lost_gpu_seconds_total',
    ['tenant'],
    'GPU time of work that evictions lost, by the tenant whose pods they were.',
  ),
  heldIdle: counter(
    'teg_held_idle_gpu_seconds_total',
    ['tenant'],
    'GPU time held idle, by the tenant for whom: free GPUs kept for a champion, and those of incomplete gangs.',
  ),
} as const satisfies Readonly<Record<string, MetricDefinition>>;

/** Name of a metric in the code. */
export type MetricKey = keyof typeof METRICS;
