/**
 * The ledger of a simulation in a file: written as the run goes on, many batches a commit.
 */
import { TegError } from '../../model/errors.ts';
import { DurableLedger } from '../../store/durable-ledger.ts';
import { SqliteLedgerStore } from '../../store/sqlite-ledger-store.ts';

const MICROS_PER_SECOND = 1e6;
/** Batches that wait for a commit, at most about. */
const BATCHES_PER_COMMIT = 1_000;

/** A file that is written by one run. */
export class SimulationLedger {
  readonly durable: DurableLedger;

  /**
   * Opens a file.
   *
   * @param path A file that is not there, or is empty.
   * @throws TegError TEG_OPTION_INVALID if there is a ledger in it already, and of the store.
   */
  constructor(path: string, halfLifeSeconds: number) {
    const store = new SqliteLedgerStore(path);
    if (store.count > 0) {
      const { count } = store;
      store.close();
      throw new TegError(
        'TEG_OPTION_INVALID',
        `--ledger: '${path}' has a ledger of ${count} batches already, expected a new file: a run writes its own`,
      );
    }
    this.durable = new DurableLedger(store, {
      halfLifeMicros: Math.round(MICROS_PER_SECOND * halfLifeSeconds),
    });
  }

  /** Stores what has been written, if it is enough to be worth an fsync. @throws TegError of the store. */
  commitSome(): void {
    if (this.durable.uncommitted >= BATCHES_PER_COMMIT) this.durable.commit();
  }

  /** Stores everything, and closes the file. @throws TegError of the store. */
  finish(): void {
    this.durable.commit();
    this.durable.close();
  }
}
