/**
 * Reads every change of a cluster from etcd itself, in the one order in which they happened, whatever becomes of the API
 * server meanwhile: what an auditor needs who wants to miss nothing and share nothing with what is audited.
 *
 * Needs an API server with `--storage-media-type=application/json`.
 */
import { request } from 'node:http';

/** A change of an object in etcd. */
export interface StoredChange {
  /** `/registry/pods/default/x`. */
  readonly key: string;
  readonly revision: number;
  /** The object as it is now; undefined: it was deleted. */
  readonly object: StoredObject | undefined;
}

/** As much of an object as auditors read. */
export interface StoredObject {
  readonly metadata?: {
    readonly name?: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

interface WatchLine {
  readonly error?: { readonly message?: string };
  readonly result?: {
    readonly created?: boolean;
    readonly canceled?: boolean;
    readonly events?: readonly {
      readonly type?: string;
      readonly kv: { readonly key: string; readonly value?: string; readonly mod_revision: string };
    }[];
  };
}

/** A watch of everything under `/registry/`. */
export interface EtcdLog {
  stop(): void;
}

/**
 * Begins to read.
 *
 * @param url      `http://127.0.0.1:PORT` of etcd.
 * @param onChange Called with every change from now on.
 * @param onBroken Called if the watch ends without having been stopped: what was audited is worth nothing then.
 * @returns        When the watch is established.
 */
export function followEtcd(
  url: string,
  onChange: (change: StoredChange) => void,
  onBroken: (why: string) => void,
): Promise<EtcdLog> {
  return new Promise((resolve, reject) => {
    let stopped = false;
    let rest = '';
    const body = JSON.stringify({
      create_request: { key: base64('/registry/'), range_end: base64('/registry0') },
    });
    const sent = request(`${url}/v3/watch`, { method: 'POST' }, (answer) => {
      answer.setEncoding('latin1');
      answer.on('data', (chunk: string) => {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() as string;
        for (const line of lines) {
          if (stopped || line === '') continue;
          const { result, error } = JSON.parse(line) as WatchLine;
          if (result === undefined || result.canceled === true) {
            onBroken(error?.message ?? 'etcd ended the watch');
          }
          if (result?.created === true) resolve({ stop });
          for (const event of result?.events ?? []) onChange(changeOf(event));
        }
      });
      answer.on('close', () => {
        if (!stopped) onBroken('the watch of etcd ended');
      });
    });
    const stop = (): void => {
      stopped = true;
      sent.destroy();
    };
    sent.on('error', (error) => {
      if (!stopped) reject(error);
    });
    sent.end(body);
  });
}

/** @returns The revision that etcd is at. */
export async function etcdRevision(url: string): Promise<number> {
  const answer = await ask(url, '/v3/kv/range', { key: base64('/registry/none') });
  return Number((answer as { header: { revision: string } }).header.revision);
}

/** Forgets what was before a revision: watches that would have to begin there are answered 410 by the API server. */
export async function compactEtcd(url: string, revision: number): Promise<void> {
  await ask(url, '/v3/kv/compaction', { revision: String(revision), physical: true });
}

async function ask(url: string, path: string, body: object): Promise<unknown> {
  const answer = await fetch(`${url}${path}`, { method: 'POST', body: JSON.stringify(body) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`etcd answered ${answer.status} to ${path}: ${text}`);
  return JSON.parse(text);
}

function changeOf(event: NonNullable<NonNullable<WatchLine['result']>['events']>[number]): StoredChange {
  const key = Buffer.from(event.kv.key, 'base64').toString('utf8');
  const revision = Number(event.kv.mod_revision);
  if (event.type === 'DELETE') return { key, revision, object: undefined };
  const text = Buffer.from(event.kv.value ?? '', 'base64').toString('utf8');
  // What has no JSON form (services' address ranges) is none of an auditor's business.
  return { key, revision, object: text.startsWith('{') ? (JSON.parse(text) as StoredObject) : {} };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
