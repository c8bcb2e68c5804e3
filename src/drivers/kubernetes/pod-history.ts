/** The history of one pod in a log: what was observed of it, and what was decided about it. */
import type { PodEffect, PodEvent } from '../../governor/pods/pod-events.ts';
import type { PodDescription } from '../../model/kubernetes/pod.ts';

/** Most entries that are kept; later ones are counted. */
export const HISTORY_ENTRIES_MAX = 10_000;

/** Something that happened. */
export interface HistoryEntry {
  /** Step of the log, from 0. */
  readonly step: number;
  /** The core's time. */
  readonly timeSeconds: number;
  /** `seen`, `changed`, `on node`, `deleting`, `ended`, `gone`, `bind`, `bound`, `not bound`, `unschedulable`, `nominated`, `evicted`, `evicts`, `released`. */
  readonly what: string;
  /** For people. */
  readonly detail: string;
}

/** Collects the history of a pod name, over all pods that had it. */
export class PodHistory {
  readonly entries: HistoryEntry[] = [];
  /** Entries beyond the limit. */
  omitted = 0;
  /** Uid of the last pod of that name; '' if none was seen. */
  uid = '';
  private readonly namespace: string;
  private readonly name: string;
  private readonly uids = new Set<string>();
  private last: PodDescription | undefined;

  constructor(namespace: string, name: string) {
    this.namespace = namespace;
    this.name = name;
  }

  /** Takes a step: the event first, then the core's answer. */
  take(step: number, timeSeconds: number, event: PodEvent, effects: readonly PodEffect[]): void {
    const add = (what: string, detail = ''): void => {
      if (this.entries.length < HISTORY_ENTRIES_MAX) this.entries.push({ step, timeSeconds, what, detail });
      else this.omitted++;
    };
    this.takeEvent(event, add);
    for (const effect of effects) this.takeEffect(effect, add);
  }

  private takeEvent(event: PodEvent, add: (what: string, detail?: string) => void): void {
    if (event.kind === 'pod') {
      if (event.pod.namespace === this.namespace && event.pod.name === this.name) this.seen(event.pod, add);
      return;
    }
    if (!('uid' in event) || event.uid !== this.uid) return;
    if (event.kind === 'member-ended') add('ended');
    if (event.kind === 'pod-gone') {
      add('gone');
      this.last = undefined;
    } else if (event.kind === 'bind-done') {
      if (event.outcome === 'bound') add('bound', 'the API server confirmed it');
      else add('not bound', event.reason ?? event.outcome);
    } else if (event.kind === 'evict-done') {
      add('evicted', event.done ? 'accepted' : (event.reason ?? 'could not be done'));
    }
  }

  private seen(pod: PodDescription, add: (what: string, detail?: string) => void): void {
    const { last } = this;
    this.last = pod;
    if (pod.uid !== this.uid || last === undefined) {
      this.uid = pod.uid;
      this.uids.add(pod.uid);
      add('seen', describe(pod));
      return;
    }
    if (pod.nodeName !== last.nodeName) add('on node', pod.nodeName);
    if (pod.deleting && !last.deleting) add('deleting');
    if (pod.ended && !last.ended) add('ended');
    if (pod.gates.length !== last.gates.length)
      add('changed', `gates: ${pod.gates.join(', ') || 'none left'}`);
    if (pod.nominatedNodeName !== last.nominatedNodeName) {
      add('changed', `nominated node: ${pod.nominatedNodeName || 'none'}`);
    }
  }

  private takeEffect(effect: PodEffect, add: (what: string, detail?: string) => void): void {
    if (effect.kind === 'gang-release') {
      if (effect.uids.includes(this.uid)) add('released', `${effect.group}: ${effect.message}`);
      return;
    }
    if (effect.kind === 'evict' && effect.byUid === this.uid) {
      add('evicts', `${effect.namespace}/${effect.name} from ${effect.node}`);
    }
    if (effect.uid !== this.uid) return;
    if (effect.kind === 'bind') {
      const waited = `attempt ${effect.attempts} after ${effect.waitedSeconds.toFixed(3)} s`;
      add('bind', `${effect.node}, ${waited}${effect.group === '' ? '' : `, with ${effect.group}`}`);
    } else if (effect.kind === 'unschedulable') add('unschedulable', `${effect.reason}: ${effect.message}`);
    else if (effect.kind === 'nominate') add('nominated', effect.node || 'no node any more');
    else add('evicted', `from ${effect.node} ${effect.by === '' ? 'by a drain' : `for ${effect.by}`}`);
  }
}

function describe(pod: PodDescription): string {
  const { requests } = pod.template;
  const more = Object.entries(requests.extended).map(([name, amount]) => `${amount} ${name}`);
  const parts = [`${requests.cpuMilli}m cpu`, `${requests.memoryBytes} bytes of memory`, ...more];
  if (pod.priority !== 0) parts.push(`priority ${pod.priority}`);
  if (pod.gates.length > 0) parts.push(`gates ${pod.gates.join(', ')}`);
  if (pod.group !== '') parts.push(`group ${pod.group}`);
  if (pod.nodeName !== '') parts.push(`on ${pod.nodeName}`);
  if (!pod.ours) parts.push("another scheduler's");
  return parts.join(', ');
}
