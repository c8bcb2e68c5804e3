/** Counts of the faults by kind. */

/** Kinds of faults, in the order in which they are reported. */
export const FAULT_KINDS = [
  'message-lost',
  'message-doubled',
  'message-overtakes',
  'message-held-back',
  'message-cut-off',
  'message-to-crashed',
  'link-clogged',
  'link-overflow',
  'partition',
  'partition-one-way',
  'zone-crash-log',
  'zone-crash-empty',
  'host-crash-log',
  'host-crash-empty',
  'summary-crash-empty',
  'node-down',
  'job-cancelled',
] as const;

/** A kind of fault. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** Counters by kind. */
export class FaultCounts {
  /** Called for each fault. */
  listener: ((kind: FaultKind) => void) | undefined;
  private readonly counts = new Map<FaultKind, number>(FAULT_KINDS.map((kind) => [kind, 0]));

  /** Counts a fault. */
  add(kind: FaultKind): void {
    this.counts.set(kind, (this.counts.get(kind) as number) + 1);
    this.listener?.(kind);
  }

  /** @returns All kinds with their counts. */
  record(): Record<FaultKind, number> {
    return Object.fromEntries(this.counts) as Record<FaultKind, number>;
  }
}
