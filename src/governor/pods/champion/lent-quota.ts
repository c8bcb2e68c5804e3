/** The flavours on which a claimant may count on its quota while others borrow it: they end, or a reclaim takes it back. */
import { RESOURCES_PER_FLAVOR } from '../../../market/tenants/spec.ts';
import { CLUSTER_TENANT } from '../../../market/tenants/tenant-tree.ts';
import { addPods, newAmounts } from '../../../market/tenants/tenant-usage.ts';
import { flavorBit } from '../../node-flavors.ts';
import type { EconomyBooks } from '../economy/pod-economy.ts';
import type { MemberKind } from './room-plan.ts';

/**
 * @param tenant Number in `books.tree` of the claimant's tenant.
 * @param kinds  Those that have to start together.
 * @returns      Flavours, as bits, that serve all of them, where a quota on the tenant's path covers them and no limit rules them
 *   out; 0: none. O(flavours × kinds).
 */
export function coveredFlavors(books: EconomyBooks, tenant: number, kinds: readonly MemberKind[]): number {
  const { accounts, flavors, tree } = books;
  const { usage } = accounts;
  let serving = -1;
  for (const { shape } of kinds) serving &= flavors.servingMask(shape.demand, shape.id);
  let covered = 0;
  for (let flavor = 0; flavor < tree.market.flavors.length; flavor++) {
    if ((serving & flavorBit(flavor)) === 0) continue;
    const needs = newAmounts(tree);
    for (const { shape, count } of kinds) addPods(needs, flavor, shape.demand, count);
    const isBeyondLimit = needs.some(
      (need, cell) =>
        need > 0 &&
        need > usage.limitRoom(tenant, Math.floor(cell / RESOURCES_PER_FLAVOR), cell % RESOURCES_PER_FLAVOR),
    );
    if (!isBeyondLimit && usage.coveredBy(tenant, needs) !== CLUSTER_TENANT) covered |= flavorBit(flavor);
  }
  return covered;
}
