import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { checkProperty } from '../../../../test/support/properties.ts';
import { TegError } from '../../../model/errors.ts';
import { durationSeconds } from '../../../model/readers/durations.ts';
import { firstNameOf, profilesOf } from '../objects/profiles.ts';
import { withListenAddress } from './config-schema.ts';
import { coreOptions } from './core-options.ts';
import { RENAMED } from './old-names.ts';
import {
  defaultSchedulerConfig,
  parseSchedulerConfig,
  printDefaultConfig,
  readSchedulerConfig,
  schedulerConfigJsonSchema,
  withBindAddress,
} from './scheduler-config.ts';

const HEAD = 'apiVersion: teg.dev/v1alpha1\nkind: SchedulerConfiguration\n';

/** The message that a configuration is refused with. */
function refusal(text: string): string {
  try {
    parseSchedulerConfig(text, 'teg.yaml');
  } catch (error) {
    expect(error).toBeInstanceOf(TegError);
    expect((error as TegError).code).toBe('TEG_CONFIG_INVALID');
    return (error as TegError).message;
  }
  throw new Error('it was accepted');
}

describe('the defaults', () => {
  test('are what an empty configuration gets', () => {
    expect(parseSchedulerConfig(HEAD, 'x')).toEqual({
      apiVersion: 'teg.dev/v1alpha1',
      kind: 'SchedulerConfiguration',
      schedulerNames: ['teg'],
      leaderElection: {
        leaderElect: true,
        leaseDuration: '15s',
        renewDeadline: '10s',
        retryPeriod: '2s',
        resourceLock: 'leases',
        resourceName: 'teg-scheduler',
        resourceNamespace: 'kube-system',
      },
      clientConnection: {
        kubeconfig: '',
        connections: 32,
        pipelining: 1,
        bindsInFlightMax: 64,
        coalesceMilliseconds: 5,
        listPageSize: 500,
      },
      podInitialBackoffSeconds: 1,
      podMaxBackoffSeconds: 10,
      zones: { label: '', nodesMax: 2000 },
      queue: {
        waitingPodsMax: 1_000_000,
        renewalSeconds: 300,
      },
      gangs: { repairSeconds: 60, searchChecksMax: 20_000 },
      preemption: { enabled: true },
      economy: {
        mode: 'off',
        tenantLabels: [],
        admittedLabels: [],
        metricTenantsMax: 200,
        ledger: { path: '' },
      },
      events: { queueMax: 20_000, perSecondMax: 1000 },
      server: {
        bindAddress: '',
        port: 10_259,
        tls: { certFile: '', keyFile: '' },
        insecureLoopback: false,
      },
      logging: { level: 'info', format: 'json' },
      record: '',
    });
  });

  test('are printed so that they can be read again, each with a comment', () => {
    const text = printDefaultConfig();
    expect(parseSchedulerConfig(text, 'x')).toEqual(defaultSchedulerConfig());
    const lines = text.split('\n').filter((line) => line !== '');
    expect(lines.every((line) => line.length <= 100)).toBe(true);
    const fields = lines.filter((line) => !/^\s*#/.test(line)).slice(2);
    for (const field of fields) {
      const before = lines[lines.indexOf(field) - 1] as string;
      expect(before, `a comment above ${field}`).toMatch(/^\s*# \S/);
    }
    expect(fields.length).toBeGreaterThan(35);
  });

  test('the printed file names every field', () => {
    expect(parse(printDefaultConfig())).toEqual(defaultSchedulerConfig());
  });
});

describe('reading', () => {
  test('YAML and JSON; given fields replace the defaults, the rest stays', () => {
    const said = {
      schedulerNames: ['mine', { name: 'wide', strategy: 'spread' }],
      queue: { renewalSeconds: 30 },
      zones: { label: 'example.com/rack' },
    };
    const whole = { apiVersion: 'teg.dev/v1alpha1', kind: 'SchedulerConfiguration', ...said };
    const config = parseSchedulerConfig(stringify(whole), 'x');
    expect(config).toEqual(parseSchedulerConfig(JSON.stringify(whole), 'x'));
    expect(config.queue).toEqual({ ...defaultSchedulerConfig().queue, renewalSeconds: 30 });
    expect(config.schedulerNames).toEqual(said.schedulerNames);
  });

  test('back-offs of null have their defaults, as in KubeSchedulerConfiguration', () => {
    const text = `${HEAD}podInitialBackoffSeconds: null\npodMaxBackoffSeconds:\n`;
    expect(parseSchedulerConfig(text, 'x')).toEqual(defaultSchedulerConfig());
  });

  const folder = mkdtempSync(join(tmpdir(), 'teg-config-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('files', async () => {
    const file = join(folder, 'a.yaml');
    writeFileSync(file, `${HEAD}schedulerNames: [mine]\n`);
    await expect(readSchedulerConfig(file, () => undefined)).resolves.toMatchObject({
      schedulerNames: ['mine'],
    });
    await expect(readSchedulerConfig(join(folder, 'b.yaml'), () => undefined)).rejects.toMatchObject({
      code: 'TEG_INPUT_NOT_FOUND',
      message: expect.stringContaining('b.yaml: there is no such file (ENOENT)'),
    });
  });
});

const NINE_NAMES = Array.from({ length: 9 }, (_, i) => `n${i}`).join(', ');

test('names of schedulers: 8 at most; without a strategy pods are packed; the old name still counts', () => {
  const eight = NINE_NAMES.replace(', n8', '');
  const named = parseSchedulerConfig(`${HEAD}schedulerNames: [${eight}]`, 'x');
  expect([...profilesOf(named.schedulerNames).keys()]).toHaveLength(8);
  const both = parseSchedulerConfig(`${HEAD}schedulerNames: [{name: a}, {name: b, strategy: spread}]`, 'x');
  expect([...profilesOf(both.schedulerNames)]).toEqual([
    ['a', 'pack'],
    ['b', 'spread'],
  ]);
  expect(firstNameOf(both.schedulerNames)).toBe('a');
  const warnings: string[] = [];
  const old = parseSchedulerConfig(`${HEAD}schedulerName: mine`, 'x', (text) => warnings.push(text));
  expect(old.schedulerNames).toEqual(['mine']);
  expect(warnings).toEqual(['x: schedulerName is named schedulerNames now: write schedulerNames: ["mine"]']);
});

describe('refusals', () => {
  test.each([
    ['', 'teg.yaml: the configuration: got an empty value, expected fields'],
    ['kind: SchedulerConfiguration', 'apiVersion: got nothing, expected "teg.dev/v1alpha1"'],
    [
      'apiVersion: teg.dev/v2\nkind: SchedulerConfiguration',
      'apiVersion: got "teg.dev/v2", expected "teg.dev/v1alpha1"',
    ],
    [
      'apiVersion: teg.dev/v1alpha1\nkind: KubeSchedulerConfiguration',
      'kind: got "KubeSchedulerConfiguration"',
    ],
    [
      `${HEAD}schedulersName: x`,
      'schedulersName: got an unknown field, expected one of apiVersion, kind, schedulerNames,',
    ],
    [`${HEAD}schedulersName: x`, '(did you mean schedulerNames?)'],
    [
      `${HEAD}leaderElection: {leaseDuratio: 3}`,
      'leaderElection.leaseDuratio: got an unknown field, expected one of leaderElect, leaseDuration',
    ],
    [`${HEAD}leaderElection: {leaseDuratio: 3}`, '(did you mean leaseDuration?)'],
    [
      `${HEAD}server: {tls: {cert: a}}`,
      'server.tls.cert: got an unknown field, expected one of certFile, keyFile',
    ],
    [
      `${HEAD}queue: {waitingPodsMax: many}`,
      'queue.waitingPodsMax: got "many", expected a value of type number',
    ],
    [`${HEAD}queue: {waitingPodsMax: 0}`, 'queue.waitingPodsMax: got 0, expected at least 1'],
    [`${HEAD}queue: {waitingPodsMax: 1.5}`, 'queue.waitingPodsMax: got 1.5, expected a value of type int'],
    [`${HEAD}podInitialBackoffSeconds: 0`, 'podInitialBackoffSeconds: got 0, expected at least 1'],
    [
      `${HEAD}podInitialBackoffSeconds: 1.5`,
      'podInitialBackoffSeconds: got 1.5, expected a value of type int',
    ],
    [`${HEAD}podMaxBackoffSeconds: 10s`, 'podMaxBackoffSeconds: got "10s", expected a value of type number'],
    [`${HEAD}podMaxBackoffSeconds: 86401`, 'podMaxBackoffSeconds: got 86401, expected at most 86400'],
    [`${HEAD}queue: {podMaxBackoffSeconds: 3}`, 'queue.podMaxBackoffSeconds: got an unknown field'],
    [`${HEAD}queue: 7`, 'queue: got 7, expected fields'],
    [`${HEAD}queue:`, 'queue: got an empty value, expected fields'],
    [`${HEAD}logging: {level: loud}`, 'logging.level: got "loud", expected "trace" or "debug" or'],
    [
      `${HEAD}schedulerNames: [No Name]`,
      'schedulerNames.0: got "No Name", expected a name of lower-case letters, digits, - and .',
    ],
    [`${HEAD}schedulerName: No Name`, 'schedulerNames.0: got "No Name", expected a name of'],
    [`${HEAD}schedulerNames: teg`, 'schedulerNames: got "teg", expected a value of type array'],
    [`${HEAD}schedulerNames: []`, 'schedulerNames: got [], expected at least 1'],
    [`${HEAD}schedulerNames: [${NINE_NAMES}]`, 'expected at most 8'],
    [`${HEAD}schedulerNames: [a, {name: a, strategy: spread}]`, 'expected each name once'],
    [
      `${HEAD}schedulerNames: [{name: a, strategy: even}]`,
      'schedulerNames.0: got {"name":"a","strategy":"even"}',
    ],
    [`${HEAD}schedulerNames: [{name: a, weight: 1}]`, 'schedulerNames.0.weight: got an unknown field'],
    [`${HEAD}schedulerNames: [a]\nschedulerName: a`, 'schedulerName: got it beside schedulerNames'],
    [`${HEAD}zones: {label: "a b"}`, 'zones.label: got "a b", expected the key of a label'],
    [
      `${HEAD}server: {bindAddress: somewhere}`,
      'server.bindAddress: got "somewhere", expected an IP address or localhost',
    ],
    [`${HEAD}server: {port: 65536}`, 'server.port: got 65536, expected at most 65535'],
    [`${HEAD}preemption: {enabled: 1}`, 'preemption.enabled: got 1, expected a value of type boolean'],
    [`${HEAD}a: [`, 'teg.yaml: got text that is not YAML'],
    [`${HEAD}kind: SchedulerConfiguration`, 'Map keys must be unique'],
    [`${HEAD}---\n${HEAD}`, 'got text that is not YAML'],
    ['[1, 2]', 'the configuration: got [1,2], expected fields'],
  ])('%j: %s', (text, message) => {
    expect(refusal(text)).toContain(message);
  });

  test.each([
    [
      'leaderElection: {leaseDuration: 10s}',
      'leaderElection.renewDeadline: got "10s", expected less than leaderElection.leaseDuration (10s)',
    ],
    [
      'leaderElection: {renewDeadline: 2400ms}',
      'leaderElection.retryPeriod: got "2s", expected less than leaderElection.renewDeadline (2400ms) / 1.2',
    ],
    [
      'podInitialBackoffSeconds: 11',
      'podMaxBackoffSeconds: got 10, expected at least podInitialBackoffSeconds (11)',
    ],
    [
      'podMaxBackoffSeconds: 5\npodInitialBackoffSeconds: 6',
      'podMaxBackoffSeconds: got 5, expected at least podInitialBackoffSeconds (6)',
    ],
    [
      'server: {tls: {certFile: a.pem}}',
      'server.tls.keyFile: got "", expected a path: certFile and keyFile go together',
    ],
    ['server: {tls: {keyFile: a.pem}}', 'server.tls.certFile: got "", expected a path'],
    [
      'server: {insecureLoopback: true, bindAddress: 0.0.0.0}',
      'server.bindAddress: got "0.0.0.0", expected 127.0.0.1 or ::1',
    ],
  ])('fields that contradict each other: %s', (text, message) => {
    expect(refusal(HEAD + text)).toContain(message);
  });

  test('a lease of broken seconds, which no Lease can hold', () => {
    expect(refusal(`${HEAD}leaderElection: {leaseDuration: 15500ms}`)).toContain(
      'leaderElection.leaseDuration: got "15500ms", expected a duration of whole seconds from 1s to 3600s',
    );
  });

  test.each([
    'leaderElection: {renewDeadline: 2.41s}',
    'podInitialBackoffSeconds: 10',
    'podInitialBackoffSeconds: 86400\npodMaxBackoffSeconds: 86400',
    'server: {insecureLoopback: true, bindAddress: "::1"}',
    'server: {tls: {certFile: a, keyFile: b}}',
  ])('just inside the bounds is accepted: %s', (text) => {
    expect(() => parseSchedulerConfig(`${HEAD}${text}`, 'x')).not.toThrow();
  });

  test('several problems are reported at once, but not all of very many', () => {
    const message = refusal(`${HEAD}queue: {waitingPodsMax: 0}\nlogging: {level: loud}\nx: 1`);
    expect(message.split('\n')).toHaveLength(4);
    const many = Array.from({ length: 30 }, (_, i) => `x${i}: 1`).join('\n');
    expect(refusal(HEAD + many)).toMatch(/and 20 more$/);
  });

  test('a file that is far too long is not looked at', () => {
    const room = (1 << 20) - HEAD.length;
    parseSchedulerConfig(`${HEAD}#${'x'.repeat(room - 1)}`, 'x');
    expect(refusal(`${HEAD}#${'x'.repeat(room)}`)).toContain('expected at most 1048576');
  });

  test('an explosion of aliases is stopped', () => {
    const lines = ['a: &a [1,1,1,1,1,1,1,1,1,1]'];
    for (let i = 0; i < 9; i++) {
      const name = String.fromCharCode(97 + i);
      const next = String.fromCharCode(98 + i);
      lines.push(`${next}: &${next} [${Array.from({ length: 10 }, () => `*${name}`).join(',')}]`);
    }
    expect(refusal(lines.join('\n'))).toContain('alias');
  });

  test('any text gives a configuration or an explained refusal', () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom(0, 1, 'a', true, null, [], {}));
    const names = [
      'schedulerName',
      'schedulerNames',
      'leaderElection',
      'queue',
      'server',
      'tls',
      'zones',
      'record',
      'x',
    ];
    const body = fc.dictionary(fc.constantFrom(...names), fc.oneof(value, fc.dictionary(fc.string(), value)));
    checkProperty(
      fc.property(
        fc.oneof(
          body.map((said) => HEAD + stringify(said)),
          fc.string(),
        ),
        (text) => {
          try {
            parseSchedulerConfig(text, 'x');
          } catch (error) {
            expect(error).toMatchObject({ code: 'TEG_CONFIG_INVALID' });
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

test('the JSON schema has every field, with default and description, and requires only apiVersion and kind', () => {
  const schema = schedulerConfigJsonSchema() as {
    required: string[];
    additionalProperties: boolean;
    properties: Record<string, { properties?: Record<string, { default?: unknown; description?: string }> }>;
  };
  expect(schema.required).toEqual(['apiVersion', 'kind']);
  expect(schema.additionalProperties).toBe(false);
  expect(Object.keys(schema.properties)).toEqual(Object.keys(defaultSchedulerConfig()));
  const lease = schema.properties.leaderElection?.properties?.leaseDuration;
  expect(lease).toMatchObject({ type: 'string', default: '15s', description: expect.any(String) });
});

describe('names from before', () => {
  const old = `${HEAD}leaderElection: {enabled: false, leaseName: x, leaseNamespace: y, leaseDurationSeconds: 20, renewDeadlineSeconds: 2.5, retryPeriodSeconds: 0.5}\n`;
  const now = `${HEAD}leaderElection: {leaderElect: false, resourceName: x, resourceNamespace: y, leaseDuration: 20s, renewDeadline: 2.5s, retryPeriod: 500ms}\n`;

  test('are read, each with a warning that names the new one and its value', () => {
    const warnings: string[] = [];
    const config = parseSchedulerConfig(old, 'teg.yaml', (text) => warnings.push(text));
    expect(config.leaderElection).toEqual({
      ...parseSchedulerConfig(now, 'x').leaderElection,
      retryPeriod: '0.5s',
    });
    expect(warnings).toHaveLength(6);
    expect(warnings[3]).toBe(
      'teg.yaml: leaderElection.leaseDurationSeconds is named leaderElection.leaseDuration now: write leaseDuration: "20s"',
    );
  });

  test('refer to existing fields, and are not fields themselves', () => {
    const has = (path: string): boolean => {
      const [key = '', inner] = path.split('.');
      const field = (defaultSchedulerConfig() as unknown as Record<string, object>)[key];
      return field !== undefined && (inner === undefined || Object.hasOwn(field, inner));
    };
    expect(RENAMED.filter(({ now: name }) => !has(name))).toEqual([]);
    expect(RENAMED.filter(({ old: name }) => has(name))).toEqual([]);
  });

  test('a field that moved to the top is read there, and its former neighbours stay', () => {
    const warnings: string[] = [];
    const text = `${HEAD}queue: {backoffSecondsFirst: 2, backoffSecondsMax: 7, renewalSeconds: 5}\n`;
    const config = parseSchedulerConfig(text, 'teg.yaml', (warning) => warnings.push(warning));
    const plain = defaultSchedulerConfig();
    expect(config).toEqual({
      ...plain,
      podInitialBackoffSeconds: 2,
      podMaxBackoffSeconds: 7,
      queue: { ...plain.queue, renewalSeconds: 5 },
    });
    expect(warnings).toEqual([
      'teg.yaml: queue.backoffSecondsFirst is named podInitialBackoffSeconds now: write podInitialBackoffSeconds: 2',
      'teg.yaml: queue.backoffSecondsMax is named podMaxBackoffSeconds now: write podMaxBackoffSeconds: 7',
    ]);
    expect(refusal(`${HEAD}queue: {backoffSecondsMax: 8}\npodMaxBackoffSeconds: 8`)).toContain(
      'queue.backoffSecondsMax: got it beside podMaxBackoffSeconds, expected one of them',
    );
  });

  test('fractions of a second, which the old names allowed, are rounded up, and the warning says so', () => {
    const warnings: string[] = [];
    const text = `${HEAD}queue: {backoffSecondsFirst: 0.01, backoffSecondsMax: 2.5}`;
    const config = parseSchedulerConfig(text, 'x', (warning) => warnings.push(warning));
    expect(config).toMatchObject({ podInitialBackoffSeconds: 1, podMaxBackoffSeconds: 3 });
    expect(warnings[1]).toBe(
      'x: queue.backoffSecondsMax is named podMaxBackoffSeconds now: write podMaxBackoffSeconds: 3 (whole seconds; 2.5 is read as 3)',
    );
  });

  test('new ones are read without a word, both at once are refused', () => {
    const warnings: string[] = [];
    parseSchedulerConfig(now, 'x', (text) => warnings.push(text));
    expect(warnings).toEqual([]);
    expect(refusal(`${HEAD}leaderElection: {enabled: true, leaderElect: true}`)).toContain(
      'leaderElection.enabled: got it beside leaderElection.leaderElect, expected one of them',
    );
  });

  test('a value that does not do is refused under the new name', () => {
    expect(refusal(`${HEAD}leaderElection: {leaseDurationSeconds: 0}`)).toContain(
      'leaderElection.leaseDuration: got ',
    );
    expect(refusal(`${HEAD}queue: {backoffSecondsMax: long}`)).toContain(
      'podMaxBackoffSeconds: got "long", expected a value of type number',
    );
  });
});

test.each([
  ['15s', 15],
  ['1m30s', 90],
  ['1.5h', 5400],
  ['500ms', 0.5],
  ['1s100ms', 1.1],
  ['0s', 0],
  ...['15', '', 's', '-1s', '1 s', '1d', '1s,', '1e3s', 'Infinitys'].map(
    (text) => [text, Number.NaN] as const,
  ),
] as const)('%j is a duration of %d s', (text, seconds) => {
  expect(durationSeconds(text)).toBe(seconds);
});

test.each([
  [{}, false, '127.0.0.1'],
  [{}, true, '0.0.0.0'],
  [{ insecureLoopback: true }, true, '127.0.0.1'],
  [{ bindAddress: '10.0.0.1' }, false, '10.0.0.1'],
])('server %j, in a cluster %s: listens at %s', (server, isInCluster, address) => {
  const config = { ...defaultSchedulerConfig().server, ...server };
  expect(withListenAddress(config, isInCluster).bindAddress).toBe(address);
});

test('an address of the command line replaces that of the file, and is checked as that is', () => {
  const config = defaultSchedulerConfig();
  expect(withBindAddress(config, undefined)).toBe(config);
  expect(withBindAddress(config, '::').server.bindAddress).toBe('::');
  expect(() => withBindAddress(config, 'nowhere')).toThrow('got "nowhere", expected an IP address');
});

test('each option of the core comes from its own field', () => {
  const text = `${HEAD}podInitialBackoffSeconds: 3
podMaxBackoffSeconds: 7
queue: {waitingPodsMax: 1000, renewalSeconds: 90}
zones: {label: rack, nodesMax: 500}
gangs: {repairSeconds: 40, searchChecksMax: 2000}
preemption: {enabled: false}
`;
  const config = parseSchedulerConfig(text, 'x');
  expect(coreOptions(config)).toEqual({
    seed: 1,
    backoffSecondsFirst: 3,
    backoffSecondsMax: 7,
    waitingPodsMax: 1000,
    zoneLabel: 'rack',
    zoneNodesMax: 500,
    gangRepairSeconds: 40,
    gangSearchChecksMax: 2000,
    preemption: false,
    renewalSeconds: 90,
  });
});
