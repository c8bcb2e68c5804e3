/**
 * The volume controller and the provisioners of a simulated cluster: claims of a pod that is bound get their volumes.
 *
 * A claim takes the volume that the scheduler found for it, or one that is provisioned for it. A provisioned volume can
 * be used where the topology of its class allows: the labels that its driver would add are unknown. Not here: claims
 * that no pod uses, and claims whose class binds at once; they stay as recorded.
 */
import type { BindEffect, PodEvent } from '../../governor/pods/pod-events.ts';
import type {
  ClaimDescription,
  StorageClassDescription,
  VolumeDescription,
} from '../../model/kubernetes/node.ts';

/** Keeps the present claims, volumes and classes. */
export class VolumeController {
  private readonly claims = new Map<string, ClaimDescription>();
  private readonly volumes = new Map<string, VolumeDescription>();
  private readonly classes = new Map<string, StorageClassDescription>();

  /** Takes an object of the cluster. */
  see(event: PodEvent): void {
    if (event.kind === 'claim') this.claims.set(event.claim.key, event.claim);
    else if (event.kind === 'volume') this.volumes.set(event.volume.name, event.volume);
    else if (event.kind === 'storage-class') this.classes.set(event.storageClass.name, event.storageClass);
  }

  /** Binds the claims of a binding. @returns The resulting events for the scheduler. */
  bind({ namespace, node, claims }: Pick<BindEffect, 'namespace' | 'node' | 'claims'>): PodEvent[] {
    return claims.flatMap(({ claim: name, volume }) => {
      const claim = this.claims.get(name.includes('/') ? name : `${namespace}/${name}`);
      if (claim === undefined || claim.bound) return [];
      const found = volume === '' ? this.made(claim) : this.volumes.get(volume);
      if (found === undefined) return [];
      const events: PodEvent[] = [
        {
          kind: 'volume',
          volume: { ...found, claim: claim.key, claimUid: claim.uid, available: false },
        },
        {
          kind: 'claim',
          claim: {
            ...claim,
            volumeName: found.name,
            bound: true,
            ...(volume === '' ? { selectedNode: node } : {}),
          },
        },
      ];
      for (const event of events) this.see(event);
      return events;
    });
  }

  private made(claim: ClaimDescription): VolumeDescription {
    const storage = this.classes.get(claim.className);
    const name = `pvc-${claim.uid === '' ? claim.key.replace('/', '-') : claim.uid}`;
    return {
      name,
      nodeTerms: storage?.allowedTopologies,
      labels: {},
      className: claim.className,
      claim: claim.key,
      claimUid: claim.uid,
      accessModes: claim.accessModes,
      bytes: claim.bytes,
      available: false,
      driver: storage?.driver ?? storage?.provisioner ?? '',
      handle: name,
      ...(claim.attributesClass === undefined ? {} : { attributesClass: claim.attributesClass }),
      ...(claim.volumeMode === undefined ? {} : { volumeMode: claim.volumeMode }),
    };
  }
}
