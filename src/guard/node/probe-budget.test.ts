import { describe, expect, test } from 'vitest';
import { type GroupSample, GuardCore, type GuardStep } from './guard-core.ts';
import { guardOptions } from './guard-options.ts';

const OPTIONS = guardOptions({
  wall: 1000,
  processors: 2,
  isRealtime: true,
  rateMax: 512,
  bypassRate: 64,
  frozenSecondsMax: 60,
  gangFrozenSecondsMax: 100,
  escalations: ['thaw'],
  lastResort: 'hold',
});

/** A node of one group, as a backend would run it. */
function world(sample: Partial<GroupSample>) {
  const core = new GuardCore(OPTIONS);
  let isFrozen = false;
  let steps: GuardStep[] = [];
  let now = 0;
  return {
    core,
    get isFrozen() {
      return isFrozen;
    },
    get notes() {
      return steps.flatMap(({ notes }) => notes.map(({ what }) => what));
    },
    get steps() {
      return steps;
    },
    /** Ticks of 10 ms. */
    run(seconds: number, change: Partial<GroupSample> = {}) {
      steps = [];
      for (const end = now + seconds; now < end; now += 0.01) {
        const group: GroupSample = {
          path: '/a',
          usage: 100,
          limit: Number.POSITIVE_INFINITY,
          isFrozen,
          isForeign: false,
          priority: 0,
          optedIn: true,
          ...sample,
          ...change,
        };
        const step = core.step({ wall: 1000, others: 0, groups: [group] }, now);
        for (const { kind } of step.commands) {
          if (kind === 'freeze') isFrozen = true;
          if (kind === 'thaw') isFrozen = false;
        }
        steps.push(step);
      }
    },
  };
}

describe('freezes of groups that have probes', () => {
  test('end at the budget, by hand too, and the group runs for its breather', () => {
    const node = world({ frozenSecondsMax: 3, breatherSeconds: 5 });
    node.run(0.1);
    node.core.freezeByHand('/a');
    node.run(2.9);
    expect(node.isFrozen).toBe(true);
    node.run(0.2);
    expect(node.isFrozen).toBe(false);
    expect(node.notes).toEqual(['thawed before its probes fail']);
    node.core.freezeByHand('/a');
    node.run(4.7);
    expect(node.isFrozen).toBe(false);
    node.run(0.4);
    expect(node.isFrozen).toBe(true);
  });

  test('last without a budget until a person thaws', () => {
    const node = world({});
    node.run(0.1);
    node.core.freezeByHand('/a');
    node.run(90);
    expect(node.isFrozen).toBe(true);
  });

  test('end at once when the group may not be acted on any more', () => {
    const node = world({});
    node.run(0.1);
    node.core.freezeByHand('/a');
    node.run(1);
    node.run(0.011, { optedIn: false });
    expect(node.isFrozen).toBe(false);
  });
});

test('a group that went away under a reading does not lose the next tick', () => {
  const node = world({});
  node.run(0.1, { limit: 200, usage: Number.NaN });
  expect(node.steps.map(({ nextSeconds }) => nextSeconds)).not.toContain(Number.NaN);
});
