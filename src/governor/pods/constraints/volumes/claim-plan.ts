/**
 * The plan for a pod's claims before and at its placement (kube-scheduler's VolumeBinding): pods with bound claims go
 * where the volumes are, claims that wait for their first consumer take a free volume or get one made, others have to
 * be bound first.
 */
import type { ClaimDescription, VolumeDescription } from '../../../../model/kubernetes/node.ts';
import type { NodeSelectorTerm, PodTemplate } from '../../../../model/kubernetes/pod.ts';
import { labelOf, matchesSelector, meetsRequirement } from '../../../../model/kubernetes/requirements.ts';
import { type PreFilterRefusal, Refusal, type RefusalCode } from '../../constraints.ts';
import type { NodeTable } from '../nodes/node-table.ts';
import type { ClaimReservation, ClaimReservations } from './claim-reservations.ts';
import type { StorageCapacities } from './storage-capacities.ts';
import type { VolumeEntry } from './unclaimed-volumes.ts';
import { isFor, type VolumeIndex } from './volume-index.ts';

/** The provisioner of classes whose volumes are made by hand. */
const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

/** A pod's claims, classified. */
export interface ClaimPlan {
  /** Volumes of claims that are bound. */
  readonly bound: readonly VolumeEntry[];
  /** Claims that take a free volume if there is one, smallest first. */
  readonly toMatch: readonly ClaimDescription[];
  /** Claims with a volume being made, on the named node. */
  readonly toProvision: readonly { readonly claim: ClaimDescription; readonly node: string }[];
}

/** The sources of claims and volumes. */
export interface ClaimContext {
  readonly nodes: NodeTable;
  readonly book: VolumeIndex;
  readonly promises: ClaimReservations;
  readonly capacities: StorageCapacities;
}

/** The key of a claim of a template. */
export function claimKey(template: PodTemplate, name: string): string {
  return `${template.namespace}/${name}`;
}

/**
 * @returns The classified claims, or why the pod cannot be placed anywhere, and the plugin of kube-scheduler that
 *   reports it. O(claims).
 */
export function planClaims(context: ClaimContext, template: PodTemplate): ClaimPlan | PreFilterRefusal {
  const claims = claimsOf(context, template);
  if ('reason' in claims) return claims;
  if (claims.some((claim) => !isBound(claim) && !waits(context, claim))) {
    return { reason: 'pod has unbound immediate PersistentVolumeClaims', plugin: 'VolumeBinding' };
  }
  const bound: VolumeEntry[] = [];
  for (const claim of claims.filter(isBound)) {
    const entry = context.book.volume(claim.volumeName);
    if (entry === undefined) {
      return { reason: `persistentvolume "${claim.volumeName}" not found`, plugin: 'VolumeZone' };
    }
    bound.push(entry);
  }
  const waiting = claims.filter((claim) => !isBound(claim));
  const selected = waiting.map((claim) => ({ claim, node: selectedNode(context, claim) }));
  return {
    bound,
    toMatch: selected
      .filter(({ node }) => node === '')
      .map(({ claim }) => claim)
      .sort((a, b) => a.bytes - b.bytes),
    toProvision: selected.filter(({ node }) => node !== ''),
  };
}

/**
 * @returns The claims of a pod, or why one of them cannot be used. Missing ones are reported first, but for ephemeral
 *   ones.
 */
function claimsOf({ book }: ClaimContext, template: PodTemplate): ClaimDescription[] | PreFilterRefusal {
  const unbindable = (reason: string): PreFilterRefusal => ({ reason, plugin: 'VolumeBinding' });
  const { ephemeral } = template;
  const isEphemeral = (name: string): boolean => ephemeral?.claims.includes(name) ?? false;
  for (const name of template.claims) {
    if (book.claim(claimKey(template, name)) === undefined && !isEphemeral(name)) {
      return { reason: `persistentvolumeclaim "${name}" not found`, plugin: 'VolumeRestrictions' };
    }
  }
  const claims: ClaimDescription[] = [];
  for (const name of template.claims) {
    const claim = book.claim(claimKey(template, name));
    if (claim === undefined) {
      return unbindable(
        `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`,
      );
    }
    if (claim.unusable) return unbindable(unusableText(claim));
    if (isEphemeral(name) && claim.ownerUid !== ephemeral?.podUid) {
      const pod = `${template.namespace}/${ephemeral?.podName}`;
      return unbindable(`PVC ${claim.key} was not created for pod ${pod} (pod is not owner)`);
    }
    claims.push(claim);
  }
  return claims;
}

/** @returns Volumes (or '': made for the node) for the claims that wait, or why the node has none for one of them. */
export function matchClaims(
  context: ClaimContext,
  plan: ClaimPlan,
  node: number,
): readonly ClaimReservation[] | RefusalCode {
  const name = context.nodes.names[node] as string;
  if (plan.toProvision.some((selected) => selected.node !== name)) return Refusal.VolumeBind;
  const found: ClaimReservation[] = [];
  for (const { claim } of plan.toProvision) {
    const refusal = refusalToMake(context, claim, node);
    if (refusal !== Refusal.None) return refusal;
    found.push({ claim: claim.key, volume: '', node: name });
  }
  for (const claim of plan.toMatch) {
    const volume = freeVolume(context, claim, node, found);
    const refusal = volume === undefined ? refusalToMake(context, claim, node) : Refusal.None;
    if (refusal !== Refusal.None) return refusal;
    found.push({ claim: claim.key, volume: volume?.description.name ?? '', node: name });
  }
  return found;
}

function isBound(claim: ClaimDescription): boolean {
  return claim.bound && claim.volumeName !== '';
}

function waits({ book }: ClaimContext, claim: ClaimDescription): boolean {
  return claim.volumeName === '' && book.storageClass(claim.className)?.waitForFirstConsumer === true;
}

function unusableText(claim: ClaimDescription): string {
  const name = claim.key.slice(claim.key.indexOf('/') + 1);
  if (claim.lost === true) {
    return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.volumeName}"`;
  }
  return `persistentvolumeclaim "${name}" is being deleted`;
}

/** The node that a volume is being made for, '' if none. */
function selectedNode({ promises }: ClaimContext, claim: ClaimDescription): string {
  if (claim.selectedNode !== '') return claim.selectedNode;
  const promise = promises.of(claim.key);
  return promise?.volume === '' ? promise.node : '';
}

function freeVolume(
  context: ClaimContext,
  claim: ClaimDescription,
  node: number,
  chosen: readonly ClaimReservation[],
): VolumeEntry | undefined {
  const { book, promises } = context;
  const own = reserved(context, claim);
  if (own !== undefined) return own.terms === undefined || own.terms.matches(node) ? own : undefined;
  return book
    .shelf(claim.className)
    ?.smallest(
      node,
      claim.bytes,
      (volume) =>
        !promises.isTaken(volume.name, claim.key) &&
        suits(volume, claim) &&
        !chosen.some((promise) => promise.volume === volume.name),
    );
}

/** The volume that belongs to the claim already: by reservation, or by its claimRef. It is taken wherever it is. */
function reserved({ book, promises }: ClaimContext, claim: ClaimDescription): VolumeEntry | undefined {
  const promised = promises.of(claim.key)?.volume ?? '';
  const entry = promised === '' ? undefined : book.volume(promised);
  if (entry !== undefined && canBePromised(entry.description, claim)) return entry;
  let best: VolumeEntry | undefined;
  for (const own of book.reservedFor(claim)) {
    const { description } = own;
    if (description.bytes < claim.bytes || !isOfKind(description, claim)) continue;
    if (best === undefined || isSmaller(description, best.description)) best = own;
  }
  return best;
}

/** Of equals the first by name. */
function isSmaller(a: VolumeDescription, b: VolumeDescription): boolean {
  return a.bytes < b.bytes || (a.bytes === b.bytes && a.name < b.name);
}

/** @returns True if a reserved volume can still become the claim's. */
export function canBePromised(volume: VolumeDescription, claim: ClaimDescription): boolean {
  return volume.deleting !== true && (volume.claim === '' || isFor(volume, claim));
}

function suits(volume: VolumeDescription, claim: ClaimDescription): boolean {
  return (
    claim.accessModes.every((mode) => volume.accessModes.includes(mode)) &&
    isOfKind(volume, claim) &&
    (claim.selector === undefined || matchesSelector(claim.selector, volume.labels))
  );
}

/** The requirements that even a volume reserved for the claim must meet. */
function isOfKind(volume: VolumeDescription, claim: ClaimDescription): boolean {
  return volume.volumeMode === claim.volumeMode && volume.attributesClass === claim.attributesClass;
}

/** @returns Why the claim's class cannot make a volume for the node, `Refusal.None` if it can. */
function refusalToMake(context: ClaimContext, claim: ClaimDescription, node: number): RefusalCode {
  const { book, nodes, capacities } = context;
  const storageClass = book.storageClass(claim.className);
  if (storageClass === undefined) return Refusal.VolumeBind;
  const { provisioner, allowedTopologies } = storageClass;
  if (provisioner === '' || provisioner === NO_PROVISIONER) return Refusal.VolumeBind;
  const labels = nodes.labelsOf(node);
  const isAllowed =
    allowedTopologies === undefined ||
    allowedTopologies.length === 0 ||
    allowedTopologies.some((term) => allows(term, labels));
  if (!isAllowed) return Refusal.VolumeBind;
  return capacities.hasRoom(storageClass, claim.bytes, labels) ? Refusal.None : Refusal.VolumeSpace;
}

function allows(term: NodeSelectorTerm, labels: Readonly<Record<string, string>>): boolean {
  if (term.expressions.length === 0) return false;
  return term.expressions.every((requirement) =>
    meetsRequirement(requirement, labelOf(labels, requirement.key)),
  );
}
