/**
 * A random life of a cluster for the pod scheduler: events drawn from a seed, with a driver that answers as a real one
 * would.
 *
 * It keeps a simple model of the API server (existing objects and bindings), so that events are plausible: bindings
 * succeed, fail or are lost to others, victims go, controllers bring new pods, nodes come back under their old name.
 */
import { Random } from '../../kernel/random.ts';
import type { NodeDescription } from '../../model/kubernetes/node.ts';
import type { PodDescription, PodGroupDescription, PodTemplate } from '../../model/kubernetes/pod.ts';
import type { BindOutcome, NominateEffect, PodEffect, PodEvent, PodSchedulerOptions } from './pod-events.ts';
import {
  budget,
  GIB,
  group,
  node,
  pod,
  requests,
  SCHEDULER_OPTIONS,
  selector,
  taint,
  template,
} from './scheduler.fixtures.ts';

const MIB = 2 ** 20;

/** Size and activity of the life. */
export interface LifeOptions {
  readonly nodes: number;
  readonly pods: number;
  readonly groups: number;
  /** Templates are drawn again all the time: as many shapes as pods. */
  readonly freshShapes: boolean;
  /** Groups have priorities, policies and modes of disruption, which change. Absent: false. */
  readonly groupTerms?: boolean;
}

/** Pods that compete in every way. */
function templates(): PodTemplate[] {
  const app = (name: string) => ({ labels: { app: name } });
  const onZone = {
    topologyKey: 'zone',
    selector: selector('app', 'a'),
    namespaces: ['default'],
    namespaceSelector: undefined,
  };
  const onHost = { ...onZone, topologyKey: 'kubernetes.io/hostname' };
  const spread = {
    topologyKey: 'zone',
    maxSkew: 1,
    hard: true,
    selector: selector('app', 'c'),
    minDomains: 0,
    honorNodeAffinity: true,
    honorNodeTaints: false,
  };
  return [
    template({ ...app('a'), requests: requests(500, GIB) }),
    template({ ...app('b'), requests: requests(1500, 3 * GIB + 1) }),
    template({ ...app('c'), requests: requests(250, 100 * MIB), spread: [spread] }),
    template({ ...app('d'), requests: requests(1000, GIB, { 'nvidia.com/gpu': 1 }) }),
    template({ ...app('d'), requests: requests(2000, GIB, { 'nvidia.com/gpu': 2, 'example.com/nic': 1 }) }),
    template({ ...app('a'), requests: requests(100), antiAffinity: [onHost] }),
    template({ ...app('e'), requests: requests(100), antiAffinity: [onZone] }),
    template({ ...app('f'), requests: requests(100), affinity: [onZone] }),
    template({ ...app('g'), requests: requests(300), nodeSelector: { disk: 'ssd' } }),
    template({ ...app('g'), requests: requests(300), hostPorts: [{ ip: '', protocol: 'TCP', port: 80 }] }),
    template({ ...app('b'), requests: requests(3000, GIB), preemptionPolicy: 'Never' }),
    template({ ...app('h'), requests: requests(99_000) }),
    template({
      ...app('h'),
      requests: requests(500),
      tolerations: [{ key: 'dedicated', operator: 'Exists', value: '', effect: '' }],
    }),
    template({
      ...app('i'),
      requests: requests(200),
      preferredNodeTerms: [
        { weight: 5, term: { expressions: [{ key: 'disk', operator: 'Exists', values: [] }], fields: [] } },
      ],
      spread: [{ ...spread, hard: false, selector: selector('app', 'i') }],
    }),
    template({ ...app('j'), unsupported: ['dynamic resource claims (spec.resourceClaims)'] }),
    template({ requests: requests(0) }),
    template({ ...app('k'), requests: requests(500), claims: ['data'] }),
  ];
}

/** A cluster's life. */
export class RandomLife {
  private readonly random: Random;
  private readonly size: LifeOptions;
  private readonly shapes = templates();
  private readonly nodes = new Map<string, NodeDescription>();
  private readonly pods = new Map<string, PodDescription>();
  private readonly groups = new Set<string>();
  /** Unanswered bindings and evictions. */
  private readonly open: PodEffect[] = [];
  /** Uids of ended pods whose objects still exist. */
  private readonly ended: string[] = [];
  private named = 0;
  timeSeconds = 0;

  constructor(seed: number, size: LifeOptions) {
    this.random = new Random(seed);
    this.size = size;
  }

  /** Takes the scheduler's effects. */
  take(effects: readonly PodEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'bind' || effect.kind === 'evict' || effect.kind === 'nominate') {
        this.open.push(effect);
      }
      if (effect.kind === 'gang-release') {
        for (const uid of effect.uids) {
          const known = this.pods.get(uid);
          if (known !== undefined) this.pods.set(uid, { ...known, deleting: true });
        }
      }
    }
  }

  /** @returns The next event. */
  next(): PodEvent {
    this.timeSeconds += this.random.nextFloat() * (this.draw(50) === 0 ? 20 : 0.2);
    if (this.open.length > 0 && this.draw(3) > 0) return this.answer();
    if (this.draw(3) === 0) return { kind: 'decide', max: 1 + this.draw(8) };
    const what = this.draw(100);
    if (what < 12) return this.nodeEvent();
    if (what < 16) return this.groupEvent();
    if (what < 19) return this.otherEvent();
    if (this.pods.size < this.size.pods && what < 75) return this.newPod();
    return this.podEvent();
  }

  private draw(n: number): number {
    return this.random.nextInt(n);
  }

  private pick<T>(from: Iterable<T>): T | undefined {
    const all = [...from];
    return all[this.draw(Math.max(1, all.length))];
  }

  /** Outcome of a binding, an eviction or a nomination. */
  private answer(): PodEvent {
    const [effect] = this.open.splice(this.draw(this.open.length), 1) as [PodEffect];
    if (effect.kind === 'evict') {
      const known = this.pods.get(effect.uid);
      if (this.draw(8) === 0) return { kind: 'evict-done', uid: effect.uid, done: false };
      if (known !== undefined) this.pods.set(effect.uid, { ...known, deleting: true, preempted: true });
      return { kind: 'evict-done', uid: effect.uid, done: true };
    }
    if (effect.kind === 'nominate') return this.nominated(effect);
    if (effect.kind !== 'bind') throw new Error('no answer is due');
    return { kind: 'bind-done', uid: effect.uid, outcome: this.bind(effect.uid, effect.node) };
  }

  /** A status as it was written, unless others wrote meanwhile. */
  private nominated({ uid, node: nominatedNodeName, was }: NominateEffect): PodEvent {
    const known = this.pods.get(uid);
    if (known === undefined) return { kind: 'decide', max: 1 };
    const isOurs = nominatedNodeName !== '' || known.nominatedNodeName === was;
    if (isOurs) this.pods.set(uid, { ...known, nominatedNodeName });
    return { kind: 'pod', pod: this.pods.get(uid) as PodDescription };
  }

  private bind(uid: string, nodeName: string): BindOutcome {
    const known = this.pods.get(uid);
    if (known === undefined) return 'gone';
    if (known.nodeName !== '') return 'conflict';
    const luck = this.draw(30);
    if (luck === 0) return 'failed';
    if (luck === 1) return 'no-node';
    this.pods.set(uid, { ...known, nodeName, startedSeconds: this.timeSeconds });
    return 'bound';
  }

  private nodeEvent(): PodEvent {
    const known = this.pick(this.nodes.keys());
    if (known !== undefined && this.draw(3) === 0) {
      this.nodes.delete(known);
      return { kind: 'node-gone', name: known };
    }
    const name =
      known !== undefined && this.nodes.size >= this.size.nodes
        ? known
        : `node-${this.draw(2 * this.size.nodes)}`;
    const gpus = [0, 0, 2, 4][this.draw(4)] as number;
    const extended: Record<string, number> = gpus > 0 ? { 'nvidia.com/gpu': gpus } : {};
    if (this.draw(3) === 0) extended['example.com/nic'] = 1;
    const description = node(name, {
      cpuMilli: [0, 1000, 2000, 4000, 4000, 4000][this.draw(6)] as number,
      memoryBytes: [GIB, 8 * GIB, 8 * GIB + 12_345][this.draw(3)] as number,
      podsMax: [3, 10, 110][this.draw(3)] as number,
      labels: {
        ...(this.draw(5) > 0 ? { zone: `z${this.draw(3)}` } : {}),
        ...(this.draw(2) === 0 ? { disk: 'ssd' } : {}),
        ...(gpus > 0 ? { 'nvidia.com/gpu.product': 'T4' } : {}),
      },
      taints: this.draw(6) === 0 ? [taint('dedicated')] : [],
      unschedulable: this.draw(12) === 0,
      extended,
    });
    this.nodes.set(name, description);
    return { kind: 'node', node: description };
  }

  private groupEvent(): PodEvent {
    const name = `g${this.draw(this.size.groups)}`;
    const description = group(name, 1 + this.draw(5), {
      topologyKeys: this.draw(3) === 0 ? ['zone'] : [],
      ...(this.size.groupTerms === true ? this.terms() : {}),
      unsupported: this.draw(12) === 0 ? ['a mode of disruption'] : [],
    });
    if (this.groups.has(description.key) && this.draw(4) === 0) {
      this.groups.delete(description.key);
      return { kind: 'group-gone', key: description.key };
    }
    this.groups.add(description.key);
    return { kind: 'group', group: description };
  }

  private terms(): Partial<PodGroupDescription> {
    return {
      ...(this.draw(2) === 0 ? { priority: this.draw(4) * 5 } : {}),
      ...(this.draw(4) === 0 ? { preemptionPolicy: 'Never' } : {}),
      ...(this.draw(2) === 0 ? { disruption: 'all' } : {}),
    };
  }

  private otherEvent(): PodEvent {
    switch (this.draw(6)) {
      case 0:
        return { kind: 'budget-gone', key: 'default/b' };
      case 1:
        return { kind: 'budget', budget: budget('b', selector('app', 'a'), this.draw(3)) };
      case 2:
        return { kind: 'namespace', name: 'default', labels: { team: `${this.draw(2)}` } };
      case 3:
        return { kind: 'claim-gone', key: 'default/data' };
      case 4: {
        const key = 'default/data';
        const bound = { volumeName: '', className: 'local', bound: false, unusable: false, selectedNode: '' };
        return {
          kind: 'claim',
          claim: { key, uid: 'data', ...bound, accessModes: ['ReadWriteOnce'], bytes: 1 },
        };
      }
      default:
        return {
          kind: 'storage-class',
          storageClass: {
            name: 'local',
            waitForFirstConsumer: true,
            provisioner: 'example.com/csi',
            allowedTopologies: undefined,
          },
        };
    }
  }

  private newPod(): PodEvent {
    const uid = `p${this.named++}`;
    const of = this.shapeOf();
    const theirs = this.draw(6) === 0;
    const nodeName = theirs ? `node-${this.draw(2 * this.size.nodes)}` : '';
    const made = pod(uid, of, {
      ours: !theirs,
      nodeName,
      priority: [0, 0, 0, 5, 10][this.draw(5)] as number,
      createdSeconds: Math.floor(this.timeSeconds),
      gates: this.draw(10) === 0 ? ['a-gate'] : [],
      group: this.draw(3) === 0 ? `core:default/g${this.draw(this.size.groups)}` : '',
      nominatedNodeName: this.draw(12) === 0 ? `node-${this.draw(2 * this.size.nodes)}` : '',
      tenant: `team-${this.named % 4}`,
    });
    this.pods.set(uid, made);
    return { kind: 'pod', pod: made };
  }

  private shapeOf(): PodTemplate {
    const of = this.shapes[this.draw(this.shapes.length)] as PodTemplate;
    if (!this.size.freshShapes) return of;
    const resource = `example.com/r${this.named}`;
    return {
      ...of,
      labels: { ...of.labels, run: `${this.named}` },
      requests: requests(1 + this.draw(1500), this.draw(GIB), this.draw(20) === 0 ? { [resource]: 1 } : {}),
    };
  }

  /** A known pod proceeds: ends, goes, loses its gates, is bound by another scheduler, or is reported once more. */
  private podEvent(): PodEvent {
    if (this.ended.length > 0 && this.draw(4) === 0) {
      return { kind: 'ended-gone', uid: this.ended.shift() as string };
    }
    const known = this.pick(this.pods.values());
    if (known === undefined) return { kind: 'decide', max: 10 };
    const { uid } = known;
    const what = this.draw(12);
    if (what < 3) {
      this.pods.delete(uid);
      return { kind: 'pod-gone', uid };
    }
    if (what === 3) {
      this.pods.delete(uid);
      this.ended.push(uid);
      return { kind: 'pod', pod: { ...known, ended: true } };
    }
    // An update from before the binding.
    if (what === 4) return { kind: 'pod', pod: { ...known, nodeName: known.ours ? '' : known.nodeName } };
    const changed = this.changed(known, what);
    this.pods.set(uid, changed);
    return { kind: 'pod', pod: changed };
  }

  private changed(known: PodDescription, what: number): PodDescription {
    if (what === 5) return { ...known, gates: [] };
    if (what === 6) return { ...known, deleting: true };
    if (what === 7 && known.nodeName === '')
      return { ...known, nodeName: `node-${this.draw(2 * this.size.nodes)}` };
    if (what === 8) {
      const tenant = `team-${this.size.freshShapes ? this.named : known.uid.length % 4}`;
      return { ...known, tenant, template: { ...known.template, labels: { app: 'a' } } };
    }
    if (what === 9)
      return { ...known, group: known.group === '' ? '' : `core:default/g${this.draw(this.size.groups)}` };
    if (what === 10) {
      // Others nominate it, or withdraw that.
      const at = `node-${this.draw(2 * this.size.nodes)}`;
      return { ...known, nominatedNodeName: this.draw(3) === 0 ? '' : at };
    }
    return known;
  }
}

/** Options that differ with the seed. */
export function randomOptions(seed: number): PodSchedulerOptions {
  return {
    ...SCHEDULER_OPTIONS,
    seed,
    zoneLabel: ['', 'zone', 'disk'][seed % 3] as string,
    zoneNodesMax: [2, 1000][seed % 2] as number,
    waitingPodsMax: [100_000, 12][(seed >> 1) % 2] as number,
    gangRepairSeconds: [2, 60, 0][seed % 3] as number,
    gangSearchChecksMax: [20_000, 50, 0][seed % 3] as number,
    preemption: seed % 5 > 0,
    renewalSeconds: [300, 15, 0][seed % 3] as number,
  };
}
