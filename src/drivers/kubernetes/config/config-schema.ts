/**
 * The configuration of `teg scheduler`: one schema from which come the type, the checks, the defaults, the commented
 * file of `--print-default-config` and the JSON schema of the documentation.
 *
 * Invariant: every field has a default and a description, so that an empty configuration is a whole one.
 */
import { z } from 'zod';
import { durationSeconds } from '../../../model/readers/durations.ts';
import { profilesOf } from '../objects/profiles.ts';

/** `apiVersion` of the configuration. */
export const CONFIG_API_VERSION = 'teg.dev/v1alpha1';

/** `kind` of the configuration. */
export const CONFIG_KIND = 'SchedulerConfiguration';

/** Least of client-go's ratio of the renew deadline to the retry period: retries are spread by as much. */
const RETRY_JITTER = 1.2;

/** Names of objects in the API: DNS labels with dots. */
const DNS_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const NAME_EXPECTED = 'a name of lower-case letters, digits, - and .';
const LABEL_KEY =
  /^$|^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

function seconds(least: number, most: number, standard: number, description: string) {
  return z.number().min(least).max(most).default(standard).describe(description);
}

/** As an int64 pointer of KubeSchedulerConfiguration: whole seconds above 0, and null stands for the default. */
function wholeSeconds(most: number, standard: number, description: string) {
  return z
    .int()
    .min(1)
    .max(most)
    .nullable()
    .default(standard)
    .transform((value) => value ?? standard)
    .describe(description);
}

function count(least: number, most: number, standard: number, description: string) {
  return z.int().min(least).max(most).default(standard).describe(description);
}

function name(standard: string, description: string) {
  return z.string().regex(DNS_NAME, { error: NAME_EXPECTED }).default(standard).describe(description);
}

function path(description: string) {
  return z.string().max(4096).default('').describe(description);
}

function duration(least: number, most: number, standard: string, description: string, whole = false) {
  const expected = `a duration of ${whole ? 'whole seconds ' : ''}from ${least}s to ${most}s, such as ${standard} or 1m30s`;
  const fits = (text: string): boolean => {
    const value = durationSeconds(text);
    return value >= least && value <= most && (!whole || Number.isInteger(value));
  };
  return z
    .string({ error: expected })
    .refine(fits, { error: expected })
    .default(standard)
    .describe(description);
}

/** Most names under which one TEG schedules: each has two watches of its own. */
const SCHEDULER_NAMES_MAX = 8;

/** A name alone is packed. */
const PROFILE = z.union(
  [
    z.string().regex(DNS_NAME, { error: NAME_EXPECTED }),
    z.strictObject({
      name: z.string().regex(DNS_NAME, { error: NAME_EXPECTED }),
      strategy: z.enum(['pack', 'spread']).default('pack'),
    }),
  ],
  { error: `${NAME_EXPECTED}, or {name, strategy: pack or spread}` },
);

const SCHEDULER_NAMES = z
  .array(PROFILE)
  .min(1)
  .max(SCHEDULER_NAMES_MAX)
  .refine((entries) => profilesOf(entries).size === entries.length, { error: 'each name once' })
  .default(['teg'])
  .describe(
    'Pods with one of these as spec.schedulerName are scheduled; no others are touched. An entry {name, strategy: spread} puts its pods on the emptiest nodes; others are packed. The first name is that of events and metrics.',
  );

/** Named as in KubeSchedulerConfiguration. */
const LEADER_ELECTION = z.strictObject({
  leaderElect: z
    .boolean()
    .default(true)
    .describe('Of several schedulers only the holder of the Lease binds. false: this one is the only one.'),
  leaseDuration: duration(
    1,
    3600,
    '15s',
    'Time after the last renewal until another replica may take over; whole seconds, as in the Lease.',
    true,
  ),
  renewDeadline: duration(0.5, 3600, '10s', 'A leader that has not renewed for this long stops binding.'),
  retryPeriod: duration(0.1, 600, '2s', 'Time between two attempts to acquire or renew the Lease.'),
  resourceLock: z.literal('leases').default('leases').describe('Kind of the lock; `leases` is the only one.'),
  resourceName: name('teg-scheduler', 'Name of the Lease.'),
  resourceNamespace: name('kube-system', 'Namespace of the Lease.'),
});

const CLIENT_CONNECTION = z.strictObject({
  kubeconfig: path(
    "Path of a kubeconfig; '': $KUBECONFIG, ~/.kube/config, or the cluster that this runs in.",
  ),
  connections: count(1, 256, 32, 'Connections to the API server.'),
  pipelining: count(
    1,
    64,
    1,
    'Concurrent requests on each connection; more than 1 measured slower, with more CPU.',
  ),
  bindsInFlightMax: count(1, 1024, 64, 'Most concurrent bindings; fewer while the API server is slow.'),
  coalesceMilliseconds: z
    .number()
    .min(0)
    .max(100)
    .default(5)
    .describe('Time for which bursts of responses and events are batched, which saves CPU; 0: no batching.'),
  listPageSize: count(10, 10_000, 500, 'Objects a page, where the API server cannot stream lists.'),
});

const ZONES = z.strictObject({
  label: z
    .string()
    .regex(LABEL_KEY, { error: 'the key of a label, such as topology.kubernetes.io/zone' })
    .default('')
    .describe("Nodes with the same value of this label are one zone; '': zones by size."),
  nodesMax: count(1, 100_000, 2000, 'Nodes of a zone made by size, at most.'),
});

const QUEUE = z.strictObject({
  waitingPodsMax: count(
    1,
    10_000_000,
    1_000_000,
    'Pods that wait at most; further ones get an event that says so.',
  ),
  renewalSeconds: seconds(
    0,
    86_400,
    300,
    'Age at which the event and the condition of a pod that waits are renewed (200 pods a second at most); 0: never.',
  ),
});

const GANGS = z.strictObject({
  repairSeconds: seconds(
    0,
    86_400,
    60,
    'A gang that is bound in part and cannot be completed is released after this time; 0: never.',
  ),
  searchChecksMax: count(
    0,
    10_000_000,
    20_000,
    'Most checks of a member against a node in an attempt at a gang of unlike members, once plain orders have failed; 0: none.',
  ),
});

const PREEMPTION = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe('Whether pods of lower priority are evicted for pods that fit nowhere.'),
});

const LABEL_KEYS = z
  .array(z.string().min(1).regex(LABEL_KEY, { error: 'the key of a label, such as kai.scheduler/queue' }))
  .max(16)
  .default([]);

const ECONOMY = z.strictObject({
  mode: z
    .enum(['off', 'observe', 'enforce'])
    .default('off')
    .describe(
      'off: tenants are not looked at. observe: their usage is counted, and every pod is admitted (beside Kueue). enforce: quotas, limits and budgets decide.',
    ),
  tenantLabels: LABEL_KEYS.describe(
    'Labels of pods that name a tenant where neither teg.dev/tenant nor the namespace does; the first that a pod has counts.',
  ),
  admittedLabels: LABEL_KEYS.describe(
    'Labels of pods that another layer has admitted, such as kueue.x-k8s.io/podset: they are counted, and no quota or budget of ours refuses them in mode enforce. Only labels that users cannot set.',
  ),
  metricTenantsMax: count(
    0,
    10_000,
    200,
    'Tenants that have metrics of their own; counts of further ones are reported together.',
  ),
  ledger: z
    .strictObject({
      path: path(
        "File of the leader's ledger, on a volume that all replicas share or that moves to the next one; '': in memory, and a new leader goes on from snapshots in Tenant.status. Only where Market.spec.tokens is true.",
      ),
    })
    .prefault({})
    .describe('Where balances are kept.'),
});

const EVENTS = z.strictObject({
  queueMax: count(
    1,
    1_000_000,
    20_000,
    'Events that wait to be written; the oldest are dropped and counted.',
  ),
  perSecondMax: count(1, 10_000, 1000, 'Events written a second at most; bindings come first.'),
});

const TLS = z.strictObject({
  certFile: path(
    "PEM file of the certificate and its chain; '': self-signed, made at start. Read again when changed.",
  ),
  keyFile: path('PEM file of the private key.'),
});

const SERVER = z.strictObject({
  bindAddress: z
    .union([z.ipv4(), z.ipv6(), z.literal('localhost'), z.literal('')], {
      error: 'an IP address or localhost',
    })
    .default('')
    .describe(
      "Address that /healthz, /metrics and the other pages are served at; '': all addresses (0.0.0.0) in a pod of a cluster, 127.0.0.1 elsewhere.",
    ),
  port: count(0, 65_535, 10_259, 'Port; 0: any that is free.'),
  tls: TLS.prefault({}).describe('Certificate of the server.'),
  insecureLoopback: z
    .boolean()
    .default(false)
    .describe('Plain HTTP without tokens; only with a loopback address.'),
});

const LOGGING = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal'])
    .default('info')
    .describe('debug: one line a decision.'),
  format: z.enum(['json', 'text']).default('json').describe('json: one object a line; text: for people.'),
});

const FIELDS = z.strictObject({
  apiVersion: z.literal(CONFIG_API_VERSION),
  kind: z.literal(CONFIG_KIND),
  schedulerNames: SCHEDULER_NAMES,
  leaderElection: LEADER_ELECTION.prefault({}).describe('Which of several replicas schedules.'),
  clientConnection: CLIENT_CONNECTION.prefault({}).describe('How the API server is reached.'),
  podInitialBackoffSeconds: wholeSeconds(
    86_400,
    1,
    'First wait of a pod after an attempt that failed for a reason without an event.',
  ),
  podMaxBackoffSeconds: wholeSeconds(86_400, 10, 'Longest such wait; each is twice the one before.'),
  zones: ZONES.prefault({}).describe('How nodes are divided into zones, each with its own prices and index.'),
  queue: QUEUE.prefault({}).describe('Pods that wait.'),
  gangs: GANGS.prefault({}).describe('Pods that start together.'),
  preemption: PREEMPTION.prefault({}).describe('Room for pods of higher priority.'),
  economy: ECONOMY.prefault({}).describe('Tenants and the market of teg.dev/v1alpha1: who may use what.'),
  events: EVENTS.prefault({}).describe('Events that kubectl describe shows.'),
  server: SERVER.prefault({}).describe('Health, metrics and explanations over HTTP.'),
  logging: LOGGING.prefault({}).describe('Logs on standard output.'),
  record: path("File for the log of events that `teg replay` repeats; '': none."),
});

/** The schema; unknown fields are refused, and missing ones get their defaults. */
export const SCHEDULER_CONFIG = FIELDS.check(checkTogether);

/** A whole configuration. */
export type SchedulerConfig = z.output<typeof SCHEDULER_CONFIG>;

/** Times of the lease, seconds. */
export interface ElectionTimes {
  readonly leaseDurationSeconds: number;
  readonly renewDeadlineSeconds: number;
  readonly retryPeriodSeconds: number;
}

/** @returns The times of the lease as numbers. */
export function electionTimes(
  lease: Pick<SchedulerConfig['leaderElection'], 'leaseDuration' | 'renewDeadline' | 'retryPeriod'>,
): ElectionTimes {
  return {
    leaseDurationSeconds: durationSeconds(lease.leaseDuration),
    renewDeadlineSeconds: durationSeconds(lease.renewDeadline),
    retryPeriodSeconds: durationSeconds(lease.retryPeriod),
  };
}

/**
 * @param isInCluster Whether this runs in a pod of a cluster, whose kubelet and Prometheus come from outside of the pod.
 * @returns           The server's settings with the address that it listens at.
 */
export function withListenAddress(
  server: SchedulerConfig['server'],
  isInCluster: boolean,
): SchedulerConfig['server'] {
  if (server.bindAddress !== '') return server;
  return { ...server, bindAddress: isInCluster && !server.insecureLoopback ? '0.0.0.0' : '127.0.0.1' };
}

/** Addresses that only this machine can reach. */
export function isLoopback(address: string): boolean {
  return address === 'localhost' || address === '::1' || address.startsWith('127.');
}

/** Constraints between fields. */
function checkTogether(context: z.core.ParsePayload<z.output<typeof FIELDS>>): void {
  const { leaderElection: lease, podInitialBackoffSeconds, podMaxBackoffSeconds, server } = context.value;
  const broken = (at: (string | number)[], message: string) => {
    let input: unknown = context.value;
    for (const key of at) input = (input as Record<string | number, unknown>)[key];
    context.issues.push({ code: 'custom', path: at, message, input, params: { got: input } });
  };
  const { leaseDurationSeconds, renewDeadlineSeconds, retryPeriodSeconds } = electionTimes(lease);
  if (renewDeadlineSeconds >= leaseDurationSeconds) {
    broken(
      ['leaderElection', 'renewDeadline'],
      `less than leaderElection.leaseDuration (${lease.leaseDuration})`,
    );
  }
  if (retryPeriodSeconds * RETRY_JITTER >= renewDeadlineSeconds) {
    const most = `less than leaderElection.renewDeadline (${lease.renewDeadline}) / ${RETRY_JITTER}`;
    broken(['leaderElection', 'retryPeriod'], most);
  }
  if (podMaxBackoffSeconds < podInitialBackoffSeconds) {
    broken(['podMaxBackoffSeconds'], `at least podInitialBackoffSeconds (${podInitialBackoffSeconds})`);
  }
  if ((server.tls.certFile === '') !== (server.tls.keyFile === '')) {
    const missing = server.tls.certFile === '' ? 'certFile' : 'keyFile';
    broken(['server', 'tls', missing], 'a path: certFile and keyFile go together');
  }
  if (server.insecureLoopback && server.bindAddress !== '' && !isLoopback(server.bindAddress)) {
    broken(['server', 'bindAddress'], '127.0.0.1 or ::1, since server.insecureLoopback is true');
  }
}

/** The fields of the schema in order, for the files generated from it. */
export const SCHEDULER_CONFIG_FIELDS = FIELDS.shape;
