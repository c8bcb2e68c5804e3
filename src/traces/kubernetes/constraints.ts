/** The nodes that a pod may be on: its node selector and required node affinity, as terms that all have to hold. */
import type { AffinityTerm } from '../../model/job.ts';
import type { LabelRequirement, NodeSelectorTerm } from '../../model/kubernetes/pod.ts';
import { GPU_MODEL_LABELS } from '../../model/readers/gpus.ts';
import { podNodeTermsOf } from '../../model/readers/label-selectors.ts';
import { type ApiObject, maybeRecord, maybeStrings } from '../../model/readers/read-object.ts';
import type { PartContext } from '../context.ts';

/** Allowed GPU models (empty: any) and the other terms. */
export interface NodeConstraint {
  readonly gpuModels: readonly string[];
  readonly affinity: readonly AffinityTerm[];
}

const HOSTNAME = 'kubernetes.io/hostname';
const NODE_AFFINITY = 'spec.affinity.nodeAffinity';
const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';

/** Matches no node: the term for a selector without a satisfiable alternative. */
const NOWHERE: AffinityTerm = { key: HOSTNAME, operator: 'In', values: [] };

/**
 * Reads a pod's constraints.
 *
 * Kubernetes joins `nodeSelectorTerms` by OR, TEG has only AND. Several terms that are one `In` on the same label
 * are united, which is exact; otherwise the first term is taken, which is stricter, and a warning says so.
 *
 * @param usesGpus A term `In` on a label that names GPU models becomes `gpuModels`; only then.
 * @throws TegError TEG_KUBE_OBJECT.
 */
export function nodeConstraint(spec: ApiObject, usesGpus: boolean, context: PartContext): NodeConstraint {
  const terms: AffinityTerm[] = [];
  for (const [key, value] of Object.entries(maybeStrings(spec.nodeSelector, 'spec.nodeSelector'))) {
    terms.push({ key, operator: 'In', values: [value] });
  }
  terms.push(...requiredTerms(spec, context));
  if (!usesGpus) return { gpuModels: [], affinity: terms };
  const naming = terms.find((term) => term.operator === 'In' && GPU_MODEL_LABELS.includes(term.key));
  if (naming === undefined) return { gpuModels: [], affinity: terms };
  return { gpuModels: naming.values, affinity: terms.filter((term) => term !== naming) };
}

function requiredTerms(spec: ApiObject, context: PartContext): readonly AffinityTerm[] {
  const affinity = maybeRecord(spec.affinity, 'spec.affinity');
  const nodeAffinity = maybeRecord(affinity.nodeAffinity, NODE_AFFINITY);
  const alternatives = podNodeTermsOf(nodeAffinity[REQUIRED], `${NODE_AFFINITY}.${REQUIRED}`);
  if (alternatives === undefined) return [];
  const usable = alternatives.filter((term) => term.expressions.length + term.fields.length > 0).map(termsOf);
  if (usable.length === 0) return [NOWHERE];
  if (usable.length === 1) return usable[0] ?? [];
  const united = unite(usable);
  if (united !== undefined) return [united];
  context.warn('of several node selector terms (OR) only the first is taken: pods');
  return usable[0] ?? [];
}

function termsOf(term: NodeSelectorTerm): AffinityTerm[] {
  return [...term.expressions, ...term.fields.map(hostnameOf)];
}

/** The only field is the node's name, which equals its host name except in unusual clusters. */
function hostnameOf(field: LabelRequirement): AffinityTerm {
  return field.key === 'metadata.name' ? { ...field, key: HOSTNAME } : NOWHERE;
}

/** One `In` with all values, if every alternative is a single `In` on the same label. */
function unite(alternatives: readonly (readonly AffinityTerm[])[]): AffinityTerm | undefined {
  const key = alternatives[0]?.[0]?.key;
  const values = new Set<string>();
  for (const terms of alternatives) {
    const [only] = terms;
    if (terms.length !== 1 || only?.operator !== 'In' || only.key !== key) return undefined;
    for (const value of only.values) values.add(value);
  }
  return key === undefined ? undefined : { key, operator: 'In', values: [...values] };
}
