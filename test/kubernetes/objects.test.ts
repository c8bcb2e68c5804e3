/**
 * Objects as a real API server gives them back, with its defaults and what its admission adds: described as they were sent.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { ApiClient } from '../../src/drivers/kubernetes/client/api.ts';
import {
  clusterNode,
  deploymentPod,
  elaboratePod,
  type LooseObject,
} from '../../src/drivers/kubernetes/objects/objects.fixtures.ts';
import { podOf } from '../../src/drivers/kubernetes/objects/pod.ts';
import { podGroupOf } from '../../src/drivers/kubernetes/objects/pod-group.ts';
import { profilesOf } from '../../src/drivers/kubernetes/objects/profiles.ts';
import { claimOf, storageClassOf, volumeOf } from '../../src/drivers/kubernetes/objects/storage.ts';
import { nodeOf } from '../../src/model/readers/read-node.ts';
import { clientOf, describeWithControlPlane } from './control-plane-fixture.ts';

describeWithControlPlane('objects', [], () => {
  let plane: ControlPlane;
  let client: ApiClient;

  beforeAll(async () => {
    plane = await startControlPlane({});
    client = clientOf(plane.kubeconfig);
  }, 120_000);

  afterAll(async () => {
    await client?.close();
    await plane?.stop();
  }, 60_000);

  /** Creates an object. @returns It as the server has it. */
  async function create(path: string, body: unknown): Promise<LooseObject> {
    const answer = await client.request({ method: 'POST', path, body });
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    return answer.body;
  }

  async function createPod(pod: LooseObject): Promise<LooseObject> {
    pod.metadata = { name: pod.metadata.name, labels: pod.metadata.labels };
    // A runtime class would have to be there for it.
    delete pod.spec.overhead;
    return create('/api/v1/namespaces/default/pods', pod);
  }

  /** The template of what is sent, in the namespace that it lands in. */
  function templateOf(pod: LooseObject) {
    const metadata = { ...pod.metadata, namespace: 'default', uid: 'u' };
    return podOf({ ...pod, metadata }, profilesOf(['teg'])).template;
  }

  test('a plain pod', async () => {
    const pod = deploymentPod();
    const made = await createPod(pod);
    expect(podOf(made, profilesOf(['teg']))).toMatchObject({
      ours: true,
      uid: made.metadata.uid,
      template: templateOf(pod),
    });
    expect(Math.abs(podOf(made, profilesOf(['teg'])).createdSeconds - Date.now() / 1000)).toBeLessThan(60);
  });

  test('a pod with everything', async () => {
    const pod = elaboratePod();
    pod.metadata.name = 'everything';
    const made = await createPod(pod);
    const merged = made.spec.topologySpreadConstraints[0].labelSelector.matchExpressions;
    expect(merged, 'the server merges matchLabelKeys itself').toHaveLength(1);
    const template = templateOf(pod);
    // The claims of its ephemeral volumes are those of this very pod.
    const ephemeral = { ...template.ephemeral, podUid: made.metadata.uid };
    expect(podOf(made, profilesOf(['teg']))).toMatchObject({
      group: 'cosched:default/crew',
      gates: ['example.com/quota'],
      template: { ...template, ephemeral },
    });
  });

  test('limits without requests are requests; ports of the network of the node are its ports', async () => {
    const pod = deploymentPod();
    pod.metadata.name = 'limits';
    pod.spec.hostNetwork = true;
    pod.spec.containers[0].resources = { limits: { cpu: '250m', memory: '1Gi' } };
    const { template } = podOf(await createPod(pod), profilesOf(['teg']));
    expect(template.requests).toEqual({ cpuMilli: 250, memoryBytes: 2 ** 30, extended: {} });
    expect(template.hostPorts).toEqual([{ ip: '', protocol: 'TCP', port: 8080 }]);
  });

  test('a gang and its pod', async () => {
    const group = await create('/apis/scheduling.k8s.io/v1alpha2/namespaces/default/podgroups', {
      metadata: { name: 'gang' },
      spec: { schedulingPolicy: { gang: { minCount: 4 } } },
    });
    const described = podGroupOf(group);
    expect(described).toMatchObject({
      key: 'core:default/gang',
      minCount: 4,
      topologyKeys: [],
      unsupported: [],
    });
    const pod = deploymentPod();
    pod.metadata.name = 'member';
    pod.spec.schedulingGroup = { podGroupName: 'gang' };
    expect(podOf(await createPod(pod), profilesOf(['teg'])).group).toBe(described.key);
  });

  test('a node', async () => {
    const node = clusterNode();
    const made = await create('/api/v1/nodes', node);
    const sent = nodeOf(node);
    expect(nodeOf(made)).toEqual({ ...sent, uid: made.metadata.uid, taints: expect.anything() });
    expect(nodeOf(made).taints).toEqual(expect.arrayContaining([...sent.taints]));
  });

  test('storage', async () => {
    const storageClass = await create('/apis/storage.k8s.io/v1/storageclasses', {
      metadata: { name: 'local' },
      provisioner: 'kubernetes.io/no-provisioner',
      volumeBindingMode: 'WaitForFirstConsumer',
    });
    expect(storageClassOf(storageClass)).toMatchObject({ waitForFirstConsumer: true, name: 'local' });
    const resources = { requests: { storage: '1Gi' } };
    const claim = await create('/api/v1/namespaces/default/persistentvolumeclaims', {
      metadata: { name: 'c' },
      spec: { accessModes: ['ReadWriteOnce'], storageClassName: 'local', resources },
    });
    expect(claimOf(claim)).toEqual({
      key: 'default/c',
      uid: claim.metadata.uid,
      volumeName: '',
      className: 'local',
      bound: false,
      unusable: false,
      selectedNode: '',
      accessModes: ['ReadWriteOnce'],
      bytes: 2 ** 30,
    });
    const terms = [{ matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n1'] }] }];
    const volume = await create('/api/v1/persistentvolumes', {
      metadata: { name: 'v' },
      spec: {
        capacity: { storage: '10Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'local',
        local: { path: '/mnt' },
        nodeAffinity: { required: { nodeSelectorTerms: terms } },
      },
    });
    expect(volumeOf(volume)).toMatchObject({
      bytes: 10 * 2 ** 30,
      className: 'local',
      claim: '',
      driver: '',
      nodeTerms: [{ expressions: terms[0]?.matchExpressions, fields: [] }],
    });
  });
});
