/** A governor whose hosts and nodes are simulated by its tests. */
import { expect } from 'vitest';
import type { Hologram } from '../../field/hologram/hologram.ts';
import {
  type AnyMessage,
  DemandId,
  done,
  type GovernorSetup,
  makeGovernor,
  message,
  reply,
  Stage,
  type Step,
} from './federation.fixtures.ts';
import { FederationReason, type FederationReasonCode, MessageKind } from './messages.ts';
import type { ZoneGovernor } from './zone/zone-governor.ts';

/** The process of its host. */
export const HOST = 50;

/** A governor, with its possible events as methods. One node of four GPUs by default. */
export class Site extends Stage<ZoneGovernor> {
  private attempts = 0;

  constructor(setup: GovernorSetup = {}) {
    super(makeGovernor({ firstPublishSeconds: 1e6, ...setup }));
  }

  propose(job: number, at = 0, fields: Partial<AnyMessage> = {}): Step {
    const proposal = { job, attempt: ++this.attempts, host: HOST, demandId: DemandId.OneGpu, podCount: 1 };
    const gangMin = fields.gangMin ?? fields.podCount ?? 1;
    const m = message(MessageKind.Propose, HOST, this.process.id, {
      ...proposal,
      gangMin,
      deadline: at + 1,
      ...fields,
    });
    return this.receive(m, at);
  }

  /** @returns The number of the offer. */
  offered(job: number, at = 0, fields: Partial<AnyMessage> = {}): number {
    const m = reply(this.propose(job, at, fields));
    expect(m).toMatchObject({ kind: MessageKind.Offer, job });
    return m.offer;
  }

  confirm(job: number, offer: number, at = 0, fields: Partial<AnyMessage> = {}): Step {
    return this.receive(message(MessageKind.Confirm, HOST, this.process.id, { job, offer, ...fields }), at);
  }

  /** @returns The number of the offer that it runs under. */
  running(job: number, at = 0, fields: Partial<AnyMessage> = {}): number {
    const offer = this.offered(job, at, fields);
    expect(done(this.confirm(job, offer, at))).toEqual([`start ${job}`]);
    return offer;
  }

  decline(job: number, offer: number, at = 0): Step {
    return this.receive(message(MessageKind.Decline, HOST, this.process.id, { job, offer }), at);
  }

  stop(job: number, offer: number, at = 0, reason: FederationReasonCode = FederationReason.Cancelled): Step {
    return this.receive(message(MessageKind.Stop, HOST, this.process.id, { job, offer, reason }), at);
  }

  ack(job: number, offer: number, at = 0): Step {
    return this.receive(message(MessageKind.EndedAck, HOST, this.process.id, { job, offer }), at);
  }

  exit(job: number, offer: number, at = 0): Step {
    return this.step((out) => this.process.podsExited(job, offer, at, out));
  }

  down(node: number, at = 0): Step {
    return this.step((out) => this.process.nodeDown(node, at, out));
  }

  up(node: number, at = 0): Step {
    return this.step((out) => this.process.nodeUp(node, at, out));
  }

  /** The hologram published at that time. */
  published(): { version: number; hologram: Hologram } {
    const { messages } = this.wake(Math.max(this.process.wakeAt, 1e6));
    const summary = messages.find((m) => m.kind === MessageKind.Summary) as AnyMessage;
    return { version: summary.version, hologram: summary.hologram };
  }

  get freeGpuMilli(): number {
    const { cluster } = this.process.arbiter.zone;
    let free = 0;
    for (let node = 0; node < cluster.nodeCount; node++) free += cluster.freeGpuMilli[node] as number;
    return free;
  }

  /** Fails unless all accounts agree. */
  check(): void {
    const { ledger } = this.process;
    const { zone } = this.process.arbiter;
    zone.check();
    const { capacity } = zone.cluster;
    expect(capacity.gpuMilli - this.freeGpuMilli).toBe(ledger.escrowGpuMilli + ledger.runningGpuMilli);
  }
}
