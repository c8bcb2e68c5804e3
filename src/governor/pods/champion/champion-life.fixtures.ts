/** A cluster in virtual time whose pods run exactly as long as they say, or longer, for tests of champions. */
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { TestCluster } from '../scheduler.fixtures.ts';
import type { PodChampion } from './pod-champions.ts';

/** When a champion was promised to start, and when it did. */
export interface KeptPromise {
  readonly key: string;
  readonly promisedSeconds: number;
  readonly startedSeconds: number;
}

/** Runs pods. Time advances from event to event. */
export class ChampionLife {
  readonly cluster = new TestCluster();
  readonly started = new Map<string, number>();
  readonly promises: KeptPromise[] = [];
  private readonly promised = new Map<string, number>();
  private readonly running: { readonly uid: string; readonly endSeconds: number }[] = [];
  private readonly pods = new Map<string, PodDescription>();
  private readonly trueSeconds: (pod: PodDescription) => number;

  /** @param trueSeconds How long a pod really runs; default: as long as it says. */
  constructor(trueSeconds: (pod: PodDescription) => number = (pod) => pod.expectedSeconds ?? 100) {
    this.trueSeconds = trueSeconds;
  }

  /** Pods arrive now. */
  add(...pods: readonly PodDescription[]): void {
    for (const pod of pods) {
      const arriving = { ...pod, createdSeconds: this.cluster.timeSeconds };
      this.pods.set(pod.uid, arriving);
      this.cluster.pods(arriving);
    }
  }

  /** Decides at every event until a time. */
  runUntil(untilSeconds: number): void {
    for (;;) {
      this.decide();
      const next = this.nextSeconds();
      if (next > untilSeconds) break;
      this.cluster.timeSeconds = next;
      this.endDue();
    }
    this.cluster.timeSeconds = Math.max(untilSeconds, this.cluster.timeSeconds);
  }

  /** The champions now. */
  champions(): readonly PodChampion[] {
    const champions: PodChampion[] = [];
    this.cluster.scheduler.internals.champions.forEach((champion) => {
      champions.push(champion);
    });
    return champions;
  }

  private nextSeconds(): number {
    const ends = this.running.map(({ endSeconds }) => endSeconds);
    return Math.min(...ends, Math.max(this.cluster.scheduler.dueSeconds, this.cluster.timeSeconds));
  }

  private decide(): void {
    const { cluster, pods } = this;
    const { timeSeconds: now } = cluster;
    for (const [uid] of Object.entries(cluster.settle())) {
      const pod = pods.get(uid) as PodDescription;
      cluster.update(uid, { startedSeconds: now });
      this.started.set(uid, now);
      this.running.push({ uid, endSeconds: now + this.trueSeconds(pod) });
      const key = pod.group === '' ? uid : pod.group;
      const promisedSeconds = this.promised.get(key);
      if (promisedSeconds === undefined) continue;
      this.promised.delete(key);
      this.promises.push({ key, promisedSeconds, startedSeconds: now });
    }
    for (const { key, promisedSeconds } of this.champions()) this.promised.set(key, promisedSeconds);
  }

  private endDue(): void {
    const { timeSeconds } = this.cluster;
    for (let i = this.running.length - 1; i >= 0; i--) {
      const { uid, endSeconds } = this.running[i] as { uid: string; endSeconds: number };
      if (endSeconds > timeSeconds) continue;
      this.running.splice(i, 1);
      this.cluster.update(uid, { ended: true });
    }
  }
}
