import { afterEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { printJson, printJsonSchema } from './json-output.ts';

/** The standard output of a function. */
function printed(print: () => void): string {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += String(part);
    return true;
  });
  print();
  return text;
}

afterEach(() => {
  vi.restoreAllMocks();
});

test('JSON is indented, ends its line, and has no number that JSON lacks', () => {
  const text = printed(() => printJson({ a: 1, b: Number.NaN, c: Number.POSITIVE_INFINITY }));
  expect(text).toBe('{\n  "a": 1,\n  "b": null,\n  "c": null\n}\n');
});

test('a schema states types, required members and descriptions', () => {
  const schema = z.object({ policy: z.string().describe('its name'), alloc: z.number().nullable() });
  expect(JSON.parse(printed(() => printJsonSchema(schema)))).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: ['policy', 'alloc'],
    properties: { policy: { type: 'string', description: 'its name' } },
  });
});
