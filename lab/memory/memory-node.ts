/**
 * A node whose jobs together may want more memory than it has, second by second, under one of several laws.
 *
 * Every law stands before the same kernel, which kills when usage passes the capacity. A job makes progress as far as it gets the
 * memory that it needs next: with half of it, half a second in a second. Nothing is known of processors: those that a frozen job
 * leaves to others speed nobody up.
 */
import { Airlock } from '../../src/guard/airlock/airlock.ts';
import { AIRLOCK_DEFAULTS, type AirlockOptions } from '../../src/guard/airlock/airlock-options.ts';
import { type MemoryJob, neededMib } from './memory-jobs.ts';

/** MiB of a node that jobs may use. */
export const NODE_MIB = 262_144;

/**
 * What keeps a node from running out. `airlock-stay`: no job is moved, a freeze of 60 s ends with a thaw; `airlock-silent`: jobs
 * are moved, but the scheduler does not learn of shortages.
 */
export const MEMORY_LAWS = ['kernel', 'eviction', 'airlock-stay', 'airlock-silent', 'airlock'] as const;
/** One of them. */
export type MemoryLaw = (typeof MEMORY_LAWS)[number];

/** A job and how far it is. */
export interface LiveJob {
  readonly spec: MemoryJob;
  /** Number with its zone; another one after each move or loss. */
  id: number;
  progress: number;
  usage: number;
  /** True: it was moved, and reads its memory back before it goes on. */
  isRestoring: boolean;
}

/** A job on a node. */
interface Resident {
  readonly live: LiveJob;
  readonly name: string;
  readonly since: number;
  frozen: boolean;
  /** MiB in this second; Infinity: no limit. */
  grant: number;
  /** MiB/s in the last second. */
  growth: number;
  /** When its move is done; NaN: it does not move. */
  movedAt: number;
}

/** What happened in a second. */
export interface NodeSecond {
  readonly finished: LiveJob[];
  /** Killed by the kernel, or evicted: their progress is lost. */
  readonly killed: LiveJob[];
  readonly evicted: LiveJob[];
  /** Left with their progress. */
  readonly moved: LiveJob[];
}

/** The airlock at one tick a second. */
const AIRLOCK: AirlockOptions = {
  ...AIRLOCK_DEFAULTS,
  growth: { lagSeconds: 0, tickSeconds: 1, staleSeconds: 0, deadSeconds: 0, rateMax: 4096, margin: 256 },
  freezeSeconds: 0,
  shortBelow: 4096,
  amplyAbove: 8192,
  thawSeconds: 1,
  escalations: ['move', 'thaw'],
};
/** Kubelet: looks every 10 s, evicts one pod below this much, and says so for five minutes more. */
const EVICTION_SECONDS = 10;
const EVICTION_MIB = 0.02 * NODE_MIB;
const PRESSURE_SECONDS = 300;
/** A checkpoint is written, and read back, at this rate. */
const MOVE_MIB_PER_SECOND = 1024;

/** One node. */
export class MemoryNode {
  /** True while it reports that it is short. */
  isShort = false;
  /** Seconds in which a job was frozen, and those of progress that jobs on it missed in any way. */
  frozenSeconds = 0;
  missedSeconds = 0;
  private readonly law: MemoryLaw;
  private readonly airlock: Airlock;
  private residents: Resident[] = [];
  private pressureUntil = Number.NEGATIVE_INFINITY;

  constructor(law: MemoryLaw) {
    this.law = law;
    this.airlock = new Airlock(law === 'airlock-stay' ? { ...AIRLOCK, escalations: ['thaw'] } : AIRLOCK);
  }

  get usage(): number {
    return this.residents.reduce((sum, { live }) => sum + live.usage, 0);
  }

  get jobs(): readonly LiveJob[] {
    return this.residents.map(({ live }) => live);
  }

  /** A job starts here. */
  add(live: LiveJob, time: number): void {
    const name = `job-${live.id}`;
    const grant = Number.POSITIVE_INFINITY;
    this.residents.push({ live, name, since: time, frozen: false, grant, growth: 0, movedAt: Number.NaN });
  }

  /** One second. */
  step(time: number): NodeSecond {
    const second: NodeSecond = { finished: [], killed: [], evicted: [], moved: [] };
    if (this.law !== 'kernel' && this.law !== 'eviction') this.applyAirlock(time);
    for (const resident of this.residents) this.advance(resident, time, second);
    while (this.usage > NODE_MIB) second.killed.push(this.remove(this.worst(oomScore)));
    if (this.law === 'eviction' && time % EVICTION_SECONDS === 0) this.evict(time, second);
    return second;
  }

  private applyAirlock(time: number): void {
    const { usage } = this;
    const isCalm = !this.isShort && usage + 2 * AIRLOCK.amplyAbove < NODE_MIB;
    // Without shortage there is no limit, and nothing to thaw.
    if (isCalm && !this.residents.some(({ frozen }) => frozen)) return;
    const groups = this.residents.map(({ live, name, since, growth }) => ({
      name,
      usage: live.usage,
      growth,
      wants: neededMib(live.spec, live.progress + 1) > live.usage,
      priority: -since,
      optedIn: true,
    }));
    const answer = this.airlock.step({ wall: NODE_MIB, others: 0, groups }, time);
    this.isShort = answer.isShort;
    const byName = new Map(this.residents.map((resident) => [resident.name, resident]));
    for (const effect of answer.effects) {
      const resident = byName.get(effect.group) as Resident;
      if (effect.kind === 'grant') resident.grant = effect.rate;
      else if (effect.kind === 'move') {
        resident.movedAt = time + Math.ceil(resident.live.usage / MOVE_MIB_PER_SECOND);
      } else resident.frozen = effect.kind === 'freeze';
    }
  }

  private advance(resident: Resident, time: number, second: NodeSecond): void {
    const { live } = resident;
    if (resident.frozen) {
      resident.growth = 0;
      this.frozenSeconds++;
      this.missedSeconds++;
      if (time >= resident.movedAt) second.moved.push(this.remove(resident));
      return;
    }
    if (live.isRestoring) {
      this.restore(resident);
      return;
    }
    const wanted = neededMib(live.spec, live.progress + 1) - live.usage;
    const grown = Math.min(wanted, resident.grant);
    const part = wanted <= 0 ? 1 : grown / wanted;
    live.usage += grown;
    live.progress += part;
    resident.growth = Math.max(grown, 0);
    this.missedSeconds += 1 - part;
    if (live.progress >= live.spec.workSeconds) second.finished.push(this.remove(resident));
  }

  /** Memory that comes back is growth like any other: it is granted or not. */
  private restore(resident: Resident): void {
    const { live, grant } = resident;
    const left = neededMib(live.spec, live.progress) - live.usage;
    const grown = Math.min(left, grant, MOVE_MIB_PER_SECOND);
    live.usage += grown;
    live.isRestoring = grown < left;
    resident.growth = grown;
    this.missedSeconds++;
  }

  private evict(time: number, second: NodeSecond): void {
    if (NODE_MIB - this.usage < EVICTION_MIB && this.residents.length > 0) {
      this.pressureUntil = time + PRESSURE_SECONDS;
      second.evicted.push(this.remove(this.worst(excessOverRequest)));
    }
    this.isShort = time < this.pressureUntil;
  }

  private worst(score: (live: LiveJob) => number): Resident {
    return this.residents.reduce((worst, each) => (score(each.live) > score(worst.live) ? each : worst));
  }

  private remove(resident: Resident): LiveJob {
    this.residents = this.residents.filter((each) => each !== resident);
    return resident.live;
  }
}

/** As the kernel's, with the adjustment that the kubelet gives to burstable pods. */
function oomScore({ usage, spec }: LiveJob): number {
  const adjustment = Math.min(Math.max(1000 - (1000 * spec.requestMib) / NODE_MIB, 2), 999);
  return (1000 * usage) / NODE_MIB + adjustment;
}

/** As the kubelet ranks pods of one priority: who exceeds its request by most goes first. */
function excessOverRequest({ usage, spec }: LiveJob): number {
  return usage - spec.requestMib;
}
