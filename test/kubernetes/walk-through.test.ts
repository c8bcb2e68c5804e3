/**
 * The steps of docs/kubernetes.md for a new user: a cluster, a dry run, a scheduler, a Deployment, a Job and a gang,
 * a pod that does not fit, explanations, a snapshot and what-if, a recording and its replay, and the end of all of it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { podExplanationSchema } from '../../src/cli/kubernetes/explanation-schema.ts';
import { getPage } from '../../src/drivers/kubernetes/server/server.fixtures.ts';
import { describeWithControlPlane } from './control-plane-fixture.ts';
import { type Ended, RunningTeg, runTeg } from './teg-command.ts';

const EXAMPLES = join(import.meta.dirname, '..', '..', 'deploy', 'examples');
const NODES = 20;
const SOON = { timeout: 30_000, interval: 200 };

/** What `teg cluster --json` prints. */
interface Ready {
  readonly kubeconfig: string;
  readonly server: string;
  readonly folder: string;
  readonly nodes: number;
  readonly kubectl: string;
}

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly phase: string };
}

describeWithControlPlane(
  'a walk through docs/kubernetes.md',
  ['kube-controller-manager', 'kwok', 'kubectl'],
  () => {
    let folder: string;
    let cluster: RunningTeg;
    let ready: Ready;
    let scheduler: RunningTeg;
    let config: string;
    let record: string;

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'teg-walk-'));
      config = join(folder, 'teg.yaml');
      record = join(folder, 'decisions.log.gz');
      writeConfig(config, {});
    });

    afterEach(({ task }) => {
      if (task.result?.state !== 'fail') return;
      process.stderr.write(`${scheduler?.stdout.slice(-3000)}\n${scheduler?.stderr.slice(-3000)}\n`);
    });

    afterAll(async () => {
      await scheduler?.stop('SIGKILL');
      await cluster?.stop();
      rmSync(folder, { recursive: true, force: true });
    }, 60_000);

    /** Beside the defaults: a free port of loopback, so that tests may run at the same time. */
    function writeConfig(file: string, fields: object): void {
      const server = { bindAddress: '127.0.0.1', port: 0 };
      const kind = { apiVersion: 'teg.dev/v1alpha1', kind: 'SchedulerConfiguration' };
      writeFileSync(file, stringify({ ...kind, server, ...fields }));
    }

    function kubectl(...args: string[]): string {
      return execFileSync(ready.kubectl, args, {
        encoding: 'utf8',
        env: { ...process.env, KUBECONFIG: ready.kubeconfig },
      });
    }

    function teg(...args: string[]): Promise<Ended> {
      return runTeg(args, { kubeconfig: ready.kubeconfig, folder });
    }

    function start(...args: string[]): RunningTeg {
      return new RunningTeg(['scheduler', ...args], { kubeconfig: ready.kubeconfig, folder });
    }

    function pods(selector: string): Pod[] {
      return (JSON.parse(kubectl('get', 'pods', '-l', selector, '-o', 'json')) as { items: Pod[] }).items;
    }

    function countOf(selector: string, ...phases: string[]): number {
      return pods(selector).filter(({ status }) => phases.includes(status.phase)).length;
    }

    function createPod(name: string, cpu: string): void {
      const pod = {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name },
        spec: {
          schedulerName: 'teg',
          containers: [{ name: 'c', image: 'i', resources: { requests: { cpu } } }],
        },
      };
      const file = join(folder, `${name}.yaml`);
      writeFileSync(file, stringify(pod));
      kubectl('apply', '-f', file);
    }

    const holder = (): string =>
      kubectl('get', 'lease', '-n', 'kube-system', 'teg-scheduler', '-o', 'jsonpath={.spec.holderIdentity}');

    test('teg cluster says how to reach it', async () => {
      cluster = new RunningTeg(['cluster', '--nodes', String(NODES), '--json']);
      await expect.poll(() => cluster.stdout, { timeout: 50_000 }).toMatch(/\n$/);
      ready = JSON.parse(cluster.stdout) as Ready;
      expect(ready.nodes).toBe(NODES);
      expect(kubectl('get', 'nodes', '-o', 'name').trim().split('\n')).toHaveLength(NODES);
    });

    test('a dry run decides and reports, and writes nothing', async () => {
      kubectl('apply', '-f', join(EXAMPLES, 'deployment.yaml'));
      await expect.poll(() => pods('app=web').length, SOON).toBe(20);
      scheduler = start('--dry-run', '--config', config);
      await expect.poll(() => scheduler.said('would bind').length, SOON).toBe(20);
      await delay(500);
      expect(scheduler.said('would bind')[0]).toMatchObject({
        pod: expect.stringMatching(/^default\/web-/),
        node: expect.stringMatching(/^node-\d+$/),
      });
      expect((await scheduler.stop('SIGINT')).code).toBe(0);
      expect(pods('app=web').filter(({ spec }) => spec.nodeName !== undefined)).toEqual([]);
      expect(
        kubectl('get', 'events', '-o', 'name', '--field-selector', 'reportingComponent=teg-scheduler'),
      ).toBe('');
      expect(kubectl('get', 'lease', '-n', 'kube-system', '-o', 'name')).not.toContain('teg-scheduler');
    });

    test('the examples run: a Deployment, a Job, a gang', async () => {
      scheduler = start('--config', config, '--record', record);
      kubectl('apply', '-f', join(EXAMPLES, 'job.yaml'));
      kubectl('apply', '-f', join(EXAMPLES, 'gang.yaml'));
      await expect.poll(() => countOf('app=web', 'Running'), SOON).toBe(20);
      const training = 'batch.kubernetes.io/job-name=training';
      await expect.poll(() => countOf(training, 'Running', 'Succeeded'), SOON).toBe(8);
      await expect
        .poll(() => countOf('batch.kubernetes.io/job-name=batch', 'Succeeded'), SOON)
        .toBeGreaterThan(0);
      expect(scheduler.said('leading')).toHaveLength(1);
      expect(holder()).toMatch(/_[-0-9a-f]{36}$/);
      const [web] = pods('app=web');
      expect(kubectl('describe', 'pod', web?.metadata.name ?? '')).toMatch(
        /Normal +Scheduled +\S+ +teg-scheduler +Successfully assigned default\/web-\S+ to node-\d+/,
      );
    });

    test('kubectl describe says why a pod does not run, in the stock words', async () => {
      createPod('whale', '64');
      await expect
        .poll(() => kubectl('describe', 'pod', 'whale'), SOON)
        .toMatch(
          /Warning +FailedScheduling +\S+ +teg-scheduler +0\/20 nodes are available: 20 Insufficient cpu\. preemption: 0\/20 nodes are available: 20 Preemption is not helpful for scheduling\./,
        );
      const condition = 'jsonpath={.status.conditions[?(@.type=="PodScheduled")].reason}';
      await expect.poll(() => kubectl('get', 'pod', 'whale', '-o', condition), SOON).toBe('Unschedulable');
    });

    test('teg explain pod: of a pod that runs, and of one that fits nowhere', async () => {
      const [web] = pods('app=web');
      const bound = await teg('explain', 'pod', `default/${web?.metadata.name}`);
      expect(bound).toMatchObject({ code: 0, stderr: '' });
      expect(bound.stdout).toContain(`: bound on ${web?.spec.nodeName}\n`);
      expect(bound.stdout).toMatch(/^looked at by teg, best first/m);

      const whale = await teg('explain', 'pod', 'default/whale');
      expect(whale.code).toBe(0);
      expect(whale.stdout).toMatch(/^default\/whale: waiting to be placed$/m);
      expect(whale.stdout).toMatch(/^0 of 20 nodes would take it now$/m);
      expect(whale.stdout).toMatch(/^ +20 +Insufficient cpu +NodeResourcesFit/m);
      expect(whale.stdout).toMatch(/^node-\d+ +6\d(\.\d+)? cpu$/m);

      const { pages } = scheduler.said('teg scheduler starts')[0] as { pages: string };
      const asked = await teg(
        'explain',
        'pod',
        'whale',
        '--server',
        pages,
        '--insecure-skip-tls-verify',
        '--json',
      );
      expect(asked.code, asked.stderr).toBe(0);
      const explanation = podExplanationSchema.parse(JSON.parse(asked.stdout));
      expect(explanation).toMatchObject({ state: 'backing-off', nodesFeasible: 0, nodesTotal: NODES });
      expect(explanation.attempts).toBeGreaterThan(0);
      expect(explanation.message).toMatch(/^0\/20 nodes are available: 20 Insufficient cpu\./);
    });

    test('a snapshot answers what more nodes would change', async () => {
      // Its pods come and go, and one of them could take the room on a new node.
      kubectl('delete', 'job', 'batch');
      await expect.poll(() => pods('batch.kubernetes.io/job-name=batch').length, SOON).toBe(0);
      // Each wants a node of its own: more of them than there are nodes.
      for (let i = 0; i < NODES + 4; i++) createPod(`whole-${i}`, '4');
      const told = 'reason=FailedScheduling,reportingComponent=teg-scheduler';
      await expect
        .poll(
          () => kubectl('get', 'events', '-o', 'name', '--field-selector', told).trim().split('\n').length,
          SOON,
        )
        .toBeGreaterThan(4);
      const snapshot = await teg('snapshot', '-o', 'cluster.json.gz');
      expect(snapshot.code).toBe(0);
      expect(snapshot.stderr).toMatch(/cluster\.json\.gz: .*20 Node, 1 PodGroup, \d+ Pod\n$/);
      const simulate = async (...args: string[]) => {
        const from = ['simulate', '--cluster', 'cluster.json.gz', '--start-from-snapshot'];
        const { code, stdout, stderr } = await teg(...from, ...args, '--json');
        expect(code, stderr).toBe(0);
        return JSON.parse(stdout).whatIf as {
          pending: number;
          pendingPlaced: number;
          placements: { node: string }[];
        };
      };
      const asIs = await simulate();
      const more = await simulate('--add-nodes', '3*node-0');
      expect(more.pending).toBe(asIs.pending);
      expect(more.pendingPlaced).toBe(asIs.pendingPlaced + 3);
      expect(more.placements.filter(({ node }) => /^node-0-copy-[123]$/.test(node))).toHaveLength(3);
      const explained = await teg('explain', 'pod', 'whale', '--snapshot', 'cluster.json.gz');
      expect(explained.stdout).toMatch(/^0 of 20 nodes would take it now$/m);
    });

    test('a second scheduler on the same port says so, and leaves the log of the first one alone', async () => {
      const { port } = new URL((scheduler.said('teg scheduler starts')[0] as { pages: string }).pages);
      const file = join(folder, 'same-port.yaml');
      writeConfig(file, { server: { bindAddress: '127.0.0.1', port: Number(port) } });
      const second = await teg('scheduler', '--config', file, '--record', record);
      expect(second.code).toBe(2);
      expect(second.stderr).toMatch(/^error TEG_LISTEN_FAILED: 127\.0\.0\.1:\d+: got EADDRINUSE/);
      expect(second.stdout).toBe('');
      expect(existsSync(`${record}.1`)).toBe(false);
    });

    test('SIGTERM ends it with 0 and frees the lease; what was decided can be repeated bit for bit', async () => {
      expect(holder()).not.toBe('');
      const ended = await scheduler.stop('SIGTERM');
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(scheduler.lines.at(-1)).toMatchObject({ msg: 'stopped' });
      expect(scheduler.lines.filter(({ level }) => Number(level) >= 40)).toEqual([]);
      expect(holder()).toBe('');

      const replay = await teg('replay', record);
      expect(replay.code, replay.stdout).toBe(0);
      expect(replay.stdout).toMatch(/\nidentical\n$/);
      const { stdout } = await teg('replay', record, '--explain', 'default/whale', '--json');
      const result = JSON.parse(stdout);
      expect(result).toMatchObject({ identical: true, end: 'complete', difference: null });
      expect(result.binds).toBeGreaterThanOrEqual(28);
      expect(result.pod.history.map(({ what }: { what: string }) => what)).toContain('unschedulable');
    });

    test('every example is taken again, runs, and can be deleted with all that came of it', async () => {
      kubectl('delete', 'pods', '-l', '!job-name,!app', '--wait=false');
      const file = join(folder, 'again.yaml');
      writeConfig(file, {});
      const again = start('--config', file);
      const selectors: Record<string, string> = {
        'deployment.yaml': 'app=web',
        'job.yaml': 'batch.kubernetes.io/job-name=batch',
        'gang.yaml': 'batch.kubernetes.io/job-name=training',
        'gang-coscheduling.yaml': 'batch.kubernetes.io/job-name=training-labelled',
      };
      const examples = readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'));
      expect(examples.sort()).toEqual(Object.keys(selectors).sort());
      for (const name of examples) {
        const path = join(EXAMPLES, name);
        const selector = selectors[name] as string;
        // Nothing of an example that was applied before may be in the way of the next time.
        kubectl('delete', '--ignore-not-found', '--timeout=30s', '-f', path);
        await expect.poll(() => pods(selector), SOON).toEqual([]);
        kubectl('apply', '-f', path);
        await expect.poll(() => countOf(selector, 'Running', 'Succeeded'), SOON).toBeGreaterThanOrEqual(8);
        kubectl('delete', '--timeout=30s', '-f', path);
        expect(kubectl('get', '--ignore-not-found', '-o', 'name', '-f', path), name).toBe('');
        await expect.poll(() => pods(selector), SOON).toEqual([]);
      }
      expect((await again.stop()).code).toBe(0);
    }, 180_000);

    test('a namespace with pod groups can be deleted', () => {
      kubectl('create', 'namespace', 'gangs');
      for (const name of ['gang.yaml', 'gang-coscheduling.yaml']) {
        kubectl('apply', '-n', 'gangs', '-f', join(EXAMPLES, name));
      }
      kubectl('delete', 'namespace', 'gangs', '--timeout=60s');
      expect(kubectl('get', 'namespaces', '-o', 'name')).not.toContain('gangs');
    }, 90_000);

    test('the log as text', async () => {
      const file = join(folder, 'text.yaml');
      writeConfig(file, { logging: { format: 'text' } });
      const text = start('--config', file);
      await expect
        .poll(() => text.stdout, SOON)
        .toMatch(/^\d\d:\d\d:\d\d info {2}synced with the API server nodes=20 pods=\d+$/m);
      await expect.poll(() => text.stdout, SOON).toMatch(/ info {2}leading$/m);
      expect(text.stdout).toMatch(/^\d\d:\d\d:\d\d info {2}teg scheduler starts version=\S+ server=https:/);
      expect((await text.stop()).code).toBe(0);
      expect(text.stdout).toMatch(/ info {2}stopped\n$/);
    });

    test.each([
      [
        ['explain', 'pod', 'default/nobody'],
        2,
        /^error TEG_POD_UNKNOWN: got the pod 'default\/nobody', expected one of the cluster/,
      ],
      [
        ['explain', 'pod', 'no/such/pod'],
        2,
        /^error TEG_OPTION_INVALID: got the pod 'no\/such\/pod', expected NAMESPACE\/NAME/,
      ],
      [
        ['scheduler', '--config', 'none.yaml'],
        2,
        /^error TEG_INPUT_NOT_FOUND: none\.yaml: .*--print-default-config/,
      ],
      [
        ['scheduler', '--kubeconfig', 'none'],
        2,
        /^error TEG_KUBE_CONFIG: --kubeconfig none: there is no such file/,
      ],
      [['scheduler', '--context', 'none'], 2, /^error TEG_KUBE_CONFIG: .*no context 'none'; it has teg/],
      [['replay', 'none.log'], 2, /^error TEG_INPUT_NOT_FOUND: none\.log: /],
    ] as const)('%s is refused', async (args, code, message) => {
      const ended = await teg(...args);
      expect(ended.code, ended.stderr).toBe(code);
      expect(ended.stderr).toMatch(message);
      expect(ended.stdout).toBe('');
    });

    test('wrong fields of the configuration are named with their path and what was expected', async () => {
      writeConfig(join(folder, 'wrong.yaml'), {
        server: { port: 99_999, prot: 1 },
        podMaxBackoffSeconds: 'long',
        leaderElection: { leaseDuration: '5s', renewDeadline: '10s' },
      });
      const { code, stderr } = await teg('scheduler', '--config', 'wrong.yaml');
      expect(code).toBe(2);
      expect(stderr).toMatch(/^error TEG_CONFIG_INVALID: wrong\.yaml:\n/);
      expect(stderr).toMatch(/^ {2}server\.port: got 99999, expected at most 65535$/m);
      expect(stderr).toMatch(/^ {2}server\.prot: got an unknown field, .*did you mean port\?/m);
      expect(stderr).toMatch(/^ {2}podMaxBackoffSeconds: got "long", expected /m);
    });

    test('a server that cannot be reached: commands say which, a scheduler waits for it', async () => {
      const away = JSON.parse(readFileSync(ready.kubeconfig, 'utf8'));
      away.clusters[0].cluster.server = 'https://127.0.0.1:1';
      const kubeconfig = join(folder, 'away');
      writeFileSync(kubeconfig, JSON.stringify(away));
      for (const args of [['snapshot'], ['explain', 'pod', 'whale']]) {
        const { code, stderr } = await teg(...args, '--kubeconfig', kubeconfig);
        expect(code).toBe(1);
        expect(stderr).toMatch(
          /^error TEG_SERVER_FAILED: https:\/\/127\.0\.0\.1:1: got connect ECONNREFUSED 127\.0\.0\.1:1, expected /,
        );
      }
      const waits = start('--config', config, '--kubeconfig', kubeconfig);
      await expect.poll(() => waits.said('lease in trouble').length, SOON).toBeGreaterThan(0);
      await expect
        .poll(() => waits.lines.map(({ msg }) => msg), SOON)
        .toContain('nodes: connect ECONNREFUSED 127.0.0.1:1');
      expect(waits.said('lease is held')).toEqual([]);
      const { pages } = waits.said('teg scheduler starts')[0] as { pages: string };
      expect((await getPage(`${pages}/readyz`)).status).toBe(503);
      expect((await getPage(`${pages}/livez`)).status).toBe(200);
      expect((await waits.stop()).code).toBe(0);
    });

    test('credentials that are not valid are reported as such', async () => {
      const wrong = JSON.parse(readFileSync(ready.kubeconfig, 'utf8'));
      wrong.users[0].user = { token: 'wrong' };
      const kubeconfig = join(folder, 'wrong');
      writeFileSync(kubeconfig, JSON.stringify(wrong));
      const { code, stderr } = await teg('snapshot', '--kubeconfig', kubeconfig);
      expect(code).toBe(1);
      expect(stderr).toMatch(
        /^error TEG_SERVER_FAILED: https:\S+: got 401: Unauthorized, expected .*credentials/,
      );
    });

    test('Ctrl-C ends the cluster, and nothing is left of it', async () => {
      expect((await cluster.stop('SIGINT')).code).toBe(0);
      expect(existsSync(ready.folder)).toBe(false);
    });
  },
);
