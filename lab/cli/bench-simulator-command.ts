/** `teg bench simulator`: complete jobs a second, and the breakdown of the time. */
import type { Command } from 'commander';
import {
  decimalNumber,
  NODES_MAX,
  parseSeed,
  parseWorkloadMix,
  wholeNumber,
} from '../../src/cli/terminal/option-values.ts';
import type { EconomyRow } from '../bench/economy-task.ts';
import type { SimulatorRow, SimulatorTask } from '../bench/simulator-task.ts';

interface SimulatorOptions {
  readonly nodes: number;
  readonly policy: string;
  readonly load: number;
  readonly turnovers: number;
  readonly rounds: number;
  readonly workloadMix: 'list' | 'learned';
  readonly seed: number;
  readonly economy?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  teg bench simulator --nodes 100000
  teg bench simulator --nodes 1000 --policy fgd --rounds 1 --json
  teg bench simulator --nodes 5000 --economy

A generated workload keeps the cluster nearly full; jobs that leave are counted while it is steady, from the second half of
the arrivals to the last one. docs/benchmarks.md describes the measurement.`;

/** Adds `teg bench simulator`. */
export function addBenchSimulatorCommand(bench: Command): void {
  bench
    .command('simulator')
    .description('complete jobs a second, and where the time goes')
    .option('--nodes <n>', 'the nodes: how many to generate', wholeNumber(1, NODES_MAX), 100_000)
    .option('--policy <name>', 'a policy by name, or the path of a policy file', 'teg')
    .option('--load <factor>', 'offered load of the scarcest resource', decimalNumber(0, 1_000, true), 0.87)
    .option(
      '--turnovers <n>',
      'arrivals, in multiples of the jobs running at a time',
      decimalNumber(0, 1_000, true),
      4,
    )
    .option('--rounds <n>', 'runs without a clock; the best counts', wholeNumber(1, 1_000), 2)
    .option(
      '--workload-mix <how>',
      'learned: policies see arrivals only; list: the mix is known',
      parseWorkloadMix,
      'learned',
    )
    .option('--seed <n>', 'of everything random', parseSeed, 1)
    .option(
      '--economy',
      'what the TEG queue and tenants with quotas cost, beside best-effort on the same jobs',
    )
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLES)
    .action(runBench);
}

async function runBench(options: SimulatorOptions): Promise<void> {
  const { runOnWorkers } = await import('../../src/drivers/embedded/worker-pool.ts');
  const { loadPolicy } = await import('../../src/drivers/embedded/load-policy.ts');
  await loadPolicy(options.policy);
  const { nodes, policy, load, turnovers, rounds, workloadMix, seed, economy = false } = options;
  const task: SimulatorTask = { nodes, policy, load, turnovers, rounds, typical: workloadMix, seed, economy };
  const [row] = await runOnWorkers<SimulatorTask, SimulatorRow | EconomyRow[]>({
    url: new URL('../bench/simulator-worker.ts', import.meta.url),
    tasks: [task],
    workers: 1,
  });
  if (row === undefined) return;
  if (options.json === true) (await import('../../src/cli/terminal/json-output.ts')).printJson(row);
  else {
    const { printEconomy, printSimulator } = await import('../bench/simulator-report.ts');
    if (Array.isArray(row)) printEconomy(row);
    else printSimulator(row);
  }
}
