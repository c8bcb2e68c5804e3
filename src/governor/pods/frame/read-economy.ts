/** Takes an economy's frame from a scheduler's state. Changes nothing: later decisions are the same as without it. */
import { priceOf } from '../../../market/prices/unit-price.ts';
import { QUOTA_CPU, QUOTA_GPU, QUOTA_MEMORY } from '../../../market/tenants/spec.ts';
import { capacityUnits } from '../../../market/tenants/tenant-mints.ts';
import { CLUSTER_TENANT } from '../../../market/tenants/tenant-tree.ts';
import { newAsk } from '../../accounts.ts';
import { type Claimant, claimantKey, claimantName, waitingMembers } from '../champion/claimants.ts';
import type { PodChampion, PodChampions } from '../champion/pod-champions.ts';
import { addMembers } from '../decide/admission.ts';
import type { EconomyBooks } from '../economy/pod-economy.ts';
import type { JobQuote } from '../economy/pod-market.ts';
import type { ResolvedTenant } from '../economy/tenant-keys.ts';
import { psiOfGangs } from '../economy-figures.ts';
import { situationOf } from '../reasons/situation-of.ts';
import { dominantReason } from '../reasons/waiting-reason.ts';
import { groupName, type PodGroup, type PodGroups } from '../state/pod-groups.ts';
import { compareTurn, isPlaced, type PodRecord, PodState } from '../state/pod-records.ts';
import type { SchedulerState } from '../state/scheduler-state.ts';
import {
  type ChampionFrame,
  type EconomyFrame,
  type FlavorFrame,
  type FrameAmounts,
  type LedgerFrame,
  type NamespaceFrame,
  type TenantFrame,
  type TokensFrame,
  WAITING_NAMED_MAX,
  type WaitingJobFrame,
} from './economy-frame.ts';

/** What is read. */
export interface EconomyParts {
  readonly state: SchedulerState;
  readonly groups: PodGroups;
  readonly champions: PodChampions;
}

const MICROS = 1e6;

/** A frame does not look for nodes: that costs O(nodes × rules) a job. A refused job's reason is then its last report. */
const NODES_NOT_ASKED = { feasible: 1, refusals: [] };

/** Jobs of a namespace or tenant, by key; of a waiting one its first pod. */
interface Jobs {
  readonly running: Set<string>;
  readonly waiting: Map<string, PodRecord>;
}

/** @returns Undefined while the mode is off. O(pods + tenants × (flavours + namespaces)). */
export function readEconomy(parts: EconomyParts): EconomyFrame | undefined {
  const { economy, timeSeconds } = parts.state;
  const { books, mode } = economy;
  return books === undefined || mode === 'off'
    ? undefined
    : { mode, market: books.tree.market, timeSeconds, ...new EconomyReader(parts, books).read() };
}

/** Reads once. */
class EconomyReader {
  private readonly parts: EconomyParts;
  private readonly books: EconomyBooks;
  /** By the scheduler's number of a key. */
  private readonly resolved = new Map<number, ResolvedTenant>();
  private readonly byTenant = new Map<number, Jobs>();
  private readonly byNamespace = new Map<string, Jobs>();
  private readonly champions = new Map<string, PodChampion>();

  constructor(parts: EconomyParts, books: EconomyBooks) {
    this.parts = parts;
    this.books = books;
    for (const name of parts.state.economy.namespaceLabels.keys()) {
      if (books.keys.ownersOf(name).length > 0) this.byNamespace.set(name, noJobs());
    }
    for (const pod of parts.state.pods.values()) if (pod.ours) this.count(pod);
    parts.champions.forEach((champion) => {
      this.champions.set(champion.key, champion);
    });
  }

  read() {
    const { tree } = this.books;
    const tenants = tree.tenants.map((tenant) => this.tenant(tenant));
    return {
      tenants,
      flavors: tree.market.flavors.map((_, flavor) => this.flavor(flavor)),
      champions: [...this.champions.values()].map((champion) => this.champion(champion)),
      psi: psiOfGangs(this.parts, this.books),
      ledger: this.ledger(tenants),
      namespaces: [...this.byNamespace.keys()].sort().map((name) => this.namespace(name)),
    };
  }

  private count(pod: PodRecord): void {
    const isRunning = isPlaced(pod);
    // A gated pod is another controller's still: it waits for that one, not for its tenant's quota.
    const isOthers = pod.state === PodState.Ignored || pod.state === PodState.Gated;
    if (!isRunning && (pod.deleting || isOthers)) return;
    const { tree, table } = this.books;
    const key = pod.group === '' ? pod.uid : pod.group;
    add(ensure(this.byNamespace, pod.namespace), key, pod, isRunning);
    let tenant = tree.accountOf(table.find(this.tenantOf(pod).name));
    for (; tenant !== CLUSTER_TENANT; tenant = tree.parentOf(tenant)) {
      add(ensure(this.byTenant, tenant), key, pod, isRunning);
    }
  }

  private tenantOf({ tenant: key }: PodRecord): ResolvedTenant {
    let tenant = this.resolved.get(key);
    if (tenant === undefined) {
      tenant = this.parts.state.economy.resolve(key);
      this.resolved.set(key, tenant);
    }
    return tenant;
  }

  private tenant(tenant: number): TenantFrame {
    const { tree, accounts } = this.books;
    const { usage, budgets } = accounts;
    const { economy, timeSeconds } = this.parts.state;
    const { name, parent, weight } = tree.specOf(tenant);
    const holder = tree.heldBy(tenant, timeSeconds);
    const jobs = this.byTenant.get(tenant);
    const [observed] = [...this.resolved]
      .filter(([, resolved]) => resolved.name === name)
      .map(([key]) => economy.observedRefusal(key))
      .filter((refusal) => refusal !== undefined);
    return {
      name,
      parent,
      weight,
      state: holder === CLUSTER_TENANT ? 'Open' : tree.specOf(holder).state,
      flavors: tree.market.flavors.map(({ name: flavorName }, flavor) => ({
        flavor: flavorName,
        quota: amounts((resource) => usage.quotaOf(tenant, flavor, resource)),
        used: amounts((resource) => usage.heldBy(tenant, flavor, resource)),
        borrowed: amounts((resource) => usage.borrowed(tenant, flavor, resource)),
        lent: amounts((resource) => usage.lent(tenant, flavor, resource)),
        available: amounts((resource) => Math.max(0, usage.available(tenant, flavor, resource))),
      })),
      running: jobs?.running.size ?? 0,
      waiting: jobs?.waiting.size ?? 0,
      levelShare: usage.levelShare(tenant),
      unitsPerHour: usage.unitsPerHourOf(tenant) / MICROS,
      budget: budgets.peek(tenant, timeSeconds),
      tokens: this.tokens(tenant),
      wouldRefuse: observed,
    };
  }

  private tokens(tenant: number): TokensFrame | undefined {
    const { economy, timeSeconds } = this.parts.state;
    const tokens = economy.market?.peek(tenant, timeSeconds);
    if (tokens === undefined) return undefined;
    const { available, reserved, spend, mint } = tokens;
    return {
      balance: (available + reserved) / MICROS,
      reserved: reserved / MICROS,
      available: available / MICROS,
      spendPerHour: spend / MICROS,
      mintPerHour: mint / MICROS,
    };
  }

  private ledger(tenants: readonly TenantFrame[]): LedgerFrame | undefined {
    const { market } = this.parts.state.economy;
    if (market === undefined) return undefined;
    const supply = tenants.reduce((sum, { tokens }) => sum + (tokens?.balance ?? 0), 0);
    return { ...market.standing, supply };
  }

  private flavor(flavor: number): FlavorFrame {
    const { tree, accounts } = this.books;
    const { usage } = accounts;
    const used = amounts((resource) => usage.heldBy(CLUSTER_TENANT, flavor, resource));
    const { cpuMilli, memoryMib, gpuMilli: gpuTotalMilli } = used;
    const load = usage.unitsOfPod(flavor, { cpuMilli, memoryMib, gpuTotalMilli }) / MICROS;
    const units = capacityUnits(usage, flavor) / MICROS;
    const { value, slope } = priceOf({ base: 1, cap: tree.market.priceCap }, load, units);
    return {
      name: tree.market.flavors[flavor]?.name ?? '',
      capacity: amounts((resource) => usage.capacityOf(flavor, resource)),
      used,
      utilisation: units === 0 ? 0 : load / units,
      price: this.parts.state.economy.market?.priceOf(flavor) ?? value,
      slope,
    };
  }

  private champion({
    claimant,
    pods,
    slots,
    startsBySeconds,
    promisedSeconds,
    postponed,
  }: PodChampion): ChampionFrame {
    const members = waitingMembers(claimant);
    const [first] = members;
    return {
      job: claimantName(claimant),
      tenant: first === undefined ? '' : this.tenantOf(first).name,
      pods,
      needs: sumOf(members.slice(0, pods)),
      holdsNodes: slots.map((slot) => this.parts.state.slots.nameOf(slot)),
      startsBySeconds,
      promisedSeconds,
      postponed,
    };
  }

  private namespace(name: string): NamespaceFrame {
    const { running, waiting } = this.byNamespace.get(name) as Jobs;
    const { name: tenant, problem } = this.books.keys.resolve(`${name}/`);
    const first = [...waiting.values()].sort(compareTurn).slice(0, WAITING_NAMED_MAX);
    const jobs = first.map((pod) => this.job(pod)).filter((job) => job !== undefined);
    return { name, tenant, problem, running: running.size, waiting: waiting.size, jobs };
  }

  private job(pod: PodRecord): WaitingJobFrame | undefined {
    const { state, groups } = this.parts;
    const situation = situationOf(this.parts, pod, NODES_NOT_ASKED);
    if (situation === undefined) return undefined;
    const group = pod.group === '' ? undefined : groups.get(pod.group);
    const claimant: Claimant = group ?? pod;
    const members = membersOf(group, pod).slice(0, situation.pods);
    return {
      job: group === undefined ? pod.name : groupName(group).slice(pod.namespace.length + 1),
      tenant: situation.tenant,
      pods: situation.pods,
      needs: sumOf(members),
      priority: pod.priority,
      sinceSeconds: pod.sinceSeconds,
      reason: dominantReason(situation, state.timeSeconds),
      startsBySeconds: this.champions.get(claimantKey(claimant))?.startsBySeconds,
      quote: this.quote(members),
    };
  }

  private quote(members: readonly PodRecord[]): JobQuote | undefined {
    const { economy, timeSeconds } = this.parts.state;
    const [first] = members;
    if (economy.market === undefined || first === undefined) return undefined;
    const ask = newAsk();
    addMembers(ask, members);
    return economy.market.quote(economy.tenantOf(first.tenant), ask, timeSeconds);
  }
}

/** The waiting pods that start with one. */
function membersOf(group: PodGroup | undefined, pod: PodRecord): readonly PodRecord[] {
  if (group === undefined || pod.state !== PodState.InGroup) return [pod];
  return waitingMembers(group);
}

function noJobs(): Jobs {
  return { running: new Set(), waiting: new Map() };
}

function ensure<Key>(jobs: Map<Key, Jobs>, key: Key): Jobs {
  let known = jobs.get(key);
  if (known === undefined) {
    known = noJobs();
    jobs.set(key, known);
  }
  return known;
}

function add({ running, waiting }: Jobs, key: string, pod: PodRecord, isRunning: boolean): void {
  if (isRunning) running.add(key);
  else {
    const first = waiting.get(key);
    if (first === undefined || compareTurn(pod, first) < 0) waiting.set(key, pod);
  }
}

function amounts(read: (resource: number) => number): FrameAmounts {
  return { cpuMilli: read(QUOTA_CPU), memoryMib: read(QUOTA_MEMORY), gpuMilli: read(QUOTA_GPU) };
}

function sumOf(pods: readonly PodRecord[]): FrameAmounts {
  let [cpuMilli, memoryMib, gpuMilli] = [0, 0, 0];
  for (const { demand } of pods.map(({ shape }) => shape)) {
    cpuMilli += demand.cpuMilli;
    memoryMib += demand.memoryMib;
    gpuMilli += demand.gpuTotalMilli;
  }
  return { cpuMilli, memoryMib, gpuMilli };
}
