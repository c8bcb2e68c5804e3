/**
 * The memory of a reflector: of each reported object the uid and the version, by key. Nothing else of an object is
 * kept; 50,000 pods cost about 15 MB.
 *
 * By key and not by uid, because at any time a key has one object: when a name comes back with another uid, the old
 * object is reported gone before the new one is reported, however the change became known.
 */
import type { ReflectionHandler } from './api.ts';

/** The data kept for an object. */
interface Entry {
  uid: string;
  resourceVersion: string;
  /** Number of the last listing that had it. */
  listing: number;
}

/** Counters of a `KnownObjects`. */
export interface KnownCounts {
  /** Objects handed to the handler. */
  set: number;
  /** Objects reported gone. */
  gone: number;
  /** Objects seen again with the version that was reported. */
  unchanged: number;
  /** Objects left out because they have no uid or no name. */
  malformed: number;
}

/** The parts of an object's metadata that matter here. */
interface Identity {
  readonly uid: string;
  readonly key: string;
  readonly resourceVersion: string;
}

/** Reports what is new to a handler. Exceptions of the handler pass through. */
export class KnownObjects {
  readonly counts: KnownCounts = { set: 0, gone: 0, unchanged: 0, malformed: 0 };
  private readonly handler: ReflectionHandler;
  private readonly entries = new Map<string, Entry>();
  private listing = 0;

  constructor(handler: ReflectionHandler) {
    this.handler = handler;
  }

  /** Objects known now. */
  get size(): number {
    return this.entries.size;
  }

  /** A listing begins: objects that `set` does not mention until `endListing` are gone. */
  beginListing(): void {
    this.listing++;
  }

  /** The listing is complete. O(known objects). */
  endListing(): void {
    for (const [key, entry] of this.entries) {
      if (entry.listing !== this.listing) this.forget(key, entry);
    }
  }

  /**
   * The interpretation of objects changed: each is reported again when it is next seen, even in a version that was
   * reported.
   */
  renew(): void {
    for (const entry of this.entries.values()) entry.resourceVersion = '';
  }

  /** Everything is gone. */
  clear(): void {
    this.beginListing();
    this.endListing();
  }

  /** An object in its current state; reported unless this version was reported before. */
  set(object: unknown): void {
    const identity = identityOf(object);
    if (identity === undefined) {
      this.counts.malformed++;
      return;
    }
    const { key, uid, resourceVersion } = identity;
    let entry = this.entries.get(key);
    if (entry !== undefined && entry.uid !== uid) {
      this.forget(key, entry);
      entry = undefined;
    }
    if (entry === undefined) {
      this.entries.set(key, { uid, resourceVersion, listing: this.listing });
    } else {
      entry.listing = this.listing;
      if (entry.resourceVersion === resourceVersion && resourceVersion !== '') {
        this.counts.unchanged++;
        return;
      }
      entry.resourceVersion = resourceVersion;
    }
    this.counts.set++;
    this.handler.set(object);
  }

  /** An object was deleted; reported if it was known. */
  delete(object: unknown): void {
    const identity = identityOf(object);
    if (identity === undefined) {
      this.counts.malformed++;
      return;
    }
    const entry = this.entries.get(identity.key);
    if (entry !== undefined && entry.uid === identity.uid) this.forget(identity.key, entry);
  }

  private forget(key: string, entry: Entry): void {
    this.entries.delete(key);
    this.counts.gone++;
    this.handler.gone(entry.uid, key);
  }
}

/** @returns `metadata.resourceVersion` of an object or list; '' if it has none. */
export function resourceVersionOf(object: unknown): string {
  const version = (object as { metadata?: { resourceVersion?: unknown } } | null | undefined)?.metadata
    ?.resourceVersion;
  return typeof version === 'string' ? version : '';
}

/**
 * @returns True if a version is surely older than another one. Only numbers are compared, as those of an API server on
 *   etcd are;
 *          false for any other text.
 * @source Kubernetes KEP-5504: resource versions of one resource are decimal numbers that can be compared.
 */
export function isOlderVersion(version: string, than: string): boolean {
  if (!/^[1-9]\d*$/.test(version) || !/^[1-9]\d*$/.test(than)) return false;
  return version.length === than.length ? version < than : version.length < than.length;
}

/** An object's identity, or undefined if it is malformed. */
function identityOf(object: unknown): Identity | undefined {
  const metadata = (object as { metadata?: Record<string, unknown> } | null | undefined)?.metadata;
  const uid = metadata?.uid;
  const name = metadata?.name;
  if (typeof uid !== 'string' || uid === '' || typeof name !== 'string' || name === '') return undefined;
  const namespace = metadata?.namespace;
  const key = typeof namespace === 'string' && namespace !== '' ? `${namespace}/${name}` : name;
  return { uid, key, resourceVersion: resourceVersionOf(object) };
}
