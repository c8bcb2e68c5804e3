import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ClusterState } from '../../model/cluster-state.ts';
import { loadInputs } from './inputs.ts';

type Json = Record<string, unknown>;

function node(name: string, gpus: Json): Json {
  return {
    kind: 'Node',
    metadata: { name },
    status: { allocatable: { cpu: 8, memory: '8Gi', pods: 9, ...gpus } },
  };
}

function pod(name: string, limits: Json, annotations: Json = {}): Json {
  return { kind: 'Pod', metadata: { name, annotations }, spec: { containers: [{ resources: { limits } }] } };
}

/** Nodes that each job may go to, by the names of both. */
async function allowed(items: readonly Json[]): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), 'teg-makes-'));
  try {
    const path = join(folder, 'objects.json');
    writeFileSync(path, JSON.stringify({ kind: 'List', items }));
    const { nodes, builder } = await loadInputs({ cluster: path, jobs: path, seed: 1 });
    const cluster = new ClusterState(builder.demands);
    for (const spec of nodes) cluster.addNode(spec);
    const table = builder.build();
    return Object.fromEntries(
      Array.from({ length: table.count }, (_, job) => [
        table.idOf(job),
        nodes.flatMap(({ name }, i) => (cluster.fits(i, table.demandOf(job)) ? [name] : [])),
      ]),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a pod goes to GPUs of the make that it asks for, as under kube-scheduler', async () => {
  expect(
    await allowed([
      node('green', { 'nvidia.com/gpu': 4 }),
      node('red', { 'amd.com/gpu': 4 }),
      node('plain', {}),
      pod('asks-nvidia', { 'nvidia.com/gpu': 1 }),
      pod('asks-amd', { 'amd.com/gpu': 2 }),
      pod('asks-intel', { 'gpu.intel.com/xe': 1 }),
      pod('asks-none', { cpu: 1 }),
      pod('shares', {}, { 'gpu-fraction': '0.5' }),
    ]),
  ).toEqual({
    'default/asks-nvidia': ['green'],
    'default/asks-amd': ['red'],
    'default/asks-intel': [],
    'default/asks-none': ['green', 'red', 'plain'],
    'default/shares': ['green', 'red'],
  });
});

test('where the cluster has one make only, the others find nothing', async () => {
  expect(
    await allowed([
      node('green', { 'nvidia.com/gpu': 4 }),
      pod('asks-nvidia', { 'nvidia.com/gpu': 1 }),
      pod('asks-amd', { 'amd.com/gpu': 1 }),
    ]),
  ).toEqual({ 'default/asks-nvidia': ['green'], 'default/asks-amd': [] });
});
