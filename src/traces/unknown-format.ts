/** Describes a file of unknown format in an error: what it looks like, and the nearest formats. */
import { TegError } from '../model/errors.ts';
import { quoted } from './context.ts';
import { CSV_NAMES, csvLayouts } from './csv-formats.ts';
import { type ColumnMap, readHeader } from './csv-header.ts';
import { firstLine, headText } from './detect.ts';
import { TRACE_FORMATS } from './format.ts';

/** Most formats that are named as near. */
const NEAREST = 3;

/** Columns of the file, and keys of a JSON text, that are listed. */
const NAMES_LISTED = 12;

const ADVICE = 'docs/traces.md describes the formats';

/** @throws TegError TEG_INPUT_UNKNOWN_FORMAT, always. */
export function unknownFormat(name: string, head: Uint8Array, map: ColumnMap = {}): never {
  const text = headText(head);
  const begin = quoted(new TextDecoder('latin1').decode(head.subarray(0, 60)));
  const formats = Object.keys(TRACE_FORMATS).join(', ');
  const got =
    text.trim() === ''
      ? `an empty file, expected one of ${formats}`
      : (aboutJson(text) ??
        aboutTable(text, map) ??
        `a file that begins ${begin}, expected one of ${formats}`);
  throw new TegError('TEG_INPUT_UNKNOWN_FORMAT', `${name}: got ${got}; ${ADVICE}`);
}

/** A JSON text: its keys show a person what it is. */
function aboutJson(text: string): string | undefined {
  if (!/^\s*[{[]/.test(text)) return undefined;
  const keys = new Set([...text.slice(0, 4_096).matchAll(/"([^"\\]{1,40})"\s*:/g)].map((match) => match[1]));
  const listed = [...keys].slice(0, NAMES_LISTED).join(', ');
  return `JSON${listed === '' ? '' : ` with the keys ${listed}`}, but not Kubernetes objects (with kind, metadata, spec) and not Philly's cluster_job_log (with jobid, vc, attempts)`;
}

/** A table: the columns of the nearest formats that it lacks. */
function aboutTable(text: string, map: ColumnMap): string | undefined {
  const line = firstLine(text);
  const near = CSV_NAMES.map((name) => ({ name, header: readHeader(line, csvLayouts(name), map) }))
    .map(({ name, header }) => ({
      name,
      header,
      share: header.missing.length / header.format.columns.length,
    }))
    .filter(({ share }) => share < 1)
    .sort((a, b) => a.share - b.share)
    .slice(0, NEAREST);
  const [first] = near;
  if (first === undefined) return tableWithoutMatch(line);
  const columns = first.header.shown.slice(0, NAMES_LISTED).join(', ');
  const lacks = near.map(({ name, header }) => `${name} ${difference(header)}`);
  const example = first.header.missing[0] ?? 'submit_s';
  return `a table with the columns ${quoted(columns)}, not of a known format; nearest: ${lacks.join('; ')}; a column of another name can be mapped to ${example}`;
}

function difference({ missing, names, format }: ReturnType<typeof readHeader>): string {
  if (missing.length > 0) return `lacks ${missing.join(', ')}`;
  const foreign = (format.excludes ?? []).filter((name) => names.includes(name));
  return `does not have ${foreign.join(', ')}`;
}

/** Some columns, but no known one: the least that a workload needs. */
function tableWithoutMatch(line: string): string | undefined {
  const header = readHeader(line, csvLayouts('teg-jobs-csv'));
  const isTable =
    header.shown.length >= 3 && header.shown.every((name) => /^[A-Za-z_][\w .()/-]{0,60}$/.test(name));
  if (!isTable) return undefined;
  const columns = header.shown.slice(0, NAMES_LISTED).join(', ');
  const jobs = header.format.columns.join(', ');
  const nodes = csvLayouts('teg-nodes-csv')[0]?.columns.join(', ');
  return `a table with the columns ${quoted(columns)}, none of which is of a known format; expected at least ${jobs} (jobs) or ${nodes} (nodes); columns of other names can be mapped to them`;
}
