/**
 * The auditor is worth something only if it sees what must not happen: here it does happen, by hand, on a real API server.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithControlPlane } from '../control-plane-fixture.ts';
import { Stage } from './stage.ts';

describeWithControlPlane('the auditor', [], () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.set();
    await stage.nodes(2, { cpu: '1' });
  }, 60_000);

  afterAll(() => stage?.strike());

  async function bind(pod: string, node: string): Promise<void> {
    await stage.must(`/api/v1/namespaces/default/pods/${pod}/binding`, {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: pod },
      target: { apiVersion: 'v1', kind: 'Node', name: node },
    });
  }

  test('sees a node over capacity, a node that is gone, a missing event and a gang in part', async () => {
    const { auditor } = stage;
    await stage.group('gang', 2);
    await stage.pods(2, { prefix: 'p', cpu: '600m' });
    await stage.pods(2, { prefix: 'gang', cpu: '100m', group: 'gang' });
    await bind('p-0', 'node-0');
    await stage.until('it is seen', () => auditor.bound === 1, 5);
    expect(auditor.violations).toEqual([]);
    await bind('p-1', 'node-0');
    await stage.until('it is seen', () => auditor.bound === 2, 5);
    expect(auditor.violations).toEqual([expect.stringMatching(/^node node-0 over capacity at revision \d+/)]);
    await bind('gang-0', 'never-there');
    await stage.until('it is seen', () => auditor.bound === 3, 5);
    expect(auditor.boundToGone).toBe(1);
    expect(auditor.unbound).toBe(1);
    expect(auditor.gangs().get('gang')).toEqual({ bound: 1, unbound: 1 });
    expect(await stage.eventsAreThere(0.1, 2)).toBe(3);
    // Pods are created several at once: any order is right.
    const named = auditor.violations
      .at(-1)
      ?.match(/default\/[\w-]+/g)
      ?.sort();
    expect(auditor.violations.at(-1)).toMatch(/^no event: /);
    expect(named).toEqual(['default/gang-0', 'default/p-0', 'default/p-1']);
  });

  test('sees what comes late', async () => {
    await stage.until('something that never is', () => false, 0.1);
    expect(stage.auditor.violations.at(-1)).toBe('not within 0.1 s: something that never is');
  });

  test('sees a scheduler that ends by itself', async () => {
    const teg = stage.startTeg({ args: ['--no-such-option'] });
    expect(await teg.ended).toEqual({ code: 2, signal: null });
    expect(stage.auditor.violations.at(-1)).toMatch(/^the scheduler ended on its own \(2\).*no-such-option/s);
  });
});
