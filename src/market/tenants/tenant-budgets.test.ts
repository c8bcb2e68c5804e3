import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { Random } from '../../kernel/random.ts';
import { TenantTable } from '../../model/tenants.ts';
import { type BudgetSpec, tenantSpec } from './spec.ts';
import { TenantBudgets } from './tenant-budgets.ts';
import { CLUSTER_TENANT, TenantTree } from './tenant-tree.ts';
import { marketOf } from './tenants.fixtures.ts';

const HOUR = 3600;
/** Micro-units an hour of one GPU. */
const GPU = 1e6;

/** `research` above `nlp` and `vision`; `free` has no budget. */
function budgetsOf(given: Readonly<Record<string, BudgetSpec | undefined>>) {
  const table = new TenantTable();
  const spec = (name: string, parent = '') => {
    const budget = given[name];
    return tenantSpec(name, { parent, ...(budget === undefined ? {} : { budget }) });
  };
  const specs = [spec('research'), spec('nlp', 'research'), spec('vision', 'research'), spec('free')];
  const budgets = new TenantBudgets(new TenantTree(marketOf('h100'), specs, table));
  return { budgets, id: (name: string) => table.find(name) };
}

function monthly(tokens: number): BudgetSpec {
  return { tokens, periodSeconds: 720 * HOUR, onEmpty: 'Wait' };
}

describe('a budget', () => {
  test('counts a correction as spent, on every level, and in its own period only', () => {
    const { budgets, id } = budgetsOf({ research: monthly(50), nlp: monthly(100) });
    budgets.start(id('nlp'), 1, 10 * GPU, HOUR, 0);
    budgets.end(id('nlp'), 1, 10 * GPU, HOUR);
    // Prices doubled in the second half.
    budgets.correct(id('nlp'), 5, HOUR);
    expect(budgets.spentOf(id('nlp'), HOUR)).toBeCloseTo(15, 9);
    expect(budgets.spentOf(id('research'), HOUR)).toBeCloseTo(15, 9);
    expect(budgets.exhaustedBy(id('nlp'), 10 * GPU, 3.5 * HOUR, HOUR)).toBe(CLUSTER_TENANT);
    expect(budgets.exhaustedBy(id('nlp'), 10 * GPU, 3.6 * HOUR, HOUR)).toBe(id('research'));
    budgets.correct(id('free'), 5, HOUR);
    expect(budgets.spentOf(id('nlp'), 720 * HOUR)).toBe(0);
  });

  test('covers what was spent and what running jobs are expected to spend, to the token', () => {
    const { budgets, id } = budgetsOf({ nlp: monthly(100) });
    const nlp = id('nlp');
    expect(budgets.exhaustedBy(nlp, 10 * GPU, 10 * HOUR, 0)).toBe(CLUSTER_TENANT);
    expect(budgets.exhaustedBy(nlp, 10 * GPU, 10 * HOUR + 1, 0)).toBe(nlp);
    budgets.start(nlp, 1, 10 * GPU, 6 * HOUR, 0);
    expect(budgets.exhaustedBy(nlp, 10 * GPU, 4 * HOUR, 0)).toBe(CLUSTER_TENANT);
    expect(budgets.exhaustedBy(nlp, 10 * GPU, 5 * HOUR, 0)).toBe(nlp);
    // It ends early: the rest is there for others at once.
    budgets.end(nlp, 1, 10 * GPU, HOUR);
    expect(budgets.spentOf(nlp, HOUR)).toBe(10);
    expect(budgets.reservedOf(nlp, HOUR)).toBe(0);
    expect(budgets.exhaustedBy(nlp, 10 * GPU, 9 * HOUR, HOUR)).toBe(CLUSTER_TENANT);
  });

  test('of a parent counts for all below it; other tenants have none', () => {
    const { budgets, id } = budgetsOf({ research: monthly(10), nlp: monthly(8) });
    budgets.start(id('vision'), 1, GPU, 5 * HOUR, 0);
    expect(budgets.exhaustedBy(id('nlp'), GPU, 6 * HOUR, 0)).toBe(id('research'));
    expect(budgets.exhaustedBy(id('nlp'), GPU, 9 * HOUR, 0)).toBe(id('nlp'));
    expect(budgets.exhaustedBy(id('free'), GPU, 1e9, 0)).toBe(CLUSTER_TENANT);
    expect(budgets.has(id('free'))).toBe(false);
    expect(budgets.spentOf(id('vision'), HOUR)).toBe(0);
    expect(budgets.nextPeriodOf(id('vision'), HOUR)).toBe(720 * HOUR);
  });

  test('begins again with each period; jobs that still run count from its beginning', () => {
    const { budgets, id } = budgetsOf({ nlp: monthly(10) });
    const nlp = id('nlp');
    budgets.start(nlp, 1, GPU, 30 * HOUR, 715 * HOUR);
    expect(budgets.reservedOf(nlp, 715 * HOUR)).toBe(5);
    expect(budgets.spentOf(nlp, 722 * HOUR)).toBe(2);
    expect(budgets.reservedOf(nlp, 722 * HOUR)).toBe(23);
    expect(budgets.exhaustedBy(nlp, GPU, 1, 722 * HOUR)).toBe(nlp);
  });

  test('is charged by jobs that overrun, which reserve nothing any more', () => {
    const { budgets, id } = budgetsOf({ nlp: monthly(10) });
    budgets.start(id('nlp'), 1, GPU, HOUR, 0);
    expect(budgets.spentOf(id('nlp'), 4 * HOUR)).toBe(4);
    expect(budgets.reservedOf(id('nlp'), 4 * HOUR)).toBe(0);
  });
});

interface PlainRun {
  readonly tenant: 'research' | 'nlp' | 'vision';
  readonly holder: number;
  readonly rate: number;
  readonly from: number;
  readonly expectedEnd: number;
  to: number;
}

test('random lives of jobs: spent and reserved are what the list of runs gives, through periods and overruns', () => {
  const period = 1000;
  const spec: BudgetSpec = { tokens: 1, periodSeconds: period, onEmpty: 'Wait' };
  checkProperty(
    fc.property(fc.integer(), (seed) => {
      const random = new Random(seed, 1);
      const { budgets, id } = budgetsOf({ research: { ...spec, periodSeconds: 1700 }, nlp: spec });
      const runs: PlainRun[] = [];
      let now = 0;
      for (let step = 0; step < 60; step++) {
        now += random.nextInt(3) === 0 ? 0 : random.nextInt(300);
        const running = runs.filter(({ to }) => to === Infinity);
        if (running.length > 0 && random.nextInt(2) === 0) {
          const run = running[random.nextInt(running.length)] as PlainRun;
          run.to = now;
          budgets.end(id(run.tenant), run.holder, run.rate, now);
        } else {
          const tenant = (['research', 'nlp', 'vision'] as const)[random.nextInt(3)] as PlainRun['tenant'];
          const expected = random.nextInt(8) === 0 ? Infinity : random.nextInt(2000);
          const rate = 1 + random.nextInt(9);
          runs.push({ tenant, holder: step, rate, from: now, expectedEnd: now + expected, to: Infinity });
          budgets.start(id(tenant), step, rate, expected, now);
        }
        for (const [name, length] of [
          ['research', 1700],
          ['nlp', period],
        ] as const) {
          const counted = runs.filter(({ tenant }) => name === 'research' || tenant === 'nlp');
          const begin = Math.floor(now / length) * length;
          const spent = counted.reduce(
            (sum, { rate, from, to }) => sum + rate * Math.max(0, Math.min(to, now) - Math.max(from, begin)),
            0,
          );
          const reserved = counted
            .filter(({ to }) => to === Infinity)
            .reduce(
              (sum, { rate, expectedEnd }) =>
                sum + rate * Math.max(0, Math.min(expectedEnd, begin + length) - now),
              0,
            );
          expect(budgets.spentOf(id(name), now)).toBeCloseTo(spent / 3600e6, 12);
          expect(budgets.reservedOf(id(name), now)).toBeCloseTo(reserved / 3600e6, 12);
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('expected ends of jobs that are gone are dropped in time', () => {
  const { budgets, id } = budgetsOf({ nlp: monthly(1e9) });
  for (let holder = 0; holder < 20_000; holder++) {
    budgets.start(id('nlp'), holder, GPU, 600 * HOUR, holder);
    budgets.end(id('nlp'), holder, GPU, holder + 1);
  }
  expect(budgets.entries).toBeLessThan(2_000);
  expect(budgets.spentOf(id('nlp'), 20_000)).toBeCloseTo(20_000 / HOUR, 9);
});
