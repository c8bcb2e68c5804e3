/**
 * The placement that a job would get in a zone now, and its price: the same conditions as its submission, and a trial
 * instead of a placement.
 */

import { assert } from '../../kernel/assert.ts';
import type { Demand } from '../../model/demand.ts';
import type { ArbiterOrder, Quote } from '../arbiter.ts';
import { PinnedPolicy } from '../policy/pinned-policy.ts';
import { isPricing } from '../policy/policy.ts';
import type { ZoneCore } from './zone-core.ts';
import type { ZoneRetries } from './zone-retries.ts';

/** Fills `into` with the result of a submission that does not count as an arrival. See `Arbiter.quote`. */
export function quoteOf(core: ZoneCore, retries: ZoneRetries, order: ArbiterOrder, into: Quote): void {
  const { demandId, podCount, gangMin, priority } = order;
  const demand = core.cluster.demands.demands[demandId] as Demand | undefined;
  assert(demand !== undefined, 'a demand that was not interned');
  const policy = core.policy instanceof PinnedPolicy ? core.policy.inner : core.policy;
  into.pods = 0;
  into.price = 0;
  if (retries.hasPostponed || !isPricing(policy)) {
    into.price = undefined;
    return;
  }
  if (retries.isBehind(priority) || !mayFit(core, retries, order)) return;
  policy.quote(demand, podCount, into);
  if (into.pods >= gangMin) return;
  into.pods = 0;
  into.price = 0;
}

/** True if a job would be tried: one of a waiting shape goes to the line untried. */
function mayFit(
  core: ZoneCore,
  retries: ZoneRetries,
  { demandId, podCount, gangMin }: ArbiterOrder,
): boolean {
  if (podCount > 1 && core.waiting.gangs.roomForDemand(demandId) < gangMin) return false;
  const shape = core.shapes.find(demandId, podCount, gangMin);
  return shape < 0 || !(core.isKnownImpossible(shape) || retries.isKnownNotToFit(shape));
}
