/**
 * Label selectors and node selectors of API objects, as requirement lists.
 *
 * Invalid selectors that the API server accepts (an unknown operator, `In` without values) have the same effect as in
 * kube-scheduler: a term of a node selector matches no node, a label selector is returned as `null`.
 */
import type { LabelRequirement, LabelSelector, NodeSelectorTerm } from '../kubernetes/pod.ts';
import { isLabelValue, parseInt64 } from '../kubernetes/requirements.ts';
import {
  isRecord,
  malformed,
  maybeList,
  maybeRecord,
  maybeStrings,
  maybeText,
  maybeTexts,
  recordOf,
} from './read-object.ts';

const SELECTOR_OPERATORS: ReadonlySet<string> = new Set(['In', 'NotIn', 'Exists', 'DoesNotExist']);
const NODE_OPERATORS: ReadonlySet<string> = new Set([...SELECTOR_OPERATORS, 'Gt', 'Lt']);

/** @returns A requirement, or undefined if it is invalid in Kubernetes. */
function requirementOf(
  value: unknown,
  operators: ReadonlySet<string>,
  path: string,
): LabelRequirement | undefined {
  const expression = recordOf(value, path);
  const key = maybeText(expression.key, `${path}.key`);
  const operator = maybeText(expression.operator, `${path}.operator`);
  const values = maybeTexts(expression.values, `${path}.values`);
  if (key === '' || !operators.has(operator) || !hasRightValues(operator, values)) return undefined;
  return { key, operator: operator as LabelRequirement['operator'], values };
}

/** As `labels.NewRequirement` does. */
function hasRightValues(operator: string, values: readonly string[]): boolean {
  switch (operator) {
    case 'Exists':
    case 'DoesNotExist':
      return values.length === 0;
    case 'Gt':
    case 'Lt':
      return values.length === 1 && parseInt64(values[0] as string) !== undefined;
    default:
      return values.length > 0 && values.every(isLabelValue);
  }
}

/**
 * Reads a label selector.
 *
 * @returns Its requirements (`matchLabels` as `In`, by key); undefined if there is no selector (matches nothing); null if
 *   Kubernetes could not use it.
 * @throws TegError TEG_KUBE_OBJECT for wrong types.
 */
export function labelSelectorOf(value: unknown, path: string): LabelSelector | undefined | null {
  if (value === undefined || value === null) return undefined;
  const selector = recordOf(value, path);
  const labels = maybeStrings(selector.matchLabels, `${path}.matchLabels`);
  const requirements: LabelRequirement[] = [];
  for (const key of Object.keys(labels).sort()) {
    const label = labels[key] as string;
    if (key === '' || !isLabelValue(label)) return null;
    requirements.push({ key, operator: 'In', values: [label] });
  }
  const expressions = maybeList(selector.matchExpressions, `${path}.matchExpressions`);
  for (let i = 0; i < expressions.length; i++) {
    const requirement = requirementOf(expressions[i], SELECTOR_OPERATORS, `${path}.matchExpressions[${i}]`);
    if (requirement === undefined) return null;
    requirements.push(requirement);
  }
  return requirements;
}

/**
 * Merges `matchLabelKeys` or `mismatchLabelKeys` in: the pod's own value of each key, if it has one, is required or
 * barred. The API server has done so itself since 1.29 (affinity) and 1.34 (spread); existing requirements are not
 * added again.
 */
export function withLabelKeys(
  selector: LabelSelector,
  keys: readonly string[],
  operator: 'In' | 'NotIn',
  labels: Readonly<Record<string, string>>,
): LabelSelector {
  const added = keys
    .filter((key) => Object.hasOwn(labels, key))
    .map((key): LabelRequirement => ({ key, operator, values: [labels[key] as string] }))
    .filter((requirement) => !selector.some((known) => isSame(known, requirement)));
  return added.length === 0 ? selector : [...selector, ...added];
}

function isSame(a: LabelRequirement, b: LabelRequirement): boolean {
  return a.key === b.key && a.operator === b.operator && a.values.length === 1 && a.values[0] === b.values[0];
}

/** @returns A term of a node selector, or undefined if it matches no node: empty, or unusable. */
export function nodeTermOf(value: unknown, path: string): NodeSelectorTerm | undefined {
  const term = maybeRecord(value, path);
  const expressions: LabelRequirement[] = [];
  for (const entry of maybeList(term.matchExpressions, `${path}.matchExpressions`)) {
    const requirement = requirementOf(entry, NODE_OPERATORS, `${path}.matchExpressions[]`);
    if (requirement === undefined) return undefined;
    expressions.push(requirement);
  }
  const fields: LabelRequirement[] = [];
  for (const entry of maybeList(term.matchFields, `${path}.matchFields`)) {
    const field = fieldOf(entry, `${path}.matchFields[]`);
    if (field === undefined) return undefined;
    fields.push(field);
  }
  return expressions.length + fields.length === 0 ? undefined : { expressions, fields };
}

/** A requirement on a field: In or NotIn with one value; values are names, not label values. */
function fieldOf(value: unknown, path: string): LabelRequirement | undefined {
  const expression = recordOf(value, path);
  const key = maybeText(expression.key, `${path}.key`);
  const operator = maybeText(expression.operator, `${path}.operator`);
  const values = maybeTexts(expression.values, `${path}.values`);
  if ((operator !== 'In' && operator !== 'NotIn') || values.length !== 1) return undefined;
  return { key, operator, values };
}

/** Matches no node. */
const NOTHING: NodeSelectorTerm = { expressions: [], fields: [] };

/**
 * @returns Alternatives of a pod: as `nodeTermsOf`, but beside alternatives that name nodes one that matches nothing
 *          stays, because kube-scheduler looks at the named nodes alone only if all alternatives name some.
 * @throws TegError TEG_KUBE_OBJECT for wrong types.
 */
export function podNodeTermsOf(selector: unknown, path: string): readonly NodeSelectorTerm[] | undefined {
  const terms = nodeTermsOf(selector, path);
  if (terms === undefined || !isRecord(selector) || !Array.isArray(selector.nodeSelectorTerms)) return terms;
  const isComplete = terms.length === selector.nodeSelectorTerms.length;
  return isComplete || !terms.some(({ fields }) => fields.length > 0) ? terms : [...terms, NOTHING];
}

/**
 * @returns The terms of a node selector that can match a node; undefined if there is no selector.
 * @throws TegError TEG_KUBE_OBJECT for wrong types.
 */
export function nodeTermsOf(selector: unknown, path: string): readonly NodeSelectorTerm[] | undefined {
  if (selector === undefined || selector === null) return undefined;
  if (!isRecord(selector)) throw malformed(path, selector, 'an object');
  const terms: NodeSelectorTerm[] = [];
  const list = maybeList(selector.nodeSelectorTerms, `${path}.nodeSelectorTerms`);
  for (let i = 0; i < list.length; i++) {
    const term = nodeTermOf(list[i], `${path}.nodeSelectorTerms[${i}]`);
    if (term !== undefined) terms.push(term);
  }
  return terms;
}
