/**
 * The same gang of eight pods from the objects of each API that TEG reads, as the tools write them: PodGroups of
 * Kubernetes 1.36 and 1.37, those of Kubeflow Trainer's coscheduling policy, and of KubeRay with scheduler-plugins.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { defineCoscheduling } from '../../lab/control-plane/coscheduling.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { ApiClient, ApiRequest } from '../../src/drivers/kubernetes/client/api.ts';
import { clientOf, describeWithControlPlane } from './control-plane-fixture.ts';
import { RunningTeg } from './teg-command.ts';

const PODS = '/api/v1/namespaces/default/pods';
const SOON = { timeout: 30_000, interval: 100 };
const MEMBERS = 8;

type Body = Record<string, unknown>;

interface Pod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName?: string; readonly schedulerName: string };
}

/** A gang: the path of its group's collection, the group, and its eight pods. */
interface Gang {
  readonly path: string;
  readonly group: Body;
  readonly pods: readonly Body[];
}

/** A trial cluster of two nodes of 16 cores, and TEG with the default name and KubeRay's. */
class Stage {
  readonly plane: ControlPlane;
  readonly client: ApiClient;
  readonly scheduler: RunningTeg;
  private readonly folder = mkdtempSync(join(tmpdir(), 'teg-gang-objects-'));

  constructor(plane: ControlPlane) {
    this.plane = plane;
    this.client = clientOf(plane.kubeconfig);
    const file = join(this.folder, 'teg.yaml');
    writeFileSync(
      file,
      stringify({
        apiVersion: 'teg.dev/v1alpha1',
        kind: 'SchedulerConfiguration',
        schedulerNames: ['teg', 'scheduler-plugins-scheduler'],
        server: { bindAddress: '127.0.0.1', port: 0, insecureLoopback: true },
      }),
    );
    this.scheduler = new RunningTeg(['scheduler', '--config', file], {
      kubeconfig: plane.kubeconfig,
      folder: this.folder,
    });
  }

  async prepare(): Promise<this> {
    for (const name of ['n1', 'n2']) {
      const status = { allocatable: { cpu: '16', memory: '64Gi', pods: '110' } };
      const metadata = { name, labels: { 'kubernetes.io/hostname': name } };
      await this.must('POST', '/api/v1/nodes', { metadata, status });
    }
    return this;
  }

  async must(method: ApiRequest['method'], path: string, body?: unknown): Promise<Body> {
    const answer = await this.client.request({ method, path, ...(body === undefined ? {} : { body }) });
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    return answer.body as Body;
  }

  async podsOn(names: readonly string[]): Promise<string[]> {
    const { items } = (await this.must('GET', PODS)) as unknown as { items: Pod[] };
    return items
      .filter(({ metadata, spec }) => names.includes(metadata.name) && spec.nodeName !== undefined)
      .map(({ metadata }) => metadata.name);
  }

  /** None of the gang starts while one pod is missing; all start when it is there. @returns The group as it is stored. */
  async runs({ path, group, pods }: Gang): Promise<Body> {
    const stored = await this.must('POST', path, group);
    const names = pods.map(({ metadata }) => (metadata as { name: string }).name);
    expect(new Set(names).size).toBe(MEMBERS);
    for (const pod of pods.slice(1)) await this.must('POST', PODS, pod);
    // A later pod that is alone has passed them.
    const alone = `after-${names[0]}`;
    await this.must('POST', PODS, podOf(alone, { spec: { schedulerName: 'teg' } }));
    await expect.poll(() => this.podsOn([alone]), SOON).toEqual([alone]);
    expect(await this.podsOn(names)).toEqual([]);
    await this.must('POST', PODS, pods[0]);
    await expect.poll(async () => (await this.podsOn(names)).length, SOON).toBe(MEMBERS);
    if (path !== COSCHEDULED) {
      const { name } = group.metadata as { name: string };
      const type = path.includes('v1alpha2') ? 'PodGroupScheduled' : 'PodGroupInitiallyScheduled';
      await expect
        .poll(async () => (await this.must('GET', `${path}/${name}`)).status, SOON)
        .toMatchObject({ conditions: [{ type, status: 'True', reason: 'Scheduled' }] });
    }
    for (const name of [...names, alone]) {
      await this.must('DELETE', `${PODS}/${name}?gracePeriodSeconds=0`);
    }
    return stored;
  }

  async stop(): Promise<void> {
    await this.scheduler.stop('SIGKILL');
    await this.client.close();
    await this.plane.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function podOf(name: string, { spec = {}, labels = {} }: { spec?: Body; labels?: Body }): Body {
  const containers = [{ name: 'c', image: 'x', resources: { requests: { cpu: '1', memory: '1Gi' } } }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec: { containers, ...spec } };
}

/** A gang of Kubernetes itself. @param more Fields of its spec that differ between the versions. */
function upstreamGang(version: string, name: string, more: Body = {}): Gang {
  return {
    path: `/apis/scheduling.k8s.io/${version}/namespaces/default/podgroups`,
    group: {
      apiVersion: `scheduling.k8s.io/${version}`,
      kind: 'PodGroup',
      metadata: { name },
      spec: { schedulingPolicy: { gang: { minCount: MEMBERS } }, ...more },
    },
    pods: Array.from({ length: MEMBERS }, (_, i) =>
      podOf(`${name}-${i}`, { spec: { schedulerName: 'teg', schedulingGroup: { podGroupName: name } } }),
    ),
  };
}

const COSCHEDULED = '/apis/scheduling.x-k8s.io/v1alpha1/namespaces/default/podgroups';

/**
 * A TrainJob of eight nodes whose runtime has `podGroupPolicy.coscheduling`: the group has the job's name, all members,
 * their sum and the policy's time-out; JobSet makes the pods, and the runtime's template names the scheduler.
 *
 * @source kubeflow/trainer, pkg/runtime/framework/plugins/coscheduling/coscheduling.go, Build and EnforcePodGroupPolicy
 */
function trainerGang(job: string): Gang {
  const owner = {
    apiVersion: 'trainer.kubeflow.org/v1alpha1',
    kind: 'TrainJob',
    name: job,
    uid: 'trainjob-uid',
  };
  return {
    path: COSCHEDULED,
    group: {
      apiVersion: 'scheduling.x-k8s.io/v1alpha1',
      kind: 'PodGroup',
      metadata: {
        name: job,
        namespace: 'default',
        ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
      },
      spec: { minMember: MEMBERS, minResources: { cpu: '8', memory: '8Gi' }, scheduleTimeoutSeconds: 60 },
    },
    pods: Array.from({ length: MEMBERS }, (_, i) =>
      podOf(`${job}-node-0-${i}-x7k2p`, {
        labels: {
          'batch.kubernetes.io/job-name': `${job}-node-0`,
          'batch.kubernetes.io/job-completion-index': `${i}`,
          'jobset.sigs.k8s.io/jobset-name': job,
          'jobset.sigs.k8s.io/replicatedjob-name': 'node',
          'scheduling.x-k8s.io/pod-group': job,
        },
        spec: { schedulerName: 'teg', restartPolicy: 'Never' },
      }),
    ),
  };
}

/**
 * A RayCluster of a head and seven workers with the label `ray.io/gang-scheduling-enabled`, of an operator with
 * `--batch-scheduler=scheduler-plugins`: the group counts the workers and the head, and the scheduler's name is fixed.
 *
 * @source ray-project/kuberay, ray-operator/controllers/ray/batchscheduler/scheduler-plugins/scheduler_plugins.go
 */
function rayGang(cluster: string): Gang {
  const owner = { apiVersion: 'ray.io/v1', kind: 'RayCluster', name: cluster, uid: 'raycluster-uid' };
  const member = (name: string, type: 'head' | 'worker', group: string): Body =>
    podOf(name, {
      labels: {
        'app.kubernetes.io/created-by': 'kuberay-operator',
        'ray.io/cluster': cluster,
        'ray.io/group': group,
        'ray.io/is-ray-node': 'yes',
        'ray.io/node-type': type,
        'scheduling.x-k8s.io/pod-group': cluster,
      },
      spec: { schedulerName: 'scheduler-plugins-scheduler' },
    });
  const workers = Array.from({ length: MEMBERS - 1 }, (_, i) =>
    member(`${cluster}-workers-worker-${i}r5qd`, 'worker', 'workers'),
  );
  return {
    path: COSCHEDULED,
    group: {
      apiVersion: 'scheduling.x-k8s.io/v1alpha1',
      kind: 'PodGroup',
      metadata: { name: cluster, namespace: 'default', ownerReferences: [owner] },
      spec: { minMember: workers.length + 1, minResources: { cpu: '8', memory: '8Gi' } },
    },
    pods: [member(`${cluster}-head-k8wzt`, 'head', 'headgroup'), ...workers],
  };
}

/** Shows the scheduler's output if a test failed. */
function explainFailures(stage: () => Stage | undefined): void {
  afterEach(({ task }) => {
    const scheduler = stage()?.scheduler;
    if (task.result?.state !== 'fail' || scheduler === undefined) return;
    process.stderr.write(`${scheduler.stdout.slice(-3000)}\n${scheduler.stderr.slice(-3000)}\n`);
  });
}

describeWithControlPlane('a gang of eight on Kubernetes 1.36', [], () => {
  let stage: Stage;
  explainFailures(() => stage);

  beforeAll(async () => {
    // The gate of the group's priority and mode, beside those that serve groups at all.
    const apiServerFlags = ['--feature-gates=WorkloadAwarePreemption=true'];
    stage = await new Stage(await startControlPlane({ apiServerFlags })).prepare();
    await defineCoscheduling(stage.client);
  }, 120_000);

  afterAll(() => stage?.stop(), 60_000);

  test('from objects of Kubernetes', async () => {
    const terms = { priority: 100, disruptionMode: 'PodGroup' };
    const { spec } = await stage.runs(upstreamGang('v1alpha2', 'training', terms));
    expect(spec).toMatchObject(terms);
  }, 60_000);

  test('from objects of Kubeflow Trainer with coscheduling', async () => {
    await stage.runs(trainerGang('bert'));
  }, 60_000);

  test('from objects of KubeRay with scheduler-plugins', async () => {
    await stage.runs(rayGang('raycluster'));
  }, 60_000);
});

describeWithControlPlane('a gang of eight on Kubernetes 1.37', ['kube-apiserver-1.37'], () => {
  let stage: Stage;
  explainFailures(() => stage);

  beforeAll(async () => {
    stage = await new Stage(await startControlPlane({ version: '1.37' })).prepare();
  }, 120_000);

  afterAll(() => stage?.stop(), 60_000);

  const terms = { priority: 100, preemptionPolicy: 'Never', disruptionMode: { all: {} } };

  test.each(['v1beta1', 'v1alpha3'])(
    'from objects of Kubernetes, %s',
    async (version) => {
      const { gitVersion } = await stage.must('GET', '/version');
      expect(gitVersion).toBe('v1.37.2');
      const { spec } = await stage.runs(upstreamGang(version, `training-${version}`, terms));
      expect(spec).toMatchObject(terms);
    },
    60_000,
  );

  test('there is no controller manager of that version', async () => {
    const start = startControlPlane({ version: '1.37', controllerManager: true });
    await expect(start).rejects.toThrow(/only the API server of 1\.37 is built; leave it out/);
  });

  test('the mode is the one by one that the server fills in where none is given', async () => {
    const { spec } = await stage.runs(upstreamGang('v1beta1', 'usual'));
    expect(spec).toMatchObject({ disruptionMode: { single: {} } });
  }, 60_000);
});
