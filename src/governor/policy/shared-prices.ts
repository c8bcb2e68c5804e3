/**
 * Prices that several zones share: one typical workload, one lattice, one set of tables.
 *
 * Why: making prices takes some tenths of a second of CPU, and governors that see the same arrivals would each make the
 * same ones. The owner (a process with many zones) reports arrivals and departures; the zones notice new prices at
 * their next arrival.
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
   * @param typical The usual arrivals, where known; absent: learned from `demandSeen`.
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

  /** Counts an arrival anywhere. @returns True if the prices were made again. */
  demandSeen(demand: Demand, pods: number): boolean {
    return this.source.demandSeen(demand, pods);
  }

  /** Counts a departure anywhere. */
  departureSeen(): void {
    this.source.departureSeen();
  }

  /** @returns The prices in the form that one zone's policy reads. */
  view(): PricesInForce {
    return new PricesView(this);
  }
}

/** Tracks the prices that its zone has seen. */
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
