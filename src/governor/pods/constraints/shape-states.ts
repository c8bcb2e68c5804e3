/**
 * The shapes that the rules have met.
 */
import type { PodTemplate } from '../../../model/kubernetes/pod.ts';
import type { PodShape } from '../constraints.ts';

/** One shape; the same object as long as its id means it. */
export interface ShapeState {
  readonly id: number;
  readonly template: PodTemplate;
  /** True if it has terms about other pods. */
  readonly hasTerms: boolean;
}

/** Shapes by id. */
export class ShapeStates {
  private readonly states: (ShapeState | undefined)[] = [];

  /** The state of a shape, made if it is missing. O(1). */
  of(shape: PodShape): ShapeState {
    const known = this.states[shape.id];
    if (known !== undefined) return known;
    const { template } = shape;
    const made: ShapeState = { id: shape.id, template, hasTerms: countTerms(template) > 0 };
    while (this.states.length < shape.id) this.states.push(undefined);
    this.states[shape.id] = made;
    return made;
  }

  /** The id may mean another shape from now on. */
  forget(id: number): void {
    if (id < this.states.length) this.states[id] = undefined;
  }

  /** Ids are below this. */
  get length(): number {
    return this.states.length;
  }
}

function countTerms(template: PodTemplate): number {
  const { affinity, antiAffinity, preferredAffinity, preferredAntiAffinity } = template;
  return affinity.length + antiAffinity.length + preferredAffinity.length + preferredAntiAffinity.length;
}
