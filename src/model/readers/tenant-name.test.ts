import { expect, test } from 'vitest';
import { TENANT_LABEL, tenantNameOf } from './tenant-name.ts';

test('the label names the tenant, else the namespace is it', () => {
  expect(tenantNameOf('nlp-prod', {})).toBe('nlp-prod');
  expect(tenantNameOf('nlp-prod', { labels: { app: 'web' } })).toBe('nlp-prod');
  expect(tenantNameOf('nlp-prod', { labels: { [TENANT_LABEL]: '' } })).toBe('nlp-prod');
  expect(tenantNameOf('nlp-prod', { labels: { [TENANT_LABEL]: 'nlp' } })).toBe('nlp');
  expect(() => tenantNameOf('nlp-prod', { labels: { [TENANT_LABEL]: 7 } })).toThrow('teg.dev/tenant');
});
