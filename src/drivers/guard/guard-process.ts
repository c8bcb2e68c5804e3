/** A guard put together: backend, groups, journal, watchdog, loop, socket, metrics. */

import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { guaranteeText } from '../../guard/barrier/growth-margin.ts';
import type { CgroupBackend } from '../../guard/node/cgroup-backend.ts';
import {
  faultOfBasics,
  type GuardBasics,
  guardBounds,
  guardOptions,
  headroomsOf,
} from '../../guard/node/guard-options.ts';
import { TegError } from '../../model/errors.ts';
import { ownCgroups } from './cgroup-mounts.ts';
import { type ControlRequest, ControlServer, controlPath } from './control-socket.ts';
import { plainFacts } from './group-rules.ts';
import { GroupTable } from './group-table.ts';
import type { GuardConfig } from './guard-config.ts';
import { type GuardEvent, GuardEvents } from './guard-events.ts';
import { GuardLoop } from './guard-loop.ts';
import { GuardMetrics } from './guard-metrics.ts';
import { type GuardStatus, groupStatuses } from './guard-status.ts';
import { GuardedPods } from './guarded-pods.ts';
import { JournalFile, readJournal } from './journal-file.ts';
import { type Privileges, takePrivileges } from './system-calls.ts';
import { undoJournal } from './undo-journal.ts';
import { WallReader } from './wall-reader.ts';
import { Watchdog } from './watchdog.ts';

/** MiB/s at which a processor can touch fresh memory, and a machine. Assumed; measured here: 1.4 to 2 GB/s for one. */
const RATE_PER_PROCESSOR = 2048;
const RATE_MAX = 16_384;

/** How to run. */
export interface GuardProcessOptions {
  readonly config: GuardConfig;
  readonly backend: CgroupBackend;
  /** False: decides and says what it would do. */
  readonly enforces: boolean;
  readonly onEvent: (event: GuardEvent) => void;
  readonly onBroken: (error: unknown) => void;
}

/** @returns The journal of a state folder. */
export function journalPath(stateFolder: string): string {
  return `${stateFolder}/journal`;
}

/** A running guard. */
export class GuardProcess {
  private readonly given: GuardProcessOptions;
  private readonly events: GuardEvents;
  private readonly table: GroupTable;
  private readonly wall: WallReader;
  private readonly loop: GuardLoop;
  private readonly pods: GuardedPods | undefined;
  private readonly journal: JournalFile | undefined;
  private readonly watchdog: Watchdog | undefined;
  private readonly privileges: Privileges;
  private readonly basics: GuardBasics;
  private readonly startedAt = performance.now();
  private readonly server: ControlServer;
  private metrics: GuardMetrics | undefined;

  private constructor(given: GuardProcessOptions, events: GuardEvents, server: ControlServer) {
    const { config, backend, enforces } = given;
    this.given = given;
    this.events = events;
    this.server = server;
    this.wall = new WallReader(config.wall, backend);
    this.privileges = enforces ? takePrivileges() : { isRealtime: false, faults: [] };
    this.basics = basicsOf(config, this.wall.wall(), this.privileges.isRealtime);
    const fault = faultOfBasics(this.basics);
    if (fault !== undefined)
      throw new TegError(
        'TEG_CONFIG_INVALID',
        `wall and headroom: got a wall of ${Math.round(this.basics.wall)} MiB; expected ${fault}`,
      );
    const path = journalPath(config.stateFolder);
    this.journal = enforces ? new JournalFile(path) : undefined;
    this.watchdog = enforces ? new Watchdog(path, (event, details) => events.add(event, details)) : undefined;
    this.pods = config.pods && new GuardedPods({ ...config.pods, backend, protectedPaths: ownCgroups() });
    this.table = new GroupTable(backend, config.groups, plainFacts(ownCgroups()), this.pods);
    const options = guardOptions(this.basics);
    const { table, wall, journal } = this;
    this.loop = new GuardLoop({ options, table, wall, events, journal, onBroken: given.onBroken });
  }

  /**
   * Starts a guard: first what a former one left is restored, then the watchdog has to be ready, then it acts.
   *
   * @throws TegError TEG_GUARD_RUNNING, TEG_GUARD_GROUP, TEG_CONFIG_INVALID.
   */
  static async start(given: GuardProcessOptions): Promise<GuardProcess> {
    const { config, backend, enforces } = given;
    const events = new GuardEvents(given.onEvent);
    mkdirSync(config.stateFolder, { recursive: true, mode: 0o700 });
    let guard: GuardProcess | undefined;
    const answer = (request: ControlRequest): unknown => guard?.answer(request);
    const server = await ControlServer.listen(controlPath(config.stateFolder), answer);
    try {
      const path = journalPath(config.stateFolder);
      if (enforces)
        for (const undone of undoJournal(path, backend)) events.add('restored at start', { ...undone });
      else if (readJournal(path).length > 0) events.add('a former guard left changes: teg guard undo');
      guard = new GuardProcess(given, events, server);
      const { metricsPort } = config;
      const status = (): GuardStatus => (guard as GuardProcess).status();
      if (metricsPort !== undefined) guard.metrics = await GuardMetrics.listen(metricsPort, status);
      await guard.watchdog?.start();
      await guard.pods?.start();
    } catch (error) {
      await server.close();
      throw error;
    }
    guard.announce();
    guard.loop.start();
    return guard;
  }

  /** Restores everything and ends. */
  async stop(): Promise<void> {
    this.pods?.stop();
    this.loop.stop();
    this.loop.restore();
    this.journal?.close();
    await this.watchdog?.stop();
    await this.server.close();
    await this.metrics?.close();
    this.table.close();
    this.wall.close();
    this.events.add('guard stopped');
  }

  /** The guard and its groups, now. */
  status(): GuardStatus {
    const { loop, privileges } = this;
    const { step } = loop;
    const { user, system } = process.cpuUsage();
    return {
      pid: process.pid,
      watchdogPid: this.watchdog?.pid,
      enforcing: this.given.enforces,
      backend: this.given.backend.kind,
      isRealtime: privileges.isRealtime,
      faults: privileges.faults,
      wallMib: step?.wall ?? Number.NaN,
      marginMib: headroomsOf(this.basics).margin,
      othersMib: step?.others ?? Number.NaN,
      headroomMib: step?.headroom ?? Number.NaN,
      isShort: step?.isShort ?? false,
      exhausted: step?.exhausted ?? false,
      tickMicros: loop.ticks.summary(),
      freezeMicros: loop.actions.freeze.summary(),
      standMicros: loop.actions.stand.summary(),
      thawMicros: loop.actions.thaw.summary(),
      cpuSeconds: (user + system) / 1e6,
      upSeconds: (performance.now() - this.startedAt) / 1000,
      groups: groupStatuses(loop, this.table),
      unusable: [...this.table.faults].map(([group, why]) => ({ group, why })),
    };
  }

  private announce(): void {
    const { enforces, backend } = this.given;
    this.events.add('guard started', {
      enforcing: enforces,
      backend: backend.kind,
      wallMib: this.basics.wall,
      realtime: this.privileges.isRealtime,
      metricsPort: this.metrics?.port,
      guarantee: guaranteeText(guardBounds(this.basics)),
    });
    for (const { what, why } of this.privileges.faults) this.events.add('not granted', { what, why });
  }

  private answer(request: ControlRequest): unknown {
    switch (request.op) {
      case 'status':
        return this.status();
      case 'events':
        return this.events.since(request.from ?? 0);
      case 'freeze':
        this.loop.core.freezeByHand(this.named(request.group));
        this.loop.soon();
        return {};
      case 'thaw':
        this.loop.core.thawByHand(this.named(request.group), this.loop.now());
        this.loop.soon();
        return {};
      case 'undo':
        for (const { handle } of this.table.groups) this.loop.core.thawByHand(handle.path, this.loop.now());
        this.loop.soon();
        return {};
    }
  }

  /** @throws TegError TEG_GUARD_GROUP. */
  private named(path = ''): string {
    const group = this.table.get(path);
    if (group?.config.optIn === true && group.refusal === undefined) return path;
    const why =
      group === undefined ? 'which is none of its groups' : (group.refusal ?? 'which did not opt in');
    throw new TegError(
      'TEG_GUARD_GROUP',
      `got the group '${path}', ${why}; expected one that the guard may act on: teg guard status lists them`,
    );
  }
}

function basicsOf(config: GuardConfig, wall: number, isRealtime: boolean): GuardBasics {
  const { headroom, growth, starvation } = config;
  return {
    wall,
    processors: availableParallelism(),
    isRealtime,
    rateMax: growth.rateMaxMibPerSecond ?? Math.min(RATE_PER_PROCESSOR * availableParallelism(), RATE_MAX),
    bypassRate: growth.bypassMibPerSecond,
    margin: headroom.marginMib,
    shortBelow: headroom.shortBelowMib,
    amplyAbove: headroom.amplyAboveMib,
    frozenSecondsMax: starvation.frozenSeconds,
    gangFrozenSecondsMax: starvation.gangFrozenSeconds,
    escalations: starvation.order,
    lastResort: starvation.lastResort,
  };
}
