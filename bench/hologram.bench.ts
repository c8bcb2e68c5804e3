/**
 * Size and speed of holograms: 32 zones of 1,000 generated openb-like nodes, filled to 90 % of their GPUs by TEG and
 * churned until shapes are those that departures make. Prints JSON: bytes and classes by coarseness, and microseconds of
 * CPU time per operation, best of several rounds. Reads are of 1,024 holograms in turn, so that they meet cold memory.
 *
 *     node bench/hologram.bench.ts [--zones 32] [--nodes 1000] [--fill 0.9]
 */

import { parseArgs } from 'node:util';
import { DecisionChurn } from '../lab/bench/decision-churn.ts';
import {
  emptyMaxima,
  type Hologram,
  type HologramSums,
  mergeHolograms,
} from '../src/field/hologram/hologram.ts';
import { type HologramOptions, takeHologram } from '../src/field/hologram/hologram-source.ts';
import { type Offer, OfferReader } from '../src/field/hologram/offer-reader.ts';
import { decodeHologram, encodeHologram } from '../src/field/hologram/wire.ts';
import { SharedPrices } from '../src/governor/policy/shared-prices.ts';
import { TEG_DEFAULTS } from '../src/governor/policy/teg-options.ts';
import { TegPolicy } from '../src/governor/policy/teg-policy.ts';
import { Random } from '../src/kernel/random.ts';
import { mean } from '../src/kernel/statistics.ts';
import { ClusterState } from '../src/model/cluster-state.ts';
import { type Demand, DemandTable } from '../src/model/demand.ts';
import { capacityOf, generateJobs, generateNodes } from '../src/traces/generate.ts';

const ROUNDS = 5;
/** Holograms that are read in turn. */
const BOARD = 1024;

const { values } = parseArgs({
  options: {
    zones: { type: 'string', default: '32' },
    nodes: { type: 'string', default: '1000' },
    fill: { type: 'string', default: '0.9' },
  },
});
const zoneCount = Number(values.zones);
const nodeCount = Number(values.nodes);

const table = new DemandTable();
const workload = generatedWorkload();
const zones = filledZones(Number(values.fill));
const price = new SharedPrices(clusterOf('prices'), workload, TEG_DEFAULTS).price;

/** Keeps what is computed from being optimised away. */
let sink = 0;

console.log(
  JSON.stringify(
    {
      zones: zoneCount,
      nodes: nodeCount,
      sizes: sizes(),
      prices: priceErrors(),
      micros: speeds(),
      sink: sink > 0,
    },
    null,
    1,
  ),
);

function generatedWorkload() {
  const capacity = capacityOf(generateNodes({ nodes: 1000 }));
  const counts: number[] = [];
  for (const job of generateJobs({ jobs: 8192, capacity }, new Random(1, 3))) {
    const { id } = table.intern(job);
    counts[id] = (counts[id] ?? 0) + job.podCount;
  }
  const total = counts.reduce((sum, count) => sum + count, 0);
  return { demands: table.demands, weights: counts.map((count) => count / total), counts };
}

function clusterOf(namePrefix: string): ClusterState {
  const cluster = new ClusterState(table, { nodesExpected: nodeCount });
  for (const node of generateNodes({ nodes: nodeCount, namePrefix })) cluster.addNode(node);
  return cluster;
}

function filledZones(fill: number): TegPolicy[] {
  const shared = new SharedPrices(clusterOf('all'), workload, TEG_DEFAULTS);
  return Array.from({ length: zoneCount }, (_, zone) => {
    const cluster = clusterOf(`zone-${zone}`);
    const policy = new TegPolicy({ cluster, random: new Random(1, zone) }, TEG_DEFAULTS, shared);
    const churn = new DecisionChurn(cluster, policy, workload, new Random(2, zone));
    churn.fillTo(fill);
    churn.warmUp(10 * nodeCount);
    return policy;
  });
}

function take(policy: TegPolicy, options: Partial<HologramOptions> = {}): Hologram {
  const { cluster } = policy.classes;
  const { capacity } = cluster;
  const freeGpuMilli = cluster.freeGpuMilli.subarray(0, nodeCount).reduce((sum, free) => sum + free, 0);
  const sums: HologramSums = {
    zones: 1,
    nodes: nodeCount,
    nodesUp: nodeCount,
    pods: 5 * nodeCount,
    capacityCpuMilli: capacity.cpuMilli,
    freeCpuMilli: capacity.cpuMilli >> 2,
    capacityGpuMilli: capacity.gpuMilli,
    freeGpuMilli,
    heldGpuMilli: 4000,
    waitingJobs: 12,
    waitingGpuMilli: 20_000,
    arrivalsPerSecond: 3.7,
  };
  const maxima = { ...emptyMaxima(), zoneFreeGpuMilli: freeGpuMilli, oldestWaitSeconds: 12.3 };
  return takeHologram(policy.classes, policy.rent, sums, maxima, 1234.5, options);
}

function sizes() {
  const rows = [];
  for (const coarseness of [1, 0.5, 0.25, 0.125]) {
    for (const partialStepMilli of [10, 20, 50, 100]) {
      const holograms = zones.map((zone) => take(zone, { coarseness, partialStepMilli }));
      const bytes = holograms.map((hologram) => encodeHologram(hologram).length);
      const merged = mergeHolograms(holograms);
      rows.push({
        coarseness,
        partialStepMilli,
        classesMean: Math.round(mean(holograms.map((hologram) => hologram.classes.count))),
        bytesMean: Math.round(mean(bytes)),
        bytesMax: Math.max(...bytes),
        mergedClasses: merged.classes.count,
        mergedBytes: encodeHologram(merged).length,
      });
    }
  }
  return rows;
}

/** How far the price that a hologram shows is from what the zone's own index would pay, milli-GPU; and what is missed. */
function priceErrors() {
  const rows = [];
  for (const options of [{}, { partialStepMilli: 50 }, { coarseness: 1, partialStepMilli: 50 }]) {
    const reader = new OfferReader(table, price);
    const offer: Offer = { price: 0, slope: 0, near: 0, slots: 0 };
    const errors: number[] = [];
    let missed = 0;
    for (const zone of zones) {
      const hologram = take(zone, options);
      for (const demand of table.demands) {
        if (!zone.index.find(demand)) continue;
        if (reader.read(hologram, demand, 1, offer))
          errors.push(Math.abs(offer.price - zone.index.foundCost));
        else missed++;
      }
    }
    errors.sort((a, b) => a - b);
    const quantile = (q: number): number =>
      Math.round((errors[Math.floor(q * errors.length)] ?? 0) * 100) / 100;
    rows.push({
      ...options,
      pairs: errors.length + missed,
      missed,
      mean: Math.round(mean(errors) * 100) / 100,
      p50: quantile(0.5),
      p90: quantile(0.9),
      p99: quantile(0.99),
    });
  }
  return rows;
}

/** CPU microseconds of one of `count` operations, best of the rounds. */
function micros(count: number, round: () => number, prepare: () => void = () => {}): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < ROUNDS; i++) {
    prepare();
    const start = process.cpuUsage();
    sink += round();
    const used = process.cpuUsage(start);
    least = Math.min(least, (used.user + used.system) / count);
  }
  return Math.round(least * 1000) / 1000;
}

function speeds() {
  const holograms = zones.map((zone) => take(zone));
  const encoded = holograms.map(encodeHologram);
  const times = 20;
  const each = (work: (zone: number) => number): number =>
    micros(times * zoneCount, () => {
      let sum = 0;
      for (let i = 0; i < times * zoneCount; i++) sum += work(i % zoneCount);
      return sum;
    });
  return {
    take: each((i) => take(zones[i] as TegPolicy).classes.count),
    encode: each((i) => encodeHologram(holograms[i] as Hologram).length),
    decode: each((i) => decodeHologram(encoded[i] as Uint8Array).classes.count),
    mergeAll: micros(times, () => {
      let sum = 0;
      for (let i = 0; i < times; i++) sum += mergeHolograms(holograms).classes.count;
      return sum;
    }),
    ...reads(encoded),
  };
}

function reads(encoded: readonly Uint8Array[]) {
  const reader = new OfferReader(table, price);
  const demands = table.demands.slice(0, 128) as Demand[];
  const [first = demands[0] as Demand, ...others] = demands;
  let board: Hologram[] = [];
  const arrive = (): void => {
    board = Array.from({ length: BOARD }, (_, i) =>
      decodeHologram(encoded[i % encoded.length] as Uint8Array),
    );
  };
  const offer: Offer = { price: 0, slope: 0, near: 0, slots: 0 };
  const readAll = (asked: readonly Demand[]): number => {
    let sum = 0;
    for (const demand of asked)
      for (const hologram of board) if (reader.read(hologram, demand, 1, offer)) sum += offer.slots;
    return sum;
  };
  arrive();
  readAll(demands);
  return {
    readFirstOfHologram: micros(BOARD, () => readAll([first]), arrive),
    readFirstOfDemand: micros(
      BOARD * others.length,
      () => readAll(others),
      () => {
        arrive();
        readAll([first]);
      },
    ),
    readAgain: micros(BOARD * demands.length, () => readAll(demands)),
    readAgainHotMillion: micros(1_000_000, () => {
      let sum = 0;
      const hologram = board[0] as Hologram;
      for (let i = 0; i < 1_000_000; i++) sum += reader.read(hologram, first, 1, offer) ? 1 : 0;
      return sum;
    }),
    readerMegabytes: Math.round(reader.bytes / 1e4) / 100,
  };
}
