/**
 * The version of TEG.
 */
import { readFileSync } from 'node:fs';

/** @returns The version in package.json. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return String(JSON.parse(text).version);
}
