/**
 * Reading, checking and writing the configuration of `teg scheduler`.
 */
import { readFile } from 'node:fs/promises';
import { parseDocument, stringify } from 'yaml';
import { z } from 'zod';
import { TegError } from '../../../model/errors.ts';
import { readFault } from '../../../model/file-faults.ts';
import { problemsOf } from '../../../model/readers/config-errors.ts';
import {
  CONFIG_API_VERSION,
  CONFIG_KIND,
  SCHEDULER_CONFIG,
  SCHEDULER_CONFIG_FIELDS,
  type SchedulerConfig,
} from './config-schema.ts';

import { renewNames } from './old-names.ts';

export type { SchedulerConfig } from './config-schema.ts';

/** Longest configuration that is read, in characters. */
const CONFIG_CHARS_MAX = 1 << 20;
const LINE_CHARS = 100;

/** @returns A complete configuration of defaults. */
export function defaultSchedulerConfig(): SchedulerConfig {
  return SCHEDULER_CONFIG.parse({ apiVersion: CONFIG_API_VERSION, kind: CONFIG_KIND });
}

/**
 * Reads a configuration, YAML or JSON.
 *
 * @param onWarning Called for each old name of a field, with the new one.
 * @throws TegError TEG_INPUT_NOT_FOUND, TEG_CONFIG_INVALID.
 */
export async function readSchedulerConfig(
  path: string,
  onWarning: (text: string) => void,
): Promise<SchedulerConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new TegError(
      'TEG_INPUT_NOT_FOUND',
      `${path}: ${readFault(cause)}, expected a configuration file; \`teg scheduler --print-default-config\` prints one`,
      { cause },
    );
  }
  return parseSchedulerConfig(text, path, onWarning);
}

/**
 * Checks a configuration and fills in the defaults.
 *
 * @param text   YAML or JSON, one document.
 * @param origin For messages: the file's name.
 * @param onWarning As for `readSchedulerConfig`.
 * @throws TegError TEG_CONFIG_INVALID: a line for each problem, with the path of the field, the value received and what
 *   was expected.
 */
export function parseSchedulerConfig(
  text: string,
  origin: string,
  onWarning: (text: string) => void = () => undefined,
): SchedulerConfig {
  if (text.length > CONFIG_CHARS_MAX) {
    throw invalid(origin, [`got ${text.length} characters, expected at most ${CONFIG_CHARS_MAX}`]);
  }
  const { input, warnings, problems } = renewNames(readYaml(text, origin));
  if (problems.length > 0) throw invalid(origin, problems);
  for (const warning of warnings) onWarning(`${origin}: ${warning}`);
  const result = SCHEDULER_CONFIG.safeParse(input);
  if (result.success) return result.data;
  throw invalid(origin, problemsOf(result.error, input, SCHEDULER_CONFIG));
}

/**
 * @param address Replaces `server.bindAddress`; undefined: leaves it.
 * @throws TegError TEG_CONFIG_INVALID if it is not an address, or contradicts `server.insecureLoopback`.
 */
export function withBindAddress(config: SchedulerConfig, address: string | undefined): SchedulerConfig {
  if (address === undefined) return config;
  const changed = { ...config, server: { ...config.server, bindAddress: address } };
  const result = SCHEDULER_CONFIG.safeParse(changed);
  if (result.success) return result.data;
  throw invalid('--bind-address', problemsOf(result.error, changed, SCHEDULER_CONFIG));
}

function readYaml(text: string, origin: string): unknown {
  const document = parseDocument(text, { uniqueKeys: true, prettyErrors: true });
  const [error] = document.errors;
  if (error !== undefined) throw invalid(origin, [`got text that is not YAML: ${error.message.trimEnd()}`]);
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw invalid(origin, [
      `got text that is not YAML: ${cause instanceof Error ? cause.message : String(cause)}`,
    ]);
  }
}

function invalid(origin: string, problems: readonly string[]): TegError {
  const told = problems.length === 1 ? ` ${problems[0]}` : `\n  ${problems.join('\n  ')}`;
  return new TegError('TEG_CONFIG_INVALID', `${origin}:${told}`);
}

/** @returns The default configuration as YAML, every field with its meaning. Reading it gives the defaults. */
export function printDefaultConfig(): string {
  const lines = [`apiVersion: ${CONFIG_API_VERSION}`, `kind: ${CONFIG_KIND}`];
  for (const [key, field] of Object.entries(SCHEDULER_CONFIG_FIELDS)) {
    if (key === 'apiVersion' || key === 'kind') continue;
    lines.push('', ...fieldLines(key, field, 0));
  }
  return `${lines.join('\n')}\n`;
}

function fieldLines(key: string, field: z.ZodType, depth: number): string[] {
  const indent = '  '.repeat(depth);
  const lines = comment(field.description ?? '', indent);
  if (field instanceof z.ZodPrefault) {
    const object = field.unwrap() as z.ZodObject;
    lines.push(`${indent}${key}:`);
    for (const [inner, innerField] of Object.entries(object.shape)) {
      lines.push(...fieldLines(inner, innerField as z.ZodType, depth + 1));
    }
    return lines;
  }
  lines.push(
    `${indent}${key}: ${stringify(field.parse(undefined), { singleQuote: true, collectionStyle: 'flow' }).trimEnd()}`,
  );
  return lines;
}

/** A comment of as many lines as it needs. */
function comment(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = `${indent}#`;
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > LINE_CHARS) {
      lines.push(line);
      line = `${indent}#`;
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

/** @returns The JSON schema of a configuration file, for editors and the documentation. */
export function schedulerConfigJsonSchema(): object {
  return z.toJSONSchema(SCHEDULER_CONFIG, { io: 'input' });
}
