/**
 * What attempts at gangs are about: conditions on nodes, and why an attempt was in vain.
 */
import type { Shape } from './shape-table.ts';

/** A condition on slots. */
export type Allowed = (slot: number) => boolean;

/** Why a group was not placed, as data: `group-texts.ts` makes the words. */
export interface GangRefusal {
  /** Members that had to be placed at once, and those that were tried. */
  readonly missing: number;
  readonly tried: number;
  /** Most of them that found room together. */
  readonly fit: number;
  /** Which of those tried, by their number in turn, stayed without room then. */
  readonly leftOut: readonly number[];
  /** Whether they have to be in one topology domain. */
  readonly inOneDomain: boolean;
  /** What nodes refuse each kind of member for, by itself, in kube-scheduler's words; the kinds that are not here are too many. */
  readonly verdicts: ReadonlyMap<Shape, { readonly message: string; readonly plugins: readonly string[] }>;
}
