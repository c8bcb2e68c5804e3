/**
 * Where TEG and the stock scheduler differ on a case.
 */
import type { Json } from './draw-nodes.ts';
import type { StockAnswer } from './stock-oracle.ts';
import type { TegAnswer } from './teg-answer.ts';

/** What differs. `text`: only what is said. */
export interface Difference {
  readonly kind: 'gated' | 'feasible' | 'placed' | 'preemption' | 'text';
  readonly stock: string;
  readonly teg: string;
}

/** @returns Everything that differs; nothing if both agree. */
export function differencesOf(stock: StockAnswer, teg: TegAnswer): Difference[] {
  const differences: Difference[] = [];
  const note = (kind: Difference['kind'], said: string, ours: string): void => {
    if (said !== ours) differences.push({ kind, stock: said, teg: ours });
  };
  note('gated', String(stock.gated), String(teg.gated));
  if (stock.gated || teg.gated) return differences;
  note('feasible', stock.feasible.join(' '), teg.feasible.join(' '));
  comparePlacement(stock, teg, note);
  if (stock.chosen !== '' || teg.chosen !== '') return differences;
  comparePreemption(stock, teg, note);
  note('text', ...comparableTexts(stock.error ?? stock.message, teg.message));
  return differences;
}

/**
 * @returns What differs in mode enforce. Victims are the economy's own choice there: pods of this scheduler and of lower priority, here
 *          of the same tenant, the fewest, on whatever nodes; stock takes other schedulers' pods, too, all from the node that it nominates.
 *          Its texts lack what stock adds about preemption.
 */
export function differencesInEnforce(stock: StockAnswer, teg: TegAnswer, probe: Json): Difference[] {
  if (teg.victims.length === 0) {
    const nobody = { preempted: '', candidates: [], message: withoutPreemption(stock.message) };
    return differencesOf({ ...stock, ...nobody }, teg);
  }
  const differences: Difference[] = [];
  const { spec } = probe as unknown as Pod;
  const pods = podsByUid(stock.objects);
  for (const uid of teg.victims) {
    const victim = pods.get(uid)?.spec;
    if (victim?.schedulerName !== spec.schedulerName || (victim?.priority ?? 0) >= (spec.priority ?? 0)) {
      differences.push({ kind: 'preemption', stock: `not ${uid}`, teg: told(teg.preempted, teg.victims) });
    }
  }
  const feasible = [stock.feasible.join(' '), teg.feasible.join(' ')] as const;
  if (feasible[0] !== '' || feasible[1] !== '') {
    differences.push({ kind: 'feasible', stock: feasible[0], teg: feasible[1] });
  }
  return differences;
}

/**
 * What both say, made comparable. Dynamic resource allocation, which TEG has none of, adds to every refusal of stock that
 * there are "no new claims to deallocate"; where a filter refuses before any node is looked at, its state is "not found",
 * which keeps stock from trying preemption. With an economy TEG adds the code of the reason.
 */
export function comparableTexts(stock: string, teg: string): readonly [string, string] {
  const cutShort = / not found$/;
  const uncoded = teg.replace(/ \[[a-z-]+\]$/, '');
  if (cutShort.test(stock)) return [stock.replace(cutShort, ''), withoutPreemption(uncoded)];
  return [stock.replace(' no new claims to deallocate,', ''), uncoded];
}

/** @returns What is said of the nodes, without what follows about preemption. */
export function withoutPreemption(text: string): string {
  return text.replace(/ preemption: .*$/, '');
}

type Note = (kind: Difference['kind'], stock: string, teg: string) => void;

/** TEG may like another node better, but not one that stock refuses. */
function comparePlacement(stock: StockAnswer, teg: TegAnswer, note: Note): void {
  const allowed = teg.chosen === '' ? stock.chosen === '' : stock.feasible.includes(teg.chosen);
  if (!allowed) note('placed', `one of '${stock.feasible.join(' ')}'`, teg.chosen);
}

/** The same node, or one that is as good by the documented order; and there the same victims. */
function comparePreemption(stock: StockAnswer, teg: TegAnswer, note: Note): void {
  const rank = rankIn(stock);
  const best = stock.candidates.find(({ node }) => node === stock.preempted);
  const ours = stock.candidates.find(({ node }) => node === teg.preempted);
  if (best === undefined || ours === undefined) {
    note('preemption', told(stock.preempted, best?.victims), told(teg.preempted, teg.victims));
    return;
  }
  note('preemption', `rank ${rank(best)}`, `rank ${rank(ours)}`);
  const asImportant = importanceIn(stock);
  note(
    'preemption',
    asImportant(ours.node, leaving(ours.victims, stock)),
    asImportant(teg.preempted, teg.victims),
  );
}

/** Victims by their importance: of pods that are equally important, which one goes is chance with stock. */
function importanceIn({ objects }: StockAnswer): (node: string, victims: readonly string[]) => string {
  const pods = podsByUid(objects);
  return (node, victims) =>
    told(
      node,
      victims.map((uid) => `${pods.get(uid)?.spec.priority ?? 0} since ${pods.get(uid)?.status.startTime}`),
    );
}

/** Victims that are being deleted already are not deleted again. */
function leaving(victims: readonly string[], { objects }: StockAnswer): string[] {
  const pods = podsByUid(objects);
  return victims.filter((uid) => pods.get(uid)?.metadata.deletionTimestamp === undefined);
}

function told(node: string, victims: readonly string[] = []): string {
  return `${node}: ${[...victims].sort().join(' ')}`;
}

interface Pod {
  readonly metadata: { readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly priority?: number; readonly schedulerName?: string };
  readonly status: { readonly startTime?: string };
}

function podsByUid(objects: readonly Json[]): Map<string, Pod> {
  const pods = new Map<string, Pod>();
  for (const object of objects) {
    if (object.kind === 'Pod') pods.set((object as unknown as Pod).metadata.uid, object as unknown as Pod);
  }
  return pods;
}

/**
 * The documented order of candidates: fewest broken budgets, lowest highest priority, lowest sum of priorities, fewest
 * victims, latest start of the most important victims.
 */
function rankIn({ objects }: StockAnswer): (candidate: StockAnswer['candidates'][number]) => string {
  const pods = podsByUid(objects);
  return ({ victims, broken }) => {
    const gone = victims.map((uid) => pods.get(uid) as Pod);
    const priorities = gone.map(({ spec }) => spec.priority ?? 0);
    const highest = Math.max(...priorities);
    const starts = gone
      .filter((_, i) => priorities[i] === highest)
      .map(({ status }) => (status.startTime === undefined ? 'now' : status.startTime));
    const sum = priorities.reduce((total, priority) => total + priority + 2 ** 31, 0);
    return [broken, highest, sum, victims.length, starts.sort()[0]].join(',');
  };
}
