/** `teg verify`: tests the claims, each with its negative controls. */
import type { Command } from 'commander';
import { parseSeed } from '../../src/cli/terminal/option-values.ts';
import { TegError } from '../../src/model/errors.ts';
import type { Claim, ClaimResult } from '../claims/claim.ts';

interface VerifyOptions {
  readonly seed: number;
  readonly full?: boolean;
  readonly json?: boolean;
  readonly jsonSchema?: boolean;
  readonly printPage?: boolean;
  readonly html?: string;
}

const EXAMPLES = `
Examples:
  teg verify
  teg verify T-06 T-08 --seed 7
  teg verify --html claims.html
Exit code 1 if a claim does not hold or a negative control does not fail. docs/results/claims.md is the output of --print-page.`;

/** Adds `teg verify`. */
export function addVerifyCommand(parent: Command): void {
  parent
    .command('verify')
    .description(
      'test the claims about placement, sampling, the market, the tax and the guard, with negative controls',
    )
    .argument('[tests...]', 'for example T-06 G-01 (default: all)')
    .option('--seed <n>', 'seed of all random numbers', parseSeed, 1)
    .option('--full', 'with all seeds that the claims name (some seconds more); --print-page does so too')
    .option('--json', 'print JSON: an array of one object a claim')
    .option('--json-schema', 'print the JSON Schema of the output of --json, and end')
    .option('--print-page', 'print the page docs/results/claims.md')
    .option('--html <file>', 'also write a page with plots')
    .addHelpText('after', EXAMPLES)
    .action(verify);
}

async function verify(tests: readonly string[], options: VerifyOptions): Promise<void> {
  if (options.jsonSchema === true) {
    const { printJsonSchema } = await import('../../src/cli/terminal/json-output.ts');
    const { claimRowsSchema } = await import('../verify/claim-rows.ts');
    printJsonSchema(claimRowsSchema);
    return;
  }
  const { CLAIMS } = await import('../claims/claims.ts');
  const claims = tests.length === 0 ? CLAIMS : selected(tests, CLAIMS);
  if (options.html !== undefined) {
    const { prepareOutput } = await import('../../src/cli/files/output-file.ts');
    await prepareOutput(options.html);
  }
  const quiet = options.json === true || options.printPage === true;
  const isFull = options.full === true || options.printPage === true;
  const results = await runClaims(claims, { seed: options.seed, isFull }, quiet);
  await report(results, options);
  if (results.length < claims.length)
    process.stderr.write(`partial: ${results.length} of ${claims.length} claims\n`);
  if (!results.every(isGood)) process.exitCode = 1;
}

/** True if a claim holds and its controls fail. */
function isGood(result: ClaimResult): boolean {
  return result.holds && result.negativeControlFails;
}

/** @returns The named claims, in their order. @throws TegError TEG_OPTION_INVALID for an unknown one. */
function selected(tests: readonly string[], claims: readonly Claim[]): Claim[] {
  const names = new Set(
    tests.map((text) => {
      const [, letter = 't', number = ''] = /^([tg]?)-?(\d+)$/i.exec(text) ?? [];
      const name = `${(letter || 't').toUpperCase()}-${number.padStart(2, '0')}`;
      if (claims.some((claim) => claim.test === name)) return name;
      const [first, last] = [claims[0]?.test, claims.at(-1)?.test];
      throw new TegError('TEG_OPTION_INVALID', `got the test '${text}', expected one of ${first} to ${last}`);
    }),
  );
  return claims.filter((claim) => names.has(claim.test));
}

/** Runs claim after claim, prints each unless `quiet`, and stops between two if interrupted. */
async function runClaims(
  claims: readonly Claim[],
  { seed, isFull }: { readonly seed: number; readonly isFull: boolean },
  quiet: boolean,
): Promise<ClaimResult[]> {
  const { setImmediate } = await import('node:timers/promises');
  const { testClaim } = await import('../claims/claims.ts');
  const { interruptSignal } = await import('../../src/cli/terminal/interrupt.ts');
  const { ProgressLine } = await import('../../src/cli/terminal/progress-line.ts');
  const { printClaim } = await import('../verify/claims-text.ts');
  const signal = interruptSignal();
  const line = new ProgressLine('verifying', { total: claims.length, unit: 'claims' });
  const results: ClaimResult[] = [];
  for (const claim of claims) {
    line.update(results.length, `${claim.test} ${claim.title}`);
    await setImmediate();
    if (signal.aborted) break;
    const result = testClaim(claim, seed, isFull);
    results.push(result);
    line.clear();
    if (!quiet) printClaim(result);
  }
  line.finish();
  return results;
}

async function report(results: readonly ClaimResult[], options: VerifyOptions): Promise<void> {
  const { seed, html } = options;
  if (options.json === true) {
    const { printJson } = await import('../../src/cli/terminal/json-output.ts');
    const { claimRow } = await import('../verify/claim-rows.ts');
    printJson(results.map(claimRow));
  } else if (options.printPage === true) {
    const { claimsMarkdown } = await import('../verify/claims-markdown.ts');
    process.stdout.write(claimsMarkdown(results, seed));
  } else {
    const { printSummary } = await import('../verify/claims-text.ts');
    printSummary(results);
  }
  if (html !== undefined) await writePage(html, results, seed);
}

async function writePage(file: string, results: readonly ClaimResult[], seed: number): Promise<void> {
  const { writeWholeText } = await import('../../src/cli/files/output-file.ts');
  const { claimsPage } = await import('../verify/claims-page.ts');
  const { packageVersion } = await import('../../src/cli/version.ts');
  await writeWholeText(file, claimsPage(results, seed, packageVersion()));
  process.stderr.write(`wrote ${file}\n`);
}
