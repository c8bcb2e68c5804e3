/** The rules of one shape, made at its first query and made again when the counters that they use were dropped. */
import type { PodTemplate } from '../../../model/kubernetes/pod.ts';
import { AffinityRule } from './affinity/affinity-rule.ts';
import { AffinityScore } from './affinity/affinity-score.ts';
import type { RuleParts } from './affinity/rule-parts.ts';
import { SpreadRule } from './affinity/spread-rule.ts';
import { SpreadScore } from './affinity/spread-score.ts';
import { namesByField } from './nodes/named-nodes.ts';
import type { NodeClass } from './nodes/node-classes.ts';
import { portKeys } from './nodes/port-table.ts';
import type { TolerationClass } from './nodes/taints.ts';
import type { ShapeState } from './shape-states.ts';

/** The requirements and preferences of one shape. */
export class ShapeRules {
  readonly state: ShapeState;
  /** Node names required by field; undefined: any. */
  readonly names: ReadonlySet<string> | undefined;
  readonly ports: ReturnType<typeof portKeys>;
  private readonly parts: RuleParts;
  private toleranceNow: TolerationClass | undefined;
  private nodeClassNow: NodeClass | undefined;
  private spreadNow: SpreadRule | undefined;
  private affinityNow: AffinityRule | undefined;
  private spreadScoreNow: SpreadScore | undefined;
  private affinityScoreNow: AffinityScore | undefined;
  private readonly needsClass: boolean;
  private readonly needsSpread: boolean;
  private readonly needsAffinity: boolean;
  private readonly likesSpread: boolean;
  private readonly likesPods: boolean;

  constructor(parts: RuleParts, state: ShapeState) {
    const { template } = state;
    this.parts = parts;
    this.state = state;
    this.names = namesByField(template);
    this.ports = portKeys(template.hostPorts);
    this.needsClass = selectsNodes(template);
    this.needsSpread = template.spread.some(({ hard }) => hard);
    this.needsAffinity = template.affinity.length + template.antiAffinity.length > 0;
    this.likesSpread = template.spread.some(({ hard }) => !hard);
    this.likesPods = template.preferredAffinity.length + template.preferredAntiAffinity.length > 0;
  }

  /** Its tolerations. */
  tolerance(): TolerationClass {
    const { taints } = this.parts.nodes;
    let own = this.toleranceNow;
    if (own === undefined || own.dropped) {
      own = taints.classOf(this.state.template.tolerations);
      this.toleranceNow = own;
    }
    taints.touch(own);
    return own;
  }

  /** Nodes that it may be on by name and label; undefined: all. */
  nodeClass(): NodeClass | undefined {
    if (!this.needsClass) return undefined;
    let own = this.nodeClassNow;
    if (own === undefined || own.dropped) {
      own = this.parts.classes.of(this.state.template);
      this.nodeClassNow = own;
    }
    if (own !== undefined) this.parts.classes.touch(own);
    return own;
  }

  /** Its hard spread constraints; undefined: none. */
  spread(): SpreadRule | undefined {
    if (!this.needsSpread) return undefined;
    if (this.spreadNow?.isCurrent !== true) this.spreadNow = new SpreadRule(this.parts, this.state);
    return this.spreadNow;
  }

  /** Its required terms about pods; undefined: none. */
  affinity(): AffinityRule | undefined {
    if (!this.needsAffinity) return undefined;
    if (this.affinityNow?.isCurrent !== true) this.affinityNow = new AffinityRule(this.parts, this.state);
    return this.affinityNow;
  }

  /** Its soft spread constraints; undefined: none. */
  spreadScore(): SpreadScore | undefined {
    if (!this.likesSpread) return undefined;
    if (this.spreadScoreNow?.isCurrent !== true) {
      this.spreadScoreNow?.release();
      this.spreadScoreNow = new SpreadScore(this.parts, this.state);
    }
    return this.spreadScoreNow;
  }

  /** Its preferred terms about pods; undefined: none. */
  affinityScore(): AffinityScore | undefined {
    if (!this.likesPods) return undefined;
    if (this.affinityScoreNow?.isCurrent !== true) {
      this.affinityScoreNow = new AffinityScore(this.parts, this.state);
    }
    return this.affinityScoreNow;
  }

  /** Releases them. */
  release(): void {
    this.spreadScoreNow?.release();
    this.spreadScoreNow = undefined;
  }
}

/** @returns True if a template selects nodes by label or name. */
export function selectsNodes(template: PodTemplate): boolean {
  return template.requiredNodeTerms !== undefined || Object.keys(template.nodeSelector).length > 0;
}
