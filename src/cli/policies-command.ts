/**
 * `teg policies`: the placement policies that can be named wherever a command takes one.
 */
import type { Command } from 'commander';

/** Adds `teg policies`. */
export function addPoliciesCommand(parent: Command): void {
  parent
    .command('policies')
    .description('list the placement policies')
    .option('--json', 'print JSON: an array of {name, description}')
    .addHelpText(
      'after',
      '\nA policy of your own is a file that exports createPolicy: name its path instead, for example\n' +
        '--policy ./my-policy.ts. docs/policies.md shows the interface; examples/my-policy.ts is one to start from.',
    )
    .action(async (options: { json?: boolean }) => {
      const { POLICIES } = await import('../simulation/policies.ts');
      const list = POLICIES.map(({ name, description }) => ({ name, description }));
      if (options.json) {
        const { printJson } = await import('./terminal/json-output.ts');
        printJson(list);
        return;
      }
      const { printTable } = await import('./terminal/table.ts');
      printTable(
        [{ header: 'policy', shrink: false }, { header: 'what it does' }],
        list.map(({ name, description }) => [name, description]),
      );
    });
}
