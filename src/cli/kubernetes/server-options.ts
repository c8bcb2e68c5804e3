/** The options that name a running scheduler, and questions to it. */
import type { Command } from 'commander';
import type { ZodType } from 'zod';
import { TegError } from '../../model/errors.ts';

/** As commander parses them. */
export interface ServerOptions {
  readonly server?: string;
  readonly tokenFile?: string;
  readonly caFile?: string;
  readonly insecureSkipTlsVerify?: boolean;
}

/** Adds them to a command. @param what The verb of what the server does, such as `explain`. */
export function addServerOptions(command: Command, what: string): Command {
  return command
    .option('--server <url>', `${what} from the running scheduler at URL`)
    .option('--token-file <file>', 'with --server: file with the bearer token to authenticate with')
    .option('--ca-file <file>', 'with --server: PEM of the authority of its certificate')
    .option(
      '--insecure-skip-tls-verify',
      'with --server: do not verify its certificate, for example a self-signed one',
    );
}

/** @throws TegError TEG_OPTION_INVALID for options of a server without one. */
export function checkServerOptions(options: ServerOptions): void {
  const tls = options.tokenFile ?? options.caFile ?? options.insecureSkipTlsVerify;
  if (options.server !== undefined || tls === undefined) return;
  throw new TegError(
    'TEG_OPTION_INVALID',
    'got --token-file, --ca-file or --insecure-skip-tls-verify without --server, expected --server with them',
  );
}

/**
 * @param path From `/` on, already encoded.
 * @returns    The page; undefined for 404 of a scheduler.
 * @throws TegError TEG_SERVER_FAILED: no answer, or one of another form; TEG_OPTION_INVALID for a bad address.
 */
export async function askPage<Page>(
  server: string,
  options: ServerOptions,
  path: string,
  schema: ZodType<Page>,
): Promise<Page | undefined> {
  const { readFile } = await import('node:fs/promises');
  const { askScheduler } = await import('../../drivers/kubernetes/ask-scheduler.ts');
  const textOf = async (file: string | undefined): Promise<string> =>
    file === undefined ? '' : (await readFile(file, 'utf8')).trim();
  const address = {
    server,
    token: await textOf(options.tokenFile),
    ca: await textOf(options.caFile),
    skipTlsVerify: options.insecureSkipTlsVerify === true,
  };
  const { found, body } = await askScheduler(address, path);
  if (!found) return undefined;
  const checked = schema.safeParse(body);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  throw new TegError(
    'TEG_SERVER_FAILED',
    `${server}${path}: got an answer of another form at '${issue?.path.join('.')}', expected that of this version; is it another one?`,
    { cause: checked.error },
  );
}
