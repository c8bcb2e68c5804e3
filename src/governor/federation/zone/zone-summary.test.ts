import { describe, expect, test } from 'vitest';
import type { Hologram } from '../../../field/hologram/hologram.ts';
import { DemandId, message, reply } from '../federation.fixtures.ts';
import { MessageKind } from '../messages.ts';
import { Site } from '../zone-governor.fixtures.ts';

describe('publishing', () => {
  test('comes every period in a constant phase, with growing versions', () => {
    const site = new Site({ firstPublishSeconds: 0.25, options: { publishSeconds: 2 } });
    const versions: number[] = [];
    for (const at of [0.25, 2.25, 4.25]) {
      expect(site.process.wakeAt).toBe(at);
      expect(site.wake(at - 0.01).messages).toEqual([]);
      const summary = reply(site.wake(at));
      expect(summary).toMatchObject({ kind: MessageKind.Summary, from: 0, to: 100 });
      expect(summary.hologram).toMatchObject({ takenAt: at, newestAt: at });
      expect(site.process.version).toBe(summary.version);
      versions.push(summary.version);
    }
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    site.wake(11.5);
    expect(site.process.wakeAt).toBe(12.25);
  });

  test('a governor without a parent publishes nothing', () => {
    const site = new Site({ parent: -1, firstPublishSeconds: 0 });
    expect(site.process.wakeAt).toBe(Number.POSITIVE_INFINITY);
    expect(site.wake(100).messages).toEqual([]);
  });

  test('shows the nodes as they are, and counts them again only where something happened', () => {
    const site = new Site({ nodes: 2, firstPublishSeconds: 0 });
    const shown = (at: number): Hologram => reply(site.wake(at)).hologram;
    const wholeGpus = ({ classes }: Hologram): number[] =>
      [...classes.whole].flatMap((whole, i) =>
        new Array<number>(classes.nodeCounts[i] as number).fill(whole),
      );
    const empty = shown(0);
    expect(wholeGpus(empty)).toEqual([4, 4]);
    const quiet = shown(1);
    expect(quiet.classes).toBe(empty.classes);
    expect([quiet.takenAt, quiet.newestAt]).toEqual([1, 1]);
    site.running(1, 1.5, { podCount: 3 });
    const busy = shown(2);
    expect(wholeGpus(busy).sort()).toEqual([1, 4]);
    site.step((out) => site.process.nodeDown(0, 2.5, out));
    expect(wholeGpus(shown(3))).toHaveLength(1);
  });

  test('sums add up: free, held and running make the capacity', () => {
    const site = new Site({ nodes: 4 });
    site.running(1, 0, { podCount: 2 });
    site.running(3, 0, { demandId: DemandId.Cpu });
    site.offered(2, 999_999, { podCount: 3 });
    site.down(3, 999_999);
    const { hologram } = site.published();
    const { cluster, runningPods } = site.process.arbiter.zone;
    const { sums, maxima } = hologram;
    expect(sums).toMatchObject({
      zones: 1,
      nodes: 4,
      nodesUp: 3,
      capacityGpuMilli: 16_000,
      capacityCpuMilli: 128_000,
      waitingJobs: 0,
      waitingGpuMilli: 0,
    });
    const { ledger } = site.process;
    expect(sums.heldGpuMilli).toBe(ledger.escrowGpuMilli);
    // The node that is down counts as capacity, and nothing on it is free.
    expect(sums.freeGpuMilli + sums.heldGpuMilli + ledger.runningGpuMilli).toBe(12_000);
    expect(sums.pods).toBe(ledger.runningPods);
    expect(runningPods).toBeGreaterThanOrEqual(ledger.runningPods);
    expect(maxima.zoneFreeGpuMilli).toBe(sums.freeGpuMilli);
    expect(maxima.heldShare).toBeCloseTo(ledger.escrowGpuMilli / 16_000, 9);
    expect(cluster.nodeCount).toBe(4);
  });

  test('whole GPUs are those that are idle on nodes that are up', () => {
    const site = new Site({ nodes: 2 });
    site.running(1, 0, { demandId: DemandId.HalfGpu });
    expect(site.published().hologram.maxima.zoneWholeGpus).toBe(7);
    site.down(0, 1e6);
    const left = site.published().hologram;
    expect([3, 4]).toContain(left.maxima.zoneWholeGpus);
    expect(left.sums.freeGpuMilli).toBe(left.maxima.zoneFreeGpuMilli);
  });

  test('shows the waiting jobs of all its hosts, while their reports are fresh', () => {
    const site = new Site({ firstPublishSeconds: 0, options: { expireSeconds: 10 } });
    const report = (host: number, at: number, jobs: number, gpuMilli: number, oldest: number): void => {
      const fields = { waitingJobs: jobs, waitingGpuMilli: gpuMilli, oldestSeconds: oldest };
      site.receive(message(MessageKind.HostReport, host, 0, fields), at);
    };
    const shown = (at: number): number[] => {
      const { sums, maxima } = reply(site.wake(at)).hologram;
      return [sums.waitingJobs, sums.waitingGpuMilli, maxima.oldestWaitSeconds];
    };
    report(50, 0, 3, 3000, 2);
    report(51, 0, 2, 500, 7);
    expect(shown(1)).toEqual([5, 3500, 7]);
    report(50, 5, 1, 1000, 3);
    expect(shown(6)).toEqual([3, 1500, 7]);
    expect(shown(11)).toEqual([1, 1000, 3]);
    expect(shown(16)).toEqual([0, 0, 0]);
  });

  test('shows how many proposals come', () => {
    const site = new Site({ firstPublishSeconds: 100 });
    for (let i = 0; i < 1000; i++) site.propose(1, i / 10);
    const { arrivalsPerSecond } = reply(site.wake(100)).hologram.sums;
    expect(arrivalsPerSecond).toBeGreaterThan(9);
    expect(arrivalsPerSecond).toBeLessThan(11);
  });
});
