/**
 * What coarseness costs in packing, on lists of nodes and pods: a cluster as zones that are chosen by their fresh
 * holograms, against one zone that sees every node. Pods are drawn from the list until 1.3 × the GPUs have been asked for;
 * nobody leaves. Prints one line of JSON for each list, seed and view: GPU allocation when 100 % and 130 % have arrived,
 * in percent, proposals that a zone refused, and pods that no hologram showed room for although a zone had it.
 *
 *     node bench/hologram-packing.bench.ts --cluster NODES.csv --jobs A.csv,B.csv [--zones 12] [--seeds 1,2]
 *         [--views 0.25:10,0.5:50]        e : step of partial GPUs
 */
import { parseArgs } from 'node:util';
import { emptyMaxima, emptySums, type Hologram } from '../src/field/hologram/hologram.ts';
import { type HologramOptions, takeHologram } from '../src/field/hologram/hologram-source.ts';
import { OfferReader } from '../src/field/hologram/offer-reader.ts';
import { SharedPrices } from '../src/governor/policy/shared-prices.ts';
import { TEG_DEFAULTS } from '../src/governor/policy/teg-options.ts';
import { TegPolicy } from '../src/governor/policy/teg-policy.ts';
import { Random } from '../src/kernel/random.ts';
import { ClusterState } from '../src/model/cluster-state.ts';
import { type Demand, DemandTable } from '../src/model/demand.ts';
import type { JobSpec } from '../src/model/job.ts';
import type { NodeSpec } from '../src/model/node.ts';
import { capacityOf, generateJobs, generateNodes } from '../src/traces/generate.ts';
import { readJobs, readNodes } from '../src/traces/read.ts';

const { values } = parseArgs({
  options: {
    cluster: { type: 'string' },
    jobs: { type: 'string', default: 'generated' },
    zones: { type: 'string', default: '12' },
    seeds: { type: 'string', default: '1' },
    views: { type: 'string', default: '0.125:10,0.25:10,0.25:20,0.25:50,0.25:100,0.5:10,0.5:50,1:10,1:50' },
  },
});

const nodes = values.cluster === undefined ? generateNodes({ nodes: 1200 }) : await readNodes(values.cluster);
for (const list of values.jobs.split(',')) {
  const jobs = list === 'generated' ? generated() : await readJobs(list);
  for (const seed of values.seeds.split(',').map(Number)) {
    for (const view of ['one zone', ...values.views.split(',')]) {
      const name = list.split('/').at(-1);
      console.log(JSON.stringify({ list: name, seed, view, ...packed(jobs, seed, view) }));
    }
  }
}

function generated(): JobSpec[] {
  return generateJobs({ jobs: 8192, capacity: capacityOf(nodes) }, new Random(1, 3));
}

function optionsOf(view: string): HologramOptions | undefined {
  if (view === 'one zone') return undefined;
  const [coarseness = 0, partialStepMilli = 0] = view.split(':').map(Number);
  return { coarseness, partialStepMilli };
}

function packed(jobs: readonly JobSpec[], seed: number, view: string) {
  const options = optionsOf(view);
  const table = new DemandTable();
  const counts: number[] = [];
  for (const job of jobs) {
    const { id } = table.intern(job);
    counts[id] = (counts[id] ?? 0) + job.podCount;
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  const workload = { demands: table.demands, weights: counts.map((count) => count / total), counts };
  const order = shuffled(nodes, new Random(seed, 12));
  const prices = new SharedPrices(clusterOf(table, order), workload, TEG_DEFAULTS);
  const zoneCount = options === undefined ? 1 : Number(values.zones);
  const zones = Array.from({ length: zoneCount }, (_, zone) => {
    const own = order.filter((_, i) => Math.floor((i * zoneCount) / order.length) === zone);
    const context = { cluster: clusterOf(table, own), random: new Random(1, zone) };
    return new TegPolicy(context, { ...TEG_DEFAULTS, classesMax: 16_384 }, prices);
  });
  const take = ({ classes, rent }: TegPolicy): Hologram =>
    takeHologram(classes, rent, emptySums(), emptyMaxima(), 0, options);
  const holograms = options === undefined ? [] : zones.map(take);
  const reader = new OfferReader(table, prices.price);
  const random = new Random(seed, 7);
  const capacity = zones.reduce((sum, { classes }) => sum + classes.cluster.capacity.gpuMilli, 0);
  let arrived = 0;
  let placed = 0;
  let at100 = Number.NaN;
  let refused = 0;
  let hidden = 0;
  while (arrived < 1.3 * capacity) {
    if (Number.isNaN(at100) && arrived >= capacity) at100 = placed / capacity;
    const demand = drawn(table.demands, workload.weights, random.nextFloat());
    arrived += demand.gpuTotalMilli;
    for (const zone of zones) zone.demandSeen(demand);
    let done = false;
    for (const at of options === undefined ? [0] : offering(reader, holograms, demand)) {
      const zone = zones[at] as TegPolicy;
      done = placedBy(zone, demand);
      if (!done) refused++;
      else if (options !== undefined) holograms[at] = take(zone);
      if (done) break;
    }
    if (done) placed += demand.gpuTotalMilli;
    else if (options !== undefined && zones.some((zone) => zone.choose(demand) >= 0)) hidden++;
  }
  const percent = (share: number): number => Math.round(share * 1e4) / 100;
  return { at100: percent(at100), at130: percent(placed / capacity), refused, hidden };
}

function clusterOf(table: DemandTable, own: readonly NodeSpec[]): ClusterState {
  const cluster = new ClusterState(table);
  for (const node of own) cluster.addNode(node);
  return cluster;
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const k = random.nextInt(i + 1);
    [out[i], out[k]] = [out[k] as T, out[i] as T];
  }
  return out;
}

function drawn(demands: readonly Demand[], weights: readonly number[], u: number): Demand {
  let left = u;
  for (const [i, weight] of weights.entries()) {
    left -= weight;
    if (left < 0) return demands[i] as Demand;
  }
  return demands[demands.length - 1] as Demand;
}

/** Zones that offer a place, the cheapest first. */
function offering(reader: OfferReader, holograms: readonly Hologram[], demand: Demand): number[] {
  const offer = { price: 0, slope: 0, near: 0, slots: 0 };
  return holograms
    .flatMap((hologram, zone) =>
      reader.read(hologram, demand, 1, offer) ? [{ zone, price: offer.price }] : [],
    )
    .sort((a, b) => a.price - b.price || a.zone - b.zone)
    .map(({ zone }) => zone);
}

function placedBy(zone: TegPolicy, demand: Demand): boolean {
  const node = zone.choose(demand);
  if (node < 0) return false;
  zone.classes.cluster.place(node, demand, zone.gpuMask);
  zone.nodeChanged(node);
  return true;
}
