/**
 * What TEG does with a case, in process: projections, rules and the pod scheduler, fed as the driver feeds them.
 */

import { profilesOf } from '../../../src/drivers/kubernetes/objects/profiles.ts';
import { ObjectEvents } from '../../../src/drivers/kubernetes/snapshot/object-events.ts';
import { createConstraints } from '../../../src/governor/pods/constraints/cluster-constraints.ts';
import type { PodEffect, PodSchedulerOptions } from '../../../src/governor/pods/pod-events.ts';
import { PodScheduler } from '../../../src/governor/pods/pod-scheduler.ts';
import { type EconomyDescription, podTenantSpec } from '../../../src/market/tenants/economy-description.ts';
import {
  marketSpec,
  PREEMPTION_DEFAULTS,
  quotaFlavor,
  tenantSpec,
} from '../../../src/market/tenants/spec.ts';
import type { Draw } from './draw.ts';
import type { Json } from './draw-nodes.ts';

const OPTIONS: PodSchedulerOptions = {
  seed: 1,
  backoffSecondsFirst: 1,
  backoffSecondsMax: 10,
  waitingPodsMax: 1000,
  zoneLabel: '',
  zoneNodesMax: 1000,
  gangRepairSeconds: 0,
  gangSearchChecksMax: 0,
  preemption: true,
  renewalSeconds: 300,
};

/** Seconds since 1970, after the starts of all pods of a case. */
const NOW = 2e9;

/** What TEG says of a case. */
export interface TegAnswer {
  /** Neither placed nor refused: it is not tried. */
  readonly gated: boolean;
  /** Nodes that every rule and the resources allow, sorted. */
  readonly feasible: readonly string[];
  readonly chosen: string;
  /** Text of the event, '' if it is placed. */
  readonly message: string;
  /** Node and victims (uids, sorted) of a preemption; '' if none. */
  readonly preempted: string;
  readonly victims: readonly string[];
}

/** `economy.mode` of the configuration. */
export type EconomyMode = EconomyDescription['mode'];

/** An economy of one tenant, which has all namespaces and nothing that keeps its pods back. */
function economyOf(mode: EconomyMode): EconomyDescription {
  const preemption = { ...PREEMPTION_DEFAULTS, minRuntimeSeconds: 0 };
  return {
    mode,
    market: marketSpec({ flavors: [quotaFlavor('all')] }),
    tenants: [podTenantSpec(tenantSpec('all', { quota: { all: { cpuMilli: 1e9 } }, preemption }), [])],
  };
}

/**
 * @param order   Objects come in an order of its own; undefined: as they are.
 * @param mode    Of the economy.
 */
export function askTeg(
  objects: readonly Json[],
  probe: Json,
  order?: Draw,
  mode: EconomyMode = 'off',
): TegAnswer {
  const events = new ObjectEvents(profilesOf(['default-scheduler']));
  const core = new PodScheduler(OPTIONS, createConstraints());
  if (mode !== 'off') core.step({ kind: 'economy', economy: economyOf(mode) }, NOW);
  for (const object of order === undefined ? objects : order.shuffled(objects)) {
    const event = events.eventOf(object);
    // The driver's watches select by phase and by whose pod it is; the core sees to it as well.
    if (event !== undefined) core.step(event, NOW);
  }
  const event = events.eventOf(probe);
  if (event === undefined) throw new Error('the probe is not a pod');
  const told = [...core.step(event, NOW + 1)];
  const { uid } = probe.metadata as { uid: string };
  const feasible = feasibleNodes(core, uid);
  told.push(...core.step({ kind: 'decide', max: 10 }, NOW + 2));
  return answerOf(told, uid, feasible);
}

function feasibleNodes(core: PodScheduler, uid: string): string[] {
  const { state } = core.internals;
  const pod = state.pods.get(uid);
  if (pod === undefined) throw new Error('the probe is not known');
  if (state.rules.preFilter(pod.shape) !== undefined) return [];
  const feasible: string[] = [];
  for (let slot = 0; slot < state.slots.count; slot++) {
    if (state.slots.descriptions[slot] === undefined) continue;
    if (state.accepts(pod.shape, pod.priority, slot, pod)) feasible.push(state.slots.nameOf(slot));
  }
  return feasible.sort();
}

function answerOf(effects: readonly PodEffect[], uid: string, feasible: readonly string[]): TegAnswer {
  const bind = effects.find((effect) => effect.kind === 'bind' && effect.uid === uid);
  const refused = effects.find((effect) => effect.kind === 'unschedulable' && effect.uid === uid);
  const evicts = effects.filter((effect) => effect.kind === 'evict');
  const nominated = effects.find(
    (effect) => effect.kind === 'nominate' && effect.uid === uid && effect.node !== '',
  );
  return {
    gated: bind === undefined && refused === undefined,
    feasible,
    chosen: bind?.kind === 'bind' ? bind.node : '',
    message: refused?.kind === 'unschedulable' ? refused.message : '',
    preempted: nominated?.kind === 'nominate' ? nominated.node : '',
    victims: evicts.map((effect) => effect.uid).sort(),
  };
}
