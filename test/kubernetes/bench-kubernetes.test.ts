/**
 * `teg bench kubernetes` on a real API server: small runs.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { describeWithControlPlane } from './control-plane-fixture.ts';

const TEG = join(import.meta.dirname, '..', '..', 'lab', 'main.ts');

const folder = mkdtempSync(join(tmpdir(), 'teg-bench-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function bench(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [TEG, 'bench', 'kubernetes', ...args], {
    encoding: 'utf8',
    timeout: 240_000,
    env: { ...process.env, NO_COLOR: '1' },
  });
  return { status, stdout, stderr };
}

describeWithControlPlane('teg bench kubernetes', ['kube-scheduler'], () => {
  test('measures the stock scheduler', { timeout: 240_000 }, () => {
    const out = join(folder, 'tables.md');
    const names = 'SchedulingBasic,PreemptionBasic,GangScheduling,Restart';
    const sizes = ['--nodes', '10', '--pods', '20', '--repeats', '1', '--schedulers', 'stock'];
    const { status, stdout, stderr } = bench('--workloads', names, ...sizes, '--markdown', out, '--json');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const rows = JSON.parse(stdout);
    expect(rows.map((row: { workload: string }) => row.workload)).toEqual(names.split(','));
    const [basic, preemption, gangs, restart] = rows;
    expect([basic.pods, preemption.pods, gangs.pods]).toEqual([20, 10, 20]);
    for (const row of [basic, preemption, gangs]) {
      expect(row).toMatchObject({ scheduler: 'stock', nodes: 10, bound: row.pods, repeats: 1, failures: [] });
      expect(row.scheduledEvents).toBe(row.pods);
      expect(row.podsPerSecond).toBeGreaterThan(0);
      // 0 where a pod is bound before the answer to its creation has arrived.
      expect(row.createToBindP50).toBeGreaterThanOrEqual(0);
      expect(row.createToBindP99).toBeGreaterThanOrEqual(row.createToBindP50);
      expect(row.timeToLastEvent).toBeGreaterThan(0);
      expect(row.serverCpuPer1000).toBeGreaterThan(0);
      expect(row.schedulerCpuPer1000).toBeGreaterThanOrEqual(0);
      expect(row.peakMemory).toBeGreaterThan(2 ** 24);
    }
    expect(restart).toMatchObject({ nodes: 10, pods: 20, bound: 1, podsPerSecond: null });
    expect(restart.timeToFirstBind).toBeGreaterThan(0);
    expect(readFileSync(out, 'utf8')).toMatch(/\*\*Restart: 10 nodes, 20 pods bound already, one run\*\*/);
  });

  test('measures TEG beside it, on pods that are there before the scheduler', { timeout: 240_000 }, () => {
    const { status, stdout } = bench(
      ...[
        '--workloads',
        'TopologySpreading,Unschedulable',
        '--schedulers',
        'teg,stock-no-batching',
        '--json',
      ],
      ...['--nodes', '10', '--pods', '50', '--repeats', '1', '--created', 'before'],
    );
    expect(status).toBe(0);
    const about = { created: 'before', bound: 50, scheduledEvents: 50, failures: [] };
    const both = ['teg', 'stock-no-batching'].map((scheduler) => ({ ...about, scheduler }));
    expect(JSON.parse(stdout)).toMatchObject([...both, ...both]);
  });

  test('packs nodes until nothing fits', { timeout: 240_000 }, () => {
    const nodes = 'sn,cpu_milli,memory_mib,gpu,model\nnode-a,8000,65536,2,T4\nnode-b,8000,65536,4,T4\n';
    writeFileSync(join(folder, 'openb_node_list_gpu_node.csv'), nodes);
    // Eight GPUs are asked for and six are there; the pod of three CPUs fits besides.
    const pods = ['1000,1024,2', '1000,1024,2', '1000,1024,2', '1000,1024,2', '3000,1024,0'];
    writeFileSync(join(folder, 'few-1.csv'), `cpu_milli,memory_mib,gpus\n${pods.join('\n')}\n`);
    const results = 'workload,seed,strategy,gpu_percent,cpu_percent\nfew,1,LeastAllocated,66.67,50\n';
    writeFileSync(join(folder, 'results.csv'), results);
    const { status, stdout } = bench(
      ...['--workloads', 'Packing', '--schedulers', 'stock', '--json'],
      ...['--traces', folder, '--kube-reference', folder],
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject([
      {
        workload: 'Packing',
        sequence: 'few-1',
        pods: 5,
        bound: 4,
        gpuPercent: 100,
        cpuPercent: 37.5,
        predictedGpuPercent: 100,
        publishedLeastAllocated: 66.67,
        publishedMostAllocated: null,
      },
    ]);
  });
});

describe('options', () => {
  test.each([
    [['--workloads', 'Basic'], /got the workload 'Basic', expected some of SchedulingBasic, .*Packing/],
    [
      ['--schedulers', 'volcano'],
      /got the scheduler 'volcano', expected some of teg, teg-no-coalescing, stock/,
    ],
    [['--workloads', 'Packing'], /got no --traces DIR, expected it for Packing/],
    [['--created', 'after'], /got 'after', expected meanwhile or before/],
    [['--repeats', '0'], /option '--repeats <n>': got '0'/],
    [
      ['--workloads', 'Packing', '--traces', 'src', '--kube-reference', 'src'],
      /got no results\.csv in 'src'/,
    ],
  ])('%s', (args, message) => {
    const { status, stderr } = bench(...args);
    expect(stderr).toMatch(message);
    expect(status).toBe(2);
  });
});
