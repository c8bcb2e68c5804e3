/**
 * `teg policies`: the placement policies, queues and zone choosers that can be named wherever a command takes one.
 */
import type { Command } from 'commander';

interface PoliciesOptions {
  readonly listQueues?: boolean;
  readonly listChoosers?: boolean;
  readonly json?: boolean;
}

/** Adds `teg policies`. */
export function addPoliciesCommand(parent: Command): void {
  parent
    .command('policies')
    .description('list the placement policies, the queues, or the zone choosers')
    .option('--list-queues', 'list the queues that --queue takes instead')
    .option('--list-choosers', 'list the zone choosers instead')
    .option('--json', 'print JSON: an array of {name, description}')
    .addHelpText(
      'after',
      '\nA policy of your own is a file that exports createPolicy: name its path instead, for example\n' +
        '--policy ./my-policy.ts. docs/policies.md shows the interface; examples/my-policy.ts is one to start from.',
    )
    .action(async (options: PoliciesOptions) => {
      const { header, entries } = await listOf(options);
      const list = entries.map(({ name, description }) => ({ name, description }));
      if (options.json) {
        const { printJson } = await import('../terminal/json-output.ts');
        printJson(list);
        return;
      }
      const { printTable } = await import('../terminal/table.ts');
      printTable(
        [{ header, shrink: false }, { header: 'description' }],
        list.map(({ name, description }) => [name, description]),
      );
    });
}

interface Listed {
  readonly name: string;
  readonly description: string;
}

async function listOf({ listQueues, listChoosers }: PoliciesOptions): Promise<{
  readonly header: string;
  readonly entries: readonly Listed[];
}> {
  if (listQueues === true) {
    return { header: 'queue', entries: (await import('../../simulation/queueing/queues.ts')).listQueues() };
  }
  if (listChoosers === true) {
    return { header: 'chooser', entries: (await import('../../governor/choosers/registry.ts')).CHOOSERS };
  }
  return { header: 'policy', entries: (await import('../../simulation/inputs/policies.ts')).POLICIES };
}
