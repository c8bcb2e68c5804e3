/**
 * All refusals of a node because of a pod's claims: a claim for one pod only that is in use, volume limits, the
 * location of volumes, and their zones (kube-scheduler's VolumeRestrictions, NodeVolumeLimits, VolumeBinding and
 * VolumeZone).
 */

import type { NodeVolumeLimits } from '../../../../model/kubernetes/node.ts';
import type { PodTemplate } from '../../../../model/kubernetes/pod.ts';
import { labelOf } from '../../../../model/kubernetes/requirements.ts';
import { type PreFilterRefusal, Refusal, type RefusalCode } from '../../constraints.ts';
import { type ClaimContext, type ClaimPlan, claimKey, matchClaims, planClaims } from './claim-plan.ts';
import { isUsableOn, type VolumeEntry } from './unclaimed-volumes.ts';
import type { VolumeAttachments } from './volume-attachments.ts';
import { type CountedVolume, inlineVolume, type VolumeUse } from './volume-use.ts';

const ONE_POD = 'ReadWriteOncePod';
/** Labels of a volume that give its location, and the node's newer label for the older ones. */
const ZONE_LABELS: readonly (readonly [string, string])[] = [
  ['failure-domain.beta.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['failure-domain.beta.kubernetes.io/region', 'topology.kubernetes.io/region'],
  ['topology.kubernetes.io/zone', 'topology.kubernetes.io/zone'],
  ['topology.kubernetes.io/region', 'topology.kubernetes.io/region'],
];
const SEPARATOR = '__';

interface Zone {
  readonly label: string;
  readonly newer: string;
  readonly values: ReadonlySet<string>;
}

const NONE: readonly string[] = Object.freeze([]);

/** Further inputs of the rule besides claims. */
export interface VolumeRuleParts {
  readonly use: VolumeUse;
  readonly attachments: VolumeAttachments;
  /** CSINodes, by node name. */
  readonly limits: ReadonlyMap<string, NodeVolumeLimits>;
}

/** The volumes of one shape at a time. */
export class VolumeRule {
  private readonly context: ClaimContext;
  private readonly parts: VolumeRuleParts;
  private plan: ClaimPlan = { bound: [], toMatch: [], toProvision: [] };
  private inUse = false;
  private counted: readonly CountedVolume[] = [];
  private zones: readonly Zone[] = [];

  constructor(context: ClaimContext, parts: VolumeRuleParts) {
    this.context = context;
    this.parts = parts;
  }

  /** Prepares `check`. @returns Why no node will do, if none will. O(claims). */
  preFilter(template: PodTemplate): PreFilterRefusal | undefined {
    const plan = planClaims(this.context, template);
    if ('reason' in plan) return plan;
    this.plan = plan;
    const keys = template.claims.map((name) => claimKey(template, name));
    const { use } = this.parts;
    this.inUse = keys.some((key) => isForOnePod(this.context, key) && use.podsOf(key) > 0);
    const inline = template.inlineVolumes?.map(inlineVolume) ?? [];
    this.counted = distinct([...keys.map((key) => use.read(key)), ...inline]);
    this.zones = plan.bound.flatMap(zonesOf);
    return undefined;
  }

  /** O(claims + volumes that could be taken). */
  check(node: number): RefusalCode {
    if (this.inUse) return Refusal.VolumeInUse;
    if (this.counted.length > 0 && !this.isWithinLimits(node)) return Refusal.VolumeLimits;
    if (this.plan.bound.length > 0) {
      const migrated = this.csiNode(node)?.migrated ?? NONE;
      for (const entry of this.plan.bound) {
        if (!isUsableOn(entry, node, migrated)) return Refusal.VolumeNodeAffinity;
      }
    }
    const refusal = this.bindRefusal(node);
    if (refusal !== Refusal.None) return refusal;
    if (this.zones.length > 0 && !this.isInZones(node)) return Refusal.VolumeZone;
    return Refusal.None;
  }

  /** Why the node has no volumes for claims that wait for one; `Refusal.None` if it has. O(volumes that could be taken). */
  bindRefusal(node: number): RefusalCode {
    const { plan } = this;
    if (plan.toMatch.length + plan.toProvision.length === 0) return Refusal.None;
    const found = matchClaims(this.context, plan, node);
    return typeof found === 'number' ? found : Refusal.None;
  }

  private csiNode(node: number): NodeVolumeLimits | undefined {
    return this.parts.limits.get(this.context.nodes.names[node] as string);
  }

  private isWithinLimits(node: number): boolean {
    const csiNode = this.csiNode(node);
    if (csiNode === undefined) return true;
    const { use, attachments } = this.parts;
    const { limits } = csiNode;
    const isUsed = (volume: CountedVolume): boolean => use.isOn(node, volume);
    for (const { driver } of this.counted) {
      const limit = labelOfNumber(limits, driver);
      if (limit === undefined) continue;
      let more = 0;
      for (const volume of this.counted) {
        if (volume.driver === driver && !isUsed(volume)) more++;
      }
      if (more === 0) continue;
      const unused = attachments.countUnused(csiNode.name, driver, isUsed);
      if (use.countOn(node, driver) + unused + more > limit) return false;
    }
    return true;
  }

  private isInZones(node: number): boolean {
    const labels = this.context.nodes.labelsOf(node);
    if (!ZONE_LABELS.some(([label]) => labelOf(labels, label) !== undefined)) return true;
    return this.zones.every(({ label, newer, values }) => {
      const value = labelOf(labels, label) ?? labelOf(labels, newer);
      return value !== undefined && values.has(value);
    });
  }
}

/** @returns True if a claim may be used by one pod only. */
export function isForOnePod({ book }: ClaimContext, key: string): boolean {
  return book.claim(key)?.accessModes.includes(ONE_POD) ?? false;
}

function distinct(volumes: readonly (CountedVolume | undefined)[]): readonly CountedVolume[] {
  const byId = new Map<string, CountedVolume>();
  for (const volume of volumes) if (volume !== undefined) byId.set(volume.id, volume);
  return [...byId.values()];
}

function zonesOf({ description }: VolumeEntry): readonly Zone[] {
  const zones: Zone[] = [];
  for (const [label, newer] of ZONE_LABELS) {
    const text = labelOf(description.labels, label);
    if (text === undefined) continue;
    const values = text.split(SEPARATOR).map((value) => value.trim());
    // kube-scheduler does not read a list with an empty place either.
    if (!values.includes('')) zones.push({ label, newer, values: new Set(values) });
  }
  return zones;
}

function labelOfNumber(limits: Readonly<Record<string, number>>, driver: string): number | undefined {
  return Object.hasOwn(limits, driver) ? limits[driver] : undefined;
}
