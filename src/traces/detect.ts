/**
 * Recognises the format of a trace from its first bytes; never from its name.
 */
import { CSV_NAMES, type CsvFormatName, csvLayouts } from './csv-formats.ts';
import { type ColumnMap, isWhole, readHeader } from './csv-header.ts';
import type { TraceFormat } from './format.ts';
import { isMetacentrumSwf } from './formats/metacentrum-swf.ts';
import { isKubernetesJson, isKubernetesYaml } from './kubernetes/recognise.ts';

/** Bytes that are examined. */
const HEAD_BYTES = 65_536;

/** @returns True if a file begins as Parquet does. */
export function isParquet(head: Uint8Array): boolean {
  return Buffer.from(head.subarray(0, 4)).toString('latin1') === 'PAR1';
}

/**
 * @param map The file's columns by those of the format.
 * @returns The format of a text whose first bytes these are (unpacked), or undefined.
 */
export function detectHead(head: Uint8Array, map: ColumnMap = {}): TraceFormat | undefined {
  const text = headText(head);
  return detectCsv(text, map) ?? detectPhillyLog(text) ?? detectKubernetes(text) ?? detectSwf(text);
}

/** @returns The first bytes as text. */
export function headText(head: Uint8Array): string {
  return new TextDecoder('utf-8').decode(head.subarray(0, HEAD_BYTES));
}

/** @returns The first line that is not empty. */
export function firstLine(text: string): string {
  return /^[\r\n]*([^\r\n]*)/.exec(text)?.[1] ?? '';
}

/** The CSV format with the most required columns, all of which are in the first line. */
function detectCsv(text: string, map: ColumnMap): CsvFormatName | undefined {
  const line = firstLine(text);
  let best: { name: CsvFormatName; columns: number } | undefined;
  for (const name of CSV_NAMES) {
    const header = readHeader(line, csvLayouts(name), map);
    if (!isWhole(header)) continue;
    const columns = header.format.columns.length;
    if (best === undefined || columns > best.columns) best = { name, columns };
  }
  return best?.name;
}

/** An array of objects with the fields of Philly's jobs before any field that gives the kind of object. */
function detectPhillyLog(text: string): 'philly-log' | undefined {
  if (!/^\s*\[\s*\{/.test(text)) return undefined;
  const first = text.slice(0, 4_096);
  const isJob = ['"jobid"', '"vc"', '"attempts"'].filter((key) => first.includes(key)).length >= 2;
  return isJob && !first.includes('"kind"') ? 'philly-log' : undefined;
}

function detectKubernetes(text: string): 'kubernetes' | undefined {
  const is = /^\s*[{[]/.test(text) ? isKubernetesJson(text) : isKubernetesYaml(text);
  return is ? 'kubernetes' : undefined;
}

/** Comment lines with `;`, or a line of at least 18 numbers; MetaCentrum's has further fields. */
function detectSwf(text: string): 'swf' | 'metacentrum-swf' | undefined {
  const lines = text.split('\n');
  const first = lines.find((line) => line.trim() !== '' && !line.trim().startsWith(';')) ?? '';
  if (isMetacentrumSwf(first)) return 'metacentrum-swf';
  if (lines.find((line) => line.trim() !== '')?.startsWith(';')) return 'swf';
  const fields = first.trim().split(/\s+/);
  return fields.length >= 18 && fields.slice(0, 18).every((field) => Number.isFinite(Number(field)))
    ? 'swf'
    : undefined;
}
