import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkProperty } from '../../test/support/properties.ts';
import { TENANTS_MAX } from './limits.ts';
import { DEFAULT_TENANT, DEFAULT_TENANT_NAME, TenantTable } from './tenants.ts';

test('a name has one number, and no name is the default tenant', () => {
  const table = new TenantTable();
  const nlp = table.intern('nlp');
  expect(table.intern('vision')).not.toBe(nlp);
  expect(table.intern('nlp')).toBe(nlp);
  expect(table.nameOf(nlp)).toBe('nlp');
  expect(table.intern('')).toBe(DEFAULT_TENANT);
  expect(table.intern(DEFAULT_TENANT_NAME)).toBe(DEFAULT_TENANT);
  expect([table.find('nlp'), table.find('unknown'), table.find('')]).toEqual([nlp, -1, DEFAULT_TENANT]);
  expect(table.size).toBe(3);
});

test('names that come and go leave nothing behind, and those in use keep their numbers', () => {
  checkProperty(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 5 }))), (steps) => {
      const table = new TenantTable();
      const uses: number[][] = Array.from({ length: 6 }, () => []);
      for (const [comes, i] of steps) {
        const name = i === 0 ? '' : `team-${i}`;
        const held = uses[i] as number[];
        if (comes) held.push(table.acquire(name));
        else if (held.length > 0) table.release(held.pop() as number);
        expect(new Set(held).size).toBeLessThanOrEqual(1);
      }
      const known = uses.slice(1).flatMap((held, i) => (held.length > 0 ? [[`team-${i + 1}`, held[0]]] : []));
      for (const [name, tenant] of known) expect(table.nameOf(tenant as number)).toBe(name);
      expect(table.size).toBe(1 + known.length);
      const names = [DEFAULT_TENANT_NAME, ...known.map(([name]) => name)].sort();
      expect(
        table
          .toList()
          .filter((name) => name !== '')
          .sort(),
      ).toEqual(names);
      expect(table.numbersUsed).toBeLessThanOrEqual(6);
    }),
  );
});

test('one tenant more than may be is refused, and a released number makes room', () => {
  const table = new TenantTable();
  for (let i = 1; i < TENANTS_MAX; i++) table.acquire(`t${i}`);
  expect(table.size).toBe(TENANTS_MAX);
  expect(() => table.acquire('one-more')).toThrow(
    expect.objectContaining({ code: 'TEG_LIMIT_REACHED', message: expect.stringContaining("'one-more'") }),
  );
  expect(table.acquire('t7')).toBe(table.find('t7'));
  const freed = table.find('t9');
  table.release(freed);
  expect(table.acquire('one-more')).toBe(freed);
  expect(() => table.intern('yet-another')).toThrow(expect.objectContaining({ code: 'TEG_LIMIT_REACHED' }));
});

test('a release too many is a bug', () => {
  const table = new TenantTable();
  const tenant = table.acquire('nlp');
  table.release(tenant);
  expect(() => table.release(tenant)).toThrow('released more often');
  for (let i = 0; i < 3; i++) table.release(DEFAULT_TENANT);
  expect(table.nameOf(DEFAULT_TENANT)).toBe(DEFAULT_TENANT_NAME);
});

test('a list of names is a copy: tenants that come later do not change it', () => {
  const table = new TenantTable();
  const list = table.toList();
  table.intern('nlp');
  expect(list).toEqual([DEFAULT_TENANT_NAME]);
  expect(table.toList()).toEqual([DEFAULT_TENANT_NAME, 'nlp']);
});
