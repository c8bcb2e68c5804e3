/** The admission of a pod or a gang by the accounts, before a node is searched for. */
import { type AccountsRefusal, type Ask, newAsk } from '../../accounts.ts';
import { flavorBit } from '../../node-flavors.ts';
import type { Allowed } from '../state/gang-types.ts';
import type { PodGroup } from '../state/pod-groups.ts';
import type { PodRecord } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';

/** The caller of the accounts. It owns the record of the request. */
export class Admission {
  private readonly state: SchedulerState;
  private readonly ask: Ask = newAsk();
  /** Number of members, from the first one, that the last answer is about. */
  pods = 0;

  constructor(state: SchedulerState) {
    this.state = state;
  }

  /** @returns Why a pod may not start alone now; undefined: it may. */
  refusalOf(pod: PodRecord): AccountsRefusal | undefined {
    const { ask, state } = this;
    this.begin(pod);
    ask.pods = 1;
    ask.podsMin = 1;
    ask.demands[0] = pod.shape.demand;
    ask.counts[0] = 1;
    ask.kinds[0] = pod.shape.id;
    return state.economy.admit(ask, state.timeSeconds);
  }

  /**
   * Asks for all members, and where an economy refuses these, for as many as have to start: the others are decided one by one then.
   *
   * @param members Those that wait with the group, in their order; at least one.
   * @param podsMin Fewest of them that have to start.
   * @returns       Why not even these may start together now; undefined: the first `pods` may. O(members).
   */
  refusalOfGang(
    group: PodGroup,
    members: readonly PodRecord[],
    podsMin: number,
  ): AccountsRefusal | undefined {
    const { state } = this;
    // Members may have gone since the group entered the queue.
    group.tenant = (members[0] as PodRecord).tenant;
    const refusal = this.refusalOfMembers(members, podsMin);
    if (refusal === undefined || state.economy.mode !== 'enforce' || podsMin >= members.length)
      return refusal;
    return this.refusalOfMembers(members.slice(0, podsMin), podsMin);
  }

  /** Where the pod or gang that was admitted last may go, if not everywhere. */
  get restriction(): Allowed | undefined {
    const { flavors } = this.ask;
    const map = this.state.economy.books?.flavors;
    if (flavors === 0 || map === undefined) return undefined;
    return (slot) => (flavorBit(map.ofNode(slot)) & flavors) !== 0;
  }

  /** Why it waits for its accounts if these nodes have no room; only with a `restriction`. */
  get otherwise(): AccountsRefusal | undefined {
    return this.ask.otherwise;
  }

  private refusalOfMembers(members: readonly PodRecord[], podsMin: number): AccountsRefusal | undefined {
    const { ask, state } = this;
    this.begin(members[0] as PodRecord);
    this.pods = members.length;
    ask.pods = members.length;
    ask.podsMin = podsMin;
    addMembers(ask, members);
    return state.economy.admit(ask, state.timeSeconds);
  }

  private begin(first: PodRecord): void {
    const { ask } = this;
    ask.tenant = first.tenant;
    ask.holder = first.sequence;
    ask.priority = first.priority;
    ask.demands.length = 0;
    ask.counts.length = 0;
    ask.kinds.length = 0;
    ask.flavors = 0;
    ask.otherwise = undefined;
  }
}

/** Adds the requirements of pods to a request that has none. O(pods). */
export function addMembers(ask: Ask, members: readonly PodRecord[]): void {
  members.forEach((pod, i) => {
    const kind = ask.counts.length - 1;
    if (members[i - 1]?.shape === pod.shape) ask.counts[kind] = (ask.counts[kind] as number) + 1;
    else {
      ask.demands.push(pod.shape.demand);
      ask.counts.push(1);
      ask.kinds.push(pod.shape.id);
    }
  });
}
