import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { machineFacts } from '../bench/machine-facts.ts';
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

/** Runs `teg bench …` in this process. */
async function bench(...args: string[]): Promise<void> {
  const program = new Command().exitOverride();
  addBenchCommand(program);
  await program.parseAsync(['bench', ...args], { from: 'user' });
}

const SHORT = '--steps 300 --warmup-steps 300 --rounds 2 --seconds 60'.split(' ');

describe('teg bench decision', () => {
  test('prints one object a size and policy, in the requested order', async () => {
    await bench('decision', '--nodes', '60,40', '--policies', 'fgd,teg,best-of-d', ...SHORT, '--json');
    const rows = JSON.parse(output) as Record<string, number | string>[];
    expect(rows.map((row) => [row.nodes, row.policy])).toEqual(
      [60, 40].flatMap((nodes) => ['fgd', 'teg', 'best-of-d'].map((policy) => [nodes, policy])),
    );
    for (const row of rows) {
      expect(row.decisions).toBe(600);
      expect(row.fillPercent).toBeGreaterThan(85);
      expect(row.fillPercent).toBeLessThan(95);
      expect(row.p50Micros).toBeGreaterThan(0);
      expect(row.p99Micros).toBeGreaterThanOrEqual(row.p50Micros as number);
      // The cluster's own arrays take some 40 bytes a node.
      expect(row.bytesPerNode).toBeGreaterThan(40);
      expect(Object.values(row).every((value) => typeof value === 'string' || Number.isFinite(value))).toBe(
        true,
      );
    }
    const [fgd, teg] = rows;
    expect(fgd?.nodesExamined).toBe(60);
    expect(teg?.nodesExamined).toBeLessThan(5);
  });

  test('prints a table with the growth of each policy', async () => {
    await bench('decision', '--nodes', '30,60', '--policies', 'teg', '--workload-mix', 'learned', ...SHORT);
    expect(output).toContain('p99 µs');
    expect(output).toMatch(/teg: 60 nodes against 30: p50 × \d/);
  });

  test('refuses a policy that there is not before it measures', async () => {
    await expect(bench('decision', '--policies', 'fgdd')).rejects.toThrow(/did you mean 'fgd'/);
    await expect(bench('decision', '--workload-mix', 'guess')).rejects.toThrow(/expected list or learned/);
  });
});

describe('teg bench simulator', () => {
  test('prints jobs a second, memory and shares that add up', async () => {
    await bench('simulator', '--nodes', '60', '--rounds', '1', '--json');
    const row = JSON.parse(output) as Record<string, number> & { share: Record<string, number> };
    expect(row.jobsPerSecond).toBeGreaterThan(100);
    expect(row.jobsPerCpuSecond).toBeGreaterThan(100);
    expect(row.peakMemoryBytes).toBeGreaterThan(1e7);
    const { queue = 0, field = 0, zone = 0, metrics = 0 } = row.share;
    expect(queue + field + zone + metrics).toBeCloseTo(1, 2);
    expect(row.fillPercent).toBeGreaterThan(70);
    expect(row.fillPercent).toBeLessThanOrEqual(100);
  });

  test('--economy compares best-effort, the TEG queue, and it with tenants, on the same jobs', async () => {
    await bench('simulator', '--nodes', '60', '--rounds', '1', '--economy', '--json');
    const rows = JSON.parse(output) as { variant: string; ratio: number; jobs: number; completed: number }[];
    expect(rows.map(({ variant }) => variant)).toEqual(['best-effort', 'teg', 'teg with tenants']);
    expect(rows[0]?.ratio).toBe(1);
    for (const { ratio, jobs, completed } of rows) {
      expect(ratio).toBeGreaterThan(0);
      // Jobs that fit nowhere are dropped, by all of them alike.
      expect(completed).toBe(rows[0]?.completed);
      expect(completed).toBeGreaterThan(0.99 * jobs);
    }
    output = '';
    await bench('simulator', '--nodes', '60', '--rounds', '1', '--economy');
    expect(output).toContain('teg with tenants');
  });
});

test('machine facts name the processor, the program and the day', () => {
  const facts = machineFacts(new Date('2030-01-02T03:04:05Z'));
  expect(facts).toMatchObject({ node: process.version, date: '2030-01-02T03:04:05.000Z' });
  expect(facts.cores).toBeGreaterThan(0);
  expect(facts.memoryBytes).toBeGreaterThan(1e8);
  expect(facts.cpuModel).not.toBe('');
});

describe('teg bench ledger', () => {
  test('prints the speed of the ledger, and of its store by batches a commit', async () => {
    await bench('ledger', '--ticks', '500', '--seconds', '0.05', '--json');
    const { ledger, market, stores, openings, bytesPerBatch } = JSON.parse(output);
    expect(openings.map(({ transfers }: { transfers: number }) => transfers)).toEqual([1_000, 1_000]);
    expect(ledger.map(({ what }: { what: string }) => what)).toEqual([
      ...['in memory', 'with its log, hashed', 'recomputed from its log'],
    ]);
    expect(market.map(({ running }: { running: number }) => running)).toEqual([1_000, 100_000]);
    for (const { restartsPerSecond, tickMicrosPerTenant } of market) {
      expect(restartsPerSecond).toBeGreaterThan(1_000);
      expect(tickMicrosPerTenant).toBeGreaterThan(0);
    }
    expect(stores.map(({ group }: { group: number }) => group)).toEqual([1, 10, 100, 1_000]);
    for (const { batchesPerSecond, commitsPerSecond } of stores) {
      expect(batchesPerSecond).toBeGreaterThanOrEqual(commitsPerSecond);
      expect(commitsPerSecond).toBeGreaterThan(0);
    }
    // Rent, escrow, mint, evaporation and what came back.
    expect(bytesPerBatch).toBeGreaterThan(32 + 4 * 96);
  });

  test('says that it did not compare, rather than nothing', async () => {
    await bench('ledger', '--ticks', '100', '--seconds', '0.01');
    expect(output).toContain('LMDB was not compared');
    await expect(bench('ledger', '--ticks', '1', '--lmdb', '/no-such-folder')).rejects.toThrow('lmdb');
  });
});
