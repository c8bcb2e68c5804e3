/**
 * The leader's ledger: a file on a volume, which follows the leadership.
 *
 *     lease held ──▶ file opened under the lease's transitions as fencing token ──▶ what the leader before left is finished
 *                      └──▶ the core gets the ledger, and its balances as an event ──▶ decisions, each turn committed before it binds
 *
 * A leader that hangs and wakes is refused by the file: `TEG_STORE_FENCED`, and its process ends. Without a file the ledger is in
 * memory, and a new leader goes on from snapshots (`status-opening.ts`). Debts are forgotten in both cases.
 */
import type { PodEvent } from '../../../governor/pods/pod-events.ts';
import type { Ledger } from '../../../market/ledger.ts';
import { finishMarket } from '../../../market/token-market/unfinished-market.ts';
import { DurableLedger } from '../../../store/durable-ledger.ts';
import { SqliteLedgerStore } from '../../../store/sqlite-ledger-store.ts';

const MICROS_PER_SECOND = 1e6;
/** Ends and mints are stored at least this often, seconds; what is lost of them is paid until the take-over. */
const COMMIT_SECONDS = 1;

/** What the file needs. */
export interface LeaderLedgerPorts {
  /** Path of the file. */
  readonly path: string;
  /** Of a new file, seconds; one that is there keeps its own. */
  readonly halfLifeSeconds: () => number;
  /** Gives the core a ledger. */
  readonly useLedger: (ledger: Ledger) => void;
  readonly feed: (event: PodEvent) => void;
  readonly log: (details: object, message: string) => void;
}

/** The file of one process. */
export class LeaderLedger {
  private readonly ports: LeaderLedgerPorts;
  private durable: DurableLedger | undefined;
  private fence: number | undefined;
  private committedSeconds = 0;

  constructor(ports: LeaderLedgerPorts) {
    this.ports = ports;
  }

  /**
   * This process leads: opens the file and finishes what the leader before left.
   *
   * @param fence       Larger than that of every leader before; the same as before if nobody else led meanwhile. Undefined: there
   *                    is one process only, and the file is locked.
   * @param nowSeconds  Since 1970.
   * @throws TegError   TEG_STORE_FENCED, TEG_STORE_FAILED, TEG_STORE_LOCKED, TEG_LEDGER_CORRUPT.
   */
  lead(fence: number | undefined, nowSeconds: number): void {
    // Nobody else wrote: the core's market goes on.
    if (this.durable !== undefined && fence === this.fence) return;
    this.close();
    const { path, halfLifeSeconds, useLedger, feed, log } = this.ports;
    const store = new SqliteLedgerStore(path, { fence });
    try {
      const durable = new DurableLedger(store, {
        halfLifeMicros: Math.round(MICROS_PER_SECOND * halfLifeSeconds()),
      });
      const { ledger } = durable;
      const timeMicros = Math.max(ledger.nowMicros, Math.round(MICROS_PER_SECOND * nowSeconds));
      const found = finishMarket(ledger, store.readBack(), timeMicros);
      // Stored with the first turn of decisions, which starts again what still runs: at no time does a pod run without its escrow.
      this.durable = durable;
      this.fence = fence;
      this.committedSeconds = 0;
      useLedger(ledger);
      feed({ kind: 'balances', balances: balancesOf(ledger) });
      log(
        { path, fence: store.fence, replayed: durable.replayed, accounts: ledger.accounts.count, ...found },
        'ledger opened: what the leader before left unfinished has been paid until now',
      );
    } catch (error) {
      store.close();
      throw error;
    }
  }

  /**
   * After a step of the core, before its effects are carried out: what it started is stored.
   *
   * @param isUrgent The effects include bindings.
   * @throws TegError TEG_STORE_FENCED if another process leads, TEG_STORE_FAILED. Nothing of the step may be carried out then.
   */
  commit(isUrgent: boolean, nowSeconds: number): void {
    const { durable } = this;
    if (durable === undefined || durable.uncommitted === 0) return;
    if (!isUrgent && nowSeconds < this.committedSeconds + COMMIT_SECONDS) return;
    durable.commit();
    this.committedSeconds = nowSeconds;
  }

  /** Stores what there is, and gives the file free. */
  stop(): void {
    this.durable?.commit();
    this.close();
  }

  private close(): void {
    this.durable?.close();
    this.durable = undefined;
  }
}

/** @returns What each account has, micro-tokens. */
function balancesOf({ accounts }: Ledger): Record<string, number> {
  const balances: Record<string, number> = {};
  for (let account = 0; account < accounts.count; account++) {
    if (accounts.isTenant(account)) balances[accounts.names[account] as string] = accounts.available(account);
  }
  return balances;
}
