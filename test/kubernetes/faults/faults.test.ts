/**
 * Every fault scenario in its short form. `node test/kubernetes/faults/run.ts --full` plays them in full.
 */
import { expect, test } from 'vitest';
import { describeWithControlPlane } from '../control-plane-fixture.ts';
import { playScenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';

/** Also with an economy in force; the others by hand: `run.ts --enforce`. */
const ENFORCED = [
  'kill -9 of the scheduler',
  'etcd compaction',
  'nodes and pods vanish',
  'network and server faults',
  'beside the stock scheduler',
  'two replicas, one lease',
  'API server away beyond the lease',
];

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

  test('these are scenarios', () => {
    expect(SCENARIOS.map(({ name }) => name)).toEqual(expect.arrayContaining(ENFORCED));
  });

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
