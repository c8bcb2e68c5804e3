/**
 * The prices that the distance from an equilibrium is measured with: the field's, of a workload's whole distribution,
 * as in a policy that knows the workload (`--workload-mix list`).
 *
 * The last ones are kept, because compared runs share cluster and workload and prices take some tenths of a second to
 * make. The cache affects the time only, never a result.
 */
import type { Price } from '../../field/price.ts';
import { latticeOf, pricesOf } from '../../field/prices.ts';
import type { TypicalWorkload } from '../../field/typical-workload.ts';
import { TEG_DEFAULTS } from '../../governor/policy/teg-options.ts';
import type { ClusterState, Flavor } from '../../model/cluster-state.ts';

/** Makes prices and keeps the last. For one run at a time: a price has scratch memory. */
export class EquilibriumPrices {
  private made: Made | undefined;

  /**
   * @param podsLeave True if pods end: shapes then weigh by their GPUs, as in the field.
   * @cost As `pricesOf`, unless flavours and workload are those of the last call: O(demands + flavours) then.
   */
  of(cluster: ClusterState, typical: TypicalWorkload, podsLeave: boolean): Price {
    const { made } = this;
    if (made !== undefined && made.podsLeave === podsLeave) {
      if (sameWorkload(made.typical, typical) && sameSizes(made.flavors, cluster.flavors)) return made.price;
    }
    const { price: options, learning } = TEG_DEFAULTS;
    const sizeBias = podsLeave ? learning.sizeBias : 0;
    const price = pricesOf(cluster, latticeOf(cluster), typical, options, sizeBias);
    this.made = { flavors: cluster.flavors, typical, podsLeave, price };
    return price;
  }
}

/** Prices and their inputs. */
interface Made {
  readonly flavors: readonly Flavor[];
  readonly typical: TypicalWorkload;
  readonly podsLeave: boolean;
  readonly price: Price;
}

/** True if both are the same shapes at the same weights. Demands of one table are the same objects. */
function sameWorkload(x: TypicalWorkload, y: TypicalWorkload): boolean {
  return (
    x.demands.length === y.demands.length &&
    x.demands.every((demand, i) => demand === y.demands[i] && x.weights[i] === y.weights[i])
  );
}

/** True if the nodes are of the same sizes, as far as prices distinguish them. */
function sameSizes(x: readonly Flavor[], y: readonly Flavor[]): boolean {
  return (
    x.length === y.length &&
    x.every((flavor, i) => flavor.cpuMilli === y[i]?.cpuMilli && flavor.gpuCount === y[i]?.gpuCount)
  );
}
