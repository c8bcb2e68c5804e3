/**
 * Pods that wait, on a real API server: nominations that others write, and reports that outlive the server's events.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ControlPlane } from '../../lab/control-plane/control-plane.ts';
import { createNodes } from '../../lab/control-plane/nodes.ts';
import { startControlPlane } from '../../lab/control-plane/start.ts';
import type { ApiRequest } from '../../src/drivers/kubernetes/client/api.ts';
import type { HttpApiClient } from '../../src/drivers/kubernetes/client/http-client.ts';
import { at, textAt } from '../../src/drivers/kubernetes/writes/retrying-request.ts';
import { clientOf, describeWithControlPlane } from './control-plane-fixture.ts';
import { TegChild } from './faults/teg-child.ts';

const PODS = '/api/v1/namespaces/default/pods';
const NODES = 4;
/** Seconds after which events are gone, and after which reports are renewed. */
const EVENT_TTL = 5;
const RENEWAL = 12;

describeWithControlPlane('pods that wait', ['kwok'], () => {
  let plane: ControlPlane;
  let client: HttpApiClient;
  let teg: TegChild;

  async function ask(
    method: ApiRequest['method'],
    path: string,
    body?: object,
    contentType?: string,
  ): Promise<unknown> {
    const answer = await client.request({
      method,
      path,
      body,
      ...(contentType === undefined ? {} : { contentType }),
    });
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
    return answer.body;
  }

  async function create(name: string, cpu: string, more: object = {}): Promise<void> {
    const containers = [{ name: 'c', image: 'i', resources: { requests: { cpu } } }];
    const spec = { schedulerName: 'teg', containers, ...more };
    await ask('POST', PODS, { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec });
  }

  async function until(seconds: number, holds: () => Promise<boolean>): Promise<boolean> {
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await delay(200))
      if (await holds()) return true;
    return false;
  }

  async function eventsOf(name: string): Promise<number> {
    const list = at(
      await ask('GET', '/apis/events.k8s.io/v1/namespaces/default/events'),
      'items',
    ) as unknown[];
    return list.filter((event) => textAt(event, 'regarding', 'name') === name).length;
  }

  beforeAll(async () => {
    plane = await startControlPlane({ apiServerFlags: [`--event-ttl=${EVENT_TTL}s`] });
    client = clientOf(plane.kubeconfig);
    await createNodes(client, NODES);
    const config = { queue: { renewalSeconds: RENEWAL } };
    teg = new TegChild({ kubeconfig: plane.kubeconfig, folder: plane.folder, config });
    await delay(2000);
  }, 120_000);

  afterAll(async () => {
    await teg?.stop();
    await client?.close();
    await plane?.stop();
  }, 60_000);

  test('go where others nominated them, after this scheduler had seen them', {
    timeout: 60_000,
  }, async () => {
    const nodes = at(await ask('GET', '/api/v1/nodes'), 'items') as unknown[];
    const names = nodes.map((node) => textAt(node, 'metadata', 'name'));
    expect(names).toHaveLength(NODES);
    const gates = { schedulingGates: [{ name: 'example.com/hold' }] };
    for (const name of names) await create(`on-${name}`, '100m', gates);
    await delay(1000);
    for (const node of names) {
      const status = { status: { nominatedNodeName: node } };
      await ask('PATCH', `${PODS}/on-${node}/status`, status, 'application/merge-patch+json');
    }
    await delay(500);
    for (const node of names) {
      const patch = { spec: { schedulingGates: null } };
      await ask('PATCH', `${PODS}/on-${node}`, patch, 'application/merge-patch+json');
    }
    for (const node of names) {
      const nodeOf = async () => textAt(await ask('GET', `${PODS}/on-${node}`), 'spec', 'nodeName');
      await until(10, async () => (await nodeOf()) !== '');
      expect(await nodeOf()).toBe(node);
    }
  });

  test('are reported again when their event is gone, in words that are true then', {
    timeout: 90_000,
  }, async () => {
    await create('big', '4000');
    expect(await until(5, async () => (await eventsOf('big')) === 1)).toBe(true);
    expect(await until(EVENT_TTL + 5, async () => (await eventsOf('big')) === 0)).toBe(true);
    const [node] = at(await ask('GET', '/api/v1/nodes'), 'items') as unknown[];
    const path = `/api/v1/nodes/${textAt(node, 'metadata', 'name')}`;
    await ask('PATCH', path, { spec: { unschedulable: true } }, 'application/merge-patch+json');
    expect(await until(RENEWAL + 3, async () => (await eventsOf('big')) === 1)).toBe(true);
    const conditionOf = async (): Promise<unknown> => {
      const conditions = at(await ask('GET', `${PODS}/big`), 'status', 'conditions') as unknown[];
      return conditions.find((each) => textAt(each, 'type') === 'PodScheduled');
    };
    await until(RENEWAL + 3, async () => textAt(await conditionOf(), 'message').includes('unschedulable'));
    expect(await conditionOf()).toMatchObject({ reason: 'Unschedulable', observedGeneration: 1 });
    expect(textAt(await conditionOf(), 'message')).toContain('1 node(s) were unschedulable');
  });
});
