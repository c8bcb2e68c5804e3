/** The nodes that a pod names: kube-scheduler considers no others if every alternative requires a `metadata.name`. */
import type { LabelRequirement, PodTemplate } from '../../../../model/kubernetes/pod.ts';
import type { NodeTable } from './node-table.ts';
import { NAME_FIELD } from './node-terms.ts';

/** The label that holds the node's name, except in unusual clusters. */
const HOSTNAME = 'kubernetes.io/hostname';

/**
 * Names required by fields; undefined: some alternative requires none; empty: the alternatives contradict themselves.
 */
export function namesByField(template: PodTemplate): ReadonlySet<string> | undefined {
  const terms = template.requiredNodeTerms;
  if (terms === undefined || terms.length === 0) return undefined;
  const all = new Set<string>();
  for (const term of terms) {
    const names = common(term.fields, NAME_FIELD);
    if (names === undefined) return undefined;
    for (const name of names) all.add(name);
  }
  return all;
}

/**
 * Names of the nodes with one of the host names that the pod requires by label; undefined: it requires none. O(nodes).
 */
export function namesByHostname(template: PodTemplate, nodes: NodeTable): readonly string[] | undefined {
  const hosts = hostnames(template);
  if (hosts === undefined) return undefined;
  const column = nodes.column(HOSTNAME);
  const names: string[] = [];
  for (const host of hosts) {
    const id = column.find(host);
    if (id < 0) continue;
    for (let node = 0; node < nodes.capacity; node++) {
      if (column.ids[node] === id) names.push(nodes.names[node] as string);
    }
  }
  return names;
}

function hostnames(template: PodTemplate): ReadonlySet<string> | undefined {
  if (Object.hasOwn(template.nodeSelector, HOSTNAME)) {
    return new Set([template.nodeSelector[HOSTNAME] as string]);
  }
  const terms = template.requiredNodeTerms;
  if (terms === undefined || terms.length === 0) return undefined;
  const all = new Set<string>();
  for (const term of terms) {
    const names = common(term.expressions, HOSTNAME);
    if (names === undefined) return undefined;
    for (const name of names) all.add(name);
  }
  return all;
}

/** Values that all `In` requirements on a key have in common; undefined: there are none. */
function common(requirements: readonly LabelRequirement[], key: string): ReadonlySet<string> | undefined {
  let names: Set<string> | undefined;
  for (const requirement of requirements) {
    if (requirement.key !== key || requirement.operator !== 'In') continue;
    const kept = requirement.values.filter((value) => names === undefined || names.has(value));
    names = new Set(kept);
  }
  return names;
}
