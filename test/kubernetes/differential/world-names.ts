/**
 * Names of everything in a random case, so that many cases can stand in one cluster and not see each other.
 */

/** How a case calls things. */
export interface WorldNames {
  readonly node: (index: number) => string;
  /** Namespaces 0 and 1. */
  readonly namespace: (index: number) => string;
  /** Names of volumes and storage classes, which have no namespace. */
  readonly global: (name: string) => string;
  /** Topology keys: one node, three zones, two racks. */
  readonly hostKey: string;
  readonly zoneKey: string;
  readonly rackKey: string;
  /** Labels that all nodes of the case have and pods ask for, so that they stay in their case; {} where it is alone. */
  readonly home: Readonly<Record<string, string>>;
}

/** Labels of zones as clouds set them: volumes are bound to them, whatever topology the pods of a case look at. */
export const CLOUD_ZONE = 'topology.kubernetes.io/zone';

/** A CSI driver that has taken over an in-tree plugin, and the label that it puts zones in. */
export const EBS_DRIVER = 'ebs.csi.aws.com';
export const EBS_ZONE = 'topology.ebs.csi.aws.com/zone';

/** Names of a case that has a cluster to itself. */
export const ALONE: WorldNames = {
  node: (index) => `n${index}`,
  namespace: (index) => `ns${index}`,
  global: (name) => name,
  hostKey: 'kubernetes.io/hostname',
  zoneKey: CLOUD_ZONE,
  rackKey: 'rack',
  home: {},
};

/** @returns Names of case `id` among others in one cluster: its topology keys are on its nodes only. */
export function namesAmongOthers(id: string): WorldNames {
  return {
    node: (index) => `${id}-n${index}`,
    namespace: (index) => `${id}-ns${index}`,
    global: (name) => `${id}-${name}`,
    hostKey: `${id}.example.com/host`,
    zoneKey: `${id}.example.com/zone`,
    rackKey: `${id}.example.com/rack`,
    home: { case: id },
  };
}
