import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { createPolicy as createExamplePolicy } from '../../../examples/my-policy.ts';
import { checkProperty } from '../../../test/support/properties.ts';
import type { PolicyEntry } from '../../governor/policy/policy.ts';
import type { TegError } from '../../model/errors.ts';
import { POD_KINDS, PolicyBench } from '../baselines/baselines.fixtures.ts';
import { POLICIES, policyByName } from './policies.ts';

const EXAMPLE: PolicyEntry = { name: 'examples/my-policy.ts', description: '', create: createExamplePolicy };

/** Policies that make a table of prices first: fewer runs of each. */
const PRICED: ReadonlySet<string> = new Set(['teg', 'teg-power', 'full-scan', 'best-of-d']);

const kinds = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 12 });
const moves = fc.array(fc.tuple(fc.nat(POD_KINDS.length - 1), fc.nat(), fc.integer({ min: 0, max: 9 })), {
  maxLength: 150,
});

describe.each([...POLICIES, EXAMPLE])('policy $name', ({ name, create }) => {
  it('chooses nodes and GPUs that fit, misses none that fits, and does so again', () => {
    checkProperty(
      fc.property(kinds, moves, fc.nat(), (nodeKinds, steps, seed) => {
        const first = new PolicyBench(create, nodeKinds, seed);
        const second = new PolicyBench(create, nodeKinds, seed);
        for (const [kind, pick, dice] of steps) {
          if (dice < 3) {
            first.leave(pick);
            second.leave(pick);
            continue;
          }
          const demand = first.demands[kind]!;
          const anyFits = nodeKinds.some((_, node) => first.cluster.fits(node, demand));
          // `arrive` places, and the cluster asserts that everything placed fits.
          const node = first.arrive(kind);
          expect(second.arrive(kind)).toBe(node);
          expect(second.running.at(-1)?.gpuMask).toBe(first.running.at(-1)?.gpuMask);
          if (node < 0 && name !== 'best-of-d') expect(anyFits).toBe(false);
        }
      }),
      { numRuns: PRICED.has(name) ? 5 : 40 },
    );
  });

  it('explains its choice', () => {
    const bench = new PolicyBench(create, [3, 3, 3, 2, 0], 3);
    for (const kind of [4, 2, 3, 0, 5, 2]) bench.arrive(kind);
    const demand = bench.demands[4]!;
    const explanation = bench.policy.explain?.(demand);
    if (explanation === undefined) return expect(name).toBe(EXAMPLE.name);
    const names = explanation.candidates.map((candidate) => candidate.label);
    expect(names.length).toBeGreaterThan(1);
    const values = explanation.candidates.map((candidate) => candidate.value);
    const ordered = values.toSorted((a, b) => (explanation.better === 'higher' ? b - a : a - b));
    expect(values).toEqual(ordered);
    const tooLarge = bench.cluster.demands.intern({ ...POD_KINDS[0]!, cpuMilli: 99_000 });
    expect(bench.policy.explain?.(tooLarge)).toMatchObject({
      node: '',
      candidates: [],
      lacking: { 'insufficient cpu': 5 },
    });
    return undefined;
  });
});

describe('the registry', () => {
  test('has unique names and one line about each', () => {
    expect(new Set(POLICIES.map((policy) => policy.name)).size).toBe(POLICIES.length);
    for (const { description } of POLICIES) expect(description).toMatch(/^[^\n]{20,110}\.$/);
  });

  test('makes policies that know their name', () => {
    for (const { name, create } of POLICIES) expect(new PolicyBench(create, [0]).policy.name).toBe(name);
  });

  test('finds a policy by name', () => {
    expect(policyByName('fgd').create).toBe(POLICIES.find((policy) => policy.name === 'fgd')?.create);
  });

  test('lists the known names, and the likely intended one', () => {
    const failure = (name: string): TegError => {
      try {
        policyByName(name);
      } catch (error) {
        return error as TegError;
      }
      throw new Error('expected a failure');
    };
    expect(failure('tge').code).toBe('TEG_POLICY_UNKNOWN');
    expect(failure('tge').message).toMatch(
      /got the policy 'tge', expected one of teg, .*; did you mean 'teg'\?$/,
    );
    expect(failure('something').message).not.toContain('did you mean');
  });
});
