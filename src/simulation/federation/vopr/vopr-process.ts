/** A process of the cluster under test: its instance, its log, and the inputs due at its return. */
import type { AgentHost } from '../../../governor/federation/host/agent-host.ts';
import type { Process } from '../../../governor/federation/messages.ts';
import type { SummaryNode } from '../../../governor/federation/summary-node.ts';
import type { ZoneGovernor } from '../../../governor/federation/zone/zone-governor.ts';
import { assert } from '../../../kernel/assert.ts';
import { InputLog, type ProcessInput } from './process-input.ts';

/** Kinds of processes. */
export type ProcessRole = 'zone' | 'host' | 'summary';

/** Kinds of restarts. */
export type RestartMode = 'log' | 'empty';

/** One process. Written by the world only. */
export class VoprProcess {
  readonly id: number;
  readonly role: ProcessRole;
  /** Among those of its role. */
  readonly index: number;
  /** Undefined: it has crashed. */
  process: Process | undefined;
  log: InputLog = new InputLog(0, 0);
  /** Time of its pending wake-up; Infinity: none. */
  wakeAt = Number.POSITIVE_INFINITY;
  crashedAt = Number.NEGATIVE_INFINITY;
  restartAt = Number.NEGATIVE_INFINITY;
  mode: RestartMode = 'log';
  /** Digest of its state when it crashed, if it comes back from its log. */
  digest = 0;
  /** Events on a zone's nodes while its governor was down, in order. */
  readonly news: ProcessInput[] = [];

  constructor(id: number, role: ProcessRole, index: number) {
    this.id = id;
    this.role = role;
    this.index = index;
  }

  /** Whether it runs. */
  get isUp(): boolean {
    return this.process !== undefined;
  }

  /** For people: z0, h1, s2. */
  get name(): string {
    return `${this.role.charAt(0)}${this.index}`;
  }

  /** The zone governor that runs. */
  get governor(): ZoneGovernor {
    assert(this.role === 'zone' && this.process !== undefined, 'no zone governor that runs');
    return this.process as ZoneGovernor;
  }

  /** The agent host that runs. */
  get host(): AgentHost {
    assert(this.role === 'host' && this.process !== undefined, 'no agent host that runs');
    return this.process as AgentHost;
  }

  /** The summary node that runs. */
  get summary(): SummaryNode {
    assert(this.role === 'summary' && this.process !== undefined, 'no summary node that runs');
    return this.process as SummaryNode;
  }
}
