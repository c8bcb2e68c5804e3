/**
 * Gets a pod's volume claims bound for the node that was chosen, before the pod itself is bound there.
 *
 * A claim gets the selected-node annotation (then its provisioner makes a volume) or a volume that exists is reserved for
 * it (then the volume controller binds the two), as kube-scheduler's VolumeBinding does; then it is waited until every
 * claim is bound to a volume that the node can use. Nothing is taken back on failure: the next try finds what is there.
 */
import type { ApiAnswer, ApiClient, ApiRequest } from '../client/api.ts';
import { answerText, askPatiently, at, type BackOff, podPath, textAt } from './patient-request.ts';
import { Slots } from './slots.ts';
import type { PodIdentity } from './status-writer.ts';
import { volumeAllowsNode } from './volume-node-match.ts';
import { Waits, type WriteClock } from './write-clock.ts';

/** A claim that has to be bound first, as `BindEffect.claims` names it. */
export interface ClaimToBind {
  /** Its name in the pod's namespace, or `namespace/name`. */
  readonly claim: string;
  /** The volume that was found for it; '': one is to be made. */
  readonly volume: string;
}

/** What became of it. */
export type ClaimOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** What the writer needs, and its bounds. */
export interface ClaimWriterOptions {
  readonly client: ApiClient;
  readonly clock: WriteClock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Whether the lease is surely held; asked before every request. */
  readonly mayWrite: () => boolean;
  /** Longest wait for a pod's claims; default 600 s. */
  readonly timeoutSeconds?: number;
  /** Time between looks, growing from the first to the last; default 1 to 5 s. */
  readonly pollSecondsFirst?: number;
  readonly pollSecondsMax?: number;
  /** Most pods at a time; default 256. */
  readonly podsMax?: number;
  /** Most pods that wait for their turn; more fail at once. Default 10,000. */
  readonly queueMax?: number;
  /** Tries of each request; default 6. */
  readonly attemptsMax?: number;
  readonly backOff?: BackOff;
}

/** Names of annotations that Kubernetes has for it. */
const SELECTED_NODE = 'volume.kubernetes.io/selected-node';
const BIND_COMPLETED = 'pv.kubernetes.io/bind-completed';
const BOUND_BY_CONTROLLER = 'pv.kubernetes.io/bound-by-controller';

/** '' is: goes on; any other text: why it cannot. */
type Verdict = '' | (string & {});

/** See the head of the file. */
export class ClaimWriter {
  readonly #options: Required<ClaimWriterOptions>;
  readonly #waits: Waits;
  readonly #slots: Slots;
  #stopped = false;

  constructor(options: ClaimWriterOptions) {
    this.#options = {
      timeoutSeconds: 600,
      pollSecondsFirst: 1,
      pollSecondsMax: 5,
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

  /** @returns Whether all claims are bound to volumes that the node can use, or why not. Takes up to `timeoutSeconds`. */
  bindClaims(pod: PodIdentity, node: string, claims: readonly ClaimToBind[]): Promise<ClaimOutcome> {
    if (claims.length === 0) return Promise.resolve({ ok: true });
    const full = {
      ok: false,
      reason: `${this.#options.queueMax} pods wait for their claims already`,
    } as const;
    return this.#slots.run(() => this.#bindClaims(pod, node, claims), full);
  }

  /** Ends all waits: what is not bound by now has failed. */
  stop(): void {
    this.#stopped = true;
    this.#waits.endAll();
  }

  async #bindClaims(pod: PodIdentity, node: string, claims: readonly ClaimToBind[]): Promise<ClaimOutcome> {
    const { clock, timeoutSeconds, pollSecondsFirst, pollSecondsMax } = this.#options;
    const deadline = clock.nowSeconds() + timeoutSeconds;
    for (const claim of claims) {
      const verdict =
        claim.volume === '' ? await this.#annotate(pod, node, claim) : await this.#reserve(pod, claim);
      if (verdict !== '') return { ok: false, reason: verdict };
    }
    for (let poll = pollSecondsFirst; ; poll = Math.min(pollSecondsMax, poll * 1.5)) {
      const state = await this.#look(pod, node, claims);
      if (state === 'bound') return { ok: true };
      if (state !== 'waiting') return { ok: false, reason: state };
      if (this.#stopped) return { ok: false, reason: 'the scheduler stopped' };
      if (clock.nowSeconds() >= deadline) {
        return { ok: false, reason: `claims were not bound within ${timeoutSeconds} s` };
      }
      await this.#waits.wait(Math.min(poll, deadline - clock.nowSeconds()));
    }
  }

  /** Asks the provisioner for a volume that the node can use. */
  #annotate(pod: PodIdentity, node: string, { claim }: ClaimToBind): Promise<Verdict> {
    const { path, key } = claimOf(pod, claim);
    return this.#change(path, key, (object) => {
      if (isBound(object)) return '';
      const selected = textAt(object, 'metadata', 'annotations', SELECTED_NODE);
      if (selected === node) return '';
      if (selected !== '') return `claim ${key} is already to be provisioned for node ${selected}`;
      return { metadata: { ...versionOf(object), annotations: { [SELECTED_NODE]: node } } };
    });
  }

  /** Reserves a volume for the claim. */
  async #reserve(pod: PodIdentity, { claim, volume }: ClaimToBind): Promise<Verdict> {
    const { path, key, namespace, name } = claimOf(pod, claim);
    const answer = await this.#ask({ method: 'GET', path });
    if (answer?.status !== 200) return notRead(`claim ${key}`, answer);
    if (isBound(answer.body)) return '';
    const uid = textAt(answer.body, 'metadata', 'uid');
    const claimRef = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      namespace,
      name,
      uid,
      resourceVersion: textAt(answer.body, 'metadata', 'resourceVersion'),
    };
    return this.#change(volumePath(volume), volume, (object) => {
      const old = at(object, 'spec', 'claimRef');
      const version = versionOf(object);
      if (old === undefined || old === null) {
        const annotations = { [BOUND_BY_CONTROLLER]: 'yes' };
        return { metadata: { ...version, annotations }, spec: { claimRef } };
      }
      const oldUid = textAt(old, 'uid');
      const same = textAt(old, 'namespace') === namespace && textAt(old, 'name') === name;
      if (!same || (oldUid !== '' && oldUid !== uid)) return `volume ${volume} was taken by another claim`;
      // Reserved by hand for a claim of this name: only the uid is missing, and it stays the user's binding.
      return oldUid === uid ? '' : { metadata: version, spec: { claimRef } };
    });
  }

  /** Reads, decides and writes with the version that was read, anew if somebody was faster. */
  async #change(path: string, name: string, decide: (object: unknown) => Verdict | object): Promise<Verdict> {
    for (let round = 0; round < this.#options.attemptsMax; round++) {
      const answer = await this.#ask({ method: 'GET', path });
      if (answer?.status !== 200) return notRead(name, answer);
      const change = decide(answer.body);
      if (typeof change === 'string') return change;
      const written = await this.#ask({ method: 'PATCH', path, body: change });
      if (written?.status === 200) return '';
      if (written?.status !== 409) return `${name} could not be written: ${said(written)}`;
    }
    return `${name} is written by others all the time`;
  }

  /** @returns `bound` if all are, `waiting` if some are not yet, else why they never will be. */
  async #look(
    pod: PodIdentity,
    node: string,
    claims: readonly ClaimToBind[],
  ): Promise<'bound' | 'waiting' | (string & {})> {
    const podAnswer = await this.#ask({ method: 'GET', path: podPath(pod.namespace, pod.name) });
    if (podAnswer?.status !== 200) return notRead('the pod', podAnswer);
    if (textAt(podAnswer.body, 'metadata', 'uid') !== pod.uid) return 'the pod is no more';
    const nodeAnswer = await this.#ask({ method: 'GET', path: `/api/v1/nodes/${encodeURIComponent(node)}` });
    if (nodeAnswer?.status !== 200) return notRead(`node ${node}`, nodeAnswer);
    let all = true;
    for (const claim of claims) {
      const state = await this.#lookAtClaim(pod, node, nodeAnswer.body, claim);
      if (state !== 'bound' && state !== 'waiting') return state;
      all &&= state === 'bound';
    }
    return all ? 'bound' : 'waiting';
  }

  async #lookAtClaim(
    pod: PodIdentity,
    node: string,
    nodeObject: unknown,
    { claim, volume }: ClaimToBind,
  ): Promise<'bound' | 'waiting' | (string & {})> {
    const { path, key } = claimOf(pod, claim);
    const answer = await this.#ask({ method: 'GET', path });
    if (answer?.status !== 200) return notRead(`claim ${key}`, answer);
    const boundTo = textAt(answer.body, 'spec', 'volumeName');
    const bound = isBound(answer.body);
    const selected = textAt(answer.body, 'metadata', 'annotations', SELECTED_NODE);
    // A provisioner that cannot make a volume there takes the annotation off again.
    if (volume === '' && !bound && selected !== node)
      return `no volume could be provisioned for claim ${key}`;
    const name = boundTo === '' ? volume : boundTo;
    if (name === '') return 'waiting';
    const volumeAnswer = await this.#ask({ method: 'GET', path: volumePath(name) });
    // The claim may name a volume before it is to be seen.
    if (volumeAnswer?.status === 404 && volume === '') return 'waiting';
    if (volumeAnswer?.status !== 200) return notRead(`volume ${name}`, volumeAnswer);
    if (!volumeAllowsNode(volumeAnswer.body, nodeObject)) {
      return `volume ${name} of claim ${key} cannot be used on node ${node}`;
    }
    if (volume !== '' && textAt(volumeAnswer.body, 'spec', 'claimRef', 'uid') === '') {
      return `the reservation of volume ${name} for claim ${key} was taken back`;
    }
    return bound ? 'bound' : 'waiting';
  }

  #ask(request: ApiRequest): Promise<ApiAnswer | undefined> {
    const { client, random, attemptsMax, backOff, mayWrite } = this.#options;
    const keepOn = (): boolean => !this.#stopped && mayWrite();
    const patience = { client, waits: this.#waits, random, attemptsMax, backOff, keepOn };
    return askPatiently(patience, { timeoutSeconds: 15, ...request });
  }
}

function isBound(claim: unknown): boolean {
  const completed = at(claim, 'metadata', 'annotations', BIND_COMPLETED);
  return textAt(claim, 'spec', 'volumeName') !== '' && completed !== undefined;
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

function notRead(what: string, answer: ApiAnswer | undefined): string {
  return answer?.status === 404 ? `${what} is no more` : `${what} could not be read: ${said(answer)}`;
}

function said(answer: ApiAnswer | undefined): string {
  return answer === undefined ? 'no answer in all tries' : answerText(answer);
}
