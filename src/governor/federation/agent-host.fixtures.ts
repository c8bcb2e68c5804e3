/** A host whose zones are simulated by its tests. */
import { expect } from 'vitest';
import {
  type AnyMessage,
  DemandId,
  entry,
  type HostSetup,
  jobOf,
  makeHost,
  message,
  reply,
  Stage,
  type Step,
} from './federation.fixtures.ts';
import type { AgentHost } from './host/agent-host.ts';
import type { JobLine } from './host/host-lines.ts';
import {
  type BoardEntry,
  FederationReason,
  type FederationReasonCode,
  MessageKind,
  type MessageKindCode,
} from './messages.ts';

/** Its process. */
export const HOST = 50;

/** A host, with its possible events as methods. */
export class Agents extends Stage<AgentHost> {
  constructor(setup: HostSetup = {}) {
    super(makeHost({ id: HOST, ...setup }));
  }

  submit(job: number, at = 0, demandId: number = DemandId.OneGpu, pods = 1, priority = 0): Step {
    return this.step((out) => this.process.submit(jobOf(job, demandId, pods, pods, priority), at, out));
  }

  cancel(job: number, at = 0): Step {
    return this.step((out) => this.process.cancel(job, at, out));
  }

  board(entries: readonly BoardEntry[], at = 0): Step {
    return this.receive(message(MessageKind.Board, 100, HOST, { entries }), at);
  }

  /** A zone sends a message about a job. */
  hear(kind: MessageKindCode, zone: number, job: number, fields: Partial<AnyMessage> = {}, at = 0): Step {
    return this.receive(message(kind, zone, HOST, { job, ...fields }), at);
  }

  refuse(proposal: AnyMessage, at = 0, reason: FederationReasonCode = FederationReason.NoRoom): Step {
    const { to, job, attempt } = proposal;
    return this.hear(MessageKind.Refuse, to, job, { attempt, reason }, at);
  }

  offer(proposal: AnyMessage, offer: number, at = 0): Step {
    const { to, job, attempt } = proposal;
    return this.hear(MessageKind.Offer, to, job, { attempt, offer }, at);
  }

  /** Brings a new job to the confirmation of an offer. */
  confirming(job: number, zone: number, offer: number): void {
    this.board([entry(zone, 1, { freeGpuMilli: 4000, takenAt: 0 })]);
    this.offer(reply(this.submit(job)), offer);
    expect(this.state(job)).toBe('confirming');
  }

  /** Brings a new job into the state Running. */
  running(job: number, zone: number, offer: number): void {
    this.confirming(job, zone, offer);
    this.hear(MessageKind.Started, zone, job, { offer });
    expect(this.state(job)).toBe('running');
  }

  /** State of a job, with the reason if it waits: `waiting: no board yet`; `unknown` if it is unknown. */
  state(job: number): string {
    const view = this.process.explain(job);
    if (view === undefined) return 'unknown';
    return view.reason === '' ? view.state : `${view.state}: ${view.reason}`;
  }

  /** The only line. */
  get line(): JobLine {
    const lines: JobLine[] = [];
    this.process.forEachLine((line) => {
      lines.push(line);
    });
    expect(lines).toHaveLength(1);
    return lines[0] as JobLine;
  }
}

/** Zones 1 and 2 show four and two free GPUs; zone 3 none. */
export const THREE: readonly BoardEntry[] = [
  entry(1, 1, { freeGpuMilli: 4000, takenAt: 0 }),
  entry(2, 1, { freeGpuMilli: 2000, takenAt: 0 }),
  entry(3, 1, { freeGpuMilli: 0, takenAt: 0 }),
];
