import type { PodTemplate } from '../../../../model/kubernetes/pod.ts';

/**
 * @returns True if pods of a template have claims, or disks that volume limits count, so that the rules about storage
 *   apply.
 */
export function usesStorage({ claims, inlineVolumes }: PodTemplate): boolean {
  return claims.length > 0 || inlineVolumes !== undefined;
}
