/** Helpers shared by the tests of the reflector: objects, answers, and a reflector against a scripted server. */
import type { ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';
import {
  type ScriptedRequest,
  type ScriptedServer,
  sendJson,
  startScriptedServer,
} from '../../../../test/support/scripted-server.ts';
import type { ReflectedResource, ReflectionHandler } from './api.ts';
import { Reflector } from './reflector.ts';
import type { ReflectorOptions } from './reflector-options.ts';

/** An object of the API. */
export function object(name: string, version: number, uid = `uid-${name}`): object {
  return { metadata: { namespace: 'a', name, uid, resourceVersion: `${version}` } };
}

/** A page. */
export function list(version: number, objects: readonly object[], next?: string): object {
  const metadata = { resourceVersion: `${version}`, ...(next === undefined ? {} : { continue: next }) };
  return { kind: 'PodList', apiVersion: 'v1', metadata, items: objects };
}

/** A line of a watch. */
export function line(type: string, body: object): string {
  return `${JSON.stringify({ type, object: body })}\n`;
}

/** A bookmark; with `end`, the one after which a streamed list is complete. */
export function bookmark(version: number, end = false): string {
  const annotations = end ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  return line('BOOKMARK', { metadata: { resourceVersion: `${version}`, ...annotations } });
}

/** A Status as an API server sends it. */
export function status(code: number, message: string, details: object = {}): object {
  return { kind: 'Status', code, message, details };
}

/** Begins the answer of a watch with these lines; it stays open. */
export function openWatch(response: ServerResponse, ...lines: string[]): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write(lines.join(''));
}

/** A streamed list, whose watch stays open. */
export function streamList(response: ServerResponse, version: number, objects: readonly object[]): void {
  openWatch(response, ...objects.map((one) => line('ADDED', one)), bookmark(version, true));
}

/** The calls that a handler received, as words. */
export class Told {
  readonly words: string[] = [];
  readonly warnings: string[] = [];

  set(one: unknown): void {
    const { name, uid, resourceVersion } = (one as { metadata: Record<string, string> }).metadata;
    this.words.push(`set ${name}/${uid}@${resourceVersion}`);
  }

  gone(uid: string, key: string): void {
    this.words.push(`gone ${uid} ${key}`);
  }

  synced(): void {
    this.words.push('synced');
  }
}

/** The response to one request. */
export type Answer = (response: ServerResponse, request: ScriptedRequest) => void;

/** @returns The answer that is a page, as `list` makes it. */
export function listed(version: number, objects: readonly object[], next?: string): Answer {
  return (response) => sendJson(response, 200, list(version, objects, next));
}

/** @returns The answer that is a watch, which begins with these lines and stays open. */
export function watching(...lines: string[]): Answer {
  return (response) => openWatch(response, ...lines);
}

/** The resource that is reflected unless a test says otherwise. */
export const PODS: ReflectedResource = { name: 'pods', path: '/api/v1/pods' };

/** Short enough for tests. */
const QUICK: Partial<ReflectorOptions> = {
  listing: 'pages',
  backoffSeconds: 0.01,
  backoffSecondsMax: 0.05,
  inactivitySeconds: 5,
};

/** The server and reflector that a test started. */
export interface Scene {
  readonly told: Told;
  readonly reflector: Reflector;
  readonly server: ScriptedServer;
  readonly requests: readonly ScriptedRequest[];
  /** Milliseconds from each request to the next. */
  readonly waits: readonly number[];
}

/**
 * Starts a server that follows the script (and then falls silent), and a reflector of it; both stop with the test that runs.
 *
 * @param wrap Makes the handler out of `told`; default: `told` itself.
 */
export async function run(
  script: readonly Answer[],
  options: Partial<ReflectorOptions> = {},
  resource: ReflectedResource = PODS,
  wrap: (told: Told) => ReflectionHandler = (told) => told,
): Promise<Scene> {
  const told = new Told();
  const waits: number[] = [];
  let before: number | undefined;
  const server = await startScriptedServer((response, request, index) => {
    const now = performance.now();
    if (before !== undefined) waits.push(now - before);
    before = now;
    script[index]?.(response, request);
  });
  const log = {
    debug: () => undefined,
    warn: (_: object, message: string) => told.warnings.push(message),
  };
  const reflector = new Reflector(server.target, resource, wrap(told), { ...QUICK, log, ...options });
  reflector.start();
  onTestFinished(async () => {
    await reflector.stop();
    await server.stop();
  });
  return { told, reflector, server, requests: server.requests, waits };
}
