import { describe, expect, test } from 'vitest';
import type { NodeSelectorTerm } from '../../../model/kubernetes/pod.ts';
import { inlineDiskOf, inTreeDiskOf } from './in-tree-volumes.ts';

const ZONE = 'topology.kubernetes.io/zone';
const REGION = 'topology.kubernetes.io/region';
const BETA_ZONE = 'failure-domain.beta.kubernetes.io/zone';
const BETA_REGION = 'failure-domain.beta.kubernetes.io/region';
const EBS_ZONE = 'topology.ebs.csi.aws.com/zone';

const term = (...pairs: [string, ...string[]][]): NodeSelectorTerm => ({
  expressions: pairs.map(([key, ...values]) => ({ key, operator: 'In', values })),
  fields: [],
});
const EBS = { awsElasticBlockStore: { volumeID: 'vol-1' } };

describe('the handle', () => {
  test.each<[object, string, string]>([
    [{ awsElasticBlockStore: { volumeID: 'vol-1' } }, 'ebs.csi.aws.com', 'vol-1'],
    [{ awsElasticBlockStore: { volumeID: 'aws:///vol-1' } }, 'ebs.csi.aws.com', 'vol-1'],
    [{ awsElasticBlockStore: { volumeID: 'aws://eu-1a/vol-1' } }, 'ebs.csi.aws.com', 'vol-1'],
    [{ awsElasticBlockStore: { volumeID: 'aws://eu-1a/disk' } }, 'ebs.csi.aws.com', ''],
    [
      { gcePersistentDisk: { pdName: 'd' } },
      'pd.csi.storage.gke.io',
      'projects/UNSPECIFIED/zones/UNSPECIFIED/disks/d',
    ],
    [{ azureDisk: { diskName: 'd', diskURI: '/x/d', kind: 'Managed' } }, 'disk.csi.azure.com', '/x/d'],
    [{ azureDisk: { diskName: 'd', diskURI: '/x/d', kind: 'Shared' } }, 'disk.csi.azure.com', ''],
    [{ cinder: { volumeID: 'c' } }, 'cinder.csi.openstack.org', 'c'],
    [{ portworxVolume: { volumeID: 'p' } }, 'pxd.portworx.com', 'p'],
  ])('of %j', (volume, driver, handle) => {
    expect(inlineDiskOf({ ...volume }, 'spec.volumes[0]')).toEqual({ driver, handle });
    expect(inTreeDiskOf({ ...volume }, {}, undefined)).toMatchObject({ driver, handle });
  });

  test.each<[Record<string, string>, string]>([
    [{ [ZONE]: 'eu-west1-b' }, 'projects/UNSPECIFIED/zones/eu-west1-b/disks/d'],
    [{ [BETA_ZONE]: 'eu-west1-b', [ZONE]: 'x' }, 'projects/UNSPECIFIED/zones/eu-west1-b/disks/d'],
    [{ [ZONE]: 'eu-west1-b__eu-west1-c' }, 'projects/UNSPECIFIED/regions/eu-west1/disks/d'],
    [{ [ZONE]: 'eu-west1-b__us-east1-c' }, ''],
    [{ [ZONE]: 'here__there' }, ''],
  ])('of a disk of Google with labels %j', (labels, handle) => {
    const disk = inTreeDiskOf({ gcePersistentDisk: { pdName: 'd' } }, labels, undefined);
    expect(disk?.handle).toBe(handle);
    // A disk that the driver cannot take is on no node that leaves disks to it.
    if (handle === '') expect(disk?.inTree.nodeTerms).toEqual([]);
  });

  test('of other volumes there is none', () => {
    expect(inTreeDiskOf({ nfs: {} }, {}, undefined)).toBeUndefined();
    expect(inlineDiskOf({ emptyDir: {} }, 'spec.volumes[0]')).toBeUndefined();
    expect(inTreeDiskOf({ azureFile: {} }, {}, undefined)).toBeUndefined();
  });
});

describe('where a disk can be used that was left to its driver', () => {
  test.each<[string, Record<string, string>, NodeSelectorTerm[] | undefined, NodeSelectorTerm[] | undefined]>(
    [
      ['nothing said', {}, undefined, undefined],
      ['a zone in the node affinity', {}, [term([ZONE, 'a'])], [term([EBS_ZONE, 'a'])]],
      ['it counts before labels', { [ZONE]: 'b' }, [term([ZONE, 'a'])], [term([EBS_ZONE, 'a'])]],
      ['a zone in labels', { [ZONE]: 'a' }, undefined, [term([EBS_ZONE, 'a'])]],
      ['zones in an older label', { [BETA_ZONE]: 'b__ a __' }, undefined, [term([EBS_ZONE, 'a', 'b'])]],
      [
        'labels beside another affinity',
        { [ZONE]: 'a' },
        [term(['disk', 'ssd'])],
        [term(['disk', 'ssd'], [EBS_ZONE, 'a'])],
      ],
      [
        'older names become newer ones',
        {},
        [term([BETA_ZONE, 'a'], [BETA_REGION, 'r'])],
        [term([EBS_ZONE, 'a'], [REGION, 'r'])],
      ],
      ['newer names stay', {}, [term([ZONE, 'a'], [REGION, 'r'])], [term([EBS_ZONE, 'a'], [REGION, 'r'])]],
      ['an empty label', { [ZONE]: '' }, undefined, undefined],
    ],
  )('%s', (_, labels, terms, expected) => {
    expect(inTreeDiskOf(EBS, labels, terms)?.inTree.nodeTerms).toEqual(expected);
  });

  test('drivers without zones of their own leave it as it is', () => {
    const terms = [term([ZONE, 'a'])];
    const disk = inTreeDiskOf({ azureDisk: { diskURI: '/d' } }, { [ZONE]: 'b' }, terms);
    expect(disk?.inTree).toEqual({ plugin: 'kubernetes.io/azure-disk', nodeTerms: terms });
  });
});
