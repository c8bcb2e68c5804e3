import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RequestStatistics } from '../client/request-statistics.ts';
import { exponentialBuckets, METRICS } from './metric-definitions.ts';
import { MetricSeries, SERIES_MAX } from './metric-series.ts';
import { metricsMarkdown } from './metrics-page.ts';
import { SchedulerMetrics } from './scheduler-metrics.ts';

/** Lines of the exposition that begin with a name. */
async function linesOf(metrics: SchedulerMetrics, name: string): Promise<string[]> {
  return (await metrics.text()).split('\n').filter((line) => line.startsWith(name));
}

describe('MetricSeries', () => {
  test('a histogram is cumulative, bounds are inclusive', () => {
    const series = new MetricSeries({
      name: 'h',
      type: 'histogram',
      help: '',
      labels: ['a'],
      buckets: [1, 2],
    });
    const row = series.row(['x']);
    for (const value of [1, 1.5, 2, 7]) series.observe(row, value);
    expect(series.samples().map(({ name, labels, value }) => [name, labels.a, labels.le, value])).toEqual([
      ['h_bucket', 'x', '1', 1],
      ['h_bucket', 'x', '2', 3],
      ['h_bucket', 'x', '+Inf', 4],
      ['h_sum', 'x', undefined, 11.5],
      ['h_count', 'x', undefined, 4],
    ]);
    expect(series.value(row)).toBe(4);
    series.setHistogram(row, [5, 0, 1], 9);
    expect(series.value(row)).toBe(6);
  });

  test('combinations of labels are bounded; the rest counts together and nothing is lost', () => {
    const series = new MetricSeries({ name: 'c', type: 'counter', help: '', labels: ['a', 'b'] });
    for (let i = 0; i < 5000; i++) series.add(series.row(['x', String(i)]), 1);
    const samples = series.samples();
    expect(samples).toHaveLength(SERIES_MAX + 1);
    expect(samples.at(-1)).toEqual({
      name: 'c',
      labels: { a: 'other', b: 'other' },
      value: 5000 - SERIES_MAX,
    });
    expect(samples.reduce((sum, { value }) => sum + value, 0)).toBe(5000);
  });

  test('the labels requested last are not mistaken for others, nor after all rows were dropped', () => {
    const series = new MetricSeries({ name: 'c', type: 'counter', help: '', labels: ['a', 'b'] });
    for (const labels of [
      ['x', 'y'],
      ['x', 'z'],
      ['x', 'y'],
      ['x', 'y'],
      ['y', 'z'],
    ] as const) {
      series.add(series.row(labels), 1);
    }
    const counted = () => series.samples().map(({ labels, value }) => `${labels.a}${labels.b} ${value}`);
    expect(counted()).toEqual(['xy 3', 'xz 1', 'yz 1']);
    series.clear();
    series.add(series.row(['x', 'y']), 1);
    series.add(series.row(['y', 'z']), 2);
    expect(counted()).toEqual(['xy 1', 'yz 2']);
  });

  test('without labels there is a row from the start, and after everything was forgotten', () => {
    const series = new MetricSeries({ name: 'g', type: 'gauge', help: '', labels: [] });
    series.set(series.row([]), 3);
    series.clear();
    expect(series.samples()).toEqual([{ name: 'g', labels: {}, value: 0 }]);
  });
});

describe('SchedulerMetrics', () => {
  test("kube-scheduler's names, labels and buckets", async () => {
    const metrics = new SchedulerMetrics('teg', '1.2.3');
    metrics.attempt('scheduled', 0.003);
    metrics.attempt('unschedulable', 0.0001);
    metrics.bound(1, 0.5);
    metrics.bound(15, 40);
    metrics.pending('backoff', 7);
    metrics.incoming('active', 'PodAdd', 2);
    metrics.preemption(3);
    metrics.preemption(0);
    metrics.permitWait('allowed', 1);
    metrics.cacheSize(5, 70, 2);
    const text = await metrics.text();
    for (const line of [
      '# TYPE scheduler_schedule_attempts_total counter',
      'scheduler_schedule_attempts_total{result="scheduled",profile="teg"} 1',
      'scheduler_schedule_attempts_total{result="unschedulable",profile="teg"} 1',
      'scheduler_scheduling_attempt_duration_seconds_bucket{result="scheduled",profile="teg",le="0.002"} 0',
      'scheduler_scheduling_attempt_duration_seconds_bucket{result="scheduled",profile="teg",le="0.004"} 1',
      'scheduler_scheduling_attempt_duration_seconds_bucket{result="scheduled",profile="teg",le="16.384"} 1',
      'scheduler_scheduling_attempt_duration_seconds_sum{result="scheduled",profile="teg"} 0.003',
      'scheduler_pod_scheduling_sli_duration_seconds_bucket{attempts="1",le="0.64"} 1',
      'scheduler_pod_scheduling_sli_duration_seconds_count{attempts="15+"} 1',
      'scheduler_pod_scheduling_attempts_bucket{le="8"} 1',
      'scheduler_pod_scheduling_attempts_bucket{le="+Inf"} 2',
      'scheduler_pending_pods{queue="backoff"} 7',
      'scheduler_queue_incoming_pods_total{queue="active",event="PodAdd"} 2',
      'scheduler_preemption_attempts_total 2',
      'scheduler_preemption_victims_sum 3',
      'scheduler_permit_wait_duration_seconds_count{result="allowed"} 1',
      'scheduler_cache_size{type="assumed_pods"} 2',
      `teg_build_info{version="1.2.3",node_version="${process.version}"} 1`,
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).toContain('process_cpu_seconds_total');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });

  test('the buckets are those of Kubernetes 1.36', () => {
    expect(exponentialBuckets(0.01, 2, 20).at(-1)).toBe(5242.88);
    expect(METRICS.attemptSeconds.buckets?.slice(0, 3)).toEqual([0.001, 0.002, 0.004]);
    expect(METRICS.attemptSeconds.buckets).toHaveLength(15);
    expect(METRICS.pointSeconds.buckets).toHaveLength(12);
    expect(METRICS.pluginSeconds.buckets).toHaveLength(20);
    expect(METRICS.preemptionVictims.buckets).toEqual([1, 2, 4, 8, 16, 32, 64]);
    expect(METRICS.podAttempts.buckets).toEqual([1, 2, 4, 8, 16]);
  });

  test('gauges are set on a scrape; vanished rows are gone', async () => {
    const metrics = new SchedulerMetrics('teg', '1');
    let plugins: [string, number][] = [['NodeAffinity', 2]];
    metrics.onCollect(() => metrics.unschedulable(plugins));
    expect(await linesOf(metrics, 'scheduler_unschedulable_pods')).toEqual([
      'scheduler_unschedulable_pods{plugin="NodeAffinity",profile="teg"} 2',
    ]);
    plugins = [['TaintToleration', 1]];
    expect(await linesOf(metrics, 'scheduler_unschedulable_pods')).toEqual([
      'scheduler_unschedulable_pods{plugin="TaintToleration",profile="teg"} 1',
    ]);
  });

  test("TEG's own", async () => {
    const metrics = new SchedulerMetrics('teg', '1');
    metrics.decision('bind');
    metrics.decided(0.00001);
    metrics.bind('bound', 0.05);
    metrics.bind('conflict', 0.05);
    metrics.bindWindow(64, 3);
    metrics.leading(true);
    metrics.leading(true);
    metrics.leading(false);
    metrics.events({ created: 4, dropped: 1 }, 9);
    metrics.gangs([['waiting', 2]]);
    metrics.reflector('pods', 100, { lists: 1, events: 50 });
    metrics.malformed('Pod');
    metrics.pauses(7, 0.02);
    metrics.record(true, 3, 900);
    metrics.synced(true);
    metrics.classes(4);
    metrics.leaseAge(1.5);
    metrics.zones(Array.from({ length: 700 }, (_, i): [string, number] => [`z${i}`, 10]));
    const text = await metrics.text();
    for (const line of [
      'teg_decisions_total{kind="bind"} 1',
      'teg_binds_total{outcome="conflict"} 1',
      'scheduler_framework_extension_point_duration_seconds_count{extension_point="Bind",status="Success",profile="teg"} 1',
      'scheduler_goroutines{operation="binding"} 3',
      'teg_leader 0',
      'teg_leader_changes_total 2',
      'teg_events_total{result="dropped"} 1',
      'teg_events_waiting 9',
      'teg_gangs{state="waiting"} 2',
      'teg_reflector_objects{resource="pods"} 100',
      'teg_reflector_total{resource="pods",what="events"} 50',
      'teg_malformed_objects_total{kind="Pod"} 1',
      'teg_coalescing_pauses_total 7',
      'teg_coalescing_seconds_total 0.02',
      'teg_record_bytes_total 900',
      'teg_synced 1',
      'teg_zones 700',
      'teg_zone_nodes{zone="z499"} 10',
      'teg_zone_nodes{zone="other"} 2000',
    ]) {
      expect(text).toContain(`${line}\n`);
    }
    expect(text).not.toContain('z500');
  });

  test('the requests of the API client', async () => {
    const statistics = new RequestStatistics();
    statistics.record('POST', '/api/v1/namespaces/a/pods/b/binding', '201', 0.05);
    statistics.record('POST', '/api/v1/namespaces/a/pods/b/binding', '201', 100);
    const metrics = new SchedulerMetrics('teg', '1');
    metrics.onCollect(() => metrics.requests(statistics));
    await metrics.text();
    expect(await linesOf(metrics, 'rest_client_requests_total')).toEqual([
      'rest_client_requests_total{code="201",method="POST",resource="pods/binding"} 2',
    ]);
    const durations = await linesOf(metrics, 'rest_client_request_duration_seconds');
    expect(durations).toContain('rest_client_request_duration_seconds_bucket{verb="POST",le="0.1"} 1');
    expect(durations).toContain('rest_client_request_duration_seconds_count{verb="POST"} 2');
  });

  test('label values are escaped', async () => {
    const metrics = new SchedulerMetrics('teg', '1');
    metrics.zones([['a"b\\c\nd', 1]]);
    expect(await linesOf(metrics, 'teg_zone_nodes')).toEqual(['teg_zone_nodes{zone="a\\"b\\\\c\\nd"} 1']);
  });

  test('counting is cheap', () => {
    const metrics = new SchedulerMetrics('teg', '1');
    const started = performance.now();
    for (let i = 0; i < 100_000; i++) metrics.attempt('scheduled', 0.003);
    expect((performance.now() - started) / 100_000).toBeLessThan(0.02);
    expect(metrics.value('attempts', 'scheduled', 'teg')).toBe(100_000);
  });
});

test('docs/kubernetes-metrics.md is that of the definitions', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../../docs/kubernetes-metrics.md'), 'utf8');
  expect(page).toBe(metricsMarkdown());
});
