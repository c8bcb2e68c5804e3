/** Taints of nodes and tolerations of pods: reading and matching. */
import type { NodeDescription, Taint } from '../kubernetes/node.ts';
import type { Toleration } from '../kubernetes/pod.ts';
import { maybeList, maybeText, recordOf } from './read-object.ts';

/** The taint that `spec.unschedulable` stands for. */
export const CORDON: Taint = Object.freeze({
  key: 'node.kubernetes.io/unschedulable',
  value: '',
  effect: 'NoSchedule',
});

/** The taint of a node that is not ready; the node controller sets it. */
export const NOT_READY: Taint = Object.freeze({
  key: 'node.kubernetes.io/not-ready',
  value: '',
  effect: 'NoSchedule',
});

const UNREACHABLE_KEY = 'node.kubernetes.io/unreachable';

/** True if a taint describes the node's health, which every pod tolerates for a while (admission adds that). */
export function isHealthTaint(key: string): boolean {
  return key === NOT_READY.key || key === UNREACHABLE_KEY;
}

const TAINT_EFFECTS: ReadonlySet<string> = new Set(['NoSchedule', 'PreferNoSchedule', 'NoExecute']);
const TOLERATED_EFFECTS: ReadonlySet<string> = new Set(['', ...TAINT_EFFECTS]);

/** Longest operator that a message repeats. */
const OPERATOR_CHARS_MAX = 20;

/** @returns The taints of `spec.taints` with an effect that the scheduler knows. @throws TegError TEG_KUBE_OBJECT. */
export function taintsOf(value: unknown): Taint[] {
  const taints: Taint[] = [];
  for (const entry of maybeList(value, 'spec.taints')) {
    const taint = recordOf(entry, 'spec.taints[]');
    const effect = maybeText(taint.effect, 'spec.taints[].effect');
    if (!TAINT_EFFECTS.has(effect)) continue;
    taints.push({
      key: maybeText(taint.key, 'spec.taints[].key'),
      value: maybeText(taint.value, 'spec.taints[].value'),
      effect: effect as Taint['effect'],
    });
  }
  return taints;
}

/** The tolerations of a pod. */
export interface TolerationReading {
  /** With their defaults filled in. */
  readonly usable: readonly Toleration[];
  /** Those whose operator compares numbers (alpha in Kubernetes 1.36), for people; they tolerate nothing. */
  readonly unsupported: readonly string[];
}

/** Reads `spec.tolerations`. @throws TegError TEG_KUBE_OBJECT. */
export function tolerationsOf(value: unknown): TolerationReading {
  const usable: Toleration[] = [];
  const unsupported: string[] = [];
  for (const entry of maybeList(value, 'spec.tolerations')) {
    const toleration = recordOf(entry, 'spec.tolerations[]');
    const operator = maybeText(toleration.operator, 'spec.tolerations[].operator') || 'Equal';
    const effect = maybeText(toleration.effect, 'spec.tolerations[].effect');
    if (!TOLERATED_EFFECTS.has(effect)) continue;
    if (operator !== 'Equal' && operator !== 'Exists') {
      const shown = operator.slice(0, OPERATOR_CHARS_MAX);
      unsupported.push(`tolerations with the operator ${shown} (spec.tolerations)`);
      continue;
    }
    usable.push({
      key: maybeText(toleration.key, 'spec.tolerations[].key'),
      operator,
      value: maybeText(toleration.value, 'spec.tolerations[].value'),
      effect: effect as Toleration['effect'],
    });
  }
  return { usable, unsupported: [...new Set(unsupported)] };
}

/** True if a toleration tolerates a taint. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect !== '' && toleration.effect !== taint.effect) return false;
  if (toleration.key !== '' && toleration.key !== taint.key) return false;
  return toleration.operator === 'Exists' || toleration.value === taint.value;
}

/** @returns True if a pod with these tolerations goes to a node; a cordon is a taint, a preference is none. O(taints). */
export function toleratesNode(
  tolerations: readonly Toleration[],
  { taints, unschedulable }: Pick<NodeDescription, 'taints' | 'unschedulable'>,
): boolean {
  const all = unschedulable ? [...taints, CORDON] : taints;
  return all.every(
    (taint) =>
      taint.effect === 'PreferNoSchedule' || tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}
