import { expect, test } from 'vitest';
import { StoredForm } from './stored-form.ts';

test('a PodGroup of a manifest has the priority of the class that it names, as admission would fill it in', () => {
  const form = new StoredForm();
  form.of({ kind: 'PriorityClass', metadata: { name: 'gold' }, value: 10 });
  const group = (spec: object) => form.of({ kind: 'PodGroup', metadata: { name: 'g' }, spec }).spec;
  expect(group({ priorityClassName: 'gold' })).toEqual({ priorityClassName: 'gold', priority: 10 });
  expect(group({ priorityClassName: 'gold', priority: 3 })).toMatchObject({ priority: 3 });
  for (const spec of [{ priorityClassName: 'lead' }, {}]) expect(group(spec)).toEqual(spec);
});
