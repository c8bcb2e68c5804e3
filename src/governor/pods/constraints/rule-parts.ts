/**
 * What the rules about a shape are made from.
 */
import type { Carriers } from './carriers.ts';
import type { Namespaces } from './namespaces.ts';
import type { NodeClasses } from './node-classes.ts';
import type { NodeTable } from './node-table.ts';
import type { PodCounters } from './pod-counters.ts';

/** The shared state. */
export interface RuleParts {
  readonly nodes: NodeTable;
  readonly classes: NodeClasses;
  readonly namespaces: Namespaces;
  readonly counters: PodCounters;
  readonly carriers: Carriers;
}
