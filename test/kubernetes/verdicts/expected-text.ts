import type { VerdictCase } from './builders.ts';

/** @returns What the event says, without what preemption adds; '' if a node takes the pod. */
export function expectedText({ fits, says = '', objects }: VerdictCase): string {
  if (fits !== '') return '';
  const nodes = objects.filter(({ kind }) => kind === 'Node').length;
  return `0/${nodes} nodes are available: ${says}.`;
}
