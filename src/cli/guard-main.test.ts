/** What the entry of the guard can load, imports at run time included. */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseSync, Visitor } from 'oxc-parser';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');

/** @returns Specifiers of a source: imports, exports from, imports at run time, workers, `require`. */
function specifiersOf(path: string): string[] {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const { module, program } = parseSync(path, text);
  const found = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
  ];
  const add = (node: unknown): void => {
    const { type, value } = node as { type: string; value?: unknown };
    if (type === 'Literal' && typeof value === 'string') found.push(value);
  };
  new Visitor({
    ImportExpression: (node) => add(node.source),
    NewExpression: (node) =>
      node.callee.type === 'Identifier' && node.callee.name === 'URL' && add(node.arguments[0]),
    CallExpression: (node) =>
      node.callee.type === 'Identifier' && node.callee.name === 'require' && add(node.arguments[0]),
  }).visit(program);
  return found;
}

/** @returns Our files and foreign packages that an entry can reach. */
function graphOf(entry: string): { readonly files: Set<string>; readonly packages: Set<string> } {
  const files = new Set([entry]);
  const packages = new Set<string>();
  for (const path of files) {
    for (const specifier of specifiersOf(path)) {
      if (specifier.endsWith('.ts')) files.add(relative(ROOT, join(ROOT, dirname(path), specifier)));
      else if (!specifier.startsWith('node:') && !specifier.startsWith('.'))
        packages.add(/^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] as string);
    }
  }
  return { files, packages };
}

test('the guard can load neither the simulator nor a client of Kubernetes', () => {
  const { files, packages } = graphOf('src/cli/guard-main.ts');
  expect([...files]).toEqual(
    expect.arrayContaining(['src/drivers/guard/watchdog-main.ts', 'src/guard/node/guard-core.ts']),
  );
  const rooms = new Set([...files].map((path) => /^src\/[^/]+(?:\/[^/]+(?=\/))?/.exec(path)?.[0]));
  expect([...rooms].sort()).toEqual(ROOMS);
  expect([...packages].sort()).toEqual([
    'commander',
    'koffi',
    'pino',
    'prom-client',
    'string-width',
    'yaml',
    'zod',
  ]);
});

test('the watchdog loads less still', () => {
  const { files, packages } = graphOf('src/drivers/guard/watchdog-main.ts');
  expect(files.size).toBeLessThan(20);
  expect([...packages]).toEqual([]);
});

test('the same walk finds both from the whole command', () => {
  const { files, packages } = graphOf('src/cli/main.ts');
  expect([...files].some((path) => path.startsWith('src/simulation/'))).toBe(true);
  expect(packages).toContain('@kubernetes/client-node');
});

const ROOMS = [
  'src/cli',
  'src/cli/commands',
  'src/cli/files',
  'src/cli/guard',
  'src/cli/terminal',
  'src/drivers/guard',
  'src/guard/airlock',
  'src/guard/barrier',
  'src/guard/node',
  'src/guard/paths',
  'src/kernel',
  'src/model',
  'src/model/readers',
];
