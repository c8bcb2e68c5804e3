/** Reading and writing of a Lease of coordination.k8s.io/v1. */
import { microTimeText } from './api-time.ts';
import { at, textAt } from './retrying-request.ts';

/** A lease as it was read. */
export interface LeaseRecord {
  /** '' if there is no holder. */
  readonly holder: string;
  readonly durationSeconds: number;
  readonly transitions: number;
  readonly acquireTime: string;
  /** Changes with every write. */
  readonly version: string;
  /** The whole object, for the fields that are not ours. */
  readonly object: unknown;
}

/** @returns The contents of the API server's object; missing fields read as no holder. */
export function leaseRecordOf(object: unknown): LeaseRecord {
  const number = (key: string): number => {
    const value = at(object, 'spec', key);
    return typeof value === 'number' && Number.isFinite(value) ? value : 0;
  };
  return {
    holder: textAt(object, 'spec', 'holderIdentity'),
    durationSeconds: number('leaseDurationSeconds'),
    transitions: number('leaseTransitions'),
    acquireTime: textAt(object, 'spec', 'acquireTime'),
    version: textAt(object, 'metadata', 'resourceVersion'),
    object,
  };
}

/** @returns The body that makes `identity` the holder; with the version of `old`, so that only one of several succeeds. */
export function heldLease(
  place: { readonly namespace: string; readonly name: string },
  old: LeaseRecord | undefined,
  identity: string,
  durationSeconds: number,
  wallSeconds: number,
): object {
  const now = microTimeText(wallSeconds);
  const renewing = old?.holder === identity;
  return leaseBody(place, old, {
    holderIdentity: identity,
    leaseDurationSeconds: durationSeconds,
    acquireTime: renewing && old.acquireTime !== '' ? old.acquireTime : now,
    renewTime: now,
    leaseTransitions: old === undefined ? 0 : old.transitions + (renewing ? 0 : 1),
  });
}

/** @returns The body that releases it, so that the next process need not wait for its end. */
export function releasedLease(
  place: { readonly namespace: string; readonly name: string },
  old: LeaseRecord,
  wallSeconds: number,
): object {
  const now = microTimeText(wallSeconds);
  return leaseBody(place, old, {
    holderIdentity: '',
    leaseDurationSeconds: 1,
    acquireTime: now,
    renewTime: now,
    leaseTransitions: old.transitions,
  });
}

function leaseBody(
  place: { readonly namespace: string; readonly name: string },
  old: LeaseRecord | undefined,
  spec: Readonly<Record<string, unknown>>,
): object {
  const metadata = at(old?.object, 'metadata');
  const oldSpec = at(old?.object, 'spec');
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      ...(typeof metadata === 'object' ? metadata : {}),
      name: place.name,
      namespace: place.namespace,
    },
    spec: { ...(typeof oldSpec === 'object' ? oldSpec : {}), ...spec },
  };
}
