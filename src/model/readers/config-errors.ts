/**
 * Messages about errors in a configuration: the path, the value received, what was expected, and the likely intended
 * name.
 */
import { z } from 'zod';
import { closestName } from '../../kernel/closest-name.ts';

/** Most problems reported at once. */
const PROBLEMS_MAX = 10;
const GOT_CHARS_MAX = 60;

/**
 * @param error The schema's error.
 * @param input The rejected input.
 * @param root  The schema's outermost object, for the known names.
 * @returns One line for each problem, the first ones only if there are many.
 */
export function problemsOf(error: z.ZodError, input: unknown, root: z.ZodObject): string[] {
  const lines = error.issues.flatMap((issue) => describeIssue(issue, input, root));
  const more = lines.length - PROBLEMS_MAX;
  return more > 0 ? [...lines.slice(0, PROBLEMS_MAX), `and ${more} more`] : lines;
}

function describeIssue(issue: z.core.$ZodIssue, input: unknown, root: z.ZodObject): string[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const known = namesAt(root, path);
    return issue.keys.map((key) => {
      const meant = closestName(key, known);
      const hint = meant === undefined ? '' : ` (did you mean ${meant}?)`;
      const expected = known.length === 0 ? '' : `, expected one of ${known.join(', ')}`;
      return `${[...path, key].join('.')}: got an unknown field${expected}${hint}`;
    });
  }
  const at = path.length === 0 ? 'the configuration' : path.join('.');
  // Constraints between fields are checked with the defaults filled in.
  const isOfSeveral = issue.code === 'custom' && issue.params !== undefined && 'got' in issue.params;
  const got = isOfSeveral ? issue.params?.got : valueAt(input, path);
  return [`${at}: got ${shown(got)}, expected ${expectationOf(issue)}`];
}

function expectationOf(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.expected === 'object') return 'fields';
      return issue.message.startsWith('Invalid input') ? `a value of type ${issue.expected}` : issue.message;
    case 'too_small':
      return `at least ${issue.minimum}`;
    case 'too_big':
      return `at most ${issue.maximum}`;
    case 'invalid_value':
      return issue.values.map((value) => JSON.stringify(value)).join(' or ');
    default:
      return issue.message;
  }
}

/** @returns The fields of the object at a path of the schema. */
function namesAt(root: z.ZodObject, path: readonly string[]): string[] {
  let object: z.ZodObject = root;
  for (const key of path) {
    let field: unknown = object.shape[key];
    while (
      field instanceof z.ZodPrefault ||
      field instanceof z.ZodDefault ||
      field instanceof z.ZodOptional
    ) {
      field = field.unwrap();
    }
    if (!(field instanceof z.ZodObject)) return [];
    object = field;
  }
  return Object.keys(object.shape);
}

function valueAt(input: unknown, path: readonly string[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'an empty value';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > GOT_CHARS_MAX ? `${text.slice(0, GOT_CHARS_MAX)}…` : text;
}
