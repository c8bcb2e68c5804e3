/**
 * docs/economy-kubernetes.md as a new user follows it: every command of the page, in its order, on a real API server, with a
 * scheduler in mode enforce.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { describeWithControlPlane } from './control-plane-fixture.ts';
import { RunningTeg, runTeg } from './teg-command.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SOON = { timeout: 30_000, interval: 200 };

/** The page's commands in their order: indented lines. */
function commandsOf(page: string): string[] {
  const lines = readFileSync(join(ROOT, 'docs', page), 'utf8').split('\n');
  return lines.filter((line) => /^ {4}(kubectl|bin\/teg|npm) /.test(line)).map((line) => line.trim());
}

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase: string;
    readonly startTime?: string;
    readonly conditions?: readonly { readonly type: string; readonly reason?: string }[];
  };
}

describeWithControlPlane(
  'a walk through docs/economy-kubernetes.md',
  ['kube-controller-manager', 'kwok', 'kubectl'],
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'teg-economy-walk-'));
    const commands = commandsOf('economy-kubernetes.md');
    let cluster: RunningTeg;
    let scheduler: RunningTeg;
    let ready: { readonly kubeconfig: string; readonly kubectl: string };

    afterEach(async ({ task }) => {
      if (task.result?.state !== 'fail') return;
      const asked = 'queue --start --server https: --insecure-skip-tls-verify';
      const queue = await teg(asked.split(' ')).catch(String);
      process.stderr.write(`${queue}\n${kubectl('get', 'markets,tenants', '-o', 'yaml')}\n`);
      process.stderr.write(`${scheduler?.stdout.slice(-3000)}\n${scheduler?.stderr.slice(-3000)}\n`);
    });

    afterAll(async () => {
      await scheduler?.stop('SIGKILL');
      await cluster?.stop();
      rmSync(folder, { recursive: true, force: true });
    }, 60_000);

    /** The page's next command, which has to be this one. @returns Its arguments. */
    function next(command: string): string[] {
      expect(commands.shift()).toBe(command);
      return command.split(' ').slice(1);
    }

    function kubectl(...args: readonly string[]): string {
      const env = { ...process.env, KUBECONFIG: ready.kubeconfig };
      return execFileSync(ready.kubectl, args, { encoding: 'utf8', env, cwd: ROOT });
    }

    function follow(command: string): string {
      return kubectl(...next(command));
    }

    /** The page's next command of `teg`, asked of the scheduler where it listens here. @returns What it printed. */
    function ask(command: string): Promise<string> {
      return teg(next(command));
    }

    async function teg(words: readonly string[]): Promise<string> {
      const { pages } = scheduler.said('teg scheduler starts')[0] as { pages: string };
      const args = words.map((word) => (word.startsWith('https:') ? pages : word));
      const { code, stdout, stderr } = await runTeg(args, { kubeconfig: ready.kubeconfig, folder });
      expect(code, stderr).toBe(0);
      return stdout;
    }

    function podsOf(namespace: string, job = ''): Pod[] {
      const selector = job === '' ? [] : ['-l', `job-name=${job}`];
      return JSON.parse(kubectl('get', 'pods', '-n', namespace, ...selector, '-o', 'json')).items;
    }

    function countOf(namespace: string, phase: string, job = ''): number {
      return podsOf(namespace, job).filter(({ status }) => status.phase === phase).length;
    }

    function reasonOf({ status }: Pod): string | undefined {
      return status.conditions?.find(({ type }) => type === 'PodScheduled')?.reason;
    }

    test('a cluster, its tenants, a scheduler', async () => {
      cluster = new RunningTeg([
        'cluster',
        ...next('npm run cluster -- --nodes 4 --gpus 8').slice(3),
        '--json',
      ]);
      await expect.poll(() => cluster.stdout, { timeout: 50_000 }).toMatch(/\n$/);
      ready = JSON.parse(cluster.stdout);
      follow('kubectl apply -f deploy/helm/teg/crds/');
      follow(
        'kubectl wait --for=condition=Established crd/markets.teg.dev crd/tenants.teg.dev crd/accounts.teg.dev',
      );
      follow('kubectl apply -f deploy/examples/economy/tenants.yaml');
      const [, , file = ''] = next('bin/teg scheduler --config deploy/examples/economy/scheduler.yaml');
      const config = parse(readFileSync(join(ROOT, file), 'utf8'));
      expect(config.economy.mode).toBe('enforce');
      // A free port: tests may run at the same time.
      const own = join(folder, 'teg.yaml');
      writeFileSync(own, stringify({ ...config, server: { bindAddress: '127.0.0.1', port: 0 } }));
      scheduler = new RunningTeg(['scheduler', '--config', own], { kubeconfig: ready.kubeconfig, folder });
      await expect.poll(() => scheduler.said('leading').length, SOON).toBe(1);
    });

    test('quota is lent', async () => {
      follow('kubectl apply -f deploy/examples/economy/small-jobs.yaml');
      await expect.poll(() => countOf('batch', 'Running'), SOON).toBe(32);
      follow('kubectl get pods -n batch');
      const tenants = next('kubectl get tenants');
      await expect.poll(() => kubectl(...tenants), SOON).toMatch(/^batch .*\b32\b/m);
    });

    test('it is taken back: as many pods as needed are evicted, and the Job does not fail', async () => {
      follow('kubectl apply -f deploy/examples/economy/gang-reclaims.yaml');
      await expect.poll(() => countOf('vision', 'Running'), SOON).toBe(4);
      follow('kubectl get pods -n vision -o wide');
      const events = follow('kubectl get events -n batch --field-selector reason=Preempted');
      expect(events.match(/\(reclaim\)/g)).toHaveLength(20);
      expect(countOf('batch', 'Running')).toBe(12);
      expect(kubectl('get', 'job', '-n', 'batch', 'sweep', '-o', 'jsonpath={.status.conditions}')).toBe('');
    });

    test('a promised start: long jobs stay out of the room, short ones use it', async () => {
      follow('kubectl delete -n batch job sweep');
      await expect.poll(() => podsOf('batch'), SOON).toEqual([]);
      follow('kubectl apply -f deploy/examples/economy/gang-waits.yaml');
      await expect.poll(() => podsOf('nlp').map(reasonOf), SOON).toEqual(['Unschedulable', 'Unschedulable']);
      // The page: wait twenty seconds.
      await expect.poll(() => Date.now() - createdMs('nlp'), SOON).toBeGreaterThan(20_000);
      const markets = next('kubectl get markets');
      await expect.poll(() => kubectl(...markets), SOON).toMatch(/^default .*nlp\/pretrain.*\dZ/m);
      follow('kubectl apply -f deploy/examples/economy/long-jobs.yaml');
      await expect.poll(() => countOf('batch', 'Running', 'slow'), SOON).toBe(10);
      follow('kubectl get pods -n batch');
      const kept = (): Pod[] => podsOf('batch', 'slow').filter(({ status }) => status.phase === 'Pending');
      await expect.poll(() => kept().map(reasonOf), SOON).toEqual(Array(2).fill('NotReadyForScheduling'));

      const tls = '--server https://127.0.0.1:10259 --insecure-skip-tls-verify';
      const queue = await ask(`bin/teg queue --start ${tls}`);
      expect(queue).toMatch(/^nlp\/pretrain +nlp +2 × 6 GPUs +in \d/m);
      const sentences = [
        /batch\/slow-\w+ .* room-reserved: There is room, but it would still run when nlp\/pretrain needs that room, in \d[\d hms]*\./,
        /batch\/slow-\w+ .* headroom-reserved: Headroom that it would use is kept for nlp\/pretrain/,
      ];
      expect(
        sentences.some((sentence) => sentence.test(queue)),
        queue,
      ).toBe(true);
      expect(await ask(`bin/teg why nlp/pretrain ${tls}`)).toMatch(/quota-used-up; next step: /);
      next("kubectl get pod -n batch slow-… -o jsonpath='{.status.conditions[0].reason}'");

      follow('kubectl apply -f deploy/examples/economy/short-jobs.yaml');
      await expect.poll(() => countOf('batch', 'Succeeded', 'quick'), SOON).toBeGreaterThan(0);
      follow('kubectl get pods -n batch');
    }, 90_000);

    test('the gang starts at the time that it was promised', async () => {
      const messages = kubectl('get', 'events', '-n', 'batch', '-o', 'jsonpath={.items[*].message}');
      const promised = Number(/forJob nlp\/pretrain, startsBySeconds (\d+)/.exec(messages)?.[1]);
      next('kubectl get pods -n nlp --watch');
      const whole = { timeout: 240_000, interval: 500 };
      await expect.poll(() => countOf('nlp', 'Running'), whole).toBe(2);
      for (const { status } of podsOf('nlp')) {
        expect(Date.parse(status.startTime as string) / 1000).toBeLessThanOrEqual(promised + 1);
      }
      // Nobody was evicted for it.
      const events = kubectl('get', 'events', '-n', 'batch', '--field-selector', 'reason=Preempted');
      expect(events.match(/\(reclaim\)/g)).toHaveLength(20);
      expect(countOf('batch', 'Running', 'slow')).toBeGreaterThanOrEqual(10);
    }, 270_000);

    test('the end: nothing of the page is left out, and nothing is left', () => {
      follow('kubectl delete -f deploy/examples/economy/tenants.yaml');
      expect(commands).toEqual([]);
      expect(kubectl('get', 'namespaces', '-o', 'name')).not.toMatch(/batch|nlp|vision/);
    }, 90_000);

    /** When the first pod of a namespace was created. */
    function createdMs(namespace: string): number {
      const text = kubectl(
        'get',
        'pods',
        '-n',
        namespace,
        '-o',
        'jsonpath={.items[0].metadata.creationTimestamp}',
      );
      return Date.parse(text);
    }
  },
);
