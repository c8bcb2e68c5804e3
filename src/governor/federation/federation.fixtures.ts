/**
 * Small clusters, governors, hosts and summary nodes for the tests of the federation, and a stage to drive one process on.
 */
import { ClassCollector } from '../../field/hologram/class-collector.ts';
import type { HeldPart } from '../../field/hologram/held-part.ts';
import { emptyMaxima, emptySums, Hologram, type HologramSums } from '../../field/hologram/hologram.ts';
import { type Offer, OfferReader } from '../../field/hologram/offer-reader.ts';
import { Random } from '../../kernel/random.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { type Demand, DemandTable } from '../../model/demand.ts';
import type { PodSpec } from '../../model/job.ts';
import type { NodeSpec } from '../../model/node.ts';
import { DEFAULT_TENANT } from '../../model/tenants.ts';
import type { Accounts } from '../accounts.ts';
import type { Chooser } from '../choosers/chooser.ts';
import { createLeastLoadedChooser } from '../choosers/least-loaded.ts';
import { PinnedPolicy } from '../policy/pinned-policy.ts';
import { SharedPrices } from '../policy/shared-prices.ts';
import { TEG_DEFAULTS } from '../policy/teg-options.ts';
import { TegPolicy } from '../policy/teg-policy.ts';
import { Zone } from '../zone/zone.ts';
import { ZoneArbiter } from '../zone/zone-arbiter.ts';
import { type FederationOptions, federationOptions } from './federation-options.ts';
import { AgentHost } from './host/agent-host.ts';
import type { SubmittedJob } from './host/host-jobs.ts';
import { MESSAGE_FIELDS } from './message-fields.ts';
import {
  type Action,
  ActionKind,
  type BoardEntry,
  FEDERATION_REASON_NAMES,
  MESSAGE_NAMES,
  type Message,
  type MessageKindCode,
  Outbox,
  PROPOSAL_MODE_NAMES,
  type Process,
} from './messages.ts';
import { SummaryNode, type SummaryNodeParts } from './summary-node.ts';
import { ZoneGovernor } from './zone/zone-governor.ts';
import { shownBy } from './zone/zone-summary.ts';

const POD: PodSpec = { cpuMilli: 1000, memoryMib: 1024, gpuCount: 0, gpuMilli: 0, gpuModels: [] };

/** Demands by id: no GPU, one, half of one, four, and more than any node has. */
export const DemandId = { Cpu: 0, OneGpu: 1, HalfGpu: 2, FourGpus: 3, EightGpus: 4 } as const;

/** A node of four GPUs. */
export const NODE: NodeSpec = {
  name: '',
  cpuMilli: 32_000,
  memoryMib: 131_072,
  gpuCount: 4,
  gpuModel: 'A100',
  podsMax: 110,
};

/** The table of `DemandId`. */
export function testDemands(): DemandTable {
  const demands = new DemandTable();
  demands.intern(POD);
  demands.intern({ ...POD, gpuCount: 1, gpuMilli: 1000 });
  demands.intern({ ...POD, gpuCount: 1, gpuMilli: 500 });
  demands.intern({ ...POD, gpuCount: 4, gpuMilli: 1000 });
  demands.intern({ ...POD, gpuCount: 8, gpuMilli: 1000 });
  return demands;
}

/** Names and types of the fields of all messages. */
type FieldName<U> = U extends unknown ? keyof U : never;
type FieldOf<U, K> = U extends unknown ? (K extends keyof U ? U[K] : never) : never;

/** A message as tests look at it: with the fields of all kinds. Those that its kind has not are undefined. */
export type AnyMessage = { readonly [K in FieldName<Message>]: FieldOf<Message, K> };

/** The output of one step. */
export interface Step {
  readonly messages: readonly AnyMessage[];
  readonly actions: readonly Action[];
}

/** A process, and the output of its steps. */
export class Stage<P extends Process> {
  readonly process: P;

  constructor(process: P) {
    this.process = process;
  }

  /** Delivers a message. */
  receive(message: Message, timeSeconds: number): Step {
    return this.step((out) => this.process.receive(message, timeSeconds, out));
  }

  /** Wakes it. */
  wake(timeSeconds: number): Step {
    return this.step((out) => this.process.wake(timeSeconds, out));
  }

  /** Calls any other method of it. */
  step(change: (out: Outbox) => void): Step {
    const out = new Outbox();
    change(out);
    return { messages: out.messages as unknown as AnyMessage[], actions: out.actions };
  }
}

/** A message with some fields filled in; the other numbers are 0. Refuses fields that its kind has not. */
export function message(
  kind: MessageKindCode,
  from: number,
  to: number,
  fields: Partial<AnyMessage> = {},
): AnyMessage {
  const made: Record<string, unknown> = { kind };
  for (const { name, form } of MESSAGE_FIELDS[kind] ?? []) {
    if (form === 'number') made[name] = 0;
    else if (form === 'flag') made[name] = false;
  }
  for (const [name, value] of Object.entries({ from, to, ...fields })) {
    const isKnown = name === 'kind' || MESSAGE_FIELDS[kind]?.some((field) => field.name === name);
    if (isKnown !== true)
      throw new Error(`got ${name} of a ${MESSAGE_NAMES[kind]}; expected one of its fields`);
    made[name] = value;
  }
  const missing = MESSAGE_FIELDS[kind]?.find(({ name }) => made[name] === undefined);
  if (missing !== undefined) throw new Error(`got a ${MESSAGE_NAMES[kind]} without its ${missing.name}`);
  return made as unknown as AnyMessage;
}

/** Messages as short texts: kind, job and reason or mode, for example `refuse 7: zone busy`. */
export function told(step: Step): string[] {
  return step.messages.map(({ kind, job, reason, mode }) => {
    const why = FEDERATION_REASON_NAMES[reason] ?? (mode > 0 ? PROPOSAL_MODE_NAMES[mode] : undefined);
    return `${MESSAGE_NAMES[kind]} ${job ?? 0}${why === undefined ? '' : `: ${why}`}`;
  });
}

/** Names of the actions, by number. */
export const ACTION_NAMES: readonly string[] = [
  '',
  'start',
  'stop',
  'forget',
  'job-ended',
  'job-placed',
  'tax',
];

/** Actions as short texts: kind, job and reason, for example `job-ended 7: finished`. */
export function done(step: Step): string[] {
  return step.actions.map(({ kind, job, reason }) => {
    const why = reason === 0 ? '' : `: ${FEDERATION_REASON_NAMES[reason]}`;
    return `${ACTION_NAMES[kind]} ${job}${why}`;
  });
}

/** A job for a host. @param gangMin Absent: all of its pods. */
export function jobOf(
  job: number,
  demandId: number,
  podCount = 1,
  gangMin: number = podCount,
  priority = 0,
  tenant: number = DEFAULT_TENANT,
): SubmittedJob {
  return { job, demandId, podCount, gangMin, priority, tenant };
}

/** The parts of a governor for a test. */
export interface GovernorSetup {
  /** Of its zone; absent: all jobs are admitted. */
  readonly accounts?: Accounts;
  readonly nodes?: number;
  readonly id?: number;
  readonly parent?: number;
  readonly incarnation?: number;
  readonly firstPublishSeconds?: number;
  readonly options?: Partial<FederationOptions>;
}

/** Prices of the test cluster: shared by all, because making them takes a while. */
let sharedPrices: SharedPrices | undefined;

function pricesOfNode(): SharedPrices {
  sharedPrices ??= new SharedPrices(clusterOf(2, testDemands()), {
    demands: testDemands().demands.slice(0, DemandId.EightGpus),
    weights: [0.1, 0.5, 0.2, 0.2],
  });
  return sharedPrices;
}

function clusterOf(nodes: number, demands: DemandTable): ClusterState {
  const cluster = new ClusterState(demands);
  for (let i = 0; i < nodes; i++) cluster.addNode({ ...NODE, name: `node-${i}` });
  return cluster;
}

/** A governor of some nodes, all of the kind `NODE`. */
export function makeGovernor(setup: GovernorSetup = {}): ZoneGovernor {
  const { nodes = 1, id = 0, parent = 100, incarnation = 1, firstPublishSeconds = 0, options } = setup;
  const { accounts } = setup;
  const cluster = clusterOf(nodes, testDemands());
  const policy = new TegPolicy({ cluster, random: new Random(1) }, TEG_DEFAULTS, pricesOfNode());
  const pinned = new PinnedPolicy(policy);
  const zone = new Zone(cluster, pinned, { onUnplaceable: 'wait', onNodeLost: 'fail' }, accounts);
  return new ZoneGovernor({
    id,
    parent,
    arbiter: new ZoneArbiter(zone, pinned, policy),
    shown: shownBy(zone, policy),
    options: federationOptions(options),
    incarnation,
    firstPublishSeconds,
  });
}

/** The content of a plain hologram; everything else of it is empty. */
export interface Shown {
  /** Free GPU of a zone, in milli. */
  readonly freeGpuMilli: number;
  readonly takenAt: number;
  readonly newestAt?: number;
  readonly sums?: Partial<HologramSums>;
  readonly held?: HeldPart;
}

/** A hologram that shows free GPUs, read by `PlainReader`. */
export function showing(shown: Shown): Hologram {
  const { freeGpuMilli, takenAt, newestAt = takenAt } = shown;
  return new Hologram({
    takenAt,
    newestAt,
    sums: { ...emptySums(), zones: 1, freeGpuMilli, ...shown.sums },
    maxima: { ...emptyMaxima(), zoneFreeGpuMilli: freeGpuMilli },
    demandMilli: 0,
    models: [],
    classes: new ClassCollector().finish(),
    ...(shown.held && { held: shown.held }),
  });
}

/** A board entry of a zone with this much room. */
export function entry(id: number, version: number, shown: Shown, isGroup = false): BoardEntry {
  return { id, isGroup, position: id, version, hologram: showing(shown) };
}

/** Reads `showing`: a place for each demand's worth of free GPU, the cheaper the more is free. */
export class PlainReader extends OfferReader {
  constructor() {
    super(testDemands(), pricesOfNode().price);
  }

  override read(hologram: Hologram, demand: Demand, gangMin: number, out: Offer): boolean {
    const { freeGpuMilli } = hologram.sums;
    out.slots = Math.floor(freeGpuMilli / Math.max(1, demand.gpuTotalMilli));
    out.price = -freeGpuMilli;
    out.slope = 1;
    out.near = Math.min(1, out.slots);
    return out.slots >= gangMin;
  }
}

/** The parts of an agent host for a test. */
export interface HostSetup {
  readonly id?: number;
  readonly homeZone?: number;
  readonly incarnation?: number;
  readonly firstReportSeconds?: number;
  readonly chooser?: Chooser;
  readonly random?: Random;
  readonly options?: Partial<FederationOptions>;
}

/**
 * A host that reads plain holograms and asks the zone with the most free GPUs. It leaves no standing requests by
 * default.
 */
export function makeHost(setup: HostSetup = {}): AgentHost {
  const { id = 50, homeZone = -1, incarnation = 1, firstReportSeconds = 0, options } = setup;
  return new AgentHost({
    id,
    home: Math.max(0, homeZone),
    homeZone,
    demands: testDemands(),
    reader: new PlainReader(),
    chooser: setup.chooser ?? createLeastLoadedChooser(),
    random: setup.random ?? new Random(3),
    options: federationOptions({ standingZones: 0, ...options }),
    incarnation,
    firstReportSeconds,
  });
}

/** A summary node that reads plain holograms and routes to the zone with the most free GPUs. */
export function makeSummaryNode(
  setup: Partial<Omit<SummaryNodeParts, 'options'>> & { readonly options?: Partial<FederationOptions> },
): SummaryNode {
  return new SummaryNode({
    id: 100,
    parent: -1,
    children: [],
    readers: [],
    position: 0,
    demands: testDemands(),
    reader: new PlainReader(),
    chooser: createLeastLoadedChooser(),
    random: new Random(4),
    incarnation: 1,
    firstPublishSeconds: 0,
    ...setup,
    options: federationOptions(setup.options),
  });
}

/** The only action of that kind. */
export function only(step: Step, kind: Action['kind'] = ActionKind.Start): Action {
  const found = step.actions.filter((action) => action.kind === kind);
  if (found.length !== 1) throw new Error(`expected one ${ACTION_NAMES[kind]}, got ${done(step).join(', ')}`);
  return found[0] as Action;
}

/** The only message of a step. */
export function reply(step: Step): AnyMessage {
  if (step.messages.length !== 1) throw new Error(`expected one message, got [${told(step).join(', ')}]`);
  return step.messages[0] as AnyMessage;
}
