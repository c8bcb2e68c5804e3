/**
 * Options that had another name. The old name is refused with the new one, so that a script that still uses it learns
 * what to change.
 */

/** One option under its old and its new name. */
export interface RenamedOption {
  /** Paths of the commands, for example `teg bench zones`. */
  readonly commands: readonly string[];
  /** With both dashes. No option of these commands has this name now. */
  readonly old: string;
  /** With both dashes. Takes the same values. */
  readonly now: string;
  /** Version that renamed it. */
  readonly since: string;
}

/** All renamed options. An old name stands once for a command. */
export const RENAMED_OPTIONS: readonly RenamedOption[] = [
  {
    commands: ['teg start', 'teg simulate', 'teg compare'],
    old: '--decision',
    now: '--decision-costs',
    since: '0.2.0',
  },
  {
    commands: ['teg start', 'teg simulate', 'teg compare'],
    old: '--load',
    now: '--arrival-speed',
    since: '0.2.0',
  },
  { commands: ['teg simulate', 'teg compare'], old: '--lost', now: '--on-node-failure', since: '0.2.0' },
  {
    commands: [
      'teg simulate',
      'teg compare',
      'teg bench packing',
      'teg bench decision',
      'teg bench simulator',
    ],
    old: '--typical',
    now: '--workload-mix',
    since: '0.2.0',
  },
  {
    commands: ['teg simulate', 'teg bench zones'],
    old: '--moves',
    now: '--moves-per-summary',
    since: '0.2.0',
  },
  { commands: ['teg bench decision'], old: '--warmup', now: '--warmup-steps', since: '0.2.0' },
  { commands: ['teg bench choosers'], old: '--staleness', now: '--refresh-intervals', since: '0.2.0' },
  { commands: ['teg bench choosers'], old: '--arrivals', now: '--arrivals-per-run', since: '0.2.0' },
  { commands: ['teg bench kubernetes'], old: '--out', now: '--markdown', since: '0.2.0' },
  { commands: ['teg verify', 'teg errors'], old: '--markdown', now: '--print-page', since: '0.2.0' },
  { commands: ['teg policies'], old: '--choosers', now: '--list-choosers', since: '0.2.0' },
  { commands: ['teg trace generate jobs'], old: '--tenants', now: '--tenant-count', since: '0.2.0' },
  { commands: ['teg vopr'], old: '--plant', now: '--inject-bug', since: '0.2.0' },
];

/**
 * @param path   Of the command, for example `teg bench zones`.
 * @param option As given, for example `--plant` or `--plant=double-summary`.
 * @returns Its new name; undefined if it never was an option of the command under this name.
 */
export function renamedOption(path: string, option: string): RenamedOption | undefined {
  const [name] = option.split('=', 1);
  return RENAMED_OPTIONS.find(({ commands, old }) => old === name && commands.includes(path));
}
