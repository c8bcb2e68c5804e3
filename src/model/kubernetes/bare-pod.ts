/**
 * A pod that asks for resources and for nothing else: what descriptions made by hand or from other models start from.
 *
 * Not for pods of the API: their reader names every field, so that none is forgotten.
 */
import type { PodDescription, PodRequests, PodTemplate } from './pod.ts';

/** @returns A template without a rule; lists are fresh, so that the caller may replace them. */
export function bareTemplate(namespace: string, requests: PodRequests): PodTemplate {
  return {
    namespace,
    labels: {},
    requests,
    nodeSelector: {},
    requiredNodeTerms: undefined,
    preferredNodeTerms: [],
    tolerations: [],
    hostPorts: [],
    spread: [],
    affinity: [],
    antiAffinity: [],
    preferredAffinity: [],
    preferredAntiAffinity: [],
    claims: [],
    exclusiveDisks: [],
    preemptionPolicy: 'PreemptLowerPriority',
    unsupported: [],
  };
}

/** @returns A pod of ours that waits, in the template's namespace: in no group, of no tenant, priority 0. */
export function barePod(uid: string, name: string, template: PodTemplate): PodDescription {
  return {
    uid,
    namespace: template.namespace,
    name,
    ours: true,
    nodeName: '',
    ended: false,
    deleting: false,
    preempted: false,
    gates: [],
    priority: 0,
    generation: 0,
    nominatedNodeName: '',
    createdSeconds: 0,
    startedSeconds: 0,
    group: '',
    tenant: '',
    template,
  };
}
