/** The latest events of a guard, and where they go. */

/** One event; the fields beside are those of its kind. */
export interface GuardEvent {
  /** Since 1970. */
  readonly timeMs: number;
  readonly event: string;
  readonly [field: string]: unknown;
}

/** Most events that are kept. */
export const GUARD_EVENTS_MAX = 1000;

/** Keeps the latest events and passes them on. */
export class GuardEvents {
  private readonly onEvent: (event: GuardEvent) => void;
  private readonly kept: GuardEvent[] = [];
  /** Of the first that is kept. */
  private first = 0;

  constructor(onEvent: (event: GuardEvent) => void) {
    this.onEvent = onEvent;
  }

  /** Records an event. */
  add(event: string, details: Readonly<Record<string, unknown>> = {}): void {
    const full = { timeMs: Date.now(), event, ...details };
    this.kept.push(full);
    if (this.kept.length > GUARD_EVENTS_MAX) {
      this.kept.shift();
      this.first++;
    }
    this.onEvent(full);
  }

  /** @param from Number of the first one wanted; those that are not kept any more are passed over. */
  since(from: number): { readonly next: number; readonly events: readonly GuardEvent[] } {
    return { next: this.first + this.kept.length, events: this.kept.slice(Math.max(from - this.first, 0)) };
  }
}
