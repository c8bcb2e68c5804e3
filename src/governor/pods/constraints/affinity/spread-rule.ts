/**
 * Hard topology spread constraints (kube-scheduler's PodTopologySpread, filter).
 */
import type { SpreadConstraint } from '../../../../model/kubernetes/pod.ts';
import { matchesSelector } from '../../../../model/kubernetes/requirements.ts';
import { Refusal, type RefusalCode } from '../../constraints.ts';
import type { LabelColumn } from '../nodes/label-column.ts';
import type { NodeFilterParts } from '../nodes/node-filter.ts';
import type { ShapeState } from '../shape-states.ts';
import type { PodCounter } from './pod-counter.ts';
import { spreadSelection } from './pod-selection.ts';
import type { RuleParts } from './rule-parts.ts';

/** One constraint of one shape. */
interface ReadyConstraint {
  readonly column: LabelColumn;
  readonly counter: PodCounter;
  readonly maxSkew: number;
  readonly domainsMin: number;
  /** 1 if the pod itself matches. */
  readonly own: number;
  /** Most pods that a domain may have already; found by `preFilter`. */
  allowed: number;
}

/** A shape's hard constraints. */
export class SpreadRule {
  private readonly constraints: readonly ReadyConstraint[];
  private readonly parts: RuleParts;

  constructor(parts: RuleParts, state: ShapeState) {
    this.parts = parts;
    const { template } = state;
    const hard = template.spread.filter((constraint) => constraint.hard);
    this.constraints = hard.map((constraint) => {
      const counter = spreadCounter(parts, state, constraint, hard);
      return {
        column: counter.column,
        counter,
        maxSkew: constraint.maxSkew,
        domainsMin: constraint.minDomains === 0 ? 1 : constraint.minDomains,
        own: matchesSelector(constraint.selector, template.labels) ? 1 : 0,
        allowed: 0,
      };
    });
  }

  /** False if it must be made again. */
  get isCurrent(): boolean {
    return this.constraints.every(({ counter }) => !counter.dropped);
  }

  /** Prepares `check`. O(domains) after a change. */
  preFilter(): void {
    for (const constraint of this.constraints) {
      const { counter } = constraint;
      this.parts.counters.touch(counter);
      counter.fit();
      constraint.allowed = constraint.maxSkew - constraint.own + counter.least(constraint.domainsMin);
    }
  }

  /** O(constraints). */
  check(node: number): RefusalCode {
    const { constraints } = this;
    for (let i = 0; i < constraints.length; i++) {
      const { column, counter, allowed } = constraints[i] as ReadyConstraint;
      const domain = column.ids[node] as number;
      if (domain < 0) return Refusal.SpreadMissingLabel;
      if ((counter.counts[domain] as number) > allowed) return Refusal.Spread;
    }
    return Refusal.None;
  }
}

/** The counter of one constraint of a shape; `together` are all constraints whose labels a node must have to count. */
export function spreadCounter(
  parts: RuleParts,
  state: ShapeState,
  constraint: SpreadConstraint,
  together: readonly SpreadConstraint[],
): PodCounter {
  const { nodes, classes, counters } = parts;
  const { template } = state;
  const keys = [...new Set(together.map(({ topologyKey }) => topologyKey))];
  const honored: NodeFilterParts = {
    columns: keys.map((key) => nodes.column(key)),
    nodeClass: constraint.honorNodeAffinity ? classes.of(template) : undefined,
    tolerance: constraint.honorNodeTaints ? nodes.taints.classOf(template.tolerations) : undefined,
  };
  const filterKey = JSON.stringify([
    keys,
    honored.nodeClass === undefined ? 0 : [Object.entries(template.nodeSelector), template.requiredNodeTerms],
    honored.tolerance === undefined ? 0 : template.tolerations,
  ]);
  const selection = spreadSelection(template.namespace, constraint.selector);
  return counters.filtered(selection, nodes.column(constraint.topologyKey), filterKey, honored);
}
