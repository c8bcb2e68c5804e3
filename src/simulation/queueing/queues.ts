/** The registry of queueing disciplines that are not a zone's own. */

import type { AccountsTerms } from '../../governor/queueing/accounts-terms.ts';
import { CHAMPION_DEFAULTS, IDLE_SHARE_EXACT, RESERVATIONS_MOST } from '../../governor/queueing/champions.ts';
import type { HeadroomClaims } from '../../governor/queueing/headroom.ts';
import type { RoomMaker } from '../../governor/queueing/room-maker.ts';
import { TegQueue } from '../../governor/queueing/teg-queue.ts';
import type { TenantOrder } from '../../governor/queueing/turn-order.ts';
import type { QueueDiscipline } from '../../governor/zone/queue-discipline.ts';
import type { Random } from '../../kernel/random.ts';
import { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import type { TenantTree } from '../../market/tenants/tenant-tree.ts';
import type { ClusterState } from '../../model/cluster-state.ts';
import type { TenantTable } from '../../model/tenants.ts';
import { ConservativeQueue } from './conservative-queue.ts';
import { EasyQueue } from './easy-queue.ts';
import { createFairQueue } from './fair/fair-queues.ts';
import { HoldingQueue, type HoldingRule } from './holding-queue.ts';
import { byArrival, bySize, OrderedQueue } from './ordered-queue.ts';
import {
  type DisciplineName,
  isZoneQueue,
  QUEUE_NAMES,
  type RuntimeKnowledge,
  type ZoneQueue,
} from './queue-names.ts';
import { SlurmLikeQueue } from './slurm-like-queue.ts';

/** The inputs of a discipline: of one zone, before its first event. */
export interface QueueContext {
  readonly cluster: ClusterState;
  readonly tenants: TenantTable;
  /** Weights, quotas and levels; undefined: no tenants file, all have weight 1 and no quota. */
  readonly tree?: TenantTree | undefined;
  /** The discipline's own, for plans. */
  readonly estimates: RuntimeEstimates;
  /** What it is informed of about run times. */
  readonly runtimes: RuntimeKnowledge;
  /** The discipline's own stream. */
  readonly random: Random;
  /** By what tenants had for their share; undefined: all are equal. */
  readonly order?: TenantOrder | undefined;
  /** Evicts for jobs that are owed room; undefined: nobody is evicted. */
  readonly rooms?: RoomMaker | undefined;
  /** Keeps headroom for gangs; undefined: there are no quotas. */
  readonly headroom?: HeadroomClaims | undefined;
  /** What promises of starts rest on; undefined: on room alone. */
  readonly terms?: AccountsTerms | undefined;
}

/** Makes the discipline of one run. */
export type QueueFactory = (context: QueueContext) => QueueDiscipline;

/** A queue in the list of `teg policies --list-queues`. */
export interface QueueEntry {
  /** One line. */
  readonly description: string;
  readonly create: QueueFactory;
}

/** Gangs hold without a timeout, and pay for it. */
const TAXED: Omit<HoldingRule, 'name' | 'gapMax'> = {
  timeoutSeconds: Number.POSITIVE_INFINITY,
  wounds: false,
  isTaxed: true,
};

/**
 * `savingRate` with tenants: a tenant of gangs that is behind its share may keep idle as much as it waits for. With less it stays
 * behind, as others' small jobs take each slot that comes free: docs/results/fairness.md.
 */
const TENANT_SAVING_RATE = 1;

/** Disciplines by name. */
export const QUEUES: Readonly<Record<Exclude<DisciplineName, ZoneQueue>, QueueEntry>> = {
  fifo: {
    description: 'by priority and arrival; the first job that does not fit blocks the rest',
    create: () => new OrderedQueue({ name: 'fifo', compare: byArrival, isStrict: true }),
  },
  teg: {
    description: 'whatever fits starts, around a reservation for the one that has waited long',
    // Backfilled jobs that outrun a prediction postpone champions: where owners declare, that is better (measured).
    create: ({ runtimes, order, rooms, headroom, terms, tree }) => {
      const predicts = runtimes === 'predicted';
      const estimates = new RuntimeEstimates({ predicts, prefersDeclared: true });
      // One champion at a time leaves a tenant of gangs behind its share: each slot that comes free goes to others' small jobs.
      const wanted = tree?.market.champion.reservationsMax;
      const reservationsMax = Math.min(RESERVATIONS_MOST, wanted ?? CHAMPION_DEFAULTS.reservationsMax);
      const savingRate = tree === undefined ? CHAMPION_DEFAULTS.savingRate : TENANT_SAVING_RATE;
      const idleShare = runtimes === 'exact' ? IDLE_SHARE_EXACT : CHAMPION_DEFAULTS.idleShare;
      return new TegQueue(estimates, order, {
        reservationsMax,
        savingRate,
        idleShare,
        ...(rooms === undefined ? {} : { rooms }),
        ...(headroom === undefined ? {} : { headroom }),
        ...(terms === undefined ? {} : { terms }),
      });
    },
  },
  'smallest-first': {
    description: 'whatever fits starts, jobs with the fewest GPUs first',
    create: () => new OrderedQueue({ name: 'smallest-first', compare: bySize, isStrict: false }),
  },
  easy: {
    description:
      'EASY backfilling: others may start before the first that does not fit if they do not postpone it',
    create: ({ estimates }) => new EasyQueue(estimates),
  },
  conservative: {
    description: 'conservative backfilling: every job has a reservation, which others must not postpone',
    create: ({ cluster, estimates }) => new ConservativeQueue(cluster, estimates),
  },
  'slurm-like': {
    description: 'Slurm’s priorities by Fair Tree, main loop and backfill with up to 100 reservations',
    create: ({ estimates, tree }) => new SlurmLikeQueue(estimates, tree),
  },
  'permit-timeout': {
    description: 'a gang holds room for its pods as they find it, and gives all back after 60 s',
    create: ({ cluster }) =>
      new HoldingQueue(cluster, { name: 'permit-timeout', timeoutSeconds: 60, gapMax: 1, wounds: false }),
  },
  coscheduling: {
    description:
      'the same, but a gang holds only if at most a tenth of it is missing: scheduler-plugins today',
    create: ({ cluster }) =>
      new HoldingQueue(cluster, { name: 'coscheduling', timeoutSeconds: 60, gapMax: 0.1, wounds: false }),
  },
  'permit-tax': {
    description:
      'permit-timeout with a tax on held room in the place of the timeout: who cannot pay gives all back',
    create: ({ cluster }) => new HoldingQueue(cluster, { ...TAXED, name: 'permit-tax', gapMax: 1 }),
  },
  'coscheduling-tax': {
    description: 'coscheduling with a tax on held room in the place of the timeout',
    create: ({ cluster }) => new HoldingQueue(cluster, { ...TAXED, name: 'coscheduling-tax', gapMax: 0.1 }),
  },
  'hold-and-wait': {
    description:
      'a gang holds room for its pods as they find it, for ever: gangs can block each other for good',
    create: ({ cluster }) =>
      new HoldingQueue(cluster, { ...TAXED, name: 'hold-and-wait', gapMax: 1, isTaxed: false }),
  },
  'wound-wait': {
    description: 'a gang holds room for its pods as they find it, until one that goes before it takes it',
    create: ({ cluster }) =>
      new HoldingQueue(cluster, {
        name: 'wound-wait',
        timeoutSeconds: Number.POSITIVE_INFINITY,
        gapMax: 1,
        wounds: true,
      }),
  },
  'kueue-afs': {
    description:
      'Kueue’s admission fair sharing: the tenant with the smallest decayed usage over weight first',
    create: ({ cluster, tree }) => createFairQueue('kueue-afs', cluster, tree),
  },
  'kueue-drs': {
    description:
      'Kueue’s fair sharing: the tenant that borrows the smallest part of what is lent, over weight, first',
    create: ({ cluster, tree }) => createFairQueue('kueue-drs', cluster, tree),
  },
  'kai-time': {
    description:
      'KAI’s time-based fair share: quotas first, the rest by weight, less for those that used more',
    create: ({ cluster, tree }) => createFairQueue('kai-time', cluster, tree),
  },
  drf: {
    description: 'dominant resource fairness: the tenant with the smallest dominant share over weight first',
    create: ({ cluster, tree }) => createFairQueue('drf', cluster, tree),
  },
  karma: {
    description: 'Karma: each minute shared out by credits, which lenders earn and borrowers pay',
    create: ({ cluster, tree }) => createFairQueue('karma', cluster, tree),
  },
  'max-min': {
    description: 'each minute shared out by weight, as evenly as demands allow, without a memory',
    create: ({ cluster, tree }) => createFairQueue('max-min', cluster, tree),
  },
};

/** Lines for the queues that a zone has itself. */
const ZONE_DESCRIPTIONS: Readonly<Record<ZoneQueue, string>> = {
  'best-effort': 'whatever fits starts, by priority and arrival, at each event',
  'strict-fifo': 'by priority and arrival, at each event; the first job that does not fit blocks the rest',
};

/** @returns All queues that can be named, each with one line, in the order of `QUEUE_NAMES`. */
export function listQueues(): { readonly name: DisciplineName; readonly description: string }[] {
  return QUEUE_NAMES.map((name) => ({
    name,
    description: isZoneQueue(name) ? ZONE_DESCRIPTIONS[name] : QUEUES[name].description,
  }));
}
