/**
 * What a run can find wrong.
 */

/**
 * safety: something happened that must never happen. liveness: something did not happen that must. crash: a process
 * threw.
 */
export type ViolationKind = 'safety' | 'liveness' | 'crash';

/** A broken promise of the system under test. */
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
