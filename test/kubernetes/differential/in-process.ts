/**
 * Thousands of random cases, each put to the stock scheduler (oracle) and to TEG, both without an API server.
 *
 *   node test/kubernetes/differential/in-process.ts FIRST_SEED CASES [DIFFERENCES_SHOWN [observe|enforce]]
 */
import { ensureBinaries } from '../../../lab/control-plane/build.ts';
import { type Difference, differencesInEnforce, differencesOf } from './compare.ts';
import { Draw } from './draw.ts';
import { type DifferentialCase, drawCase } from './draw-case.ts';
import { type StockAnswer, StockOracle } from './stock-oracle.ts';
import { askTeg, type EconomyMode, type TegAnswer } from './teg-answer.ts';

/** A case on which the two differ. */
export interface Disagreement {
  readonly drawn: DifferentialCase;
  readonly stock: StockAnswer;
  readonly teg: TegAnswer;
  readonly differences: readonly Difference[];
}

/** What came of many cases. */
export interface Tally {
  /** Cases that the API server would take, and those it would not. */
  cases: number;
  invalid: number;
  /** Of the cases: gated, placed by stock, with somebody to preempt, refused for good. */
  gated: number;
  placed: number;
  preempting: number;
  refused: number;
  /** Cases in which TEG evicts. */
  evicting: number;
  /** Single nodes that were judged, and those that refused. */
  nodes: number;
  nodesRefusing: number;
  /** Of the refusals by plugin. */
  readonly plugins: Map<string, number>;
  readonly disagreements: Disagreement[];
}

/**
 * Runs the cases of `count` seeds.
 *
 * @param binary The oracle's.
 * @param mode   Of TEG's economy. In enforce victims are its own choice: `differencesInEnforce`.
 */
export async function runInProcess(
  binary: string,
  firstSeed: number,
  count: number,
  mode: EconomyMode = 'off',
): Promise<Tally> {
  const oracle = new StockOracle(binary);
  const tally = emptyTally();
  const pending: { drawn: DifferentialCase; answer: Promise<StockAnswer> }[] = [];
  const settle = async (): Promise<void> => {
    const { drawn, answer } = pending.shift() as (typeof pending)[number];
    judge(tally, drawn, await answer, mode);
  };
  try {
    for (let seed = firstSeed; seed < firstSeed + count; seed++) {
      if (!oracle.hasRoom) await settle();
      const drawn = drawCase(seed);
      const answer = oracle.ask(drawn);
      answer.catch(() => undefined);
      pending.push({ drawn, answer });
    }
    while (pending.length > 0) await settle();
  } finally {
    await oracle.close();
  }
  return tally;
}

function emptyTally(): Tally {
  const counts = { cases: 0, invalid: 0, gated: 0, placed: 0, preempting: 0, refused: 0, evicting: 0 };
  return { ...counts, nodes: 0, nodesRefusing: 0, plugins: new Map(), disagreements: [] };
}

function judge(tally: Tally, drawn: DifferentialCase, stock: StockAnswer, mode: EconomyMode): void {
  if (stock.invalid !== undefined) {
    tally.invalid++;
    return;
  }
  tally.cases++;
  if (stock.gated) tally.gated++;
  else if (stock.chosen !== '') tally.placed++;
  else if (stock.preempted !== '') tally.preempting++;
  else tally.refused++;
  tally.nodes += drawn.objects.filter(({ kind }) => kind === 'Node').length;
  for (const { plugin } of Object.values(stock.reasons)) {
    tally.nodesRefusing++;
    tally.plugins.set(plugin, (tally.plugins.get(plugin) ?? 0) + 1);
  }
  const teg = askTeg(stock.objects, stock.probe, new Draw(drawn.seed, 8), mode);
  if (teg.victims.length > 0) tally.evicting++;
  const differences =
    mode === 'enforce' ? differencesInEnforce(stock, teg, stock.probe) : differencesOf(stock, teg);
  if (differences.length > 0) tally.disagreements.push({ drawn, stock, teg, differences });
}

/** @returns The tally for people, with the first disagreements. */
export function tallyText(tally: Tally, shown: number): string {
  const { cases, invalid, gated, placed, preempting, refused, evicting, nodes, nodesRefusing } = tally;
  const plugins = [...tally.plugins].sort((x, y) => y[1] - x[1]).map(([plugin, n]) => `${plugin} ${n}`);
  const kinds = new Map<string, number>();
  for (const { differences } of tally.disagreements) {
    for (const kind of new Set(differences.map((difference) => difference.kind)))
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  return [
    `${cases} cases (and ${invalid} that the API server would not take): stock places ${placed}, preempts for ${preempting}, refuses ${refused}, keeps ${gated} at their gates; TEG evicts for ${evicting}`,
    `${nodes} nodes judged, ${nodesRefusing} refuse: ${plugins.join(', ')}`,
    `agree on ${cases - tally.disagreements.length}, differ on ${tally.disagreements.length}: ${[...kinds].map(([kind, n]) => `${kind} ${n}`).join(', ') || 'nothing'}`,
    ...tally.disagreements.slice(0, shown).map(disagreementText),
  ].join('\n');
}

function disagreementText({ drawn, differences }: Disagreement): string {
  const lines = differences.map(
    ({ kind, stock, teg }) => `  ${kind}\n    stock: ${stock}\n    teg:   ${teg}`,
  );
  return `seed ${drawn.seed} (${drawn.themes.join(', ')})\n${lines.join('\n')}`;
}

if (import.meta.main) {
  const [first = '1', count = '10000', shown = '10', mode = 'off'] = process.argv.slice(2);
  const onProgress = ({ note }: { note: string }): boolean =>
    process.stderr.write(`building the oracle: ${note}\n`);
  const binary = (await ensureBinaries(['scheduler-oracle'], { onProgress })).get(
    'scheduler-oracle',
  ) as string;
  const started = performance.now();
  const tally = await runInProcess(binary, Number(first), Number(count), mode as EconomyMode);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(
    `${tallyText(tally, Number(shown))}\nseeds ${first}…${Number(first) + Number(count) - 1}, ${seconds} s\n`,
  );
  process.exitCode = tally.disagreements.length > 0 ? 1 : 0;
}
