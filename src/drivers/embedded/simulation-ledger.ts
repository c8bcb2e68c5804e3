/**
 * The ledger of a simulation in a file: written as the run goes on, many batches a commit.
 *
 * The file belongs to one run. The same run may be done again on it, after a crash or not: it makes the same batches from the
 * first one on, each of which is compared with the file, and adds those that the file lacks. So nothing is lost or doubled, and
 * the file ends as that of a run without a crash, byte by byte. Another run is refused at the first batch that differs.
 */
import { TegError } from '../../model/errors.ts';
import { DurableLedger } from '../../store/durable-ledger.ts';
import { SqliteLedgerStore } from '../../store/sqlite-ledger-store.ts';

const MICROS_PER_SECOND = 1e6;
/** What waits for a commit, at most about: batches and bytes. */
const BATCHES_PER_COMMIT = 1_000;
const BYTES_PER_COMMIT = 2 ** 20;

/** A file that is written by one run. */
export class SimulationLedger {
  readonly durable: DurableLedger;
  private readonly path: string;
  private isCut = false;

  /** @param path A new file, or that of the same run. @throws TegError TEG_LEDGER_OTHER, and of the store. */
  constructor(path: string, halfLifeSeconds: number) {
    this.path = path;
    const store = new SqliteLedgerStore(path);
    try {
      this.durable = new DurableLedger(store, {
        halfLifeMicros: Math.round(MICROS_PER_SECOND * halfLifeSeconds),
        startsAgain: true,
      });
    } catch (error) {
      store.close();
      throw error;
    }
  }

  /** Stores what has been written, if it is enough to be worth an fsync. @throws TegError of the store. */
  commitSome(): void {
    const { uncommitted, uncommittedBytes } = this.durable;
    if (uncommitted >= BATCHES_PER_COMMIT || uncommittedBytes >= BYTES_PER_COMMIT) this.durable.commit();
  }

  /** The run is interrupted: stores what there is, and nothing of what follows, so that the same run can go on from here. */
  cut(): void {
    if (this.isCut) return;
    this.durable.commit();
    this.isCut = true;
  }

  /** The run is over: stores everything. @throws TegError of the store, TEG_LEDGER_OTHER if the file goes on after this run. */
  finish(): void {
    if (this.isCut) return;
    const left = this.durable.notMadeAgain;
    if (left > 0) {
      throw new TegError(
        'TEG_LEDGER_OTHER',
        `--ledger: '${this.path}' goes on for ${left} batches after this run, expected the file of this run, or a new one`,
      );
    }
    this.durable.commit();
  }

  /** Closes the file; what is not stored is lost. */
  close(): void {
    this.durable.close();
  }
}
