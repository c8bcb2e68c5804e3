/**
 * Random cases put to the real kube-scheduler and to `teg scheduler`, both processes at work on one real API server.
 *
 *   node test/kubernetes/differential/real.ts FIRST_SEED CASES [CASES_AT_ONCE [observe|enforce]]
 *
 * Cases stand beside each other in one cluster, each on nodes, topologies and namespaces of its own. The pod of each is
 * put to the one scheduler, taken away, put to the other, and then to both once for each node, bound to it by name.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ensureBinaries } from '../../../lab/control-plane/build.ts';
import type { ControlPlane } from '../../../lab/control-plane/control-plane.ts';
import { startControlPlane } from '../../../lab/control-plane/start.ts';
import { createEconomy } from '../../../lab/kubernetes-bench/economy-of-bench.ts';
import { startTeg } from '../../../lab/kubernetes-bench/teg-process.ts';
import type { ApiClient } from '../../../src/drivers/kubernetes/client/api.ts';
import { clientOf, creatorOf } from '../control-plane-fixture.ts';
import { standUp, tearDown } from './api-world.ts';
import { comparableTexts, withoutPreemption } from './compare.ts';
import { type DifferentialCase, drawCase } from './draw-case.ts';
import type { Json } from './draw-nodes.ts';
import { pinned, probeRound, type Verdict } from './probe-round.ts';
import { type StockAnswer, StockOracle } from './stock-oracle.ts';
import type { EconomyMode } from './teg-answer.ts';
import { namesAmongOthers } from './world-names.ts';

const STOCK = 'default-scheduler';
const TEG = 'teg';
/** After a batch was written, until both schedulers surely know all of it. */
const SETTLE_MS = 1500;

/** A pod, perhaps bound to a node by name, on which the two differ. */
export interface RealDifference {
  readonly seed: number;
  /** '' if it was free to go anywhere. */
  readonly pin: string;
  readonly what: 'placed' | 'text' | 'oracle';
  readonly stock: string;
  readonly teg: string;
}

/** What came of many cases on a real API server. */
export interface RealTally {
  cases: number;
  /** Seeds whose case cannot be put to it: invalid, or its claims need a controller of volumes. */
  skipped: number;
  /** Pods put to both: free, and bound to one node. */
  free: number;
  bound: number;
  /** Of all these, by stock: placed, refused, gated. */
  placed: number;
  refused: number;
  gated: number;
  readonly differences: RealDifference[];
}

interface Standing {
  readonly drawn: DifferentialCase;
  readonly oracle: StockAnswer;
  readonly nodes: readonly string[];
}

/**
 * Runs cases from `firstSeed` on until `count` were put.
 *
 * @param oracleBinary What one case alone comes to.
 * @param mode         Of TEG's economy; one tenant has all namespaces.
 */
export async function runReal(
  oracleBinary: string,
  firstSeed: number,
  count: number,
  atOnce: number,
  note: (text: string) => void = () => undefined,
  mode: EconomyMode = 'off',
): Promise<RealTally> {
  const flags = [
    '--disable-admission-plugins=RuntimeClass,StorageObjectInUseProtection,DefaultTolerationSeconds',
  ];
  const plane = await startControlPlane({ podGroups: false, apiServerFlags: flags });
  const oracle = new StockOracle(oracleBinary);
  const client = clientOf(plane.kubeconfig);
  const tally: RealTally = {
    ...{ cases: 0, skipped: 0, free: 0, bound: 0, placed: 0, refused: 0, gated: 0 },
    differences: [],
  };
  const ending: (() => Promise<unknown>)[] = [() => client.close(), () => oracle.close(), () => plane.stop()];
  try {
    ending.unshift(await startBoth(plane, client, mode));
    for (let seed = firstSeed; tally.cases < count; ) {
      const batch: Standing[] = [];
      for (; batch.length < Math.min(atOnce, count - tally.cases); seed++) {
        const standing = await prepare(oracle, seed);
        if (standing === undefined) tally.skipped++;
        else batch.push(standing);
      }
      await runBatch(client, batch, tally, mode === 'enforce' ? withoutPreemption : (text) => text);
      note(`${tally.cases} cases, ${tally.differences.length} differences`);
    }
  } finally {
    for (const end of ending) await end();
  }
  return tally;
}

async function startBoth(
  plane: ControlPlane,
  client: ApiClient,
  mode: EconomyMode,
): Promise<() => Promise<void>> {
  await plane.startStockScheduler('');
  if (mode !== 'off') await createEconomy(creatorOf(client), 1, 1e6);
  const teg = await startTeg(plane, { economy: { mode } });
  return () => teg.stop();
}

/** @returns Undefined for a case that cannot be put to a real server without controllers. */
async function prepare(oracle: StockOracle, seed: number): Promise<Standing | undefined> {
  const drawn = drawCase(seed, namesAmongOthers(`c${seed}`), ['priorities']);
  const answer = await oracle.ask(drawn);
  if (answer.invalid !== undefined || needsVolumeController(drawn)) return undefined;
  const nodes = drawn.objects.filter(({ kind }) => kind === 'Node');
  return { drawn, oracle: answer, nodes: nodes.map(({ metadata }) => (metadata as { name: string }).name) };
}

/** Whether claims of the pod have to be bound on its way: nobody is there who does it. */
function needsVolumeController({ objects, probe }: DifferentialCase): boolean {
  const { volumes = [] } = probe.spec as { volumes?: { persistentVolumeClaim?: { claimName: string } }[] };
  const used = new Set(volumes.map(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName));
  const { namespace } = probe.metadata as { namespace: string };
  return objects.some(({ kind, metadata, spec }) => {
    if (kind !== 'PersistentVolumeClaim') return false;
    const of = metadata as { namespace: string; name: string };
    const { volumeName, storageClassName } = spec as { volumeName?: string; storageClassName: string };
    const waits = /-(local|made)$/.test(storageClassName);
    return of.namespace === namespace && used.has(of.name) && volumeName === undefined && waits;
  });
}

/** @param comparable What stock says, as TEG would say it. */
async function runBatch(
  client: ApiClient,
  batch: readonly Standing[],
  tally: RealTally,
  comparable: (text: string) => string,
): Promise<void> {
  const objects = batch.flatMap(({ drawn }) => drawn.objects);
  await standUp(client, objects);
  await delay(SETTLE_MS);
  const most = Math.max(...batch.map(({ nodes }) => nodes.length));
  for (let pin = -1; pin < most; pin++) {
    const asked = batch.filter(({ nodes }) => pin < nodes.length);
    const probes = new Map(asked.map((standing) => [String(standing.drawn.seed), probeOf(standing, pin)]));
    const stock = await probeRound(client, STOCK, probes);
    const teg = await probeRound(client, TEG, probes);
    for (const standing of asked) {
      const key = String(standing.drawn.seed);
      const said = stock.get(key) as Verdict;
      const verdict = { ...said, message: comparable(said.message) };
      compare(standing, pin, verdict, teg.get(key) as Verdict, tally);
    }
  }
  tally.cases += batch.length;
  await tearDown(client, objects);
}

function probeOf({ drawn, nodes }: Standing, pin: number): Json {
  return pin < 0 ? drawn.probe : pinned(drawn.probe, nodes[pin] as string);
}

function compare(
  { drawn, oracle, nodes }: Standing,
  pin: number,
  stock: Verdict,
  teg: Verdict,
  tally: RealTally,
): void {
  const note = (what: RealDifference['what'], ours: string, theirs: string): void => {
    tally.differences.push({
      seed: drawn.seed,
      pin: pin < 0 ? '' : (nodes[pin] as string),
      what,
      stock: ours,
      teg: theirs,
    });
  };
  if (pin < 0) tally.free++;
  else tally.bound++;
  if (stock.node !== '') tally.placed++;
  else if (stock.reason === 'SchedulingGated') tally.gated++;
  else tally.refused++;
  if ((stock.node === '') !== (teg.node === '')) {
    note('placed', told(stock), told(teg));
    return;
  }
  const [ours, theirs] = comparableTexts(told(stock), told(teg));
  if (stock.node === '' && ours !== theirs) note('text', ours, theirs);
  if (pin >= 0 || oracle.gated) return;
  const expected = oracle.feasible.join(' ');
  const isExpected = (node: string): boolean =>
    node === '' ? expected === '' : oracle.feasible.includes(node);
  if (!isExpected(stock.node)) note('oracle', told(stock), `the oracle: '${expected}'`);
  if (!isExpected(teg.node)) note('placed', `one of '${expected}'`, told(teg));
}

function told({ node, reason, message }: Verdict): string {
  return node === '' ? `${reason}: ${message}` : node;
}

/** @returns The tally for people, with the first differences. */
export function realTallyText(tally: RealTally, shown: number): string {
  const { cases, skipped, free, bound, placed, refused, gated, differences } = tally;
  const count = (what: string): number => differences.filter((difference) => difference.what === what).length;
  return [
    `${cases} cases (${skipped} more seeds cannot be put): ${free} pods free to go anywhere, ${bound} bound to one node; stock places ${placed}, refuses ${refused}, ${gated} stay at their gates`,
    `differences: placed ${count('placed')}, text ${count('text')}, stock against its oracle ${count('oracle')}`,
    ...differences
      .slice(0, shown)
      .map(
        ({ seed, pin, what, stock, teg }) =>
          `seed ${seed} ${pin} ${what}\n    stock: ${stock}\n    teg:   ${teg}`,
      ),
  ].join('\n');
}

if (import.meta.main) {
  const [first = '1', count = '2000', atOnce = '150', mode = ''] = process.argv.slice(2);
  const binary = (await ensureBinaries(['scheduler-oracle', 'kube-scheduler'])).get(
    'scheduler-oracle',
  ) as string;
  const started = performance.now();
  const note = (text: string): boolean => process.stderr.write(`${text}\n`);
  const tally = await runReal(
    binary,
    Number(first),
    Number(count),
    Number(atOnce),
    note,
    mode as EconomyMode,
  );
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  process.stdout.write(`${realTallyText(tally, 20)}\nseeds from ${first}, ${seconds} s\n`);
  process.exitCode = tally.differences.length > 0 ? 1 : 0;
}
