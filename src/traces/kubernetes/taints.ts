/**
 * Taints of nodes and tolerations of pods.
 */
import type { Taint } from '../../model/kubernetes/node.ts';
import type { Toleration } from '../../model/kubernetes/pod.ts';
import type { FieldReader, Fields } from './fields.ts';

const CORDON: Taint = { key: 'node.kubernetes.io/unschedulable', value: '', effect: 'NoSchedule' };
const NOT_READY: Taint = { key: 'node.kubernetes.io/not-ready', value: '', effect: 'NoSchedule' };

/**
 * @returns The taints that keep pods away; a cordon and being not ready count as the taints that stand for them.
 *   PreferNoSchedule keeps nobody away and is left out.
 * @throws TegError TEG_TRACE_BAD_VALUE.
 */
export function taintsOf(spec: Fields, isReady: boolean, reader: FieldReader): Taint[] {
  const taints: Taint[] = [];
  for (const taint of reader.listOfFields(spec, 'taints', 'spec')) {
    const effect = reader.text(taint, 'effect', 'spec.taints[]');
    if (effect !== 'NoSchedule' && effect !== 'NoExecute') continue;
    taints.push({
      key: reader.name(taint, 'key', 'spec.taints[]'),
      value: reader.text(taint, 'value', 'spec.taints[]'),
      effect,
    });
  }
  if (reader.text(spec, 'unschedulable', 'spec') === 'true') add(taints, CORDON);
  if (!isReady) add(taints, NOT_READY);
  return taints;
}

function add(taints: Taint[], taint: Taint): void {
  if (!taints.some(({ key, effect }) => key === taint.key && effect === taint.effect)) taints.push(taint);
}

/**
 * @returns What a pod tolerates.
 * @throws TegError TEG_TRACE_BAD_VALUE.
 */
export function tolerationsOf(spec: Fields, reader: FieldReader): Toleration[] {
  const path = 'spec.tolerations[]';
  const tolerations: Toleration[] = [];
  for (const toleration of reader.listOfFields(spec, 'tolerations', 'spec')) {
    const operator = reader.text(toleration, 'operator', path) || 'Equal';
    const effect = reader.text(toleration, 'effect', path);
    if (operator !== 'Equal' && operator !== 'Exists') {
      reader.context.warn('tolerations with an operator other than Equal and Exists count for nothing: pods');
      continue;
    }
    if (effect === 'PreferNoSchedule') continue;
    if (effect !== '' && effect !== 'NoSchedule' && effect !== 'NoExecute') {
      throw reader.bad(`${path}.effect`, effect, 'NoSchedule, PreferNoSchedule or NoExecute');
    }
    tolerations.push({
      key: reader.text(toleration, 'key', path),
      operator,
      value: reader.text(toleration, 'value', path),
      effect,
    });
  }
  return tolerations;
}
