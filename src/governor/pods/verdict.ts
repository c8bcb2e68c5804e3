/**
 * Why no node takes a pod, in kube-scheduler's words: `0/5 nodes are available: 2 Insufficient cpu, 3 node(s) had untolerated taint(s).`
 *
 * Tools and people read these texts, so they are the stock scheduler's to the letter: one count a reason, sorted as text.
 */
import { REFUSAL_PLUGINS } from './constraints/refusals.ts';
import { Refusal } from './constraints.ts';
import type { SchedulerState } from './scheduler-state.ts';
import type { Shape } from './shape-table.ts';

/** Name of the plugin that refuses for resources. */
const RESOURCES_PLUGIN = 'NodeResourcesFit';
/** What is said of nodes outside of the topology domain that a group is bound to, and by whom. */
const OTHER_DOMAIN = "node(s) were not in the pod group's topology domain";
const GANG_PLUGIN = 'GangScheduling';

/** Why nodes refuse. */
export interface Verdict {
  readonly message: string;
  /** Names of kube-scheduler's plugins that refused some node. */
  readonly plugins: readonly string[];
  /** Nodes for which taking pods away could help; the others' refusal is final. */
  readonly resolvable: number;
}

/** What nodes refuse for. */
export interface Reasons {
  readonly reasons: readonly ReasonCount[];
  /** Nodes whose refusal could be cured by taking pods away. */
  readonly resolvable: number;
}

/** One reason with its nodes. */
export interface ReasonCount {
  readonly reason: string;
  readonly plugin: string;
  readonly resolvable: boolean;
  nodes: number;
}

/**
 * Counts for every node what it refuses a shape for. After `rules.begin(shape)`.
 *
 * @param allowed Slots of the topology domain that the pod's group is bound to; undefined: all.
 * @cost O(nodes × rules of the shape).
 */
export function countReasons(
  state: SchedulerState,
  shape: Shape,
  allowed?: (slot: number) => boolean,
): Reasons {
  const { accounts, rules, slots } = state;
  const counts = new Map<string, ReasonCount>();
  const lacks = new LackCounts(shape.request.columns.length);
  let resolvableNodes = 0;
  const note = (reason: string, plugin: string, resolvable: boolean, nodes = 1): void => {
    const known = counts.get(reason);
    if (known === undefined) counts.set(reason, { reason, plugin, resolvable, nodes });
    else known.nodes += nodes;
  };
  for (let slot = 0; slot < slots.count; slot++) {
    if (slots.descriptions[slot] === undefined) continue;
    const refusal = rules.check(slot);
    const asked = refusal === Refusal.None || refusal > Refusal.Resources;
    if (asked && lacks.count(state, slot, shape)) {
      if (!accounts.couldFit(slot, shape.request)) continue;
      lacks.curable = true;
      resolvableNodes++;
    } else if (refusal !== Refusal.None) {
      const resolvable = rules.isResolvable(refusal);
      if (resolvable) resolvableNodes++;
      note(rules.text(slot, refusal), REFUSAL_PLUGINS[refusal] ?? '', resolvable);
    } else if (allowed?.(slot) === false) note(OTHER_DOMAIN, GANG_PLUGIN, false);
  }
  lacks.tell(state, shape, (reason, nodes) => note(reason, RESOURCES_PLUGIN, lacks.curable, nodes));
  return { reasons: [...counts.values()], resolvable: resolvableNodes };
}

/** Nodes that lack each resource of a shape. Numbers only: there may be many nodes. */
class LackCounts {
  /** Whether some of the nodes would do if they were empty. */
  curable = false;
  private pods = 0;
  private readonly columns: number[];

  constructor(columns: number) {
    this.columns = new Array<number>(columns).fill(0);
  }

  /** @returns Whether the node lacks anything. */
  count(state: SchedulerState, slot: number, shape: Shape): boolean {
    const { accounts } = state;
    const { columns, amounts } = shape.request;
    let any = false;
    if ((accounts.pods[slot] as number) >= (accounts.podsMax[slot] as number)) {
      this.pods++;
      any = true;
    }
    for (let i = 0; i < columns.length; i++) {
      if ((amounts[i] as number) <= accounts.free(slot, columns[i] as number)) continue;
      this.columns[i] = (this.columns[i] as number) + 1;
      any = true;
    }
    return any;
  }

  /** Tells of each resource that some node lacks. */
  tell({ accounts }: SchedulerState, shape: Shape, note: (reason: string, nodes: number) => void): void {
    if (this.pods > 0) note('Too many pods', this.pods);
    this.columns.forEach((nodes, i) => {
      if (nodes > 0) note(`Insufficient ${accounts.resources[shape.request.columns[i] as number]}`, nodes);
    });
  }
}

/** What a verdict looks at beside the shape. */
export interface VerdictOptions {
  /** What is said where every single node would do. */
  readonly otherwise?: string;
  /** As for `countReasons`. */
  readonly allowed?: ((slot: number) => boolean) | undefined;
}

/** Makes the text of a refusal by all nodes. After `rules.begin(shape)`. @param before What no node can change, '' if nothing. */
export function verdictOf(
  state: SchedulerState,
  shape: Shape,
  before: string,
  { otherwise = 'room is kept for nominated pods', allowed }: VerdictOptions = {},
): Verdict {
  const { live } = state.slots;
  if (live === 0) return { message: 'no nodes available to schedule pods', plugins: [], resolvable: 0 };
  const head = `0/${live} nodes are available:`;
  if (before !== '') return { message: `${head} ${before}.`, plugins: [], resolvable: 0 };
  const { reasons, resolvable } = countReasons(state, shape, allowed);
  const texts = reasons.map(({ reason, nodes }) => `${nodes} ${reason}`).sort();
  const plugins = [...new Set(reasons.map(({ plugin }) => plugin))].sort();
  const what = texts.length > 0 ? texts.join(', ') : otherwise;
  return { message: `${head} ${what}.`, plugins, resolvable };
}

/** @returns What kube-scheduler adds where preemption was tried in vain. */
export function preemptionText(live: number, resolvable: number): string {
  const counts = [
    [resolvable, 'No preemption victims found for incoming pod'],
    [live - resolvable, 'Preemption is not helpful for scheduling'],
  ] as const;
  const texts = counts.filter(([nodes]) => nodes > 0).map(([nodes, text]) => `${nodes} ${text}`);
  return `preemption: 0/${live} nodes are available: ${texts.sort().join(', ')}.`;
}
