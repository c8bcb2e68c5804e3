/**
 * Circles of imports: between files, and between the parts of a folder.
 */
import { dirname, posix } from 'node:path';

/** One import: static, dynamic, re-export, or a worker's `new URL('./x.ts', import.meta.url)`. */
export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** The code of a worker: it may share types with the file that starts it. */
  readonly isWorker: boolean;
}

/** Tests and what only they use may import and measure what they like; only the form of a file binds them. */
export function isTest(path: string): boolean {
  return /\.(test|laws|oracle|fixtures)\.ts$/.test(path);
}

/** @returns The path that a relative specifier names, relative to the repository. */
export function resolved(path: string, specifier: string): string {
  return posix.join(dirname(path), specifier);
}

/**
 * Finds files that need each other, be it to load, for their types or at run time: a depth-first walk that meets its own
 * path.
 */
export function checkCycles(importsByPath: ReadonlyMap<string, readonly Import[]>): string[] {
  const problems: string[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const walk = (path: string): void => {
    const at = trail.indexOf(path);
    if (at >= 0) {
      problems.push(`${path}:1: imports itself in a circle: ${[...trail.slice(at), path].join(' → ')}`);
      return;
    }
    if (done.has(path)) return;
    trail.push(path);
    for (const { specifier, isWorker } of importsByPath.get(path) ?? []) {
      if (!isWorker && specifier.startsWith('.')) walk(resolved(path, specifier));
    }
    trail.pop();
    done.add(path);
  };
  for (const path of importsByPath.keys()) walk(path);
  return problems;
}

/**
 * Finds folders that cannot be read from the bottom up: within each folder, the files and folders in it, each folder as a
 * whole, must need each other without a circle.
 */
export function checkFolderCycles(importsByPath: ReadonlyMap<string, readonly Import[]>): string[] {
  /** Folder → part of it → the parts that it imports, with one import as an example. */
  const folders = new Map<string, Map<string, Map<string, string>>>();
  for (const [path, imports] of importsByPath) {
    if (isTest(path)) continue;
    for (const { specifier, isWorker } of imports) {
      if (isWorker || !specifier.startsWith('.')) continue;
      const target = resolved(path, specifier);
      const [from, to] = [path.split('/'), target.split('/')];
      const shared = from.findIndex((part, at) => part !== to[at]);
      if (shared < 0 || isTest(target)) continue;
      const folder = from.slice(0, shared).join('/');
      const parts = folders.get(folder) ?? new Map<string, Map<string, string>>();
      folders.set(folder, parts);
      const part = from[shared] as string;
      const needs = parts.get(part) ?? new Map<string, string>();
      parts.set(part, needs);
      needs.set(to[shared] as string, `${path} imports ${target}`);
    }
  }
  return [...folders].flatMap(([folder, parts]) => circlesOf(folder, parts));
}

function circlesOf(folder: string, parts: ReadonlyMap<string, ReadonlyMap<string, string>>): string[] {
  const problems: string[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const walk = (part: string): void => {
    const at = trail.indexOf(part);
    if (at >= 0) {
      const circle = [...trail.slice(at), part];
      const why = circle.slice(1).map((to, step) => parts.get(circle[step] as string)?.get(to));
      problems.push(`${folder}: its parts need each other in a circle: ${why.join('; ')}`);
      return;
    }
    if (done.has(part)) return;
    trail.push(part);
    for (const to of parts.get(part)?.keys() ?? []) walk(to);
    trail.pop();
    done.add(part);
  };
  for (const part of parts.keys()) walk(part);
  return problems;
}
