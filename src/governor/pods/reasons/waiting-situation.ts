/**
 * All that is true of a waiting pod or gang, before one reason is chosen: plain data, filled by `situationOf` from the scheduler's
 * state, or by a caller that knows more. A field that is absent is not the case.
 */
import type { AccountsRefusal } from '../../accounts.ts';
import type { AmountHolder } from '../../quota-borrowers.ts';
import type { TenantProblem } from '../economy/tenant-keys.ts';

/** Most gates and the like in a situation. */
export const HOLDERS_MAX = 5;

/** Facts about one waiting pod or gang. */
export interface WaitingSituation {
  /** `namespace/name` of the pod, or of its gang. */
  readonly job: string;
  /** By name; '' without an economy. */
  readonly tenant: string;
  /** Pods that have to start together, ≥ 1. */
  readonly pods: number;
  /** Its tenant is not the one that was meant. */
  readonly misconfigured?: {
    readonly problem: TenantProblem;
    readonly namespace: string;
    readonly label: string;
    /** Tenants that have the namespace, at most `HOLDERS_MAX`. */
    readonly owners: readonly string[];
  };
  /** Requirements that the scheduler does not support. */
  readonly unsupported?: readonly string[];
  /** Scheduling gates that are left. */
  readonly gates?: readonly string[];
  /** The queue takes no more pods than this. */
  readonly queueMax?: number;
  readonly gang?: {
    /** Undefined: its object is not there. */
    readonly minCount: number | undefined;
    readonly members: number;
  };
  /** What the accounts, or a champion, answered at the last attempt. Codes that `REASON_STAGES` does not name count as `quota`. */
  readonly refusal?: AccountsRefusal;
  /** With a refusal by quota: who borrows what the job lacks, the largest first. */
  readonly holders?: readonly AmountHolder[];
  /** It is a champion: room on this many nodes is kept for it, and it starts by then if run times are as expected, seconds. */
  readonly reserved?: { readonly nodes: number; readonly startsBySeconds: number };
  /** No node takes it. */
  readonly noFit?: {
    /** In kube-scheduler's words; '' if it was not looked for. */
    readonly message: string;
    readonly nodes: number;
    /** The reason that most nodes have, and their number; '' if there is none. */
    readonly reason: string;
    readonly refusing: number;
  };
  /** Pods that are leaving to make room for it. node: '' if there are several. pods: at most `HOLDERS_MAX`, those on nodes where room is kept for it. */
  readonly victims?: { readonly node: string; readonly pods: readonly string[]; readonly count: number };
}
