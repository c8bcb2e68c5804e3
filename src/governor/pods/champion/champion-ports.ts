/** What champions need of the decisions. */
import type { AccountsRefusal } from '../../accounts.ts';
import type { Allowed } from '../state/gang-types.ts';
import type { PodGroup } from '../state/pod-groups.ts';
import type { PodRecord } from '../state/pod-records.ts';

/** The accounts' answers: see `Admission`. */
export interface ChampionAdmission {
  refusalOf(pod: PodRecord): AccountsRefusal | undefined;
  refusalOfGang(group: PodGroup, members: readonly PodRecord[], podsMin: number): AccountsRefusal | undefined;
  /** Where the one that was admitted last may go, if not everywhere. */
  readonly restriction: Allowed | undefined;
}

/** Claims on room that evictions free: see `PodClaims`. */
export interface ChampionClaims {
  /** Pods that are leaving their nodes for claims, and that the accounts do not hold while others are decided. */
  victims(): ReadonlySet<PodRecord>;
}
