/**
 * The offers of holograms to demands: the price of the cheapest place, its slope, and the number of places.
 *
 * A class is priced once for each demand, for any number of holograms that show it; a hologram caches its offer to each
 * demand. So a query costs a look-up, and the first one on a hologram a pass over its classes.
 *
 * Prices are of rounded-down states, and of the largest partial GPU alone: they rank zones, but are not the price paid.
 * The zone's arbiter has the last word.
 *
 * Bounded by `OfferReaderOptions`; beyond a bound, caches are dropped and filled again.
 */
import { grown } from '../../kernel/grown.ts';
import type { Demand, DemandTable } from '../../model/demand.ts';
import type { Dual } from '../../physics/dual.ts';
import { RENT_DEFAULTS, type RentOptions } from '../flavor-rent.ts';
import { emptyShape, type NodeShape, type Price } from '../price.ts';
import { CheapestSlots } from './cheapest-slots.ts';
import { ClassCatalogue } from './class-catalogue.ts';
import type { Hologram } from './hologram.ts';
import { rentOf } from './rent-formula.ts';

/** The offer of a hologram to one pod of a demand. */
export interface Offer {
  /** Cost of the cheapest place, milli-GPU; any finite sign. */
  price: number;
  /** Rise of the cost for each pod of the demand that is placed there, milli-GPU. > 0 */
  slope: number;
  /** Places within `nearMilli` of the price. ≥ 1 */
  near: number;
  /** Places in all. ≥ near */
  slots: number;
}

/** Settings of a reader. */
export interface OfferReaderOptions {
  /** K: pods ahead at which the slope looks. ≥ 1 */
  readonly anticipatedPods: number;
  /** Places that cost at most this much more than the cheapest count as near, milli-GPU. */
  readonly nearMilli: number;
  /** Assumed excess of the cost of a place beyond the last over the first, for pods without GPU. */
  readonly fullMilli: number;
  /** Least slope, milli-GPU a pod. > 0 */
  readonly slopeMin: number;
  readonly rent: RentOptions;
  /** Classes of all holograms together. */
  readonly classesMax: number;
  /** Pairs of class and demand whose cost is cached, at 6 bytes each. */
  readonly cellsMax: number;
  /** Offers to demands with ids below it are cached in holograms; the others are computed each time. */
  readonly demandsMax: number;
}

/** The defaults. */
export const OFFER_READER_DEFAULTS: OfferReaderOptions = {
  anticipatedPods: 32,
  nearMilli: 10,
  fullMilli: 1000,
  slopeMin: 1e-3,
  rent: RENT_DEFAULTS,
  classesMax: 16_384,
  cellsMax: 1 << 24,
  demandsMax: 16_384,
};

/** Numbers of one cached offer. */
const OFFER_NUMBERS = 4;

/** Costs and slots per node of one demand, by class. */
interface CostRow {
  /** NaN: unknown; Infinity: does not surely fit. */
  costs: Float32Array;
  slots: Uint16Array;
}

/** A reader's cache for a hologram. */
class Reading {
  readonly owner: OfferReader;
  /** Generation of the catalogue that `ids` belong to, and of the prices that `offers` belong to. */
  generation = -1;
  pricing = -1;
  ids: Int32Array = new Int32Array(0);
  /** Rent per milli-GPU, and its slope, by the hologram's kinds of nodes. */
  readonly rents: readonly Dual[];
  /** By demand id: 1 + place in `offers`; 0: unknown. */
  places: Uint16Array = new Uint16Array(64);
  offers: Float64Array = new Float64Array(OFFER_NUMBERS * 8);
  offerCount = 0;

  constructor(owner: OfferReader, rents: readonly Dual[]) {
    this.owner = owner;
    this.rents = rents;
  }
}

/** Reads holograms for demands of one table. Single user; several readers may share holograms, at a loss of speed. */
export class OfferReader {
  private readonly options: OfferReaderOptions;
  private readonly catalogue: ClassCatalogue;
  private price: Price;
  /** Grows with each `reprice`. */
  private pricing = 0;
  /** By demand id. */
  private rows: (CostRow | undefined)[] = [];
  private cells = 0;
  private rowsGeneration = 0;
  /** V of each class; NaN: not known. @shape [classes] */
  private potentials: Float64Array = new Float64Array(1024).fill(Number.NaN);
  private readonly cheapest = new CheapestSlots();
  private readonly shape: NodeShape = emptyShape();

  constructor(demands: DemandTable, price: Price, options: Partial<OfferReaderOptions> = {}) {
    this.options = { ...OFFER_READER_DEFAULTS, ...options };
    this.catalogue = new ClassCatalogue(demands, this.options.classesMax);
    this.price = price;
  }

  /** Bytes of the tables, without the caches in holograms. */
  get bytes(): number {
    return this.catalogue.bytes + this.potentials.byteLength + 6 * this.cells;
  }

  /** Prices were made again: results of the old ones are dropped. O(classes). */
  reprice(price: Price): void {
    this.price = price;
    this.pricing++;
    this.forgetCosts();
  }

  /**
   * Finds the offer of a hologram to one pod of a demand.
   *
   * @param demand  Of the reader's table. A limit of pods a node is not considered: a place may be refused for it.
   * @param gangMin Fewer places than this count as none.
   * @param out     Gets the offer; its content is undefined if there is none.
   * @returns       True if there is one: some class surely fits, as of the hologram's time.
   * @cost O(1) for a demand that queried this hologram before; else O(classes), and O(classes × log K) at worst.
   */
  read(hologram: Hologram, demand: Demand, gangMin: number, out: Offer): boolean {
    const reading = this.readingOf(hologram);
    const { id } = demand;
    const place = id < reading.places.length ? (reading.places[id] as number) : 0;
    if (place === 0) return this.readFirst(hologram, reading, demand, gangMin, out);
    const { offers } = reading;
    const at = OFFER_NUMBERS * (place - 1);
    const slots = offers[at] as number;
    out.slots = slots;
    out.price = offers[at + 1] as number;
    out.slope = offers[at + 2] as number;
    out.near = offers[at + 3] as number;
    return slots > 0 && slots >= gangMin;
  }

  /** @returns Rent of a GPU model per milli-GPU requested, and its rise for each one placed. */
  rentOf(hologram: Hologram, gpuModel: string): Dual {
    return rentOf(hologram, gpuModel, this.options.rent);
  }

  private readFirst(
    hologram: Hologram,
    reading: Reading,
    demand: Demand,
    gangMin: number,
    out: Offer,
  ): boolean {
    this.workOut(hologram, reading, demand, out);
    if (demand.id < this.options.demandsMax) remember(reading, demand.id, out);
    return out.slots > 0 && out.slots >= gangMin;
  }

  private readingOf(hologram: Hologram): Reading {
    const { memo } = hologram;
    let reading: Reading;
    if (memo instanceof Reading && memo.owner === this) reading = memo;
    else {
      reading = new Reading(this, this.rentsOf(hologram));
      hologram.memo = reading;
    }
    if (reading.generation !== this.catalogue.generation) {
      reading.ids = this.catalogue.idsOf(hologram);
      reading.generation = this.catalogue.generation;
      if (this.rowsGeneration !== reading.generation) this.forgetCosts();
    }
    if (reading.pricing !== this.pricing) {
      reading.pricing = this.pricing;
      reading.places.fill(0);
      reading.offerCount = 0;
    }
    return reading;
  }

  /** Rents by the hologram's kinds of nodes, of which many may be of one model. */
  private rentsOf(hologram: Hologram): Dual[] {
    const byModel = new Map<string, Dual>();
    return hologram.classes.flavors.map(({ gpuModel }) => {
      const rent = byModel.get(gpuModel) ?? this.rentOf(hologram, gpuModel);
      byModel.set(gpuModel, rent);
      return rent;
    });
  }

  /** Computes an offer. `out.slots` is 0 if there is none. */
  private workOut(hologram: Hologram, reading: Reading, demand: Demand, out: Offer): void {
    const { ids, rents } = reading;
    const { flavorIndexes, podsFree, nodeCounts } = hologram.classes;
    const { cheapest, options } = this;
    const { costs, slots } = this.rowOf(demand.id);
    const milli = demand.gpuTotalMilli;
    cheapest.clear(ids.length);
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      let cost = costs[id] as number;
      if (Number.isNaN(cost)) cost = this.findCost(id, demand, costs, slots);
      if (cost === Number.POSITIVE_INFINITY) continue;
      const flavor = flavorIndexes[i] as number;
      const onNode = Math.min(slots[id] as number, podsFree[i] as number);
      cheapest.add(cost + milli * (rents[flavor] as Dual).value, onNode * (nodeCounts[i] as number), flavor);
    }
    out.slots = cheapest.slots;
    if (cheapest.slots === 0) return;
    const { price } = cheapest;
    out.price = price;
    out.near = cheapest.within(price + options.nearMilli);
    const beyond = price + (milli > 0 ? milli : options.fullMilli);
    const later = cheapest.after(options.anticipatedPods, beyond);
    const rentSlope = milli * milli * (rents[cheapest.tag] as Dual).slope;
    out.slope = Math.max(options.slopeMin, (later - price) / options.anticipatedPods + rentSlope);
  }

  /** Finds cost and slots of a class for a demand. @returns The cost. */
  private findCost(id: number, demand: Demand, costs: Float32Array, slots: Uint16Array): number {
    const { catalogue, price, shape } = this;
    const fitting = catalogue.slotsOf(id, demand);
    let cost = Number.POSITIVE_INFINITY;
    if (fitting > 0) {
      catalogue.readShape(id, shape);
      price.take(shape);
      cost = price.costHere(demand, this.potentialHere(id));
    }
    slots[id] = fitting;
    // A cost of NaN would be computed again and again, and must not win.
    const kept = Number.isNaN(cost) ? Number.POSITIVE_INFINITY : Math.fround(cost);
    costs[id] = kept;
    return kept;
  }

  /** V of the loaded class's shape. */
  private potentialHere(id: number): number {
    if (id >= this.potentials.length) {
      this.potentials = grown(this.potentials, Math.max(id + 1, 2 * this.potentials.length), Number.NaN);
    }
    let potential = this.potentials[id] as number;
    if (Number.isNaN(potential)) {
      potential = this.price.potentialHere();
      this.potentials[id] = potential;
    }
    return potential;
  }

  /** The row of a demand, with a cell for every class of the catalogue. */
  private rowOf(demandId: number): CostRow {
    const { count } = this.catalogue;
    const known = this.rows[demandId];
    if (known !== undefined && known.costs.length >= count) return known;
    const length = 2 ** Math.ceil(Math.log2(Math.max(256, count)));
    if (this.cells + length > this.options.cellsMax) {
      this.rows = [];
      this.cells = 0;
    }
    const row = { costs: new Float32Array(length).fill(Number.NaN), slots: new Uint16Array(length) };
    const old = this.rows[demandId];
    if (old !== undefined) {
      row.costs.set(old.costs);
      row.slots.set(old.slots);
      this.cells -= old.costs.length;
    }
    this.rows[demandId] = row;
    this.cells += length;
    return row;
  }

  private forgetCosts(): void {
    this.rowsGeneration = this.catalogue.generation;
    this.potentials.fill(Number.NaN);
    for (const row of this.rows) row?.costs.fill(Number.NaN);
  }
}

/** Caches an offer in its hologram. */
function remember(reading: Reading, demandId: number, offer: Offer): void {
  if (demandId >= reading.places.length) {
    reading.places = grown(reading.places, 2 ** Math.ceil(Math.log2(demandId + 1)));
  }
  const at = OFFER_NUMBERS * reading.offerCount;
  if (at >= reading.offers.length) {
    reading.offers = grown(reading.offers, 2 * reading.offers.length);
  }
  const { offers } = reading;
  offers[at] = offer.slots;
  offers[at + 1] = offer.price;
  offers[at + 2] = offer.slope;
  offers[at + 3] = offer.near;
  reading.places[demandId] = ++reading.offerCount;
}
