/** `teg why`: why a job waits. `teg share`: what each tenant had. Both on the result of a simulation. */
import type { Command } from 'commander';

interface WhyOptions {
  readonly json?: boolean;
}

const WHY_NOTES = `
Examples:
  teg simulate --jobs jobs.csv --tenants tenants.yaml --queue teg --horizon 2d --json > result.json
  teg why train-7 result.json
  teg why result.json                                               every job that waits`;

const SHARE_NOTES = `
Example:
  teg simulate --jobs jobs.csv --tenants tenants.yaml --queue teg --json | teg share -`;

/** Adds `teg why` and `teg share`. */
export function addWhyCommand(parent: Command): void {
  parent
    .command('why <job-or-result> [result]')
    .description('why a job of a simulation still waits, in one sentence')
    .option('--json', 'print JSON')
    .addHelpText('after', WHY_NOTES)
    .action(why);
  parent
    .command('share <result>')
    .description("each tenant's quota, use, loans and waits in a simulation")
    .option('--json', 'print JSON')
    .addHelpText('after', SHARE_NOTES)
    .action(share);
}

async function why(first: string, second: string | undefined, options: WhyOptions): Promise<void> {
  const { readResult } = await import('../economy/result-files.ts');
  const { waitingOf, printWaiting } = await import('../economy/waiting-text.ts');
  const result = readResult(second ?? first);
  const waiting = waitingOf(result, second === undefined ? undefined : first);
  if (options.json === true) await printJsonOf(waiting);
  else printWaiting(waiting);
}

async function printJsonOf(value: unknown): Promise<void> {
  (await import('../terminal/json-output.ts')).printJson(value);
}

async function share(path: string, options: WhyOptions): Promise<void> {
  const { readResult, tenantsOf } = await import('../economy/result-files.ts');
  const tenants = tenantsOf(readResult(path), path);
  if (options.json === true) await printJsonOf(tenants);
  else (await import('../simulation/tenant-table.ts')).printTenants(tenants);
}
