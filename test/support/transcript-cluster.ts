/**
 * The cluster of a transcript: its processes, its mail, and what they say about themselves.
 */
import { chooserByName } from '../../src/governor/choosers/registry.ts';
import { jobOf } from '../../src/governor/federation/federation.fixtures.ts';
import { gangOf, isPart, JOB_NUMBERS } from '../../src/governor/federation/federation-limits.ts';
import {
  FEDERATION_DEFAULTS,
  type FederationOptions,
  federationOptions,
} from '../../src/governor/federation/federation-options.ts';
import type { AgentHost } from '../../src/governor/federation/host/agent-host.ts';
import {
  type Action,
  ActionKind,
  type EndedMessage,
  type Message,
  MessageKind,
  Outbox,
  type Process,
} from '../../src/governor/federation/messages.ts';
import { hostProcess, makeTopology, type Topology } from '../../src/governor/federation/topology.ts';
import type { RunningJob, ZoneGovernor } from '../../src/governor/federation/zone/zone-governor.ts';
import { HoldState } from '../../src/governor/federation/zone/zone-ledger.ts';
import { DemandTable } from '../../src/model/demand.ts';
import { ProcessFactory } from '../../src/simulation/federation/federation-world.ts';
import { describeAction, describeMessage, kindOf, nameOf, numberOf } from './transcript-words.ts';

/** GPUs that a pod may ask for; the demand ids are the indexes. */
const GPUS: readonly number[] = [0, 0.5, 1, 2, 4];
/** Kinds that carry summaries: they are not shown. */
const SILENT: ReadonlySet<number> = new Set([MessageKind.Summary, MessageKind.Board, MessageKind.HostReport]);

/** A message on its way. */
interface Mail {
  readonly number: number;
  readonly message: Message;
}

/** Arguments of a command: by name, or by place. */
interface Arguments {
  readonly named: Readonly<Record<string, string>>;
  readonly plain: readonly string[];
}

/** A cluster. */
export class TranscriptCluster {
  private now = 0;
  private factory: ProcessFactory | undefined;
  private readonly processes = new Map<number, Process>();
  private readonly incarnations = new Map<number, number>();
  private mail: Mail[] = [];
  private mailed = 0;
  private silent: Message[] = [];
  private boards = true;
  private lines: string[] = [];
  /** What runs, by zone and offer: what nodes would tell. */
  private readonly pods = new Map<string, RunningJob & { readonly zone: number }>();
  /** Ends that nobody has acknowledged, likewise. */
  private readonly ends = new Map<
    string,
    { job: number; offer: number; host: number; zone: number; reason: number }
  >();
  private readonly shapes = new Map<
    number,
    { demandId: number; pods: number; gang: number; priority: number }
  >();

  /** Carries a command out. @returns What it did, as lines. */
  run(command: string): string[] {
    this.lines = [];
    const [name = '', ...words] = command.trim().split(/\s+/);
    const named = words
      .filter((word) => word.includes('='))
      .map((word) => word.split('=', 2) as [string, string]);
    const args = { named: Object.fromEntries(named), plain: words.filter((word) => !word.includes('=')) };
    if (!this.dispatch(name, args))
      throw new Error(`got the command '${command}'; expected one of transcript.ts`);
    return this.lines;
  }

  private dispatch(name: string, args: Arguments): boolean {
    const first = args.plain[0] ?? '';
    if (name === 'cluster') this.build(args);
    else if (name === 'wait') this.wait(Number(first), false);
    else if (name === 'run') this.wait(Number(first), true);
    else if (name === 'submit') this.submit(Number(first), args);
    else if (name === 'cancel')
      this.onHostOf(Number(first), (host, out) => host.cancel(Number(first), this.now, out));
    else if (name === 'exit') this.exit(Number(first));
    else if (name === 'deliver' || name === 'double' || name === 'drop') this.post(name, first);
    else if (name === 'node-down' || name === 'node-up') this.turn(name === 'node-down', args);
    else if (name === 'boards') this.setBoards(first === 'on');
    else if (name === 'restart') this.restart(args);
    else if (name === 'mail') this.showMail();
    else if (name === 'jobs') this.showJobs();
    else if (name === 'zones') this.showZones();
    else return false;
    return true;
  }

  private get parts(): ProcessFactory {
    if (this.factory === undefined) throw new Error('there is no cluster yet');
    return this.factory;
  }

  private get topology(): Topology {
    return this.parts.world.topology;
  }

  private build({ named }: Arguments): void {
    const {
      zones = '1',
      nodes = '1',
      hosts = '1',
      'fan-out': fanOut = '8',
      chooser = 'least-loaded',
      ...rest
    } = named;
    for (const key of Object.keys(rest)) {
      if (!(key in FEDERATION_DEFAULTS)) throw new Error(`got ${key}=; expected an option of the federation`);
    }
    const given = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, Number(value)]));
    // What is only tried where a transcript is about it would be in the way of all others.
    const quiet: Partial<FederationOptions> = { standingZones: 0, fanOut: Number(fanOut) };
    const options = federationOptions({ ...quiet, ...given });
    const demands = new DemandTable();
    const pod = { cpuMilli: 1000, memoryMib: 1024, gpuModels: [] };
    for (const gpus of GPUS) {
      const gpuCount = Math.ceil(gpus);
      demands.intern({ ...pod, gpuCount, gpuMilli: gpuCount > 0 ? (1000 * gpus) / gpuCount : 0 });
    }
    const node = { cpuMilli: 64_000, memoryMib: 262_144, gpuCount: 4, gpuModel: 'A100', podsMax: 110 };
    this.factory = new ProcessFactory({
      nodes: Array.from({ length: Number(zones) * Number(nodes) }, (_, i) => ({
        ...node,
        name: `node-${i}`,
      })),
      demands,
      topology: makeTopology(Number(zones), Number(hosts), options.fanOut),
      options,
      chooser: chooserByName(chooser),
      typical: { demands: demands.demands, weights: demands.demands.map(() => 1) },
      seed: 1,
    });
    for (let zone = 0; zone < this.topology.zones; zone++) this.add(this.factory.zoneGovernor(zone, 1, 0));
    for (let host = 0; host < this.topology.hosts; host++) this.add(this.factory.agentHost(host, 1, 0));
    for (const summary of this.topology.nodes) this.add(this.factory.summaryNode(summary, 1, 0));
    this.say(
      `${this.processes.size} processes: ${[...this.processes.keys()].map((id) => this.name(id)).join(', ')}`,
    );
  }

  private add(process: Process): void {
    this.processes.set(process.id, process);
  }

  /** Time passes; processes that are due wake. @param delivers Whether all mail comes at once. */
  private wait(seconds: number, delivers: boolean): void {
    const until = this.now + seconds;
    for (;;) {
      if (delivers) this.post('deliver', 'all');
      const all = [...this.processes.values()];
      const first = all.reduce((a, b) => (b.wakeAt < a.wakeAt ? b : a));
      if (first.wakeAt > until) break;
      this.now = Math.max(this.now, first.wakeAt);
      this.step(first, `${this.name(first.id)} wakes`, (out) => first.wake(this.now, out));
    }
    this.now = until;
  }

  private submit(job: number, { named }: Arguments): void {
    const { gpus = '1', pods = '1', gang = pods, priority = '0', host = '0' } = named;
    const demandId = GPUS.indexOf(Number(gpus));
    if (demandId < 0) throw new Error(`got gpus=${gpus}; expected one of ${GPUS.join(', ')}`);
    this.shapes.set(job, { demandId, pods: Number(pods), gang: Number(gang), priority: Number(priority) });
    const at = this.host(Number(host));
    this.step(at, '', (out) =>
      at.submit(jobOf(job, demandId, Number(pods), Number(gang), Number(priority)), this.now, out),
    );
  }

  private exit(job: number): void {
    const run = [...this.pods.values()].find((one) => one.job === job);
    if (run === undefined) throw new Error(`job ${job} does not run`);
    const zone = this.zone(run.zone);
    this.step(zone, '', (out) => zone.podsExited(job, run.offer, this.now, out));
  }

  private turn(isDown: boolean, { named }: Arguments): void {
    const zone = this.zone(Number(named.zone ?? '0'));
    const node = Number(named.node ?? '0');
    this.step(zone, '', (out) =>
      isDown ? zone.nodeDown(node, this.now, out) : zone.nodeUp(node, this.now, out),
    );
  }

  private post(what: string, which: string): void {
    if (which === 'all') {
      while (this.mail.length > 0) this.post(what, '');
      return;
    }
    const matches = (one: Mail): boolean =>
      which === '' || one.number === Number(which) || kindOf(one.message) === which;
    const one = this.mail.find(matches);
    if (one === undefined) throw new Error(`got '${what} ${which}'; expected a message that is on its way`);
    if (what !== 'double') this.mail = this.mail.filter((other) => other !== one);
    if (what === 'drop') {
      this.say(`${this.tag(one)}lost: ${this.describe(one.message)}`);
      return;
    }
    const to = this.processes.get(one.message.to) as Process;
    const title = `${this.tag(one)}${this.describe(one.message)}`;
    this.step(to, title, (out) => to.receive(one.message, this.now, out), true);
  }

  private setBoards(on: boolean): void {
    this.boards = on;
    if (on) this.sendSilent();
  }

  private restart({ named }: Arguments): void {
    const isZone = named.zone !== undefined;
    const index = Number(named.zone ?? named.host);
    const id = isZone ? index : hostProcess(this.topology, index);
    const incarnation = (this.incarnations.get(id) ?? 1) + 1;
    this.incarnations.set(id, incarnation);
    if (isZone) {
      const zone = this.parts.zoneGovernor(index, incarnation, this.now);
      for (const run of this.pods.values()) if (run.zone === index) zone.adopt(run, this.now);
      for (const end of this.ends.values()) {
        if (end.zone === index) zone.adoptEnded(end.job, end.offer, end.host, end.reason as never, this.now);
      }
      this.add(zone);
    } else {
      const host = this.parts.agentHost(index, incarnation, this.now);
      for (const { job, offer, zone, host: at } of this.pods.values()) {
        const shape = this.shapes.get(job);
        if (at !== id || shape === undefined) continue;
        host.adopt(jobOf(job, shape.demandId, shape.pods, shape.gang, shape.priority), zone, offer, this.now);
      }
      this.add(host);
    }
    this.say(`${this.name(id)} starts over`);
  }

  private showMail(): void {
    for (const one of this.mail) this.say(`${this.tag(one)}${this.describe(one.message)}`);
    if (this.mail.length === 0) this.say('no mail');
  }

  private showJobs(): void {
    for (const job of [...this.shapes.keys()].sort((a, b) => a - b)) {
      for (const host of this.hosts()) {
        const view = host.explain(job);
        if (view === undefined) continue;
        const target = view.target < 0 ? '' : `, ${this.name(view.target)}`;
        const reason = view.reason === '' ? '' : `: ${view.reason}`;
        this.say(`${this.name(host.id)}: job ${job} ${view.state}${reason}${target}`);
      }
    }
    if (this.hosts().every((host) => host.jobs.size === 0)) this.say('no jobs');
  }

  private showZones(): void {
    for (let id = 0; id < this.topology.zones; id++) {
      const { arbiter, ledger, notices } = this.zone(id);
      const { zone } = arbiter;
      const jobs = {
        [HoldState.Escrow]: [] as number[],
        [HoldState.Running]: [] as number[],
        [HoldState.Standing]: [] as number[],
      };
      ledger.forEach((local) => {
        jobs[ledger.states[local] as keyof typeof jobs].push(ledger.jobs[local] as number);
      });
      let free = 0;
      for (let node = 0; node < zone.cluster.nodeCount; node++) {
        if (zone.cluster.up[node] === 1) free += zone.cluster.freeGpuMilli[node] as number;
      }
      const list = (what: string, of: number[]): string => (of.length > 0 ? `, ${what} ${of.join(' ')}` : '');
      const held = `${list('running', jobs[HoldState.Running])}${list('in escrow', jobs[HoldState.Escrow])}`;
      const rest = `${list('standing', jobs[HoldState.Standing])}${notices.size > 0 ? `, ${notices.size} end(s) to tell` : ''}`;
      this.say(`zone ${id}: ${free / 1000} GPUs free${held}${rest}`);
      zone.check();
    }
  }

  private onHostOf(job: number, act: (host: AgentHost, out: Outbox) => void): void {
    const host = this.hosts().find((one) => one.explain(job) !== undefined);
    if (host === undefined) throw new Error(`no host knows job ${job}`);
    this.step(host, '', (out) => act(host, out));
  }

  /** Lets a process do something, and shows what that leaves under a title. */
  private step(process: Process, title: string, act: (out: Outbox) => void, always = false): void {
    const out = new Outbox();
    act(out);
    const shown: string[] = [];
    for (const action of out.actions) shown.push(this.carryOut(process.id, action));
    for (const message of out.messages) {
      if (SILENT.has(message.kind)) this.silent.push(message);
      else {
        const one = { number: ++this.mailed, message };
        this.mail.push(one);
        shown.push(`${this.tag(one)}${this.describe(message)}`);
        if (message.kind === MessageKind.Ended) this.noteEnd(process.id, message);
      }
    }
    if (title !== '' && (always || shown.length > 0)) this.say(`[${numberOf(this.now)}] ${title}`);
    for (const line of shown) this.say(`${title === '' ? '' : '    '}${line}`);
    if (this.boards) this.sendSilent();
  }

  /** Summaries, boards and reports come at once. */
  private sendSilent(): void {
    while (this.silent.length > 0) {
      const message = this.silent.shift() as Message;
      const to = this.processes.get(message.to) as Process;
      const title = `${this.name(to.id)} reads a ${kindOf(message)} of ${this.name(message.from)}`;
      this.step(to, title, (out) => to.receive(message, this.now, out));
    }
  }

  private carryOut(process: number, action: Action): string {
    const key = `${process}:${action.offer}`;
    if (action.kind === ActionKind.Start) {
      const { arbiter, ledger } = this.zone(process);
      const { zone } = arbiter;
      const nodes: number[] = [];
      const gpuMasks: number[] = [];
      zone.forEachPod(action.local, (_, node, mask) => {
        nodes.push(node);
        gpuMasks.push(mask);
      });
      const { demandId } = this.shapes.get(action.job) ?? { demandId: 0 };
      const host = ledger.hosts[action.local] as number;
      this.pods.set(key, {
        job: action.job,
        offer: action.offer,
        host,
        demandId,
        tenant: 0,
        nodes,
        gpuMasks,
        zone: process,
      });
    }
    if (action.kind === ActionKind.Forget) this.ends.delete(key);
    return `${this.name(process)}: ${describeAction(action, (id) => this.name(id))}`;
  }

  private noteEnd(zone: number, { job, offer, to, reason }: EndedMessage): void {
    const key = `${zone}:${offer}`;
    this.pods.delete(key);
    this.ends.set(key, { job, offer, host: to, zone, reason });
  }

  private zone(id: number): ZoneGovernor {
    return this.processes.get(id) as ZoneGovernor;
  }

  private host(index: number): AgentHost {
    return this.processes.get(hostProcess(this.topology, index)) as AgentHost;
  }

  private hosts(): AgentHost[] {
    return Array.from({ length: this.topology.hosts }, (_, index) => this.host(index));
  }

  private name(id: number): string {
    return nameOf(this.topology, id);
  }

  private tag({ number }: Mail): string {
    return `#${number} `;
  }

  private describe(message: Message): string {
    return describeMessage(message, (id) => this.name(id), GPUS);
  }

  private say(line: string): void {
    this.lines.push(line.replace(/\b\d{14,16}\b/g, (number) => nameOfJob(Number(number))));
  }
}

/** `7.2`: part 2 of gang 7. */
function nameOfJob(number: number): string {
  const gang = gangOf(number);
  return isPart(number) ? `${gang}.${(number - gang) / JOB_NUMBERS}` : `${number}`;
}
