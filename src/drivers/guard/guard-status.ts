/** The state of a guard as data, for `teg guard status` and the metrics. */
import type { FreezeCause } from '../../guard/node/guard-core.ts';
import type { GroupTable } from './group-table.ts';
import type { GuardLoop } from './guard-loop.ts';
import type { PrivilegeFault } from './system-calls.ts';
import type { TickSummary } from './tick-times.ts';

/** A group, as the status shows it. MiB, seconds. */
export interface GroupStatus {
  readonly path: string;
  readonly priority: number;
  readonly gang: string | undefined;
  readonly optedIn: boolean;
  readonly usageMib: number;
  readonly growthMibPerSecond: number;
  readonly sharedMib: number;
  readonly limitMib: number | null;
  readonly lineMib: number | null;
  /** memory.high as the guard set it; null: it did not. */
  readonly softLimitMib: number | null;
  /** Why it stands still; undefined: it runs. */
  readonly frozen: FreezeCause | 'others' | undefined;
  readonly frozenForSeconds: number;
  readonly frozenSeconds: number;
  readonly freezes: number;
  readonly holds: number;
  readonly processes: number;
  readonly pressureSomeMicros: number;
  readonly oomKills: number;
  /** Why the guard does not act on it although it opted in. */
  readonly refusal: string | undefined;
}

/** A guard, as the status shows it. */
export interface GuardStatus {
  readonly pid: number;
  readonly watchdogPid: number | undefined;
  readonly enforcing: boolean;
  readonly backend: string;
  readonly isRealtime: boolean;
  readonly faults: readonly PrivilegeFault[];
  readonly wallMib: number;
  readonly marginMib: number;
  readonly othersMib: number;
  readonly headroomMib: number;
  readonly isShort: boolean;
  readonly exhausted: boolean;
  readonly tickMicros: TickSummary;
  /** Writes that freeze a group and thaw it; and from the first until the group is seen to stand still. */
  readonly freezeMicros: TickSummary;
  readonly standMicros: TickSummary;
  readonly thawMicros: TickSummary;
  readonly cpuSeconds: number;
  readonly upSeconds: number;
  readonly groups: readonly GroupStatus[];
  readonly unusable: readonly { readonly group: string; readonly why: string }[];
}

const BYTES_PER_MIB = 1024 * 1024;

/** @returns The groups of a loop as they are now. */
export function groupStatuses(loop: GuardLoop, table: GroupTable): GroupStatus[] {
  const now = loop.now();
  const states = new Map(loop.core.states(now).map((state) => [state.path, state]));
  return [...table.groups].map((group) => {
    const { handle, config } = group;
    const state = states.get(handle.path);
    return {
      path: handle.path,
      priority: config.priority,
      gang: config.gang,
      optedIn: config.optIn,
      usageMib: round(state?.usage ?? Number.NaN),
      growthMibPerSecond: round(state?.growth ?? Number.NaN),
      sharedMib: round(handle.parts().shared / BYTES_PER_MIB),
      limitMib: finite(group.limit),
      lineMib: finite(state?.line ?? Number.POSITIVE_INFINITY),
      softLimitMib: finite(group.soft.setMib ?? Number.POSITIVE_INFINITY),
      frozen: state?.cause ?? (group.isForeign ? 'others' : undefined),
      frozenForSeconds: group.isOurs ? round(now - group.frozenAt) : 0,
      frozenSeconds: round(group.frozenSeconds + (group.isOurs ? now - group.frozenAt : 0)),
      freezes: group.freezes,
      holds: group.holds,
      processes: handle.processCount(),
      pressureSomeMicros: handle.pressure().some,
      oomKills: handle.events().oomKills,
      refusal: group.refusal,
    };
  });
}

function round(x: number): number {
  return Math.round(x * 10) / 10;
}

function finite(x: number): number | null {
  return Number.isFinite(x) ? round(x) : null;
}
