/** Verdicts about disks that several pods name, and how many volumes a node takes. */
import type { Json } from '../differential/draw-nodes.ts';
import {
  attachment,
  boundPair,
  claim,
  claimed,
  csiNode,
  node,
  probe,
  running,
  storageClass,
  type VerdictCase,
} from './builders.ts';

const DRIVER = 'disks.example.com';
const EBS = 'ebs.csi.aws.com';
const TOO_MANY = 'node(s) exceed max volume count';
const NO_DISK = 'node(s) had no available disk';
const csi = (handle: string, driver = DRIVER): { spec: Json } => ({
  spec: { csi: { driver, volumeHandle: handle } },
});
const aws = (volumeID: string): Json => ({ name: volumeID, awsElasticBlockStore: { volumeID } });
const gce = (pdName: string, readOnly = false): Json => ({
  name: pdName,
  gcePersistentDisk: { pdName, readOnly },
});
const a = running('a', 'n1', { volumes: [claimed('a')] });
const ofB = probe({ volumes: [claimed('b')] });

/** See the head of the file. */
export const VOLUME_LIMIT_CASES: readonly VerdictCase[] = [
  {
    name: 'a node that has as many volumes as it takes',
    objects: [
      node('n1'),
      csiNode('n1', { [DRIVER]: 1 }),
      ...boundPair('a', csi('x')),
      ...boundPair('b', csi('y')),
      a,
    ],
    probe: ofB,
    fits: '',
    says: `1 ${TOO_MANY}`,
  },
  {
    name: 'one volume of two pods counts once',
    objects: [node('n1'), csiNode('n1', { [DRIVER]: 1 }), ...boundPair('a', csi('x')), a],
    probe: probe({ volumes: [claimed('a')] }),
    fits: 'n1',
  },
  {
    name: 'one disk behind two volumes counts once',
    objects: [
      node('n1'),
      csiNode('n1', { [DRIVER]: 1 }),
      ...boundPair('a', csi('x')),
      ...boundPair('b', csi('x')),
      a,
    ],
    probe: ofB,
    fits: 'n1',
  },
  {
    name: 'one disk behind two claims of the pod counts once',
    objects: [
      node('n1'),
      csiNode('n1', { [DRIVER]: 1 }),
      ...boundPair('a', csi('x')),
      ...boundPair('b', csi('x')),
    ],
    probe: probe({ volumes: [claimed('a'), claimed('b')] }),
    fits: 'n1',
  },
  {
    name: 'disks of two drivers are two, whatever their handles',
    objects: [
      node('n1'),
      csiNode('n1', { [DRIVER]: 1, 'others.example.com': 1 }),
      ...boundPair('a', csi('x')),
      ...boundPair('b', csi('x', 'others.example.com')),
      a,
    ],
    probe: ofB,
    fits: 'n1',
  },
  {
    name: 'a driver without a limit',
    objects: [node('n1'), csiNode('n1', {}), ...boundPair('a', csi('x')), ...boundPair('b', csi('y')), a],
    probe: ofB,
    fits: 'n1',
  },
  {
    name: 'a limit of 0',
    objects: [node('n1'), csiNode('n1', { [DRIVER]: 0 }), ...boundPair('b', csi('y'))],
    probe: ofB,
    fits: '',
    says: `1 ${TOO_MANY}`,
  },
  {
    name: 'a volume that is yet to be made counts for its class’s driver',
    objects: [
      node('n1'),
      csiNode('n1', { [DRIVER]: 1 }),
      storageClass('made', DRIVER),
      ...boundPair('a', csi('x')),
      claim('b', { spec: { storageClassName: 'made' } }),
      a,
    ],
    probe: ofB,
    fits: '',
    says: `1 ${TOO_MANY}`,
  },
  {
    name: 'volumes that are attached count, though no pod of the node uses them',
    objects: [
      node('n1'),
      csiNode('n1', { [DRIVER]: 1 }),
      ...boundPair('a', csi('x')),
      ...boundPair('b', csi('y')),
      attachment('va', 'n1', DRIVER, 'pv-a'),
    ],
    probe: ofB,
    fits: '',
    says: `1 ${TOO_MANY}`,
  },
  {
    name: 'a volume that is attached and used by a pod counts once',
    objects: [
      node('n1'),
      csiNode('n1', { [DRIVER]: 2 }),
      ...boundPair('a', csi('x')),
      ...boundPair('b', csi('y')),
      attachment('va', 'n1', DRIVER, 'pv-a'),
      a,
    ],
    probe: ofB,
    fits: 'n1',
  },
  {
    name: 'volumes attached to other nodes, by other drivers, or gone do not count',
    objects: [
      node('n1'),
      csiNode('n1', { [DRIVER]: 1 }),
      ...boundPair('a', csi('x')),
      ...boundPair('b', csi('y')),
      attachment('va', 'n2', DRIVER, 'pv-a'),
      attachment('vb', 'n1', 'others.example.com', 'pv-a'),
      attachment('vc', 'n1', DRIVER, 'pv-gone'),
    ],
    probe: ofB,
    fits: 'n1',
  },
  {
    name: 'a disk that a pod names itself counts for the CSI driver that took it over',
    objects: [node('n1'), csiNode('n1', { [EBS]: 1 }), running('a', 'n1', { volumes: [aws('vol-1')] })],
    probe: probe({ volumes: [aws('vol-2')] }),
    fits: '',
    says: `1 ${TOO_MANY}`,
  },
  {
    name: 'a disk of the running pod itself, and a CSI volume of the new one',
    objects: [
      node('n1'),
      csiNode('n1', { [EBS]: 1 }),
      ...boundPair('b', csi('vol-2', EBS)),
      running('a', 'n1', { volumes: [aws('vol-1')] }),
    ],
    probe: ofB,
    fits: '',
    says: `1 ${TOO_MANY}`,
  },
  {
    name: 'the same disk in-tree and by its CSI driver counts once',
    objects: [
      node('n1'),
      csiNode('n1', { [EBS]: 1 }),
      ...boundPair('a', csi('vol-1', EBS)),
      ...boundPair('b', { spec: { awsElasticBlockStore: { volumeID: 'aws://us-east-1a/vol-1' } } }),
      a,
    ],
    probe: ofB,
    fits: 'n1',
  },
  {
    name: 'a claim of an in-tree class counts for the CSI driver that took it over',
    objects: [
      node('n1'),
      csiNode('n1', { [EBS]: 1 }),
      storageClass('gp2', 'kubernetes.io/aws-ebs'),
      claim('b', { spec: { storageClassName: 'gp2' } }),
      running('a', 'n1', { volumes: [aws('vol-1')] }),
    ],
    probe: ofB,
    fits: '',
    says: `1 ${TOO_MANY}`,
  },
  {
    name: 'one disk of Google by two pods that write',
    objects: [node('n1'), node('n2'), running('a', 'n1', { volumes: [gce('d')] })],
    probe: probe({ volumes: [gce('d')] }),
    fits: 'n2',
  },
  {
    name: 'one disk of Google by two pods that only read',
    objects: [node('n1'), running('a', 'n1', { volumes: [gce('d', true)] })],
    probe: probe({ volumes: [gce('d', true)] }),
    fits: 'n1',
  },
  {
    name: 'one disk of Amazon by two pods',
    objects: [node('n1'), running('a', 'n1', { volumes: [aws('vol-1')] })],
    probe: probe({ volumes: [aws('vol-1')] }),
    fits: '',
    says: `1 ${NO_DISK}`,
  },
];
