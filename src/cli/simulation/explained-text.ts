/** The life of one job as text: the output of `teg simulate --explain`. */
import { BYTES_PER_MIB } from '../../model/units.ts';
import type { SimulationResult } from '../../simulation/metrics/result.ts';
import { formatBytes, formatCounted, formatDuration, formatFixed } from '../terminal/formatting.ts';
import { printTable } from '../terminal/table.ts';

type Explained = NonNullable<SimulationResult['explained']>;
type Turn = Explained['turns'][number];
type Choice = Turn['choices'][number];

/** Candidates of a choice that are printed; the JSON has up to 16. */
const CANDIDATES_SHOWN = 6;

/** Pods whose reasons are printed; the JSON has more. */
const PODS_SHOWN = 4;

/** Prints it to standard output. */
export function printExplained(explained: Explained): void {
  process.stdout.write(`\njob '${explained.job}': ${asksFor(explained)}\n`);
  const arrived = explained.turns.find(({ what }) => what === 'arrived')?.atSeconds;
  explained.turns.forEach((turn, i) => {
    printTurn(startsAtOnce(turn, explained.turns[i + 1]) ? { ...turn, choices: [] } : turn, arrived);
  });
}

/** True if the reasons at its arrival are those of its start, so that printing them once is enough. */
function startsAtOnce(turn: Turn, next: Turn | undefined): boolean {
  return turn.what === 'arrived' && next?.what === 'started' && next.choices.length > 0;
}

function asksFor({ demand, podCount, gangMin }: Explained): string {
  const pods = podCount === 1 ? '1 pod' : `${podCount} pods (at least ${gangMin} together)`;
  const parts = [
    `${formatFixed(demand.cpuMilli / 1000, 2)} cores`,
    formatBytes(demand.memoryMib * BYTES_PER_MIB),
  ];
  if (demand.gpuCount > 0) {
    parts.push(
      demand.gpuMilli < 1000 ? `${demand.gpuMilli}/1000 of a GPU` : formatCounted(demand.gpuCount, 'GPU'),
    );
  }
  return `${pods} of ${parts.join(', ')}`;
}

/** @param arrived Seconds of the run when the job arrived, if that is known. */
function printTurn(turn: Turn, arrived: number | undefined): void {
  const isStart = turn.what === 'started' && arrived !== undefined;
  const waited = isStart ? `, ${formatDuration(turn.atSeconds - arrived)} after it arrived` : '';
  const detail = turn.detail === '' ? '' : `: ${turn.detail}${waited}`;
  process.stdout.write(`\n${formatDuration(turn.atSeconds)}  ${turn.what}${detail}\n`);
  for (const pod of turn.pods.slice(0, PODS_SHOWN)) {
    const gpus = pod.gpus.length === 0 ? '' : `, GPU ${pod.gpus.join(' ')}`;
    process.stdout.write(`  pod ${pod.member} on ${pod.node}${gpus}\n`);
  }
  for (const choice of turn.choices.slice(0, PODS_SHOWN)) printChoice(choice);
  const left = Math.max(turn.pods.length, turn.choices.length) - PODS_SHOWN;
  if (left > 0) process.stdout.write(`  … and ${left} more pods (--json has them)\n`);
}

function printChoice(choice: Choice): void {
  if (choice.candidates.length === 0) {
    const lacking = Object.entries(choice.lacking).map(
      ([what, nodes]) => `${what}: ${formatCounted(nodes, 'node')}`,
    );
    const why = lacking.length > 0 ? lacking.join(', ') : `policy ${choice.policy} gives no reasons`;
    process.stdout.write(`  ${choice.node === '' ? 'no node fits now; ' : ''}${why}\n`);
    return;
  }
  const names = [...new Set(choice.candidates.flatMap((candidate) => Object.keys(candidate.parts)))];
  const number = (value: number | null | undefined): string =>
    value === null || value === undefined ? '–' : formatFixed(value, Number.isInteger(value) ? 0 : 3);
  printTable(
    [
      { header: `  looked at, best first (${choice.better} is better)` },
      { header: 'nodes' },
      { header: 'value', align: 'right' },
      ...names.map((header) => ({ header, align: 'right' as const })),
    ],
    choice.candidates
      .slice(0, CANDIDATES_SHOWN)
      .map((candidate) => [
        `  ${candidate.label}`,
        candidate.nodes,
        number(candidate.value),
        ...names.map((name) => number(candidate.parts[name])),
      ]),
  );
}
