/** Market, Tenant and Account on a real API server: what it takes, refuses with the path, and shows. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHART } from '../../deploy/render.ts';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import { describeWithControlPlane, kubectl } from './control-plane-fixture.ts';

const CRDS = join(CHART, 'crds');

function object(kind: string, name: string, spec: object): string {
  return JSON.stringify({ apiVersion: 'teg.dev/v1alpha1', kind, metadata: { name }, spec });
}

describeWithControlPlane('objects of the economy', ['kubectl'], () => {
  let plane: ControlPlane;

  async function apply(text: string): Promise<string> {
    return kubectl(plane, ['apply', '--validate=strict', '-f', '-'], text);
  }

  beforeAll(async () => {
    plane = await startControlPlane({});
    await kubectl(plane, ['apply', '-f', CRDS]);
    const names = readdirSync(CRDS).map((file) => `crd/${file.replace('.yaml', '.teg.dev')}`);
    await kubectl(plane, ['wait', '--for=condition=Established', '--timeout=60s', ...names]);
  }, 180_000);

  afterAll(async () => {
    await plane?.stop();
  }, 60_000);

  test('whole objects are taken, and shown in columns under their short names', async () => {
    const gpus = { h100: { 'nvidia.com/gpu': 16, cpu: '500m' } };
    await apply(
      object('Market', 'default', {
        flavors: [
          { name: 'h100', nodeSelector: { a: 'b' }, unitsPerHour: { 'nvidia.com/gpu': 1, cpu: '0.02' } },
        ],
        halfLife: '168h',
        memory: '720h',
        priceCap: 20,
        champion: { afterSeconds: 60, reservationsMax: 1, unknownRuntime: 'Predict' },
        priorityScope: 'Tenant',
      }),
    );
    await apply(
      object('Tenant', 'nlp', {
        parent: 'research',
        quota: gpus,
        limit: gpus,
        lend: gpus,
        preemption: { within: 'LowerPriority', reclaim: 'Any', minRuntime: '10m', ratePerHour: 0.1 },
        budget: { tokens: 50_000, period: '720h', onEmpty: 'Wait' },
        namespaces: { matchLabels: { team: 'nlp' } },
        defaultRuntime: '8h',
        state: 'Open',
      }),
    );
    const words = async (kind: string): Promise<string[]> =>
      ((await kubectl(plane, ['get', kind])).split('\n')[0] ?? '').trim().split(/\s+/);
    expect(await words('tn')).toEqual(
      'NAME PARENT BALANCE RESERVED AVAILABLE SPEND/H QUOTA USED BORROWED LENT WAITING SHARE AGE'.split(' '),
    );
    expect(await words('mkt')).toEqual('NAME FLAVOR PRICE SLOPE UTIL TAX CHAMPION STARTS-BY'.split(' '));
    await apply(
      JSON.stringify({
        apiVersion: 'teg.dev/v1alpha1',
        kind: 'Account',
        metadata: { name: 'nlp', namespace: 'default' },
      }),
    );
    expect(await words('acct')).toEqual(
      'NAME TENANT AVAILABLE SPEND/H RUNNING WAITING NEXT-START'.split(' '),
    );
  }, 60_000);

  test.each([
    ['a half-life of 0', object('Market', 'default', { halfLife: '0s' }), 'spec.halfLife'],
    ['a half-life that is none', object('Market', 'default', { halfLife: 'week' }), 'spec.halfLife'],
    ['no half-life', object('Market', 'default', {}), 'spec.halfLife'],
    ['another market', object('Market', 'other', { halfLife: '1h' }), 'the name must be default'],
    [
      'a price cap below the base',
      object('Market', 'default', { halfLife: '1h', priceCap: 0.5 }),
      'spec.priceCap',
    ],
    [
      'a parent of itself',
      object('Tenant', 'self', { parent: 'self' }),
      'spec.parent must be another tenant',
    ],
    ['a negative weight', object('Tenant', 'x', { weight: -1 }), 'spec.weight'],
    [
      'a rate above 1',
      object('Tenant', 'x', { preemption: { ratePerHour: 2 } }),
      'spec.preemption.ratePerHour',
    ],
    ['a budget without period', object('Tenant', 'x', { budget: { tokens: 1 } }), 'spec.budget.period'],
    ['a run time of 0', object('Tenant', 'x', { defaultRuntime: '0s' }), 'spec.defaultRuntime'],
    ['an unknown state', object('Tenant', 'x', { state: 'Shut' }), 'spec.state'],
    ['an unknown field', object('Tenant', 'x', { wieght: 2 }), 'wieght'],
  ])('%s is refused with its path', async (_, text, path) => {
    await expect(apply(text)).rejects.toThrow(path);
  });
});
