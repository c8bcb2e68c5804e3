/** The dependencies of the rules about a shape. */

import type { Namespaces } from '../nodes/namespaces.ts';
import type { NodeClasses } from '../nodes/node-classes.ts';
import type { NodeTable } from '../nodes/node-table.ts';
import type { ExistingAffinityTerms } from './existing-affinity-terms.ts';
import type { PodCounters } from './pod-counters.ts';

/** The shared state. */
export interface RuleParts {
  readonly nodes: NodeTable;
  readonly classes: NodeClasses;
  readonly namespaces: Namespaces;
  readonly counters: PodCounters;
  readonly carriers: ExistingAffinityTerms;
}
