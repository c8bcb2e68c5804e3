/**
 * Every fault scenario in its short form. `node test/kubernetes/faults/run.ts --full` plays them in full.
 */
import { expect, test } from 'vitest';
import { describeWithControlPlane } from '../control-plane-fixture.ts';
import { playScenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';

const ENFORCED = ['kill -9 of the scheduler'];

describeWithControlPlane('faults', ['kube-scheduler'], () => {
  test.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))(
    '%s',
    async (_, scenario) => {
      const { facts, violations } = await playScenario(scenario, false);
      process.stdout.write(`${scenario.name}: ${JSON.stringify(facts)}\n`);
      expect(violations).toEqual([]);
    },
    600_000,
  );

  // The others by hand: `run.ts --enforce`.
  test.each(
    SCENARIOS.filter(({ name }) => ENFORCED.includes(name)).map((each) => [each.name, each] as const),
  )(
    '%s, with an economy in force',
    async (_, scenario) => {
      const { violations } = await playScenario(scenario, false, true);
      expect(violations).toEqual([]);
    },
    600_000,
  );
});
