/**
 * Which nodes a pod may be on: its node selector and required node affinity, as terms that all have to hold.
 */
import type { AffinityTerm } from '../../model/job.ts';
import { GPU_MODEL_LABELS } from '../../model/kubernetes/gpus.ts';
import type { FieldReader, Fields } from './fields.ts';

/** Allowed GPU models (empty: any) and the other terms. */
export interface NodeConstraint {
  readonly gpuModels: readonly string[];
  readonly affinity: readonly AffinityTerm[];
}

const AFFINITY_PATH = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution';

/**
 * Reads a pod's constraints.
 *
 * Kubernetes joins `nodeSelectorTerms` by OR, TEG has only AND. Several terms that are one `In` on the same label
 * are united, which is exact; otherwise the first term is taken, which is stricter, and a warning says so.
 *
 * @param usesGpus A term `In` on a label that names GPU models becomes `gpuModels`; only then.
 */
export function nodeConstraint(spec: Fields, usesGpus: boolean, reader: FieldReader): NodeConstraint {
  const terms: AffinityTerm[] = [];
  const selector = reader.fields(spec, 'nodeSelector', 'spec');
  for (const [key, value] of Object.entries(selector)) {
    terms.push({ key, operator: 'In', values: [reader.scalar(value ?? '', `spec.nodeSelector['${key}']`)] });
  }
  terms.push(...requiredTerms(spec, reader));
  if (!usesGpus) return { gpuModels: [], affinity: terms };
  const naming = terms.find((term) => term.operator === 'In' && GPU_MODEL_LABELS.includes(term.key));
  if (naming === undefined) return { gpuModels: [], affinity: terms };
  return { gpuModels: naming.values, affinity: terms.filter((term) => term !== naming) };
}

function requiredTerms(spec: Fields, reader: FieldReader): readonly AffinityTerm[] {
  const affinity = reader.fields(spec, 'affinity', 'spec');
  const nodeAffinity = reader.fields(affinity, 'nodeAffinity', 'spec.affinity');
  const required = reader.fields(
    nodeAffinity,
    'requiredDuringSchedulingIgnoredDuringExecution',
    'spec.affinity.nodeAffinity',
  );
  const alternatives = reader
    .listOfFields(required, 'nodeSelectorTerms', AFFINITY_PATH)
    .map((term) => expressions(term, reader));
  if (alternatives.length < 2) return alternatives[0] ?? [];
  const united = unite(alternatives);
  if (united !== undefined) return [united];
  reader.context.warn('of several node selector terms (OR) only the first is taken: pods');
  return alternatives[0] ?? [];
}

function expressions(term: Fields, reader: FieldReader): AffinityTerm[] {
  const path = `${AFFINITY_PATH}.nodeSelectorTerms[]`;
  const byLabel = reader.listOfFields(term, 'matchExpressions', path).map((e) => expression(e, reader));
  const byField = reader.listOfFields(term, 'matchFields', path).map((e) => {
    const field = expression(e, reader);
    return field.key === 'metadata.name' ? { ...field, key: 'kubernetes.io/hostname' } : field;
  });
  return [...byLabel, ...byField];
}

function expression(e: Fields, reader: FieldReader): AffinityTerm {
  const path = `${AFFINITY_PATH}.nodeSelectorTerms[].matchExpressions[]`;
  const values = reader.list(e, 'values', path).map((value) => reader.scalar(value, `${path}.values[]`));
  return {
    key: reader.name(e, 'key', path),
    operator: reader.name(e, 'operator', path) as AffinityTerm['operator'],
    values,
  };
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
