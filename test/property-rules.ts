/**
 * One rule of the house, as a function from a source to where it is broken: properties are checked through
 * `support/properties.ts`, so that each has fixed draws beside its random ones.
 *
 * Not here: which files there are (`properties.test.ts` reads them).
 */
import { parseSync, Visitor } from 'oxc-parser';
import { lineAt, type SourceFile } from './architecture-rules.ts';

/** The one file that may call what fast-check itself checks properties with. */
export const PROPERTIES = 'test/support/properties.ts';

const PACKAGE = 'fast-check';

/** What checks a property, on random draws alone unless it is given a seed. */
const CHECKS: ReadonlySet<string> = new Set(['assert', 'check']);

/**
 * Finds where a file checks properties directly, or could do so under another name: fast-check is used in one form only,
 * `import fc from 'fast-check'` (types in any form) and `fc.name`.
 *
 * @returns `path:line: what is wrong` for each place.
 */
export function directChecks({ path, text }: SourceFile): string[] {
  if (path === PROPERTIES || !text.includes(PACKAGE)) return [];
  const { module, program } = parseSync(path, text);
  const problems: string[] = [];
  const refuse = (offset: number, what: string): void => {
    problems.push(
      `${path}:${lineAt(text, offset)}: ${what}: properties are checked with checkProperty or checkAsyncProperty of ${PROPERTIES}`,
    );
  };
  const names = new Set<string>();
  const fine = new Set<number>();
  for (const { start, moduleRequest, entries } of module.staticImports) {
    if (moduleRequest.value !== PACKAGE) continue;
    for (const { importName, localName, isType } of entries) {
      if (isType) continue;
      if (importName.kind !== 'Default') refuse(start, `imports parts of ${PACKAGE}`);
      names.add(localName.value);
      fine.add(localName.start);
    }
  }
  for (const { start, entries } of module.staticExports) {
    const isPassedOn = entries.some((e) => e.moduleRequest?.value === PACKAGE && !e.isType);
    if (isPassedOn) refuse(start, `passes ${PACKAGE} on`);
  }
  const isPackage = (node: { readonly type: string; readonly value?: unknown } | undefined): boolean =>
    node?.type === 'Literal' && node.value === PACKAGE;
  new Visitor({
    ImportExpression: (node) => (isPackage(node.source) ? refuse(node.start, `loads ${PACKAGE}`) : undefined),
    CallExpression: (node) =>
      isPackage(node.arguments[0]) ? refuse(node.start, `hands ${PACKAGE} to a function`) : undefined,
    TSQualifiedName: (node) => void fine.add(node.left.start),
    MemberExpression({ object, property, computed, start }) {
      if (object.type !== 'Identifier' || !names.has(object.name)) return;
      fine.add(object.start);
      if (computed || property.type !== 'Identifier') refuse(start, `uses ${object.name}[…]`);
      else if (CHECKS.has(property.name)) refuse(start, `uses ${object.name}.${property.name}`);
    },
  }).visit(program);
  new Visitor({
    Identifier({ name, start }) {
      if (names.has(name) && !fine.has(start)) refuse(start, `uses ${name} as a value`);
    },
  }).visit(program);
  return problems;
}
