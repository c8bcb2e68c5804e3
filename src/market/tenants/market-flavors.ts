/** Which flavour of a market hardware belongs to. */
import type { Hardware } from '../../model/demand.ts';
import type { MarketSpec, QuotaFlavor } from './spec.ts';

/** @returns Number of the first flavour that hardware matches, −1 for none. O(flavours). */
export function flavorOfHardware({ flavors }: MarketSpec, hardware: Hardware): number {
  return flavors.findIndex((flavor) => matches(flavor, hardware));
}

/** @returns Labels that flavours read: hardware has to be distinguished by them. */
export function flavorLabelKeys({ flavors }: MarketSpec): Set<string> {
  return new Set(flavors.flatMap(({ nodeLabels }) => Object.keys(nodeLabels)));
}

function matches({ gpuModels, nodeLabels }: QuotaFlavor, { gpuModel, labels }: Hardware): boolean {
  if (gpuModels.length > 0 && !gpuModels.includes(gpuModel)) return false;
  return Object.entries(nodeLabels).every(
    ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
  );
}
