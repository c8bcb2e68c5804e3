/** Follows all resources: a reflector each, feeding the core; malformed objects are skipped and reported. */
import type { PodEvent } from '../../governor/pods/pod-events.ts';
import type { ApiTarget } from './client/api.ts';
import { Reflector } from './client/reflector.ts';
import type { ReflectorLog } from './client/reflector-options.ts';
import type { EconomyFeed } from './economy/economy-feed.ts';
import { economyResources, tenantKeyReader } from './economy/economy-resources.ts';
import type { Profiles } from './objects/profiles.ts';
import { isMalformed, type WatchedResource, watchedResources } from './watched-resources.ts';
import { textAt } from './writes/retrying-request.ts';

/** What followers need. */
export interface InformerPorts {
  readonly target: ApiTarget;
  readonly profiles: Profiles;
  readonly pageSize: number;
  readonly feed: (event: PodEvent) => void;
  /** Absent: the mode of the economy is off. */
  readonly economy?:
    | {
        readonly feed: EconomyFeed;
        readonly tenantLabels: readonly string[];
        readonly admittedLabels: readonly string[];
      }
    | undefined;
  /** Sees the objects of the API's own PodGroups. */
  readonly groups?: { noticed(object: unknown): void; gone(key: string): void } | undefined;
  readonly log: ReflectorLog;
  /** An object could not be read. It is ignored until it can be read again. */
  readonly onMalformed: (resource: string, object: unknown, message: string) => void;
  /** All first listings are complete. */
  readonly onSynced: () => void;
  /** The core broke an invariant: nothing after it may be trusted. */
  readonly onBroken: (error: unknown) => void;
}

/** Reflectors of all resources. */
export class Informers {
  readonly reflectors: readonly Reflector[];
  /** Objects skipped. */
  malformed = 0;
  private readonly ports: InformerPorts;
  private unsynced: number;

  constructor(ports: InformerPorts) {
    this.ports = ports;
    const watched = watchedOf(ports);
    this.unsynced = watched.length;
    this.reflectors = watched.map((resource) => this.follow(resource));
  }

  /** Whether all first listings are complete. */
  get synced(): boolean {
    return this.unsynced === 0;
  }

  /** Begins. */
  start(): void {
    for (const reflector of this.reflectors) {
      reflector.done.catch((error: unknown) => this.ports.onBroken(error));
      reflector.start();
    }
  }

  /** Lists pods again, and calls back when every pod that existed at this moment is known. */
  async refreshPods(): Promise<void> {
    const pods = this.reflectors.filter(({ resource }) => resource.path === '/api/v1/pods');
    await Promise.all(pods.map((reflector) => reflector.relist()));
  }

  /** Ends it. */
  async stop(): Promise<void> {
    await Promise.all(this.reflectors.map((reflector) => reflector.stop()));
  }

  private follow(watched: WatchedResource): Reflector {
    const { target, pageSize, log } = this.ports;
    const handler = {
      set: (object: unknown) => this.set(watched, object),
      gone: (uid: string, key: string) => {
        watched.gone(uid, key);
        if (watched.resource.name === 'podgroups') this.ports.groups?.gone(key);
      },
      synced: () => {
        watched.synced?.();
        if (--this.unsynced === 0) this.ports.onSynced();
      },
      denied: (isMissing: boolean) => watched.denied?.(isMissing),
    };
    return new Reflector(target, watched.resource, handler, { pageSize, log });
  }

  private set(watched: WatchedResource, object: unknown): void {
    try {
      watched.set(object);
      if (watched.resource.name === 'podgroups') this.ports.groups?.noticed(object);
    } catch (error) {
      if (!isMalformed(error)) throw error;
      this.malformed++;
      const namespace = textAt(object, 'metadata', 'namespace');
      const name = textAt(object, 'metadata', 'name');
      watched.gone(textAt(object, 'metadata', 'uid'), namespace === '' ? name : `${namespace}/${name}`);
      this.ports.onMalformed(watched.resource.name, object, error.message);
    }
  }
}

/** With an economy its resources are watched too, and pods have keys of tenants. */
function watchedOf({ profiles, feed, economy }: InformerPorts): WatchedResource[] {
  if (economy === undefined) return watchedResources(profiles, feed);
  const noticing = (event: PodEvent): void => {
    economy.feed.noticed(event);
    feed(event);
  };
  return [
    ...watchedResources(profiles, noticing, tenantKeyReader(economy.tenantLabels, economy.admittedLabels)),
    ...economyResources(economy.feed),
  ];
}
