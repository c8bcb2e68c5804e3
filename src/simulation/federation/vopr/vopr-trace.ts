/**
 * One line a step, for people who follow a run: `docs/vopr.md` explains the columns.
 */
import { gangOf, isPart, JOB_NUMBERS } from '../../../governor/federation/federation-limits.ts';
import {
  ActionKind,
  FEDERATION_REASON_NAMES,
  MESSAGE_NAMES,
  type Message,
  MessageKind,
  type Outbox,
  PROPOSAL_MODE_NAMES,
  ProposalMode,
} from '../../../governor/federation/messages.ts';
import type { FaultKind } from './fault-counts.ts';
import type { ProcessInput } from './process-input.ts';
import type { RestartMode, VoprProcess } from './vopr-process.ts';
import type { WorldObserver } from './vopr-world.ts';

/** The head of the columns. */
export const TRACE_HEADER = 'event  time_s  process  input  → sent | done';

/** Names of the actions, by number. */
const ACTION_NAMES: Readonly<Record<number, string>> = {
  [ActionKind.Start]: 'start',
  [ActionKind.Stop]: 'stop',
  [ActionKind.Forget]: 'forget',
  [ActionKind.JobEnded]: 'job-ended',
  [ActionKind.JobPlaced]: 'job-placed',
};

/** Turns a world's reports into lines. */
export class VoprTraceWriter implements WorldObserver {
  private event = 0;
  private timeSeconds = 0;
  private readonly write: (line: string) => void;
  private readonly names = new Map<number, string>();

  /** @param write Takes each line, without newline. */
  constructor(write: (line: string) => void) {
    this.write = write;
  }

  /** The next event happens. */
  next(event: number, timeSeconds: number): void {
    this.event = event;
    this.timeSeconds = timeSeconds;
  }

  /** A fault strikes. */
  fault(kind: FaultKind): void {
    this.entry('!', this.timeSeconds, kind);
  }

  started(process: VoprProcess, timeSeconds: number, mode: RestartMode): void {
    this.names.set(process.id, process.name);
    this.entry(process.name, timeSeconds, mode === 'log' ? 'restarts from its log' : 'starts empty');
  }

  crashed(process: VoprProcess, timeSeconds: number): void {
    this.entry(process.name, timeSeconds, 'crashes');
  }

  stepped(process: VoprProcess, input: ProcessInput, timeSeconds: number, out: Outbox): void {
    const sent = out.messages.map((m) => `${MESSAGE_NAMES[m.kind]}>${this.nameOf(m.to)}${detailOf(m)}`);
    const done = out.actions.map(({ kind, job, offer }) => `${ACTION_NAMES[kind]} job ${job} offer ${offer}`);
    const effects = `${sent.length > 0 ? ` → ${sent.join(', ')}` : ''}${done.length > 0 ? ` | ${done.join(', ')}` : ''}`;
    this.entry(process.name, timeSeconds, `${this.inputText(input)}${effects}`);
  }

  private entry(name: string, timeSeconds: number, text: string): void {
    this.write(
      `${`${this.event}`.padStart(5)}  ${timeSeconds.toFixed(4).padStart(9)}  ${name.padEnd(4)}  ${text}`,
    );
  }

  private inputText(input: ProcessInput): string {
    switch (input.kind) {
      case 'receive': {
        const { message } = input;
        return `${MESSAGE_NAMES[message.kind]}<${this.nameOf(message.from)}${detailOf(message)}`;
      }
      case 'submit':
      case 'adopt-job': {
        const { job, demandId, podCount, gangMin, priority } = input;
        return `${input.kind} job ${job} (demand ${demandId}, ${podCount} pods, at least ${gangMin}, priority ${priority})`;
      }
      case 'adopt-run':
        return `adopt-run job ${input.run.job} offer ${input.run.offer} on nodes ${input.run.nodes.join(',')}`;
      case 'adopt-part':
        return `adopt-part ${nameOfJob(input.part)} offer ${input.offer} in zone ${input.zone}`;
      case 'adopt-ended':
      case 'exit':
        return `${input.kind} ${nameOfJob(input.job)} offer ${input.offer}`;
      case 'cancel':
        return `cancel job ${input.job}`;
      case 'node-up':
      case 'node-down':
        return `${input.kind} ${input.node}`;
      case 'wake':
        return 'wake';
    }
  }

  private nameOf(process: number): string {
    return this.names.get(process) ?? `${process}`;
  }
}

/** A job, or a gang's part: `job 7`, `job 7 part 2`. */
function nameOfJob(job: number): string {
  const gang = gangOf(job);
  return isPart(job) ? `job ${gang} part ${(job - gang) / JOB_NUMBERS}` : `job ${job}`;
}

/** The subject of a message; nothing for reports. */
function detailOf(m: Message): string {
  if (m.kind === MessageKind.Summary) return ` version ${m.version}`;
  if (m.kind === MessageKind.Board) return ` ${m.entries.length} entries`;
  if (m.kind === MessageKind.HostReport) return '';
  if (m.kind === MessageKind.Champion)
    return m.pods === 0 ? ' nobody' : ` ${nameOfJob(m.gang)} lacks ${m.pods}`;
  const parts: string[] = [` ${nameOfJob(m.job)}`];
  if ('attempt' in m && m.attempt !== 0) parts.push(` attempt ${m.attempt}`);
  if ('offer' in m && m.offer !== 0) parts.push(` offer ${m.offer}`);
  if ('reason' in m) parts.push(` (${FEDERATION_REASON_NAMES[m.reason]})`);
  if ('mode' in m && m.mode !== ProposalMode.Priced) parts.push(` (${PROPOSAL_MODE_NAMES[m.mode]})`);
  if ('deadline' in m) parts.push(` by ${m.deadline.toFixed(4)}`);
  return parts.join('');
}
