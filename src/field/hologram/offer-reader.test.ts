import { beforeAll, describe, expect, test } from 'vitest';
import { randomCluster, randomDemands, stream } from '../../../test/support/random-cluster.ts';
import type { Random } from '../../kernel/random.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, DemandTable } from '../../model/demand.ts';
import { GPU_MILLI, type NodeSpec } from '../../model/node.ts';
import type { Price } from '../price.ts';
import { cheapPrice, plainHologramOf, randomZone, type TestZone, zoneOn } from './hologram.fixtures.ts';
import { type Hologram, mergeHolograms } from './hologram.ts';
import { OFFER_READER_DEFAULTS, type Offer, OfferReader } from './offer-reader.ts';
import { rentOf } from './rent-formula.ts';
import { decodeHologram, encodeHologram } from './wire.ts';

const NO_ONE_DOWN = { nextInt: () => 1 } as unknown as Random;
const POD = { cpuMilli: 1000, memoryMib: 1024, gpuCount: 1, gpuMilli: 1000, gpuModels: [] };
const NODE: NodeSpec = {
  name: 'n',
  cpuMilli: 96_000,
  memoryMib: 393_216,
  gpuCount: 8,
  gpuModel: 'A',
  podsMax: 110,
};

/** Prices that all tests share: of random demands, on nodes of every kind. */
let price: Price;
let otherPrice: Price;
beforeAll(() => {
  const random = stream(99);
  const cluster = randomCluster(60, random);
  const demands = randomDemands(12, random, cluster.demands).filter((d) => d.extended.length === 0);
  price = cheapPrice(cluster, demands);
  otherPrice = cheapPrice(cluster, demands.slice(4));
});

function emptyOffer(): Offer {
  return { price: Number.NaN, slope: Number.NaN, near: Number.NaN, slots: Number.NaN };
}

/** A reader's answer: an offer, or null. */
function ask(reader: OfferReader, hologram: Hologram, demand: Demand, gangMin = 1): Offer | null {
  const out = emptyOffer();
  return reader.read(hologram, demand, gangMin, out) ? out : null;
}

/** The same in the plainest way: every place of every class on its own. */
function plainOffer(hologram: Hologram, table: DemandTable, prices: Price, demand: Demand): Offer | null {
  const { classes } = hologram;
  const places: { cost: number; rentSlope: number }[] = [];
  for (let i = 0; i < classes.count; i++) {
    const flavor = classes.flavors[classes.flavorIndexes[i] as number];
    const amounts = classes.extended[classes.extendedIndexes[i] as number]?.amounts ?? [];
    const constraint = table.constraints[demand.constraintId];
    if (flavor === undefined || constraint === undefined) continue;
    const { gpuModels, affinity } = constraint;
    if (gpuModels.length > 0 && !gpuModels.includes(flavor.gpuModel)) continue;
    // Random demands know one kind of term.
    if (!affinity.every(({ key, values }) => values.includes(flavor.labels[key] ?? ''))) continue;
    const extended = table.resourceNames.map((name) => amounts.find(([known]) => known === name)?.[1] ?? 0);
    const shape = {
      cpuMilli: classes.cpuMilli[i] as number,
      memoryMib: classes.memoryMib[i] as number,
      extended,
      whole: classes.whole[i] as number,
      a: classes.partialMilli[i] as number,
      b: 0,
      d: 0,
      rest: 0,
      fresh: classes.fresh[i] === 1,
      short: false,
      flavorId: 0,
    };
    const onNode = podsByTaking({ ...shape, extended: [...extended] }, demand, classes.podsFree[i] as number);
    if (onNode === 0) continue;
    const rent = rentOf(hologram, flavor.gpuModel);
    const cost = Math.fround(prices.cost(shape, demand, Number.NaN)) + demand.gpuTotalMilli * rent.value;
    for (let k = 0; k < onNode * (classes.nodeCounts[i] as number); k++)
      places.push({ cost, rentSlope: demand.gpuTotalMilli ** 2 * rent.slope });
  }
  places.sort((a, b) => a.cost - b.cost);
  const [first] = places;
  if (first === undefined) return null;
  const later = places[32]?.cost ?? first.cost + (demand.gpuTotalMilli || 1000);
  return {
    price: first.cost,
    slope: Math.max(1e-3, (later - first.cost) / 32 + first.rentSlope),
    near: places.filter(({ cost }) => cost <= first.cost + 10).length,
    slots: places.length,
  };
}

/** The number of pods that a node takes, by placing one after the other. */
function podsByTaking(
  free: { cpuMilli: number; memoryMib: number; extended: number[]; whole: number; a: number },
  demand: Demand,
  podsMax: number,
): number {
  const gpus = [...Array<number>(free.whole).fill(GPU_MILLI), free.a];
  for (let pods = 0; pods < podsMax; pods++) {
    const fitting = gpus.flatMap((idle, g) => (idle >= demand.gpuMilli ? [g] : []));
    const fits =
      free.cpuMilli >= demand.cpuMilli &&
      free.memoryMib >= demand.memoryMib &&
      demand.extended.every((need, r) => (free.extended[r] ?? 0) >= need) &&
      fitting.length >= demand.gpuCount;
    if (!fits) return pods;
    free.cpuMilli -= demand.cpuMilli;
    free.memoryMib -= demand.memoryMib;
    for (const [r, need] of demand.extended.entries()) free.extended[r] = (free.extended[r] ?? 0) - need;
    for (const g of fitting.slice(0, demand.gpuCount)) gpus[g] = (gpus[g] as number) - demand.gpuMilli;
  }
  return podsMax;
}

/** The number of pods that a cluster really takes, up to a bound. Leaves it unchanged. */
function podsPlaced(cluster: ClusterState, demand: Demand, enough: number): number {
  const placed: [number, number][] = [];
  for (let node = 0; node < cluster.nodeCount && placed.length < enough; node++) {
    while (placed.length < enough && cluster.fits(node, demand)) {
      const mask = cluster.bestFitGpus(node, demand);
      cluster.place(node, demand, mask);
      placed.push([node, mask]);
    }
  }
  for (const [node, mask] of placed) cluster.release(node, demand, mask);
  return placed.length;
}

/** A zone of equal nodes without pods. */
function zoneOfNodes(count: number, table: DemandTable, node: Partial<NodeSpec> = {}): TestZone {
  const cluster = new ClusterState(table);
  for (let i = 0; i < count; i++) cluster.addNode({ ...NODE, ...node, name: `n${i}` });
  return zoneOn(cluster, [], NO_ONE_DOWN);
}

describe('an offer', () => {
  test('is the price, slope and number of places that looking at every place gives', () => {
    const random = stream(21);
    let offers = 0;
    for (let round = 0; round < 60; round++) {
      const table = new DemandTable();
      const { demands, ...zone } = randomZone(40, random, table);
      const hologram = plainHologramOf(zone);
      const reader = new OfferReader(table, price);
      for (const demand of demands) {
        const expected = plainOffer(hologram, table, price, demand);
        const got = ask(reader, hologram, demand);
        expect(got === null).toBe(expected === null);
        if (got === null || expected === null) continue;
        offers++;
        expect([got.near, got.slots]).toEqual([expected.near, expected.slots]);
        expect(got.price).toBeCloseTo(expected.price, 6);
        expect(got.slope).toBeCloseTo(expected.slope, 6);
        // And again, from the hologram's cache.
        expect(ask(reader, hologram, demand)).toEqual(got);
      }
    }
    expect(offers).toBeGreaterThan(500);
  });

  test('promises nothing that could not be placed at once: no false fit (G1)', () => {
    const random = stream(22);
    let places = 0;
    let hidden = 0;
    for (let round = 0; round < 120; round++) {
      const table = new DemandTable();
      const { demands, ...zone } = randomZone(30, random, table);
      const reader = new OfferReader(table, price);
      const hologram = plainHologramOf(zone);
      for (const demand of demands) {
        const slots = ask(reader, hologram, demand)?.slots ?? 0;
        expect(podsPlaced(zone.cluster, demand, slots)).toBe(slots);
        places += slots;
        if (podsPlaced(zone.cluster, demand, slots + 1) > slots) hidden++;
      }
    }
    expect(places).toBeGreaterThan(10_000);
    expect(hidden).toBeGreaterThan(100);
  });

  test('of merged zones is that of one zone with all their nodes', () => {
    const random = stream(23);
    for (let round = 0; round < 40; round++) {
      const table = new DemandTable();
      const demands = randomDemands(30, random, table);
      const whole = randomCluster(50, random, table);
      const parts = [new ClusterState(table), new ClusterState(table), new ClusterState(table)];
      const homes = Array.from({ length: whole.nodeCount }, () => random.nextInt(3));
      const indexes = homes.map((home, node) => {
        const { id: _, ...flavor } = whole.flavorOf(node);
        const extended = Object.fromEntries(
          flavor.extended.map((amount, r) => [table.resourceNames[r] as string, amount]),
        );
        return (parts[home] as ClusterState).addNode({ ...flavor, extended, name: `n${node}` });
      });
      for (let i = 0; i < 200; i++) {
        const demand = demands[random.nextInt(demands.length)] as Demand;
        const node = random.nextInt(whole.nodeCount);
        if (!whole.fits(node, demand)) continue;
        const mask = whole.bestFitGpus(node, demand);
        whole.place(node, demand, mask);
        (parts[homes[node] as number] as ClusterState).place(indexes[node] as number, demand, mask);
      }
      const holograms = [whole, ...parts].map((cluster) => plainHologramOf(zoneOn(cluster, [], NO_ONE_DOWN)));
      const merged = mergeHolograms(holograms.slice(1));
      const reader = new OfferReader(table, price);
      for (const demand of demands) {
        expect(ask(reader, merged, demand)).toEqual(ask(reader, holograms[0] as Hologram, demand));
      }
    }
  });

  test('survives the wire', () => {
    const random = stream(24);
    const table = new DemandTable();
    const { demands, ...zone } = randomZone(40, random, table);
    const hologram = plainHologramOf(zone);
    const reader = new OfferReader(table, price);
    const arrived = decodeHologram(encodeHologram(hologram));
    for (const demand of demands) expect(ask(reader, arrived, demand)).toEqual(ask(reader, hologram, demand));
  });
});

describe('places', () => {
  const table = new DemandTable();

  test('are counted for whole GPUs, shared GPUs, and pods without', () => {
    const hologram = plainHologramOf(zoneOfNodes(3, table));
    const reader = new OfferReader(table, price);
    const slots = (pod: Partial<typeof POD>): number | undefined =>
      ask(reader, hologram, table.intern({ ...POD, ...pod }))?.slots;
    expect(slots({})).toBe(24);
    expect(slots({ gpuCount: 4 })).toBe(6);
    expect(slots({ gpuCount: 5 })).toBe(3);
    expect(slots({ gpuCount: 9 })).toBeUndefined();
    expect(slots({ gpuMilli: 300 })).toBe(72);
    expect(slots({ gpuMilli: 600 })).toBe(24);
    expect(slots({ gpuMilli: 1 })).toBe(3 * 96);
    expect(slots({ gpuCount: 0, gpuMilli: 0, cpuMilli: 10_000 })).toBe(27);
    expect(slots({ gpuCount: 0, gpuMilli: 0, cpuMilli: 0, memoryMib: 0 })).toBe(330);
    expect(slots({ gpuCount: 0, gpuMilli: 0, cpuMilli: 96_001 })).toBeUndefined();
    expect(slots({ gpuCount: 0, gpuMilli: 0, memoryMib: 393_217 })).toBeUndefined();
  });

  test('a partial GPU takes sharing pods beside the whole ones, and no pod that wants a whole one', () => {
    const zone = zoneOfNodes(1, table, { gpuCount: 2 });
    const share = table.intern({ ...POD, gpuMilli: 400 });
    zone.cluster.place(0, share, 1);
    zone.classes.update(0);
    const reader = new OfferReader(table, price);
    const hologram = plainHologramOf(zone);
    expect(ask(reader, hologram, table.intern({ ...POD, gpuMilli: 600 }))?.slots).toBe(2);
    expect(ask(reader, hologram, table.intern({ ...POD, gpuMilli: 200 }))?.slots).toBe(8);
    expect(ask(reader, hologram, table.intern({ ...POD, gpuCount: 2 }))).toBeNull();
  });

  test('fewer than a gang needs are none', () => {
    const hologram = plainHologramOf(zoneOfNodes(3, table));
    const reader = new OfferReader(table, price);
    const demand = table.intern(POD);
    expect(ask(reader, hologram, demand, 24)?.slots).toBe(24);
    expect(ask(reader, hologram, demand, 25)).toBeNull();
    expect(ask(reader, mergeHolograms([]), demand, 0)).toBeNull();
  });

  test('only nodes that the constraint allows count: models, every operator on labels, limits of pods a node', () => {
    const cluster = new ClusterState(table);
    for (let i = 0; i < 6; i++) {
      cluster.addNode({
        ...NODE,
        name: `n${i}`,
        gpuModel: i < 2 ? 'A' : 'B',
        labels: i < 5 ? { size: `${i}` } : {},
      });
    }
    const hologram = plainHologramOf(zoneOn(cluster, [], NO_ONE_DOWN));
    const reader = new OfferReader(table, price);
    const nodes = (pod: object): number =>
      ask(reader, hologram, table.intern({ ...POD, gpuCount: 8, ...pod }))?.slots ?? 0;
    const when = (key: string, operator: string, ...values: string[]): number =>
      nodes({ affinity: [{ key, operator, values }] });
    expect(nodes({ gpuModels: ['A'] })).toBe(2);
    expect(nodes({ gpuModels: ['A', 'B', 'C'] })).toBe(6);
    expect(nodes({ gpuModels: ['C'] })).toBe(0);
    expect([when('size', 'In', '1', '2'), when('size', 'NotIn', '1', '2')]).toEqual([2, 4]);
    expect([when('size', 'Exists'), when('size', 'DoesNotExist')]).toEqual([5, 1]);
    expect([when('size', 'Gt', '2'), when('size', 'Lt', '2')]).toEqual([2, 2]);
    expect([when('constructor', 'Exists'), when('constructor', 'DoesNotExist')]).toEqual([0, 6]);
    expect(nodes({ gpuCount: 1, podsPerNodeMax: 3, spreadGroup: 'web' })).toBe(18);
  });

  test('further resources count by their names, whatever their numbers in the reader’s table', () => {
    const there = new DemandTable();
    there.resourceId('fpga');
    const hologram = plainHologramOf(zoneOfNodes(2, there, { extended: { nic: 4, fpga: 9 } }));
    const here = new DemandTable();
    const reader = new OfferReader(here, price);
    const pod = here.intern(POD);
    expect(ask(reader, hologram, pod)?.slots).toBe(16);
    const withNic = here.intern({ ...POD, extended: { nic: 1 } });
    // The reader did not know it when it met the hologram; it does when it meets the next.
    expect(ask(reader, hologram, withNic)).toBeNull();
    const next = plainHologramOf(zoneOfNodes(2, there, { extended: { nic: 4, fpga: 9 } }));
    expect(ask(reader, next, withNic)?.slots).toBe(8);
    expect(ask(reader, next, here.intern({ ...POD, extended: { nic: 5 } }))).toBeNull();
    expect(ask(reader, next, here.intern({ ...POD, extended: { gold: 1 } }))).toBeNull();
  });
});

describe('slopes', () => {
  test('beyond the last place a pod costs its own GPU more, or a constant without GPU', () => {
    const table = new DemandTable();
    const hologram = plainHologramOf(zoneOfNodes(1, table));
    const reader = new OfferReader(table, price);
    expect(ask(reader, hologram, table.intern(POD))?.slope).toBeCloseTo(1000 / 32, 9);
    const cpu = table.intern({ ...POD, gpuCount: 0, gpuMilli: 0, cpuMilli: 5000 });
    expect(ask(reader, hologram, cpu)?.slope).toBeCloseTo(1000 / 32, 9);
    const many = plainHologramOf(zoneOfNodes(100, table));
    expect(ask(reader, many, table.intern(POD))?.slope).toBe(OFFER_READER_DEFAULTS.slopeMin);
  });

  test('have the rent’s own in them', () => {
    const table = new DemandTable();
    const zone = zoneOfNodes(100, table);
    zone.cluster.addNode({ ...NODE, name: 'other', gpuModel: 'B' });
    zone.classes.update(100);
    zone.rent.update(100);
    zone.rent.demandSeen(table.intern({ ...POD, gpuModels: ['A'] }), 1);
    zone.rent.demandSeen(table.intern(POD), 3);
    const hologram = plainHologramOf(zone);
    const reader = new OfferReader(table, price);
    const bound = table.intern({ ...POD, gpuModels: ['A'] });
    const rent = reader.rentOf(hologram, 'A');
    expect(rent.value).toBeCloseTo((0.25 / 4) * (808 / 800), 12);
    expect(ask(reader, hologram, bound)?.slope).toBeCloseTo(Math.max(1e-3, 1e6 * rent.slope), 12);
    expect(rent.slope).toBeGreaterThan(0);
  });
});

describe('cached offers', () => {
  test('are dropped when prices are made again', () => {
    const table = new DemandTable();
    const { demands, ...zone } = randomZone(40, stream(32), table);
    const hologram = plainHologramOf(zone);
    const reader = new OfferReader(table, otherPrice);
    const before = demands.map((demand) => ask(reader, hologram, demand));
    reader.reprice(price);
    const after = demands.map((demand) => ask(reader, hologram, demand));
    expect(after).not.toEqual(before);
    const fresh = new OfferReader(table, price);
    expect(after).toEqual(demands.map((demand) => ask(fresh, hologram, demand)));
  });

  test('never changes an answer: tiny bounds, new prices, several readers of one hologram', () => {
    const random = stream(31);
    const table = new DemandTable();
    const zones = Array.from({ length: 12 }, () => randomZone(30, random, table));
    const demands = zones.flatMap((zone) => zone.demands);
    const holograms = zones.map((zone) => plainHologramOf(zone));
    const tiny = { classesMax: 40, cellsMax: 1024, demandsMax: 100 };
    const readers = [
      new OfferReader(table, otherPrice, tiny),
      new OfferReader(table, price, tiny),
      new OfferReader(table, price),
    ] as const;
    for (let i = 0; i < 4000; i++) {
      if (i === 1500) readers[0].reprice(price);
      const hologram = holograms[random.nextInt(holograms.length)] as Hologram;
      const demand = demands[random.nextInt(demands.length)] as Demand;
      const first = ask(readers[0], hologram, demand);
      const fresh = ask(new OfferReader(table, i < 1500 ? otherPrice : price), hologram, demand);
      expect(first).toEqual(fresh);
      const second = ask(readers[1], hologram, demand);
      expect(ask(readers[2], hologram, demand)).toEqual(second);
      if (i >= 1500) expect(first).toEqual(second);
    }
    for (const reader of readers.slice(0, 2)) expect(reader.bytes).toBeLessThan(100_000);
  });
});
