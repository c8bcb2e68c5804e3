/** What a Lease of coordination.k8s.io/v1 says, and what is written into it. */
import { microTimeText } from './api-time.ts';
import { at, textAt } from './retrying-request.ts';

/** A lease as it was read. */
export interface LeaseRecord {
  /** '' if nobody holds it. */
  readonly holder: string;
  readonly durationSeconds: number;
  readonly transitions: number;
  readonly acquireTime: string;
  /** Changes with every write. */
  readonly version: string;
  /** The whole object, for what is not ours in it. */
  readonly object: unknown;
}

/** @returns What the API server's object says; missing fields as if nobody held it. */
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

/** @returns The body that gives it up, so that the next one need not wait for its end. */
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
