import { describe, expect, test } from 'vitest';
import { podTenantSpec } from '../../../market/tenants/economy-description.ts';
import { tenantSpec } from '../../../market/tenants/spec.ts';
import { selector } from '../scheduler.fixtures.ts';
import { isAdmittedKey, TenantKeys, tenantKey } from './tenant-keys.ts';

const NAMESPACES = new Map([
  ['nlp-dev', { team: 'nlp' }],
  ['shared', { team: 'nlp', lab: 'x' }],
  ['open', {}],
]);
const KEYS = new TenantKeys(
  [
    podTenantSpec(tenantSpec('nlp'), selector('team', 'nlp')),
    podTenantSpec(tenantSpec('lab'), selector('lab', 'x')),
    podTenantSpec(tenantSpec('bare')),
  ],
  NAMESPACES,
);

describe('the tenant of a pod', () => {
  test.each([
    ['nlp-dev', '', '', 'nlp', undefined],
    ['nlp-dev', 'nlp', '', 'nlp', undefined],
    ['shared', 'nlp', '', 'nlp', undefined],
    ['shared', 'lab', '', 'lab', undefined],
    ['shared', '', '', 'lab', 'several-tenants'],
    ['nlp-dev', 'lab', '', 'nlp', 'namespace-not-allowed'],
    ['nlp-dev', 'nobody', '', 'nlp', 'unknown-tenant'],
    ['open', '', '', 'default', undefined],
    ['open', 'nlp', '', 'default', 'namespace-not-allowed'],
    ['open', 'bare', '', 'default', 'namespace-not-allowed'],
    ['open', '', 'bare', 'bare', undefined],
    ['open', '', 'nobody', 'default', undefined],
    ['nlp-dev', '', 'lab', 'nlp', undefined],
    ['unknown', '', '', 'default', undefined],
    ['constructor', 'toString', '', 'default', 'unknown-tenant'],
  ])('in namespace %s with label "%s" and alias "%s": %s (%s)', (namespace, label, alias, name, problem) => {
    expect(KEYS.resolve(tenantKey(namespace, label, alias))).toEqual({ name, problem });
  });

  test('a pod that another layer has admitted has the same tenant, and a key of its own', () => {
    for (const [label, alias, name] of [
      ['', '', 'default'],
      ['', 'bare', 'bare'],
    ] as const) {
      const key = tenantKey('open', label, alias, true);
      expect(KEYS.resolve(key)).toEqual({ name, problem: undefined });
      expect([key, tenantKey('open', label, alias)].map(isAdmittedKey)).toEqual([true, false]);
    }
  });

  test('a key without a slash is a namespace, as in logs without an economy', () => {
    expect(KEYS.resolve('nlp-dev')).toEqual({ name: 'nlp', problem: undefined });
  });

  test('names all tenants that have a namespace', () => {
    expect(KEYS.ownersOf('shared')).toEqual(['lab', 'nlp']);
    expect(KEYS.ownersOf('open')).toEqual([]);
  });
});
