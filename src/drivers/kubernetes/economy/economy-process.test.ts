/** The economy in a scheduler process, against a scripted API server. */
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { sendJson, until } from '../../../../test/support/scripted-server.ts';
import { line, streamList } from '../client/reflector.fixtures.ts';
import { defaultSchedulerConfig, type SchedulerConfig } from '../config/scheduler-config.ts';
import {
  grantLease,
  isForLease,
  nodeObject,
  podObject,
  serve,
  startScheduler,
} from '../scheduler-process.fixtures.ts';
import { marketObject, tenantObject } from './economy.fixtures.ts';

const NAMESPACE = { metadata: { name: 'a', uid: 'ns-a', resourceVersion: '4', labels: { team: 'nlp' } } };

function config(mode: SchedulerConfig['economy']['mode']): SchedulerConfig {
  const standard = defaultSchedulerConfig();
  return { ...standard, economy: { ...standard.economy, mode } };
}

test('mode off asks for no object of the economy', async () => {
  const asked: string[] = [];
  const server = await serve((_, { path }) => {
    asked.push(path);
    return false;
  });
  const { scheduler } = startScheduler(server);
  await until(() => scheduler.followers.synced);
  expect(asked.filter((path) => path.includes('teg.dev'))).toEqual([]);
  expect(scheduler.economy).toBeUndefined();
});

test('the tenants are known to the core before decisions begin; a wrong change is reported, and leaves them', async () => {
  let watch: ServerResponse | undefined;
  const server = await serve((response, request) => {
    const { path } = request;
    if (path === '/apis/teg.dev/v1alpha1/markets') streamList(response, 10, [marketObject()]);
    else if (path === '/apis/teg.dev/v1alpha1/tenants') {
      streamList(response, 10, [tenantObject('nlp', { state: 'Hold' })]);
      watch = response;
    } else if (path === '/api/v1/namespaces') streamList(response, 10, [NAMESPACE]);
    else if (path === '/api/v1/nodes') streamList(response, 10, [nodeObject(5)]);
    else if (
      path === '/api/v1/pods' &&
      request.query.get('fieldSelector')?.includes('Name=teg,status.phase!=S')
    ) {
      streamList(response, 10, [podObject(6)]);
    } else if (isForLease(request)) grantLease(response, request);
    else return false;
    return true;
  });
  const { scheduler, warnings } = startScheduler(server, config('enforce'));
  const bindings = () => server.requests.filter(({ path }) => path.endsWith('/binding'));
  const events = () => server.requests.filter(({ path }) => path.endsWith('/events'));
  await until(() => events().length > 0);
  expect(events()[0]?.body).toMatch(/nlp.*hold/i);
  watch?.write(line('MODIFIED', tenantObject('nlp', { lend: { h100: { 'nvidia.com/gpu': 9 } } }, 11)));
  await until(() => warnings.some((text) => text.includes('lend.h100.gpuMilli')));
  expect(bindings()).toEqual([]);
  watch?.write(line('MODIFIED', tenantObject('nlp', {}, 12)));
  await until(() => bindings().length === 1);
  expect(scheduler.economy?.problemOf('Tenant', 'nlp')).toBe('');
});

test('an API server without these objects: no economy, a warning, and pods are bound', async () => {
  const server = await serve((response, request) => {
    if (request.path.startsWith('/apis/teg.dev/')) sendJson(response, 404, {});
    else if (request.path === '/api/v1/nodes') streamList(response, 10, [nodeObject(5)]);
    else if (
      request.path === '/api/v1/pods' &&
      request.query.get('fieldSelector')?.includes('Name=teg,status.phase!=S')
    ) {
      streamList(response, 10, [podObject(6)]);
    } else if (isForLease(request)) grantLease(response, request);
    else return false;
    return true;
  });
  const { warnings } = startScheduler(server, config('enforce'));
  await until(() => server.requests.some(({ path }) => path.endsWith('/binding')));
  expect(warnings).toContainEqual(expect.stringMatching(/no Market named 'default'/));
});
