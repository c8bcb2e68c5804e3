/** Node selectors of pods, shared by all pods that have the same one, with cached results by node. */
import { grown } from '../../../../kernel/grown.ts';
import type { NodeSelectorTerm, PodTemplate } from '../../../../model/kubernetes/pod.ts';
import { evictOldest } from '../least-recent.ts';
import type { ByNode, NodeTable } from './node-table.ts';
import { NodeTerms } from './node-terms.ts';

const NO = 0;
const YES = 1;
const UNKNOWN = 2;
const NOTHING = new Uint8Array(0);

/** Pods with one node selector. */
export class NodeClass {
  /** See `least-recent.ts`. */
  usedAt = 0;
  pins = 0;
  dropped = false;
  /** @shape [nodes] */
  private verdicts: Uint8Array;
  private readonly terms: NodeTerms;

  constructor(terms: NodeTerms, capacity: number) {
    this.terms = terms;
    this.verdicts = new Uint8Array(capacity).fill(UNKNOWN);
  }

  /** @returns True if a node matches. O(1) but for the first time since the node was set. */
  matches(node: number): boolean {
    const known = this.verdicts[node];
    if (known !== UNKNOWN) return known === YES;
    const found = this.terms.matches(node);
    this.verdicts[node] = found ? YES : NO;
    return found;
  }

  /** The node changed. */
  forget(node: number): void {
    this.verdicts[node] = UNKNOWN;
  }

  /** Makes room for node slots below `capacity`. */
  grow(capacity: number): void {
    this.verdicts = grown(this.verdicts, capacity, UNKNOWN);
  }

  /** Releases it. */
  drop(): void {
    this.dropped = true;
    this.verdicts = NOTHING;
    this.terms.release();
  }
}

/** The node selectors in use. Bounded. */
export class NodeClasses implements ByNode {
  private readonly nodes: NodeTable;
  private readonly max: number;
  private readonly classes = new Map<string, NodeClass>();
  private clock = 0;

  constructor(nodes: NodeTable, max: number) {
    this.nodes = nodes;
    this.max = max;
    nodes.follow(this);
  }

  /** The class of a template; undefined: any node will do. Valid until `dropped`. */
  of(template: PodTemplate): NodeClass | undefined {
    const { nodeSelector, requiredNodeTerms } = template;
    if (requiredNodeTerms === undefined && Object.keys(nodeSelector).length === 0) return undefined;
    return this.find(nodeSelector, requiredNodeTerms);
  }

  /** The class of one preferred term. */
  ofTerm(term: NodeSelectorTerm): NodeClass {
    return this.find({}, [term]);
  }

  /** The class is in use. */
  touch(used: NodeClass): void {
    used.usedAt = ++this.clock;
  }

  /** The node changed, or is gone. O(classes). */
  forget(node: number): void {
    for (const known of this.classes.values()) known.forget(node);
  }

  grow(capacity: number): void {
    for (const known of this.classes.values()) known.grow(capacity);
  }

  /** Number of classes, for tests of bounds. */
  get size(): number {
    return this.classes.size;
  }

  private find(
    selector: Readonly<Record<string, string>>,
    terms: readonly NodeSelectorTerm[] | undefined,
  ): NodeClass {
    const key = JSON.stringify([Object.entries(selector), terms]);
    let found = this.classes.get(key);
    if (found === undefined) {
      found = new NodeClass(new NodeTerms(this.nodes, selector, terms, true), this.nodes.capacity);
      this.classes.set(key, found);
      this.touch(found);
      evictOldest(this.classes, this.max, found.usedAt, (gone) => gone.drop());
    }
    this.touch(found);
    return found;
  }
}
