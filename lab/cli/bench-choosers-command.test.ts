import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { addPoliciesCommand } from '../../src/cli/commands/policies-command.ts';
import { addBenchCommand } from './bench-command.ts';

let output = '';
beforeEach(() => {
  output = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

/** Runs `teg …` in this process. */
async function teg(...args: string[]): Promise<void> {
  const program = new Command().exitOverride();
  addBenchCommand(program);
  addPoliciesCommand(program);
  await program.parseAsync(args, { from: 'user' });
}

const SHORT = ['--arrivals-per-run', '1000'];

describe('teg bench choosers', () => {
  test('prints one object a chooser and staleness, in the requested order', async () => {
    await teg(
      ...'bench choosers --choosers random,langevin,gibbs --refresh-intervals 5,0.5 --json'.split(' '),
      ...SHORT,
    );
    const rows = JSON.parse(output) as Record<string, number | string>[];
    expect(rows.map((row) => [row.chooser, row.staleness])).toEqual(
      ['random', 'langevin', 'gibbs'].flatMap((chooser) => [5, 0.5].map((staleness) => [chooser, staleness])),
    );
    for (const row of rows) {
      expect(Object.keys(row)).toEqual(['chooser', 'staleness', 'meanResponse', 'herding', 'distance']);
      expect(row.meanResponse).toBeGreaterThan(0.5);
    }
    expect(rows[0]).toEqual({ ...rows[1], staleness: 5 });
  });

  test('prints tables of all choosers', async () => {
    await teg('bench', 'choosers', '--refresh-intervals', '1', '--servers', 'unequal', ...SHORT);
    for (const name of ['anticipated', 'gibbs', 'langevin', 'best-of-d', 'least-loaded', 'random']) {
      expect(output.match(new RegExp(`^${name} `, 'gm'))).toHaveLength(3);
    }
    expect(output).toContain('T_b = 1');
  });

  test.each([
    ['--choosers gibs', /did you mean 'gibbs'/],
    ['--load 1', /above 0 and below 1/],
    ['--refresh-intervals 0', /a number above 0/],
    ['--refresh never', /expected together or staggered/],
    ['--deciders some', /expected so-far or per-refresh/],
    ['--servers odd', /expected equal or unequal/],
  ])('refuses %s before it measures', async (args, message) => {
    await expect(teg('bench', 'choosers', ...args.split(' '))).rejects.toThrow(message);
    expect(output).toBe('');
  });
});

describe('teg policies --list-choosers', () => {
  test('lists the choosers', async () => {
    await teg('policies', '--list-choosers', '--json');
    const list = JSON.parse(output) as { name: string; description: string }[];
    expect(list.map(({ name }) => name)).toEqual([
      'anticipated',
      'gibbs',
      'langevin',
      'best-of-d',
      'least-loaded',
      'random',
    ]);
    output = '';
    await teg('policies', '--list-choosers');
    expect(output).toMatch(/^chooser +description/);
  });
});
