/** Claims as printed to a terminal: one block each when it is done, and a table at the end. */
import { styleText } from 'node:util';
import { wantsColor } from '../../src/cli/terminal/color.ts';
import { formatTable, printTable, type TableStream } from '../../src/cli/terminal/table.ts';
import { type Check, type ClaimResult, numberText, thresholdText } from '../claims/claim.ts';

/** Widest line of running text. */
const TEXT_WIDTH_MAX = 110;

/** Prints one claim with everything measured. */
export function printClaim(result: ClaimResult, stream: TableStream = process.stdout): void {
  const { claim, checks, controls, notes = [] } = result;
  const width = Math.min(TEXT_WIDTH_MAX, stream.isTTY ? stream.columns || 80 : TEXT_WIDTH_MAX);
  const bold = (text: string): string =>
    wantsColor(stream) ? styleText('bold', text, { validateStream: false }) : text;
  const rows = [
    ...checks.map((check) => [
      check.what,
      numberText(check.measured),
      thresholdText(check),
      verdict(check, true),
    ]),
    ...controls.map((check) => [
      `control: ${check.what}`,
      numberText(check.measured),
      thresholdText(check),
      verdict(check, false),
    ]),
  ];
  const columns = [
    { header: 'measured' },
    { header: 'value', align: 'right', shrink: false } as const,
    { header: 'threshold', shrink: false },
    { header: '', shrink: false },
  ];
  stream.write(
    `${[
      bold(`${claim.test} ${claim.title}: ${outcome(result)}`),
      ...wrapped(claim.claim, width),
      ...wrapped(`Conditions: ${claim.conditions}`, width),
      ...wrapped(`Not claimed: ${claim.notClaimed}`, width),
      formatTable(columns, rows, stream.isTTY ? { widthMax: stream.columns || 80 } : {}),
      ...notes.flatMap((note) => wrapped(note, width)),
    ].join('\n')}\n\n`,
  );
}

/** Prints all claims in a table, and the failures, if any. */
export function printSummary(results: readonly ClaimResult[]): void {
  const rows = results.map((result) => {
    const first = result.checks[0] as Check;
    return [
      result.claim.test,
      result.claim.title,
      numberText(first.measured),
      thresholdText(first),
      outcome(result),
    ];
  });
  printTable(
    [
      { header: 'test', shrink: false },
      { header: 'claim' },
      { header: 'measured', align: 'right', shrink: false },
      { header: 'threshold', shrink: false },
      { header: 'verdict', shrink: false },
    ],
    rows,
  );
}

/** @returns `holds`, or the failure in a few words. */
function outcome(result: ClaimResult): string {
  if (!result.holds) return 'DOES NOT HOLD';
  return result.negativeControlFails ? 'holds' : 'A CONTROL PASSES';
}

function verdict(check: Check, wanted: boolean): string {
  if (wanted) return check.holds ? 'holds' : 'DOES NOT HOLD';
  return check.holds ? 'PASSES, MUST NOT' : 'fails, as it must';
}

/** @returns A text in lines of at most `width` characters, broken between words. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
