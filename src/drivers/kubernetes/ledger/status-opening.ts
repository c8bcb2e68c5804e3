/**
 * A new leader without a file goes on from the snapshots in its tenants' statuses, and says what it forgot.
 *
 *     lease held ──▶ snapshots read, bad ones refused ──▶ event `balances` ──▶ decisions; pods that are bound pay rent again
 *                      └──▶ report: log, event on the Market, `Market.status.ledger`
 *
 * With a file only what was spent of budgets is taken from them. A tenant without one begins as a new one does, with a day of its mint.
 */
import type { BalancesEvent } from '../../../governor/pods/pod-events.ts';
import { secondTime } from '../writes/api-time.ts';
import { readSnapshots } from './tenant-snapshot.ts';

/** Refusals that a report names, and their length in characters. */
export const REFUSED_SHOWN_MAX = 8;
const REFUSED_CHARS_MAX = 300;

/** What a leader began with: `Market.status.ledger`. */
export interface OpeningReport {
  readonly source: 'Snapshot' | 'None';
  /** When it took over. */
  readonly since: string;
  /** Its fencing token. */
  readonly term: number;
  /** Tenants that go on from a snapshot, and those that begin with a day of their mint. */
  readonly restored: number;
  readonly begun: number;
  /** Between the oldest and the newest snapshot that was used and the take-over. */
  readonly oldestSeconds: number;
  readonly newestSeconds: number;
  /** Pods that are bound, whose rent is set aside again. */
  readonly escrows: number;
  readonly refused: readonly string[];
}

/** What it needs. */
export interface StatusOpeningPorts {
  /** Statuses of the tenants as the API server has them. */
  readonly tenants: () => Iterable<{
    readonly name: string;
    readonly status: Readonly<Record<string, unknown>>;
  }>;
  /** Pods that count on nodes now. */
  readonly boundPods: () => number;
  readonly feed: (event: BalancesEvent) => void;
  /** @param text For people. @param isWarning Something was refused. */
  readonly onReport: (report: OpeningReport, text: string, isWarning: boolean) => void;
}

/** The openings of one process. */
export class StatusOpening {
  /** Undefined before it led. */
  report: OpeningReport | undefined;
  private readonly ports: StatusOpeningPorts;
  private fence: number | undefined;

  constructor(ports: StatusOpeningPorts) {
    this.ports = ports;
  }

  /** Fencing token of the term; 0 without an election. */
  get term(): number {
    return this.fence ?? 0;
  }

  /**
   * This process leads: before its first decision. Nothing happens if nobody else led meanwhile.
   *
   * @param fence Undefined: without an election.
   */
  lead(fence: number | undefined, nowSeconds: number): void {
    if (this.report !== undefined && fence === this.fence) return;
    this.fence = fence;
    const { tenants, boundPods, feed, onReport } = this.ports;
    const { balances, spent, refused, missing, oldestSeconds, newestSeconds } = readSnapshots(
      tenants(),
      nowSeconds,
    );
    feed({ kind: 'balances', balances, spent });
    const restored = Object.keys(balances).length;
    const report: OpeningReport = {
      source: restored > 0 ? 'Snapshot' : 'None',
      since: secondTime(nowSeconds),
      term: this.term,
      restored,
      begun: missing + refused.length,
      oldestSeconds: Math.ceil(oldestSeconds),
      newestSeconds: Math.ceil(newestSeconds),
      escrows: boundPods(),
      refused: refused.slice(0, REFUSED_SHOWN_MAX).map((text) => text.slice(0, REFUSED_CHARS_MAX)),
    };
    this.report = report;
    onReport(report, textOf(report, refused.length), refused.length > 0);
  }
}

function textOf(report: OpeningReport, refused: number): string {
  const { restored, begun, oldestSeconds, newestSeconds, escrows } = report;
  const [first] = report.refused;
  return (
    `Balances of ${restored} tenants go on from snapshots of ${newestSeconds} to ${oldestSeconds} s ago: rent and mint since then are ` +
    `forgotten, as are debts. ${begun} tenants begin with a day of their mint. Rent of ${escrows} bound pods is set aside again.` +
    (first === undefined ? '' : ` ${refused} snapshots were refused: ${first}`)
  );
}
