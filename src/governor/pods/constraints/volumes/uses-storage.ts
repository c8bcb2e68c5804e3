import type { PodTemplate } from '../../../../model/kubernetes/pod.ts';

/** Whether pods of a template have claims, or disks that volume limits count: the rules about storage look at them. */
export function usesStorage({ claims, inlineVolumes }: PodTemplate): boolean {
  return claims.length > 0 || inlineVolumes !== undefined;
}
