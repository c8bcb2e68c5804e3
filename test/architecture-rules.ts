/**
 * The rules of the house, as functions from sources to broken rules: who may import whom, no cycles, no clock and no
 * global randomness in the core, the form of a file.
 *
 * Not here: which files there are (`architecture.test.ts` reads them).
 */
import { isBuiltin } from 'node:module';
import { type ParseResult, parseSync, Visitor, type VisitorObject } from 'oxc-parser';
import { checkCycles, checkFolderCycles, type Import, isTest, resolved } from './architecture-circles.ts';

/** A source file. `path` is relative to the repository, with slashes. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** The rooms that decide and compute, and the product as a whole. */
const CORE = ['kernel', 'physics', 'model', 'field', 'market', 'governor', 'guard', 'simulation'];
const PRODUCT = [...CORE, 'traces', 'drivers', 'store', 'server', 'cli'];

/** A room of the house and the rooms it may import besides itself. Of the laboratory, the rooms without I/O stand alone. */
export const ROOM_IMPORTS: Readonly<Record<string, readonly string[]>> = {
  kernel: [],
  model: ['kernel'],
  physics: ['kernel'],
  field: ['kernel', 'physics', 'model'],
  market: ['kernel', 'physics', 'model'],
  governor: ['kernel', 'physics', 'model', 'field', 'market'],
  guard: ['kernel', 'physics', 'model'],
  simulation: ['kernel', 'physics', 'model', 'field', 'market', 'governor', 'guard'],
  traces: ['kernel', 'model', 'market'],
  store: ['model', 'market'],
  drivers: [...CORE, 'traces', 'store'],
  server: [...CORE, 'traces', 'drivers', 'store'],
  cli: [...CORE, 'traces', 'drivers', 'store', 'server'],
  'lab/boards': CORE,
  'lab/claims': [...CORE, 'lab/boards'],
  'lab/peers': CORE,
  lab: [...PRODUCT, 'lab/boards', 'lab/claims', 'lab/peers'],
};

/** Rooms without input and output: a run is a function of its arguments. Kernel has not even packages. */
const PURE_ROOMS: ReadonlySet<string> = new Set([
  'model',
  'kernel',
  'physics',
  'field',
  'market',
  'governor',
  'guard',
  'simulation',
  'lab/boards',
  'lab/claims',
  'lab/peers',
]);

/** Packages that rooms without input and output may use. */
const PURE_PACKAGES: ReadonlySet<string> = new Set(['zod']);

/** Rooms where time and randomness are arguments. */
const DETERMINISTIC_ROOMS: ReadonlySet<string> = new Set([
  'model',
  'kernel',
  'physics',
  'field',
  'market',
  'governor',
  'guard',
  'simulation',
  'traces',
  'lab/boards',
  'lab/claims',
  'lab/peers',
]);

/** Names of the global object; `globalThis` stands for all of them. */
const GLOBAL_OBJECTS: ReadonlySet<string> = new Set(['globalThis', 'global', 'self']);

/** Members of global objects that a deterministic room must not touch. */
const BANNED_MEMBERS: Readonly<Record<string, readonly string[]>> = {
  Date: ['now', 'call', 'apply', 'bind'],
  Temporal: ['Now'],
  Math: ['random'],
  performance: ['now', 'timeOrigin', 'mark', 'measure'],
  process: ['hrtime', 'uptime'],
  crypto: ['getRandomValues', 'randomUUID'],
};

/** Functions, and modules, that a deterministic room must not use. */
const BANNED_GLOBALS: ReadonlySet<string> = new Set(['setTimeout', 'setInterval', 'setImmediate']);
const BANNED_MODULES: ReadonlySet<string> = new Set([
  'node:perf_hooks',
  'node:timers',
  'node:timers/promises',
  'node:crypto',
]);

/** Globals that reach the world outside, which a room without input and output must not. */
const WORLD_GLOBALS: ReadonlySet<string> = new Set([
  ...['process', 'console', 'fetch', 'require', 'Worker', 'SharedWorker', 'WebSocket', 'EventSource'],
  ...['XMLHttpRequest', 'BroadcastChannel', 'MessageChannel', 'navigator', 'caches', 'Atomics'],
  ...['localStorage', 'sessionStorage', 'queueMicrotask', 'eval', 'Function'],
]);

/** Files of deterministic rooms that may wait for the world: this one waits for the writer of a FIFO. */
const WAITING_FILES: ReadonlySet<string> = new Set(['src/traces/pipe.ts']);

/** Longest file and longest function, in lines. */
export const FILE_LINES_MAX = 500;
export const FUNCTION_LINES_MAX = 70;

/** @returns Every broken rule as `path:line: what is wrong`, in the order of the files. */
export function brokenRules(files: readonly SourceFile[]): string[] {
  const importsByPath = new Map<string, Import[]>();
  const exporters = new Map<string, string>();
  const problems: string[] = [];
  for (const file of files) {
    const parsed = parseSync(file.path, file.text);
    for (const error of parsed.errors) problems.push(`${file.path}:1: does not parse: ${error.message}`);
    const imports = importsOf(file, parsed);
    importsByPath.set(file.path, imports);
    problems.push(...checkImports(file, imports), ...checkForm(file, parsed));
    if (!isTest(file.path)) problems.push(...checkUniqueNames(file, parsed, exporters));
    const isFree = isTest(file.path) || WAITING_FILES.has(file.path);
    if (!isFree && DETERMINISTIC_ROOMS.has(roomOf(file.path))) {
      problems.push(...checkDeterminism(file, parsed, imports), ...checkAliases(file, parsed));
    }
    if (!isTest(file.path) && PURE_ROOMS.has(roomOf(file.path))) problems.push(...checkPurity(file, parsed));
  }
  return [...problems, ...checkCycles(importsByPath), ...checkFolderCycles(importsByPath)];
}

/** @returns The room of a file: its folder right below `src`, a room of the laboratory, '' if it is in none. */
export function roomOf(path: string): string {
  const room = /^src\/([^/]+)\//.exec(path)?.[1] ?? /^lab\/(?:boards|claims|peers)(?=\/)/.exec(path)?.[0];
  return room ?? (path.startsWith('lab/') ? 'lab' : '');
}

/** @returns The 1-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

function importsOf(file: SourceFile, parsed: ParseResult): Import[] {
  const imports: Import[] = [];
  const add = (specifier: string, offset: number, isWorker = false): void => {
    imports.push({ specifier, line: lineAt(file.text, offset), isWorker });
  };
  for (const { moduleRequest } of parsed.module.staticImports) {
    add(moduleRequest.value, moduleRequest.start);
  }
  for (const { entries } of parsed.module.staticExports) {
    for (const { moduleRequest } of entries) {
      if (moduleRequest !== null) add(moduleRequest.value, moduleRequest.start);
    }
  }
  visit(parsed, {
    ImportExpression(node) {
      if (node.source.type === 'Literal') add(String(node.source.value), node.start);
    },
    TSImportType: (node) => add(literal(node.source), node.start),
    TSExternalModuleReference: (node) => add(literal(node.expression), node.start),
    NewExpression(node) {
      const [first] = node.arguments;
      const isUrl = node.callee.type === 'Identifier' && node.callee.name === 'URL';
      if (isUrl && first?.type === 'Literal' && /^\..*\.ts$/.test(String(first.value))) {
        add(String(first.value), node.start, true);
      }
    },
  });
  return imports;
}

function visit(parsed: ParseResult, visitor: VisitorObject): void {
  new Visitor(visitor).visit(parsed.program);
}

function checkImports(file: SourceFile, imports: readonly Import[]): string[] {
  const room = roomOf(file.path);
  const problems: string[] = [];
  const allowed = ROOM_IMPORTS[room];
  if (allowed === undefined) return [`${file.path}:1: lies in no room of docs/architecture.md`];
  if (isTest(file.path)) return [];
  for (const { specifier, line } of imports) {
    const refuse = (why: string): void => {
      problems.push(`${file.path}:${line}: imports '${specifier}': ${why}`);
    };
    if (specifier.startsWith('.')) {
      const target = resolved(file.path, specifier);
      const targetRoom = roomOf(target);
      if (isTest(target)) refuse('a test is imported by tests only');
      else if (targetRoom === '') refuse('it lies outside src and lab');
      else if (targetRoom !== room && !allowed.includes(targetRoom)) {
        refuse(`${room} may import ${allowed.length === 0 ? 'nothing of ours' : allowed.join(', ')}`);
      }
    } else if (room === 'kernel') refuse('kernel imports nothing');
    else if (PURE_ROOMS.has(room) && isBuiltin(specifier)) refuse(`${room} decides, and so has no I/O`);
    else if (PURE_ROOMS.has(room) && !PURE_PACKAGES.has(specifier)) {
      refuse(`${room} decides, and may use the packages ${[...PURE_PACKAGES].join(', ')} only`);
    }
  }
  return problems;
}

function checkDeterminism(file: SourceFile, parsed: ParseResult, imports: readonly Import[]): string[] {
  const problems: string[] = [];
  const refuse = (offset: number, what: string): void => {
    problems.push(
      `${file.path}:${lineAt(file.text, offset)}: uses ${what}: time and randomness are arguments here`,
    );
  };
  for (const { specifier, line } of imports) {
    // A room without I/O may import no module of Node.js at all.
    if (PURE_ROOMS.has(roomOf(file.path))) break;
    if (BANNED_MODULES.has(isBuiltin(specifier) ? `node:${specifier.replace(/^node:/, '')}` : specifier))
      problems.push(`${file.path}:${line}: imports '${specifier}': time is an argument here`);
  }
  visit(parsed, {
    MemberExpression(node) {
      const owner = globalName(node.object);
      const { property } = node;
      const name = property.type === 'Identifier' && !node.computed ? property.name : literal(property);
      if (BANNED_MEMBERS[owner]?.includes(name)) refuse(node.start, `${owner}.${name}`);
      if (owner in BANNED_MEMBERS && name === '') refuse(node.start, `${owner}[…]`);
      if (owner === 'globalThis' && BANNED_GLOBALS.has(name)) refuse(node.start, name);
      if (owner === 'globalThis' && name === '') refuse(node.start, 'globalThis[…]');
    },
    VariableDeclarator(node) {
      if (node.id.type !== 'ObjectPattern' || node.init === null) return;
      const owner = globalName(node.init);
      if (owner in BANNED_MEMBERS || owner === 'globalThis') refuse(node.start, `parts of ${owner}`);
    },
    NewExpression(node) {
      const [first] = node.arguments;
      const isNow = first === undefined || first.type === 'SpreadElement';
      if (globalName(node.callee) === 'Date' && isNow) refuse(node.start, 'new Date()');
    },
    CallExpression(node) {
      const name = globalName(node.callee);
      if (name === 'Date') refuse(node.start, 'Date()');
    },
    Identifier(node) {
      if (BANNED_GLOBALS.has(node.name)) refuse(node.start, node.name);
    },
  });
  return problems;
}

/** Global objects under another name would get past the check of their members. */
function checkAliases(file: SourceFile, parsed: ParseResult): string[] {
  const fine = new Set<number>();
  const allow = (node: { readonly start: number } | null): void => {
    if (node !== null) fine.add(node.start);
  };
  visit(parsed, {
    MemberExpression: (node) => allow(node.object),
    NewExpression: (node) => allow(node.callee),
    CallExpression: (node) => allow(node.callee),
    BinaryExpression: (node) => (node.operator === 'instanceof' ? allow(node.right) : undefined),
    VariableDeclarator: (node) => (node.id.type === 'ObjectPattern' ? allow(node.init) : undefined),
    UnaryExpression: (node) => (node.operator === 'typeof' ? allow(node.argument) : undefined),
    TSTypeReference: (node) => allow(node.typeName),
    TSTypeQuery: (node) => allow(node.exprName),
  });
  return freeIdentifiers(parsed)
    .filter(({ name, start }) => (name in BANNED_MEMBERS || GLOBAL_OBJECTS.has(name)) && !fine.has(start))
    .map(
      ({ name, start }) =>
        `${file.path}:${lineAt(file.text, start)}: passes ${name} on: time and randomness are arguments here`,
    );
}

/** No way out into the world: no globals that have one, no module that is named at run time. */
function checkPurity(file: SourceFile, parsed: ParseResult): string[] {
  const problems: string[] = [];
  const refuse = (offset: number, what: string): void => {
    problems.push(`${file.path}:${lineAt(file.text, offset)}: uses ${what}: there is no I/O here`);
  };
  for (const { name, start } of freeIdentifiers(parsed)) {
    if (WORLD_GLOBALS.has(name)) refuse(start, name);
  }
  visit(parsed, {
    MemberExpression(node) {
      const { property } = node;
      const name = property.type === 'Identifier' && !node.computed ? property.name : literal(property);
      if (globalName(node.object) === 'globalThis' && WORLD_GLOBALS.has(name)) refuse(node.start, name);
    },
    ImportExpression(node) {
      if (node.source.type !== 'Literal') refuse(node.start, 'import() of a computed name');
    },
  });
  return problems;
}

/** Identifiers that name a variable which the file does not declare: globals. */
function freeIdentifiers(parsed: ParseResult): { readonly name: string; readonly start: number }[] {
  const declared = new Set<string>();
  const keys = new Set<number>();
  const key = (node: { key: { readonly start: number }; computed?: boolean; shorthand?: boolean }): void => {
    if (node.computed !== true && node.shorthand !== true) keys.add(node.key.start);
  };
  const declare = (pattern: unknown): void => {
    for (const name of patternNames(pattern)) declared.add(name);
  };
  visit(parsed, {
    MemberExpression: (node) => (node.computed ? undefined : void keys.add(node.property.start)),
    Property: key,
    PropertyDefinition: key,
    MethodDefinition: key,
    TSPropertySignature: key,
    TSMethodSignature: key,
    TSQualifiedName: (node) => void keys.add(node.right.start),
    ExportNamedDeclaration(node) {
      for (const { local, exported } of node.specifiers) {
        if (node.source !== null) keys.add(local.start);
        if (exported.start !== local.start) keys.add(exported.start);
      }
    },
    VariableDeclarator: (node) => declare(node.id),
    FunctionDeclaration: (node) => [node.id, ...node.params].forEach(declare),
    FunctionExpression: (node) => [node.id, ...node.params].forEach(declare),
    ArrowFunctionExpression: (node) => node.params.forEach(declare),
    ClassDeclaration: (node) => declare(node.id),
    CatchClause: (node) => declare(node.param),
    ImportSpecifier: (node) => declare(node.local),
    ImportDefaultSpecifier: (node) => declare(node.local),
    ImportNamespaceSpecifier: (node) => declare(node.local),
    TSFunctionType: (node) => node.params.forEach(declare),
  });
  const found: { name: string; start: number }[] = [];
  visit(parsed, {
    Identifier({ name, start }) {
      if (!keys.has(start) && !declared.has(name)) found.push({ name, start });
    },
  });
  return found;
}

/** @returns The names that a pattern binds. */
function patternNames(pattern: unknown): string[] {
  if (typeof pattern !== 'object' || pattern === null) return [];
  const node = pattern as Record<string, unknown> & { type?: string; name?: string };
  switch (node.type) {
    case 'Identifier':
      return [node.name as string];
    case 'ObjectPattern':
      return (node.properties as Record<string, unknown>[]).flatMap((p) =>
        patternNames(p.value ?? p.argument),
      );
    case 'ArrayPattern':
      return (node.elements as unknown[]).flatMap(patternNames);
    case 'AssignmentPattern':
      return patternNames(node.left);
    case 'RestElement':
      return patternNames(node.argument);
    case 'TSParameterProperty':
      return patternNames(node.parameter);
    default:
      return [];
  }
}

/** @returns The name of a plain identifier, also behind `globalThis.` or `globalThis['…']`; '' for anything else. */
function globalName(node: { readonly type: string }): string {
  if (node.type === 'Identifier') {
    const { name } = node as unknown as { name: string };
    return GLOBAL_OBJECTS.has(name) ? 'globalThis' : name;
  }
  if (node.type !== 'MemberExpression') return '';
  const member = node as unknown as { object: { type: string }; property: { type: string; name?: string } };
  if (globalName(member.object) !== 'globalThis') return '';
  return member.property.name ?? literal(member.property);
}

function literal(node: { readonly type: string }): string {
  return node.type === 'Literal' ? String((node as unknown as { value: unknown }).value) : '';
}

function checkForm(file: SourceFile, parsed: ParseResult): string[] {
  const problems: string[] = [];
  const refuse = (offset: number, what: string): void => {
    problems.push(`${file.path}:${lineAt(file.text, offset)}: ${what}`);
  };
  const lines = file.text.trimEnd().split('\n').length;
  if (lines > FILE_LINES_MAX) refuse(0, `has ${lines} lines, at most ${FILE_LINES_MAX}: split it`);
  const measure = (node: { readonly start: number; readonly end: number }): void => {
    const length = lineAt(file.text, node.end) - lineAt(file.text, node.start) + 1;
    if (!isTest(file.path) && length > FUNCTION_LINES_MAX) {
      refuse(node.start, `has a function of ${length} lines, at most ${FUNCTION_LINES_MAX}: split it`);
    }
  };
  visit(parsed, {
    ExportDefaultDeclaration: (node) => refuse(node.start, 'has a default export: export by name'),
    TSEnumDeclaration: (node) => refuse(node.start, 'has an enum: use a union of literals'),
    FunctionDeclaration: measure,
    FunctionExpression: measure,
    ArrowFunctionExpression: measure,
  });
  if (!isTest(file.path)) problems.push(...checkDocumented(file, parsed));
  return problems;
}

/** Every exported declaration has a doc comment right before it; of overloads, the first one. */
function checkDocumented(file: SourceFile, parsed: ParseResult): string[] {
  const problems: string[] = [];
  const docEnds = parsed.comments
    .filter((comment) => comment.type === 'Block' && comment.value.startsWith('*'))
    .map((comment) => comment.end);
  const documented = (start: number): boolean =>
    docEnds.some((end) => end <= start && file.text.slice(end, start).trim() === '');
  const listed = new Set<string>();
  for (const { entries } of parsed.module.staticExports) {
    for (const { moduleRequest, localName } of entries) {
      if (moduleRequest === null && localName.name !== null) listed.add(localName.name);
    }
  }
  for (const statement of parsed.program.body) {
    const declaration = statement.type === 'ExportNamedDeclaration' ? statement.declaration : statement;
    if (declaration === null) continue;
    for (const name of declaredNames(declaration)) {
      if (!listed.delete(name) || documented(statement.start)) continue;
      problems.push(
        `${file.path}:${lineAt(file.text, statement.start)}: exports ${name} without a doc comment`,
      );
    }
  }
  return problems;
}

/** @returns The names that a declaration brings; none for other statements. */
function declaredNames(node: { readonly type: string }): string[] {
  const { declarations, id } = node as unknown as {
    declarations?: { id: { name?: string } }[];
    id?: { name?: string } | null;
  };
  if (declarations !== undefined) return declarations.map((declarator) => declarator.id.name ?? '');
  return id?.name === undefined ? [] : [id.name];
}

/** A name says one thing in the whole house: no two files export the same. @param exporters Name → file, filled here. */
function checkUniqueNames(file: SourceFile, parsed: ParseResult, exporters: Map<string, string>): string[] {
  const problems: string[] = [];
  for (const { entries } of parsed.module.staticExports) {
    for (const { moduleRequest, exportName } of entries) {
      const { name } = exportName;
      if (moduleRequest !== null || name === null) continue;
      const other = exporters.get(name);
      if (other === undefined) exporters.set(name, file.path);
      else if (other !== file.path)
        problems.push(`${file.path}:1: exports ${name}, as ${other} does: give one of them another name`);
    }
  }
  return problems;
}
