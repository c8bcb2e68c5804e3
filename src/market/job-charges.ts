/**
 * Rents divided among the jobs that caused them, out of the notes of a log.
 *
 * A rent is of one tenant and period. Each job's part of it is in proportion to quantity × price, rounded so that the parts add
 * up to the rent exactly: a part differs from ⌊quantity × price⌋ by less than a micro-token, or by what the tenant could not pay.
 * Memory: what runs at one time, and what ran since the last rent.
 */
import { type BatchParts, Call } from './batch.ts';
import { LogReader, type Movement } from './log-reader.ts';
import { Code, TransferAction } from './transfer.ts';
import { type Note, readNotes } from './usage-notes.ts';

/** Milli-units × µs of a unit-millisecond. */
const USE_PER_QUANTITY = 1_000_000n;

/** Hardware of a price. */
export interface ChargedFlavor {
  readonly name: string;
  /** Base price, micro-tokens for a unit-hour. */
  readonly base: number;
}

/** A movement, or the part of it that is a job's. */
export interface JobCharge {
  readonly movement: Movement;
  /** Micro-tokens of `movement.moved`, and of its change of a reserve, which are this part's. */
  readonly moved: number;
  readonly reservedChange: number;
  /** −1: none, or not known. */
  readonly job: number;
  readonly jobName: string | undefined;
  readonly flavor: ChargedFlavor | undefined;
  /** Unit-milliseconds, and micro-tokens for a unit-hour; 0 and 0: not by quantity, or not at one price. */
  readonly quantity: number;
  readonly price: number;
  /** From when to when it ran at that price, µs; the time of the movement twice where that is not known. */
  readonly fromMicros: number;
  readonly toMicros: number;
}

/** What of a job ran at one price since the last rent. */
interface Segment {
  readonly job: number;
  readonly jobName: string | undefined;
  readonly flavor: number;
  readonly price: number;
  readonly fromMicros: number;
  toMicros: number;
  /** Milli-units × µs. */
  use: bigint;
}

/** A lease that runs. */
interface Lease {
  readonly account: number;
  readonly flavor: number;
  readonly job: number;
  readonly milli: number;
  price: number;
  sinceMicros: number;
}

/** What an account's leases did since its last rent. */
interface AccountUse {
  readonly leases: Set<Lease>;
  /** By job, flavor and price, in the order of their starts. */
  segments: Map<string, Segment>;
}

/** The rent of a tenant in one batch: a payment out of the escrow, what exceeds it, or both. */
interface Rent {
  moved: number;
  /** Of `moved`, and of `parts`: what was read. */
  done: number;
  next: number;
  parts: readonly RentPart[];
}

/** Which micro-tokens of a rent are for which segment: from `begin` to before `end`. */
interface RentPart {
  readonly segment: Segment;
  readonly begin: number;
  readonly end: number;
}

/** Reads a log batch by batch. */
export class JobCharges {
  /** Names of accounts, among others. */
  readonly log: LogReader = new LogReader();
  private readonly flavors: ChargedFlavor[] = [];
  private readonly leases = new Map<number, Lease>();
  private readonly byAccount = new Map<number, AccountUse>();
  /** Names of jobs that run, and how many leases they have. */
  private readonly jobs = new Map<number, { name: string | undefined; leases: number }>();

  /** Names of the jobs that run, once for each of their leases, in the order of their starts. O(leases). */
  get runningJobs(): string[] {
    return [...this.leases.values()].map(({ job }) => this.jobs.get(job)?.name ?? '');
  }

  /** @returns The movements of the next batch, in order, rents divided. */
  *read(parts: BatchParts): Generator<JobCharge> {
    if (parts.call === Call.Note) {
      for (const note of readNotes(parts)) this.note(note);
      return;
    }
    const movements = [...this.log.read(parts)];
    const rents = new Map<number, Rent>();
    for (const movement of movements) {
      if (!isRentOfAll(movement)) continue;
      const rent = rents.get(movement.debit) ?? { moved: 0, done: 0, next: 0, parts: [] };
      rent.moved += movement.moved;
      rents.set(movement.debit, rent);
    }
    for (const [account, rent] of rents) {
      rent.parts = this.divide(account, rent.moved, parts.timeMicros);
    }
    for (const movement of movements) {
      const rent = isRentOfAll(movement) ? rents.get(movement.debit) : undefined;
      if (rent === undefined || rent.parts.length === 0) yield undivided(movement);
      else yield* this.partsOf(movement, rent);
    }
  }

  private note(note: Note): void {
    const { action, number, account, flavor, job, milli, price, start, name, timeMicros } = note;
    switch (action) {
      case TransferAction.NoteFlavor:
        this.flavors[flavor] = { name: name ?? '', base: price };
        return;
      case TransferAction.NoteJob:
        this.jobs.set(job, { name, leases: this.jobs.get(job)?.leases ?? 0 });
        return;
      case TransferAction.NoteStart: {
        const lease = { account, flavor, job, milli, price, sinceMicros: timeMicros };
        this.leases.set(number, lease);
        this.useOf(account).leases.add(lease);
        const known = this.jobs.get(job);
        this.jobs.set(job, { name: known?.name, leases: (known?.leases ?? 0) + 1 });
        return;
      }
      case TransferAction.NoteEnd: {
        const lease = this.leases.get(start);
        if (lease === undefined) return;
        this.count(lease, timeMicros);
        this.leases.delete(start);
        this.useOf(lease.account).leases.delete(lease);
        const known = this.jobs.get(lease.job);
        if (known !== undefined && --known.leases <= 0) this.jobs.delete(lease.job);
        return;
      }
      default:
        for (const lease of this.leases.values()) {
          if (lease.flavor !== flavor) continue;
          this.count(lease, timeMicros);
          lease.price = price;
        }
    }
  }

  private useOf(account: number): AccountUse {
    let use = this.byAccount.get(account);
    if (use === undefined) {
      use = { leases: new Set(), segments: new Map() };
      this.byAccount.set(account, use);
    }
    return use;
  }

  /** Counts what a lease used until a time. */
  private count(lease: Lease, timeMicros: number): void {
    const { account, flavor, job, milli, price, sinceMicros } = lease;
    if (timeMicros === sinceMicros) return;
    lease.sinceMicros = timeMicros;
    const { segments } = this.useOf(account);
    const key = `${job}/${flavor}/${price}`;
    let segment = segments.get(key);
    if (segment === undefined) {
      const jobName = this.jobs.get(job)?.name;
      segment = { job, jobName, flavor, price, fromMicros: sinceMicros, toMicros: timeMicros, use: 0n };
      segments.set(key, segment);
    }
    segment.toMicros = Math.max(segment.toMicros, timeMicros);
    segment.use += BigInt(milli) * BigInt(timeMicros - sinceMicros);
  }

  /** Takes what an account used until a time, and divides what it paid. */
  private divide(account: number, moved: number, timeMicros: number): RentPart[] {
    const use = this.byAccount.get(account);
    if (use === undefined) return [];
    for (const lease of use.leases) this.count(lease, timeMicros);
    const segments = [...use.segments.values()];
    use.segments = new Map();
    const total = segments.reduce((sum, segment) => sum + segment.use * BigInt(segment.price), 0n);
    if (total === 0n) return [];
    let sum = 0n;
    let begin = 0;
    return segments.map((segment) => {
      sum += segment.use * BigInt(segment.price);
      const end = Number((BigInt(moved) * sum) / total);
      const part = { segment, begin, end };
      begin = end;
      return part;
    });
  }

  /** The jobs' parts of one payment of a rent; a job at the border between two payments has a part in both. */
  private *partsOf(movement: Movement, rent: Rent): Generator<JobCharge> {
    const from = rent.done;
    const to = from + movement.moved;
    rent.done = to;
    if (movement.reservedChange !== 0) yield { ...undivided(movement), moved: 0, quantity: 0, price: 0 };
    while (rent.next < rent.parts.length) {
      const part = rent.parts[rent.next] as RentPart;
      const isOver = part.end <= to;
      const moved = Math.min(part.end, to) - Math.max(part.begin, from);
      if (isOver || moved > 0) yield this.chargeOf(movement, part, moved, Math.min(part.end, to));
      if (!isOver) return;
      rent.next++;
    }
  }

  /** @param moved Micro-tokens. @param until Up to where the part is paid with it. */
  private chargeOf(movement: Movement, part: RentPart, moved: number, until: number): JobCharge {
    const { segment, begin, end } = part;
    const { job, jobName, flavor, price, fromMicros, toMicros, use } = segment;
    // Of a part that two payments share, each has the quantity that it pays for.
    const quantityUntil = (amount: number): number =>
      amount === end
        ? Number(use / USE_PER_QUANTITY)
        : Number((use * BigInt(amount - begin)) / (BigInt(end - begin) * USE_PER_QUANTITY));
    const quantity = quantityUntil(until) - (until - moved === begin ? 0 : quantityUntil(until - moved));
    return {
      ...{ movement, moved, reservedChange: 0, job, jobName, flavor: this.flavors[flavor] },
      ...{ quantity, price, fromMicros, toMicros },
    };
  }
}

/** Whether a movement is the rent of all jobs of a tenant. */
function isRentOfAll({ record, moved, reservedChange }: Movement): boolean {
  return (
    record.code === Code.Rent && record.job < 0 && (moved > 0 || reservedChange !== 0 || record.quantity > 0)
  );
}

/** @returns A movement as one part. */
export function undivided(movement: Movement): JobCharge {
  const { record, moved, reservedChange } = movement;
  const { job, quantity, price, timeMicros } = record;
  return {
    ...{ movement, moved, reservedChange, job, jobName: undefined, flavor: undefined, quantity, price },
    ...{ fromMicros: timeMicros, toMicros: timeMicros },
  };
}
