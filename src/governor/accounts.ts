/**
 * Accounts: the interface of an economy to the two state machines that decide, the zone and the pod scheduler.
 *
 *     admit ──▶ a place is looked for ──▶ onHold, once for each pod ──▶ … ──▶ onRelease, once for each of these
 *       └─▶ refused: the job waits, says why, and is asked for again when `tick` wakes its tenant
 *
 * Contract of the machines. Before a job or gang that they decide about gets a place, `admit` is called in the same
 * step, and nothing is held in between; an admission guarantees nothing, and no hold need follow. At the end of each
 * step the holds that are not released are exactly the pods that count on nodes: those that run, and those in an escrow
 * that is not confirmed yet; also pods that ran already when a zone adopted
 * them, and in the pod scheduler those that others placed: for these `admit` is not called. Trials
 * that are taken back are not reported. A pod whose tenant or requests change, or whose node is lost, is released and,
 * where it still counts, held again. Room that is merely reserved for a preemptor is not held: its victims hold it.
 *
 * Not yet: an admission of fewer pods than requested.
 *
 * Deterministic, as all deciding code: no clock, no I/O; the same calls get the same answers, so that a log replays.
 */
import type { Demand } from '../model/demand.ts';
import { DEFAULT_TENANT } from '../model/tenants.ts';

/** The request of a job or gang to start. The caller's record, filled for each call: accounts must not keep it. */
export interface Ask {
  /** Number in the caller's `TenantTable`. A gang's is that of its first member. */
  tenant: number;
  /** The caller's number of the job, or of the (first) pod; as in `onHold`. */
  holder: number;
  /** Larger goes first. */
  priority: number;
  /** Pods that would start now if there is room, and the fewest that may; 1 ≤ podsMin ≤ pods. */
  pods: number;
  podsMin: number;
  /**
   * Its requirements: kinds of pods, and the number of each. Amounts count, not ids: a table of demands may be rebuilt.
   */
  readonly demands: Demand[];
  readonly counts: number[];
  /** The caller's number of each kind, where a demand does not say all of it (node selectors of pods); −1: it does. */
  readonly kinds: number[];
  /**
   * Whether the caller places the job by the `demands` that it finds here after the call. Then accounts that admit on some
   * nodes only replace demands by narrower ones (`DemandTable.narrow`); else they refuse unless all nodes will do.
   */
  mayNarrow: boolean;
  /** Set by accounts that narrowed: the reason why the job waits for them if it finds no place. */
  otherwise: AccountsRefusal | undefined;
  /** Set with `otherwise`: the flavours that are left, as bits (`flavorBit`); 0: all nodes will do. */
  flavors: number;
}

/** Why accounts do not admit. Immutable: it may be kept, and be the same object for many. */
export interface AccountsRefusal {
  /** A stable word for programs, in lower case with dashes: `quota-used-up`. */
  readonly code: string;
  /** Details of the reason, by names with units: `{needGpus: 8, quotaGpus: 4}`. Bounded. */
  readonly data: Readonly<Record<string, number | string>>;
}

/** The accounts port. `FREE_ACCOUNTS` is the implementation without an economy. */
export interface Accounts {
  /**
   * Time of the next `tick`, seconds; Infinity: never. May change with every call. The zone ticks in each step whose
   * time has reached it, before the event and again after it; the pod scheduler when it decides. A driver sends an
   * event by then.
   */
  readonly dueSeconds: number;

  /**
   * Decides whether a job or gang may start now.
   *
   * @returns Undefined if so; else the reason. After a refusal the caller does not ask again before `tick` wakes its
   *   tenant or the job changes.
   */
  admit(ask: Ask, timeSeconds: number): AccountsRefusal | undefined;

  /**
   * A pod takes capacity.
   *
   * @param holder Zone: the job, of which each member is held. Pod scheduler: the pod's own number, unique for its life.
   * @param node   Index of its node in the caller's cluster.
   */
  onHold(tenant: number, holder: number, demand: Demand, node: number, timeSeconds: number): void;

  /** A pod returns its capacity: the arguments are those of its `onHold`, with equal amounts. */
  onRelease(tenant: number, holder: number, demand: Demand, node: number, timeSeconds: number): void;

  /**
   * Time has come: prices, mint and budgets may move.
   *
   * @param wake Called for each tenant whose refusals may be over. Must not be kept.
   */
  tick(timeSeconds: number, wake: (tenant: number) => void): void;
}

/** No economy: every job is admitted, nothing is counted. */
export const FREE_ACCOUNTS: Accounts = Object.freeze({
  dueSeconds: Number.POSITIVE_INFINITY,
  admit: () => undefined,
  onHold: () => {},
  onRelease: () => {},
  tick: () => {},
});

/** @returns An empty request. */
export function newAsk(): Ask {
  return {
    ...{
      tenant: DEFAULT_TENANT,
      holder: 0,
      priority: 0,
      pods: 0,
      podsMin: 0,
      demands: [],
      counts: [],
      kinds: [],
    },
    ...{ mayNarrow: false, otherwise: undefined, flavors: 0 },
  };
}

/** @returns A refusal in words: `not admitted: quota-used-up (needGpus 8, quotaGpus 4)`. */
export function refusalWords({ code, data }: AccountsRefusal): string {
  const details = Object.entries(data).map(([name, value]) => `${name} ${value}`);
  return `not admitted: ${code}${details.length > 0 ? ` (${details.join(', ')})` : ''}`;
}
