/**
 * Options that other commands have for the same purpose: where one is given to a command that names it otherwise, the
 * failure says how.
 */

/** One purpose under the name of another command. */
interface SiblingOption {
  /** Paths of commands, for example `teg simulate`, that have `now` and not `given`. */
  readonly commands: readonly string[];
  /** With both dashes. */
  readonly given: string;
  /** With both dashes. */
  readonly now: string;
}

const SIMULATING = ['teg simulate', 'teg compare'];

/** All of them. A name stands once for a command. */
export const SIBLING_OPTIONS: readonly SiblingOption[] = [
  { commands: SIMULATING, given: '--nodes', now: '--cluster' },
  { commands: SIMULATING, given: '--pods', now: '--jobs' },
  { commands: SIMULATING, given: '--out', now: '--html' },
  { commands: ['teg start'], given: '--cluster', now: '--nodes' },
  { commands: ['teg start'], given: '--html', now: '--out' },
  { commands: ['teg simulate'], given: '--policies', now: '--policy' },
  { commands: ['teg simulate'], given: '--seeds', now: '--seed' },
  { commands: ['teg compare', 'teg start'], given: '--policy', now: '--policies' },
  { commands: ['teg compare'], given: '--seed', now: '--seeds' },
  { commands: ['teg explain pod'], given: '--cluster', now: '--snapshot' },
  { commands: ['teg snapshot'], given: '--out', now: '--output' },
];

/**
 * @param path   Of the command.
 * @param option As given, for example `--nodes` or `--nodes=a.csv`.
 * @returns The command's own option for the purpose; undefined if none is known.
 */
export function siblingOption(path: string, option: string): string | undefined {
  const [name] = option.split('=', 1);
  return SIBLING_OPTIONS.find(({ commands, given }) => given === name && commands.includes(path))?.now;
}
