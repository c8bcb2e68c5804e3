/** Command lines in the process of the test: a process of their own takes a third of a CPU second to start. */
import { type AddCommand, PRODUCT_COMMANDS, runCommandLine } from '../../src/cli/program.ts';

/** The outcome of a command line, as of a process. */
export interface CommandOutcome {
  /** Exit code. */
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs one command line and keeps what it prints, without colours. One at a time.
 *
 * @param args Without the runtime and the script.
 */
export async function runHere(
  args: readonly string[],
  commands: readonly AddCommand[] = PRODUCT_COMMANDS,
): Promise<CommandOutcome> {
  const { stdout, stderr } = process;
  const before = [stdout.write, stderr.write] as const;
  const { NO_COLOR, FORCE_COLOR } = process.env;
  setEnvironment({ NO_COLOR: '1', FORCE_COLOR: undefined });
  const output = { stdout: '', stderr: '' };
  stdout.write = keeping((text) => {
    output.stdout += text;
  });
  stderr.write = keeping((text) => {
    output.stderr += text;
  });
  try {
    return { status: await runCommandLine(args, commands), ...output };
  } finally {
    [stdout.write, stderr.write] = before;
    setEnvironment({ NO_COLOR, FORCE_COLOR });
  }
}

/** @returns A `write` of a stream that hands on the text and says that it is written. */
function keeping(keep: (text: string) => void): typeof process.stdout.write {
  return (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    keep(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    const done = rest.at(-1);
    if (typeof done === 'function') done();
    return true;
  };
}

function setEnvironment(values: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
