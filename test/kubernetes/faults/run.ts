/**
 * Runs fault scenarios: `node test/kubernetes/faults/run.ts [--full] [--enforce] [--only WORD] [--out FILE.md]`.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { playScenario, type ScenarioResult } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';

const { values } = parseArgs({
  options: {
    full: { type: 'boolean' },
    enforce: { type: 'boolean' },
    only: { type: 'string' },
    out: { type: 'string' },
  },
});
const results: ScenarioResult[] = [];
for (const scenario of SCENARIOS) {
  if (values.only !== undefined && !scenario.name.includes(values.only)) continue;
  process.stderr.write(`${scenario.name} …\n`);
  const result = await playScenario(scenario, values.full === true, values.enforce === true);
  results.push(result);
  process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`);
}
if (values.out !== undefined) writeFileSync(values.out, markdown(results));
process.exitCode = results.every(({ violations }) => violations.length === 0) ? 0 : 1;

function markdown(all: readonly ScenarioResult[]): string {
  const lines = [
    `Node.js ${process.version}, ${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}).`,
    '',
  ];
  for (const { name, seconds, parameters, facts, violations } of all) {
    const scenario = SCENARIOS.find((one) => one.name === name);
    lines.push(
      `### ${name}`,
      '',
      `${scenario?.what ?? ''}. Parameters: ${pairs(parameters)}. ${seconds} s.`,
      '',
    );
    lines.push('| | |', '|---|---|', ...Object.entries(facts).map(([key, value]) => `| ${key} | ${value} |`));
    lines.push(`| violations | ${violations.length === 0 ? 'none' : violations.join('; ')} |`, '');
  }
  return `${lines.join('\n')}\n`;
}

function pairs(object: Readonly<Record<string, unknown>>): string {
  return Object.entries(object)
    .map(([key, value]) => `${key} ${String(value)}`)
    .join(', ');
}
