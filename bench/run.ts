/**
 * `npm run bench`: every benchmark of the documentation, one after the other, each by the command that a user would
 * type. Results go to `bench/results/NAME.json` with the facts of the machine; `--short` makes small ones of them, for CI.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machineFacts } from '../lab/bench/machine-facts.ts';

interface Benchmark {
  readonly name: string;
  /** Arguments of `teg`. */
  readonly full: readonly string[];
  readonly short: readonly string[];
}

const BENCHMARKS: readonly Benchmark[] = [
  {
    name: 'decision',
    full: ['bench', 'decision', '--json'],
    short:
      'bench decision --nodes 500,2000 --steps 1000 --warmup-steps 2000 --rounds 1 --seconds 3 --json'.split(
        ' ',
      ),
  },
  {
    name: 'simulator',
    full: ['bench', 'simulator', '--nodes', '100000', '--json'],
    short: ['bench', 'simulator', '--nodes', '300', '--rounds', '1', '--json'],
  },
  {
    name: 'choosers',
    full: ['bench', 'choosers', '--json'],
    short: ['bench', 'choosers', '--arrivals-per-run', '20000', '--json'],
  },
  {
    name: 'zones',
    full: ['bench', 'zones', '--nodes', '100000', '--zones', '100', '--json'],
    short: 'bench zones --nodes 400 --zones 8 --fan-out 4 --span 5s --workers 1 --json'.split(' '),
  },
  {
    name: 'churn',
    full: 'compare --cluster generated:openb:500 --jobs generated:40000:1.5:8h --horizon 24h --policies fgd,teg,full-scan,kube-scheduler --seeds 1-6 --json'.split(
      ' ',
    ),
    short:
      'compare --cluster generated:openb:30 --jobs generated:1500:1.2:8h --horizon 24h --policies fgd,teg --seeds 1-2 --json'.split(
        ' ',
      ),
  },
];

const { values } = parseArgs({ options: { short: { type: 'boolean' }, out: { type: 'string' } } });
const folder = values.out ?? new URL('results/', import.meta.url).pathname;
const program = new URL('../lab/main.ts', import.meta.url).pathname;
mkdirSync(folder, { recursive: true });

let failed = 0;
for (const benchmark of BENCHMARKS) {
  const args = values.short ? benchmark.short : benchmark.full;
  console.error(`── ${benchmark.name}: teg ${args.join(' ')}`);
  const machine = machineFacts(new Date());
  const run = spawnSync(process.execPath, [program, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  if (run.status !== 0) {
    failed++;
    console.error(`── ${benchmark.name}: exit code ${run.status}`);
    continue;
  }
  const path = `${folder.replace(/\/$/, '')}/${benchmark.name}${values.short ? '-short' : ''}.json`;
  const command = `teg ${args.join(' ')}`;
  writeFileSync(path, `${JSON.stringify({ command, machine, result: JSON.parse(run.stdout) }, null, 1)}\n`);
  console.log(`${benchmark.name}: ${path}`);
}
process.exitCode = failed === 0 ? 0 : 1;
