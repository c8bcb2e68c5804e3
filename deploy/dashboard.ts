/**
 * The Grafana dashboard of TEG as a scheduler, made of rows of panels; `render.ts` writes it as JSON.
 */

/** A line, or a band of lines, of a panel. */
interface Line {
  readonly expr: string;
  readonly legend: string;
}

interface PanelParts {
  readonly title: string;
  readonly description: string;
  /** Grafana's name of the unit. */
  readonly unit: string;
  readonly lines: readonly Line[];
  readonly type?: 'timeseries' | 'stat';
}

/** Only TEG's, of metrics that kube-scheduler has too. */
const OURS = '{job=~"$job"}';
const RATE = '[$__rate_interval]';

function line(expr: string, legend: string): Line {
  return { expr, legend };
}

/** p50 and p99 of a histogram. */
function quantiles(metric: string): Line[] {
  const of = (q: number) => `histogram_quantile(${q}, sum by (le) (rate(${metric}_bucket${OURS}${RATE})))`;
  return [line(of(0.5), 'p50'), line(of(0.99), 'p99')];
}

function rateBy(metric: string, label: string): Line[] {
  return [line(`sum by (${label}) (rate(${metric}${OURS}${RATE}))`, `{{${label}}}`)];
}

const ROWS: readonly (readonly [string, readonly PanelParts[]])[] = [
  [
    'Now',
    [
      {
        title: 'Leader',
        description: 'Replicas that hold the Lease: 1.',
        unit: 'none',
        type: 'stat',
        lines: [line(`sum(teg_leader${OURS})`, 'leaders')],
      },
      {
        title: 'Pods that wait',
        description: 'All queues.',
        unit: 'none',
        type: 'stat',
        lines: [line(`sum(scheduler_pending_pods${OURS})`, 'pods')],
      },
      {
        title: 'Nodes',
        description: 'As the leader knows them.',
        unit: 'none',
        type: 'stat',
        lines: [line(`max(scheduler_cache_size{job=~"$job",type="nodes"})`, 'nodes')],
      },
      {
        title: 'Gangs that wait',
        description: 'All or nothing: they hold no room.',
        unit: 'none',
        type: 'stat',
        lines: [line(`sum(teg_gangs{job=~"$job",state="waiting"})`, 'gangs')],
      },
    ],
  ],
  [
    'Pods',
    [
      {
        title: 'Attempts a second',
        description: 'By result.',
        unit: 'ops',
        lines: rateBy('scheduler_schedule_attempts_total', 'result'),
      },
      {
        title: 'From schedulable to bound',
        description: 'As the scheduling SLI of Kubernetes is defined.',
        unit: 's',
        lines: quantiles('scheduler_pod_scheduling_sli_duration_seconds'),
      },
      {
        title: 'Pods that wait, by queue',
        description: 'unschedulable: no node has room; gated: not to be scheduled yet.',
        unit: 'none',
        lines: [line(`sum by (queue) (scheduler_pending_pods${OURS})`, '{{queue}}')],
      },
      {
        title: 'Why pods are not placed',
        description: "Pods by the plugin that refused nodes (kube-scheduler's names).",
        unit: 'none',
        lines: [line(`sum by (plugin) (scheduler_unschedulable_pods${OURS})`, '{{plugin}}')],
      },
    ],
  ],
  [
    'Decisions and writes',
    [
      {
        title: 'Time of a decision',
        description: 'The core alone.',
        unit: 's',
        lines: quantiles('teg_decision_duration_seconds'),
      },
      {
        title: 'Time of a binding',
        description: "The API server's time, with its queue.",
        unit: 's',
        lines: quantiles('teg_bind_duration_seconds'),
      },
      {
        title: 'Bindings in flight',
        description: 'The window follows the latency of the API server.',
        unit: 'none',
        lines: [
          line(`max(teg_bind_window${OURS})`, 'window'),
          line(`sum(teg_binds_in_flight${OURS})`, 'in flight'),
        ],
      },
      {
        title: 'Bindings a second',
        description: 'By what became of them.',
        unit: 'ops',
        lines: rateBy('teg_binds_total', 'outcome'),
      },
      {
        title: 'Decisions a second',
        description: 'By kind.',
        unit: 'ops',
        lines: rateBy('teg_decisions_total', 'kind'),
      },
      {
        title: 'Events a second',
        description: 'Written after the bindings, merged when there are many.',
        unit: 'ops',
        lines: [
          ...rateBy('teg_events_total', 'result'),
          line(`sum(teg_events_waiting${OURS})`, 'waiting (number)'),
        ],
      },
    ],
  ],
  [
    'Gangs, preemption, zones',
    [
      {
        title: 'Gangs',
        description: 'By state.',
        unit: 'none',
        lines: [line(`sum by (state) (teg_gangs${OURS})`, '{{state}}')],
      },
      {
        title: 'Preemption',
        description: 'Attempts, and pods evicted.',
        unit: 'ops',
        lines: [
          line(`sum(rate(scheduler_preemption_attempts_total${OURS}${RATE}))`, 'attempts'),
          line(`sum(rate(scheduler_preemption_victims_sum${OURS}${RATE}))`, 'victims'),
        ],
      },
      {
        title: 'Nodes by zone',
        description: 'Each zone has its own prices and index.',
        unit: 'none',
        lines: [line(`max by (zone) (teg_zone_nodes${OURS})`, '{{zone}}')],
      },
    ],
  ],
  [
    'Economy (only while economy.mode is not off)',
    [
      {
        title: 'GPUs of tenants',
        description: 'Held by each and all below it.',
        unit: 'none',
        lines: [line(`max by (tenant) (teg_tenant_used{job=~"$job",resource="gpu"})`, '{{tenant}}')],
      },
      {
        title: 'GPUs borrowed and lent',
        description: 'Above the quota; and of idle quota, what others hold.',
        unit: 'none',
        lines: [
          line(`max by (tenant) (teg_tenant_borrowed{job=~"$job",resource="gpu"})`, '{{tenant}} borrows'),
          line(`max by (tenant) (teg_tenant_lent{job=~"$job",resource="gpu"})`, '{{tenant}} lends'),
        ],
      },
      {
        title: 'Why pods wait',
        description: 'By the code of the one reason: teg explain pod has the sentence.',
        unit: 'none',
        lines: [line(`sum by (reason) (max by (tenant, reason) (teg_tenant_waiting${OURS}))`, '{{reason}}')],
      },
      {
        title: 'Level share',
        description: 'Below 1: more than its share. Tenants that hold nothing are not shown.',
        unit: 'none',
        lines: [line(`max by (tenant) (teg_tenant_level_share${OURS}) < Inf`, '{{tenant}}')],
      },
      {
        title: 'Prices',
        description: 'Multiples of the base, by flavour.',
        unit: 'none',
        lines: [line(`max by (flavor) (teg_price${OURS})`, '{{flavor}}')],
      },
      {
        title: 'Tokens',
        description: 'Balance of each tenant.',
        unit: 'none',
        lines: [line(`max by (tenant) (teg_tenant_balance${OURS})`, '{{tenant}}')],
      },
      {
        title: 'Evictions a second',
        description: 'Pods, by why.',
        unit: 'ops',
        lines: rateBy('teg_evictions_total', 'why'),
      },
      {
        title: 'GPUs lost and held idle',
        description: 'Work that evictions lost; room kept for champions and incomplete gangs.',
        unit: 'none',
        lines: [
          line(`sum by (tenant) (rate(teg_work_lost_gpu_seconds_total${OURS}${RATE}))`, '{{tenant}} lost'),
          line(`sum by (tenant) (rate(teg_held_idle_gpu_seconds_total${OURS}${RATE}))`, '{{tenant}} idle'),
        ],
      },
      {
        title: 'Time until champions start',
        description: 'As expected now.',
        unit: 's',
        lines: [line(`max by (job) (teg_champion_start_seconds${OURS})`, '{{job}}')],
      },
    ],
  ],
  [
    'The process and its view of the cluster',
    [
      {
        title: 'Requests to the API server',
        description: 'By answer.',
        unit: 'reqps',
        lines: rateBy('rest_client_requests_total', 'code'),
      },
      {
        title: 'Watches',
        description: 'Relists, failures, silences: everything that is not an event.',
        unit: 'ops',
        lines: [
          line(
            `sum by (resource, what) (rate(teg_reflector_total{job=~"$job",what!~"events|bookmarks"}${RATE}))`,
            '{{resource}} {{what}}',
          ),
        ],
      },
      {
        title: 'CPU',
        description: 'Of each replica.',
        unit: 'none',
        lines: [line(`rate(process_cpu_seconds_total${OURS}${RATE})`, '{{instance}}')],
      },
      {
        title: 'Memory',
        description: 'Of each replica.',
        unit: 'bytes',
        lines: [line(`process_resident_memory_bytes${OURS}`, '{{instance}}')],
      },
    ],
  ],
];

const GRID_WIDTH = 24;
const STAT_HEIGHT = 4;
const GRAPH_HEIGHT = 8;
const GRAPHS_A_LINE = 3;

function panel(parts: PanelParts, id: number, gridPos: object): object {
  const { title, description, unit, lines, type = 'timeseries' } = parts;
  return {
    id,
    type,
    title,
    description,
    gridPos,
    datasource: { type: 'prometheus', uid: '$datasource' },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: type === 'stat' ? { reduceOptions: { calcs: ['lastNotNull'] } } : { tooltip: { mode: 'multi' } },
    targets: lines.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode(65 + i),
      expr,
      legendFormat: legend,
    })),
  };
}

/** Rows one below the other, panels of a row side by side. */
function panels(): object[] {
  const all: object[] = [];
  let y = 0;
  for (const [title, parts] of ROWS) {
    all.push({
      id: all.length + 1,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { h: 1, w: GRID_WIDTH, x: 0, y },
    });
    y++;
    const areStats = parts.every(({ type }) => type === 'stat');
    const aLine = areStats ? parts.length : GRAPHS_A_LINE;
    const [w, h] = [GRID_WIDTH / aLine, areStats ? STAT_HEIGHT : GRAPH_HEIGHT];
    parts.forEach((each, i) => {
      const gridPos = { h, w, x: (i % aLine) * w, y: y + Math.floor(i / aLine) * h };
      all.push(panel(each, all.length + 1, gridPos));
    });
    y += Math.ceil(parts.length / aLine) * h;
  }
  return all;
}

/** @returns The dashboard as Grafana imports it. */
export function dashboard(): object {
  return {
    uid: 'teg-scheduler',
    title: 'TEG scheduler',
    tags: ['kubernetes', 'scheduler'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' },
        {
          name: 'job',
          type: 'query',
          label: 'Job',
          datasource: { type: 'prometheus', uid: '$datasource' },
          query: 'label_values(teg_build_info, job)',
          refresh: 2,
          includeAll: true,
          multi: true,
          current: { text: 'All', value: '$__all' },
        },
      ],
    },
    panels: panels(),
  };
}
