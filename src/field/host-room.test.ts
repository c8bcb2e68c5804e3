import { describe, expect, test } from 'vitest';
import { DemandTable } from '../model/demand.ts';
import { HostRoom } from './host-room.ts';

const table = new DemandTable();
const gpu = table.intern({
  cpuMilli: 8000,
  memoryMib: 32_768,
  gpuCount: 1,
  gpuMilli: 1000,
  gpuModels: [],
  extended: { nic: 20 },
});
const cpuOnly = table.intern({ cpuMilli: 1000, memoryMib: 65_536, gpuCount: 0, gpuMilli: 0, gpuModels: [] });

describe('HostRoom', () => {
  const room = new HostRoom({ demands: [gpu, cpuOnly], weights: [0.5, 0.5] });

  test('is the CPU where CPU is scarce', () => {
    expect(room.of(8000, 65_536, [100])).toBe(8000);
  });

  test('is limited by memory or a further resource where that is scarce; pods with GPU set the ratio', () => {
    expect(room.of(64_000, 65_536, [1000])).toBe(16_000);
    expect(room.of(64_000, 262_144, [10])).toBe(4000);
    expect(room.of(64_000, 262_144, [])).toBe(0);
  });

  test('without pods with GPU the others set the ratio', () => {
    const host = new HostRoom({ demands: [cpuOnly], weights: [1] });
    expect(host.of(64_000, 131_072, [])).toBe(2000);
  });
});
