import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { Random } from '../../kernel/random.ts';
import {
  type CgroupTree,
  FREEZE_REFUSALS,
  FREEZE_RULES,
  type FreezeRefusal,
  type FreezeRule,
  freezable,
  type NodeFacts,
} from './freezable.ts';
import { type PathTree, randomPathTree } from './path-trees.fixtures.ts';

const ID = 'a1'.repeat(32);
const UID = '01234567-89ab-cdef-0123-456789abcdef';
const POD = { optedIn: true, isStatic: false, isTerminating: false, priority: 0, priorityClass: undefined };
const FACTS: NodeFacts = {
  protectedPaths: ['/system.slice/kubelet.service'],
  containers: new Map([[ID, { isRunning: true, podUid: UID }]]),
  sandboxes: new Set(),
  pods: new Map([[UID, POD]]),
  plainGroups: new Set(),
  staticPodsToo: false,
};

function treeOf(children: Record<string, string[]> = {}, populated: readonly string[] = []): CgroupTree {
  return { childrenOf: (path) => children[path] ?? [], hasProcesses: (path) => populated.includes(path) };
}

function answerOf(
  path: string,
  tree: CgroupTree = treeOf(),
  facts: NodeFacts = FACTS,
): 'yes' | FreezeRefusal {
  const verdict = freezable(path, tree, facts);
  return verdict.mayFreeze ? 'yes' : verdict.reason;
}

/** Paths whose answer is not the one that the maker of the tree knows. */
function exceptions(
  { facts, tree, answers }: PathTree,
  rules: readonly FreezeRule[] = FREEZE_RULES,
): string[] {
  const wrong: string[] = [];
  for (const [path, expected] of answers) {
    const verdict = freezable(path, tree, facts, rules);
    const answer = verdict.mayFreeze ? 'yes' : verdict.reason;
    if (answer !== expected) wrong.push(`${path}: got ${answer}, expected ${expected}`);
  }
  return wrong;
}

/** Refused by later rules too: the rule of the name gives the better reason. */
const REFUSED_TWICE: ReadonlySet<FreezeRefusal> = new Set([
  'root',
  'pods',
  'pod',
  'strange',
  'unknown',
  'unknown-pod',
]);

describe('which group may be frozen', () => {
  test('100,000 random nodes, both cgroup drivers, three runtimes, with crun and without: no exception', () => {
    const seen = new Map<string, number>();
    checkProperty(
      fc.property(fc.integer(), (seed) => {
        const node = randomPathTree(new Random(seed));
        for (const answer of node.answers.values()) seen.set(answer, (seen.get(answer) ?? 0) + 1);
        const wrong = exceptions(node);
        if (wrong.length > 0) expect(wrong).toEqual([]);
      }),
      {
        numRuns: 100_000,
        afterFixed: () => {
          expect([...seen.keys()].sort()).toEqual(['yes', ...Object.keys(FREEZE_REFUSALS)].sort());
          expect(Math.min(...seen.values())).toBeGreaterThan(1000);
        },
      },
    );
  });

  test('a container has one group at most that may be frozen', () => {
    checkProperty(
      fc.property(fc.integer(), (seed) => {
        const { facts, tree, answers } = randomPathTree(new Random(seed));
        const frozen = [...answers.keys()].filter((path) => freezable(path, tree, facts).mayFreeze);
        for (const path of frozen) expect(frozen.filter((other) => other.startsWith(`${path}/`))).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  test.each(FREEZE_RULES.map(({ reason }) => reason))('notices that the rule "%s" is missing', (reason) => {
    const rules = FREEZE_RULES.filter((rule) => rule.reason !== reason);
    const wrong = Array.from({ length: 2000 }, (_, seed) =>
      exceptions(randomPathTree(new Random(seed)), rules),
    );
    expect(wrong.flat().length).toBeGreaterThan(0);
    const freezesMore = wrong.flat().some((text) => text.includes('got yes'));
    expect(freezesMore).toBe(!REFUSED_TWICE.has(reason));
  });

  test('the order of the rules does not decide whether a group is frozen', () => {
    const reversed = [...FREEZE_RULES].reverse();
    for (let seed = 0; seed < 2000; seed++) {
      const { facts, tree, answers } = randomPathTree(new Random(seed));
      for (const path of answers.keys())
        expect(freezable(path, tree, facts, reversed).mayFreeze).toBe(freezable(path, tree, facts).mayFreeze);
    }
  });
});

describe('paths as they are on nodes', () => {
  const underscored = UID.replaceAll('-', '_');
  test.each([
    ['containerd, cgroupfs', `/kubepods/burstable/pod${UID}/${ID}`, 'yes'],
    ['CRI-O, cgroupfs', `/kubepods/pod${UID}/crio-${ID}`, 'yes'],
    [
      'containerd, systemd',
      `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${underscored}.slice/cri-containerd-${ID}.scope`,
      'yes',
    ],
    [
      'CRI-O, systemd, guaranteed',
      `/kubepods.slice/kubepods-pod${underscored}.slice/crio-${ID}.scope`,
      'yes',
    ],
    [
      'kind',
      `/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod${underscored}.slice/cri-containerd-${ID}.scope`,
      'yes',
    ],
    [
      'the monitor of CRI-O',
      `/kubepods.slice/kubepods-pod${underscored}.slice/crio-conmon-${ID}.scope`,
      'helper',
    ],
    [
      'a slice that belongs to another class',
      `/kubepods.slice/kubepods-burstable.slice/kubepods-pod${underscored}.slice/crio-${ID}.scope`,
      'strange',
    ],
    ['an identity that is short', `/kubepods/pod${UID}/${ID.slice(1)}`, 'strange'],
    ['an upper-case identity', `/kubepods/pod${UID}/${ID.toUpperCase()}`, 'strange'],
    ['a pod', `/kubepods/pod${UID}`, 'pod'],
    ['all of a class', '/kubepods/burstable', 'pods'],
    ['a node inside a container', `/kubepods/pod${UID}/${ID}/kubepods/pod${UID}/${ID}`, 'nested'],
    ['the slice of the kubelet', '/system.slice', 'protected'],
    ['a service', '/system.slice/nginx.service', 'system'],
  ] as const)('%s', (_, path, answer) => {
    expect(answerOf(path)).toBe(answer);
  });

  test('with crun the inner group, unless the container made it itself', () => {
    const outer = `/kubepods/pod${UID}/${ID}`;
    const inner = `${outer}/container`;
    const children = { [outer]: ['container'] };
    expect(answerOf(outer, treeOf(children, [inner]))).toBe('branch');
    expect(answerOf(inner, treeOf(children, [inner]))).toBe('yes');
    expect(answerOf(outer, treeOf(children, [outer, inner]))).toBe('yes');
    expect(answerOf(inner, treeOf(children, [outer, inner]))).toBe('nested');
  });

  test('a static pod only where the node has no API server', () => {
    const hash = '0123456789abcdef0123456789abcdef';
    const facts: NodeFacts = {
      ...FACTS,
      containers: new Map([[ID, { isRunning: true, podUid: hash }]]),
      pods: new Map([[hash, POD]]),
    };
    const path = `/kubepods/besteffort/pod${hash}/${ID}`;
    expect(answerOf(path, treeOf(), facts)).toBe('static');
    expect(answerOf(path, treeOf(), { ...facts, staticPodsToo: true })).toBe('yes');
  });

  test('each reason is a sentence', () => {
    for (const text of Object.values(FREEZE_REFUSALS)) expect(text).toMatch(/^[a-z].{8,}[^.]$/);
  });
});
