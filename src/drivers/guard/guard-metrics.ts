/** Prometheus metrics of a guard, on a loopback port: the status, read at each scrape. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gauge, Registry } from 'prom-client';
import { TegError } from '../../model/errors.ts';
import type { GroupStatus, GuardStatus } from './guard-status.ts';

const MIB = 1024 * 1024;

/** Of the node: name, help, value. Counters of a status are gauges here: prom-client's counters cannot be set. */
const NODE: readonly (readonly [name: string, help: string, value: (status: GuardStatus) => number])[] = [
  ['teg_guard_enforcing', '1 if the guard acts, 0 in a dry run.', ({ enforcing }) => Number(enforcing)],
  ['teg_guard_realtime', '1 with SCHED_FIFO.', ({ isRealtime }) => Number(isRealtime)],
  ['teg_guard_wall_bytes', 'The wall.', ({ wallMib }) => wallMib * MIB],
  [
    'teg_guard_headroom_bytes',
    'Memory below the wall and its margin.',
    ({ headroomMib }) => headroomMib * MIB,
  ],
  ['teg_guard_short', '1 while memory is short.', ({ isShort }) => Number(isShort)],
  [
    'teg_guard_exhausted',
    '1 while nothing is left to do before the wall.',
    ({ exhausted }) => Number(exhausted),
  ],
  [
    'teg_guard_watchdog_up',
    '1 while there is a watchdog.',
    ({ watchdogPid }) => Number(watchdogPid !== undefined),
  ],
  ['teg_guard_ticks_total', 'Ticks since the start.', ({ tickMicros }) => tickMicros.count],
  [
    'teg_guard_tick_p99_seconds',
    '99th percentile of the latest ticks.',
    ({ tickMicros }) => tickMicros.p99 / 1e6,
  ],
];

/** Of a group. */
const GROUP: readonly (readonly [name: string, help: string, value: (group: GroupStatus) => number])[] = [
  ['teg_guard_group_usage_bytes', 'Memory without page cache.', ({ usageMib }) => usageMib * MIB],
  [
    'teg_guard_group_frozen',
    '1 while it stands still, by whomever.',
    ({ frozen }) => Number(frozen !== undefined),
  ],
  [
    'teg_guard_group_freezes_total',
    'Freezes by the guard, short ones too.',
    ({ freezes, holds }) => freezes + holds,
  ],
  [
    'teg_guard_group_frozen_seconds_total',
    'Time that the guard froze it for.',
    ({ frozenSeconds }) => frozenSeconds,
  ],
  ['teg_guard_group_oom_kills_total', 'Kills by the kernel.', ({ oomKills }) => oomKills],
];

/** The server of the metrics. */
export class GuardMetrics {
  private readonly server: Server;

  private constructor(server: Server) {
    this.server = server;
  }

  /**
   * @param port   0: any.
   * @param status Called at each scrape.
   * @throws TegError TEG_LISTEN_FAILED.
   */
  static async listen(port: number, status: () => GuardStatus): Promise<GuardMetrics> {
    const registry = registryOf(status);
    const server = createServer((request, response) => {
      if (request.url !== '/metrics') return void response.writeHead(404).end();
      registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
        () => response.writeHead(500).end(),
      );
    });
    server.maxConnections = 16;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    }).catch((cause: NodeJS.ErrnoException) => {
      throw new TegError(
        'TEG_LISTEN_FAILED',
        `metricsPort: got ${port} (${cause.code}), expected a free port of 127.0.0.1; 0 takes any`,
        { cause },
      );
    });
    return new GuardMetrics(server);
  }

  /** Where it listens. */
  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(() => resolve()));
  }
}

function registryOf(status: () => GuardStatus): Registry {
  const registry = new Registry();
  const registers = [registry];
  let latest: GuardStatus | undefined;
  // Collected in the order of registration: the first one reads for all.
  for (const [i, [name, help, value]] of NODE.entries()) {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers,
      collect: () => {
        if (i === 0 || latest === undefined) latest = status();
        gauge.set(value(latest));
      },
    });
  }
  for (const [name, help, value] of GROUP) {
    const gauge: Gauge<'group'> = new Gauge({
      name,
      help,
      labelNames: ['group'],
      registers,
      collect: () => {
        gauge.reset();
        for (const group of latest?.groups ?? []) gauge.set({ group: group.path }, value(group));
      },
    });
  }
  return registry;
}
