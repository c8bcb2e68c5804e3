/** Random lives of tenants on three nodes of 4 GPUs, with everything that has to hold of evictions checked after each decision. */
import { Random } from '../../../kernel/random.ts';
import { comparePotentials } from '../../../market/reclaim/reclaim.oracle.ts';
import { PREEMPTION_DEFAULTS } from '../../../market/tenants/spec.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { GRACE_SECONDS } from '../champion/pod-ends.ts';
import { gpuNode, gpuPodOf, labelledMarket, setEconomy, teamTenant } from '../economy/economy.fixtures.ts';
import type { EvictEffect } from '../pod-events.ts';
import { group, selector, TestCluster } from '../scheduler.fixtures.ts';
import { runningPotential } from './reclaim-potential.fixtures.ts';

const STEPS = 25;
const STEPS_WITH_CHAMPIONS = 60;
const LEAVES = ['x', 'y', 'z'] as const;
/** Attempts at one place, and one elsewhere. */
const ATTEMPTS_MAX = 4;

interface Job {
  readonly key: string;
  readonly disruption: 'single' | 'all';
  readonly minCount: number;
}

/** What differs between worlds. */
export interface LifeOptions {
  /** A second scheduler binds pods without a look at claims. */
  readonly hasRival?: boolean;
  /** Pods say how long they run, and run that long; who waits for long becomes champion. */
  readonly hasChampions?: boolean;
}

/** One life. */
export class ReclaimLife {
  readonly cluster = new TestCluster();
  /**
   * Pods evicted; gangs of which a part was; evictions beyond a budget; passes with evictions whose potential was compared; plans of
   * champions; those made beside claims.
   */
  readonly sums = { evictions: 0, partial: 0, forced: 0, improved: 0, crowned: 0, beside: 0 };
  private readonly random: Random;
  private readonly options: LifeOptions;
  private readonly quotas = new Map<string, number>();
  private readonly underTop = new Set<string>(['top']);
  private readonly pods = new Map<string, PodDescription>();
  private readonly jobs = new Map<string, Job>();
  /** By claimant: the pass in which each job was evicted for it. */
  private readonly evictedFor = new Map<string, Map<string, number>>();
  /** The tenant whose budget is spent with its first pod, or from the beginning. */
  private poor = '';
  /** Victims that are leaving. */
  private readonly slow: EvictEffect[] = [];
  /** Of the pods that come now. */
  private runSeconds = 0;
  private passes = 0;
  private count = 0;

  constructor(seed: number, options: LifeOptions = {}) {
    this.random = new Random(seed);
    this.options = options;
    const { random, cluster } = this;
    cluster.nodes(gpuNode('n1', 'a', 4), gpuNode('n2', 'a', 4), gpuNode('n3', 'a', 4));
    const poor = random.nextInt(8);
    let below = 2;
    const leaves = LEAVES.map((name, i) => {
      const quota = random.nextInt(4);
      this.quotas.set(name, quota);
      const parent = random.nextInt(2) === 0 ? 'top' : '';
      if (parent !== '') {
        below += quota;
        this.underTop.add(name);
      }
      const minRuntimeSeconds = random.nextInt(2) * 20;
      const ratePerHour = random.nextInt(2);
      const preemption = { ...PREEMPTION_DEFAULTS, minRuntimeSeconds, ratePerHour };
      const onEmpty = random.nextInt(2) === 0 ? ('Wait' as const) : ('IdleOnly' as const);
      if (i === poor) this.poor = name;
      const budget = i === poor ? { budget: { tokens: 1e-6, periodSeconds: 1e9, onEmpty } } : {};
      return teamTenant(name, { a: quota }, { parent, preemption, ...budget });
    });
    this.quotas.set('top', below);
    const priorityScope = random.nextInt(4) === 0 ? ('Cluster' as const) : ('Tenant' as const);
    const afterSeconds = options.hasChampions === true ? 14 : 60;
    const champion = { afterSeconds, reservationsMax: 1, unknownRuntime: 'Never' as const };
    setEconomy(cluster, 'enforce', { ...labelledMarket('a'), priorityScope, champion }, [
      teamTenant('top', { a: 2 }),
      ...leaves,
    ]);
  }

  /** Lives it. @throws Error at the first wrong eviction. */
  live(): void {
    const isLong = this.options.hasChampions === true;
    for (let step = 0; step < (isLong ? STEPS_WITH_CHAMPIONS : STEPS); step++) {
      this.cluster.wait(7);
      this.endDue();
      if (this.random.nextInt(2) === 0) for (const victim of this.slow.splice(0)) this.leave(victim);
      const turn = this.random.nextInt(this.options.hasRival === true ? 5 : 4);
      if (turn < 2) this.submit();
      if (isLong && turn > 0) this.submit();
      else if (turn === 2) this.end();
      else if (turn === 4) this.rival();
      for (let pass = 0; this.pass(); pass++) if (pass > 60) throw new Error('evictions do not stop');
      this.checkClaimsStarted();
    }
    const { counts } = this.cluster.scheduler.internals.reclaim;
    if (this.options.hasRival !== true && counts.taken > 0)
      throw new Error('room of a claim was taken, and nobody interferes');
  }

  /** @returns True if pods were evicted. */
  private pass(): boolean {
    const { cluster } = this;
    this.passes++;
    this.setBudgets();
    const before = this.held();
    const hasStarted = (before.get(this.poor) ?? 0) > 0;
    const planned = this.plans();
    const claims = this.seats();
    // Champions are elected, and claims end whose claimants are gone.
    cluster.step({ kind: 'decide', max: 0 });
    const potential = runningPotential(cluster.scheduler.internals);
    const effects = cluster.step({ kind: 'decide', max: 1000 }).slice();
    this.checkChampions(planned, claims);
    if (cluster.scheduler.hasWork) effects.push(...cluster.decide());
    const gone = effects.filter((effect): effect is EvictEffect => effect.kind === 'evict');
    this.checkQuotas(gone);
    this.checkPotential(potential, gone);
    this.checkGangs(gone);
    this.checkDisruptions(gone);
    for (const { byUid, name } of gone) {
      // With IdleOnly its first pod may be placed like anybody's.
      if (hasStarted && this.pods.get(byUid)?.namespace === this.poor)
        throw new Error(`${name} is evicted for a tenant whose budget is spent`);
    }
    for (const effect of effects) {
      if (effect.kind !== 'bind') continue;
      // It has started: the next claim of a gang that is created again is another one.
      this.evictedFor.delete(effect.group);
      cluster.bindDone(effect.uid);
      cluster.update(effect.uid, { nodeName: effect.node, startedSeconds: cluster.timeSeconds });
    }
    for (const claim of cluster.scheduler.internals.reclaim.claims.openClaims()) {
      const { attempts = 0, avoided } = cluster.scheduler.internals.reclaim.claims.stateOf(claim) ?? {};
      if (attempts > ATTEMPTS_MAX) throw new Error(`${claim.key} makes its attempt ${attempts}`);
      if (claim.seats.some(({ slot }) => avoided?.has(slot)))
        throw new Error(`${claim.key} claims the place that was taken from it`);
    }
    for (const victim of gone) {
      // Some take their time, so that claims are there when champions are elected.
      if (this.options.hasChampions === true && this.random.nextInt(3) > 0) this.slow.push(victim);
      else this.leave(victim);
    }
    return gone.length > 0;
  }

  /** Champions: when and where each starts. */
  private plans(): Map<string, string> {
    const plans = new Map<string, string>();
    this.cluster.scheduler.internals.champions.forEach(({ key, startsBySeconds, slots }) => {
      plans.set(key, `${startsBySeconds} ${slots.join()}`);
    });
    return plans;
  }

  /** Seats of claims: by uid the slot. */
  private seats(): Map<string, number> {
    const seats = new Map<string, number>();
    for (const { key, seats: kept } of this.cluster.scheduler.internals.reclaim.claims.openClaims()) {
      for (const { pod, slot } of kept) seats.set(`${key} ${pod.uid}`, slot);
    }
    return seats;
  }

  /** New plans leave the room that claims keep: what still runs then, what claims will run then, and the champion fit on its nodes. */
  private checkChampions(
    before: ReadonlyMap<string, string>,
    claimsBefore: ReadonlyMap<string, number>,
  ): void {
    const { champions, state } = this.cluster.scheduler.internals;
    const plans = this.plans();
    const seatsNow = this.seats();
    champions.forEach(({ key, startsBySeconds, slots, pods }) => {
      if (plans.get(key) === before.get(key)) return;
      this.sums.crowned++;
      let room = 0;
      let isBeside = false;
      for (const slot of slots) {
        const running = (state.slots.pods[slot] ?? []).filter((pod) => {
          const isOld = pod.startedSeconds > 0;
          return isOld && !pod.evicted && pod.startedSeconds + pod.expectedSeconds > startsBySeconds;
        });
        let claimed = 0;
        for (const [seat, at] of claimsBefore) {
          const [claimant, uid = ''] = seat.split(' ');
          const run = state.pods.get(uid)?.expectedSeconds ?? 0;
          // Those that were there before, and still are.
          if (at !== slot || claimant === key || seatsNow.get(seat) !== slot) continue;
          isBeside = true;
          if (this.cluster.timeSeconds + GRACE_SECONDS + run > startsBySeconds) claimed++;
        }
        room += Math.max(0, 4 - running.length - claimed);
      }
      if (isBeside) this.sums.beside++;
      if (room < pods) throw new Error(`the champion ${key} counts on room that others have then`);
    });
  }

  /** Where all victims are gone, nobody keeps a claim from its room. */
  private checkClaimsStarted(): void {
    if (this.options.hasRival === true) return;
    const { state, reclaim } = this.cluster.scheduler.internals;
    const { claims } = reclaim;
    const nodes = new Set<number>();
    for (const pod of state.pods.values()) if (pod.evicted) nodes.add(pod.node);
    const left = claims
      .openClaims()
      .find(
        (claim) =>
          claims.stateOf(claim)?.leaving.size === 0 && !claim.seats.some(({ slot }) => nodes.has(slot)),
      );
    if (left !== undefined) throw new Error(`the claim of ${left.key} is kept from its room`);
  }

  private endDue(): void {
    if (this.options.hasChampions !== true) return;
    const { state } = this.cluster.scheduler.internals;
    for (const uid of [...this.pods.keys()]) {
      const pod = state.pods.get(uid);
      if (pod === undefined || pod.node < 0) continue;
      if (pod.startedSeconds + pod.expectedSeconds > this.cluster.timeSeconds) continue;
      this.cluster.update(uid, { ended: true });
      this.pods.delete(uid);
    }
  }

  /** GPUs by tenant that run and are not leaving. */
  private held(): Map<string, number> {
    const held = new Map<string, number>();
    for (const pod of this.cluster.scheduler.internals.state.pods.values()) {
      if (pod.node < 0 || pod.evicted) continue;
      held.set(pod.namespace, (held.get(pod.namespace) ?? 0) + 1);
    }
    return held;
  }

  /** Who lost pods to others holds its quota then, with what is claimed for it; what it gives up for its own is its own affair. */
  private checkQuotas(gone: readonly EvictEffect[]): void {
    const left = this.held();
    const claimed = new Map<string, number>();
    for (const { members } of this.cluster.scheduler.internals.reclaim.claims.openClaims()) {
      for (const { namespace } of members) left.set(namespace, (left.get(namespace) ?? 0) + 1);
      for (const { uid } of members) claimed.set(uid, members.length);
    }
    for (const [name, quota] of this.quotas) {
      const members = name === 'top' ? [...this.underTop] : [name];
      let gpus = members.reduce((sum, each) => sum + (left.get(each) ?? 0), 0);
      // From the last plan back: what came after one does not count for it.
      for (let end = gone.length; end > 0; ) {
        const { by, byUid } = gone[end - 1] as EvictEffect;
        let start = end;
        while (gone[start - 1]?.byUid === byUid) start--;
        const lost = gone.slice(start, end).filter(({ namespace }) => members.includes(namespace)).length;
        const isOwn = members.includes(by.split('/')[0] ?? '');
        if (lost > 0 && !isOwn && gpus < quota)
          throw new Error(`${name} is left with ${gpus}, below its quota`);
        if (isOwn) gpus += Math.max(0, lost - (claimed.get(byUid) ?? 0));
        end = start;
      }
    }
  }

  private checkPotential(before: number[][][], gone: readonly EvictEffect[]): void {
    // Who takes room by force lowers it.
    if (gone.length === 0 || this.options.hasRival === true) return;
    if (comparePotentials(runningPotential(this.cluster.scheduler.internals), before) >= 0)
      throw new Error(`evictions of ${gone.map(({ uid }) => uid).join(', ')} do not improve the potential`);
    this.sums.improved++;
  }

  private checkGangs(gone: readonly EvictEffect[]): void {
    const { groups, reclaim } = this.cluster.scheduler.internals;
    const claims = reclaim.claims.openClaims();
    for (const { uid, byUid } of gone) {
      const claimant = claims.find(({ members }) => members.some((pod) => pod.uid === byUid))?.key ?? byUid;
      const job = this.jobOf(uid);
      const evicted = this.evictedFor.get(claimant) ?? new Map<string, number>();
      this.evictedFor.set(claimant, evicted);
      // Pods of one gang go at once.
      if ((evicted.get(job) ?? this.passes) !== this.passes) throw new Error(`${job} is evicted twice`);
      evicted.set(job, this.passes);
    }
    for (const job of this.jobs.values()) {
      const fallen = gone.filter(({ uid }) => this.jobOf(uid) === job.key).length;
      if (fallen === 0) continue;
      const members = [...(groups.get(job.key)?.members ?? [])];
      const left = members.filter((pod) => pod.node >= 0 && !pod.evicted).length;
      if (left > 0) this.sums.partial++;
      // Members that have ended are no longer missed: what ran before is the most that can be left.
      if (left > 0 && (job.disruption === 'all' || left < Math.min(job.minCount, left + fallen)))
        throw new Error(`half of gang ${job.key} is left`);
    }
    this.sums.evictions += gone.length;
  }

  /**
   * Beyond a budget only where nothing else would do. Checked for one pod that goes for one pod: a less important pod of the same
   * tenant that no budget covers, and that could have gone instead, would have done as well.
   */
  private checkDisruptions(gone: readonly EvictEffect[]): void {
    const { preemption, state } = this.cluster.scheduler.internals;
    for (const name of LEAVES) {
      const budget = preemption.budgets.get(`${name}/guarded`);
      const broken = gone.filter(({ uid, namespace }) => namespace === name && this.isGuarded(uid));
      if (budget === undefined || broken.length <= budget.disruptionsAllowed) continue;
      this.sums.forced++;
      const [only] = broken;
      const victim = state.pods.get(only?.uid ?? '');
      const by = this.pods.get(only?.byUid ?? '');
      if (victim === undefined || gone.length > 1 || victim.group !== '' || by?.group !== '') continue;
      if (state.nominated.size > 1) continue;
      for (const pod of state.pods.values()) {
        const isOther =
          pod.namespace === name && pod.group === '' && pod.ours && pod.node >= 0 && !pod.evicted;
        if (!isOther || this.isGuarded(pod.uid) || pod.priority > victim.priority) continue;
        const hasRunAsLong = pod.startedSeconds > 0 && pod.startedSeconds + 20 <= this.cluster.timeSeconds;
        // The later one stands behind the victim.
        if (!hasRunAsLong || pod.startedSeconds <= victim.startedSeconds) continue;
        throw new Error(`${victim.uid} goes beyond its budget, and ${pod.uid} would have done`);
      }
    }
  }

  /** Budgets of pods that are guarded: as a disruption controller reckons them. */
  private setBudgets(): void {
    for (const [i, namespace] of LEAVES.entries()) {
      const guarded = [...this.pods.values()].filter(
        (pod) =>
          pod.namespace === namespace && this.isGuarded(pod.uid) && this.cluster.nodeOf(pod.uid) !== '',
      );
      this.cluster.step({
        kind: 'budget',
        budget: {
          key: `${namespace}/guarded`,
          namespace,
          selector: selector('guarded', 'yes'),
          disruptionsAllowed: Math.max(0, guarded.length - 1 - i),
          disruptedPods: [],
        },
      });
    }
  }

  private isGuarded(uid: string): boolean {
    return this.pods.get(uid)?.template.labels.guarded === 'yes';
  }

  private jobOf(uid: string): string {
    const pod = this.pods.get(uid);
    return pod?.group || `${pod?.namespace}/${pod?.name}`;
  }

  /** A victim goes; its owner creates it again at once, under its name and another uid, or not. */
  private leave({ uid }: EvictEffect): void {
    const pod = this.pods.get(uid);
    this.cluster.gone(uid);
    this.pods.delete(uid);
    if (pod === undefined || this.random.nextInt(2) === 0) return;
    const { startedSeconds: _, ...again } = pod;
    this.add({
      ...again,
      uid: `${uid}'`,
      nodeName: '',
      startedSeconds: 0,
      createdSeconds: this.cluster.timeSeconds,
    });
  }

  private submit(): void {
    const { random, cluster } = this;
    const namespace = LEAVES[random.nextInt(3)] as string;
    const name = `p${this.count++}`;
    const priority = random.nextInt(3);
    const labels = random.nextInt(3) === 0 ? { guarded: 'yes' } : { app: 'job' };
    if (this.options.hasChampions === true) this.runSeconds = 10 * random.nextInt(20);
    const of = { labels };
    if (random.nextInt(2) === 0) {
      this.add(gpuPodOf(name, namespace, 1, of, { priority }));
      return;
    }
    const size = 2 + random.nextInt(3);
    const minCount = 2 + random.nextInt(size - 1);
    const key = `core:${namespace}/${name}`;
    const disruption = random.nextInt(2) === 0 ? 'single' : 'all';
    this.jobs.set(key, { key, disruption, minCount });
    cluster.group(group(name, minCount, { key, disruption }));
    for (let i = 0; i < size; i++) {
      this.add(gpuPodOf(`${name}-${i}`, namespace, 1, of, { priority, group: key }));
    }
  }

  private add(of: PodDescription): void {
    const expectedSeconds = 10 + this.runSeconds;
    const pod = this.options.hasChampions === true && of.ours ? { ...of, expectedSeconds } : of;
    this.pods.set(pod.uid, pod);
    this.cluster.pods(pod);
  }

  private end(): void {
    const running = [...this.pods.keys()].filter((uid) => this.cluster.nodeOf(uid) !== '');
    const uid = running[this.random.nextInt(Math.max(1, running.length))];
    if (uid === undefined || this.pods.get(uid)?.group !== '') return;
    this.cluster.gone(uid);
    this.pods.delete(uid);
  }

  private rival(): void {
    const { state } = this.cluster.scheduler.internals;
    const nodeName = `n${1 + this.random.nextInt(3)}`;
    const pods = state.slots.pods[state.slots.slotOf(nodeName)] ?? [];
    if (pods.length >= 4) return;
    this.add(gpuPodOf(`r${this.count++}`, LEAVES[0], 1, {}, { ours: false, nodeName }));
  }
}
