/**
 * Recording a seed, and replaying the record: fresh processes get the recorded inputs, and must give the same output,
 * bit for bit, at every step. No network, no nodes, no draws: only the processes and their inputs.
 */
import { Outbox, type Process } from '../../../governor/federation/messages.ts';
import type { Topology, TopologyNode } from '../../../governor/federation/topology.ts';
import type { ZoneGovernor } from '../../../governor/federation/zone/zone-governor.ts';
import { Digest, digestOutbox } from './digest.ts';
import { forgetEscrows, makeFactory, type PlantedFactory } from './planted-bugs.ts';
import { applyInput, type ProcessInput } from './process-input.ts';
import { drawScenario, drawUntaxed, type Scenario } from './scenario.ts';
import type { ScenarioSpaces } from './scenario-space.ts';
import { type VoprLogLine, VoprLogReader, VoprLogWriter } from './vopr-log.ts';
import type { RestartMode, VoprProcess } from './vopr-process.ts';
import { type VoprOptions, type VoprOutcome, VoprRun } from './vopr-run.ts';
import type { WorldObserver } from './vopr-world.ts';

/** Runs a seed and writes its log. @param write Takes each line, without newline. */
export function recordVopr(
  seed: number,
  spaces: ScenarioSpaces,
  options: VoprOptions,
  write: (line: string) => void,
): VoprOutcome {
  const scenario = drawScenario(seed, spaces);
  const { steps, plant } = options;
  const recorder = new Recorder(
    new VoprLogWriter(write, { seed, steps, plant, scenario: digestOf(scenario) }),
  );
  const run = new VoprRun(scenario, spaces, {
    ...options,
    observer: recorder,
    onEvent: (event, timeSeconds, what) => {
      recorder.event = event;
      options.onEvent?.(event, timeSeconds, what);
    },
  });
  const outcome = run.run();
  recorder.finish(outcome);
  return outcome;
}

/** Result of a replay. */
export interface VoprReplayResult {
  readonly seed: number;
  readonly steps: number;
  /** Inputs replayed. */
  readonly inputs: number;
  /** The first difference from the record; '' if there is none. */
  readonly difference: string;
  /** The violation that the recorded run had found; ''. */
  readonly failure: string;
}

/**
 * Replays a log.
 *
 * @param lines Without newlines; all of them.
 * @throws TegError TEG_LOG_INVALID if the log is malformed, incomplete, or of another version.
 */
export function replayVopr(lines: Iterable<string>, spaces: ScenarioSpaces): VoprReplayResult {
  const reader = new VoprLogReader();
  let replay: Replay | undefined;
  let last = '';
  for (const text of lines) {
    if (text === '') continue;
    last = text;
    const line = reader.read(text);
    if (replay === undefined && reader.header !== undefined) {
      const { seed, scenario: digest } = reader.header;
      const drawn = [drawScenario(seed, spaces), drawUntaxed(seed, spaces)];
      const scenario = drawn.find((one) => digestOf(one) === digest);
      if (scenario === undefined) {
        throw reader.invalid(text, 'a seed that is drawn to the same scenario by this version of TEG');
      }
      replay = new Replay(scenario, spaces, reader);
    }
    if (line !== undefined) replay?.take(line, text);
  }
  if (replay === undefined || !replay.isComplete)
    throw reader.invalid(last, 'a line of the end after the last event');
  return replay.result();
}

/** Writes what it observes. */
class Recorder implements WorldObserver {
  /** Number of the current event. */
  event = 0;
  private readonly writer: VoprLogWriter;
  private open:
    | { readonly process: number; readonly input: ProcessInput; readonly timeSeconds: number }
    | undefined;

  constructor(writer: VoprLogWriter) {
    this.writer = writer;
  }

  started({ id, log }: VoprProcess, timeSeconds: number, mode: RestartMode): void {
    const place = { event: this.event, timeSeconds, process: id };
    if (mode === 'log') this.writer.append({ kind: 'resume', ...place });
    else this.writer.append({ kind: 'start', ...place, incarnation: log.incarnation });
  }

  crashed({ id }: VoprProcess, timeSeconds: number): void {
    this.writer.append({ kind: 'crash', event: this.event, timeSeconds, process: id });
  }

  takes({ id }: VoprProcess, input: ProcessInput, timeSeconds: number): void {
    this.open = { process: id, input, timeSeconds };
  }

  stepped(_process: VoprProcess, _input: ProcessInput, _timeSeconds: number, out: Outbox): void {
    this.close(digestOutbox(out));
  }

  finish({ events, failure }: VoprOutcome): void {
    // An input that is still open made its process throw.
    this.close(-1);
    const message = failure === undefined ? '' : `${failure.kind}: ${failure.message}`;
    this.writer.append({ kind: 'end', events, failure: message });
  }

  private close(digest: number): void {
    if (this.open !== undefined)
      this.writer.append({ kind: 'input', event: this.event, ...this.open, digest });
    this.open = undefined;
  }
}

/** A replay in progress. */
class Replay {
  isComplete = false;
  private readonly reader: VoprLogReader;
  private readonly factory: PlantedFactory;
  private readonly topology: Topology;
  private readonly processes: (Process | undefined)[] = [];
  private readonly out = new Outbox();
  private inputs = 0;
  private difference = '';
  private failure = '';

  constructor(scenario: Scenario, spaces: ScenarioSpaces, reader: VoprLogReader) {
    this.reader = reader;
    this.factory = makeFactory(scenario, spaces.at(scenario.space), reader.header?.plant);
    this.topology = this.factory.world.topology;
  }

  take(line: VoprLogLine, text: string): void {
    if (this.isComplete) throw this.reader.invalid(text, 'nothing after the end');
    if (line.kind === 'end') {
      this.isComplete = true;
      this.failure = line.failure;
      return;
    }
    const { process, timeSeconds } = line;
    if (!Number.isInteger(process) || process < 0 || process >= this.topology.processCount) {
      throw this.reader.invalid(text, `a process in [0, ${this.topology.processCount})`);
    }
    if (line.kind === 'start') this.start(process, line.incarnation, timeSeconds);
    else if (line.kind === 'resume') this.resume(process, timeSeconds, text);
    else if (line.kind === 'input' && this.difference === '') this.step(line, text);
  }

  result(): VoprReplayResult {
    const { seed, steps } = this.reader.header as { seed: number; steps: number };
    const { inputs, difference, failure } = this;
    return { seed, steps, inputs, difference, failure };
  }

  private start(id: number, incarnation: number, timeSeconds: number): void {
    const { zones, hosts, nodes } = this.topology;
    const { factory } = this;
    if (id < zones) this.processes[id] = factory.zoneGovernor(id, incarnation, timeSeconds);
    else if (id < zones + hosts) {
      this.processes[id] = factory.agentHost(id - zones, incarnation, timeSeconds);
    } else {
      const node = nodes[id - zones - hosts] as TopologyNode;
      this.processes[id] = factory.summaryNode(node, incarnation, timeSeconds);
    }
  }

  private resume(id: number, timeSeconds: number, text: string): void {
    const process = this.processes[id];
    if (process === undefined) throw this.reader.invalid(text, 'a process that was started before');
    if (this.factory.plant === 'forgotten-escrow' && id < this.topology.zones) {
      forgetEscrows(process as ZoneGovernor, timeSeconds);
    }
  }

  private step(line: VoprLogLine & { kind: 'input' }, text: string): void {
    const { out } = this;
    const process = this.processes[line.process];
    if (process === undefined)
      throw this.reader.invalid(text, 'an input for a process that was started before');
    this.inputs++;
    let digest = -1;
    try {
      applyInput(process, line.input, line.timeSeconds, out);
      digest = digestOutbox(out);
    } catch (error) {
      if (line.digest !== -1) this.difference = `${placeOf(line)}: it threw ${(error as Error).message}`;
    }
    out.clear();
    if (this.difference !== '' || digest === line.digest) return;
    this.difference = `${placeOf(line)}: its output has digest ${digest}, recorded is ${line.digest}`;
  }
}

function placeOf({ event, process, input }: VoprLogLine & { kind: 'input' }): string {
  return `event ${event}, process ${process}, ${input.kind}`;
}

function digestOf(scenario: Scenario): number {
  const digest = new Digest();
  digest.text(JSON.stringify(scenario));
  return digest.value;
}
