/**
 * The state diagram of pods in `docs/pod-scheduler.md` is that of the code: the same states, and every arrow that pods
 * take in random lives.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { QuotaAccounts } from '../src/governor/accounts.fixtures.ts';
import { createConstraints } from '../src/governor/pods/constraints/cluster-constraints.ts';
import { PodScheduler } from '../src/governor/pods/pod-scheduler.ts';
import { RandomLife, randomOptions } from '../src/governor/pods/random-life.fixtures.ts';
import {
  POD_STATE_NAMES,
  type PodRecord,
  type PodStateCode,
} from '../src/governor/pods/state/pod-records.ts';

const PAGE = readFileSync(join(import.meta.dirname, '..', 'docs', 'pod-scheduler.md'), 'utf8');
/** Beginning and end of a pod's life in the diagram. */
const OUTSIDE = '[*]';
const STEPS = 3000;
const SEEDS = 24;

/** The box around the states of pods that are on no node. */
const BOX = 'unassigned';

/** @returns The arrows of a diagram, as ends; Mermaid writes `in_group` for `in-group`. */
function arrowsIn(diagram: string): [string, string][] {
  const lines = diagram.replaceAll('_', '-').matchAll(/^ *(\S+?)-->([^\s:]+)/gm);
  return [...lines].map(([, from = '', to = '']) => [from, to]);
}

/** @returns The arrows of the page's diagram, as `from --> to`: one from the box is one from each state in it. */
function drawn(): string[] {
  const [, diagram = ''] = /```mermaid\nstateDiagram-v2\n([\s\S]*?)```/.exec(PAGE) ?? [];
  const [, box = ''] = /state unassigned \{([\s\S]*?)\n {2}\}/.exec(diagram) ?? [];
  const boxed = [...new Set(arrowsIn(box).flat())];
  return arrowsIn(diagram).flatMap(([from, to]) =>
    (from === BOX ? boxed : [from]).filter((each) => each !== to).map((each) => `${each} --> ${to}`),
  );
}

/** @returns The arrows that pods take in random lives. */
function lived(): Set<string> {
  const arrows = new Set<string>();
  for (let seed = 0; seed < SEEDS; seed++) {
    const life = new RandomLife(seed, { nodes: 6, pods: 40, groups: 4, freshShapes: false });
    const accounts = seed % 2 === 0 ? undefined : new QuotaAccounts(5);
    const options = { ...randomOptions(seed), ...(seed % 3 === 0 ? { waitingPodsMax: 8 } : {}) };
    const scheduler = new PodScheduler(options, createConstraints(), accounts);
    const { queue } = scheduler.internals;
    const move = queue.move.bind(queue);
    queue.move = (pod: PodRecord, to: PodStateCode): void => {
      if (pod.state !== to) arrows.add(`${POD_STATE_NAMES[pod.state]} --> ${POD_STATE_NAMES[to]}`);
      move(pod, to);
    };
    for (let step = 0; step < STEPS; step++) {
      life.take(scheduler.step(life.next(), life.timeSeconds));
    }
  }
  return arrows;
}

describe('the state diagram of pods', () => {
  test('has exactly the states of the code', () => {
    const states = new Set(drawn().flatMap((arrow) => arrow.split(' --> ')));
    states.delete(OUTSIDE);
    expect([...states].sort()).toEqual([...POD_STATE_NAMES].sort());
  });

  test('has every arrow that pods take, and no other', () => {
    const inside = drawn().filter((arrow) => !arrow.includes(OUTSIDE));
    expect([...lived()].sort()).toEqual(inside.sort());
  });
});
