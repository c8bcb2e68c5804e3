/** All inputs of a process, as records: the contents of its log, and the input of its replay. */
import type { AgentHost } from '../../../governor/federation/host/agent-host.ts';
import type { SubmittedJob } from '../../../governor/federation/host/host-jobs.ts';
import type {
  FederationReasonCode,
  Message,
  Outbox,
  Process,
} from '../../../governor/federation/messages.ts';
import type { RunningJob, ZoneGovernor } from '../../../governor/federation/zone/zone-governor.ts';
import { TegError } from '../../../model/errors.ts';

/** One input. */
export type ProcessInput =
  | { readonly kind: 'receive'; readonly message: Message }
  | { readonly kind: 'wake' }
  /** To a host. */
  | ({ readonly kind: 'submit' } & SubmittedJob)
  | { readonly kind: 'cancel'; readonly job: number }
  | ({ readonly kind: 'adopt-job'; readonly zone: number; readonly offer: number } & SubmittedJob)
  | ({
      readonly kind: 'adopt-part';
      readonly part: number;
      readonly zone: number;
      readonly offer: number;
      readonly pods: number;
      /** 1: the gang has finished; 0: it runs. */
      readonly isOver: number;
    } & SubmittedJob)
  /** To a zone. Nodes are numbered in their zone. */
  | { readonly kind: 'adopt-run'; readonly run: RunningJob }
  | {
      readonly kind: 'adopt-ended';
      readonly job: number;
      readonly offer: number;
      readonly host: number;
      readonly reason: FederationReasonCode;
    }
  | { readonly kind: 'node-up' | 'node-down'; readonly node: number }
  | { readonly kind: 'exit'; readonly job: number; readonly offer: number };

/** The input without content. */
export const WAKE: ProcessInput = { kind: 'wake' };

/**
 * Lets a process take an input.
 *
 * @returns True if it did; false only for a submission beyond `hostJobsMax`, of which nothing has happened then.
 */
export function applyInput(process: Process, input: ProcessInput, timeSeconds: number, out: Outbox): boolean {
  const zone = process as ZoneGovernor;
  const host = process as AgentHost;
  switch (input.kind) {
    case 'receive':
      process.receive(input.message, timeSeconds, out);
      break;
    case 'wake':
      process.wake(timeSeconds, out);
      break;
    case 'submit':
      return submit(host, input, timeSeconds, out);
    case 'cancel':
      host.cancel(input.job, timeSeconds, out);
      break;
    case 'adopt-job':
      host.adopt(input, input.zone, input.offer, timeSeconds);
      break;
    case 'adopt-part':
      host.adoptPart(input, { ...input, isOver: input.isOver === 1 }, timeSeconds);
      break;
    case 'adopt-run':
      zone.adopt(input.run, timeSeconds);
      break;
    case 'adopt-ended':
      zone.adoptEnded(input.job, input.offer, input.host, input.reason, timeSeconds);
      break;
    case 'node-up':
      zone.nodeUp(input.node, timeSeconds, out);
      break;
    case 'node-down':
      zone.nodeDown(input.node, timeSeconds, out);
      break;
    case 'exit':
      zone.podsExited(input.job, input.offer, timeSeconds, out);
      break;
  }
  return true;
}

function submit(host: AgentHost, job: SubmittedJob, timeSeconds: number, out: Outbox): boolean {
  try {
    host.submit(job, timeSeconds, out);
    return true;
  } catch (error) {
    if (error instanceof TegError && error.code === 'TEG_LIMIT_REACHED') return false;
    throw error;
  }
}

/** The inputs of one process since it started empty, each entered before it takes effect. */
export class InputLog {
  readonly incarnation: number;
  readonly startedAt: number;
  private readonly times: number[] = [];
  private readonly inputs: ProcessInput[] = [];
  private readonly positions: number[] = [];

  constructor(incarnation: number, startedAt: number) {
    this.incarnation = incarnation;
    this.startedAt = startedAt;
  }

  /** Inputs held. */
  get length(): number {
    return this.inputs.length;
  }

  /** @returns The position that was given with an input. */
  positionOf(step: number): number {
    return this.positions[step] as number;
  }

  /** Enters an input. @param position Of the step in the run. */
  append(input: ProcessInput, timeSeconds: number, position: number): void {
    this.times.push(timeSeconds);
    this.positions.push(position);
    this.inputs.push(input);
  }

  /**
   * Feeds everything to a fresh process; its output is dropped, since its former self has sent it.
   *
   * @param seen Gets the output of each step, and its number.
   */
  replay(process: Process, out: Outbox, seen?: (step: number, out: Outbox) => void): void {
    for (let i = 0; i < this.inputs.length; i++) {
      applyInput(process, this.inputs[i] as ProcessInput, this.times[i] as number, out);
      seen?.(i, out);
      out.clear();
    }
  }
}
