/** What people see of an agent. */
import { CLAIM_PHASE_NAMES, type GangClaim } from './gang-claim.ts';
import { AGENT_STATE_NAMES, AgentState, type HostJobRow, WAIT_REASON_NAMES } from './host-jobs.ts';

/** State of a job, for people. */
export interface AgentView {
  readonly state: string;
  /** '' unless it waits. */
  readonly reason: string;
  readonly sinceSeconds: number;
  /** Process proposed to, or zone it runs in; −1: none, or several. */
  readonly target: number;
  readonly probes: number;
}

/** @returns The view of a job. @param claim Of a gang in several zones. */
export function viewAgent(
  row: HostJobRow | undefined,
  claim: Readonly<GangClaim> | undefined,
): AgentView | undefined {
  if (row === undefined) return undefined;
  const { state, reason, sinceSeconds, target, probes } = row;
  const waits = state === AgentState.Waiting;
  const names = claim === undefined ? AGENT_STATE_NAMES[state] : CLAIM_PHASE_NAMES[claim.phase];
  return {
    state: names as string,
    reason: waits ? (WAIT_REASON_NAMES[reason] as string) : '',
    sinceSeconds,
    target: waits ? -1 : target,
    probes,
  };
}
