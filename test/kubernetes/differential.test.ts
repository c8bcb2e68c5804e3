/**
 * The stock scheduler and TEG on the same random pods and nodes, in short: `docs/kubernetes-differential.md` has the
 * long runs and how to repeat them.
 */
import { expect, test } from 'vitest';
import { builtBinary } from '../../lab/control-plane/go-modules.ts';
import { describeWithControlPlane } from './control-plane-fixture.ts';
import { drawCase } from './differential/draw-case.ts';
import { THEMES } from './differential/draw-nodes.ts';
import { runInProcess, tallyText } from './differential/in-process.ts';
import { realTallyText, runReal } from './differential/real.ts';

const IN_PROCESS_CASES = 3000;
const REAL_CASES = 100;
/** With an economy; more by hand. */
const OBSERVED_CASES = 1000;
const ENFORCED_CASES = 3000;
const ENFORCED_REAL_CASES = 60;
const SHOWN = 5;

describeWithControlPlane('differential', ['kube-scheduler', 'scheduler-oracle'], () => {
  const oracle = builtBinary('scheduler-oracle') as string;

  test('cases are the same whenever they are drawn, and about everything', () => {
    expect(drawCase(7)).toEqual(drawCase(7));
    const seen = new Set(Array.from({ length: 50 }, (_, seed) => drawCase(seed).themes).flat());
    expect([...seen].sort()).toEqual([...THEMES].sort());
  });

  test('feasible nodes, victims and texts are the same in process', async () => {
    const tally = await runInProcess(oracle, 1, IN_PROCESS_CASES);
    expect(tally.disagreements.length, tallyText(tally, SHOWN)).toBe(0);
    // Of everything there was something to agree on.
    expect(tally.invalid).toBeLessThan(IN_PROCESS_CASES / 10);
    expect(Math.min(tally.gated, tally.placed, tally.preempting, tally.refused)).toBeGreaterThan(10);
    for (const plugin of [
      'NodeUnschedulable',
      'TaintToleration',
      'NodeAffinity',
      'NodePorts',
      'NodeResourcesFit',
      'VolumeRestrictions',
      'NodeVolumeLimits',
      'VolumeBinding',
      'VolumeZone',
      'PodTopologySpread',
      'InterPodAffinity',
    ]) {
      expect(tally.plugins.get(plugin) ?? 0, `refusals by ${plugin}`).toBeGreaterThan(0);
    }
  });

  test('an economy that observes changes nothing', async () => {
    const tally = await runInProcess(oracle, 1, OBSERVED_CASES, 'observe');
    expect(tally.disagreements.length, tallyText(tally, SHOWN)).toBe(0);
    expect(Math.min(tally.gated, tally.placed, tally.evicting, tally.refused)).toBeGreaterThan(0);
  });

  test('feasible nodes and texts are the same with an economy in force', async () => {
    const tally = await runInProcess(oracle, 1, ENFORCED_CASES, 'enforce');
    expect(tally.disagreements.length, tallyText(tally, SHOWN)).toBe(0);
    expect(Math.min(tally.gated, tally.placed, tally.evicting, tally.refused)).toBeGreaterThan(10);
  });

  test.each([
    ['off', REAL_CASES],
    ['enforce', ENFORCED_REAL_CASES],
  ] as const)(
    'both schedulers say the same on a real API server, economy %s',
    { timeout: 600_000 },
    async (mode, cases) => {
      const tally = await runReal(oracle, 1, cases, cases, undefined, mode);
      expect(tally.differences.length, realTallyText(tally, SHOWN)).toBe(0);
      expect(tally.free).toBe(cases);
      expect(Math.min(tally.gated, tally.placed, tally.refused)).toBeGreaterThan(10);
    },
  );
});
