/**
 * JSON on standard output: results (`--json`) and the schemas they follow (`--json-schema`).
 */
import { toJSONSchema, type ZodType } from 'zod';

/** Prints a value as indented JSON and a line break. Numbers that JSON lacks (NaN, ±Infinity) become null. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** Prints the JSON Schema (draft 2020-12) of a command's output under `--json`. */
export function printJsonSchema(schema: ZodType): void {
  printJson(toJSONSchema(schema, { io: 'output' }));
}
