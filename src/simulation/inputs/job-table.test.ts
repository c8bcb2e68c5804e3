import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { Random } from '../../kernel/random.ts';
import { DemandTable } from '../../model/demand.ts';
import type { JobSpec } from '../../model/job.ts';
import { TENANTS_MAX } from '../../model/limits.ts';
import { DEFAULT_TENANT_NAME, TenantTable } from '../../model/tenants.ts';
import { jobShapes, SIZE_CLASSES } from '../metrics/job-shapes.ts';
import { type JobTable, JobTableBuilder, type JobTableOptions } from './job-table.ts';

function spec(id: string, submitSeconds: number, more: Partial<JobSpec> = {}): JobSpec {
  return {
    id,
    tenant: '',
    priority: 0,
    cpuMilli: 1000,
    memoryMib: 100,
    gpuCount: 0,
    gpuMilli: 0,
    gpuModels: [],
    submitSeconds,
    durationSeconds: 10,
    requestedSeconds: Number.NaN,
    podCount: 1,
    gangMin: 1,
    ...more,
  };
}

function build(specs: readonly JobSpec[], options: JobTableOptions = {}): JobTable {
  const builder = new JobTableBuilder(new DemandTable());
  for (const s of specs) builder.add(s);
  return builder.build(options);
}

function ids(table: JobTable): string[] {
  return Array.from({ length: table.count }, (_, job) => table.idOf(job));
}

describe('JobTable', () => {
  test('orders by submission, keeps ties in source order, begins at 0', () => {
    const table = build([spec('late', 9), spec('b', -5), spec('c', -5), spec('a', 2)]);
    expect(ids(table)).toEqual(['b', 'c', 'a', 'late']);
    expect([...table.submitSeconds]).toEqual([0, 0, 7, 14]);
    expect(table.spanSeconds).toBe(14);
  });

  test('an elastic array becomes single jobs, a gang stays one', () => {
    const gang = spec('g', 1, { podCount: 4, gangMin: 4, priority: 7 });
    const table = build([spec('e', 0, { podCount: 3 }), gang]);
    expect(ids(table)).toEqual(['e/0', 'e/1', 'e/2', 'g']);
    expect([...table.podCounts]).toEqual([1, 1, 1, 4]);
    expect([...table.gangMins]).toEqual([1, 1, 1, 4]);
    expect([...table.priorities]).toEqual([0, 0, 0, 7]);
    expect(table.podTotal).toBe(7);
  });

  test('a job keeps its tenant, in every repetition and for each member; one without is the default tenant’s', () => {
    const specs = [
      spec('a', 0, { tenant: 'nlp', podCount: 2 }),
      spec('b', 1),
      spec('c', 2, { tenant: 'vision' }),
    ];
    const table = build(specs, { repeat: 2 });
    const names = Array.from(table.tenantIds, (tenant) => table.tenants.nameOf(tenant));
    const once = ['nlp', 'nlp', DEFAULT_TENANT_NAME, 'vision'];
    expect(names).toEqual([...once, ...once]);
    const drawn = build(specs, { repeat: 20, resample: new Random(3) });
    for (let job = 0; job < drawn.count; job++) {
      const of = specs.find(({ id }) => drawn.idOf(job).startsWith(id))?.tenant;
      expect(drawn.tenants.nameOf(drawn.tenantIds[job] as number)).toBe(of === '' ? DEFAULT_TENANT_NAME : of);
    }
  });

  test('a tenant too many is refused, and adds nothing', () => {
    const tenants = new TenantTable();
    for (let i = 1; i < TENANTS_MAX; i++) tenants.intern(`t${i}`);
    const builder = new JobTableBuilder(new DemandTable(), tenants);
    builder.add(spec('a', 0, { tenant: 't5' }));
    expect(() => builder.add(spec('b', 0, { tenant: 'one-more' }))).toThrow(
      expect.objectContaining({ code: 'TEG_LIMIT_REACHED' }),
    );
    expect(ids(builder.build())).toEqual(['a']);
  });

  test('finds a job by its id, an array by its own', () => {
    const table = build([spec('e', 0, { podCount: 3 }), spec('x/1', 1), spec('y', 2)], { repeat: 2 });
    for (let job = 0; job < table.count; job++) expect(table.indexOf(table.idOf(job))).toBe(job);
    expect(table.indexOf('e')).toBe(0);
    expect(table.indexOf('e/7')).toBe(-1);
    expect(table.indexOf('nobody')).toBe(-1);
  });

  test('equal pods share a demand', () => {
    const table = build([spec('a', 0), spec('b', 1), spec('c', 2, { cpuMilli: 2000 })]);
    expect(table.demandOf(0)).toBe(table.demandOf(1));
    expect(table.demandOf(2).cpuMilli).toBe(2000);
  });

  test('load compresses arrivals, repeat continues after one mean gap', () => {
    const specs = [spec('a', 0), spec('b', 10), spec('c', 20)];
    expect([...build(specs, { load: 2 }).submitSeconds]).toEqual([0, 5, 10]);
    const twice = build(specs, { repeat: 2 });
    expect([...twice.submitSeconds]).toEqual([0, 10, 20, 30, 40, 50]);
    expect(ids(twice)).toEqual(['a', 'b', 'c', 'a#2', 'b#2', 'c#2']);
  });

  test('resampling keeps the instants and draws the jobs by seed', () => {
    const specs = Array.from({ length: 200 }, (_, i) => spec(`j${i}`, i * i, { durationSeconds: i }));
    const once = build(specs, { resample: new Random(4) });
    const again = build(specs, { resample: new Random(4) });
    const other = build(specs, { resample: new Random(5) });
    expect([...once.submitSeconds]).toEqual(specs.map((s) => s.submitSeconds));
    expect([...once.durationSeconds]).toEqual([...again.durationSeconds]);
    expect([...once.durationSeconds]).not.toEqual([...other.durationSeconds]);
    expect(new Set(once.durationSeconds).size).toBeLessThan(150);
  });

  test('resampling draws every job alike, the first and the last too', () => {
    const specs = [1, 2, 3].map((seconds) => spec(`${seconds}`, seconds, { durationSeconds: seconds }));
    const { durationSeconds } = build(specs, { repeat: 1000, resample: new Random(4) });
    for (const seconds of [1, 2, 3]) {
      const drawn = durationSeconds.filter((duration) => duration === seconds).length;
      expect(drawn, `of 3,000 draws, job ${seconds}`).toBeGreaterThan(900);
    }
  });

  test('too many pods are refused before anything is allocated for them', () => {
    const specs = [spec('a', 0, { podCount: 50 }), spec('b', 0, { podCount: 50, gangMin: 50 })];
    expect(build(specs, { podsMax: 100 }).podTotal).toBe(100);
    expect(() => build(specs, { podsMax: 99 })).toThrow(/100 pods or more.*at most 99/);
    expect(() => build(specs, { repeat: 1e9 })).toThrow(/at most 20000000/);
  });

  test('an empty workload is an empty table', () => {
    const table = build([], { repeat: 3 });
    expect([table.count, table.podTotal, table.spanSeconds]).toEqual([0, 0, 0]);
  });

  test('sorting loses and invents nothing', () => {
    const row = fc.record({
      at: fc.integer({ min: -1000, max: 1000 }),
      pods: fc.integer({ min: 1, max: 5 }),
    });
    checkProperty(
      fc.property(fc.array(row), (rows) => {
        const table = build(rows.map((r, i) => spec(`${i}`, r.at, { podCount: r.pods })));
        expect(table.count).toBe(rows.reduce((sum, r) => sum + r.pods, 0));
        expect(new Set(ids(table)).size).toBe(table.count);
        for (let job = 1; job < table.count; job++) {
          expect(table.submitSeconds[job]).toBeGreaterThanOrEqual(table.submitSeconds[job - 1] as number);
        }
      }),
    );
  });
});

describe('jobShapes', () => {
  test('jobs of one demand, pod count and gang are one kind', () => {
    const table = build([
      spec('a', 0),
      spec('b', 1, { podCount: 2, gangMin: 2 }),
      spec('c', 2),
      spec('d', 3, { podCount: 2, gangMin: 2 }),
    ]);
    const shapes = jobShapes(table);
    expect(shapes.count).toBe(2);
    expect([...shapes.shapeIds]).toEqual([0, 1, 0, 1]);
    expect([...shapes.podCounts]).toEqual([1, 2]);
  });

  test.each([
    [0, 0, 1, 'cpu-only'],
    [1, 300, 1, 'gpu-share'],
    [1, 1000, 1, 'gpu-1'],
    [2, 1000, 1, 'gpu-2-8'],
    [8, 1000, 1, 'gpu-2-8'],
    [1, 1000, 8, 'gpu-2-8'],
    [8, 1000, 2, 'gpu-over-8'],
  ])('%d GPUs of %d milli × %d pods is %s', (gpuCount, gpuMilli, podCount, size) => {
    const table = build([spec('a', 0, { gpuCount, gpuMilli, podCount, gangMin: podCount })]);
    expect(SIZE_CLASSES[jobShapes(table).sizeClasses[0] as number]).toBe(size);
  });
});
