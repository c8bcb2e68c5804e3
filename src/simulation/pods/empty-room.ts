/** The number of pods of a template that the empty nodes could hold: pods beyond it wait in vain. */
import type { NodeDescription } from '../../model/kubernetes/node.ts';
import type { LabelRequirement, NodeSelectorTerm, PodTemplate } from '../../model/kubernetes/pod.ts';
import {
  isValidFieldRequirement,
  isValidRequirement,
  labelOf,
  meetsRequirement,
} from '../../model/kubernetes/requirements.ts';
import { CORDON, tolerates } from '../../model/readers/taints.ts';

/** The nodes of a cluster, empty. */
export class EmptyRoom {
  private readonly nodes: readonly NodeDescription[];
  private readonly known = new Map<PodTemplate, number>();

  constructor(nodes: readonly NodeDescription[]) {
    this.nodes = nodes;
  }

  /** @returns Pods that fit by requests, selectors, required node affinity and taints. O(nodes) for a new template. */
  podsOf(template: PodTemplate): number {
    let count = this.known.get(template);
    if (count === undefined) {
      count = 0;
      for (const node of this.nodes) if (allows(node, template)) count += fitting(node, template);
      this.known.set(template, count);
    }
    return count;
  }
}

function fitting(node: NodeDescription, { requests }: PodTemplate): number {
  let count = node.podsMax;
  if (requests.cpuMilli > 0) count = Math.min(count, Math.floor(node.cpuMilli / requests.cpuMilli));
  if (requests.memoryBytes > 0) count = Math.min(count, Math.floor(node.memoryBytes / requests.memoryBytes));
  for (const name in requests.extended) {
    const offered = Object.hasOwn(node.extended, name) ? (node.extended[name] as number) : 0;
    count = Math.min(count, Math.floor(offered / (requests.extended[name] as number)));
  }
  return count;
}

function allows(node: NodeDescription, template: PodTemplate): boolean {
  const taints = node.unschedulable ? [...node.taints, CORDON] : node.taints;
  for (const taint of taints) {
    if (taint.effect === 'PreferNoSchedule') continue;
    if (!template.tolerations.some((toleration) => tolerates(toleration, taint))) return false;
  }
  for (const key in template.nodeSelector) {
    if (labelOf(node.labels, key) !== template.nodeSelector[key]) return false;
  }
  const { requiredNodeTerms } = template;
  return requiredNodeTerms === undefined || requiredNodeTerms.some((term) => matches(node, term));
}

function matches(node: NodeDescription, { expressions, fields }: NodeSelectorTerm): boolean {
  if (expressions.length + fields.length === 0) return false;
  const onLabel = (requirement: LabelRequirement): boolean =>
    isValidRequirement(requirement) && meetsRequirement(requirement, labelOf(node.labels, requirement.key));
  const onField = (requirement: LabelRequirement): boolean =>
    isValidFieldRequirement(requirement) &&
    meetsRequirement(requirement, requirement.key === 'metadata.name' ? node.name : undefined);
  return expressions.every(onLabel) && fields.every(onField);
}
