/**
 * Load for a leader that is killed: single pods and gangs of two teams, created and ended all the time. What is evicted comes back, as
 * with a Job's controller, so that a gang has all its pods, of which some, all or none are bound.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../src/kernel/random.ts';
import { boundAmong, type LivePod, type TestCluster } from './test-cluster.ts';

const GPU = 'nvidia.com/gpu';
/** Pods of a gang, all of which it needs. */
export const GANG = 4;
const GANGS_MAX = 3;
const STEP_MS = 30;

/** How much there is. */
export interface LeaderLoadOptions {
  readonly cluster: TestCluster;
  readonly random: Random;
  /** Tenants, each with a namespace of its name. */
  readonly teams: readonly string[];
  /** Most pods at a time, bound or not. */
  readonly podsMax: number;
  /** Single pods end only while more pods than this are bound. */
  readonly boundMin: number;
}

/** See the head of the file. */
export class LeaderLoad {
  /** Gangs that have not been ended, with their teams. */
  readonly gangs = new Map<string, string>();
  /** Gangs ended so far. */
  ended = 0;
  private readonly options: LeaderLoadOptions;
  private made = 0;
  private isOver = false;

  constructor(options: LeaderLoadOptions) {
    this.options = options;
  }

  /** Changes something every few hundredths of a second until `finish`. */
  async run(): Promise<void> {
    while (!this.isOver) {
      await this.step(await this.options.cluster.pods());
      await delay(STEP_MS);
    }
  }

  /** No more steps after the one under way. */
  finish(): void {
    this.isOver = true;
  }

  /** What was evicted of gangs comes back. @returns True if something had been. */
  async complete(pods: readonly LivePod[]): Promise<boolean> {
    let any = false;
    for (const [gang, team] of this.gangs) {
      for (let missing = GANG - this.membersOf(gang, pods).length; missing > 0; missing--) {
        await this.addPod(team, { schedulingGroup: { podGroupName: gang } });
        any = true;
      }
    }
    return any;
  }

  /** @returns Gangs of which some pods are bound, and fewer than it needs. */
  halves(pods: readonly LivePod[]): string[] {
    return [...this.gangs.keys()].filter((gang) => {
      const bound = boundAmong(this.membersOf(gang, pods)).length;
      return bound > 0 && bound < GANG;
    });
  }

  /** @returns Gangs of which no pod, or not every pod, is bound. */
  waiting(pods: readonly LivePod[]): string[] {
    return [...this.gangs.keys()].filter((gang) => boundAmong(this.membersOf(gang, pods)).length < GANG);
  }

  /** Ends all pods that are in no gang. */
  async removeSingles(): Promise<void> {
    const pods = await this.options.cluster.pods();
    await this.remove(pods.filter(({ spec }) => spec.schedulingGroup === undefined));
  }

  /** Adds single pods to each team. */
  async addSingles(count: number): Promise<void> {
    for (const team of this.options.teams) for (let i = 0; i < count; i++) await this.addPod(team);
  }

  /** @returns A gang's pods that stay. */
  membersOf(gang: string, pods: readonly LivePod[]): LivePod[] {
    return pods.filter(
      ({ metadata, spec }) =>
        spec.schedulingGroup?.podGroupName === gang && metadata.deletionTimestamp === undefined,
    );
  }

  private async step(pods: readonly LivePod[]): Promise<void> {
    const { random, teams, podsMax, boundMin } = this.options;
    const team = teams[random.nextInt(teams.length)] as string;
    await this.complete(pods);
    if (this.gangs.size < GANGS_MAX && pods.length + GANG <= podsMax) await this.addGang(team);
    else if (pods.length < podsMax) await this.addPod(team);
    const bound = boundAmong(pods);
    if (bound.length <= boundMin || random.nextInt(2) === 0) return;
    const victim = bound[random.nextInt(bound.length)] as LivePod;
    const gang = victim.spec.schedulingGroup?.podGroupName;
    // A gang that runs ends as a whole.
    if (gang === undefined) await this.remove([victim]);
    else if (!this.halves(pods).includes(gang) && this.gangs.delete(gang)) {
      this.ended++;
      await this.remove(this.membersOf(gang, pods));
    }
  }

  private async addGang(team: string): Promise<void> {
    const name = `g-${this.made++}`;
    await this.options.cluster.addGroup(team, name, GANG);
    this.gangs.set(name, team);
    for (let i = 0; i < GANG; i++) await this.addPod(team, { schedulingGroup: { podGroupName: name } });
  }

  private async addPod(namespace: string, more: object = {}): Promise<void> {
    const path = { namespace, name: `p-${this.made++}` };
    const amounts = { requests: { cpu: '1' }, limits: { [GPU]: '1' } };
    await this.options.cluster.addPod(path, amounts, { terminationGracePeriodSeconds: 0, ...more });
  }

  /** Those that were evicted meanwhile are gone. */
  private async remove(pods: readonly LivePod[]): Promise<void> {
    for (const { metadata } of pods) {
      const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
      await this.options.cluster.client.request({ method: 'DELETE', path });
    }
  }
}
