/**
 * Prices that several zones share: one typical workload, one lattice, one set of tables.
 *
 * Why: making prices takes some tenths of a second of CPU, and governors that see the same arrivals would each make the
 * same ones. Whoever owns this (a process with many zones) tells it what arrives and leaves; the zones notice new prices
 * at their next arrival.
 */
import type { GeometricLattice } from '../../field/lattice.ts';
import type { Price } from '../../field/price.ts';
import { latticeOf } from '../../field/prices.ts';
import type { TypicalWorkload } from '../../field/typical-workload.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { Demand } from '../../model/demand.ts';
import { TEG_DEFAULTS, type TegOptions } from './teg-options.ts';
import { type PricesInForce, TypicalPrices } from './typical-prices.ts';

/** One set of prices for many zones of one thread. */
export class SharedPrices {
  readonly lattice: GeometricLattice;
  private readonly source: TypicalPrices;

  /**
   * @param flavors A cluster with nodes of every flavour that any zone has, in about their proportions.
   * @param typical What usually comes, where it is known; absent: learned from `demandSeen`.
   * @cost          As `pricesOf`.
   */
  constructor(
    flavors: ClusterState,
    typical: TypicalWorkload | undefined,
    options: TegOptions = TEG_DEFAULTS,
  ) {
    this.lattice = latticeOf(flavors);
    this.source = new TypicalPrices(flavors, this.lattice, typical, options);
  }

  /** In force; replaced as a whole. */
  get price(): Price {
    return this.source.price;
  }

  /** Counts an arrival anywhere. @returns Whether the prices were made anew. */
  demandSeen(demand: Demand, pods: number): boolean {
    return this.source.demandSeen(demand, pods);
  }

  /** Counts a departure anywhere. */
  departureSeen(): void {
    this.source.departureSeen();
  }

  /** @returns What one zone's policy reads. */
  view(): PricesInForce {
    return new PricesView(this);
  }
}

/** Knows which prices its zone has seen. */
class PricesView implements PricesInForce {
  price: Price;
  private readonly shared: SharedPrices;

  constructor(shared: SharedPrices) {
    this.shared = shared;
    this.price = shared.price;
  }

  demandSeen(): boolean {
    if (this.price === this.shared.price) return false;
    this.price = this.shared.price;
    return true;
  }

  departureSeen(): void {
    // The owner of the shared prices counts departures, once for all zones.
  }
}
