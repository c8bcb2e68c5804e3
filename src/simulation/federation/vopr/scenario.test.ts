import { describe, expect, test } from 'vitest';
import { makeTopology } from '../../../governor/federation/topology.ts';
import { delayMaxOf, drawScenario, isPatient } from './scenario.ts';
import { SCENARIO_SPACES, ScenarioSpaces } from './scenario-space.ts';

const spaces = new ScenarioSpaces();
const scenarios = Array.from({ length: 400 }, (_, seed) => drawScenario(seed, spaces));

describe('scenarios', () => {
  test('are the same for the same seed, and plain data', () => {
    for (const scenario of scenarios.slice(0, 20)) {
      expect(drawScenario(scenario.seed, spaces)).toEqual(scenario);
      expect(JSON.parse(JSON.stringify(scenario))).toEqual(scenario);
    }
    expect(new Set(scenarios.map(({ options }) => options.publishSeconds)).size).toBe(400);
  });

  test('are small clusters with trees of one to three levels', () => {
    const levels = scenarios.map(
      ({ zones, hosts, options }) => makeTopology(zones, hosts, options.fanOut).levels,
    );
    expect(new Set(levels)).toEqual(new Set([1, 2, 3]));
    for (const { zones, hosts, nodes, space } of scenarios) {
      expect(zones).toBeGreaterThanOrEqual(2);
      expect(zones).toBeLessThanOrEqual(8);
      expect(hosts).toBeLessThanOrEqual(4);
      expect(nodes.length).toBeGreaterThanOrEqual(zones);
      expect(nodes.length).toBeLessThanOrEqual(6 * zones);
      expect(space).toBeLessThan(SCENARIO_SPACES);
    }
    expect(new Set(scenarios.map(({ space }) => space)).size).toBe(SCENARIO_SPACES);
  });

  test('have limits from tight to wide, and each kind of fault in some seeds and not in others', () => {
    const tight = scenarios.filter(({ options }) => options.escrowsMax <= 3);
    expect(tight.length).toBeGreaterThan(100);
    expect(tight.length).toBeLessThan(300);
    for (const rate of [
      scenarios.map(({ network }) => network.lossRate),
      scenarios.map(({ network }) => network.duplicateRate),
      scenarios.map(({ network }) => network.clogsPerSecond),
      scenarios.map(({ network }) => network.partitionsPerSecond),
      scenarios.map(({ faults }) => faults.crashesPerSecond),
      scenarios.map(({ faults }) => faults.nodeFailuresPerSecond),
    ]) {
      expect(rate.filter((value) => value === 0).length).toBeGreaterThan(80);
      expect(rate.filter((value) => value > 0).length).toBeGreaterThan(80);
    }
  });

  test('mostly, but not always, have the patience that placing takes', () => {
    const patient = scenarios.filter(({ zones, hosts, options, network }) =>
      isPatient(options, makeTopology(zones, hosts, options.fanOut).levels, delayMaxOf(network)),
    );
    expect(patient.length).toBeGreaterThan(280);
    expect(patient.length).toBeLessThan(380);
  });
});

test('patience is short where boards, hops, escrows or answers are', () => {
  const { zones, hosts, options, network } = scenarios[0] as (typeof scenarios)[number];
  const { levels } = makeTopology(zones, hosts, options.fanOut);
  const delayMax = delayMaxOf(network);
  const good = {
    ...options,
    boardEntriesMax: options.fanOut * levels,
    hopsMax: levels,
    expireSeconds: 2 * levels * (options.publishSeconds + delayMax),
    escrowSeconds: 2 * delayMax,
    proposeSeconds: (levels + 2) * delayMax,
  };
  expect(isPatient(good, levels, delayMax)).toBe(true);
  for (const bad of [
    { boardEntriesMax: good.boardEntriesMax - 1 },
    { hopsMax: levels - 1 },
    { expireSeconds: 0.99 * good.expireSeconds },
    { escrowSeconds: 0.99 * good.escrowSeconds },
    { proposeSeconds: good.proposeSeconds / 100 },
  ]) {
    expect(isPatient({ ...good, ...bad }, levels, delayMax)).toBe(false);
  }
});
