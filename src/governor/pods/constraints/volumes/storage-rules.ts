/** Storage as the rules see it: the API's objects, the use by pods, the reservations. */
import type {
  ClaimDescription,
  NodeVolumeLimits,
  StorageClassDescription,
  VolumeDescription,
} from '../../../../model/kubernetes/node.ts';
import type { PodTemplate } from '../../../../model/kubernetes/pod.ts';
import type { PodEvent } from '../../pod-events.ts';
import type { NodeTable } from '../nodes/node-table.ts';
import { type ClaimContext, canBePromised, claimKey, matchClaims, planClaims } from './claim-plan.ts';
import { type ClaimReservation, ClaimReservations } from './claim-reservations.ts';
import { StorageCapacities } from './storage-capacities.ts';
import { VolumeAttachments } from './volume-attachments.ts';
import { VolumeIndex } from './volume-index.ts';
import { VolumeRule } from './volume-rule.ts';
import { VolumeUse } from './volume-use.ts';

/** All about volumes. Single writer. */
export class StorageRules {
  /** For one shape at a time. */
  readonly rule: VolumeRule;
  private readonly book: VolumeIndex;
  private readonly use: VolumeUse;
  private readonly promises = new ClaimReservations();
  private readonly capacities = new StorageCapacities();
  private readonly attachments: VolumeAttachments;
  private readonly limits = new Map<string, NodeVolumeLimits>();
  private readonly context: ClaimContext;

  constructor(nodes: NodeTable) {
    this.book = new VolumeIndex(nodes);
    this.use = new VolumeUse(this.book);
    this.attachments = new VolumeAttachments(this.book);
    const { book, use, promises, capacities, attachments, limits } = this;
    this.context = { nodes, book, promises, capacities };
    this.rule = new VolumeRule(this.context, { use, attachments, limits });
  }

  /** Takes events about storage. */
  take(event: PodEvent): void {
    switch (event.kind) {
      case 'claim':
        this.setClaim(event.claim.key, event.claim);
        break;
      case 'claim-gone':
        this.setClaim(event.key, undefined);
        break;
      case 'volume':
        this.setVolume(event.volume.name, event.volume);
        break;
      case 'volume-gone':
        this.setVolume(event.name, undefined);
        break;
      case 'storage-class':
        this.setClass(event.storageClass.name, event.storageClass);
        break;
      case 'storage-class-gone':
        this.setClass(event.name, undefined);
        break;
      case 'volume-limits':
        this.limits.set(event.limits.name, event.limits);
        break;
      case 'volume-limits-gone':
        this.limits.delete(event.name);
        break;
      default:
        this.takeCsi(event);
    }
  }

  /** A pod with volumes came to a node: its waiting claims get reservations, unless it was `seen` there. O(claims). */
  addPod(node: number, template: PodTemplate, uid: string, seen = false): void {
    this.promises.make(uid, this.promisesFor(node, template, uid, seen));
    for (const name of template.claims) this.use.onPod(node, claimKey(template, name), 1);
    for (const text of template.inlineVolumes ?? []) this.use.onInline(node, text, 1);
  }

  /** It went. O(claims). */
  removePod(node: number, template: PodTemplate, uid: string): void {
    for (const name of template.claims) this.use.onPod(node, claimKey(template, name), -1);
    for (const text of template.inlineVolumes ?? []) this.use.onInline(node, text, -1);
    this.promises.takeBack(uid, this.context.nodes.names[node] as string);
  }

  /** What a pod's claims still need, by claim name. O(claims + volumes that could be taken). */
  claimsFor(
    template: PodTemplate,
    node: number,
  ): readonly { readonly claim: string; readonly volume: string }[] {
    if (template.claims.length === 0) return [];
    const plan = planClaims(this.context, template);
    if ('reason' in plan) return [];
    const found = matchClaims(this.context, plan, node);
    if (typeof found === 'number') return [];
    return found.map(({ claim, volume }) => ({ claim: claim.slice(claim.indexOf('/') + 1), volume }));
  }

  private promisesFor(
    node: number,
    template: PodTemplate,
    uid: string,
    seen: boolean,
  ): readonly ClaimReservation[] {
    const name = this.context.nodes.names[node] as string;
    const recalled = this.promises.recall(uid, name);
    if (recalled?.every((promise) => this.canStand(promise)) === true) {
      return recalled.map(({ claim, volume, node: where }) => ({ claim, volume, node: where }));
    }
    if (seen) return [];
    const plan = planClaims(this.context, template);
    if ('reason' in plan) return [];
    const found = matchClaims(this.context, plan, node);
    return typeof found === 'number' ? [] : found;
  }

  /** @returns True if a withdrawn reservation can be made again. */
  private canStand({ claim, volume }: ClaimReservation): boolean {
    return volume === '' || !this.promises.isTaken(volume, claim);
  }

  private setClaim(key: string, claim: ClaimDescription | undefined): void {
    this.promises.forgetRecalled();
    const before = this.book.claim(key);
    this.book.setClaim(key, claim);
    const refused = before !== undefined && before.selectedNode !== '' && claim?.selectedNode === '';
    const isOther = before !== undefined && before.uid !== claim?.uid;
    if (isOther || claim?.volumeName !== '' || refused) this.promises.forget(key);
    this.use.reread(key);
  }

  /** Reports of CSI drivers about themselves and about attachments. */
  private takeCsi(event: PodEvent): void {
    switch (event.kind) {
      case 'volume-attachment':
        this.attachments.set(event.attachment.name, event.attachment);
        break;
      case 'volume-attachment-gone':
        this.attachments.set(event.name, undefined);
        break;
      case 'csi-driver':
        this.capacities.setDriver(event.driver.name, event.driver);
        break;
      case 'csi-driver-gone':
        this.capacities.setDriver(event.name, undefined);
        break;
      case 'storage-capacity':
        this.capacities.set(event.capacity.key, event.capacity);
        break;
      case 'storage-capacity-gone':
        this.capacities.set(event.key, undefined);
        break;
    }
  }

  private setClass(name: string, storageClass: StorageClassDescription | undefined): void {
    this.promises.forgetRecalled();
    this.book.setClass(name, storageClass);
    this.use.rereadAll();
  }

  private setVolume(name: string, volume: VolumeDescription | undefined): void {
    this.promises.forgetRecalled();
    const before = this.book.volume(name)?.description;
    this.book.setVolume(name, volume);
    const promised = this.promises.claimPromised(name);
    if (promised !== undefined) {
      const claim = this.book.claim(promised);
      const givenUp = before !== undefined && before.claim !== '' && volume?.claim !== before.claim;
      const stands = volume !== undefined && claim !== undefined && canBePromised(volume, claim);
      if (givenUp || !stands) this.promises.forget(promised);
    }
    for (const holder of this.book.holdersOf(name)) this.use.reread(holder);
  }
}
