/**
 * `teg policies`: the placement policies, and the zone choosers, that can be named wherever a command takes one.
 */
import type { Command } from 'commander';

/** Adds `teg policies`. */
export function addPoliciesCommand(parent: Command): void {
  parent
    .command('policies')
    .description('list the placement policies, or the zone choosers')
    .option('--list-choosers', 'list the zone choosers instead')
    .option('--json', 'print JSON: an array of {name, description}')
    .addHelpText(
      'after',
      '\nA policy of your own is a file that exports createPolicy: name its path instead, for example\n' +
        '--policy ./my-policy.ts. docs/policies.md shows the interface; examples/my-policy.ts is one to start from.',
    )
    .action(async (options: { listChoosers?: boolean; json?: boolean }) => {
      const entries = options.listChoosers === true ? await choosers() : await policies();
      const list = entries.map(({ name, description }) => ({ name, description }));
      if (options.json) {
        const { printJson } = await import('../terminal/json-output.ts');
        printJson(list);
        return;
      }
      const { printTable } = await import('../terminal/table.ts');
      printTable(
        [
          { header: options.listChoosers === true ? 'chooser' : 'policy', shrink: false },
          { header: 'description' },
        ],
        list.map(({ name, description }) => [name, description]),
      );
    });
}

interface Listed {
  readonly name: string;
  readonly description: string;
}

async function policies(): Promise<readonly Listed[]> {
  return (await import('../../simulation/inputs/policies.ts')).POLICIES;
}

async function choosers(): Promise<readonly Listed[]> {
  return (await import('../../governor/choosers/registry.ts')).CHOOSERS;
}
