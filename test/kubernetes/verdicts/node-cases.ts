/** Verdicts about nodes by themselves: resources, taints, selectors, ports. */
import type { Json } from '../differential/draw-nodes.ts';
import { bareNode, HOST, node, probe, running, type VerdictCase, ZONE } from './builders.ts';

const NO_MATCH = "node(s) didn't match Pod's node affinity/selector";
const NO_PORT = "node(s) didn't have free ports for the requested pod ports";
const spot = { taints: [{ key: 'spot', value: 'yes', effect: 'NoSchedule' }] };
const tolerates = (...tolerations: Json[]): Json => probe({ spec: { tolerations } });
const needs = (...matchExpressions: Json[]): Json => affinity({ nodeSelectorTerms: [{ matchExpressions }] });
const affinity = (required: Json): Json =>
  probe({
    spec: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } } },
  });
const port = (hostPort: number, more: Json = {}): Json => ({ containerPort: 80, hostPort, ...more });
const ssd = node('n1', { labels: { disk: 'ssd', size: '7' } });

/** See the head of the file. */
export const NODE_CASES: readonly VerdictCase[] = [
  {
    name: 'requests that fill the node exactly',
    objects: [node('n1'), running('a', 'n1', { requests: { cpu: '3' } })],
    probe: probe({ requests: { cpu: '1', memory: '8Gi' } }),
    fits: 'n1',
  },
  {
    name: 'a milli of CPU too much',
    objects: [node('n1'), running('a', 'n1', { requests: { cpu: '3' } })],
    probe: probe({ requests: { cpu: '1001m' } }),
    fits: '',
    says: '1 Insufficient cpu',
  },
  {
    name: 'each resource that is missing is reported',
    objects: [node('n1')],
    probe: probe({ requests: { cpu: '5', memory: '9Gi', 'ephemeral-storage': '1Gi' } }),
    fits: '',
    says: '1 Insufficient cpu, 1 Insufficient ephemeral-storage, 1 Insufficient memory',
  },
  {
    name: 'an extended resource that one node has',
    objects: [node('n1'), node('n2', { allocatable: { 'example.com/dongle': '2' } })],
    probe: probe({
      spec: {
        containers: [
          {
            name: 'c',
            image: 'i',
            resources: { requests: { 'example.com/dongle': '2' }, limits: { 'example.com/dongle': '2' } },
          },
        ],
      },
    }),
    fits: 'n2',
  },
  {
    name: 'an init container that needs more than all containers',
    objects: [node('n1')],
    probe: probe({
      requests: { cpu: '1' },
      spec: { initContainers: [{ name: 'i', image: 'i', resources: { requests: { cpu: '5' } } }] },
    }),
    fits: '',
    says: '1 Insufficient cpu',
  },
  {
    name: 'a sidecar adds to the containers',
    objects: [node('n1')],
    probe: probe({
      requests: { cpu: '3' },
      spec: {
        initContainers: [
          { name: 's', image: 'i', restartPolicy: 'Always', resources: { requests: { cpu: '1500m' } } },
        ],
      },
    }),
    fits: '',
    says: '1 Insufficient cpu',
  },
  {
    name: 'pods that ended hold nothing',
    objects: [
      node('n1'),
      { ...running('a', 'n1', { requests: { cpu: '4' } }), status: { phase: 'Succeeded' } },
    ],
    probe: probe({ requests: { cpu: '4' } }),
    fits: 'n1',
  },
  {
    name: 'a node that takes no more pods',
    objects: [node('n1', { allocatable: { pods: '1' } }), running('a', 'n1')],
    probe: probe(),
    fits: '',
    says: '1 Too many pods',
  },
  {
    name: 'a node that reports nothing takes no pods',
    objects: [bareNode('n1')],
    probe: probe(),
    fits: '',
    says: '1 Too many pods',
  },
  {
    name: 'a node for no pods at all, with a pod of lower priority',
    objects: [node('n1', { allocatable: { pods: '0' } }), running('a', 'n1')],
    probe: probe({ spec: { priority: 10 } }),
    fits: '',
    says: '1 Too many pods',
  },
  {
    name: 'a node with 10Pi of ephemeral storage',
    objects: [node('n1', { allocatable: { 'ephemeral-storage': '10Pi' } })],
    probe: probe({ requests: { 'ephemeral-storage': '1Pi' } }),
    fits: 'n1',
  },
  {
    name: 'a node with more of an extended resource than can be counted',
    objects: [node('n1', { allocatable: { 'example.com/x': '9223372036854775807' } })],
    probe: probe({ requests: { cpu: '1' } }),
    fits: 'n1',
  },
  {
    name: 'a node with more GPUs than there are in the world',
    objects: [node('n1', { allocatable: { 'nvidia.com/gpu': '9223372036854775807' } })],
    probe: probe({ requests: { cpu: '1' } }),
    fits: 'n1',
  },
  {
    name: 'a pod that asks for 10P of memory',
    objects: [node('n1')],
    probe: probe({ requests: { memory: '10P' } }),
    fits: '',
    says: '1 Insufficient memory',
  },
  {
    name: 'a pod of 10P of memory that runs on a node counts',
    objects: [node('n1'), node('n2'), running('a', 'n1', { requests: { memory: '10P' } })],
    probe: probe({ requests: { memory: '1Gi' } }),
    fits: 'n2',
  },
  {
    name: 'a cordoned node',
    objects: [node('n1', { spec: { unschedulable: true } })],
    probe: probe(),
    fits: '',
    says: '1 node(s) were unschedulable',
  },
  {
    name: 'a taint that nothing tolerates',
    objects: [node('n1', { spec: spot }), node('n2')],
    probe: probe(),
    fits: 'n2',
  },
  {
    name: 'a taint that is tolerated by value',
    objects: [node('n1', { spec: spot })],
    probe: tolerates({ key: 'spot', operator: 'Equal', value: 'yes', effect: 'NoSchedule' }),
    fits: 'n1',
  },
  {
    name: 'a taint of another value',
    objects: [node('n1', { spec: spot })],
    probe: tolerates({ key: 'spot', operator: 'Equal', value: 'no' }),
    fits: '',
    says: '1 node(s) had untolerated taint(s)',
  },
  {
    name: 'everything is tolerated',
    objects: [node('n1', { spec: spot }), node('n2', { spec: { unschedulable: true } })],
    probe: tolerates({ operator: 'Exists' }),
    fits: 'n1 n2',
  },
  {
    name: 'a toleration of another effect',
    objects: [node('n1', { spec: { taints: [{ key: 'k', effect: 'NoExecute' }] } })],
    probe: tolerates({ key: 'k', operator: 'Exists', effect: 'NoSchedule' }),
    fits: '',
    says: '1 node(s) had untolerated taint(s)',
  },
  {
    name: 'PreferNoSchedule refuses nothing',
    objects: [node('n1', { spec: { taints: [{ key: 'k', effect: 'PreferNoSchedule' }] } })],
    probe: probe(),
    fits: 'n1',
  },
  {
    name: 'a node selector',
    objects: [ssd, node('n2')],
    probe: probe({ spec: { nodeSelector: { disk: 'ssd' } } }),
    fits: 'n1',
  },
  {
    name: 'a node selector that no node meets',
    objects: [ssd, node('n2')],
    probe: probe({ spec: { nodeSelector: { disk: 'tape' } } }),
    fits: '',
    says: `2 ${NO_MATCH}`,
  },
  {
    name: 'NotIn holds for a node without the label',
    objects: [ssd, node('n2')],
    probe: needs({ key: 'disk', operator: 'NotIn', values: ['ssd'] }),
    fits: 'n2',
  },
  {
    name: 'Gt compares numbers, and labels that are not numbers never match',
    objects: [ssd, node('n2', { labels: { size: '6' } }), node('n3', { labels: { size: 'big' } })],
    probe: needs({ key: 'size', operator: 'Gt', values: ['6'] }),
    fits: 'n1',
  },
  {
    name: 'DoesNotExist',
    objects: [ssd, node('n2')],
    probe: needs({ key: 'disk', operator: 'DoesNotExist' }),
    fits: 'n2',
  },
  {
    name: 'terms are alternatives, requirements are not',
    objects: [ssd, node('n2', { labels: { disk: 'ssd' } }), node('n3', { labels: { [ZONE]: 'a' } })],
    probe: affinity({
      nodeSelectorTerms: [
        {
          matchExpressions: [
            { key: 'disk', operator: 'Exists' },
            { key: 'size', operator: 'Exists' },
          ],
        },
        { matchExpressions: [{ key: ZONE, operator: 'In', values: ['a', 'b'] }] },
      ],
    }),
    fits: 'n1 n3',
  },
  {
    name: 'the name of a node as a field',
    objects: [node('n1'), node('n2')],
    probe: affinity({
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n2'] }] }],
    }),
    fits: 'n2',
  },
  {
    name: 'selector and affinity both hold',
    objects: [ssd, node('n2', { labels: { disk: 'ssd' } })],
    probe: probe({
      spec: {
        nodeSelector: { disk: 'ssd' },
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: HOST, operator: 'NotIn', values: ['n1'] }] }],
            },
          },
        },
      },
    }),
    fits: 'n2',
  },
  {
    name: 'a port of the node that is taken',
    objects: [node('n1'), node('n2'), running('a', 'n1', { ports: [port(8080)] })],
    probe: probe({ ports: [port(8080)] }),
    fits: 'n2',
  },
  {
    name: 'the same port of another protocol',
    objects: [node('n1'), running('a', 'n1', { ports: [port(53, { protocol: 'UDP' })] })],
    probe: probe({ ports: [port(53)] }),
    fits: 'n1',
  },
  {
    name: 'the same port of another address',
    objects: [node('n1'), running('a', 'n1', { ports: [port(53, { hostIP: '10.0.0.1' })] })],
    probe: probe({ ports: [port(53, { hostIP: '10.0.0.2' })] }),
    fits: 'n1',
  },
  {
    name: 'a port of all addresses and the same port of one',
    objects: [node('n1'), running('a', 'n1', { ports: [port(53, { hostIP: '10.0.0.1' })] })],
    probe: probe({ ports: [port(53, { hostIP: '0.0.0.0' })] }),
    fits: '',
    says: `1 ${NO_PORT}`,
  },
];
