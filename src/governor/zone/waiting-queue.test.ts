import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { DemandTable } from '../../model/demand.ts';
import { EffectBuffer } from './effects.ts';
import { EffectKind, Reason } from './zone-events.ts';
import { ShapeHeads, ShapeHeap } from './zone-shape-heap.ts';
import { ZoneShapeTable } from './zone-shapes.ts';

describe('ShapeHeap', () => {
  test('finds the first shape that fits, as a search through all of them does', () => {
    const shape = fc.record({ cpu: fc.nat(5), memory: fc.nat(5), gpus: fc.nat(3), priority: fc.nat(2) });
    const operation = fc.record({ pick: fc.nat(1000), rank: fc.nat(1000), add: fc.boolean() });
    checkProperty(
      fc.property(
        fc.array(shape, { minLength: 1, maxLength: 40 }),
        fc.array(operation, { maxLength: 100, size: 'max' }),
        fc.array(fc.tuple(fc.nat(5), fc.nat(5), fc.nat(3)), { minLength: 1, maxLength: 5 }),
        (kinds, operations, bounds) => {
          const { heads, heap, shapes } = shapeHeap(kinds);
          const inside = new Set<number>();
          operations.forEach(({ pick, rank, add }, i) => {
            const at = pick % shapes.count;
            if (inside.has(at) && !add) {
              heap.remove(at);
              inside.delete(at);
            } else {
              heads.set(at, i, kinds[at % kinds.length]?.priority ?? 0, rank + i / 1000);
              if (inside.has(at)) heap.moved(at);
              else heap.add(at);
              inside.add(at);
            }
            expect(heap.isSound()).toBe(true);
          });
          const order = [...inside].sort((a, b) => (heads.before(a, b) ? -1 : 1));
          expect(heap.first()).toBe(order[0] ?? -1);
          for (const [cpu, memory, gpus] of bounds) {
            const fits = (s: number): boolean => {
              const demand = shapes.demands[s]!;
              return demand.cpuMilli <= cpu && demand.memoryMib <= memory && demand.gpuCount <= gpus;
            };
            const odd = (s: number): boolean => s % 3 !== 1;
            expect(heap.search(cpu, memory, gpus * 1000, odd)).toBe(
              order.find((s) => fits(s) && odd(s)) ?? -1,
            );
          }
        },
      ),
    );
  });
});

describe('EffectBuffer', () => {
  test('grows beyond its first capacity and hashes every column', () => {
    const filled = (change: (effects: EffectBuffer) => void): number => {
      const effects = new EffectBuffer(10_000);
      for (let i = 0; i < 1000; i++) {
        effects.pushPod(EffectKind.PodPlaced, i, i % 7, i * 3, i & 255);
        effects.pushJob(EffectKind.JobStarted, i, i % 5, Reason.None);
      }
      change(effects);
      expect(effects.room).toBe(10_000 - effects.length);
      return effects.hash(7);
    };
    const same = filled(() => {});
    expect(filled(() => {})).toBe(same);
    const changes: ((e: EffectBuffer) => void)[] = [
      (e) => e.kinds.fill(3, 100, 101),
      (e) => e.reasons.fill(3, 100, 101),
      (e) => e.jobs.fill(3, 100, 101),
      (e) => e.members.fill(3, 100, 101),
      (e) => e.nodes.fill(3, 100, 101),
      (e) => e.gpuMasks.fill(3, 100, 101),
      (e) => e.counts.fill(3, 101, 102),
      (e) => e.pushJob(EffectKind.JobWaiting, 0, 0, Reason.NoFit),
    ];
    const hashes = new Set(changes.map(filled));
    hashes.add(same);
    expect(hashes.size).toBe(changes.length + 1);
  });
});

function shapeHeap(kinds: readonly { cpu: number; memory: number; gpus: number }[]): {
  heads: ShapeHeads;
  heap: ShapeHeap;
  shapes: ZoneShapeTable;
} {
  const table = new DemandTable();
  const shapes = new ZoneShapeTable(table);
  for (const { cpu, memory, gpus } of kinds) {
    const gpuMilli = gpus > 0 ? 1000 : 0;
    const demand = table.intern({
      cpuMilli: cpu,
      memoryMib: memory,
      gpuCount: gpus,
      gpuMilli,
      gpuModels: [],
    });
    for (let pods = 1; pods <= 3; pods++) shapes.intern(demand.id, pods, pods);
  }
  const heads = new ShapeHeads();
  return { heads, heap: new ShapeHeap(heads, shapes), shapes };
}
