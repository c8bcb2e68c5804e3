/**
 * TEG as a scheduler of a Kubernetes cluster: everything wired together, from the API server to the core and back.
 *
 * Life: the candidate for the lease and the informers start at once; when everything is listed and the lease is held,
 * decisions begin. A lease that may have expired stops every write at once; a decision that was not sent is made again
 * by the next leader. A new leader first lists the pods again, so that no decision is based on its earlier state.
 */
import { Readable } from 'node:stream';
import { createConstraints } from '../../governor/pods/constraints/cluster-constraints.ts';
import type { BindEffect, BindOutcome, PodEffect, PodEvent } from '../../governor/pods/pod-events.ts';
import { PodScheduler } from '../../governor/pods/pod-scheduler.ts';
import { economyPage } from '../../simulation/pods/economy-page.ts';
import { waitingPage } from '../../simulation/pods/waiting-page.ts';
import type { ApiTarget } from './client/api.ts';
import { createApiClient, type HttpApiClient } from './client/http-client.ts';
import { electionTimes } from './config/config-schema.ts';
import { coreOptions } from './config/core-options.ts';
import type { SchedulerConfig } from './config/scheduler-config.ts';
import { CoreDriver } from './core-driver.ts';
import { EconomyFeed, MARKET_NAME } from './economy/economy-feed.ts';
import { EconomyStatusWriter } from './economy/economy-status.ts';
import { EffectRunner } from './effect-runner.ts';
import { Informers } from './informers.ts';
import { IoCoalescer } from './io-coalescing.ts';
import { LeaderLedger } from './ledger/leader-ledger.ts';
import { type OpeningReport, StatusOpening } from './ledger/status-opening.ts';
import { profilesOf } from './objects/profiles.ts';
import type { RecordFile } from './record-file.ts';
import { takeSnapshot } from './snapshot/take-snapshot.ts';
import { Standby } from './standby.ts';
import { WriteErrors } from './write-errors.ts';
import { makeWriters, type Writers } from './writers.ts';
import { GroupConditionWriter } from './writes/group-conditions.ts';
import { LeaderLease } from './writes/leader-lease.ts';
import { textAt } from './writes/retrying-request.ts';
import { systemWriteClock, type WriteClock } from './writes/write-clock.ts';

/** Log for messages to people; pino fits. */
export interface ProcessLogger {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** Receives events for metrics. All methods are called often and must be quick. */
export interface ProcessObserver {
  onStep(
    event: Parameters<PodScheduler['step']>[0],
    effects: ReturnType<PodScheduler['step']>,
    seconds: number,
  ): void;
  onBound(effect: BindEffect, outcome: BindOutcome, seconds: number): void;
  /** An object of a watched resource could not be read, and was skipped. */
  onMalformed(resource: string): void;
}

/** Options of a scheduler process. */
export interface SchedulerProcessOptions {
  readonly target: ApiTarget;
  readonly config: SchedulerConfig;
  /** Unique to this process, for the lease and events. */
  readonly identity: string;
  /** Decides and explains, writes nothing. */
  readonly dryRun: boolean;
  readonly log: ProcessLogger;
  readonly observer?: ProcessObserver;
  /** The process cannot continue: the reason is logged, and the process has to end. */
  readonly onBroken: (error: unknown) => void;
}

/** Seconds that a stop waits for bindings in flight, and then for events. */
const STOP_SECONDS = 10;

/** One scheduler. `start` once, `stop` once. */
export class SchedulerProcess {
  readonly options: SchedulerProcessOptions;
  readonly core: PodScheduler;
  readonly driver: CoreDriver;
  readonly followers: Informers;
  readonly writers: Writers;
  readonly runner: EffectRunner;
  readonly client: HttpApiClient;
  /** Undefined while the mode of the economy is off. */
  readonly economy: EconomyFeed | undefined;
  readonly economyStatus: EconomyStatusWriter | undefined;
  readonly groupConditions: GroupConditionWriter | undefined;
  readonly lease: LeaderLease | undefined;
  /** Undefined without a file for balances. */
  readonly ledger: LeaderLedger | undefined;
  /** Undefined with a file, or without an economy. */
  readonly opening: StatusOpening | undefined;
  readonly coalescer: IoCoalescer;
  /** True if this process decides now. */
  leading = false;
  /** Recording of the inputs, if there is one. */
  record: RecordFile | undefined;
  private readonly standby = new Standby();
  private stopping = false;
  private leads = 0;

  constructor(options: SchedulerProcessOptions) {
    const { target, config, log, identity } = options;
    this.options = options;
    this.coalescer = new IoCoalescer(config.clientConnection.coalesceMilliseconds);
    this.client = createApiClient(target, {
      ...config.clientConnection,
      onSettled: () => this.noteArrival(),
    });
    this.core = newCore(config);
    const clock = systemWriteClock();
    const troubles = new WriteErrors(log, () => clock.nowSeconds());
    this.writers = makeWriters({
      client: this.client,
      clock,
      config,
      identity,
      mayWrite: () => this.mayWrite(),
      onWriteError: (what, pod, text) => troubles.tell(what, `${pod.namespace}/${pod.name}`, text),
    });
    this.driver = this.makeDriver();
    this.runner = this.makeRunner();
    this.economy = this.makeEconomy();
    this.opening = this.makeOpening();
    this.economyStatus = this.makeEconomyStatus(clock, troubles);
    this.groupConditions = options.dryRun ? undefined : this.makeGroupConditions(clock, troubles);
    this.ledger = this.makeLedger();
    this.followers = this.makeFollowers();
    if (config.leaderElection.leaderElect && !options.dryRun) this.lease = this.makeLease(clock);
  }

  /** Starts. @param record Recording of the inputs; closed by `stop`. */
  start(record?: RecordFile): void {
    this.record = record;
    this.followers.start();
    this.lease?.start();
    this.economyStatus?.start();
    this.groupConditions?.start();
  }

  /** '' once everything is listed, or the missing resources: for readiness. */
  get notReady(): string {
    if (this.stopping) return 'stopping';
    const missing = this.followers.reflectors.filter((reflector) => !reflector.synced);
    return missing.length === 0
      ? ''
      : `not listed yet: ${missing.map(({ resource }) => resource.name).join(', ')}`;
  }

  /** '' while decisions continue, or the stuck part: for liveness. */
  get stuck(): string {
    return this.driver.problem;
  }

  /** @returns Why a pod is where it is; undefined if it is not known. */
  explain(namespace: string, name: string): unknown {
    const pod = this.core.view().podNamed(namespace, name);
    return pod === undefined ? undefined : this.core.explain(pod.uid);
  }

  /** @returns The jobs that wait, in their turn, each with its reason. */
  waiting(): unknown {
    return waitingPage(this.core.view(), this.driver.nowSeconds());
  }

  /** @returns Tenants, prices and balances. */
  tenantsAndPrices(): unknown {
    return economyPage(this.core.view(), this.driver.nowSeconds());
  }

  /** @returns The state of the cluster as `teg snapshot` saves it, read from the API server page by page. */
  snapshot(): Readable {
    const { log, target } = this.options;
    return Readable.from(
      takeSnapshot(this.client, {
        takenAtSeconds: Date.now() / 1000,
        server: target.server,
        onWarning: (text) => log.warn({ text }, 'snapshot is not whole'),
      }),
    );
  }

  /** Stops in order: no decisions, bindings in flight awaited, lease released, events written. */
  async stop(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    this.driver.allow(false);
    this.economyStatus?.stop();
    this.groupConditions?.stop();
    const settled = await inTime(this.runner.hold(), STOP_SECONDS);
    this.writers.claims.stop();
    this.writers.evictor.stop();
    // Before the events, which need no lease: the next leader need not wait for them.
    await this.lease?.stop(settled);
    await this.writers.events.flush(STOP_SECONDS);
    this.driver.stop();
    this.economy?.stop();
    this.ledger?.stop();
    await this.followers.stop();
    await this.client.close();
    await this.record?.close();
  }

  private feed(event: PodEvent): void {
    this.driver.feed(event);
    this.writers.claims.noticed(event);
    this.noteArrival();
  }

  /** Lists are read without pauses: the sooner they are complete, the sooner the scheduler works. */
  private noteArrival(): void {
    if (this.driver.decides) this.coalescer.note();
  }

  /** True if a write may be sent now. */
  private mayWrite(): boolean {
    if (this.options.dryRun) return false;
    return this.lease === undefined || this.lease.surelyHeld();
  }

  private makeDriver(): CoreDriver {
    const { observer, onBroken } = this.options;
    return new CoreDriver(this.core, {
      onBroken,
      onEffect: (effect) => this.carryOut(effect),
      room: () => (this.options.dryRun ? Number.MAX_SAFE_INTEGER : this.runner.room),
      onStep: (event, time, effects, seconds) => {
        this.record?.step(event, time, effects);
        // Before any effect is carried out: what is bound has its escrow.
        if (this.leading && event.kind === 'decide') {
          this.ledger?.commit(effects?.some(({ kind }) => kind === 'bind') === true, time);
        }
        if (effects !== undefined) observer?.onStep(event, effects, seconds);
      },
    });
  }

  private makeRunner(): EffectRunner {
    const { log, dryRun, observer } = this.options;
    return new EffectRunner({
      writers: this.writers,
      feed: (event) => this.driver.feed(event),
      stillHolds: (uid, node) => this.core.stillHolds(uid, node),
      identify: (uid) => this.core.view().pod(uid),
      roomMade: () => this.driver.wake(),
      onBound: (effect, outcome, seconds) => observer?.onBound(effect, outcome, seconds),
      nowSeconds: () => this.driver.nowSeconds(),
      dryRun,
      log: (level, details, message) => log[level](details, message),
    });
  }

  private makeFollowers(): Informers {
    const { target, config, log, onBroken } = this.options;
    return new Informers({
      target,
      profiles: profilesOf(config.schedulerNames),
      pageSize: config.clientConnection.listPageSize,
      feed: (event) => this.feed(event),
      economy: this.economy === undefined ? undefined : { ...config.economy, feed: this.economy },
      groups: this.groupConditions,
      log,
      onMalformed: (resource, object, message) => this.tellMalformed(resource, object, message),
      onSynced: () => {
        const { nodeCount: nodes, podCount: pods } = this.core.view();
        log.info({ nodes, pods }, 'synced with the API server');
        this.settle();
      },
      onBroken,
    });
  }

  private makeEconomy(): EconomyFeed | undefined {
    const { config, log } = this.options;
    if (config.economy.mode === 'off') return undefined;
    return new EconomyFeed({
      mode: config.economy.mode,
      feed: (event) => this.feed(event),
      onProblem: (kind, name, problem) => {
        if (problem === '') log.info({ kind, name }, 'object of the economy can be used again');
        else log.warn({ kind, name, problem }, 'object of the economy cannot be used as it is');
      },
    });
  }

  private makeEconomyStatus(clock: WriteClock, troubles: WriteErrors): EconomyStatusWriter | undefined {
    const { economy: feed, writers } = this;
    if (feed === undefined || this.options.dryRun) return undefined;
    return new EconomyStatusWriter({
      client: this.client,
      clock,
      random: Math.random,
      mayWrite: () => this.driver.decides && this.mayWrite(),
      mayRun: () => writers.binder.inFlight === 0 && writers.binder.queued === 0,
      feed,
      frame: () => this.core.view().economy(),
      opening: () => (feed.hasTokens ? this.opening?.report : undefined),
      term: () => this.term() ?? 0,
      onWriteError: (path, text) => troubles.tell('status of the economy', path, text),
    });
  }

  private makeGroupConditions(clock: WriteClock, troubles: WriteErrors): GroupConditionWriter {
    const { writers, client, core, driver } = this;
    return new GroupConditionWriter({
      client,
      clock,
      random: Math.random,
      mayWrite: () => driver.decides && this.mayWrite(),
      mayRun: () => writers.binder.inFlight === 0 && writers.binder.queued === 0,
      group: (key) => core.view().group(key),
      onWriteError: (group, text) => troubles.tell('condition of pod group', group, text),
    });
  }

  private makeLedger(): LeaderLedger | undefined {
    const { economy } = this;
    const { config, dryRun, log } = this.options;
    const { path } = config.economy.ledger;
    if (economy === undefined || path === '' || dryRun) return undefined;
    return new LeaderLedger({
      path,
      halfLifeSeconds: () => economy.halfLifeSeconds,
      useLedger: (ledger) => this.core.useLedger(ledger),
      feed: (event) => this.feed(event),
      log: (details, message) => log.info(details, message),
    });
  }

  private makeOpening(): StatusOpening | undefined {
    const { economy, core } = this;
    if (economy === undefined || this.options.config.economy.ledger.path !== '') return undefined;
    return new StatusOpening({
      tenants: () => economy.objects('Tenant'),
      boundPods: () => {
        let bound = 0;
        core.view().forEachPod(({ nodeName }) => {
          if (nodeName !== '') bound++;
        });
        return bound;
      },
      feed: (event) => this.feed(event),
      onReport: (...report) => this.tellOpening(economy, ...report),
    });
  }

  private tellOpening(economy: EconomyFeed, report: OpeningReport, note: string, isWarning: boolean): void {
    if (!economy.hasTokens) return;
    this.options.log[isWarning ? 'warn' : 'info'](report, `ledger rebuilt: ${note}`);
    const market = economy.objects('Market').find(({ name }) => name === MARKET_NAME);
    if (market === undefined || this.options.dryRun) return;
    const { name, uid } = market;
    this.writers.events.record({
      regarding: { apiVersion: 'teg.dev/v1alpha1', kind: 'Market', namespace: '', name, uid },
      ...{ type: isWarning ? 'Warning' : 'Normal', reason: 'LedgerRebuilt', action: 'TakingOver', note },
    });
  }

  /** Fencing token of this leader; undefined: without an election. */
  private term(): number | undefined {
    return this.lease && this.lease.transitions + 1;
  }

  /** @returns False: the ledger cannot be used, and the process ends. */
  private openLedger(): boolean {
    try {
      this.ledger?.lead(this.term(), this.driver.nowSeconds());
      this.opening?.lead(this.term(), this.driver.nowSeconds());
      return true;
    } catch (error) {
      this.options.onBroken(error);
      return false;
    }
  }

  private makeLease(clock: WriteClock): LeaderLease {
    const { config, identity, log } = this.options;
    const { resourceNamespace: namespace, resourceName: name } = config.leaderElection;
    return new LeaderLease({
      client: this.client,
      clock,
      random: Math.random,
      namespace,
      name,
      identity,
      ...electionTimes(config.leaderElection),
      onStarted: () => void this.takeOver(),
      onLost: (why) => this.handOver(why),
      onHolder: (holder) => {
        if (holder !== '') log.info({ holder }, 'lease is held');
      },
      onWriteError: (text) => log.warn({ text }, 'lease in trouble'),
    });
  }

  /** The lease is ours: all earlier bindings are read, then decisions begin. */
  private async takeOver(): Promise<void> {
    const lead = ++this.leads;
    const { log } = this.options;
    log.info({}, 'leading');
    // Also if the first listing is incomplete: it may have begun while another replica was still binding.
    await this.followers.refreshPods();
    if (lead !== this.leads || this.stopping) return;
    this.leading = true;
    this.runner.resume();
    this.settle();
  }

  private handOver(why: string): void {
    this.leads++;
    this.leading = false;
    this.driver.allow(false);
    if (!this.stopping) this.options.log.warn({ why }, 'not leading any more: nothing is bound from now');
    void this.runner.hold();
  }

  /** Begins to decide once all parts are ready. */
  private settle(): void {
    if (this.stopping || !this.followers.synced) return;
    if (this.lease === undefined) this.leading = true;
    if (!this.leading) return;
    if (!this.openLedger()) return;
    this.standby.tellAll(this.core.view(), (pod, message, isNew, reason) => {
      if (isNew) this.runner.tellUnschedulable(pod, message, reason);
      else this.writers.status.setNotScheduled(pod, { reason, message });
    });
    this.driver.allow(true);
  }

  /** Messages without a decision are sent by the leader only, and by no replica before it leads. */
  private carryOut(effect: PodEffect): void {
    if (this.driver.decides) this.runner.run(effect);
    else if (effect.kind === 'unschedulable') this.standby.note(effect.uid);
    // A nomination that was dropped here came from an earlier leader.
    else if (effect.kind !== 'nominate') this.runner.run(effect);
  }

  private tellMalformed(resource: string, object: unknown, message: string): void {
    const { log, config } = this.options;
    log.warn({ resource, name: textAt(object, 'metadata', 'name'), message }, 'object skipped');
    this.options.observer?.onMalformed(resource);
    if (!profilesOf(config.schedulerNames).has(textAt(object, 'spec', 'schedulerName'))) return;
    const pod = {
      namespace: textAt(object, 'metadata', 'namespace'),
      name: textAt(object, 'metadata', 'name'),
      uid: textAt(object, 'metadata', 'uid'),
    };
    const text = `TEG cannot read this pod: ${message}`;
    if (this.driver.decides) this.runner.tellUnschedulable(pod, text, 'Unschedulable');
    else this.standby.noteUnreadable(pod, text);
  }
}

/** @returns A fresh core with the configuration's options. */
export function newCore(config: SchedulerConfig): PodScheduler {
  return new PodScheduler(coreOptions(config), createConstraints());
}

/** @returns True if a promise settled within a time. */
async function inTime(promise: Promise<unknown>, seconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), seconds * 1000);
  });
  const done = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return done;
}
