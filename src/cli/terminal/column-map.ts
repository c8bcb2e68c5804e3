/** The option `--map`: maps columns of a foreign table to columns of a format. */
import { TegError } from '../../model/errors.ts';
import type { ColumnMap } from '../../traces/csv-header.ts';

/** Its help. */
export const MAP_HELP =
  'a column of the file to read as one of the format, for example submit_s=submit_time; repeatable';

/** Most columns that can be mapped. */
const COLUMNS_MAX = 100;

/** Reads `submit_s=submit_time` and adds it to those before. @throws TegError TEG_OPTION_INVALID. */
export function parseColumnMap(text: string, before: ColumnMap = {}): ColumnMap {
  const at = text.indexOf('=');
  const [name, theirs] = [text.slice(0, at).trim(), text.slice(at + 1).trim()];
  if (at < 1 || name === '' || theirs === '') {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got '${text}', expected COLUMN=NAME with a column of the format and its name in the file, such as submit_s=submit_time`,
    );
  }
  const twice = Object.hasOwn(before, name) || Object.values(before).includes(theirs);
  if (twice || Object.keys(before).length >= COLUMNS_MAX) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got '${text}' after ${Object.keys(before).length} others, expected each column once and at most ${COLUMNS_MAX}`,
    );
  }
  return { ...before, [name]: theirs };
}
