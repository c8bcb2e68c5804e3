/** The violations that a run can find. */

/** safety: a forbidden event happened. liveness: a required event did not happen. crash: a process threw. */
export type ViolationKind = 'safety' | 'liveness' | 'crash';

/** A violated guarantee of the system under test. */
export class Violation extends Error {
  readonly kind: ViolationKind;

  constructor(kind: ViolationKind, message: string) {
    super(message);
    this.name = 'Violation';
    this.kind = kind;
  }
}

/** @throws Violation of safety unless the condition holds. @param message Made only when it is needed. */
export function ensure(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new Violation('safety', message());
}
