/**
 * Everything about a pod's claims that a node can refuse: a claim for one pod only that is in use, volume limits, where
 * volumes are, and their zones (kube-scheduler's VolumeRestrictions, NodeVolumeLimits, VolumeBinding and VolumeZone).
 */
import type { PodTemplate } from '../../../model/kubernetes/pod.ts';
import { Refusal, type RefusalCode } from '../constraints.ts';
import { type ClaimContext, type ClaimPlan, claimKey, matchClaims, planClaims } from './claim-plan.ts';
import { labelOf } from './requirements.ts';
import type { VolumeEntry } from './volume-shelf.ts';
import type { CountedVolume, VolumeUse } from './volume-use.ts';

const ONE_POD = 'ReadWriteOncePod';
/** Labels of a volume that say where it is, and the newer label of a node that the older ones stand for. */
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

/** The claims of one shape at a time. */
export class VolumeRule {
  private readonly context: ClaimContext;
  private readonly use: VolumeUse;
  /** CSI limits by node name. */
  private readonly limits: ReadonlyMap<string, Readonly<Record<string, number>>>;
  private plan: ClaimPlan = { bound: [], toMatch: [], toProvision: [] };
  private inUse = false;
  private counted: readonly CountedVolume[] = [];
  private zones: readonly Zone[] = [];

  constructor(
    context: ClaimContext,
    use: VolumeUse,
    limits: ReadonlyMap<string, Readonly<Record<string, number>>>,
  ) {
    this.context = context;
    this.use = use;
    this.limits = limits;
  }

  /** Makes ready for `check`. @returns '' or why no node will do. O(claims). */
  begin(template: PodTemplate): string {
    const plan = planClaims(this.context, template);
    if (typeof plan === 'string') return plan;
    this.plan = plan;
    const keys = template.claims.map((name) => claimKey(template, name));
    this.inUse = keys.some((key) => isForOnePod(this.context, key) && this.use.podsOf(key) > 0);
    this.counted = distinct(keys.map((key) => this.use.read(key)));
    this.zones = plan.bound.flatMap(zonesOf);
    return '';
  }

  /** O(claims + volumes that could be taken). */
  check(node: number): RefusalCode {
    if (this.inUse) return Refusal.VolumeInUse;
    if (this.counted.length > 0 && !this.isWithinLimits(node)) return Refusal.VolumeLimits;
    const { plan } = this;
    for (const { terms } of plan.bound) {
      if (terms !== undefined && !terms.matches(node)) return Refusal.VolumeNodeAffinity;
    }
    if (this.lacksVolumes(node)) return Refusal.VolumeBind;
    if (this.zones.length > 0 && !this.isInZones(node)) return Refusal.VolumeZone;
    return Refusal.None;
  }

  /** Whether the node has no volumes for claims that wait for one. O(volumes that could be taken). */
  lacksVolumes(node: number): boolean {
    const { plan } = this;
    if (plan.toMatch.length + plan.toProvision.length === 0) return false;
    return matchClaims(this.context, plan, node) === undefined;
  }

  private isWithinLimits(node: number): boolean {
    const limits = this.limits.get(this.context.nodes.names[node] as string);
    if (limits === undefined) return true;
    for (const { driver } of this.counted) {
      const limit = labelOfNumber(limits, driver);
      if (limit === undefined) continue;
      let more = 0;
      for (const volume of this.counted) {
        if (volume.driver === driver && !this.use.isOn(node, volume)) more++;
      }
      if (more > 0 && this.use.countOn(node, driver) + more > limit) return false;
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

/** Whether a claim may be used by one pod only. */
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
    // A list with an empty place is not read by kube-scheduler either.
    if (!values.includes('')) zones.push({ label, newer, values: new Set(values) });
  }
  return zones;
}

function labelOfNumber(limits: Readonly<Record<string, number>>, driver: string): number | undefined {
  return Object.hasOwn(limits, driver) ? limits[driver] : undefined;
}
