/**
 * Writes what the economy knows into `status` of its Market, its Tenants, and an Account in each namespace.
 *
 *     every round, on the leader: frame of the core ──▶ statuses ──▶ those that changed by more than 1 % ──▶ paced patches
 *
 * Invariants: at most one status of an object in `OBJECT_SECONDS_MIN`, and at most `STATUS_WRITES_MAX` writes in any second, creations
 * of Accounts included; nothing without the lease. A write that fails is made again in a later round, with the figures of then.
 * Bounded: one wish an object.
 */
import type { EconomyFrame } from '../../../governor/pods/frame/economy-frame.ts';
import type { ApiAnswer } from '../client/api.ts';
import type { OpeningReport } from '../ledger/status-opening.ts';
import { snapshotOf } from '../ledger/tenant-snapshot.ts';
import { answerText, at, textAt } from '../writes/retrying-request.ts';
import { type WishPorts, WishRounds } from '../writes/wish-rounds.ts';
import type { EconomyFeed } from './economy-feed.ts';
import { hasChanged } from './status-changes.ts';
import {
  accountStatus,
  marketStatus,
  readyCondition,
  type StatusObject,
  tenantStatus,
} from './status-objects.ts';

/** Seconds between two writes of one object's status. */
export const OBJECT_SECONDS_MIN = 10;
/** Writes in any second. */
export const STATUS_WRITES_MAX = 20;
/** Name of the Account in each namespace. */
export const ACCOUNT_NAME = 'default';
/** Seconds between rounds: a frame of 10⁵ pods takes some tens of milliseconds. */
const ROUND_SECONDS = 5;
/** A burst counts, too. */
const IN_FLIGHT_MAX = 4;

const API = '/apis/teg.dev/v1alpha1';

/** Dependencies of the writer. */
export interface EconomyStatusPorts extends WishPorts {
  readonly feed: EconomyFeed;
  /** @returns Undefined: there is no economy. */
  readonly frame: () => EconomyFrame | undefined;
  /** What the ledger of this leader began with; undefined: it is in a file, or there are no tokens. */
  readonly opening: () => OpeningReport | undefined;
  /** Fencing token of this leader, for snapshots. */
  readonly term: () => number;
  /** @param what Path of the object. */
  readonly onWriteError: (what: string, text: string) => void;
}

/** An object's status that is to be written. */
interface StatusWish {
  readonly path: string;
  readonly status: StatusObject;
  /** Of an Account: its namespace; it is created if it is not there. */
  readonly namespace: string;
  /** It is to be created first. */
  isMissing: boolean;
}

/** The writer. */
export class EconomyStatusWriter {
  /** Since the start. */
  readonly counts = { rounds: 0, written: 0, created: 0, failed: 0 };
  private readonly ports: EconomyStatusPorts;
  private readonly rounds: WishRounds<StatusWish>;
  /** When an object was written last, or tried. */
  private readonly triedAt = new Map<string, number>();
  /** Statuses of Accounts as written in this term, by namespace. */
  private readonly accounts = new Map<string, StatusObject>();
  /** Fields that the API server did not keep, by path. */
  private readonly dropped = new Map<string, ReadonlySet<string>>();
  private wasLeading = false;

  constructor(ports: EconomyStatusPorts) {
    this.ports = ports;
    const pace = {
      roundSeconds: ROUND_SECONDS,
      inFlightMax: IN_FLIGHT_MAX,
      perSecondMax: STATUS_WRITES_MAX - IN_FLIGHT_MAX,
    };
    this.rounds = new WishRounds(ports, pace, {
      round: () => this.round(),
      write: (_path, wish) => this.write(wish),
    });
  }

  /** Begins with the rounds. */
  start(): void {
    this.rounds.start();
  }

  /** Ends it; a write in flight ends on its own. */
  stop(): void {
    this.rounds.stop();
  }

  /** Notes which statuses are to be written. */
  round(): void {
    const isLeading = this.ports.mayWrite();
    // Another leader may have written meanwhile.
    if (isLeading !== this.wasLeading) this.forget();
    this.wasLeading = isLeading;
    if (!isLeading) return;
    this.counts.rounds++;
    const frame = this.ports.frame();
    const ledger = this.ports.opening() ?? null;
    this.wishFor('Market', 'markets', () => ({ ...marketStatus(frame), ledger }));
    const tenants = new Map(frame?.tenants.map((tenant) => [tenant.name, tenant]));
    const term = this.ports.term();
    this.wishFor('Tenant', 'tenants', (name) => {
      const tenant = tenants.get(name);
      const snapshot = frame && tenant && snapshotOf(tenant, frame, term);
      return { ...tenantStatus(tenant), snapshot: snapshot ?? null };
    });
    const namespaces = new Map(frame?.namespaces.map((each) => [each.name, each]));
    for (const name of new Set([...namespaces.keys(), ...this.accounts.keys()])) {
      if (!this.ports.feed.hasNamespace(name)) this.forgetAccount(name);
      else {
        const namespace = namespaces.get(name);
        const wanted = accountStatus(namespace, tenants.get(namespace?.tenant ?? ''));
        this.wish(accountPath(name), this.accounts.get(name) ?? {}, wanted, name);
      }
    }
    this.rounds.wake();
  }

  private forget(): void {
    this.rounds.wishes.clear();
    this.accounts.clear();
    this.triedAt.clear();
    this.dropped.clear();
  }

  private forgetAccount(namespace: string): void {
    this.accounts.delete(namespace);
    this.rounds.wishes.delete(accountPath(namespace));
    this.triedAt.delete(accountPath(namespace));
  }

  private wishFor(kind: 'Market' | 'Tenant', plural: string, figures: (name: string) => StatusObject): void {
    const { feed, clock } = this.ports;
    const paths = new Set<string>();
    for (const { name, generation, status } of feed.objects(kind)) {
      const path = `${API}/${plural}/${encodeURIComponent(name)}`;
      const ready = readyCondition(feed.problemOf(kind, name), status, generation, clock.wallSeconds());
      this.wish(path, status, { ...figures(name), ...ready }, '');
      paths.add(path);
    }
    for (const path of this.triedAt.keys()) {
      if (path.startsWith(`${API}/${plural}/`) && !paths.has(path)) this.triedAt.delete(path);
    }
  }

  private wish(path: string, before: StatusObject, status: StatusObject, namespace: string): void {
    const tried = this.triedAt.get(path) ?? Number.NEGATIVE_INFINITY;
    const isEarly = this.ports.clock.nowSeconds() < tried + OBJECT_SECONDS_MIN;
    if (!hasChanged(before, without(status, this.dropped.get(path)))) this.rounds.wishes.delete(path);
    else if (!isEarly && !this.rounds.isBusy(path)) {
      const isMissing = this.rounds.wishes.get(path)?.isMissing ?? false;
      this.rounds.wishes.set(path, { path, status, namespace, isMissing });
    }
  }

  private async write(wish: StatusWish): Promise<void> {
    const isWritten = await (wish.isMissing ? this.create(wish) : this.patch(wish));
    if (isWritten) this.triedAt.set(wish.path, this.ports.clock.nowSeconds());
  }

  /** @returns False: it is to be created, or its status to be written. */
  private async patch(wish: StatusWish): Promise<boolean> {
    const { path, status, namespace } = wish;
    const answer = await this.rounds.ask({ method: 'PATCH', path: `${path}/status`, body: { status } });
    if (answer?.status === 200) {
      this.counts.written++;
      this.noteDropped(path, status, (at(answer.body, 'status') ?? {}) as StatusObject);
      if (namespace !== '') this.accounts.set(namespace, (at(answer.body, 'status') ?? {}) as StatusObject);
      return true;
    }
    if (answer?.status !== 404) return this.failed(path, answer);
    // A Tenant or Market is gone meanwhile.
    if (namespace === '') return true;
    this.rounds.wishes.set(path, { ...wish, isMissing: true });
    return false;
  }

  /** A definition that is older than this TEG drops fields: they are not written again and again. */
  private noteDropped(path: string, wanted: StatusObject, kept: StatusObject): void {
    const fields = Object.keys(wanted).filter((field) => wanted[field] !== null && !(field in kept));
    if (fields.length > 0 && !this.dropped.has(path)) {
      const names = fields.map((field) => `status.${field}`).join(', ');
      this.ports.onWriteError(
        path,
        `the API server dropped ${names}: apply the crds of this version's chart`,
      );
    }
    if (fields.length === 0) this.dropped.delete(path);
    else this.dropped.set(path, new Set(fields));
  }

  private async create({ path, status, namespace }: StatusWish): Promise<boolean> {
    const answer = await this.rounds.ask({
      method: 'POST',
      path: path.slice(0, path.lastIndexOf('/')),
      body: {
        apiVersion: 'teg.dev/v1alpha1',
        kind: 'Account',
        metadata: { name: ACCOUNT_NAME, namespace },
      },
    });
    // 409: it is there after all.
    if (answer?.status !== 201 && answer?.status !== 409) {
      const isEnding = at(answer?.body, 'details', 'causes', '0', 'reason') === 'NamespaceTerminating';
      return isEnding || answer?.status === 404 || this.failed(path, answer);
    }
    this.counts.created++;
    this.rounds.wishes.set(path, { path, status, namespace, isMissing: false });
    return false;
  }

  private failed(path: string, answer: ApiAnswer | undefined): true {
    this.counts.failed++;
    if (answer !== undefined)
      this.ports.onWriteError(path, `${answerText(answer)} ${textAt(answer.body, 'reason')}`);
    return true;
  }
}

function without(status: StatusObject, fields: ReadonlySet<string> | undefined): StatusObject {
  if (fields === undefined) return status;
  return Object.fromEntries(Object.entries(status).filter(([field]) => !fields.has(field)));
}

function accountPath(namespace: string): string {
  return `${API}/namespaces/${encodeURIComponent(namespace)}/accounts/${ACCOUNT_NAME}`;
}
