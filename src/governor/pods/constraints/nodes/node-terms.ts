/**
 * A compiled node selector: alternatives (OR) of requirements (AND) on label columns and the node's name, as read by
 * kube-scheduler's NodeAffinity and by the node affinity of volumes.
 *
 * A term that is empty or has an invalid requirement matches nothing.
 */
import type { LabelRequirement, NodeSelectorTerm } from '../../../../model/kubernetes/pod.ts';
import {
  isValidFieldRequirement,
  isValidRequirement,
  meetsRequirement,
} from '../../../../model/kubernetes/requirements.ts';
import type { LabelColumn } from './label-column.ts';
import type { NodeTable } from './node-table.ts';

/** The only field of a node that can be selected on. */
export const NAME_FIELD = 'metadata.name';

interface LabelTest {
  readonly column: LabelColumn;
  readonly requirement: LabelRequirement;
  /** For `In` of many values. */
  readonly values: ReadonlySet<string> | undefined;
}

interface ReadyTerm {
  readonly labels: readonly LabelTest[];
  readonly fields: readonly LabelRequirement[];
}

/** One node selector. Pins its columns until `release`. */
export class NodeTerms {
  private readonly nodes: NodeTable;
  private readonly selector: readonly LabelTest[];
  /** Undefined: no requirement. */
  private readonly terms: readonly ReadyTerm[] | undefined;

  /**
   * @param selector Labels that the node must have.
   * @param terms    Alternatives; undefined: no requirement.
   * @param fields   True if fields are read; kube-scheduler ignores those of volumes.
   */
  constructor(
    nodes: NodeTable,
    selector: Readonly<Record<string, string>>,
    terms: readonly NodeSelectorTerm[] | undefined,
    fields: boolean,
  ) {
    this.nodes = nodes;
    this.selector = Object.entries(selector).map(([key, value]) =>
      this.labelTest({ key, operator: 'In', values: [value] }),
    );
    this.terms = terms?.filter(isTerm).map((term) => ({
      labels: term.expressions.map((requirement) => this.labelTest(requirement)),
      fields: fields ? term.fields : [],
    }));
  }

  /** @returns True if a node matches. O(requirements). */
  matches(node: number): boolean {
    for (const test of this.selector) {
      if (!passes(test, node)) return false;
    }
    if (this.terms === undefined) return true;
    for (const term of this.terms) {
      if (this.matchesTerm(term, node)) return true;
    }
    return false;
  }

  /** Releases its columns. */
  release(): void {
    for (const test of this.selector) test.column.pins--;
    for (const term of this.terms ?? []) for (const test of term.labels) test.column.pins--;
  }

  private matchesTerm(term: ReadyTerm, node: number): boolean {
    for (const test of term.labels) {
      if (!passes(test, node)) return false;
    }
    for (const field of term.fields) {
      const value = field.key === NAME_FIELD ? (this.nodes.names[node] as string) : '';
      if (!meetsRequirement(field, value)) return false;
    }
    return true;
  }

  private labelTest(requirement: LabelRequirement): LabelTest {
    const column = this.nodes.column(requirement.key);
    column.pins++;
    const many = requirement.operator === 'In' && requirement.values.length > 4;
    return { column, requirement, values: many ? new Set(requirement.values) : undefined };
  }
}

function passes(test: LabelTest, node: number): boolean {
  const value = test.column.of(node);
  if (test.values !== undefined) return value !== undefined && test.values.has(value);
  return meetsRequirement(test.requirement, value);
}

function isTerm(term: NodeSelectorTerm): boolean {
  if (term.expressions.length + term.fields.length === 0) return false;
  return term.expressions.every(isValidRequirement) && term.fields.every(isValidFieldRequirement);
}
