/**
 * Choice of the version of upstream's PodGroup: the newest that the API server serves, also after an upgrade of the
 * server.
 */
import { afterEach, expect, test } from 'vitest';
import {
  type ScriptedServer,
  sendJson,
  startScriptedServer,
  until,
} from '../../../test/support/scripted-server.ts';
import type { PodEvent } from '../../governor/pods/pod-events.ts';
import { list, openWatch, status } from './client/reflector.fixtures.ts';
import { Reflector } from './client/reflector.ts';
import { profilesOf } from './objects/profiles.ts';
import { watchedResources } from './watched-resources.ts';

const VERSIONS = ['v1beta1', 'v1alpha3', 'v1alpha2'] as const;
type Version = (typeof VERSIONS)[number];

/** Fields that differ between the versions, in each version's form. */
const MODES: Record<Version, unknown> = {
  v1beta1: { single: {} },
  v1alpha3: { single: {} },
  v1alpha2: 'Pod',
};

/** An API server whose served versions can be changed. */
class Upgradable {
  serves: readonly Version[];
  /** Of the PodGroup `a/g`. */
  minCount = 2;
  readonly events: PodEvent[] = [];
  readonly warnings: string[] = [];
  private server: ScriptedServer | undefined;
  private reflector: Reflector | undefined;
  private readonly watches: { end(): void }[] = [];

  constructor(...serves: readonly Version[]) {
    this.serves = serves;
  }

  async start(absentSeconds = 0.05): Promise<this> {
    this.server = await startScriptedServer((response, { path, query }) => {
      const version = VERSIONS.find((each) => path === `/apis/scheduling.k8s.io/${each}/podgroups`);
      if (version === undefined || !this.serves.includes(version)) {
        // As an API server does for versions that it does not know: no Status.
        if (version === 'v1beta1') response.writeHead(404).end('404 page not found');
        else sendJson(response, 404, status(404, 'the server could not find the requested resource'));
      } else if (query.has('watch')) {
        openWatch(response, '');
        this.watches.push(response);
      } else sendJson(response, 200, list(10, [this.groupAs(version)]));
    });
    const watched = watchedResources(profilesOf(['teg']), (event) => this.events.push(event)).find(
      ({ resource }) => resource.name === 'podgroups',
    );
    if (watched === undefined) throw new Error('PodGroups are not watched');
    const handler = {
      set: (object: unknown) => watched.set(object),
      gone: (uid: string, key: string) => watched.gone(uid, key),
      synced: () => undefined,
    };
    this.reflector = new Reflector(this.server.target, watched.resource, handler, {
      listing: 'pages',
      backoffSeconds: 0.01,
      backoffSecondsMax: 0.05,
      absentSeconds,
      log: { debug: () => undefined, warn: (_, message) => this.warnings.push(message) },
    });
    this.reflector.start();
    return this;
  }

  /** It comes back as another version of Kubernetes: watches end. */
  upgrade(...serves: readonly Version[]): void {
    this.serves = serves;
    for (const watch of this.watches.splice(0)) watch.end();
  }

  /** Versions requested so far, newest last; without repetitions in a row. */
  get asked(): string[] {
    const versions = (this.server?.requests ?? []).map(({ path }) => path.split('/')[3] ?? '');
    return versions.filter((version, i) => version !== versions[i - 1]);
  }

  get synced(): boolean {
    return this.reflector?.synced === true;
  }

  /** Groups as they were reported: `key minCount`, or `key gone`. */
  get told(): string[] {
    return this.events.map((event) => {
      if (event.kind === 'group') return `${event.group.key} ${event.group.minCount}`;
      return event.kind === 'group-gone' ? `${event.key} gone` : event.kind;
    });
  }

  async stop(): Promise<void> {
    await this.reflector?.stop();
    await this.server?.stop();
  }

  private groupAs(version: Version): object {
    return {
      metadata: { namespace: 'a', name: 'g', uid: 'u', resourceVersion: '5' },
      spec: { schedulingPolicy: { gang: { minCount: this.minCount } }, disruptionMode: MODES[version] },
    };
  }
}

let open: Upgradable | undefined;

afterEach(async () => {
  await open?.stop();
  open = undefined;
});

test.each([
  [['v1beta1', 'v1alpha3'], ['v1beta1']],
  [['v1alpha3'], ['v1beta1', 'v1alpha3']],
  [['v1alpha2'], ['v1beta1', 'v1alpha3', 'v1alpha2']],
  [['v1beta1', 'v1alpha3', 'v1alpha2'], ['v1beta1']],
] as [Version[], string[]][])(
  'a server that serves %j is read at the newest of them',
  async (serves, asked) => {
    open = await new Upgradable(...serves).start();
    await until(() => open?.events.length === 1);
    expect(open.events).toMatchObject([
      { kind: 'group', group: { key: 'core:a/g', minCount: 2, unsupported: [] } },
    ]);
    expect(open.asked).toEqual(asked);
    expect(open.warnings).toEqual([]);
  },
);

test('a server without PodGroups has none; they are found when they come', async () => {
  open = await new Upgradable().start();
  await until(() => open?.synced === true);
  expect(open.told).toEqual([]);
  open.serves = ['v1alpha3'];
  await until(() => open?.events.length === 1);
  expect(open.told).toEqual(['core:a/g 2']);
});

test.each([
  ['an upgrade', ['v1alpha2'], ['v1beta1', 'v1alpha3']],
  ['a downgrade', ['v1beta1'], ['v1alpha2']],
] as [string, Version[], Version[]][])(
  '%s: groups are never gone, and are read in the other version',
  async (_, before, after) => {
    // No timer waits for the next attempt at a missing API.
    open = await new Upgradable(...before).start(3600);
    await until(() => open?.events.length === 1);
    open.minCount = 3;
    open.upgrade(...after);
    await until(() => open?.events.length === 2);
    expect(open.told).toEqual(['core:a/g 2', 'core:a/g 3']);
    expect(open.asked.at(-1)).toBe(after[0]);
  },
);

test('PodGroups that are no longer served in any version are gone', async () => {
  open = await new Upgradable('v1beta1').start();
  await until(() => open?.events.length === 1);
  open.upgrade();
  await until(() => open?.events.length === 2);
  expect(open.told).toEqual(['core:a/g 2', 'core:a/g gone']);
});
