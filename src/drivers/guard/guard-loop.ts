/**
 * The loop of the guard: reads, decides, acts; all of it synchronous, and then a timer. What may wait (looking for groups, syncing
 * the journal) is done between ticks.
 *
 * A process with SCHED_FIFO must not spin: whether a freeze holds is seen at the next tick, a millisecond later.
 */
import { type GuardCommand, GuardCore, type GuardStep } from '../../guard/node/guard-core.ts';
import type { GuardOptions } from '../../guard/node/guard-options.ts';
import type { GroupTable, OpenGroup } from './group-table.ts';
import type { GuardEvents } from './guard-events.ts';
import type { JournalFile } from './journal-file.ts';
import { TickTimes } from './tick-times.ts';
import type { WallReader } from './wall-reader.ts';

/** Time between two looks for new groups, foreign freezes and limits. */
const REFRESH_SECONDS = 0.25;
/** A short freeze is reported if the group had none for so long: there can be a hundred in a second. */
const HOLD_QUIET_SECONDS = 5;
const RECLAIM_BYTES = 64 * 1024 * 1024;

/** What a loop works on. */
export interface GuardLoopOptions {
  readonly options: GuardOptions;
  readonly table: GroupTable;
  readonly wall: WallReader;
  readonly events: GuardEvents;
  /** Undefined: a dry run, which changes nothing. */
  readonly journal: JournalFile | undefined;
  /** Called if a tick throws: a bug; the loop has stopped. */
  readonly onBroken: (error: unknown) => void;
}

/** The loop. Single writer of its groups. */
export class GuardLoop {
  readonly core: GuardCore;
  readonly ticks = new TickTimes();
  /** Writes that freeze and thaw, µs; and from the write until the group is seen to stand still, which is looked for once a tick. */
  readonly actions = { freeze: new TickTimes(), stand: new TickTimes(), thaw: new TickTimes() } as const;
  private readonly awaited = new Map<OpenGroup, number>();
  private readonly given: GuardLoopOptions;
  private readonly heldAt = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;
  private refreshedAt = Number.NEGATIVE_INFINITY;
  private plannedAt = Number.NaN;
  private wasExhausted = false;
  private last: (GuardStep & { readonly wall: number; readonly others: number }) | undefined;

  constructor(given: GuardLoopOptions) {
    this.given = given;
    this.core = new GuardCore(given.options);
  }

  /** The last tick's answer. */
  get step(): (GuardStep & { readonly wall: number; readonly others: number }) | undefined {
    return this.last;
  }

  /** Seconds of the loop's clock. */
  now(): number {
    return performance.now() / 1000;
  }

  /** Looks for groups, and begins with a tick. */
  start(): void {
    this.refresh();
    this.run();
  }

  /** Has the next tick now: what a person asks for does not wait for it. */
  soon(): void {
    if (this.isStopped) return;
    clearTimeout(this.timer);
    this.plannedAt = this.now();
    this.timer = setTimeout(() => this.run(), 0);
  }

  /** Stops it; what is frozen stays so until `restore`. */
  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  /** Gives back the limits that this guard set, and thaws everything that it froze. */
  restore(): void {
    const { table, journal } = this.given;
    for (const group of table.groups) {
      // Limits first: what runs into a limit is better held.
      if (journal !== undefined) group.soft.restore(journal);
      if (group.isOurs) this.thaw(group, this.now());
    }
  }

  private run(): void {
    if (this.isStopped) return;
    try {
      const seconds = this.tick();
      this.plannedAt = this.now() + seconds;
      // Whole milliseconds is what timers have.
      this.timer = setTimeout(() => this.run(), Math.max(Math.floor(seconds * 1000), 1));
      if (this.now() - this.refreshedAt >= REFRESH_SECONDS) setImmediate(() => this.lookAround());
    } catch (error) {
      this.break(error);
    }
  }

  /** What takes longer than a tick may, in the time between two of them. */
  private lookAround(): void {
    if (this.isStopped) return;
    try {
      this.refresh();
      this.given.journal?.settle();
    } catch (error) {
      this.break(error);
    }
  }

  private break(error: unknown): void {
    this.stop();
    this.given.onBroken(error);
  }

  /** @returns Seconds until the next one. */
  private tick(): number {
    const { options, table, wall, journal } = this.given;
    const time = this.now();
    const groups = table.sample(time, journal !== undefined);
    this.seeStanding();
    const used = groups.reduce((sum, group) => sum + group.usage, 0);
    const node = { wall: wall.wall(), others: wall.others(used, time) };
    const step = this.core.step({ ...node, groups }, time);
    for (const command of step.commands) this.carryOut(command, time);
    this.last = { ...step, ...node };
    this.report(step);
    const late = Number.isNaN(this.plannedAt) ? 0 : Math.max(time - this.plannedAt, 0);
    this.ticks.add((this.now() - time) * 1e6, late * 1e6);
    // Whether a freeze holds is seen by the next tick.
    return this.awaited.size > 0 ? Math.min(step.nextSeconds, options.tickSecondsMin) : step.nextSeconds;
  }

  private seeStanding(): void {
    for (const [group, since] of this.awaited) {
      if (group.isOurs && group.isStill) this.actions.stand.add(microsSince(since), 0);
      if (!group.isOurs || group.isStill) this.awaited.delete(group);
    }
  }

  private refresh(): void {
    const time = this.now();
    this.refreshedAt = time;
    for (const { event, ...details } of this.given.table.refresh()) this.given.events.add(event, details);
    for (const group of this.given.table.groups) this.checkOwn(group, time);
  }

  /** Somebody thawed what the guard froze: that is respected. */
  private checkOwn(group: OpenGroup, time: number): void {
    const { journal, events } = this.given;
    if (group.soft.look(time, journal)) events.add('memory.high set by others', { group: group.handle.path });
    if (journal === undefined || !group.isOurs || group.handle.isFreezeAsked()) return;
    this.core.thawByHand(group.handle.path, time);
    events.add('thawed by others', { group: group.handle.path });
  }

  private carryOut(command: GuardCommand, time: number): void {
    const group = this.given.table.get(command.group);
    if (group === undefined) return;
    if (command.kind === 'freeze') this.freeze(group, command.cause, time);
    else if (command.kind === 'thaw') this.thaw(group, time);
    else if (command.kind === 'soften') this.soften(group, command.high);
    else this.ask(group, command.kind);
  }

  private freeze(group: OpenGroup, cause: string, time: number): void {
    const { journal, events } = this.given;
    const { path, identity } = group.handle;
    if (journal !== undefined) {
      // Frozen by somebody else since the last look: it stands still, and is not ours to thaw.
      if (group.handle.isFreezeAsked()) {
        group.isForeign = true;
        return;
      }
      journal.append({ op: 'freeze', group: path, identity });
      const began = performance.now();
      if (!group.handle.freeze()) return;
      this.actions.freeze.add(microsSince(began), 0);
      this.awaited.set(group, began);
    }
    group.isOurs = true;
    group.isStill = false;
    group.frozenAt = time;
    if (cause === 'line') group.holds++;
    else group.freezes++;
    const isLoud =
      cause !== 'line' || time - (this.heldAt.get(path) ?? Number.NEGATIVE_INFINITY) > HOLD_QUIET_SECONDS;
    if (cause === 'line') this.heldAt.set(path, time);
    if (isLoud) events.add(cause === 'line' ? 'held' : 'frozen', this.facts(path));
  }

  private thaw(group: OpenGroup, time: number): void {
    const { journal, events } = this.given;
    const { path, identity } = group.handle;
    if (!group.isOurs) return;
    const seconds = time - group.frozenAt;
    group.frozenSeconds += seconds;
    group.isOurs = false;
    group.frozenAt = Number.NaN;
    if (journal !== undefined) {
      const began = performance.now();
      group.handle.thaw();
      this.actions.thaw.add(microsSince(began), 0);
      journal.append({ op: 'thaw', group: path, identity });
    }
    if (seconds > 1 || !this.heldAt.has(path)) events.add('thawed', { ...this.facts(path), seconds });
  }

  private soften(group: OpenGroup, high: number): void {
    const { journal, events } = this.given;
    if (journal === undefined) return;
    const was = group.soft.setMib;
    const done = group.soft.set(high, group.usage.cache, journal);
    const is = group.soft.setMib;
    if (!done) events.add('memory.high failed', { group: group.handle.path });
    else if ((was === undefined) !== (is === undefined))
      events.add(is === undefined ? 'memory.high restored' : 'memory.high set', {
        group: group.handle.path,
        mib: is,
      });
  }

  private ask(group: OpenGroup, kind: 'move' | 'reclaim' | 'kill'): void {
    const { journal, events } = this.given;
    events.add(kind, this.facts(group.handle.path));
    if (journal === undefined || kind === 'move') return;
    const done = kind === 'kill' ? group.handle.kill() : group.handle.reclaim(RECLAIM_BYTES);
    if (!done) events.add(`${kind} failed`, { group: group.handle.path });
  }

  private facts(group: string): Record<string, unknown> {
    return this.given.journal === undefined ? { group, dryRun: true } : { group };
  }

  private report(step: GuardStep): void {
    const { events } = this.given;
    for (const { unit, from, to, reason } of step.changes) events.add('state', { unit, from, to, reason });
    for (const { group, what } of step.notes) events.add(what, { group });
    if (step.exhausted !== this.wasExhausted) {
      this.wasExhausted = step.exhausted;
      if (step.exhausted) events.add('exhausted', { headroomMib: step.headroom });
    }
  }
}

function microsSince(began: number): number {
  return (performance.now() - began) * 1000;
}
