/**
 * What the rules remember of each shape.
 */
import type { PodTemplate } from '../../../model/kubernetes/pod.ts';
import type { PodShape } from '../constraints.ts';
import type { Carrier } from './carriers.ts';
import type { PodCounter } from './pod-counter.ts';

/** One shape. */
export interface ShapeState {
  readonly id: number;
  readonly template: PodTemplate;
  /** Whether it has terms that concern other pods. */
  readonly hasTerms: boolean;
  /** Counters that its pods are counted by, of those created before `countersSeen` in `countersEpoch`. */
  counters: PodCounter[];
  countersSeen: number;
  countersEpoch: number;
  /** Its own terms. Made when first needed. */
  carried: readonly Carrier[] | undefined;
  /** Terms of pods that run that mean it, of those created before `carriersSeen` in `carriersEpoch`. */
  enemies: Carrier[];
  admirers: Carrier[];
  carriersSeen: number;
  carriersEpoch: number;
}

/** Shapes by id. */
export class ShapeStates {
  private readonly states: (ShapeState | undefined)[] = [];

  /** The state of a shape, made if there is none. O(1). */
  of(shape: PodShape): ShapeState {
    const known = this.states[shape.id];
    if (known !== undefined) return known;
    const { template } = shape;
    const made: ShapeState = {
      id: shape.id,
      template,
      hasTerms:
        template.affinity.length +
          template.antiAffinity.length +
          template.preferredAffinity.length +
          template.preferredAntiAffinity.length >
        0,
      counters: [],
      countersSeen: 0,
      countersEpoch: 0,
      carried: undefined,
      enemies: [],
      admirers: [],
      carriersSeen: 0,
      carriersEpoch: 0,
    };
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
