/** `teg guard`: keeps the groups of processes of a node below a wall of memory, by freezing them. */
import type { Command } from 'commander';

interface RunOptions {
  readonly config: string;
  readonly enforce?: boolean;
}

interface AskOptions {
  readonly stateFolder: string;
  readonly json?: boolean;
}

const NOTES = `
Examples:
  teg guard doctor                                     what this kernel offers
  teg guard run --config guard.yaml                    says what it would do, and does nothing
  teg guard run --config guard.yaml --enforce
  teg guard status
Needs root. docs/guard.md goes from a program that would be killed to one that freezes, goes on and ends;
examples/guard/guard.yaml is a configuration.`;

const STATE_FOLDER = '/run/teg-guard';

/** Adds `teg guard` and the commands below it. */
export function addGuardCommand(parent: Command): void {
  const guard = parent
    .command('guard')
    .description('freeze groups of processes before memory runs out, instead of having them killed')
    .addHelpText('after', NOTES);
  guard
    .command('run')
    .description('guard the groups that a configuration names, until it is stopped; then restore everything')
    .requiredOption('--config <file>', 'GuardConfiguration, YAML or JSON')
    .option('--enforce', 'freeze and thaw; without it the guard only says what it would do')
    .action(run);
  withState(
    guard.command('status').description('the groups of the running guard; a live table at a terminal'),
  )
    .option('--json', 'print JSON, once')
    .action(status);
  withState(guard.command('events').description('the latest events of the running guard'))
    .option('--json', 'print JSON')
    .action(events);
  withState(guard.command('freeze <group>').description('freeze a group until it is thawed by hand')).action(
    (group: string, options: AskOptions) => act('freeze', group, options),
  );
  withState(
    guard.command('thaw <group>').description('thaw a group, and leave it alone for a minute'),
  ).action((group: string, options: AskOptions) => act('thaw', group, options));
  withState(
    guard
      .command('undo')
      .description('restore everything that a guard has changed, whether it runs or is dead'),
  )
    .option('--json', 'print JSON')
    .action(undo);
  guard
    .command('doctor')
    .description('what this kernel offers to a guard, what is missing, and how to get it')
    .option('--json', 'print JSON')
    .action(doctor);
}

function withState(command: Command): Command {
  return command.option('--state-folder <folder>', 'stateFolder of the guard', STATE_FOLDER);
}

async function run({ config, enforce }: RunOptions): Promise<void> {
  const { runGuard } = await import('../guard/run-guard.ts');
  const { interruptionIsSuccess, interruptSignal } = await import('../terminal/interrupt.ts');
  interruptionIsSuccess();
  await runGuard(config, enforce === true, interruptSignal());
}

async function status({ stateFolder, json }: AskOptions): Promise<void> {
  const { showStatus } = await import('../guard/guard-answers.ts');
  await showStatus(stateFolder, json === true);
}

async function events({ stateFolder, json }: AskOptions): Promise<void> {
  const { showEvents } = await import('../guard/guard-answers.ts');
  await showEvents(stateFolder, json === true);
}

async function act(op: 'freeze' | 'thaw', group: string, { stateFolder }: AskOptions): Promise<void> {
  const { ask, controlPath } = await import('../../drivers/guard/control-socket.ts');
  await ask(controlPath(stateFolder), { op, group });
  process.stdout.write(`${group}: ${op === 'freeze' ? 'frozen' : 'thawed'} by hand\n`);
}

async function undo({ stateFolder, json }: AskOptions): Promise<void> {
  const { undoAll } = await import('../guard/guard-answers.ts');
  await undoAll(stateFolder, json === true);
}

async function doctor({ json }: { readonly json?: boolean }): Promise<void> {
  const { showDoctor } = await import('../guard/guard-doctor.ts');
  await showDoctor(json === true);
}
