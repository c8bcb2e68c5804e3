/**
 * Kubernetes' rules about where a pod may and should run, with the answers of kube-scheduler 1.36.
 *
 * One small file per rule; this one dispatches events and queries, and sets the order of the rules. Nothing is computed
 * per pod: pods are counted by topology domain as they come and go, and node selectors cache their results.
 */
import { assert } from '../../../kernel/assert.ts';
import type { NodeDescription } from '../../../model/kubernetes/node.ts';
import {
  type Constraints,
  type PodShape,
  type PreFilterRefusal,
  Refusal,
  type RefusalCode,
} from '../constraints.ts';
import type { PodEvent } from '../pod-events.ts';
import { type AffinityRule, ExistingAntiAffinity } from './affinity/affinity-rule.ts';
import { addAdmirers, addNormalised } from './affinity/affinity-score.ts';
import { ExistingAffinityTerms, type ExistingTerm } from './affinity/existing-affinity-terms.ts';
import { NodePods } from './affinity/node-pods.ts';
import { PodCounters } from './affinity/pod-counters.ts';
import type { RuleParts } from './affinity/rule-parts.ts';
import type { SpreadRule } from './affinity/spread-rule.ts';
import { canAffect } from './can-affect.ts';
import { namesByHostname } from './nodes/named-nodes.ts';
import { Namespaces } from './nodes/namespaces.ts';
import { type NodeClass, NodeClasses } from './nodes/node-classes.ts';
import { addNodeAffinityScores, addTaintScores } from './nodes/node-score.ts';
import { NodeTable } from './nodes/node-table.ts';
import { PortTable } from './nodes/port-table.ts';
import type { TolerationClass } from './nodes/taints.ts';
import { isResolvableRefusal, NAMES_CONFLICT_TEXT, NOT_NAMED_TEXT, REFUSAL_TEXTS } from './refusals.ts';
import { ShapeRules, selectsNodes } from './shape-rules.ts';
import { ShapeStates } from './shape-states.ts';
import { DiskTable } from './volumes/disk-table.ts';
import { StorageRules } from './volumes/storage-rules.ts';
import { usesStorage } from './volumes/uses-storage.ts';

/** kube-scheduler's weights. */
const TAINT_WEIGHT = 3;
const NODE_AFFINITY_WEIGHT = 2;
const SPREAD_WEIGHT = 2;
const POD_AFFINITY_WEIGHT = 2;

/** Bounds of the caches; beyond them the least recently used entry is dropped and computed again when needed. */
export interface ConstraintsOptions {
  /** Pod counters (one per selector and topology key); 4 bytes a domain each. Default 1024. */
  readonly countersMax?: number;
  /** Node selectors; 1 byte a node each. Default 1024. */
  readonly nodeClassesMax?: number;
  /** Lists of tolerations. Default 1024. */
  readonly tolerationsMax?: number;
}

const DEFAULT_MAX = 1024;

/** Cache sizes, for tests of bounds. */
export interface ConstraintsSizes {
  readonly counters: number;
  readonly nodeClasses: number;
  readonly carriers: number;
  readonly columns: number;
}

/** @returns The rules, with no node and no pod. */
export function createConstraints(options: ConstraintsOptions = {}): Constraints {
  return new ClusterConstraints(options);
}

/** The rules. See `Constraints`. */
export class ClusterConstraints implements Constraints {
  private readonly nodes: NodeTable;
  private readonly pods: NodePods;
  private readonly shapes = new ShapeStates();
  private readonly parts: RuleParts;
  private readonly ports = new PortTable();
  private readonly disks = new DiskTable();
  private readonly storage: StorageRules;
  private readonly rules: (ShapeRules | undefined)[] = [];
  /** Pods that are being deleted, by uid. */
  private readonly leaving = new Set<string>();
  private readonly enemies: ExistingAntiAffinity;
  // The state that `check` reads, set by `preFilter`.
  /** False if `preFilter` refused the shape: the rules below may be those of another one then. */
  private isReady = false;
  private current: ShapeRules | undefined;
  private tolerance: TolerationClass | undefined;
  private nodeClass: NodeClass | undefined;
  private spread: SpreadRule | undefined;
  private affinity: AffinityRule | undefined;
  private hasPorts = false;
  private hasDisks = false;
  private hasVolumes = false;
  private hasEnemies = false;

  constructor(options: ConstraintsOptions = {}) {
    const nodes = new NodeTable(options.tolerationsMax ?? DEFAULT_MAX);
    const pods = new NodePods(nodes);
    const namespaces = new Namespaces();
    const carriers = new ExistingAffinityTerms(nodes, pods, namespaces);
    this.nodes = nodes;
    this.pods = pods;
    this.parts = {
      nodes,
      namespaces,
      carriers,
      classes: new NodeClasses(nodes, options.nodeClassesMax ?? DEFAULT_MAX),
      counters: new PodCounters(nodes, pods, this.shapes, options.countersMax ?? DEFAULT_MAX),
    };
    this.enemies = new ExistingAntiAffinity(carriers);
    this.storage = new StorageRules(nodes);
  }

  setNode(node: number, description: NodeDescription): void {
    this.nodes.reach(node);
    if (!this.nodes.differs(node, description)) return;
    this.changeNode(node, () => this.nodes.set(node, description));
  }

  removeNode(node: number): void {
    if (node >= this.nodes.capacity || this.nodes.known[node] !== 1) return;
    this.changeNode(node, () => this.nodes.remove(node));
  }

  take(event: PodEvent): void {
    const { namespaces, counters, carriers } = this.parts;
    let changed = false;
    if (event.kind === 'namespace') changed = namespaces.set(event.name, event.labels);
    else if (event.kind === 'namespace-gone') changed = namespaces.remove(event.name);
    else this.storage.take(event);
    if (!changed) return;
    counters.forgetNamespaces();
    carriers.forgetNamespaces();
  }

  addPod(node: number, shape: PodShape, uid: string, leaving = false, seen = false): void {
    this.nodes.reach(node);
    if (leaving) this.leaving.add(uid);
    this.count(node, shape, 1, leaving);
    if (usesStorage(shape.template)) this.storage.addPod(node, shape.template, uid, seen);
  }

  removePod(node: number, shape: PodShape, uid: string): void {
    const leaving = this.leaving.delete(uid);
    if (!this.pods.has(node, this.shapes.of(shape), leaving)) return;
    this.count(node, shape, -1, leaving);
    if (usesStorage(shape.template)) this.storage.removePod(node, shape.template, uid);
  }

  forgetShape(id: number): void {
    this.rules[id]?.release();
    this.rules[id] = undefined;
    this.shapes.forget(id);
    this.parts.counters.forgetShape(id);
    this.parts.carriers.forgetShape(id);
    if (this.current?.state.id !== id) return;
    this.current = undefined;
    this.isReady = false;
  }

  isPlain(shape: PodShape): boolean {
    return !selectsNodes(shape.template) && !this.dependsOnPods(shape);
  }

  hasPreferences(shape: PodShape): boolean {
    const { template } = shape;
    if (template.preferredNodeTerms.length + template.preferredAffinity.length > 0) return true;
    if (template.preferredAntiAffinity.length > 0 || template.spread.some(({ hard }) => !hard)) return true;
    const rules = this.rulesOf(shape);
    if (isCarried(this.parts.carriers.preferencesFor(rules.state))) return true;
    return this.nodes.taints.hasSoft && this.nodes.taints.anyDisliked(rules.tolerance());
  }

  dependsOnPods(shape: PodShape): boolean {
    const { template } = shape;
    return (
      template.hostPorts.length > 0 ||
      usesStorage(template) ||
      template.exclusiveDisks.length > 0 ||
      template.affinity.length > 0 ||
      template.antiAffinity.length > 0 ||
      template.spread.some(({ hard }) => hard) ||
      isCarried(this.parts.carriers.enemiesOf(this.shapes.of(shape)))
    );
  }

  namedNodes(shape: PodShape): readonly string[] | undefined {
    if (!selectsNodes(shape.template)) return undefined;
    const { names } = this.rulesOf(shape);
    return names === undefined ? namesByHostname(shape.template, this.nodes) : [...names];
  }

  preFilter(shape: PodShape): PreFilterRefusal | undefined {
    const { template } = shape;
    this.isReady = false;
    this.nodes.tidy();
    this.parts.counters.beginUse();
    const rules = this.rulesOf(shape);
    this.current = rules;
    if (rules.names?.size === 0) return { reason: NAMES_CONFLICT_TEXT, plugin: 'NodeAffinity' };
    this.tolerance = rules.tolerance();
    this.nodeClass = rules.nodeClass();
    this.hasPorts = rules.ports.length > 0;
    this.hasDisks = template.exclusiveDisks.length > 0;
    this.hasVolumes = usesStorage(template);
    const refused = this.hasVolumes ? this.storage.rule.preFilter(template) : undefined;
    if (refused !== undefined) return refused;
    this.spread = rules.spread();
    this.spread?.preFilter();
    this.affinity = rules.affinity();
    this.affinity?.preFilter();
    this.hasEnemies = this.enemies.preFilter(rules.state);
    this.isReady = true;
    return undefined;
  }

  check(node: number): RefusalCode {
    assert(this.isReady, 'a check before preFilter, or of a shape that preFilter refused');
    const refusal = this.checkNode(node);
    if (refusal !== Refusal.None) return refusal;
    if (this.hasPorts && !this.ports.isFree(node, this.currentRules().ports)) return Refusal.Ports;
    if (this.hasDisks && !this.disks.isFree(node, this.currentRules().state.template.exclusiveDisks)) {
      return Refusal.DiskConflict;
    }
    return this.checkPods(node);
  }

  text(node: number, refusal: RefusalCode): string {
    const names = this.current?.names;
    if (refusal === Refusal.NodeAffinity && names !== undefined && !names.has(this.nodes.names[node] ?? '')) {
      return NOT_NAMED_TEXT;
    }
    return REFUSAL_TEXTS[refusal] ?? '';
  }

  texts(node: number, refusal: RefusalCode): readonly string[] {
    const text = this.text(node, refusal);
    if (refusal !== Refusal.VolumeNodeAffinity) return [text];
    const other = this.storage.rule.bindRefusal(node);
    return other === Refusal.None ? [text] : [text, REFUSAL_TEXTS[other] as string];
  }

  isResolvable(refusal: RefusalCode): boolean {
    return isResolvableRefusal(refusal);
  }

  scoreAll(nodes: Int32Array, count: number, scores: Float64Array): void {
    const { parts } = this;
    const rules = this.currentRules();
    const { state } = rules;
    scores.fill(0, 0, count);
    addTaintScores(this.nodes, rules.tolerance(), scores, nodes, count, TAINT_WEIGHT);
    if (state.template.preferredNodeTerms.length > 0) {
      addNodeAffinityScores(parts.classes, state.template, scores, nodes, count, NODE_AFFINITY_WEIGHT);
    }
    rules.spreadScore()?.addTo(scores, nodes, count, SPREAD_WEIGHT);
    const liked = rules.affinityScore();
    if (liked === undefined && !isCarried(parts.carriers.preferencesFor(state))) return;
    const raw = new Float64Array(count);
    liked?.addRaw(raw, nodes, count);
    addAdmirers(parts.carriers, state, raw, nodes, count);
    addNormalised(scores, raw, count, POD_AFFINITY_WEIGHT);
  }

  claimsFor(shape: PodShape, node: number): readonly { readonly claim: string; readonly volume: string }[] {
    return this.storage.claimsFor(shape.template, node);
  }

  concerns(shape: PodShape, other: PodShape): boolean {
    return canAffect(shape.template, other.template, this.parts.namespaces);
  }

  /** Cache sizes. */
  sizes(): ConstraintsSizes {
    const { counters, classes, carriers } = this.parts;
    return {
      counters: counters.size,
      nodeClasses: classes.size,
      carriers: carriers.size,
      columns: this.nodes.columnCount,
    };
  }

  /** Name, `spec.unschedulable`, taints, labels. */
  private checkNode(node: number): RefusalCode {
    const { nodes } = this;
    const rules = this.currentRules();
    if (rules.names !== undefined && !rules.names.has(nodes.names[node] as string))
      return Refusal.NodeAffinity;
    const tolerance = this.tolerance as TolerationClass;
    if (nodes.unschedulable[node] === 1 && !tolerance.toleratesUnschedulable) return Refusal.Unschedulable;
    if (!tolerance.toleratesSet(nodes.taintSets[node] as number)) return Refusal.Taint;
    if (this.nodeClass !== undefined && !this.nodeClass.matches(node)) return Refusal.NodeAffinity;
    return Refusal.None;
  }

  /** Claims, spread, affinity. */
  private checkPods(node: number): RefusalCode {
    let refusal: RefusalCode = Refusal.None;
    if (this.hasVolumes) refusal = this.storage.rule.check(node);
    if (refusal === Refusal.None && this.spread !== undefined) refusal = this.spread.check(node);
    if (refusal === Refusal.None && this.affinity !== undefined) refusal = this.affinity.check(node);
    if (refusal === Refusal.None && this.hasEnemies) refusal = this.enemies.check(node);
    return refusal;
  }

  private currentRules(): ShapeRules {
    if (this.current === undefined) throw new Error('check, text or scoreAll was called before preFilter');
    return this.current;
  }

  private rulesOf(shape: PodShape): ShapeRules {
    const known = this.rules[shape.id];
    if (known !== undefined) return known;
    const made = new ShapeRules(this.parts, this.shapes.of(shape));
    while (this.rules.length < shape.id) this.rules.push(undefined);
    this.rules[shape.id] = made;
    return made;
  }

  private count(node: number, shape: PodShape, pods: 1 | -1, leaving: boolean): void {
    const { template } = shape;
    const state = this.shapes.of(shape);
    if (pods === 1) this.pods.add(node, state, leaving);
    else this.pods.remove(node, state, leaving);
    this.parts.counters.onPod(node, state, pods, leaving);
    this.parts.carriers.onPod(node, state, pods);
    if (template.hostPorts.length > 0) this.ports.onPod(node, template.hostPorts, pods);
    if (template.exclusiveDisks.length > 0) this.disks.onPod(node, template.exclusiveDisks, pods);
  }

  /** Pods of a node move with its labels. */
  private changeNode(node: number, change: () => void): void {
    const { counters, carriers, classes } = this.parts;
    counters.beforeNode(node);
    carriers.onNode(node, -1);
    change();
    classes.forget(node);
    counters.afterNode(node);
    carriers.onNode(node, 1);
  }
}

/** @returns True if some pod has one of the terms. */
function isCarried(terms: readonly ExistingTerm[]): boolean {
  for (const { total } of terms) if (total > 0) return true;
  return false;
}
