import { describe, expect, test } from 'vitest';
import { stream } from '../../../test/support/random-cluster.ts';
import type { Random } from '../../kernel/random.ts';
import { DemandTable } from '../../model/demand.ts';
import { ClassCollector } from './class-collector.ts';
import { hologramOf, randomZone } from './hologram.fixtures.ts';
import {
  emptyMaxima,
  emptySums,
  exactSums,
  Hologram,
  type HologramParts,
  mergeHolograms,
  sortedModels,
} from './hologram.ts';
import { hologramExtended, hologramFlavor, NO_EXTENDED } from './hologram-classes.ts';
import { CLASS_NODES_MAX, HOLOGRAM_LIMITS, RATE_UNIT, SUM_MAX } from './hologram-limits.ts';
import { encodeHologram } from './wire.ts';

const EMPTY = mergeHolograms([]);

/** A hologram of the given parts only. */
function made(parts: Partial<HologramParts>): Hologram {
  const classes = new ClassCollector().finish();
  return new Hologram({
    takenAt: 0,
    newestAt: 0,
    sums: emptySums(),
    maxima: emptyMaxima(),
    demandMilli: 0,
    models: [],
    classes,
    ...parts,
  });
}

/** A hologram of classes that differ in their CPU, with `flavors` kinds of nodes. */
function withClasses(cpus: readonly number[], flavors: (cpu: number) => string): Hologram {
  const collector = new ClassCollector();
  for (const cpu of cpus) {
    const flavor = collector.flavorId(hologramFlavor(flavors(cpu), []));
    collector.add(flavor, collector.extendedId(NO_EXTENDED), 0, 0, 0, 64, cpu, 5, 1);
  }
  return made({ classes: collector.finish() });
}

function randomHolograms(count: number, random: Random): Hologram[] {
  return Array.from({ length: count }, () => hologramOf(randomZone(25, random, new DemandTable()), random));
}

describe('merging', () => {
  test('is commutative and associative, and nothing is neutral: bit for bit', () => {
    const random = stream(3);
    for (let i = 0; i < 60; i++) {
      const [a, b, c, d] = randomHolograms(4, random) as [Hologram, Hologram, Hologram, Hologram];
      const whole = encodeHologram(mergeHolograms([a, b, c, d]));
      const others = [
        mergeHolograms([d, c, b, a]),
        mergeHolograms([mergeHolograms([a, b]), mergeHolograms([c, d])]),
        mergeHolograms([a, mergeHolograms([b, mergeHolograms([c, d])])]),
        mergeHolograms([mergeHolograms([c, EMPTY, a]), EMPTY, mergeHolograms([d, b])]),
      ];
      for (const other of others) expect(encodeHologram(other)).toEqual(whole);
      expect(encodeHologram(mergeHolograms([a, EMPTY]))).toEqual(encodeHologram(a));
      expect(mergeHolograms([a])).toBe(a);
    }
  });

  test('adds sums, takes the worst maxima, the oldest and newest time', () => {
    const random = stream(5);
    const parts = randomHolograms(7, random);
    const merged = mergeHolograms(parts);
    const sum = (of: (part: Hologram) => number): number =>
      parts.reduce((total, part) => total + of(part), 0);
    const max = (of: (part: Hologram) => number): number => Math.max(...parts.map(of));
    expect(merged.takenAt).toBe(Math.min(...parts.map((part) => part.takenAt)));
    expect(merged.newestAt).toBe(max((part) => part.newestAt));
    for (const name of Object.keys(emptySums()) as (keyof ReturnType<typeof emptySums>)[]) {
      expect(merged.sums[name], name).toBe(sum((part) => part.sums[name]));
    }
    for (const name of Object.keys(emptyMaxima()) as (keyof ReturnType<typeof emptyMaxima>)[]) {
      expect(merged.maxima[name], name).toBe(max((part) => part.maxima[name]));
    }
    expect(merged.demandMilli).toBe(sum((part) => part.demandMilli));
    const nodes = (part: Hologram): number => part.classes.nodeCounts.reduce((a, b) => a + b, 0);
    expect(nodes(merged)).toBe(sum(nodes));
    expect(merged.classes.count).toBeLessThan(sum((part) => part.classes.count));
  });

  test('nothing has no age', () => {
    expect([EMPTY.takenAt, EMPTY.newestAt]).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
    expect(EMPTY.sums).toEqual(emptySums());
    expect(EMPTY.classes.count).toBe(0);
  });

  test('counts of equal classes add up; of their free pods the least is kept', () => {
    const one = new ClassCollector();
    one.add(one.flavorId(hologramFlavor('A', [])), one.extendedId(NO_EXTENDED), 0, 1, 500, 64, 125, 7, 2);
    const two = new ClassCollector();
    two.add(two.flavorId(hologramFlavor('A', [])), two.extendedId(NO_EXTENDED), 0, 1, 500, 64, 125, 3, 4);
    const { classes } = mergeHolograms([made({ classes: one.finish() }), made({ classes: two.finish() })]);
    expect([classes.count, classes.nodeCounts[0], classes.podsFree[0]]).toEqual([1, 6, 3]);
  });

  test('stays at the bounds of counts, in any grouping', () => {
    const sums = exactSums({ ...emptySums(), nodes: SUM_MAX - 1, arrivalsPerSecond: 2 ** 32 - 1 });
    const model = { gpuModel: 'A', freeMilli: SUM_MAX, capacityMilli: SUM_MAX - 5, boundMilli: 0 };
    const collector = new ClassCollector();
    collector.add(
      collector.flavorId(hologramFlavor('A', [])),
      collector.extendedId(NO_EXTENDED),
      0,
      0,
      0,
      0,
      0,
      1,
      CLASS_NODES_MAX - 1,
    );
    const part = made({ sums, demandMilli: SUM_MAX, models: [model], classes: collector.finish() });
    const left = mergeHolograms([mergeHolograms([part, part]), part]);
    const right = mergeHolograms([part, mergeHolograms([part, part])]);
    expect(encodeHologram(left)).toEqual(encodeHologram(right));
    expect(left.sums.nodes).toBe(SUM_MAX);
    expect(left.sums.arrivalsPerSecond).toBe(2 ** 32);
    expect(left.classes.nodeCounts[0]).toBe(CLASS_NODES_MAX);
    expect(left.models).toEqual([{ ...model, capacityMilli: SUM_MAX }]);
  });

  test('beyond the limit of classes keeps the first, in any grouping', () => {
    const { classesMax } = HOLOGRAM_LIMITS;
    const thirds = [0, 1, 2].map((third) =>
      withClasses(
        Array.from({ length: classesMax / 2 }, (_, i) => 3 * i + third),
        () => 'A',
      ),
    ) as [Hologram, Hologram, Hologram];
    const [a, b, c] = thirds;
    const whole = mergeHolograms(thirds);
    expect(whole.classes.count).toBe(classesMax);
    expect(whole.classes.cpuMilli).toEqual(Int32Array.from({ length: classesMax }, (_, i) => i));
    expect(encodeHologram(mergeHolograms([mergeHolograms([c, a]), b]))).toEqual(encodeHologram(whole));
  });

  test('beyond the limits of kinds of nodes and of models keeps the first, and no unused entry', () => {
    const { flavorsMax, modelsMax } = HOLOGRAM_LIMITS;
    const name = (i: number): string => `model ${String(i).padStart(5, '0')}`;
    const halves = [0, 1].map((half) =>
      withClasses(
        Array.from({ length: flavorsMax }, (_, i) => 2 * i + half),
        (cpu) => name(cpu),
      ),
    );
    const { classes } = mergeHolograms(halves);
    expect(classes.flavors.map(({ gpuModel }) => gpuModel)).toEqual(
      Array.from({ length: flavorsMax }, (_, i) => name(i)),
    );
    expect(classes.count).toBe(flavorsMax);
    const models = Array.from({ length: modelsMax + 9 }, (_, i) => ({
      gpuModel: name(i),
      freeMilli: 1,
      capacityMilli: 1,
      boundMilli: 0,
    }));
    expect(sortedModels(models.toReversed())).toEqual(models.slice(0, modelsMax));
  });
});

describe('sums', () => {
  test('is rounded so that it adds up exactly', () => {
    const sums = exactSums({ ...emptySums(), pods: 2.4, nodes: 1e300, arrivalsPerSecond: 0.1 });
    expect([sums.pods, sums.nodes]).toEqual([2, SUM_MAX]);
    expect(Math.abs(sums.arrivalsPerSecond - 0.1)).toBeLessThanOrEqual(RATE_UNIT / 2);
    expect(sums.arrivalsPerSecond / RATE_UNIT).toBe(Math.round(0.1 / RATE_UNIT));
  });

  test.each([Number.NaN, -1, Number.POSITIVE_INFINITY])('must be a number that can be added: %d', (pods) => {
    expect(() => exactSums({ ...emptySums(), pods })).toThrow(/assertion failed/);
  });
});

describe('kinds of nodes and further resources', () => {
  test('are the same whatever order they are named in', () => {
    const labels = [
      ['b', '1'],
      ['a', '2'],
    ] as const;
    expect(hologramFlavor('A', labels).key).toBe(hologramFlavor('A', labels.toReversed()).key);
    expect(hologramFlavor('A', [['a', 'b,c']]).key).not.toBe(hologramFlavor('A', [['a,b', 'c']]).key);
    expect(hologramExtended(labels.map(([name]) => [name, 3])).key).toBe('[["a",3],["b",3]]');
    expect(hologramExtended([['a', 0]])).toBe(NO_EXTENDED);
  });

  test('may have any text for a label', () => {
    const { labels } = hologramFlavor('A', [
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(Object.entries(labels)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    expect(hologramFlavor('A', []).labels.constructor).toBeUndefined();
    expect(hologramFlavor('\uD800', []).gpuModel).toBe('\uFFFD');
  });
});
