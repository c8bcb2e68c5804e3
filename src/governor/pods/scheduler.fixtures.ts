/**
 * Small clusters for the pod scheduler's tests: builders of nodes, pods and groups, and a scheduler with a clock of its own.
 */
import { barePod, bareTemplate } from '../../model/kubernetes/bare-pod.ts';
import type { NodeDescription, Taint } from '../../model/kubernetes/node.ts';
import type {
  BudgetDescription,
  LabelSelector,
  PodDescription,
  PodGroupDescription,
  PodRequests,
  PodTemplate,
} from '../../model/kubernetes/pod.ts';
import { type Accounts, FREE_ACCOUNTS } from '../accounts.ts';
import { createConstraints } from './constraints/cluster-constraints.ts';
import type { Constraints } from './constraints.ts';
import type {
  BindEffect,
  BindOutcome,
  EvictEffect,
  PodEffect,
  PodEvent,
  PodSchedulerOptions,
  UnschedulableEffect,
} from './pod-events.ts';
import { PodScheduler } from './pod-scheduler.ts';
import { checkScheduler } from './pod-scheduler-check.ts';

/** Bytes of a GiB. */
export const GIB = 2 ** 30;

/** Options to start from. */
export const SCHEDULER_OPTIONS: PodSchedulerOptions = {
  seed: 1,
  backoffSecondsFirst: 1,
  backoffSecondsMax: 10,
  waitingPodsMax: 100_000,
  zoneLabel: '',
  zoneNodesMax: 1000,
  gangRepairSeconds: 60,
  gangSearchChecksMax: 20_000,
  preemption: true,
  renewalSeconds: 300,
};

/** A node of 4 cores, 32 GiB and 110 pods, with the label of its name. */
export function node(name: string, more: Partial<NodeDescription> = {}): NodeDescription {
  return {
    name,
    uid: `uid-of-${name}`,
    taints: [],
    unschedulable: false,
    cpuMilli: 4000,
    memoryBytes: 32 * GIB,
    podsMax: 110,
    extended: {},
    ...more,
    labels: { 'kubernetes.io/hostname': name, ...more.labels },
  };
}

/** A taint. */
export function taint(key: string, effect: Taint['effect'] = 'NoSchedule'): Taint {
  return { key, value: '', effect };
}

/** Requests of pods. */
export function requests(
  cpuMilli: number,
  memoryBytes = 0,
  extended: Record<string, number> = {},
): PodRequests {
  return { cpuMilli, memoryBytes, extended };
}

/** A template of 1 core without further requirements. */
export function template(more: Partial<PodTemplate> = {}): PodTemplate {
  return { ...bareTemplate('default', requests(1000)), ...more };
}

/** A pod of ours that waits; its uid is its name. @param of Its template, or what differs from the usual one. */
export function pod(
  name: string,
  of: Partial<PodTemplate> = {},
  more: Partial<PodDescription> = {},
): PodDescription {
  return { ...barePod(name, name, template(of)), generation: 1, ...more };
}

/** A selector by one label. */
export function selector(key: string, value: string): LabelSelector {
  return [{ key, operator: 'In', values: [value] }];
}

/** A group `core:default/<name>`. */
export function group(
  name: string,
  minCount: number,
  more: Partial<PodGroupDescription> = {},
): PodGroupDescription {
  return {
    key: `core:default/${name}`,
    uid: `uid-of-${name}`,
    minCount,
    topologyKeys: [],
    unsupported: [],
    ...more,
  };
}

/** Members `<name>-0…` of a group. */
export function members(
  name: string,
  count: number,
  of: Partial<PodTemplate> = {},
  more: Partial<PodDescription> = {},
): PodDescription[] {
  return Array.from({ length: count }, (_, i) =>
    pod(`${name}-${i}`, of, { group: `core:default/${name}`, ...more }),
  );
}

/** A budget of the default namespace. */
export function budget(name: string, of: LabelSelector, disruptionsAllowed: number): BudgetDescription {
  return {
    key: `default/${name}`,
    namespace: 'default',
    selector: of,
    disruptionsAllowed,
    disruptedPods: [],
  };
}

/** A scheduler with a clock, which is checked after every step. */
export class TestCluster {
  readonly scheduler: PodScheduler;
  readonly rules: Constraints;
  timeSeconds = 1000;
  /** Decisions on pods so far, by uid: counted by outcome. */
  private readonly descriptions = new Map<string, PodDescription>();

  constructor(options: Partial<PodSchedulerOptions> = {}, accounts: Accounts = FREE_ACCOUNTS) {
    this.rules = createConstraints();
    this.scheduler = new PodScheduler({ ...SCHEDULER_OPTIONS, ...options }, this.rules, accounts);
  }

  /** One step, and a check of everything. */
  step(event: PodEvent): readonly PodEffect[] {
    if (event.kind === 'pod') this.descriptions.set(event.pod.uid, event.pod);
    const effects = this.scheduler.step(event, this.timeSeconds);
    checkScheduler(this.scheduler);
    return effects;
  }

  /** Nodes arrive or get new descriptions. */
  nodes(...nodes: readonly NodeDescription[]): this {
    for (const each of nodes) this.step({ kind: 'node', node: each });
    return this;
  }

  /** Pods arrive or get new descriptions. @returns The immediate reports. */
  pods(...pods: readonly PodDescription[]): PodEffect[] {
    return pods.flatMap((each) => this.step({ kind: 'pod', pod: each }));
  }

  /** A pod of another scheduler is on a node. */
  others(
    name: string,
    nodeName: string,
    of: Partial<PodTemplate> = {},
    more: Partial<PodDescription> = {},
  ): void {
    this.pods(pod(name, of, { ours: false, nodeName, ...more }));
  }

  /** A known pod gets a new description. */
  update(uid: string, more: Partial<PodDescription>): readonly PodEffect[] {
    return this.pods({ ...(this.descriptions.get(uid) as PodDescription), ...more });
  }

  /** A pod is gone. */
  gone(...uids: readonly string[]): void {
    for (const uid of uids) this.step({ kind: 'pod-gone', uid });
  }

  /** A group is reported. */
  group(description: PodGroupDescription): readonly PodEffect[] {
    return this.step({ kind: 'group', group: description });
  }

  /** A binding has ended. */
  bindDone(uid: string, outcome: BindOutcome = 'bound'): readonly PodEffect[] {
    return this.step({ kind: 'bind-done', uid, outcome });
  }

  /** Time passes. */
  wait(seconds: number): this {
    this.timeSeconds += seconds;
    return this;
  }

  /** Decides until nothing is left to decide now. @returns The effects. */
  decide(max = 1000): PodEffect[] {
    const effects: PodEffect[] = [];
    for (let turn = 0; turn < 1000; turn++) {
      effects.push(...this.step({ kind: 'decide', max }));
      if (!this.scheduler.hasWork) return effects;
    }
    throw new Error('there is always something left to decide');
  }

  /** Decides, and binds the decided pods. @returns Nodes by pod. */
  settle(): Record<string, string> {
    const placed: Record<string, string> = {};
    for (const effect of this.decide()) {
      if (effect.kind !== 'bind') continue;
      placed[effect.uid] = effect.node;
      this.bindDone(effect.uid);
      this.update(effect.uid, { nodeName: effect.node });
    }
    return placed;
  }

  /** Attempts of a pod so far. */
  attempts(uid: string): number {
    return this.scheduler.view().pod(uid)?.attempts ?? 0;
  }

  /** Node that a pod counts on, '' if none. */
  nodeOf(uid: string): string {
    return this.scheduler.view().pod(uid)?.nodeName ?? '';
  }
}

/** Nodes of the pods to be bound. */
export function bindings(effects: readonly PodEffect[]): Record<string, string> {
  const binds = effects.filter((effect): effect is BindEffect => effect.kind === 'bind');
  return Object.fromEntries(binds.map((effect) => [effect.uid, effect.node]));
}

/** Reports about pods that do not fit, by uid. */
export function refusals(effects: readonly PodEffect[]): Record<string, string> {
  const said = effects.filter((effect): effect is UnschedulableEffect => effect.kind === 'unschedulable');
  return Object.fromEntries(said.map((effect) => [effect.uid, effect.message]));
}

/** Uids of pods to be evicted. */
export function victims(effects: readonly PodEffect[]): string[] {
  return effects.filter((effect): effect is EvictEffect => effect.kind === 'evict').map(({ uid }) => uid);
}
