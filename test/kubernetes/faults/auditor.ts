/**
 * An independent observer of the scheduler: follows etcd and reports what must never happen.
 *
 * What must never happen, whatever the fault:
 * - a pod that is on a node goes to another one, or to none, or is bound a second time;
 * - a node has more requested than it has, as of the very revision of a binding. Where another scheduler binds too
 *   (`others`), only what TEG can have seen counts against it: its own pods, and pods of the other one bound at least
 *   `noticeSeconds` before;
 * - a pod is bound to a node that was gone, or cordoned, for at least `noticeSeconds`.
 */
import { type Amounts, nodeAmounts, podAmounts } from './amounts.ts';
import { type EtcdLog, followEtcd, type StoredChange, type StoredObject } from './etcd-log.ts';

/** How to audit. */
export interface AuditOptions {
  /** `http://127.0.0.1:PORT` of etcd. */
  readonly etcd: string;
  /** Whether another scheduler binds pods too. */
  readonly others?: boolean;
  /** After which TEG must have seen a change. Default 2. */
  readonly noticeSeconds?: number;
}

/** A pod as the auditor knows it. */
export interface AuditedPod {
  readonly uid: string;
  readonly name: string;
  readonly ours: boolean;
  readonly createdMs: number;
  readonly group: string;
  node: string;
  boundMs: number;
  asks: Amounts;
  ended: boolean;
}

interface AuditedNode {
  has: Amounts;
  /** When it was last deleted, cordoned; −Infinity: it is there, it is not cordoned. */
  goneMs: number;
  cordonedMs: number;
  readonly pods: Set<AuditedPod>;
}

/** A change of who leads. */
export interface HolderChange {
  readonly holder: string;
  readonly ms: number;
}

const NEVER = Number.NEGATIVE_INFINITY;

/** See the head of the file. Times are `performance.now()`. */
export class Auditor {
  /** What must not happen and did. */
  readonly violations: string[] = [];
  readonly pods = new Map<string, AuditedPod>();
  readonly nodes = new Map<string, AuditedNode>();
  /** Bindings seen, of pods of ours; times of them. */
  readonly bindings: number[] = [];
  /** Uids with an event `Scheduled`, and how many. */
  readonly scheduledEvents = new Map<string, number>();
  /** Uids with an event `FailedScheduling`, and the last text. */
  readonly failedEvents = new Map<string, string>();
  readonly holders: HolderChange[] = [];
  /** Uids of pods of ours that were ever bound. */
  readonly everBound = new Set<string>();
  /** Most pods bound to a node that had gone before, unnoticed. */
  boundToGone = 0;
  private readonly options: Required<AuditOptions>;
  private log: EtcdLog | undefined;

  private constructor(options: AuditOptions) {
    this.options = { others: false, noticeSeconds: 2, ...options };
  }

  /** @returns An auditor that has begun. */
  static async start(options: AuditOptions): Promise<Auditor> {
    const auditor = new Auditor(options);
    auditor.log = await followEtcd(
      options.etcd,
      (change) => auditor.take(change),
      (why) => auditor.violations.push(`the audit is not complete: ${why}`),
    );
    return auditor;
  }

  stop(): void {
    this.log?.stop();
  }

  /** Pods of ours that are on no node and not being deleted. */
  get unbound(): number {
    let count = 0;
    for (const pod of this.pods.values()) if (pod.ours && pod.node === '' && !pod.ended) count++;
    return count;
  }

  /** Pods of ours that are on a node. */
  get bound(): number {
    let count = 0;
    for (const pod of this.pods.values()) if (pod.ours && pod.node !== '') count++;
    return count;
  }

  /** @returns Members on nodes by gang. */
  gangs(): Map<string, { bound: number; unbound: number }> {
    const gangs = new Map<string, { bound: number; unbound: number }>();
    for (const { group, node } of this.pods.values()) {
      if (group === '') continue;
      const gang = gangs.get(group) ?? { bound: 0, unbound: 0 };
      if (node === '') gang.unbound++;
      else gang.bound++;
      gangs.set(group, gang);
    }
    return gangs;
  }

  /** @returns The longest time without a binding in an interval, seconds. */
  longestPause(fromMs: number, untilMs: number): number {
    let last = fromMs;
    let longest = 0;
    for (const ms of [...this.bindings.filter((one) => one > fromMs && one < untilMs), untilMs]) {
      longest = Math.max(longest, ms - last);
      last = ms;
    }
    return longest / 1000;
  }

  private take({ key, object, revision }: StoredChange): void {
    if (key.startsWith('/registry/pods/')) this.takePod(key, object, revision);
    else if (key.startsWith('/registry/minions/')) this.takeNode(key, object);
    else if (key.startsWith('/registry/events/')) this.takeEvent(object);
    else if (key.startsWith('/registry/leases/kube-system/teg')) this.takeLease(object);
  }

  private takeNode(key: string, object: StoredObject | undefined): void {
    const name = key.slice('/registry/minions/'.length);
    const node = this.nodeOf(name);
    const now = performance.now();
    if (object === undefined) node.goneMs = now;
    else {
      node.goneMs = NEVER;
      node.has = nodeAmounts(object);
      if (object.spec?.unschedulable !== true) node.cordonedMs = NEVER;
      else if (node.cordonedMs === NEVER) node.cordonedMs = now;
    }
  }

  private nodeOf(name: string): AuditedNode {
    let node = this.nodes.get(name);
    if (node === undefined) {
      node = {
        has: { cpu: 0, memory: 0, pods: 0 },
        goneMs: performance.now(),
        cordonedMs: NEVER,
        pods: new Set(),
      };
      this.nodes.set(name, node);
    }
    return node;
  }

  private takePod(key: string, object: StoredObject | undefined, revision: number): void {
    const known = this.pods.get(key);
    const uid = object?.metadata?.uid ?? '';
    if (known !== undefined && known.uid !== uid) {
      this.pods.delete(key);
      if (known.node !== '') this.nodeOf(known.node).pods.delete(known);
    }
    if (object === undefined) return;
    const pod = known?.uid === uid ? known : this.meet(key, object);
    pod.ended ||= object.metadata?.deletionTimestamp !== undefined;
    const node = String(object.spec?.nodeName ?? '');
    if (pod.node !== '' && node !== pod.node) {
      this.tell(`pod ${pod.name} moved from ${pod.node} to '${node}' at revision ${revision}`);
    }
    if (pod.node === '' && node !== '') this.bind(pod, node, revision);
    const { phase } = object.status ?? {};
    if ((phase === 'Succeeded' || phase === 'Failed') && pod.node !== '') {
      this.nodeOf(pod.node).pods.delete(pod);
    }
  }

  private meet(key: string, object: StoredObject): AuditedPod {
    const group = (object.spec?.schedulingGroup as { podGroupName?: string } | undefined)?.podGroupName;
    const pod: AuditedPod = {
      uid: object.metadata?.uid ?? '',
      name: key.slice('/registry/pods/'.length),
      ours: object.spec?.schedulerName === 'teg',
      createdMs: performance.now(),
      group: group ?? '',
      node: '',
      boundMs: NEVER,
      asks: podAmounts(object),
      ended: false,
    };
    this.pods.set(key, pod);
    return pod;
  }

  private bind(pod: AuditedPod, nodeName: string, revision: number): void {
    const now = performance.now();
    const node = this.nodeOf(nodeName);
    pod.node = nodeName;
    pod.boundMs = now;
    node.pods.add(pod);
    if (!pod.ours) return;
    this.bindings.push(now);
    if (this.everBound.has(pod.uid)) this.tell(`pod ${pod.name} was bound a second time`);
    this.everBound.add(pod.uid);
    const notice = this.options.noticeSeconds * 1000;
    if (node.goneMs !== NEVER) {
      this.boundToGone++;
      if (now - node.goneMs > notice) this.tell(`pod ${pod.name} was bound to ${nodeName}, gone for long`);
      return;
    }
    if (node.cordonedMs !== NEVER && now - node.cordonedMs > notice)
      this.tell(`pod ${pod.name} was bound to ${nodeName}, cordoned for long`);
    this.checkRoom(nodeName, node, now - notice, revision);
  }

  private checkRoom(name: string, node: AuditedNode, noticedMs: number, revision: number): void {
    const sum = { cpu: 0, memory: 0, pods: 0 };
    for (const pod of node.pods) {
      if (this.options.others && !pod.ours && pod.boundMs > noticedMs) continue;
      sum.cpu += pod.asks.cpu;
      sum.memory += pod.asks.memory;
      sum.pods += pod.asks.pods;
    }
    const { has } = node;
    if (sum.cpu <= has.cpu && sum.memory <= has.memory && sum.pods <= has.pods) return;
    this.tell(
      `node ${name} over capacity at revision ${revision}: ${JSON.stringify(sum)} of ${JSON.stringify(has)}`,
    );
  }

  private takeEvent(object: StoredObject | undefined): void {
    const about = (object?.involvedObject ?? object?.regarding) as { uid?: string } | undefined;
    if (about?.uid === undefined) return;
    const text = String(object?.message ?? object?.note ?? '');
    if (object?.reason === 'FailedScheduling') this.failedEvents.set(about.uid, text);
    if (object?.reason !== 'Scheduled') return;
    this.scheduledEvents.set(about.uid, (this.scheduledEvents.get(about.uid) ?? 0) + 1);
  }

  private takeLease(object: StoredObject | undefined): void {
    const holder = String(object?.spec?.holderIdentity ?? '');
    if (this.holders.at(-1)?.holder === holder) return;
    this.holders.push({ holder, ms: performance.now() });
  }

  private tell(text: string): void {
    if (this.violations.length < 20) this.violations.push(text);
  }
}
