/** A node of simulated groups under a guard: what the driver does on a machine, in simulated time. */
import { type GuardCommand, GuardCore, type GuardStep } from './guard-core.ts';
import type { GuardOptions } from './guard-options.ts';
import { SimulatedCgroups, type SimulatedGroup } from './simulated-cgroups.fixtures.ts';

const MIB = 1024 * 1024;
/** MiB/s that the kernel lets pass beyond a soft limit; measured: 1.5. */
const SLOW_RATE = 1.5;
const UNTHROTTLED = { canThrottle: false, high: Number.POSITIVE_INFINITY };

/** A group of the world. */
export interface WorldMember {
  readonly path: string;
  readonly priority: number;
  readonly gang?: string;
  readonly optedIn: boolean;
  limit: number;
  /** The guard may set its soft limit. */
  canThrottle: boolean;
  /** Soft limit of others, MiB. */
  high: number;
  /** MiB/s that it grows at while it runs; negative: gives back. */
  rate: number;
}

/** The node. MiB, seconds. */
export class GuardWorld {
  readonly core: GuardCore;
  readonly groups = new SimulatedCgroups();
  readonly members = new Map<string, WorldMember>();
  /** Frozen by the guard. */
  readonly ours = new Set<string>();
  wall: number;
  time = 0;
  private readonly freezeSeconds: number;
  private readonly frozenAt = new Map<string, number>();

  constructor(options: GuardOptions, wall: number) {
    this.core = new GuardCore(options);
    this.wall = wall;
    this.freezeSeconds = options.airlock.freezeSeconds;
  }

  add(member: Partial<WorldMember> & { readonly path: string }): WorldMember {
    const whole = {
      priority: 0,
      optedIn: true,
      limit: Number.POSITIVE_INFINITY,
      rate: 0,
      ...UNTHROTTLED,
      ...member,
    };
    this.groups.create(whole.path).processes = 1;
    this.members.set(whole.path, whole);
    return whole;
  }

  remove(path: string): void {
    this.groups.remove(path);
    this.members.delete(path);
    this.ours.delete(path);
  }

  group(path: string): SimulatedGroup {
    return this.groups.at(path);
  }

  usage(path: string): number {
    return this.group(path).anonymous / MIB;
  }

  get used(): number {
    let sum = 0;
    for (const path of this.members.keys()) sum += this.usage(path);
    return sum;
  }

  /** Reads, decides, acts; then time passes until the next tick. */
  tick(): GuardStep {
    const samples = [...this.members.values()].map((member) => ({
      ...member,
      usage: this.usage(member.path),
      stalled: this.isSlow(member.path) && member.rate > 0 ? 0.63 : 0,
      isFrozen: this.ours.has(member.path) && this.isStill(member.path),
      isForeign: this.group(member.path).isFreezeAsked && !this.ours.has(member.path),
    }));
    const step = this.core.step({ wall: this.wall, others: 0, groups: samples }, this.time);
    for (const command of step.commands) this.carryOut(command);
    this.pass(step.nextSeconds);
    return step;
  }

  /** @returns True if nothing of the group moves: a freeze takes its time. */
  isStill(path: string): boolean {
    const { isFreezeAsked, isStubborn } = this.group(path);
    return isFreezeAsked && !isStubborn && this.time - (this.frozenAt.get(path) ?? 0) >= this.freezeSeconds;
  }

  /** @returns True at its soft limit, the guard's or the one of others. */
  isSlow(path: string): boolean {
    return this.usage(path) >= this.high(path);
  }

  /** MiB. */
  high(path: string): number {
    return Math.min(this.group(path).limits.high / MIB, this.members.get(path)?.high ?? Number.NaN);
  }

  private carryOut(command: GuardCommand): void {
    const { kind, group: path } = command;
    const group = this.group(path);
    if (kind === 'soften') group.limits = { ...group.limits, high: command.high * MIB };
    if (kind === 'freeze') {
      this.ours.add(path);
      group.isFreezeAsked = true;
      this.frozenAt.set(path, this.time);
    }
    if (kind === 'thaw' && this.ours.delete(path)) group.isFreezeAsked = false;
    if (kind === 'kill') {
      group.anonymous = 0;
      group.processes = 0;
    }
  }

  /** A group that is about to freeze runs until it stands still. */
  pass(seconds: number): void {
    for (const { path, rate } of this.members.values()) {
      const group = this.group(path);
      const isAsked = group.isFreezeAsked && !group.isStubborn;
      const left = (this.frozenAt.get(path) ?? Number.NEGATIVE_INFINITY) + this.freezeSeconds - this.time;
      const runs = isAsked ? Math.min(Math.max(left, 0), seconds) : seconds;
      const free = Math.max(this.high(path) - this.usage(path), 0);
      const grown = Math.min(rate * runs, free + SLOW_RATE * runs);
      group.anonymous = Math.max(group.anonymous + grown * MIB, 0);
    }
    this.time += seconds;
  }
}
