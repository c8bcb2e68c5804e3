/**
 * Gets a pod's volume claims bound for the chosen node, before the pod itself is bound there.
 *
 * A claim gets the selected-node annotation (then its provisioner makes a volume) or an existing volume is reserved for
 * it (then the volume controller binds the two), as in kube-scheduler's VolumeBinding; then the writer waits until
 * every claim is bound to a volume that the node can use: it reads again when a watch reports a change. Nothing is
 * undone on failure: the next try finds the written state.
 */
import type { PodEvent } from '../../../governor/pods/pod-events.ts';
import type { ApiAnswer, ApiClient, ApiRequest } from '../client/api.ts';
import { type ClaimFailure, type ClaimFailureCode, claimFailureText } from './claim-failure.ts';
import { Notices, type Waiter } from './notices.ts';
import { answerText, at, type BackOff, podPath, requestWithRetries, textAt } from './retrying-request.ts';
import { Slots } from './slots.ts';
import type { PodIdentity } from './status-writer.ts';
import { volumeAllowsNode } from './volume-node-match.ts';
import { Waits, type WriteClock } from './write-clock.ts';

/** A claim that has to be bound first, as `BindEffect.claims` names it. */
export interface ClaimToBind {
  /** Its name in the pod's namespace, or `namespace/name`. */
  readonly claim: string;
  /** The volume that was found for it; '': one is to be provisioned. */
  readonly volume: string;
}

/** The outcome; `reason` is the failure in words. */
export type ClaimOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly failure: ClaimFailure; readonly reason: string };

/** Dependencies of the writer, and its bounds. */
export interface ClaimWriterOptions {
  readonly client: ApiClient;
  readonly clock: WriteClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** True if the lease is surely held; called before every request. */
  readonly mayWrite: () => boolean;
  /** Longest wait for a pod's claims; default 600 s. */
  readonly timeoutSeconds?: number;
  /** Longest time between checks while no change is noticed; default 30 s. */
  readonly pollSeconds?: number;
  /** Shortest time between checks, however often something changes; default 0.2 s. */
  readonly lookSecondsMin?: number;
  /** Most pods at a time; default 256. */
  readonly podsMax?: number;
  /** Most pods that wait for their turn; further ones fail at once. Default 10,000. */
  readonly queueMax?: number;
  /** Tries of each request; default 6. */
  readonly attemptsMax?: number;
  readonly backOff?: BackOff;
}

/** Names of Kubernetes' annotations for volume binding. */
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';

/** A decision about an object: nothing to write, a patch, or the failure. */
type Decision = { readonly kind: 'done' } | { readonly kind: 'patch'; readonly body: object } | Failed;

interface Failed {
  readonly kind: 'failed';
  readonly failure: ClaimFailure;
}

/** State of a claim. */
type Look = { readonly kind: 'bound' } | { readonly kind: 'waiting' } | Failed;

const DONE = { kind: 'done' } as const;
const BOUND = { kind: 'bound' } as const;
const WAITING = { kind: 'waiting' } as const;

/** Binds claims; see the head of the file. */
export class ClaimWriter {
  readonly #options: Required<ClaimWriterOptions>;
  readonly #waits: Waits;
  readonly #slots: Slots;
  readonly #notices = new Notices();
  #stopped = false;

  constructor(options: ClaimWriterOptions) {
    this.#options = {
      timeoutSeconds: 600,
      pollSeconds: 30,
      lookSecondsMin: 0.2,
      podsMax: 256,
      queueMax: 10_000,
      attemptsMax: 6,
      backOff: { secondsFirst: 0.2, secondsMax: 10 },
      ...options,
    };
    this.#waits = new Waits(options.clock);
    this.#slots = new Slots(this.#options.podsMax, this.#options.queueMax);
  }

  /** Pods whose claims are being bound or wait for it. */
  get pending(): number {
    return this.#slots.running + this.#slots.waiting;
  }

  /**
   * @returns Success if all claims are bound to volumes that the node can use, or the failure. Takes up to
   *   `timeoutSeconds`.
   */
  async bindClaims(pod: PodIdentity, node: string, claims: readonly ClaimToBind[]): Promise<ClaimOutcome> {
    if (claims.length === 0) return { ok: true };
    const full = failed('busy', '', '', `${this.#options.queueMax}`);
    const result = await this.#slots.run<Look>(() => this.#bindClaims(pod, node, claims), full);
    if (result.kind !== 'failed') return { ok: true };
    return { ok: false, failure: result.failure, reason: claimFailureText(result.failure) };
  }

  /**
   * Takes a change reported by a watch: pods that wait for the object are checked again. O(pods that wait for the
   * object).
   */
  noticed(event: PodEvent): void {
    if (event.kind === 'claim') this.#notices.notice(`claim ${event.claim.key}`);
    else if (event.kind === 'claim-gone') this.#notices.notice(`claim ${event.key}`);
    else if (event.kind === 'volume') this.#notices.notice(`volume ${event.volume.name}`);
    else if (event.kind === 'volume-gone') this.#notices.notice(`volume ${event.name}`);
    else if (event.kind === 'pod-gone') this.#notices.notice(`pod ${event.uid}`);
    else if (event.kind === 'node-gone') this.#notices.notice(`node ${event.name}`);
  }

  /** Ends all waits: claims that are not bound by now have failed. */
  stop(): void {
    this.#stopped = true;
    this.#waits.endAll();
  }

  async #bindClaims(pod: PodIdentity, node: string, claims: readonly ClaimToBind[]): Promise<Look> {
    for (const claim of claims) {
      const step =
        claim.volume === '' ? await this.#annotate(pod, node, claim) : await this.#reserve(pod, claim);
      if (step.kind === 'failed') return step;
    }
    const waiter = this.#notices.waiter();
    waiter.add(`pod ${pod.uid}`);
    waiter.add(`node ${node}`);
    for (const { claim, volume } of claims) {
      waiter.add(`claim ${claimOf(pod, claim).key}`);
      if (volume !== '') waiter.add(`volume ${volume}`);
    }
    try {
      return await this.#waitForClaims(pod, node, claims, waiter);
    } finally {
      waiter.close();
    }
  }

  async #waitForClaims(
    pod: PodIdentity,
    node: string,
    claims: readonly ClaimToBind[],
    waiter: Waiter,
  ): Promise<Look> {
    const { clock, timeoutSeconds, pollSeconds, lookSecondsMin } = this.#options;
    const deadline = clock.nowSeconds() + timeoutSeconds;
    for (;;) {
      const look = await this.#look(pod, node, claims, waiter);
      if (look.kind !== 'waiting') return look;
      if (this.#stopped) return failed('stopped');
      const left = deadline - clock.nowSeconds();
      if (left <= 0) return failed('timeout', '', '', `${timeoutSeconds}`);
      const shortest = Math.min(lookSecondsMin, left);
      await this.#waits.wait(shortest);
      await waiter.wait(this.#waits, Math.min(pollSeconds, left) - shortest);
    }
  }

  /** Requests a volume that the node can use from the provisioner. */
  #annotate(pod: PodIdentity, node: string, { claim }: ClaimToBind): Promise<Decision> {
    const { path, key } = claimOf(pod, claim);
    return this.#change(path, `claim ${key}`, key, (object) => {
      if (isBound(object)) return DONE;
      if (isDeleting(object)) return failed('deleting', `claim ${key}`, key);
      const selected = textAt(object, 'metadata', 'annotations', SELECTED_NODE);
      if (selected === node) return DONE;
      if (selected !== '') return failed('other-node', `claim ${key}`, key, selected);
      const annotations = { [SELECTED_NODE]: node };
      return { kind: 'patch', body: { metadata: { ...versionOf(object), annotations } } };
    });
  }

  /** Reserves a volume for the claim. */
  async #reserve(pod: PodIdentity, { claim, volume }: ClaimToBind): Promise<Decision> {
    const { path, key, namespace, name } = claimOf(pod, claim);
    const answer = await this.#ask({ method: 'GET', path });
    if (answer?.status !== 200) return notRead(`claim ${key}`, key, answer);
    if (isBound(answer.body)) return DONE;
    if (isDeleting(answer.body)) return failed('deleting', `claim ${key}`, key);
    const uid = textAt(answer.body, 'metadata', 'uid');
    const claimRef = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      namespace,
      name,
      uid,
      resourceVersion: textAt(answer.body, 'metadata', 'resourceVersion'),
    };
    return this.#change(volumePath(volume), `volume ${volume}`, key, (object) => {
      const old = at(object, 'spec', 'claimRef');
      const version = versionOf(object);
      if (isDeleting(object)) return failed('deleting', `volume ${volume}`, key);
      if (old === undefined || old === null) {
        const annotations = { [BOUND_BY_CONTROLLER]: 'yes' };
        return { kind: 'patch', body: { metadata: { ...version, annotations }, spec: { claimRef } } };
      }
      const oldUid = textAt(old, 'uid');
      const same = textAt(old, 'namespace') === namespace && textAt(old, 'name') === name;
      if (!same || (oldUid !== '' && oldUid !== uid)) return failed('taken', `volume ${volume}`, key);
      // Reserved by hand for a claim of this name: only the uid is missing, and it stays the user's binding.
      return oldUid === uid ? DONE : { kind: 'patch', body: { metadata: version, spec: { claimRef } } };
    });
  }

  /** Reads, decides and writes with the version that was read; repeats on a conflict. */
  async #change(
    path: string,
    object: string,
    claim: string,
    decide: (object: unknown) => Decision,
  ): Promise<Decision> {
    for (let round = 0; round < this.#options.attemptsMax; round++) {
      const answer = await this.#ask({ method: 'GET', path });
      if (answer?.status !== 200) return notRead(object, claim, answer);
      const change = decide(answer.body);
      if (change.kind !== 'patch') return change;
      const written = await this.#ask({ method: 'PATCH', path, body: change.body });
      if (written?.status === 200) return DONE;
      if (written?.status !== 409) return failed('unwritable', object, claim, said(written));
    }
    return failed('unwritable', object, claim, 'others write it all the time');
  }

  /** @returns True if all claims are bound. */
  async #look(pod: PodIdentity, node: string, claims: readonly ClaimToBind[], waiter: Waiter): Promise<Look> {
    const podAnswer = await this.#ask({ method: 'GET', path: podPath(pod.namespace, pod.name) });
    if (podAnswer?.status !== 200) return notRead('the pod', '', podAnswer);
    if (textAt(podAnswer.body, 'metadata', 'uid') !== pod.uid) return failed('gone', 'the pod');
    const nodeAnswer = await this.#ask({ method: 'GET', path: `/api/v1/nodes/${encodeURIComponent(node)}` });
    if (nodeAnswer?.status !== 200) return notRead(`node ${node}`, '', nodeAnswer);
    let all: Look = BOUND;
    for (const claim of claims) {
      const look = await this.#lookAtClaim(pod, node, nodeAnswer.body, claim, waiter);
      if (look.kind === 'failed') return look;
      if (look.kind === 'waiting') all = look;
    }
    return all;
  }

  async #lookAtClaim(
    pod: PodIdentity,
    node: string,
    nodeObject: unknown,
    { claim, volume }: ClaimToBind,
    waiter: Waiter,
  ): Promise<Look> {
    const { path, key } = claimOf(pod, claim);
    const answer = await this.#ask({ method: 'GET', path });
    if (answer?.status !== 200) return notRead(`claim ${key}`, key, answer);
    const boundTo = textAt(answer.body, 'spec', 'volumeName');
    const bound = isBound(answer.body);
    if (!bound && isDeleting(answer.body)) return failed('deleting', `claim ${key}`, key);
    const selected = textAt(answer.body, 'metadata', 'annotations', SELECTED_NODE);
    // A provisioner that cannot make a volume there removes the annotation again.
    if (volume === '' && !bound && selected !== node) return failed('not-provisioned', `claim ${key}`, key);
    const name = boundTo === '' ? volume : boundTo;
    if (name === '') return WAITING;
    waiter.add(`volume ${name}`);
    const volumeAnswer = await this.#ask({ method: 'GET', path: volumePath(name) });
    // The claim may name a volume before the volume is visible.
    if (volumeAnswer?.status === 404 && volume === '') return WAITING;
    if (volumeAnswer?.status !== 200) return notRead(`volume ${name}`, key, volumeAnswer);
    if (!volumeAllowsNode(volumeAnswer.body, nodeObject)) {
      return failed('wrong-node', `volume ${name}`, key, node);
    }
    if (volume !== '') {
      const owner = textAt(volumeAnswer.body, 'spec', 'claimRef', 'uid');
      if (owner === '') return failed('released', `volume ${name}`, key);
      if (owner !== textAt(answer.body, 'metadata', 'uid')) return failed('taken', `volume ${name}`, key);
    }
    return bound ? BOUND : WAITING;
  }

  #ask(request: ApiRequest): Promise<ApiAnswer | undefined> {
    const { client, random, attemptsMax, backOff, mayWrite } = this.#options;
    const keepOn = (): boolean => !this.#stopped && mayWrite();
    const patience = { client, waits: this.#waits, random, attemptsMax, backOff, keepOn };
    return requestWithRetries(patience, { timeoutSeconds: 15, ...request });
  }
}

function isBound(claim: unknown): boolean {
  const completed = at(claim, 'metadata', 'annotations', BIND_COMPLETED);
  return textAt(claim, 'spec', 'volumeName') !== '' && completed !== undefined;
}

function isDeleting(object: unknown): boolean {
  return textAt(object, 'metadata', 'deletionTimestamp') !== '';
}

/** The precondition of a patch: exactly this object, exactly as it was read. */
function versionOf(object: unknown): object {
  return {
    uid: textAt(object, 'metadata', 'uid'),
    resourceVersion: textAt(object, 'metadata', 'resourceVersion'),
  };
}

function claimOf(
  pod: PodIdentity,
  claim: string,
): { path: string; key: string; namespace: string; name: string } {
  const slash = claim.indexOf('/');
  const namespace = slash < 0 ? pod.namespace : claim.slice(0, slash);
  const name = claim.slice(slash + 1);
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/persistentvolumeclaims/${encodeURIComponent(name)}`;
  return { path, key: `${namespace}/${name}`, namespace, name };
}

function volumePath(name: string): string {
  return `/api/v1/persistentvolumes/${encodeURIComponent(name)}`;
}

function failed(code: ClaimFailureCode, object = '', claim = '', detail = ''): Failed {
  return { kind: 'failed', failure: { code, object, claim, detail } };
}

function notRead(object: string, claim: string, answer: ApiAnswer | undefined): Failed {
  const code = answer?.status === 404 ? 'gone' : 'unreadable';
  return failed(code, object, claim, code === 'gone' ? '' : said(answer));
}

function said(answer: ApiAnswer | undefined): string {
  return answer === undefined ? 'no answer in all tries' : answerText(answer);
}
