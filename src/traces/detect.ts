/**
 * Recognises the format of a trace from its first bytes; never from its name.
 */
import { TegError } from '../model/errors.ts';
import { quoted } from './context.ts';
import { splitCsvLine } from './csv.ts';
import { CSV_FORMATS, type CsvFormatName } from './csv-formats.ts';
import { TRACE_FORMATS, type TraceFormat } from './format.ts';

/** Bytes that are looked at. */
const HEAD_BYTES = 65_536;

/** @returns Whether a file begins as Parquet does. */
export function isParquet(head: Uint8Array): boolean {
  return Buffer.from(head.subarray(0, 4)).toString('latin1') === 'PAR1';
}

/** @returns The format of a text whose first bytes these are (unpacked), or undefined. */
export function detectHead(head: Uint8Array): TraceFormat | undefined {
  const text = new TextDecoder('utf-8').decode(head.subarray(0, HEAD_BYTES));
  return detectCsv(text) ?? detectKubernetes(text) ?? detectSwf(text);
}

/** @throws TegError TEG_INPUT_UNKNOWN_FORMAT, always. */
export function unknownFormat(name: string, head: Uint8Array): never {
  const begin = new TextDecoder('latin1').decode(head.subarray(0, 60));
  throw new TegError(
    'TEG_INPUT_UNKNOWN_FORMAT',
    `${name}: got a file that begins ${quoted(begin)}, expected one of ${Object.keys(TRACE_FORMATS).join(', ')}; name it with --format`,
  );
}

/** The CSV format with the most required columns, all of which are in the first line. */
function detectCsv(text: string): CsvFormatName | undefined {
  const first = /^[\r\n]*([^\r\n]*)/.exec(text)?.[1] ?? '';
  const names = new Set((splitCsvLine(first) ?? []).map((name) => name.trim()));
  let best: CsvFormatName | undefined;
  for (const name of Object.keys(CSV_FORMATS) as CsvFormatName[]) {
    const { columns } = CSV_FORMATS[name];
    if (!columns.every((column) => names.has(column))) continue;
    if (best === undefined || columns.length > CSV_FORMATS[best].columns.length) best = name;
  }
  return best;
}

function detectKubernetes(text: string): 'kubernetes' | undefined {
  if (/^\s*[{[]/.test(text)) return 'kubernetes';
  return /^(---|apiVersion:|kind:|items:|metadata:)/m.test(text) ? 'kubernetes' : undefined;
}

/** Comment lines with `;`, or a line of at least 18 numbers. */
function detectSwf(text: string): 'swf' | undefined {
  const first = text.split('\n').find((line) => line.trim() !== '') ?? '';
  if (first.startsWith(';')) return 'swf';
  const fields = first.trim().split(/\s+/);
  return fields.length >= 18 && fields.every((field) => Number.isFinite(Number(field))) ? 'swf' : undefined;
}
