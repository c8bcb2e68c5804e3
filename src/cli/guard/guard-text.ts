/** Texts of `teg guard`: a line for an event, a table for the status. */
import type { GuardEvent } from '../../drivers/guard/guard-events.ts';
import type { GuardStatus } from '../../drivers/guard/guard-status.ts';
import { formatTable, type TableColumn } from '../terminal/table.ts';

/** States by number, as `state` events carry them. */
const STATES = ['running', 'throttled', 'frozen', 'moved', 'reclaimed', 'killed'] as const;

/** @returns An event as a line. */
export function eventText({ timeMs, event, ...details }: GuardEvent): string {
  const time = new Date(timeMs).toISOString().slice(11, 23);
  const { from, to, ...rest } = details;
  const parts = Object.entries(rest).map(([name, value]) => `${name}=${shown(value)}`);
  if (event !== 'state') return [time, event, ...parts].join(' ');
  const change = `${STATES[from as number]} → ${STATES[to as number]}`;
  return [time, change, ...parts].join(' ');
}

function shown(value: unknown): string {
  if (typeof value === 'number') return String(Math.round(value * 1000) / 1000);
  if (typeof value === 'string') return /\s/.test(value) ? JSON.stringify(value) : value;
  return JSON.stringify(value);
}

const COLUMNS: readonly TableColumn[] = [
  { header: 'group' },
  { header: 'priority' },
  { header: 'state', shrink: false },
  { header: 'MiB', format: (x) => x.toFixed(0) },
  { header: 'MiB/s', format: (x) => x.toFixed(0) },
  { header: 'limit', format: (x) => x.toFixed(0) },
  { header: 'freezes' },
  { header: 'frozen s', format: (x) => x.toFixed(1) },
];

/** @returns The status as text. */
export function statusText(status: GuardStatus, widthMax?: number): string {
  const { enforcing, backend, wallMib, headroomMib, othersMib, tickMicros, cpuSeconds, upSeconds } = status;
  const state = status.exhausted ? 'exhausted' : status.isShort ? 'short' : 'ample';
  const mode = enforcing ? 'enforcing' : 'dry run: changes nothing';
  const head = [
    `${mode}; cgroups ${backend}; ${status.isRealtime ? 'SCHED_FIFO' : 'not real-time'}; pid ${status.pid}, watchdog ${status.watchdogPid ?? '–'}`,
    `memory ${state}: wall ${whole(wallMib)} MiB, others ${whole(othersMib)}, headroom ${whole(headroomMib)} above a margin of ${status.marginMib.toFixed(0)}`,
    `tick p50 ${tickMicros.p50.toFixed(0)} µs, p99 ${tickMicros.p99.toFixed(0)} µs; CPU ${((100 * cpuSeconds) / upSeconds).toFixed(1)} % of a core`,
  ];
  const rows = status.groups.map((group) => [
    group.path,
    group.priority,
    stateOf(group),
    group.usageMib ?? undefined,
    group.growthMibPerSecond ?? undefined,
    group.limitMib ?? undefined,
    group.freezes + group.holds,
    group.frozenSeconds,
  ]);
  const table = formatTable(COLUMNS, rows, widthMax === undefined ? {} : { widthMax });
  const faults = status.unusable.map(({ group, why }) => `${group}: ${why}`);
  return [...head, '', table, ...faults].join('\n');
}

/** JSON has null for what could not be read. */
function whole(mib: number | null): string {
  return mib === null ? '–' : mib.toFixed(0);
}

function stateOf(group: GuardStatus['groups'][number]): string {
  if (group.frozen === 'line') return 'held';
  if (group.frozen === 'others') return 'frozen by others';
  if (group.frozen !== undefined) return group.frozen === 'person' ? 'frozen by hand' : 'frozen';
  if (group.refusal !== undefined) return 'left alone';
  return group.optedIn ? 'running' : 'counted';
}
