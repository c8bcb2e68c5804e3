/** Batches of a reader: items of one kind, some hundred at a time. */
import type { JobSpec } from '../model/job.ts';
import type { NodeSpec } from '../model/node.ts';
import type { UsageSample } from './usage.ts';

/** Some items of a trace, in file order. */
export type TraceBatch =
  | { readonly kind: 'jobs'; readonly items: readonly JobSpec[] }
  | { readonly kind: 'nodes'; readonly items: readonly NodeSpec[] }
  | { readonly kind: 'usage'; readonly items: readonly UsageSample[] };
