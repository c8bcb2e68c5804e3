import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { SAMPLES } from '../samples.fixtures.ts';
import { type ReadResult, readText } from '../specs.fixtures.ts';

const SAMPLE = SAMPLES.kubernetes;

/** Reads one pod whose spec and metadata are given as YAML flow mappings. */
async function pod(spec: string, metadata = '', status = ''): Promise<ReadResult> {
  const object = `kind: Pod\nmetadata: {name: p${metadata && `, ${metadata}`}}\nspec: {${spec}}\n`;
  return readText(`${object}${status && `status: {${status}}\n`}`);
}

/** A container with these requests. */
function container(requests: string, more = ''): string {
  return `{name: c, resources: {requests: {${requests}}}${more}}`;
}

describe('a list of nodes and pods', () => {
  test('becomes nodes and jobs', async () => {
    const { jobs, nodes } = await readText(SAMPLE);
    expect(nodes).toEqual([
      {
        name: 'gpu-1',
        cpuMilli: 95_500,
        memoryMib: 773_991,
        gpuCount: 8,
        gpuModel: 'NVIDIA-A100-SXM4-80GB',
        podsMax: 110,
        gpuResource: 'nvidia.com/gpu',
        extended: { 'rdma/hca': 1000 },
        labels: {
          'kubernetes.io/hostname': 'gpu-1',
          'nvidia.com/gpu.product': 'NVIDIA-A100-SXM4-80GB',
        },
      },
    ]);
    expect(jobs[0]).toEqual({
      id: 'team-a/train-0',
      tenant: 'team-a',
      priority: 1000,
      cpuMilli: 4250,
      memoryMib: 16_384,
      gpuCount: 2,
      gpuMilli: 1000,
      gpuResource: 'nvidia.com/gpu',
      gpuModels: ['NVIDIA-A100-SXM4-80GB'],
      affinity: [{ key: 'zone', operator: 'In', values: ['a', 'b'] }],
      submitSeconds: 0,
      durationSeconds: Infinity,
      requestedSeconds: NaN,
      podCount: 1,
      gangMin: 1,
      tolerations: [],
      podGroup: 'team-a/train',
      owner: 'Job/train',
      nodeName: 'gpu-1',
    });
    expect(jobs[1]).toMatchObject({ id: 'default/alone', cpuMilli: 1000, memoryMib: 1536, gpuMilli: 300 });
  });

  test('reads the same as JSON, pretty or compact, in chunks of any size', async () => {
    const expected = await readText(SAMPLE);
    const documents = parseAllDocuments(SAMPLE).map((document) => document.toJS());
    const pretty = documents.map((document) => JSON.stringify(document, null, 4)).join('\n');
    const compact = documents.map((document) => JSON.stringify(document)).join('');
    for (const text of [pretty, compact]) {
      for (const chunkBytes of [1, 7, 65_536]) expect(await readText(text, {}, chunkBytes)).toEqual(expected);
    }
  });

  test('items without a kind are recognised by their form, as the API lists them', async () => {
    const { jobs, nodes } = await readText(
      JSON.stringify({
        kind: 'PodList',
        items: [
          { metadata: { name: 'a' }, spec: { containers: [] } },
          { metadata: { name: 'b' }, status: { capacity: { cpu: 4, memory: '1Gi' } } },
        ],
      }),
    );
    expect(jobs.map((job) => job.id)).toEqual(['default/a']);
    expect(nodes).toMatchObject([{ name: 'b', cpuMilli: 4000, memoryMib: 1024, podsMax: 110 }]);
  });

  test('other kinds are counted, an empty list is not an error', async () => {
    const { warnings } = await readText('kind: ConfigMap\n---\nkind: ConfigMap\n');
    expect(warnings).toEqual([{ message: expect.stringContaining('ConfigMap'), count: 2 }]);
    for (const empty of ['{"kind":"List","items":[]}', 'kind: List\nitems: []\n', 'items:\nkind: List\n']) {
      expect((await readText(empty)).jobs).toEqual([]);
    }
  });
});

describe('the requests of a pod', () => {
  test.each([
    [
      'containers add up',
      `containers: [${container('cpu: 1, memory: 1Gi')}, ${container('cpu: 250m')}]`,
      1250,
      1024,
    ],
    [
      'an init container counts if it needs more',
      `initContainers: [${container('cpu: 3')}], containers: [${container('cpu: 1, memory: 2Mi')}]`,
      3000,
      2,
    ],
    [
      'sidecars run beside containers and later init containers',
      `initContainers: [${container('cpu: 1', ', restartPolicy: Always')}, ${container('cpu: 4')}], containers: [${container('cpu: 2')}]`,
      5000,
      0,
    ],
    [
      'an init container before a sidecar runs without it',
      `initContainers: [${container('cpu: 4')}, ${container('cpu: 1', ', restartPolicy: Always')}], containers: [${container('cpu: 2')}]`,
      4000,
      0,
    ],
    [
      'overhead comes on top',
      `overhead: {cpu: 100m, memory: 1}, containers: [${container('cpu: 1, memory: 1Mi')}]`,
      1100,
      2,
    ],
    [
      'a limit counts where there is no request',
      'containers: [{resources: {limits: {cpu: 2, memory: 3Mi}, requests: {cpu: 1}}}]',
      1000,
      3,
    ],
    [
      'resources of the whole pod replace the sum',
      `resources: {requests: {cpu: 7}}, containers: [${container('cpu: 1, memory: 1Mi')}]`,
      7000,
      1,
    ],
    [
      'fractions of a thousandth are rounded up once, for the pod',
      `containers: [${container('cpu: 0.5m')}, ${container('cpu: 0.5m')}]`,
      1,
      0,
    ],
    [
      'a limit of the whole pod is used where no container has a request',
      `resources: {limits: {cpu: 7, memory: 9Mi}}, containers: [${container('cpu: 1')}]`,
      1000,
      9,
    ],
    ['nothing', 'containers: [{name: c}]', 0, 0],
  ])('%s', async (_name, spec, cpuMilli, memoryMib) => {
    const { jobs } = await pod(spec);
    expect(jobs[0]).toMatchObject({ cpuMilli, memoryMib, gpuCount: 0, gpuMilli: 0 });
  });

  test('GPUs of any make are devices, everything else is a further resource', async () => {
    const requests =
      'amd.com/gpu: 4, nvidia.com/mig-1g.5gb: 2, ephemeral-storage: 1Gi, hugepages-2Mi: 0, foo: 3, requests.nvidia.com/gpu: 9';
    const { jobs } = await pod(`containers: [${container(requests)}]`);
    expect(jobs[0]).toMatchObject({
      gpuCount: 4,
      gpuMilli: 1000,
      extended: { 'nvidia.com/mig-1g.5gb': 2, 'ephemeral-storage': 1_073_741_824 },
    });
    expect(Object.keys(jobs[0]?.extended ?? {})).toHaveLength(2);
  });

  test.each([
    ['gpu-fraction: "0.5"', 1, 500],
    ['alibabacloud.com/gpu-count: "1", alibabacloud.com/gpu-milli: "460"', 1, 460],
    ['alibabacloud.com/gpu-count: "4", alibabacloud.com/gpu-milli: "1000"', 4, 1000],
  ])('annotations of sharing schedulers: %s', async (annotations, gpuCount, gpuMilli) => {
    const { jobs } = await pod('containers: [{name: c}]', `annotations: {${annotations}}`);
    expect(jobs[0]).toMatchObject({ gpuCount, gpuMilli });
  });

  test.each([
    [
      `containers: [${container('cpu: -1')}]`,
      'spec.containers[].resources.requests[cpu] is "-1", expected a quantity',
    ],
    [`containers: [${container('cpu: [1]')}]`, 'is a list, expected a quantity'],
    [`containers: [${container('cpu: much')}]`, 'is "much", expected a quantity'],
    ['containers: {}', 'spec.containers is an object, expected a list'],
    [`containers: [${container('nvidia.com/gpu: 31')}]`, 'GPUs asked for is 31, expected at most 30'],
    [`containers: [${container('cpu: 1e9')}]`, 'cpu in thousandths of a core is 1000000000000, expected'],
    [`priority: high, containers: []`, 'spec.priority is "high", expected an integer'],
  ])('%s: that pod alone is left out, with the reason', async (spec, message) => {
    const { jobs, warnings } = await readText(
      `kind: Pod\nmetadata: {name: odd}\nspec: {${spec}}\n---\nkind: Pod\nmetadata: {name: sound}\nspec: {containers: []}\n`,
    );
    expect(jobs.map(({ id }) => id)).toEqual(['default/sound']);
    expect(warnings).toEqual([{ message: expect.stringContaining(message), count: 1 }]);
    expect(warnings[0]?.message).toMatch(/^Pod odd cannot be used and is left out \(.*:1\): /);
  });

  test('objects left out for one reason are counted', async () => {
    const odd = (name: string): string =>
      `kind: Node\nmetadata: {name: ${name}}\nstatus: {allocatable: {cpu: -5}}\n---\n`;
    const { nodes, warnings } = await readText(
      `${odd('a')}${odd('b')}${odd('c')}kind: Node\nmetadata: {name: d}\n`,
    );
    expect(nodes.map(({ name }) => name)).toEqual(['d']);
    expect(warnings).toEqual([
      { message: expect.stringMatching(/^Node a .*"-5".*; 2 more for the same reason$/), count: 1 },
    ]);
  });
});

describe('which nodes a pod may be on', () => {
  const required = (terms: string): string =>
    `affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [${terms}]}}}, containers: []`;

  test('several terms that are one In on one label are united', async () => {
    const term = (value: string): string =>
      `{matchExpressions: [{key: zone, operator: In, values: [${value}]}]}`;
    const { jobs, warnings } = await pod(required(`${term('a')}, ${term('b, a')}`));
    expect(jobs[0]?.affinity).toEqual([{ key: 'zone', operator: 'In', values: ['a', 'b'] }]);
    expect(warnings).toEqual([]);
  });

  test('of other alternatives the first is taken, with a warning', async () => {
    const { jobs, warnings } = await pod(
      required(
        '{matchExpressions: [{key: a, operator: Exists}, {key: n, operator: Gt, values: ["3"]}]}, {matchExpressions: [{key: b, operator: DoesNotExist}]}',
      ),
    );
    expect(jobs[0]?.affinity).toEqual([
      { key: 'a', operator: 'Exists', values: [] },
      { key: 'n', operator: 'Gt', values: ['3'] },
    ]);
    expect(warnings).toEqual([{ message: expect.stringContaining('first'), count: 1 }]);
  });

  test('the name of a node as a field is its host name', async () => {
    const { jobs } = await pod(
      required('{matchFields: [{key: metadata.name, operator: In, values: [n-1]}]}'),
    );
    expect(jobs[0]?.affinity).toEqual([{ key: 'kubernetes.io/hostname', operator: 'In', values: ['n-1'] }]);
  });

  test('a GPU model is one only for pods with GPUs', async () => {
    const selector = 'nodeSelector: {nvidia.com/gpu.product: A100}';
    const { jobs } = await pod(`${selector}, containers: []`);
    expect(jobs[0]).toMatchObject({ gpuModels: [], affinity: [{ key: 'nvidia.com/gpu.product' }] });
    const withGpu = await pod(`${selector}, containers: [${container('nvidia.com/gpu: 1')}]`);
    expect(withGpu.jobs[0]).toMatchObject({ gpuModels: ['A100'] });
    expect(withGpu.jobs[0]).not.toHaveProperty('affinity');
  });

  test.each([
    ['an unknown operator', '{matchExpressions: [{key: a, operator: Near}]}'],
    ['a bound that is not an integer', '{matchExpressions: [{key: a, operator: Gt, values: ["1.5"]}]}'],
    ['a bound in hexadecimal', '{matchExpressions: [{key: a, operator: Lt, values: ["0x10"]}]}'],
    ['no requirement', '{}'],
    ['no term', ''],
  ])('%s matches no node, as for kube-scheduler', async (_name, terms) => {
    const { jobs } = await pod(required(terms));
    expect(jobs[0]?.affinity).toEqual([{ key: 'kubernetes.io/hostname', operator: 'In', values: [] }]);
  });

  test('an alternative that matches nothing gives way to one that can', async () => {
    const { jobs, warnings } = await pod(
      required(
        '{matchExpressions: [{key: a, operator: Near}]}, {matchExpressions: [{key: b, operator: Exists}]}',
      ),
    );
    expect(jobs[0]?.affinity).toEqual([{ key: 'b', operator: 'Exists', values: [] }]);
    expect(warnings).toEqual([]);
  });

  test('rules between pods are ignored with a warning', async () => {
    const term = '{topologyKey: zone, labelSelector: {}}';
    const { warnings } = await pod(
      `affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [${term}]}}, containers: []`,
    );
    expect(warnings).toEqual([{ message: expect.stringContaining('between pods'), count: 1 }]);
    expect((await pod('affinity: {podAntiAffinity: {}}, containers: []')).warnings).toEqual([]);
  });
});

describe('fields that simulations ignore', () => {
  test.each([
    ['schedulingGroup: {podGroupName: g}', '', 'gangs are ignored'],
    ['', 'labels: {scheduling.x-k8s.io/pod-group: g}', 'gangs are ignored'],
    ['', 'annotations: {scheduling.k8s.io/group-name: g}', 'gangs are ignored'],
    ['schedulingGates: [{name: g}]', '', 'scheduling gates are ignored'],
    ['topologySpreadConstraints: [{topologyKey: zone, maxSkew: 1}]', '', 'topology spread'],
    ['volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]', '', 'volumes are ignored'],
    ['volumes: [{name: v, ephemeral: {volumeClaimTemplate: {}}}]', '', 'volumes are ignored'],
    ['resourceClaims: [{name: c}]', '', 'dynamic resource claims'],
  ])('{%s} {%s} is said once, with its count', async (spec, metadata, message) => {
    const { warnings } = await pod(
      [spec, 'containers: []'].filter((part) => part !== '').join(', '),
      metadata,
    );
    expect(warnings).toEqual([{ message: expect.stringContaining(message), count: 1 }]);
  });

  test('preemption: waiting pods of a higher priority than one that runs are counted', async () => {
    const of = (name: string, spec: string): string =>
      `kind: Pod\nmetadata: {name: ${name}}\nspec: {containers: [], ${spec}}\n---\n`;
    const text =
      of('a', 'priority: 5, nodeName: n') +
      of('b', 'priority: 6') +
      of('c', 'priority: 5') +
      of('d', 'priority: 9, preemptionPolicy: Never');
    const { warnings } = await readText(text);
    expect(warnings).toEqual([{ message: expect.stringContaining('preemption is ignored'), count: 1 }]);
    expect((await readText(of('a', 'nodeName: n') + of('b', ''))).warnings).toEqual([]);
  });

  test('volumes of no account for placement are not named', async () => {
    const { warnings } = await pod(
      'volumes: [{name: v, emptyDir: {}}, {name: w, configMap: {name: c}}], containers: []',
    );
    expect(warnings).toEqual([]);
  });

  test('resources that are to be ignored count neither for pods nor for nodes', async () => {
    const text = `${SAMPLE}`;
    const { nodes, jobs } = await readText(text, { ignoredResources: ['rdma/hca', 'nvidia.com/gpu'] });
    expect(nodes[0]).toMatchObject({ gpuCount: 0 });
    expect(nodes[0]).not.toHaveProperty('extended');
    expect(jobs[0]).toMatchObject({ gpuCount: 0, gpuMilli: 0 });
  });
});

describe('the life of a pod', () => {
  test('times count from the first pod that has one', async () => {
    const item = (name: string, time: string): string =>
      `kind: Pod\nmetadata: {name: ${name}, creationTimestamp: ${time}}\nspec: {containers: []}\n---\n`;
    const { jobs } = await readText(
      item('a', '"2026-01-01T01:00:00Z"') + item('b', '"2026-01-01T00:00:00.5Z"') + item('c', 'null'),
    );
    expect(jobs.map((job) => job.submitSeconds)).toEqual([0, -3599.5, 0]);
  });

  test('one that has ended ran from its start to the end of its last container', async () => {
    const ended = (at: string): string => `{state: {terminated: {finishedAt: "${at}"}}}`;
    const { jobs } = await pod(
      'activeDeadlineSeconds: 600, containers: []',
      '',
      `phase: Failed, startTime: "2026-01-01T00:00:00Z", containerStatuses: [${ended('2026-01-01T00:01:00Z')}, ${ended('2026-01-01T00:05:00Z')}]`,
    );
    expect(jobs[0]).toMatchObject({ durationSeconds: 300, requestedSeconds: 600 });
  });

  test('one that has ended without saying when is left out', async () => {
    const { jobs, warnings } = await pod('containers: []', '', 'phase: Succeeded');
    expect(jobs).toEqual([]);
    expect(warnings).toHaveLength(1);
  });

  test.each([
    ['system-node-critical', 2_000_001_000],
    ['gold', 77],
    ['unknown', 0],
  ])('priority class %s is %d', async (name, priority) => {
    const { jobs } = await readText(
      `kind: PriorityClass\nmetadata: {name: gold}\nvalue: 77\n---\nkind: Pod\nmetadata: {name: p}\nspec: {priorityClassName: ${name}, containers: []}\n`,
    );
    expect(jobs[0]?.priority).toBe(priority);
  });

  test('tolerations have their defaults filled in', async () => {
    const tolerations =
      'tolerations: [{operator: Exists}, {key: a, value: b, effect: NoSchedule}, {key: c, effect: PreferNoSchedule}, {key: d, operator: Gt, value: 5}]';
    const { jobs, warnings } = await pod(`${tolerations}, containers: []`);
    expect(jobs[0]?.tolerations).toEqual([
      { key: '', operator: 'Exists', value: '', effect: '' },
      { key: 'a', operator: 'Equal', value: 'b', effect: 'NoSchedule' },
    ]);
    expect(warnings).toEqual([{ message: expect.stringContaining('operator other than'), count: 1 }]);
    // kube-scheduler ignores an effect that it does not know.
    expect((await pod('tolerations: [{key: a, effect: Never}]')).jobs[0]?.tolerations).toEqual([]);
    expect((await pod('tolerations: {key: a}')).jobs).toEqual([]);
  });

  test('a PodGroup may be named in the spec or by a label', async () => {
    const inSpec = await pod('schedulingGroup: {podGroupName: g}, containers: []', 'namespace: n');
    expect(inSpec.jobs[0]?.podGroup).toBe('n/g');
    const byAnnotation = await pod('containers: []', 'annotations: {scheduling.k8s.io/group-name: h}');
    expect(byAnnotation.jobs[0]?.podGroup).toBe('default/h');
  });
});

describe('nodes', () => {
  test.each([
    ['spec: {unschedulable: true}', 0],
    ['status: {conditions: [{type: Ready, status: "False"}]}', 0],
    ['status: {conditions: [{type: Ready, status: "True"}]}', 1],
    ['spec: {taints: [{key: a, effect: NoSchedule}]}', 1],
  ])('%s: %d taken', async (fields, count) => {
    const { nodes, warnings } = await readText(`kind: Node\nmetadata: {name: n}\n${fields}\n`);
    expect(nodes).toHaveLength(count);
    expect(warnings).toHaveLength(count === 1 ? 0 : 1);
  });

  test('taints that keep pods away are kept; a cordon and not being ready are such taints', async () => {
    const read = async (fields: string): Promise<unknown> => {
      const { nodes, warnings } = await readText(`kind: Node\nmetadata: {name: n}\n${fields}\n`, {
        keepsCordoned: true,
      });
      expect(warnings).toEqual([]);
      return nodes[0]?.taints;
    };
    const cordon = { key: 'node.kubernetes.io/unschedulable', value: '', effect: 'NoSchedule' };
    expect(await read('spec: {unschedulable: true}')).toEqual([cordon]);
    const told = '{key: node.kubernetes.io/unschedulable, effect: NoSchedule}';
    expect(await read(`spec: {unschedulable: true, taints: [${told}]}`)).toEqual([cordon]);
    expect(await read('status: {conditions: [{type: Ready, status: Unknown}]}')).toEqual([
      { key: 'node.kubernetes.io/not-ready', value: '', effect: 'NoSchedule' },
    ]);
    expect(
      await read(
        'spec: {taints: [{key: a, effect: PreferNoSchedule}, {key: b, value: c, effect: NoExecute}]}',
      ),
    ).toEqual([{ key: 'b', value: 'c', effect: 'NoExecute' }]);
    expect(await read('spec: {taints: [{key: a, effect: PreferNoSchedule}]}')).toBeUndefined();
  });

  test('allocatable counts, and capacity where it is silent', async () => {
    const { nodes } = await readText(
      'kind: Node\nmetadata: {name: n}\nstatus: {capacity: {cpu: 8, memory: 64Gi, amd.com/gpu: 2}, allocatable: {cpu: 7.9999, memory: 1048577}}\n',
    );
    expect(nodes[0]).toMatchObject({ cpuMilli: 8000, memoryMib: 1, gpuCount: 2, gpuModel: '' });
  });
});
