import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { ClusterState } from '../model/cluster-state.ts';
import { type Constraint, type Demand, DemandTable } from '../model/demand.ts';
import type { PodSpec } from '../model/job.ts';
import { Fragmentation, type TypicalShapes, typicalShapes } from './fragmentation.ts';

const POD: PodSpec = { cpuMilli: 0, memoryMib: 0, gpuCount: 0, gpuMilli: 0, gpuModels: [] };

function pod(
  cpuMilli: number,
  gpuCount: number,
  gpuMilli: number,
  gpuModels: readonly string[] = [],
): PodSpec {
  return { ...POD, cpuMilli, gpuCount, gpuMilli, gpuModels };
}

/** Shapes of these pods, each counted as often as it occurs, all of them included. */
function shapesOf(table: DemandTable, pods: readonly PodSpec[]): TypicalShapes {
  const counts = new Map<Demand, number>();
  for (const spec of pods) {
    const demand = table.intern(spec);
    counts.set(demand, (counts.get(demand) ?? 0) + 1);
  }
  return typicalShapes([...counts.keys()], [...counts.values()], table);
}

/** F of one node with this much CPU and these idle parts towards one shape. */
function fragment(cpuMilli: number, idle: readonly number[], shape: PodSpec, model = 'T4'): number {
  const table = new DemandTable();
  const cluster = new ClusterState(table);
  cluster.addNode({
    name: 'n',
    cpuMilli,
    memoryMib: 1,
    gpuCount: idle.length,
    gpuModel: model,
    podsMax: 9,
  });
  const fragmentation = new Fragmentation(shapesOf(table, [shape]), cluster);
  return fragmentation.ofState(0, cpuMilli, Uint16Array.from(idle), idle.length);
}

describe('fragmentation towards one shape', () => {
  const idle = [1000, 600, 200];
  it.each([
    ['a pod without GPU that fits (XL)', 9000, pod(1000, 0, 0), 1800],
    ['a pod without GPU that does not (XR)', 500, pod(1000, 0, 0), 1800],
    ['a model that is not allowed', 9000, pod(1000, 1, 500, ['A10']), 1800],
    ['a model that is allowed', 9000, pod(1000, 1, 500, ['A10', 'T4']), 200],
    ['a share that fits (Q3): the GPUs too small for it', 9000, pod(1000, 1, 600), 200],
    ['a whole GPU', 9000, pod(1000, 1, 1000), 800],
    ['GPUs that fit and CPU that does not (Q4)', 500, pod(1000, 1, 600), 1800],
    ['CPU that fits and GPUs that do not (Q2)', 9000, pod(1000, 2, 1000), 1800],
    ['neither (Q1)', 500, pod(1000, 2, 1000), 1800],
  ])('%s', (_, cpuMilli, shape, expected) => {
    expect(fragment(cpuMilli, idle, shape)).toBe(expected);
  });
});

/** The definition, written down without any shortcut. */
function definition(
  shapes: TypicalShapes,
  table: DemandTable,
  model: string,
  cpuMilli: number,
  idle: readonly number[],
): number {
  const total = idle.reduce((sum, r) => sum + r, 0);
  let result = 0;
  for (let m = 0; m < shapes.count; m++) {
    const gpus = shapes.gpuCount[m]!;
    const milli = shapes.gpuMilli[m]!;
    const { gpuModels } = table.constraints[shapes.constraintIds[m]!] as Constraint;
    const allowed = gpuModels.length === 0 || gpuModels.includes(model);
    const fits = cpuMilli >= shapes.cpuMilli[m]! && idle.filter((r) => r >= milli).length >= gpus;
    const usable = gpus > 0 && allowed && fits ? idle.filter((r) => r >= milli) : [];
    result += shapes.weights[m]! * (total - usable.reduce((sum, r) => sum + r, 0));
  }
  return result;
}

const podArbitrary = fc
  .record({
    cpuMilli: fc.integer({ min: 0, max: 20 }).map((cores) => cores * 1000),
    gpus: fc.constantFrom([0, 0], [1, 300], [1, 500], [1, 1000], [2, 1000], [8, 1000]),
    gpuModels: fc.subarray(['T4', 'A10', 'G2']),
  })
  .map(({ cpuMilli, gpus, gpuModels }) => pod(cpuMilli, gpus[0]!, gpus[1]!, gpuModels));

describe('fragmentation towards a workload', () => {
  it('is the weighted mean of the definition, for any node state', () => {
    const states = fc.record({
      cpuMilli: fc.integer({ min: 0, max: 20_000 }),
      idle: fc.array(
        fc.integer({ min: 0, max: 10 }).map((tenth) => tenth * 100),
        { maxLength: 8 },
      ),
      model: fc.constantFrom('T4', 'G2'),
    });
    checkProperty(
      fc.property(
        fc.array(podArbitrary, { minLength: 1, maxLength: 30 }),
        states,
        (pods, { cpuMilli, idle, model }) => {
          const table = new DemandTable();
          const cluster = new ClusterState(table);
          cluster.addNode({
            name: 'n',
            cpuMilli: 20_000,
            memoryMib: 1,
            gpuCount: idle.length,
            gpuModel: model,
            podsMax: 9,
          });
          const shapes = shapesOf(table, pods);
          const fragmentation = new Fragmentation(shapes, cluster);
          const value = fragmentation.ofState(0, cpuMilli, Uint16Array.from(idle), idle.length);
          const nodeModel = idle.length > 0 ? model : '';
          expect(value).toBeCloseTo(definition(shapes, table, nodeModel, cpuMilli, idle), 6);
          const whole = new Array<number>(idle.length).fill(1000);
          expect(fragmentation.ofNode(0)).toBeCloseTo(definition(shapes, table, nodeModel, 20_000, whole), 6);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('typicalShapes', () => {
  const table = new DemandTable();
  const times = (count: number, spec: PodSpec): PodSpec[] => new Array<PodSpec>(count).fill(spec);

  it('takes the most frequent shapes until they cover 95 % and makes their weights sum to 1', () => {
    const shapes = shapesOf(table, [
      ...times(4, pod(3000, 0, 0)),
      ...times(60, pod(1000, 1, 1000)),
      ...times(35, pod(2000, 1, 500)),
      ...times(1, pod(9000, 8, 1000)),
    ]);
    expect([...shapes.cpuMilli]).toEqual([1000, 2000]);
    expect([...shapes.gpuMilli]).toEqual([1000, 500]);
    expect([...shapes.weights]).toEqual([0.6 / 0.95, 0.35 / 0.95]);
  });

  it('breaks ties by CPU, GPU share, GPUs, model', () => {
    const shapes = shapesOf(table, [
      pod(1000, 1, 500),
      pod(2000, 0, 0),
      pod(1000, 1, 1000, ['T4']),
      pod(1000, 2, 1000),
      pod(1000, 1, 1000, ['V100']),
    ]);
    const models = [...shapes.constraintIds].map((id) => table.constraints[id]!.gpuModels.join());
    expect([...shapes.cpuMilli]).toEqual([2000, 1000, 1000, 1000, 1000]);
    expect([...shapes.gpuMilli]).toEqual([0, 1000, 1000, 1000, 500]);
    expect([...shapes.gpuCount]).toEqual([0, 2, 1, 1, 1]);
    expect(models).toEqual(['', '', 'V100', 'T4', '']);
  });

  it('takes pods that differ in memory alone for one shape', () => {
    const shapes = shapesOf(table, [
      { ...pod(1000, 1, 1000), memoryMib: 1 },
      { ...pod(1000, 1, 1000), memoryMib: 2 },
    ]);
    expect(shapes.count).toBe(1);
    expect([...shapes.weights]).toEqual([1]);
  });

  it('of nothing is nothing', () => {
    expect(shapesOf(table, []).count).toBe(0);
  });
});
