/**
 * The description of one seed's run: a small cluster, its settings, its load, and its faults, all drawn from the seed.
 *
 * Every kind of fault is absent in some seeds and frequent in others ("swarm testing"): a cluster that suffers all
 * faults at once never gets far enough to break in interesting ways.
 */
import {
  type FederationOptions,
  federationOptions,
} from '../../../governor/federation/federation-options.ts';
import { checkGangTax, type GangTaxOptions } from '../../../governor/federation/gang-tax-options.ts';
import { makeTopology } from '../../../governor/federation/topology.ts';
import { Random } from '../../../kernel/random.ts';
import type { NodeSpec } from '../../../model/node.ts';
import { type FlavorSpec, SCENARIO_SPACES, type ScenarioSpaces } from './scenario-space.ts';

/** The network's faults. Times in seconds, rates a second of virtual time for the whole cluster, shares in [0, 1). */
export interface NetworkFaults {
  readonly delayMinSeconds: number;
  /** Mean of the exponential part beyond the least; links differ from it by a factor. */
  readonly delayMeanSeconds: number;
  readonly lossRate: number;
  readonly duplicateRate: number;
  /** A link holds back its messages for a while. */
  readonly clogsPerSecond: number;
  readonly clogMeanSeconds: number;
  /**
   * The processes are partitioned into two parts; messages from one to the other are lost, in one direction or both.
   */
  readonly partitionsPerSecond: number;
  readonly partitionMeanSeconds: number;
  readonly oneWayShare: number;
}

/** Faults of processes and nodes. */
export interface ProcessFaults {
  readonly crashesPerSecond: number;
  readonly downMeanSeconds: number;
  /** Of the crashed zone governors and hosts, those that lose their log. */
  readonly emptyShare: number;
  readonly nodeFailuresPerSecond: number;
  readonly nodeDownMeanSeconds: number;
}

/** The load of the cluster. */
export interface Load {
  readonly jobsPerSecond: number;
  readonly jobsMax: number;
  readonly gangShare: number;
  readonly gangPodsMax: number;
  /** Share of jobs that are gangs too large for most zones, and their most pods. */
  readonly giantShare: number;
  readonly giantPodsMax: number;
  readonly cancelsPerSecond: number;
  readonly durationMeanSeconds: number;
  /** Share of jobs that never end on their own. */
  readonly endlessShare: number;
}

/** The description of one seed's run. Plain data. */
export interface Scenario {
  readonly seed: number;
  readonly space: number;
  readonly nodes: readonly NodeSpec[];
  readonly zones: number;
  readonly hosts: number;
  readonly options: FederationOptions;
  /** Index into the list of choosers, modulo its length. */
  readonly chooser: number;
  readonly network: NetworkFaults;
  readonly faults: ProcessFaults;
  readonly load: Load;
}

/** Streams of the seed. */
const STREAM_SCENARIO = 51;
const STREAM_SPANS = 52;
const STREAM_TAX = 53;

const ZONES_MAX = 8;
const NODES_PER_ZONE_MAX = 6;
const HOSTS_MAX = 4;
const FAN_OUT_MAX = 4;
const JOBS_MAX = 400;

/** Seeds with gangs across zones, and how many transits their escrows last at least: four for renewal and confirmation. */
const SPAN_SHARE = 0.3;
const ESCROW_DELAYS = 8;
/** Of those, seeds where what gangs hold idle is taxed. */
const TAX_SHARE = 0.7;

/** Delays beyond this many means are cut, so that there is a time after which no old message arrives. */
export const DELAY_MEANS_MAX = 4;
/** Means of links differ by up to this factor, either way. */
export const LINK_FACTOR_MAX = 3;

/** Zones, hosts, and their grouping. */
interface Shape {
  readonly zones: number;
  readonly hosts: number;
  readonly fanOut: number;
}

/** @returns The scenario of a seed: always the same. */
export function drawScenario(seed: number, spaces: ScenarioSpaces): Scenario {
  const scenario = drawUntaxed(seed, spaces);
  if (scenario.options.gangPartsMax < 2) return scenario;
  const draw = new Draw(new Random(seed, STREAM_TAX));
  return draw.sometimes(TAX_SHARE) ? taxing(scenario, draw) : scenario;
}

/** The same with a champion and a tax. Prices, thresholds and times are drawn, so that all remedies come to be used. */
function taxing({ options, ...scenario }: Scenario, draw: Draw): Scenario {
  const { claimSeconds } = options;
  const deadBand = { onPsi: draw.between(0.02, 0.3), offPsi: draw.between(0.005, 0.02) };
  const landau = {
    slope: 2,
    psiCritical: deadBand.onPsi,
    quartic: 1,
    seed: 0.1,
    gamma: draw.between(1, 20) / claimSeconds,
    taxScale: draw.sometimes(0.8) ? draw.between(1, 50) : 0,
  };
  const gangTax: GangTaxOptions = {
    governor: { landau, deadBand, fallbackSeconds: draw.between(1, 30) * claimSeconds },
    stuckSeconds: draw.between(0.05, 1) * claimSeconds,
    balance: draw.between(0.1, 20) * claimSeconds,
    mintPerSecond: draw.between(0.005, 0.5),
    championSeconds: draw.between(2, 12) * claimSeconds,
    remedy: draw.sometimes(0.15) ? 'wound-wait' : 'tax',
  };
  checkGangTax(gangTax);
  return { ...scenario, options: { ...options, gangTax } };
}

/** @returns The scenario of a seed as it was drawn before there was a tax: logs of that time are of it. */
export function drawUntaxed(seed: number, spaces: ScenarioSpaces): Scenario {
  const draw = new Draw(new Random(seed, STREAM_SCENARIO));
  const zones = draw.integer(2, ZONES_MAX);
  const hosts = draw.integer(1, HOSTS_MAX);
  const space = draw.integer(0, SCENARIO_SPACES - 1);
  const { flavors } = spaces.at(space);
  const nodeCount = draw.integer(zones, zones * draw.integer(1, NODES_PER_ZONE_MAX));
  const publishSeconds = draw.between(0.3, 3);
  const network = drawNetwork(draw, publishSeconds);
  const options = drawOptions(
    draw,
    { zones, hosts, fanOut: draw.integer(2, FAN_OUT_MAX) },
    publishSeconds,
    network,
  );
  const scenario: Scenario = {
    seed,
    space,
    nodes: drawNodes(draw, flavors, nodeCount),
    zones,
    hosts,
    options,
    chooser: draw.integer(0, 1000),
    network,
    faults: drawFaults(draw, options),
    load: drawLoad(draw, options),
  };
  const drawn = draw.sometimes(0.15) ? restless(scenario) : scenario;
  // Of a stream of their own: the other seeds are what they were before there were gangs across zones.
  const spans = new Draw(new Random(seed, STREAM_SPANS));
  return spans.sometimes(SPAN_SHARE) ? spanning(drawn, spans) : drawn;
}

/** The same with zones and nodes that fail often: gangs then lose parts. */
function failing(faults: ProcessFaults, publishSeconds: number): ProcessFaults {
  return {
    ...faults,
    crashesPerSecond: Math.max(0.5 / publishSeconds, faults.crashesPerSecond),
    nodeFailuresPerSecond: Math.max(0.7 / publishSeconds, faults.nodeFailuresPerSecond),
  };
}

/** The same with gangs too large for one zone. */
function spanning({ options, network, load, ...scenario }: Scenario, draw: Draw): Scenario {
  const { publishSeconds, fanOut, confirmSeconds } = options;
  const { levels } = makeTopology(scenario.zones, scenario.hosts, fanOut);
  const delayMax = delayMaxOf(network);
  const isSure = isPatient(options, levels, delayMax);
  const escrowMin = isSure ? 2 * confirmSeconds + ESCROW_DELAYS * delayMax : 0;
  const claimMin = isSure ? 2 * levels * (publishSeconds + delayMax) : 0;
  return {
    ...scenario,
    options: {
      ...options,
      escrowSeconds: Math.max(escrowMin, options.escrowSeconds),
      gangPartsMax: draw.integer(2, 10),
      spanAfterSeconds: draw.between(0.05, 2) * publishSeconds,
      claimSeconds: Math.max(claimMin, draw.between(0.5, 6) * publishSeconds),
      claimsMax: draw.sometimes(0.3) ? draw.integer(1, 2) : 16,
      // Fewer, and gangs for which there is no room hold what others need nearly all the time.
      claimRetriesMax: draw.integer(4, 5),
    },
    network,
    faults: draw.sometimes(0.5) ? failing(scenario.faults, publishSeconds) : scenario.faults,
    load: { ...load, giantShare: draw.between(0.1, 0.8), giantPodsMax: draw.integer(4, 24) },
  };
}

/**
 * The same with jobs that keep moving, hosts that keep forgetting, nodes that keep failing, and doubles of all
 * messages: old messages then meet changed state, which is rare otherwise.
 */
function restless({ options, network, faults, load, ...scenario }: Scenario): Scenario {
  const { publishSeconds } = options;
  return {
    ...scenario,
    options: {
      ...options,
      escrowSeconds: Math.min(0.5 * publishSeconds, options.escrowSeconds),
      movesPerBoard: 16,
      moveGain: 1,
      moveSavesMilliMin: 0,
    },
    network: {
      ...network,
      delayMeanSeconds: Math.max(0.1 * publishSeconds, network.delayMeanSeconds),
      duplicateRate: Math.max(0.3, network.duplicateRate),
      clogsPerSecond: 4 / publishSeconds,
      clogMeanSeconds: Math.max(2 * publishSeconds, network.clogMeanSeconds),
    },
    faults: {
      ...faults,
      crashesPerSecond: 1 / publishSeconds,
      downMeanSeconds: Math.min(faults.downMeanSeconds, publishSeconds),
      emptyShare: 0.7,
      nodeFailuresPerSecond: 3 / publishSeconds,
      nodeDownMeanSeconds: Math.min(faults.nodeDownMeanSeconds, 0.3 * publishSeconds),
    },
    load: { ...load, gangShare: load.gangShare / 4 },
  };
}

function drawNodes(draw: Draw, flavors: readonly FlavorSpec[], count: number): NodeSpec[] {
  return Array.from({ length: count }, (_, i) => ({
    ...(flavors[draw.integer(0, flavors.length - 1)] as FlavorSpec),
    name: `node-${i}`,
  }));
}

/** The settings, most often such that placement is guaranteed; see `isPatient`. */
function drawOptions(
  draw: Draw,
  { zones, hosts, fanOut }: Shape,
  publishSeconds: number,
  network: NetworkFaults,
): FederationOptions {
  const { levels } = makeTopology(zones, hosts, fanOut);
  const least = draw.sometimes(0.85) ? patienceOf(publishSeconds, levels, delayMaxOf(network)) : NO_PATIENCE;
  const proposeRepeatsMax = draw.integer(1, 4);
  return federationOptions({
    publishSeconds,
    expireSeconds: Math.max(least.expireSeconds, publishSeconds * draw.between(2, 8)),
    escrowSeconds: Math.max(least.escrowSeconds, draw.between(0.5, 8)),
    proposeSeconds: Math.max(least.answerSeconds / (proposeRepeatsMax + 1), draw.between(0.1, 1)),
    proposeRepeatsMax,
    confirmSeconds: draw.between(0.1, 1),
    noticeSeconds: draw.between(0.2, 2),
    fanOut,
    // A proposal to the group furthest away passes a node of every level but its sender's.
    hopsMax: levels + draw.integer(0, 2),
    escrowsMax: draw.sometimes(0.4) ? draw.integer(1, 3) : 64,
    noticesMax: draw.sometimes(0.4) ? draw.integer(1, 4) : 64,
    hostJobsMax: draw.sometimes(0.2) ? draw.integer(4, 24) : 1000,
    proposalsMax: draw.sometimes(0.4) ? draw.integer(1, 3) : 64,
    boardEntriesMax: draw.sometimes(0.1) ? draw.integer(1, 3) : fanOut * levels,
    standingSeconds: draw.between(0.3, 10) * publishSeconds,
    standingZones: draw.sometimes(0.6) ? draw.integer(1, 3) : 0,
    standingJobsMax: draw.integer(1, 4),
    standingMax: draw.sometimes(0.3) ? draw.integer(1, 3) : 64,
    gangPartsMax: 1,
    movesPerBoard: draw.sometimes(0.4) ? draw.integer(1, 4) : 0,
    moveGain: draw.between(0.3, 1),
    moveSavesMilliMin: draw.between(1, 200),
  });
}

/** Times that settings have to allow for, or healthy processes consider each other dead. */
interface Patience {
  readonly expireSeconds: number;
  readonly escrowSeconds: number;
  /** All repetitions of a proposal together. */
  readonly answerSeconds: number;
}

const NO_PATIENCE: Patience = { expireSeconds: 0, escrowSeconds: 0, answerSeconds: 0 };

/** Data may be 2 L (Δ + δ) old; an offer and its confirmation take 2 δ; a proposal passes at most L + 1 links, its answer one. */
function patienceOf(publishSeconds: number, levels: number, delayMaxSeconds: number): Patience {
  return {
    expireSeconds: 2 * levels * (publishSeconds + delayMaxSeconds),
    escrowSeconds: 2 * delayMaxSeconds,
    answerSeconds: (levels + 2) * delayMaxSeconds,
  };
}

/**
 * @returns True if jobs are guaranteed to be placed at all with these settings on this network: boards have room for
 *   every
 *          entry that there is to read, and no time-out is shorter than a message may take.
 */
export function isPatient(options: FederationOptions, levels: number, delayMaxSeconds: number): boolean {
  const least = patienceOf(options.publishSeconds, levels, delayMaxSeconds);
  return (
    options.boardEntriesMax >= options.fanOut * levels &&
    options.hopsMax >= levels &&
    options.expireSeconds >= least.expireSeconds &&
    options.escrowSeconds >= least.escrowSeconds &&
    // The drawn product may have lost its last bit.
    options.proposeSeconds * (options.proposeRepeatsMax + 1) >= least.answerSeconds * (1 - 1e-12)
  );
}

/** The longest transit of a message over a link that is neither clogged nor cut. */
export function delayMaxOf({ delayMinSeconds, delayMeanSeconds }: NetworkFaults): number {
  return delayMinSeconds + LINK_FACTOR_MAX * DELAY_MEANS_MAX * delayMeanSeconds;
}

function drawNetwork(draw: Draw, publishSeconds: number): NetworkFaults {
  return {
    delayMinSeconds: draw.between(0.0005, 0.05),
    delayMeanSeconds: draw.between(0.001, 0.2),
    lossRate: draw.sometimes(0.6) ? draw.between(0.005, 0.4) : 0,
    duplicateRate: draw.sometimes(0.6) ? draw.between(0.005, 0.4) : 0,
    clogsPerSecond: draw.sometimes(0.4) ? draw.between(0.05, 1) / publishSeconds : 0,
    clogMeanSeconds: draw.between(0.3, 10) * publishSeconds,
    partitionsPerSecond: draw.sometimes(0.4) ? draw.between(0.02, 0.6) / publishSeconds : 0,
    partitionMeanSeconds: draw.between(0.5, 10) * publishSeconds,
    oneWayShare: draw.sometimes(0.5) ? 0.5 : 0,
  };
}

function drawFaults(draw: Draw, { publishSeconds }: FederationOptions): ProcessFaults {
  return {
    crashesPerSecond: draw.sometimes(0.6) ? draw.between(0.05, 3) / publishSeconds : 0,
    downMeanSeconds: draw.between(0.1, 10) * publishSeconds,
    emptyShare: draw.sometimes(0.7) ? draw.between(0.1, 1) : 0,
    nodeFailuresPerSecond: draw.sometimes(0.5) ? draw.between(0.05, 1) / publishSeconds : 0,
    nodeDownMeanSeconds: draw.between(0.3, 10) * publishSeconds,
  };
}

function drawLoad(draw: Draw, { publishSeconds }: FederationOptions): Load {
  return {
    jobsPerSecond: draw.between(2, 60) / publishSeconds,
    jobsMax: JOBS_MAX,
    gangShare: draw.sometimes(0.7) ? draw.between(0.05, 0.6) : 0,
    gangPodsMax: draw.integer(2, 8),
    giantShare: 0,
    giantPodsMax: 2,
    cancelsPerSecond: draw.sometimes(0.5) ? draw.between(0.1, 5) / publishSeconds : 0,
    durationMeanSeconds: draw.between(0.5, 20) * publishSeconds,
    endlessShare: draw.sometimes(0.5) ? 0.3 : 0,
  };
}

/** Draws by the kinds of ranges that scenarios need. */
class Draw {
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  /** @returns True with that probability. */
  sometimes(probability: number): boolean {
    return this.random.nextFloat() < probability;
  }

  /** @returns An integer in [low, high]. */
  integer(low: number, high: number): number {
    return low + this.random.nextInt(high - low + 1);
  }

  /** @returns A number in [low, high), its logarithm uniform. 0 < low. */
  between(low: number, high: number): number {
    return low * Math.exp(this.random.nextFloat() * Math.log(high / low));
  }
}
