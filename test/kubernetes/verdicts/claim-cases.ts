/** Verdicts about claims and the volumes that they get. */
import {
  boundClaim,
  boundPair,
  capacity,
  claim,
  claimed,
  claimRef,
  csiNode,
  ephemeral,
  HOST,
  LOCAL,
  node,
  onlyWhere,
  probe,
  running,
  storageClass,
  trackingDriver,
  type VerdictCase,
  volume,
  ZONE,
} from './builders.ts';

const NO_VOLUME = "node(s) didn't find available persistent volumes to bind";
const ELSEWHERE = "node(s) didn't match PersistentVolume's node affinity";
const NO_SPACE = 'node(s) did not have enough free storage';
const DELETED = { deletionTimestamp: '2026-06-01T00:00:00Z', finalizers: ['example.com/kept'] };
const OWN = {
  ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'probe', uid: 'uid-probe', controller: true }],
};
const FOREIGN = {
  ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'probe', uid: 'uid-before', controller: true }],
};
const DRIVER = 'disks.example.com';
const MADE = storageClass('made', DRIVER);
const two = [node('n1'), node('n2')];
const data = probe({ volumes: [claimed('data')] });
const ofMade = claim('data', { spec: { storageClassName: 'made' } });
const at = (name: string) => onlyWhere(HOST, name);

/** See the head of the file. */
export const CLAIM_CASES: readonly VerdictCase[] = [
  {
    name: 'a released volume of an earlier claim of the name is not the claim’s',
    objects: [
      ...two,
      LOCAL,
      claim('data'),
      volume('old', {
        spec: { ...claimRef('data', 'uid-before'), ...at('n1') },
        status: { phase: 'Released' },
      }),
      volume('new', { spec: at('n2') }),
    ],
    probe: data,
    fits: 'n2',
  },
  {
    name: 'a released volume is nobody’s, even if it is the only one',
    objects: [
      node('n1'),
      LOCAL,
      claim('data'),
      volume('old', { spec: claimRef('data', 'uid-before'), status: { phase: 'Released' } }),
    ],
    probe: data,
    fits: '',
    says: `1 ${NO_VOLUME}`,
  },
  {
    name: 'a provisioner is asked although a released volume has the name of the claim',
    objects: [
      ...two,
      MADE,
      ofMade,
      volume('old', {
        spec: { ...claimRef('data', 'uid-before'), ...at('n1'), storageClassName: 'made' },
        status: { phase: 'Released' },
      }),
    ],
    probe: data,
    fits: 'n1 n2',
  },
  {
    name: 'a volume reserved by hand for the name is taken, wherever it is',
    objects: [
      ...two,
      LOCAL,
      claim('data'),
      volume('mine', { spec: { ...claimRef('data', ''), ...at('n1') } }),
      volume('free', { spec: at('n2') }),
    ],
    probe: data,
    fits: 'n1',
  },
  {
    name: 'a volume reserved for the very claim is taken, wherever it is',
    objects: [
      ...two,
      LOCAL,
      claim('data'),
      volume('mine', { spec: { ...claimRef('data'), ...at('n2') } }),
      volume('free', { spec: at('n1') }),
    ],
    probe: data,
    fits: 'n2',
  },
  {
    name: 'a reserved volume in deletion is not a candidate: another one is taken',
    objects: [
      ...two,
      LOCAL,
      claim('data'),
      volume('mine', { metadata: DELETED, spec: { ...claimRef('data', ''), ...at('n1') } }),
      volume('free', { spec: at('n2') }),
    ],
    probe: data,
    fits: 'n2',
  },
  {
    name: 'a free volume in deletion is not a candidate',
    objects: [node('n1'), LOCAL, claim('data'), volume('free', { metadata: DELETED })],
    probe: data,
    fits: '',
    says: `1 ${NO_VOLUME}`,
  },
  {
    name: 'a volume reserved for another claim is not a candidate',
    objects: [node('n1'), LOCAL, claim('data'), volume('free', { spec: claimRef('other') })],
    probe: data,
    fits: '',
    says: `1 ${NO_VOLUME}`,
  },
  {
    name: 'a claim in deletion cannot be used',
    objects: [node('n1'), LOCAL, claim('data', { metadata: DELETED }), volume('free')],
    probe: data,
    fits: '',
    says: 'persistentvolumeclaim "data" is being deleted',
  },
  {
    name: 'a lost claim cannot be used',
    objects: [node('n1'), LOCAL, boundClaim('data', 'gone', { status: { phase: 'Lost' } })],
    probe: data,
    fits: '',
    says: 'persistentvolumeclaim "data" bound to non-existent persistentvolume "gone"',
  },
  {
    name: 'a claim that is missing',
    objects: [node('n1')],
    probe: data,
    fits: '',
    says: 'persistentvolumeclaim "data" not found',
  },
  {
    name: 'the claim of an ephemeral volume that is yet to be made',
    objects: [node('n1')],
    probe: probe({ volumes: [ephemeral('tmp')] }),
    fits: '',
    says: 'waiting for ephemeral volume controller to create the persistentvolumeclaim "probe-tmp"',
  },
  {
    name: 'the claim of an ephemeral volume that is the pod’s own',
    objects: [node('n1'), LOCAL, claim('probe-tmp', { metadata: OWN }), volume('free')],
    probe: probe({ volumes: [ephemeral('tmp')] }),
    fits: 'n1',
  },
  {
    name: 'a claim with the name of an ephemeral one that an earlier pod owns',
    objects: [node('n1'), LOCAL, claim('probe-tmp', { metadata: FOREIGN }), volume('free')],
    probe: probe({ volumes: [ephemeral('tmp')] }),
    fits: '',
    says: 'PVC default/probe-tmp was not created for pod default/probe (pod is not owner)',
  },
  {
    name: 'a claim with the name of an ephemeral one that nobody owns',
    objects: [node('n1'), ...boundPair('probe-tmp')],
    probe: probe({ volumes: [ephemeral('tmp')] }),
    fits: '',
    says: 'PVC default/probe-tmp was not created for pod default/probe (pod is not owner)',
  },
  {
    name: 'a missing claim is reported before a foreign ephemeral one',
    objects: [node('n1'), LOCAL, claim('probe-tmp', { metadata: FOREIGN })],
    probe: probe({ volumes: [ephemeral('tmp'), claimed('data')] }),
    fits: '',
    says: 'persistentvolumeclaim "data" not found',
  },
  {
    name: 'a class that binds at once: the claim has to be bound first',
    objects: [
      node('n1'),
      storageClass('now', DRIVER, { volumeBindingMode: 'Immediate' }),
      claim('data', { spec: { storageClassName: 'now' } }),
    ],
    probe: data,
    fits: '',
    says: 'pod has unbound immediate PersistentVolumeClaims',
  },
  {
    name: 'a claim that is bound goes where its volume is',
    objects: [...two, ...boundPair('data', { spec: at('n2') })],
    probe: data,
    fits: 'n2',
  },
  {
    name: 'a bound volume that is nowhere',
    objects: [...two, ...boundPair('data', { spec: at('n3') })],
    probe: data,
    fits: '',
    says: `2 ${ELSEWHERE}`,
  },
  {
    name: 'a claim that is bound to a volume in deletion can be used',
    objects: [...two, ...boundPair('data', { metadata: DELETED, spec: at('n2') })],
    probe: data,
    fits: 'n2',
  },
  {
    name: 'a volume that is too small, of the wrong mode, or read-only',
    objects: [
      node('n1'),
      LOCAL,
      claim('data'),
      volume('small', { spec: { capacity: { storage: '1M' } } }),
      volume('block', { spec: { volumeMode: 'Block' } }),
      volume('read', { spec: { accessModes: ['ReadOnlyMany'] } }),
    ],
    probe: data,
    fits: '',
    says: `1 ${NO_VOLUME}`,
  },
  {
    name: 'a volume that the claim’s selector does not match',
    objects: [
      ...two,
      LOCAL,
      claim('data', { spec: { selector: { matchLabels: { disk: 'ssd' } } } }),
      volume('hdd', { spec: at('n1') }),
      volume('ssd', { metadata: { labels: { disk: 'ssd' } }, spec: at('n2') }),
    ],
    probe: data,
    fits: 'n2',
  },
  {
    name: 'two claims need two volumes',
    objects: [
      ...two,
      LOCAL,
      claim('data'),
      claim('log'),
      volume('a', { spec: at('n1') }),
      volume('b', { spec: at('n2') }),
      volume('c', { spec: at('n2') }),
    ],
    probe: probe({ volumes: [claimed('data'), claimed('log')] }),
    fits: 'n2',
  },
  {
    name: 'the node that a provisioner was asked for stays',
    objects: [
      ...two,
      MADE,
      claim('data', {
        metadata: { annotations: { 'volume.kubernetes.io/selected-node': 'n2' } },
        spec: { storageClassName: 'made' },
      }),
    ],
    probe: data,
    fits: 'n2',
  },
  {
    name: 'allowed topologies of a class',
    objects: [
      node('n1', { labels: { [ZONE]: 'a' } }),
      node('n2', { labels: { [ZONE]: 'b' } }),
      storageClass('made', DRIVER, {
        allowedTopologies: [{ matchLabelExpressions: [{ key: ZONE, values: ['b', 'c'] }] }],
      }),
      ofMade,
    ],
    probe: data,
    fits: 'n2',
  },
  {
    name: 'zones of a bound volume’s labels',
    objects: [
      node('n1', { labels: { [ZONE]: 'a' } }),
      node('n2', { labels: { [ZONE]: 'b' } }),
      ...boundPair('data', { metadata: { labels: { [ZONE]: 'b__c' } } }),
    ],
    probe: data,
    fits: 'n2',
  },
  {
    name: 'a ReadWriteOncePod claim that is in use',
    objects: [
      ...two,
      ...boundPair('data', {}, { spec: { accessModes: ['ReadWriteOncePod'] } }),
      running('old', 'n1', { volumes: [claimed('data')] }),
    ],
    probe: data,
    fits: '',
    says: '2 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod',
  },
  {
    name: 'a volume of another attributes class does not do',
    objects: [
      ...two,
      LOCAL,
      claim('data', { spec: { volumeAttributesClassName: 'gold' } }),
      volume('plain', { spec: at('n1') }),
      volume('gold', { spec: { ...at('n2'), volumeAttributesClassName: 'gold' } }),
    ],
    probe: data,
    fits: 'n2',
  },
  {
    name: 'a volume with an attributes class does not do for a claim without one',
    objects: [
      node('n1'),
      LOCAL,
      claim('data'),
      volume('gold', { spec: { volumeAttributesClassName: 'gold' } }),
    ],
    probe: data,
    fits: '',
    says: `1 ${NO_VOLUME}`,
  },
  {
    name: 'a driver that reports its capacity: enough on one node only',
    objects: [
      ...two,
      MADE,
      ofMade,
      trackingDriver(DRIVER),
      capacity('c1', 'made', { capacity: '500Mi', nodeTopology: { matchLabels: { [HOST]: 'n1' } } }),
      capacity('c2', 'made', { capacity: '2Gi', nodeTopology: { matchLabels: { [HOST]: 'n2' } } }),
    ],
    probe: data,
    fits: 'n2',
  },
  {
    name: 'a driver that reports its capacity: nothing is known of the nodes',
    objects: [...two, MADE, ofMade, trackingDriver(DRIVER)],
    probe: data,
    fits: '',
    says: `2 ${NO_SPACE}`,
  },
  {
    name: 'the largest volume counts before what is left in all',
    objects: [
      node('n1'),
      MADE,
      ofMade,
      trackingDriver(DRIVER),
      capacity('c1', 'made', { capacity: '5Gi', maximumVolumeSize: '512Mi', nodeTopology: {} }),
    ],
    probe: data,
    fits: '',
    says: `1 ${NO_SPACE}`,
  },
  {
    name: 'capacities of another class, without nodes or without an amount do not count',
    objects: [
      node('n1'),
      MADE,
      ofMade,
      trackingDriver(DRIVER),
      capacity('c1', 'other', { capacity: '5Gi', nodeTopology: {} }),
      capacity('c2', 'made', { capacity: '5Gi' }),
      capacity('c3', 'made', { nodeTopology: {} }),
    ],
    probe: data,
    fits: '',
    says: `1 ${NO_SPACE}`,
  },
  {
    name: 'a driver that does not tell what it has left is believed',
    objects: [node('n1'), MADE, ofMade, capacity('c1', 'made', { capacity: '1Mi', nodeTopology: {} })],
    probe: data,
    fits: 'n1',
  },
  {
    name: 'sizes beyond 2^53: a volume of 10Pi for a claim of 10Pi',
    objects: [
      node('n1'),
      LOCAL,
      claim('data', { spec: { resources: { requests: { storage: '10Pi' } } } }),
      volume('big', { spec: { capacity: { storage: '10Pi' } } }),
    ],
    probe: data,
    fits: 'n1',
  },
  {
    name: 'sizes beyond 2^53: a volume of 9Pi is too small for a claim of 10Pi',
    objects: [
      node('n1'),
      LOCAL,
      claim('data', { spec: { resources: { requests: { storage: '10Pi' } } } }),
      volume('big', { spec: { capacity: { storage: '9Pi' } } }),
    ],
    probe: data,
    fits: '',
    says: `1 ${NO_VOLUME}`,
  },
  {
    name: 'sizes beyond 2^63: a bound volume of 200E',
    objects: [node('n1'), ...boundPair('data', { spec: { capacity: { storage: '200E' } } })],
    probe: data,
    fits: 'n1',
  },
  {
    name: 'sizes beyond 2^53: a claim of 10Pi whose volume is yet to be made',
    objects: [
      node('n1'),
      MADE,
      claim('data', { spec: { storageClassName: 'made', resources: { requests: { storage: '10Pi' } } } }),
    ],
    probe: data,
    fits: 'n1',
  },
  {
    name: 'an in-tree disk in the zone of its label, as its CSI driver names zones',
    objects: [
      node('n1', { labels: { 'topology.gke.io/zone': 'us-east1-b' } }),
      node('n2', { labels: { 'topology.gke.io/zone': 'us-east1-c' } }),
      csiNode('n1', {}, 'kubernetes.io/gce-pd'),
      csiNode('n2', {}, 'kubernetes.io/gce-pd'),
      ...boundPair('data', {
        metadata: { labels: { [ZONE]: 'us-east1-c' } },
        spec: { gcePersistentDisk: { pdName: 'd' } },
      }),
    ],
    probe: data,
    fits: 'n2',
  },
  {
    name: 'an in-tree disk on nodes that have not moved to its CSI driver',
    objects: [
      node('n1', { labels: { [ZONE]: 'a' } }),
      node('n2', { labels: { [ZONE]: 'b' } }),
      ...boundPair('data', {
        spec: { awsElasticBlockStore: { volumeID: 'vol-1' }, ...onlyWhere(ZONE, 'b') },
      }),
    ],
    probe: data,
    fits: 'n2',
  },
  {
    name: 'an in-tree disk of a node that has moved to its CSI driver but lacks the driver’s label',
    objects: [
      node('n1', { labels: { [ZONE]: 'a' } }),
      csiNode('n1', {}, 'kubernetes.io/aws-ebs'),
      ...boundPair('data', {
        spec: { awsElasticBlockStore: { volumeID: 'vol-1' }, ...onlyWhere(ZONE, 'a') },
      }),
    ],
    probe: data,
    fits: '',
    says: `1 ${ELSEWHERE}`,
  },
];
