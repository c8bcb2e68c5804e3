/** Types of attempts at gangs: conditions on nodes, and reasons of failures. */
import type { Shape } from './shape-table.ts';

/** A condition on slots. */
export type Allowed = (slot: number) => boolean;

/** False: a pod of the shape would take room on the slot that is kept for another. */
export type KeptRoom = (shape: Shape, slot: number) => boolean;

/** Why a group was not placed, as data: `group-texts.ts` makes the text. */
export interface GangRefusal {
  /** Members that had to be placed at once, and those that were tried. */
  readonly missing: number;
  readonly tried: number;
  /** Most of them that found room together. */
  readonly fit: number;
  /** Those without room then, by their number in order. */
  readonly leftOut: readonly number[];
  /** True if they have to be in one topology domain. */
  readonly inOneDomain: boolean;
  /**
   * The nodes' reasons against each kind of member alone, in kube-scheduler's words; further kinds beyond the limit are
   * left out.
   */
  readonly verdicts: ReadonlyMap<Shape, { readonly message: string; readonly plugins: readonly string[] }>;
}
