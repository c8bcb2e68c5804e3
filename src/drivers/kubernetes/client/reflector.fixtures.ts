/**
 * What the tests of the reflector share: objects, answers, and a reflector before a server that follows a script.
 */
import type { ServerResponse } from 'node:http';
import {
  type ScriptedRequest,
  type ScriptedServer,
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

/** What a handler was told, as words. */
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

/** What to do with one request. */
export type Answer = (response: ServerResponse, request: ScriptedRequest) => void;

/** What is reflected unless a test says otherwise. */
export const PODS: ReflectedResource = { name: 'pods', path: '/api/v1/pods' };

/** Quick enough for tests. */
const QUICK: Partial<ReflectorOptions> = {
  listing: 'pages',
  backoffSeconds: 0.01,
  backoffSecondsMax: 0.05,
  inactivitySeconds: 5,
};

/** What a test started. */
export interface Scene {
  readonly told: Told;
  readonly reflector: Reflector;
  readonly server: ScriptedServer;
  readonly requests: readonly ScriptedRequest[];
}

const open: Scene[] = [];

/**
 * Starts a server that follows the script (and then falls silent), and a reflector of it.
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
  const server = await startScriptedServer((response, request, index) => script[index]?.(response, request));
  const log = {
    debug: () => undefined,
    warn: (_: object, message: string) => told.warnings.push(message),
  };
  const reflector = new Reflector(server.target, resource, wrap(told), { ...QUICK, log, ...options });
  reflector.start();
  const scene = { told, reflector, server, requests: server.requests };
  open.push(scene);
  return scene;
}

/** Stops what `run` started. */
export async function stopAll(): Promise<void> {
  for (const scene of open.splice(0)) {
    await scene.reflector.stop();
    await scene.server.stop();
  }
}
