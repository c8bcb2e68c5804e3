/**
 * Simulates a cluster through the life of a workload: jobs arrive, wait, run and leave; nodes fail and return.
 *
 * Invariants: a pure function of its options (the clock, where one is given, only fills `timing`): the same options
 * give the same result, bit for bit. No input, no output.
 */
import { Fragmentation, typicalShapes } from '../../field/fragmentation.ts';
import { latticeOf, pricesOf } from '../../field/prices.ts';
import { MarketAccounts } from '../../governor/market-accounts.ts';
import { NodeFlavors } from '../../governor/node-flavors.ts';
import type { PlacementPolicy, TypicalWorkload } from '../../governor/policy/policy.ts';
import { TEG_DEFAULTS } from '../../governor/policy/teg-options.ts';
import { AccountsTerms } from '../../governor/queueing/accounts-terms.ts';
import { HeadroomClaims } from '../../governor/queueing/headroom.ts';
import type { RoomMaker } from '../../governor/queueing/room-maker.ts';
import { ZoneReclaim } from '../../governor/queueing/zone-reclaim.ts';
import { TenantAccounts } from '../../governor/tenant-accounts.ts';
import type { QueueDiscipline } from '../../governor/zone/queue-discipline.ts';
import { Zone } from '../../governor/zone/zone.ts';
import type { ZoneOptions } from '../../governor/zone/zone-events.ts';
import { Random } from '../../kernel/random.ts';
import { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import { TenantTree } from '../../market/tenants/tenant-tree.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import { TegError } from '../../model/errors.ts';
import { Equilibrium } from '../equilibrium/equilibrium.ts';
import { EquilibriumSampler } from '../equilibrium/equilibrium-sampler.ts';
import type { Decider, Timers } from '../inputs/decider.ts';
import { NodeFailures } from '../inputs/failures.ts';
import { JobLog } from '../inputs/job-log.ts';
import type { JobTable } from '../inputs/job-table.ts';
import { RecordedPlaces, type RecordedStart, whatBecame } from '../inputs/recorded-places.ts';
import { SAMPLES_DEFAULT, type SimulationOptions } from '../inputs/simulation-options.ts';
import { type CountedWorkload, clusterFor, typicalOf } from '../inputs/workload-of.ts';
import { borrowedQuota } from '../metrics/borrowed-quota.ts';
import { DropReasons } from '../metrics/drop-reasons.ts';
import { droppedReport } from '../metrics/dropped-jobs.ts';
import { evictionsOf } from '../metrics/evictions-result.ts';
import { heldIdleOf } from '../metrics/held-idle-result.ts';
import { type JobShapes, jobShapes } from '../metrics/job-shapes.ts';
import { idleNodes, marketFrom, marketResult } from '../metrics/market-result.ts';
import { ObservedPolicy } from '../metrics/observed-policy.ts';
import { QueueMeter } from '../metrics/queue-meter.ts';
import type { SimulationResult } from '../metrics/result.ts';
import { RunMetrics } from '../metrics/run-metrics.ts';
import { RunProfile } from '../metrics/run-profile.ts';
import { StateSampler } from '../metrics/state-sampler.ts';
import { summarizeRun } from '../metrics/summary.ts';
import { TenantMeter } from '../metrics/tenant-meter.ts';
import { type WaitingBooks, waitingReport } from '../metrics/waiting-report.ts';
import { economyPage } from '../pods/economy-page.ts';
import { PodDecider } from '../pods/pod-decider.ts';
import { podReport } from '../pods/pod-report.ts';
import { timedFrom, waitingPage } from '../pods/waiting-page.ts';
import { HoldingQueue } from '../queueing/holding-queue.ts';
import { holdsRoom, isZoneQueue } from '../queueing/queue-names.ts';
import { QUEUES } from '../queueing/queues.ts';
import { JobWatch } from './job-watch.ts';
import { type Runtimes, SimulationRun } from './simulation-run.ts';

/** Streams of the seed, so that one use of randomness never shifts another. */
const STREAM_POLICY = 1;
const STREAM_SAMPLER = 2;
const STREAM_EQUILIBRIUM = 5;
const STREAM_QUEUE = 6;

/**
 * Runs one simulation. Some 2 µs an event besides the policy's own cost.
 *
 * @throws TegError TEG_OPTION_INVALID; TEG_CLUSTER_INVALID for no nodes or nodes of one name; TEG_POLICY_INVALID if
 *         the policy violated its contract.
 */
export function runSimulation(given: SimulationOptions): SimulationResult {
  checkOptions(given);
  const { jobs: table, seed } = given;
  const startedMicros = given.clockMicros?.() ?? 0;
  const cluster = clusterFor(given.nodes, table, given.tenants?.market);
  const built = buildTenants(given, cluster);
  const tenants = built?.meter;
  const options = built === undefined ? given : { ...given, accounts: built.market ?? built.meter };
  const typical = typicalOf(table);
  const shapes = jobShapes(table);
  const sampler = buildSampler(options, cluster, shapes, typical);
  const arrivalsEnd = Math.min(table.spanSeconds, options.horizonSeconds ?? Number.POSITIVE_INFINITY);
  const profile = options.clockMicros === undefined ? undefined : new RunProfile(options.clockMicros);
  const warmup = options.warmupSeconds ?? 0;
  const metrics = new RunMetrics(table, shapes, cluster, sampler, warmup, arrivalsEnd, profile);
  const policy =
    options.world === undefined ? buildPolicy(options, cluster, typical) : nameOnly(options.policy.name);
  const drops = new DropReasons(cluster, shapes);
  const { explainJob } = options;
  const watch = explainJob === undefined ? undefined : new JobWatch(explainJob, table, cluster, policy);
  const log = options.onJobs === undefined ? undefined : new JobLog(table, cluster);
  const recorded = options.recorded ?? (options.world === undefined ? undefined : emptyStart(table));
  const reclaim = tenants && options.queue === 'teg' ? new ZoneReclaim(tenants.accounts) : undefined;
  const discipline = buildDiscipline(options, cluster, built, reclaim);
  const decider = buildDecider(options, cluster, policy, watch, discipline);
  const queueMeter = options.onQueue && new QueueMeter(cluster, shapes, metrics, arrivalsEnd, decider);
  const pods = decider instanceof PodDecider ? decider : undefined;
  if (sampler.equilibrium !== undefined) sampler.equilibrium.pods = decider;
  const run = new SimulationRun({
    table,
    cluster,
    zone: decider,
    // Without accounts and discipline a zone has no timed work.
    timers:
      pods !== undefined || options.accounts !== undefined || discipline !== undefined ? decider : undefined,
    runtimes: discipline === undefined ? undefined : runtimesOf(options),
    policy,
    metrics,
    drops,
    failures: options.failures && new NodeFailures(seed, cluster.nodeCount, options.failures),
    horizonSeconds: options.horizonSeconds ?? Number.POSITIVE_INFINITY,
    retrySeconds: options.retrySeconds ?? Number.POSITIVE_INFINITY,
    profile,
    queueMeter,
    watch,
    onEffects: listeners(options.onEffects, log, tenants),
    shouldStop: options.shouldStop ?? (() => false),
    onProgress: options.onProgress ?? (() => {}),
  });
  const ended = run.run();
  built?.market?.settle(run.decidedSeconds);
  if (log !== undefined) options.onJobs?.(log.records());
  if (queueMeter !== undefined) options.onQueue?.(queueMeter.figures(discipline?.promises));
  const wallMicros = (options.clockMicros?.() ?? 0) - startedMicros;
  const parts = { table, shapes, cluster, sampler, metrics, drops, policy, profile };
  const result = summarizeRun(options, parts, { ended, endSeconds: run.now, wallMicros });
  return {
    ...result,
    ...waitingPart(decider, table, run.now, waitingBooks(options, built, reclaim, run.now)),
    ...droppedPart(droppedReport(drops, table, cluster)),
    ...(reclaim === undefined ? {} : { evictions: evictionsOf(reclaim.counts) }),
    ...heldIdlePart(discipline, cluster, run.now),
    ...(tenants === undefined ? {} : { tenants: tenants.results(run.now, run.decidedSeconds) }),
    ...marketPart(built, cluster, run.decidedSeconds),
    ...podsPart(pods, options.world?.originSeconds),
    ...whatIfPart(recorded, table, cluster, decider),
    ...(watch === undefined ? {} : { explained: watch.result() }),
  };
}

function waitingBooks(
  { queue, jobs }: SimulationOptions,
  books: TenantBooks | undefined,
  reclaim: ZoneReclaim | undefined,
  now: number,
): WaitingBooks {
  if (books === undefined) return {};
  const turns = queue === 'teg' ? books.market : undefined;
  return { turns, addTo: borrowedQuota(books.meter.accounts, jobs, reclaim, now) };
}

function droppedPart(dropped: SimulationResult['dropped']): Pick<SimulationResult, 'dropped'> {
  return dropped === undefined ? {} : { dropped };
}

/** The jobs that wait at the end, where a zone decides and any does. */
function waitingPart(
  decider: Decider,
  table: JobTable,
  now: number,
  books: WaitingBooks,
): Pick<SimulationResult, 'waiting'> {
  if (!(decider instanceof Zone) || decider.waitingJobs === 0) return {};
  return { waiting: waitingReport(decider, table, now, books) };
}

/** Who waits and what tenants have at the end, where the pod scheduler decided. */
function podsPart(
  decider: PodDecider | undefined,
  originSeconds = 0,
): Pick<SimulationResult, 'waiting' | 'shares' | 'market'> {
  if (decider === undefined) return {};
  const view = decider.scheduler.view();
  const waiting = timedFrom(waitingPage(view), originSeconds);
  const { shares, market } = economyPage(view);
  const atSeconds = view.timeSeconds - originSeconds;
  return {
    ...(waiting.count === 0 ? {} : { waiting }),
    ...(shares === undefined ? {} : { shares: { ...shares, atSeconds } }),
    ...(market === undefined ? {} : { market: marketFrom(market, originSeconds) }),
  };
}

/** What gangs held, under a queue that lets them. */
function heldIdlePart(
  discipline: QueueDiscipline | undefined,
  { capacity }: ClusterState,
  now: number,
): Pick<SimulationResult, 'heldIdle'> {
  if (!(discipline instanceof HoldingQueue)) return {};
  const [unit, amount] =
    capacity.gpus > 0 ? (['gpu', capacity.gpus] as const) : (['core', capacity.cpuMilli / 1000] as const);
  return { heldIdle: heldIdleOf(discipline.heldIdle(now), unit, amount, now) };
}

/** The market at the end, where there is one. */
function marketPart(
  books: TenantBooks | undefined,
  cluster: ClusterState,
  now: number,
): Pick<SimulationResult, 'market'> {
  if (books?.market === undefined) return {};
  const { accounts } = books.meter;
  return { market: marketResult(books.market.market, accounts, idleNodes(accounts, cluster), now) };
}

/** What became of the jobs, where the run started from a record of the cluster. */
function whatIfPart(
  recorded: RecordedStart | undefined,
  table: JobTable,
  cluster: ClusterState,
  decider: Decider,
): Pick<SimulationResult, 'whatIf'> {
  if (recorded === undefined) return {};
  const pods = decider instanceof PodDecider ? decider : undefined;
  return {
    whatIf: {
      ...whatBecame(recorded, table, cluster, decider),
      ...podReport(recorded, table, cluster, pods),
    },
  };
}

/** Gives the effects of each step to those who listen, the caller's own listener last; undefined if there is none. */
function listeners(
  own: SimulationOptions['onEffects'],
  ...others: readonly (Pick<JobLog, 'afterStep'> | undefined)[]
): SimulationOptions['onEffects'] {
  const present = others.filter((listener) => listener !== undefined);
  if (present.length === 0) return own;
  return (effects, now) => {
    for (const listener of present) listener.afterStep(effects, now);
    own?.(effects, now);
  };
}

/** The accounts of the tenants of a run. */
interface TenantBooks {
  readonly meter: TenantMeter;
  /** In front of them, where somebody needs it: rents, and the order of tenants. */
  readonly market: MarketAccounts | undefined;
}

/** The accounts of the tenants, measured. What they expect of run times is what queue disciplines are informed of. */
function buildTenants(options: SimulationOptions, cluster: ClusterState): TenantBooks | undefined {
  const { tenants, jobs, warmupSeconds = 0 } = options;
  if (tenants === undefined) return undefined;
  const tree = new TenantTree(tenants.market, tenants.tenants, jobs.tenants);
  const { expectedSeconds } = runtimesOf(options);
  const expected = (job: number): number => expectedSeconds[job] as number;
  const accounts = new TenantAccounts(new NodeFlavors(cluster, tree.market), tree, jobs.tenants, {
    expectedSeconds: expected,
  });
  const meter = new TenantMeter(accounts, jobs, warmupSeconds);
  const { queue, ledger } = options;
  const hasMarket = queue === 'teg' || ledger !== undefined;
  const market = hasMarket
    ? new MarketAccounts(meter, accounts, {
        ledger,
        cluster,
        expectedSeconds: expected,
        nameOf: (job) => jobs.idOf(job),
      })
    : undefined;
  return { meter, market };
}

function buildPolicy(
  options: SimulationOptions,
  cluster: ClusterState,
  typical: TypicalWorkload,
): ObservedPolicy {
  const policy = options.policy.create({
    cluster,
    random: new Random(options.seed, STREAM_POLICY),
    ...(options.typical === 'list' ? { typical } : {}),
    ...(options.tables === undefined ? {} : { tables: options.tables }),
  });
  return new ObservedPolicy(policy, options.clockMicros);
}

function buildDecider(
  options: SimulationOptions,
  cluster: ClusterState,
  policy: ObservedPolicy,
  watch: JobWatch | undefined,
  discipline: QueueDiscipline | undefined,
): Decider & Timers {
  const { world, jobs: table, recorded } = options;
  if (world !== undefined) {
    return new PodDecider({
      world,
      table,
      cluster,
      kept: recorded?.nodes.length ?? 0,
      pending: recorded?.pending ?? arrivingAtOnce(table),
      lostPods: options.lostPods === 'fail' ? 'fail' : 'requeue',
      ...(watch === undefined ? {} : { watch }),
      ...(options.accounts === undefined ? {} : { accounts: options.accounts }),
      onDecisions: (decisions, failed, examined) => policy.decided(decisions, failed, examined),
    });
  }
  return buildZone(
    options,
    cluster,
    recorded === undefined ? policy : new RecordedPlaces(policy, cluster, recorded),
    discipline,
  );
}

/** Nothing runs at the start, and the result names the outcome of every job. */
function emptyStart(table: JobTable): RecordedStart {
  return { nodes: [], pending: table.count };
}

/** Jobs that arrive at 0: the scheduler sees all of them before it decides, as after its start. */
function arrivingAtOnce({ submitSeconds }: JobTable): number {
  const later = submitSeconds.findIndex((seconds) => seconds > 0);
  return later < 0 ? submitSeconds.length : later;
}

/** The pod scheduler decides in the policy's place. */
function nameOnly(name: string): ObservedPolicy {
  const choose = (): never => {
    throw new Error('the pod scheduler decides');
  };
  return new ObservedPolicy({ name, gpuMask: 0, nodesExamined: 0, choose });
}

/** Undefined: the zone's own lines decide, or the pod scheduler. */
function buildDiscipline(
  { queue = 'best-effort', runtimes = 'declared', jobs, seed, world }: SimulationOptions,
  cluster: ClusterState,
  books: TenantBooks | undefined,
  rooms: RoomMaker | undefined,
): QueueDiscipline | undefined {
  if (isZoneQueue(queue) || world !== undefined) return undefined;
  const random = new Random(seed, STREAM_QUEUE);
  const estimates = new RuntimeEstimates({ predicts: runtimes === 'predicted' });
  const [tree, order] = [books?.meter.tree, books?.market];
  const { tenants } = jobs;
  const headroom = books && new HeadroomClaims(books.meter.accounts);
  const terms = books && new AccountsTerms(books.meter.accounts);
  const has = { order, rooms, headroom, terms };
  return QUEUES[queue].create({ cluster, tenants, tree, estimates, runtimes, random, ...has });
}

/** What a discipline is informed of about the run times of jobs. */
function runtimesOf({ jobs, runtimes = 'declared' }: SimulationOptions): Runtimes {
  const owners = jobs.ownerIds;
  if (runtimes === 'exact') return { owners, expectedSeconds: jobs.durationSeconds };
  if (runtimes === 'declared' || runtimes === 'predicted')
    return { owners, expectedSeconds: jobs.requestedSeconds };
  return { owners, expectedSeconds: new Float64Array(jobs.count).fill(Number.NaN) };
}

function buildZone(
  options: SimulationOptions,
  cluster: ClusterState,
  policy: PlacementPolicy,
  discipline: QueueDiscipline | undefined,
): Zone {
  const { jobs: table, queue = 'best-effort' } = options;
  const membersMax = table.podCounts.reduce((most, pods) => Math.max(most, pods), 1);
  const zoneOptions: ZoneOptions = {
    queue: isZoneQueue(queue) ? queue : 'best-effort',
    onNodeLost: options.lostPods ?? 'requeue',
    retryAllOnTick: options.retrySeconds !== undefined,
    waitingJobsMax: Math.max(1, table.count),
    jobsMax: Math.max(1, table.count),
    membersMax,
    effectsMax: Math.max(1 << 16, 2 * membersMax + 2),
  };
  return new Zone(cluster, policy, zoneOptions, options.accounts, discipline);
}

function buildSampler(
  options: SimulationOptions,
  cluster: ClusterState,
  shapes: JobShapes,
  typical: CountedWorkload,
): StateSampler {
  const { jobs: table, seed, warmupSeconds = 0, horizonSeconds = Number.POSITIVE_INFINITY } = options;
  const samples = options.samples ?? SAMPLES_DEFAULT;
  const span = Math.min(table.spanSeconds, horizonSeconds);
  const interval = (Number.isFinite(horizonSeconds) ? horizonSeconds : 1) / samples;
  const fragmentation = new Fragmentation(
    typicalShapes(typical.demands, typical.counts, table.demands),
    cluster,
  );
  const window = span > warmupSeconds ? span : Number.POSITIVE_INFINITY;
  const random = new Random(seed, STREAM_SAMPLER);
  return new StateSampler(
    cluster,
    shapes,
    fragmentation,
    random,
    span,
    interval,
    samples,
    [warmupSeconds, window],
    buildEquilibrium(options, cluster, typical),
  );
}

/** Only where there are GPUs: their stranding is what the potential is about. */
function buildEquilibrium(
  { jobs, seed, withEquilibrium = true, tables }: SimulationOptions,
  cluster: ClusterState,
  typical: TypicalWorkload,
): EquilibriumSampler | undefined {
  if (!withEquilibrium || cluster.capacity.gpus === 0 || typical.demands.length === 0) return undefined;
  const podsLeave = jobs.durationSeconds.some((seconds) => seconds < Number.POSITIVE_INFINITY);
  const { price: prices, learning } = TEG_DEFAULTS;
  // Those of a policy that knows the workload; shapes weigh by their GPUs once pods leave, as in the field.
  const sizeBias = podsLeave ? learning.sizeBias : 0;
  const price = pricesOf(cluster, latticeOf(cluster), typical, prices, sizeBias, tables);
  const equilibrium = new Equilibrium(cluster, price, prices);
  return new EquilibriumSampler(cluster, equilibrium, new Random(seed, STREAM_EQUILIBRIUM));
}

function checkOptions(options: SimulationOptions): void {
  if (options.nodes.length === 0) {
    throw new TegError(
      'TEG_CLUSTER_INVALID',
      'the cluster has no nodes; expected at least one: name another cluster',
    );
  }
  if (options.tenants !== undefined && (options.accounts !== undefined || options.world !== undefined)) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      'got tenants beside accounts or a Kubernetes world, expected tenants alone: let a zone decide',
    );
  }
  const { lostPods, queue = 'best-effort' } = options;
  if (lostPods === 'hold' && (options.world !== undefined || !holdsRoom(queue))) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got that jobs which lose a node hold the rest, with queue ${queue}; expected a queue under which gangs hold room, ` +
        'such as permit-timeout: name one, or requeue',
    );
  }
  if (options.ledger !== undefined && options.tenants === undefined) {
    throw new TegError('TEG_OPTION_INVALID', 'got a ledger without tenants, expected both: say who pays');
  }
  requireRange('horizon', options.horizonSeconds, Number.MIN_VALUE);
  requireRange('warm-up', options.warmupSeconds, 0);
  requireRange('retry', options.retrySeconds, Number.MIN_VALUE);
  requireRange('mtbf', options.failures?.mtbfSeconds, Number.MIN_VALUE);
  requireRange('mttr', options.failures?.mttrSeconds, Number.MIN_VALUE);
  requireRange('samples', options.samples, 1);
  if (!(options.explainJob === undefined || options.explainJob in options.jobs.demandIds)) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `job ${options.explainJob} is to be explained; expected one of the ${options.jobs.count} jobs: name another`,
    );
  }
  if ((options.warmupSeconds ?? 0) >= (options.horizonSeconds ?? Number.POSITIVE_INFINITY)) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `the warm-up of ${options.warmupSeconds} s reaches the horizon of ${options.horizonSeconds} s; ` +
        'expected it to end before: shorten it',
    );
  }
}

function requireRange(what: string, value: number | undefined, least: number): void {
  if (value === undefined || (value >= least && Number.isFinite(value))) return;
  const expected =
    least > 0 && least < 1 ? 'a finite number above 0' : `a finite number of at least ${least}`;
  throw new TegError('TEG_OPTION_INVALID', `${what} is ${value}; expected ${expected}: correct it`);
}
