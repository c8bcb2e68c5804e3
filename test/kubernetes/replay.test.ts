/**
 * Recordings of a scheduler at work on a real API server, repeated: 5,000 pods with gangs and preemption, while nodes are
 * deleted, cordoned and created again and pods deleted; and the log that a killed scheduler leaves.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithControlPlane } from './control-plane-fixture.ts';
import { Stage } from './faults/stage.ts';
import { runTeg } from './teg-command.ts';

const NODES = 250;
const PODS = 5000;
const GANGS = 20;
const GANG = 8;

describeWithControlPlane('teg replay', [], () => {
  let stage: Stage;

  beforeAll(async () => {
    stage = await Stage.set({ seed: 5 });
    await stage.nodes(NODES);
  }, 60_000);
  afterAll(() => stage?.strike(), 60_000);

  async function replay(file: string, ...args: string[]) {
    const { code, stdout, stderr } = await runTeg(['replay', file, '--json', ...args]);
    expect(code, stderr + stdout.slice(0, 5000)).toBe(0);
    return JSON.parse(stdout);
  }

  /** Nodes and pods come and go while `goesOn` says so. */
  async function churn(goesOn: () => boolean): Promise<void> {
    const { random } = stage;
    while (goesOn()) {
      const [gone, cordoned] = [random.nextInt(NODES), random.nextInt(NODES)];
      await stage.ask({ method: 'DELETE', path: `/api/v1/nodes/node-${gone}` });
      await stage.patch(`/api/v1/nodes/node-${cordoned}`, { spec: { unschedulable: true } });
      for (let i = 0; i < 4; i++) await stage.deletePod(`p-${random.nextInt(PODS)}`);
      await delay(random.nextFloat() * 30);
      await stage.nodes(1, {}, gone);
      await stage.patch(`/api/v1/nodes/node-${cordoned}`, { spec: { unschedulable: null } });
    }
  }

  test('5,000 pods with churn: every decision again, bit for bit', async () => {
    const file = join(stage.plane.folder, 'decisions.log.gz');
    const teg = stage.startTeg({ args: ['--record', file] });
    await stage.until('teg leads', () => teg.said('synced').length > 0, 30);
    for (let gang = 0; gang < GANGS; gang++) await stage.group(`gang-${gang}`, GANG);
    let working = true;
    const gangs = async (): Promise<void> => {
      for (let gang = 0; gang < GANGS; gang++) {
        await stage.pods(GANG, { prefix: `gang-${gang}`, group: `gang-${gang}`, cpu: '250m' });
        await stage.pods(1, { prefix: 'whale', cpu: '64' }, gang);
      }
    };
    const plain = stage.pods(PODS, { prefix: 'p', cpu: '100m', memory: '100Mi' });
    const others = Promise.all([gangs(), churn(() => working)]);
    await plain;
    working = false;
    await others;
    await stage.until('all but the whales are bound', () => stage.auditor.unbound <= GANGS, 120);
    // Fill one node, so that a pod of higher priority has to take room on it.
    const spec = { nodeSelector: { 'kubernetes.io/hostname': `node-${NODES}` } };
    await stage.nodes(1, {}, NODES);
    await stage.pods(4, { prefix: 'victim', cpu: '1', spec });
    const isBound = async (name: string): Promise<boolean> => {
      const { body } = await stage.ask({ method: 'GET', path: `/api/v1/namespaces/default/pods/${name}` });
      return (body as { spec?: { nodeName?: string } }).spec?.nodeName !== undefined;
    };
    for (let i = 0; i < 4; i++) await stage.until('victims are bound', () => isBound(`victim-${i}`), 30);
    await stage.pods(1, { prefix: 'winner', cpu: '2', spec: { ...spec, priority: 1000 } });
    await stage.until(
      'the winner has its nomination',
      async () => (await teg.metrics()).get('scheduler_preemption_victims_sum') === 2,
      30,
    );
    await stage.until('all others are bound', () => stage.auditor.unbound <= GANGS, 60);
    // While much came, it was let gather.
    expect((await teg.metrics()).get('teg_coalescing_pauses_total')).toBeGreaterThan(100);
    expect(await teg.stop()).toBe(0);

    const { auditor } = stage;
    const result = await replay(file, '--explain', 'default/gang-3-0');
    expect(result).toMatchObject({ identical: true, end: 'complete', difference: null, failure: '' });
    expect(result.compared).toBe(result.steps);
    expect(result.steps).toBeGreaterThan(2 * PODS);
    expect(result.binds).toBeGreaterThanOrEqual(auditor.everBound.size);
    expect(auditor.everBound.size).toBeGreaterThan(PODS * 0.9);
    expect(result.unschedulable).toBeGreaterThanOrEqual(GANGS);
    expect(result.evictions).toBe(2);
    expect(result.pod.history.map(({ what }: { what: string }) => what)).toContain('bind');
    expect(statSync(file).size).toBeLessThan(10 * 2 ** 20);
    expect(auditor.violations).toEqual([]);
  }, 300_000);

  test('a scheduler that was killed leaves a log that is repeated as far as it goes', async () => {
    const file = join(stage.plane.folder, 'killed.log.gz');
    const teg = stage.startTeg({ args: ['--record', file] });
    await stage.until('teg leads', () => teg.said('synced').length > 0, 30);
    await stage.pods(300, { prefix: 'late', cpu: '100m' });
    await stage.until('they are bound', () => stage.auditor.unbound <= GANGS, 60);
    // What is written reaches the file within a second.
    await delay(1500);
    await teg.kill();
    const result = await replay(file);
    expect(result).toMatchObject({ identical: true, end: 'cut off', failure: '' });
    expect(result.binds).toBeGreaterThanOrEqual(300);
    // Another one keeps it.
    const next = stage.startTeg({ args: ['--record', file] });
    await stage.until('teg leads', () => next.said('synced').length > 0, 30);
    expect(await next.stop()).toBe(0);
    expect((await replay(`${file}.1`)).steps).toBe(result.steps);
    expect(await replay(file)).toMatchObject({ identical: true, end: 'complete' });
    expect(stage.complaints).toEqual([]);
  }, 90_000);
});
