import { expect, test } from 'vitest';
import type { CgroupHandle } from '../../guard/node/cgroup-backend.ts';
import { SimulatedCgroups } from '../../guard/node/simulated-cgroups.fixtures.ts';
import { UsageReader } from './usage-reader.ts';

const MIB = 1024 * 1024;

/** A group, and how often its parts were read. */
function counted() {
  const backend = new SimulatedCgroups();
  const group = backend.create('/a');
  const handle = backend.open('/a');
  const reads = { parts: 0 };
  const watched: Pick<CgroupHandle, 'parts' | 'usage'> = {
    usage: () => handle.usage(),
    parts: () => {
      reads.parts++;
      return handle.parts();
    },
  };
  return { group, backend, reads, reader: new UsageReader(watched as CgroupHandle) };
}

test('a group that does not grow has its parts read once; one that grows, once in 20 ms', () => {
  const { group, reads, reader } = counted();
  group.anonymous = 10 * MIB;
  for (let time = 0; time < 1; time += 0.001) expect(reader.read(time)).toBe(10);
  expect(reads.parts).toBe(1);
  for (let time = 1; time < 2; time += 0.001) {
    group.anonymous += MIB;
    reader.read(time);
  }
  expect(reads.parts).toBeGreaterThan(40);
  expect(reads.parts).toBeLessThan(60);
});

test('is never more than half a MiB too low, whatever cache and the rest do', () => {
  const { group, reader } = counted();
  group.anonymous = 10 * MIB;
  group.cache = 0.4 * MIB;
  reader.read(0);
  // Cache has turned into other memory; usage as a whole is the same.
  group.anonymous += 0.4 * MIB;
  group.cache = 0;
  expect(reader.read(0.001)).toBeGreaterThanOrEqual(9.9);
  group.cache = 500 * MIB;
  reader.read(0.1);
  expect(reader.read(0.1)).toBeCloseTo(10.4, 6);
  group.anonymous += 300 * MIB;
  group.cache -= 300 * MIB;
  expect(reader.read(0.101)).toBeCloseTo(310.4, 6);
});

test('of a group that is gone nothing is known', () => {
  const { backend, reader } = counted();
  reader.read(0);
  backend.remove('/a');
  expect(reader.read(0.001)).toBeNaN();
});
