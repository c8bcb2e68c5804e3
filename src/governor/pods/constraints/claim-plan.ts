/**
 * What a pod's claims need before and where it is placed (kube-scheduler's VolumeBinding): claims that are bound go
 * where their volume goes, claims that wait for their first consumer take a free volume or are made one, others have to
 * be bound first.
 */
import type { ClaimDescription, VolumeDescription } from '../../../model/kubernetes/node.ts';
import type { NodeSelectorTerm, PodTemplate } from '../../../model/kubernetes/pod.ts';
import type { NodeTable } from './node-table.ts';
import { labelOf, matchesSelector, meetsRequirement } from './requirements.ts';
import type { VolumeBook } from './volume-book.ts';
import type { VolumePromise, VolumePromises } from './volume-promises.ts';
import type { VolumeEntry } from './volume-shelf.ts';

/** The provisioner of classes whose volumes are made by hand. */
const NO_PROVISIONER = 'kubernetes.io/no-provisioner';

/** A pod's claims, sorted out. */
export interface ClaimPlan {
  /** Volumes of claims that are bound. */
  readonly bound: readonly VolumeEntry[];
  /** Claims that take a free volume if there is one, smallest first. */
  readonly toMatch: readonly ClaimDescription[];
  /** Claims that one is being made for, on the node named. */
  readonly toProvision: readonly { readonly claim: ClaimDescription; readonly node: string }[];
}

/** Where the claims and volumes are. */
export interface ClaimContext {
  readonly nodes: NodeTable;
  readonly book: VolumeBook;
  readonly promises: VolumePromises;
}

/** The key of a claim of a template. */
export function claimKey(template: PodTemplate, name: string): string {
  return `${template.namespace}/${name}`;
}

/** @returns The claims sorted out, or why the pod cannot be placed anywhere, in kube-scheduler's words. O(claims). */
export function planClaims(context: ClaimContext, template: PodTemplate): ClaimPlan | string {
  const claims: ClaimDescription[] = [];
  for (const name of template.claims) {
    const claim = context.book.claim(claimKey(template, name));
    if (claim === undefined) return `persistentvolumeclaim "${name}" not found`;
    claims.push(claim);
  }
  for (const claim of claims) {
    if (claim.unusable) return unusableText(claim);
  }
  if (claims.some((claim) => !isBound(claim) && !waits(context, claim))) {
    return 'pod has unbound immediate PersistentVolumeClaims';
  }
  const bound: VolumeEntry[] = [];
  for (const claim of claims.filter(isBound)) {
    const entry = context.book.volume(claim.volumeName);
    if (entry === undefined) return `persistentvolume "${claim.volumeName}" not found`;
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

/** @returns Volumes (or '': made for the node) for the claims that wait, undefined if the node has none for one of them. */
export function matchClaims(
  context: ClaimContext,
  plan: ClaimPlan,
  node: number,
): readonly VolumePromise[] | undefined {
  const name = context.nodes.names[node] as string;
  const found: VolumePromise[] = [];
  for (const { claim, node: selected } of plan.toProvision) {
    if (selected !== name) return undefined;
    if (!canBeMade(context, claim, node)) return undefined;
    found.push({ claim: claim.key, volume: '', node: name });
  }
  for (const claim of plan.toMatch) {
    const volume = freeVolume(context, claim, node, found);
    if (volume === undefined && !canBeMade(context, claim, node)) return undefined;
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
  chosen: readonly VolumePromise[],
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

/** The volume that is the claim's already: promised, or by its claimRef. It is taken wherever it is. */
function reserved({ book, promises }: ClaimContext, claim: ClaimDescription): VolumeEntry | undefined {
  const promised = promises.of(claim.key)?.volume ?? '';
  const entry = promised === '' ? undefined : book.volume(promised);
  if (entry !== undefined) return entry;
  return book
    .reservedFor(claim)
    .find(
      ({ description }) => description.bytes >= claim.bytes && description.volumeMode === claim.volumeMode,
    );
}

function suits(volume: VolumeDescription, claim: ClaimDescription): boolean {
  return (
    claim.accessModes.every((mode) => volume.accessModes.includes(mode)) &&
    volume.volumeMode === claim.volumeMode &&
    (claim.selector === undefined || matchesSelector(claim.selector, volume.labels))
  );
}

/** Whether the claim's class can make a volume for the node. */
function canBeMade({ book, nodes }: ClaimContext, claim: ClaimDescription, node: number): boolean {
  const storageClass = book.storageClass(claim.className);
  if (storageClass === undefined) return false;
  const { provisioner, allowedTopologies } = storageClass;
  if (provisioner === '' || provisioner === NO_PROVISIONER) return false;
  if (allowedTopologies === undefined || allowedTopologies.length === 0) return true;
  const labels = nodes.labelsOf(node);
  return allowedTopologies.some((term) => allows(term, labels));
}

function allows(term: NodeSelectorTerm, labels: Readonly<Record<string, string>>): boolean {
  if (term.expressions.length === 0) return false;
  return term.expressions.every((requirement) =>
    meetsRequirement(requirement, labelOf(labels, requirement.key)),
  );
}
