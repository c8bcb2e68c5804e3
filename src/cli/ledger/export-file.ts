/** `teg ledger export`: from a file to a table. */
import { TegError } from '../../model/errors.ts';
import { exportFocus } from './focus-export.ts';
import { withBatches } from './ledger-files.ts';

/** `2026-12-01` or `2026-12-01T08:00:00Z`: in UTC, to the second. */
const DATE = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?$/;

/**
 * Writes the rents of a ledger.
 *
 * @param output Undefined: standard output. @param start Date of second 0 of the ledger's clock.
 * @throws TegError TEG_OPTION_INVALID for a date, and of the store and the output.
 */
export async function exportFile(file: string, output: string | undefined, start: string): Promise<void> {
  const startMs = DATE.test(start) ? Date.parse(start) : Number.NaN;
  if (Number.isNaN(startMs)) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `--start: got '${start.slice(0, 80)}', expected a date in UTC such as 2026-12-01T00:00:00Z`,
    );
  }
  await withBatches(file, (batches) => exportFocus(batches, file, { output, startMs }));
}
