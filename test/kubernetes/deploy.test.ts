/**
 * What `deploy` holds: rendered from one source, accepted by a real API server, in step with the code.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { dashboard } from '../../deploy/dashboard.ts';
import {
  CHART,
  DASHBOARD_FILE,
  dashboardText,
  MANIFESTS_FILE,
  plainManifests,
  renderChart,
} from '../../deploy/render.ts';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { builtBinary } from '../../lab/control-plane/go-modules.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import {
  defaultSchedulerConfig,
  parseSchedulerConfig,
} from '../../src/drivers/kubernetes/config/scheduler-config.ts';
import { ECONOMY_METRICS, METRICS } from '../../src/drivers/kubernetes/server/metric-definitions.ts';
import type { MetricDefinition } from '../../src/drivers/kubernetes/server/metric-series.ts';
import { clientOf, describeWithControlPlane, kubectl } from './control-plane-fixture.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Everything switched on. */
const ALL_ON = [
  '--set=serviceMonitor.enabled=true',
  '--set=prometheusRule.enabled=true',
  '--set=dashboard.enabled=true',
  '--set=ledger.enabled=true',
  '--set=ledger.accessMode=ReadWriteMany',
  '--set=ledger.storageClassName=shared',
  '--set=server.tlsSecretName=teg-tls',
  `--set=image.digest=sha256:${'a'.repeat(64)}`,
  '--set-json=imagePullSecrets=[{"name":"pull"}]',
  '--set-json=metricsReaders=[{"kind":"ServiceAccount","name":"prometheus","namespace":"monitoring"}]',
  '--set-json=explainers=[{"kind":"Group","name":"ops"}]',
  '--set-json=affinity={"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"a","operator":"Exists"}]}]}}}',
  '--set-json=extraEnv=[{"name":"NODE_OPTIONS","value":"--max-old-space-size=1024"}]',
  '--set-json=extraArgs=["--dry-run"]',
  '--set-json=config={"podMaxBackoffSeconds":30,"zones":{"label":"topology.kubernetes.io/zone"},"logging":{"level":"debug"}}',
  '--set-json=podLabels={"team":"a"}',
  '--set-json=podAnnotations={"a":"b"}',
  '--set-json=serviceMonitor.labels={"release":"prometheus"}',
];

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: unknown;
}

function manifestsOf(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

function configOf(text: string) {
  const map = manifestsOf(text).find(
    ({ kind, data }) => kind === 'ConfigMap' && data?.['scheduler.yaml'] !== undefined,
  );
  return parseSchedulerConfig(map?.data?.['scheduler.yaml'] as string, 'the chart');
}

describeWithControlPlane('the chart', ['helm'], () => {
  const helm = builtBinary('helm') as string;

  test('passes helm lint', () => {
    expect(execFileSync(helm, ['lint', '--strict', CHART], { encoding: 'utf8' })).toContain(
      '0 chart(s) failed',
    );
  });

  test('has the version of TEG', () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    expect(parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'))).toMatchObject({
      version,
      appVersion: version,
    });
  });

  test('plain manifests and dashboard are what `npm run manifests` writes', () => {
    expect(readFileSync(MANIFESTS_FILE, 'utf8')).toBe(plainManifests(helm));
    expect(readFileSync(DASHBOARD_FILE, 'utf8')).toBe(dashboardText());
  });

  test('its configuration is the default one, but for the Lease beside it and the address of a pod', () => {
    const plain = defaultSchedulerConfig();
    expect(configOf(renderChart(helm))).toEqual({
      ...plain,
      leaderElection: { ...plain.leaderElection, resourceNamespace: 'teg-system' },
      server: { ...plain.server, bindAddress: '0.0.0.0' },
    });
  });

  test('values reach the configuration', () => {
    expect(
      configOf(
        renderChart(helm, [
          ...ALL_ON,
          '--set-json=schedulerNames=["gpu",{"name":"wide","strategy":"spread"}]',
          '--set=server.port=8443',
        ]),
      ),
    ).toMatchObject({
      schedulerNames: ['gpu', { name: 'wide', strategy: 'spread' }],
      podMaxBackoffSeconds: 30,
      zones: { label: 'topology.kubernetes.io/zone' },
      logging: { level: 'debug' },
      economy: { ledger: { path: '/var/lib/teg/ledger.sqlite' } },
      server: { port: 8443, tls: { certFile: '/etc/teg-tls/tls.crt', keyFile: '/etc/teg-tls/tls.key' } },
    });
  });

  test.each([
    [['--set=replica=3'], "additional properties 'replica' not allowed"],
    [['--set=leaderElection.leaderElect=false'], '/replicas'],
    [['--set=config.schedulerName=x'], '/config'],
    [['--set=schedulerName=x'], "additional properties 'schedulerName' not allowed"],
    [['--set-json=schedulerNames=[]'], '/schedulerNames'],
    [['--set-json=schedulerNames=[{"name":"a","strategy":"even"}]'], '/schedulerNames/0'],
    [['--set-json=metricsReaders=[{"kind":"ServiceAccount","name":"x"}]'], '/metricsReaders/0'],
    [['--set=image.digest=latest'], '/image/digest'],
    [['--set=ledger.enabled=true'], '/replicas'],
    [['--set=ledger.size=1'], '/ledger/size'],
    [['--set=ledger.accessMode=ReadOnlyMany'], '/ledger/accessMode'],
    [['--set=serviceAccount.create=false'], 'serviceAccount.name is needed'],
  ])('%s is refused with the place of the mistake', (flags, place) => {
    expect(() => renderChart(helm, flags)).toThrow(place);
  });

  test('the ledger has a volume that outlives the release, or one that is there', () => {
    const one = ['--set=ledger.enabled=true', '--set=replicas=1'];
    const made = manifestsOf(renderChart(helm, one));
    expect(made.find(({ kind }) => kind === 'PersistentVolumeClaim')).toMatchObject({
      metadata: { name: 'teg-ledger', annotations: { 'helm.sh/resource-policy': 'keep' } },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    });
    const given = manifestsOf(renderChart(helm, [...one, '--set=ledger.existingClaim=mine']));
    expect(given.some(({ kind }) => kind === 'PersistentVolumeClaim')).toBe(false);
    for (const [manifests, claimName] of [
      [made, 'teg-ledger'],
      [given, 'mine'],
    ] as const) {
      expect(manifests.find(({ kind }) => kind === 'Deployment')?.spec).toMatchObject({
        strategy: { type: 'Recreate' },
        template: {
          spec: {
            containers: [
              { volumeMounts: expect.arrayContaining([{ name: 'ledger', mountPath: '/var/lib/teg' }]) },
            ],
            volumes: expect.arrayContaining([{ name: 'ledger', persistentVolumeClaim: { claimName } }]),
          },
        },
      });
    }
  });

  test('without an election there is one replica at a time, and no Lease', () => {
    const manifests = manifestsOf(
      renderChart(helm, ['--set=leaderElection.leaderElect=false', '--set=replicas=1']),
    );
    expect(manifests.find(({ kind }) => kind === 'Deployment')?.spec).toMatchObject({
      replicas: 1,
      strategy: { type: 'Recreate' },
    });
    expect(manifests.map(({ kind }) => kind)).not.toContain('Role');
  });

  /** The fields that are used of objects of the Prometheus operator, whose definitions are not in an API server. */
  const OPERATOR_KINDS: Readonly<Record<string, z.ZodType>> = {
    ServiceMonitor: z.strictObject({
      selector: z.strictObject({ matchLabels: z.record(z.string(), z.string()) }),
      endpoints: z.tuple([
        z.strictObject({
          port: z.literal('https'),
          scheme: z.literal('https'),
          path: z.literal('/metrics'),
          interval: z.string(),
          bearerTokenFile: z.string(),
          tlsConfig: z.strictObject({ insecureSkipVerify: z.boolean() }),
        }),
      ]),
    }),
    PrometheusRule: z.strictObject({
      groups: z.array(z.strictObject({ name: z.string(), rules: z.array(z.object({ alert: z.string() })) })),
    }),
  };

  test('objects of the Prometheus operator have the fields that they may have', () => {
    const manifests = manifestsOf(renderChart(helm, ALL_ON));
    for (const [kind, schema] of Object.entries(OPERATOR_KINDS)) {
      const found = manifests.filter((manifest) => manifest.kind === kind);
      expect(found).toHaveLength(1);
      schema.parse(found[0]?.spec);
    }
    const [service, monitor] = ['Service', 'ServiceMonitor'].map((kind) =>
      manifests.find((manifest) => manifest.kind === kind),
    ) as [
      Manifest & { metadata: { labels: object } },
      Manifest & { spec: { selector: { matchLabels: object } } },
    ];
    expect(service.metadata.labels).toMatchObject(monitor.spec.selector.matchLabels);
  });
});

describeWithControlPlane('a real API server', ['kube-controller-manager', 'kubectl', 'helm'], () => {
  const helm = builtBinary('helm') as string;
  let plane: ControlPlane;

  beforeAll(async () => {
    plane = await startControlPlane({ admission: true });
  }, 120_000);
  afterAll(async () => {
    await plane?.stop();
  });

  /** @returns The text without kinds whose definitions are not there. */
  function servable(text: string): string {
    const documents = manifestsOf(text).filter(
      ({ kind }) => kind !== 'ServiceMonitor' && kind !== 'PrometheusRule',
    );
    return documents.map((each) => JSON.stringify(each)).join('\n---\n');
  }

  const dryRun = ['apply', '--dry-run=server', '--validate=strict', '-f', '-'];

  test('takes the plain manifests, and pods of the Deployment pass the restricted pod security', async () => {
    await kubectl(plane, ['apply', '--validate=strict', '-f', MANIFESTS_FILE]);
    const client = clientOf(plane.kubeconfig);
    let pods: { spec: { priority?: number; containers: { image: string }[] } }[] = [];
    for (let round = 0; round < 200 && pods.length < 2; round++) {
      const { body } = await client.request({ method: 'GET', path: '/api/v1/namespaces/teg-system/pods' });
      pods = (body as { items: typeof pods }).items;
      await delay(100);
    }
    await client.close();
    expect(pods).toHaveLength(2);
    expect(pods[0]?.spec).toMatchObject({ priority: 2_000_000_000, automountServiceAccountToken: true });
  });

  test('takes the chart with everything switched on', async () => {
    await kubectl(plane, ['create', 'namespace', 'teg-system']).catch(() => {});
    const answer = await kubectl(plane, dryRun, servable(renderChart(helm, ALL_ON)));
    expect(answer.match(/\(server dry run\)/g)?.length).toBeGreaterThanOrEqual(13);
  });

  test('would refuse a field that it does not know', async () => {
    const wrong = plainManifests(helm).replace('terminationGracePeriodSeconds:', 'terminationGraceSeconds:');
    await expect(kubectl(plane, dryRun, wrong)).rejects.toThrow('terminationGraceSeconds');
  });

  test.each(['deployment.yaml', 'job.yaml', 'gang.yaml'])('takes examples/%s', async (name) => {
    const text = readFileSync(join(ROOT, 'deploy', 'examples', name), 'utf8');
    expect(await kubectl(plane, dryRun, text)).toContain('(server dry run)');
  });

  test('takes examples/gang-coscheduling.yaml, but for the group whose definition is not there', async () => {
    const text = readFileSync(join(ROOT, 'deploy', 'examples', 'gang-coscheduling.yaml'), 'utf8');
    const [group, job] = manifestsOf(text);
    expect(group).toMatchObject({ apiVersion: 'scheduling.x-k8s.io/v1alpha1', spec: { minMember: 8 } });
    expect(await kubectl(plane, dryRun, JSON.stringify(job))).toContain('(server dry run)');
  });
});

interface Selector {
  readonly metric: string;
  readonly labels: readonly string[];
}

interface Checked {
  readonly selectors: readonly Selector[];
  readonly error: string;
}

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

describeWithControlPlane('monitoring', ['promql-check'], () => {
  const alerts = parse(readFileSync(join(CHART, 'monitoring', 'alerts.yaml'), 'utf8')) as {
    groups: { rules: { alert: string; expr: string; labels: { severity: string }; annotations: object }[] }[];
  };
  const rules = alerts.groups.flatMap((group) => group.rules);
  const targets = (dashboard() as { panels: Panel[] }).panels.flatMap((panel) => panel.targets ?? []);

  /** As Prometheus gets them from Grafana. */
  function check(expressions: readonly string[]): Checked[] {
    const lines = expressions.map((expr) =>
      expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', '.*').replaceAll('\n', ' '),
    );
    const output = execFileSync(builtBinary('promql-check') as string, {
      input: lines.join('\n'),
      encoding: 'utf8',
    });
    return output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Checked);
  }

  const definitions: readonly MetricDefinition[] = [
    ...Object.values(METRICS),
    ...Object.values(ECONOMY_METRICS),
  ];
  /** Labels that Prometheus adds to what it scrapes. */
  const SCRAPED = ['job', 'instance', 'namespace', 'pod'];

  /** Of the Node.js process, by prom-client. */
  const RUNTIME = ['process_cpu_seconds_total', 'process_resident_memory_bytes'];

  /** What is wrong with a selector; undefined if nothing is. */
  function wrongWith({ metric, labels }: Selector): string | undefined {
    if (RUNTIME.includes(metric)) return undefined;
    const parts = /^(.*)_(bucket|sum|count)$/.exec(metric);
    const histogram = definitions.find(({ name, type }) => name === parts?.[1] && type === 'histogram');
    const definition =
      histogram ?? definitions.find(({ name, type }) => name === metric && type !== 'histogram');
    if (definition === undefined) return `there is no metric ${metric}`;
    const unknown = labels.filter((label) => ![...SCRAPED, ...definition.labels].includes(label));
    return unknown.length === 0 ? undefined : `${metric} has no label ${unknown}`;
  }

  test('is checked by what would find a mistake', () => {
    const [bad, unknown] = check(['sum(', 'rate(teg_no_such_total{a="b"}[5m]) / teg_leader{zone="x"}']) as [
      Checked,
      Checked,
    ];
    expect(bad.error).toContain('parse error');
    expect(unknown.selectors.map(wrongWith)).toEqual([
      'there is no metric teg_no_such_total',
      'teg_leader has no label zone',
    ]);
  });

  test.each([
    ['alerts', rules.map(({ expr }) => expr)],
    ['dashboard', targets.map(({ expr }) => expr)],
  ])('expressions of the %s are PromQL, of metrics and labels that there are', (_, expressions) => {
    expect(expressions.length).toBeGreaterThan(10);
    const checked = check(expressions);
    expect(checked.map(({ error }) => error).filter((error) => error !== '')).toEqual([]);
    expect(checked.every(({ selectors }) => selectors.length > 0)).toBe(true);
    expect(checked.flatMap(({ selectors }) => selectors.map(wrongWith)).filter(Boolean)).toEqual([]);
  });

  test('every alert says what it means, and how bad it is', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { labels, annotations } of rules) {
      expect(['critical', 'warning', 'info']).toContain(labels.severity);
      expect(annotations).toMatchObject({ summary: expect.any(String), description: expect.any(String) });
    }
  });

  test('panels do not lie over each other', () => {
    const cells = new Set<string>();
    const panels = (dashboard() as { panels: { gridPos: { h: number; w: number; x: number; y: number } }[] })
      .panels;
    for (const { gridPos } of panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(x).toBeLessThan(24);
          expect(cells.has(`${x} ${y}`)).toBe(false);
          cells.add(`${x} ${y}`);
        }
      }
    }
  });
});

describe('the image', () => {
  const instructions = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => /^([A-Z]+) +(.*)$/.exec(line) as RegExpExecArray)
    .map(([, name, rest]) => [name as string, (rest as string).trim()] as const);
  const last = (name: string) => instructions.findLast(([each]) => each === name)?.[1];

  test('runs as a number that is not root, without a shell', () => {
    expect(last('USER')).toBe('65532:65532');
    expect(JSON.parse(last('ENTRYPOINT') as string)).toEqual(['node', 'src/cli/main.ts']);
    expect(JSON.parse(last('CMD') as string)).toEqual(['--help']);
    const values = parse(readFileSync(join(CHART, 'values.yaml'), 'utf8'));
    expect(`${values.podSecurityContext.runAsUser}:${values.podSecurityContext.runAsGroup}`).toBe(
      last('USER'),
    );
    expect(String(values.server.port)).toBe(last('EXPOSE'));
  });

  test('copies what is there, and what .dockerignore lets through', () => {
    const ignore = readFileSync(join(ROOT, '.dockerignore'), 'utf8');
    const copies = instructions
      .filter(([name, rest]) => name === 'COPY' && !rest.startsWith('--from'))
      .flatMap(([, rest]) => rest.split(' ').slice(0, -1));
    expect(copies).toContain('src');
    for (const path of copies) {
      expect(existsSync(join(ROOT, path)), path).toBe(true);
      expect(ignore.split('\n')).toContain(`!${path}`);
    }
  });

  test('its instructions are ones that Docker knows, in stages that there are', () => {
    const known = [
      'ARG',
      'FROM',
      'WORKDIR',
      'COPY',
      'RUN',
      'LABEL',
      'ENV',
      'USER',
      'EXPOSE',
      'ENTRYPOINT',
      'CMD',
    ];
    for (const [name] of instructions) expect(known).toContain(name);
    const stages = instructions.flatMap(([name, rest]) =>
      name === 'FROM' ? [/ AS (\w+)$/.exec(rest)?.[1]] : [],
    );
    const sources = instructions.flatMap(([, rest]) => /^--from=(\w+)/.exec(rest)?.[1] ?? []);
    for (const source of sources) expect(stages).toContain(source);
  });
});
