/**
 * The economy of a benchmark: TEG's CRDs from the chart, a Market with one flavour, and tenants that share all nodes alike. All of
 * them have the benchmark's namespaces; the label `teg.dev/tenant` of a pod says whose it is.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'yaml';
import { TENANT_LABEL } from '../../src/model/readers/tenant-name.ts';
import type { LoadClient } from './load-client.ts';

const CRDS = join(import.meta.dirname, '..', '..', 'deploy', 'helm', 'teg', 'crds');
const API = '/apis/teg.dev/v1alpha1';

/** Tenants where rates are measured. */
export const RATE_TENANTS = 100;
/** Tenants where restarts are measured. */
export const RESTART_TENANTS = 200;

/** The API server takes a while to serve a definition, ms. */
const SERVED_MS = 3000;

/** @returns The label of pod `i`. */
export function tenantLabelOf(i: number, tenants: number): Record<string, string> {
  return { [TENANT_LABEL]: `tenant-${i % tenants}` };
}

/**
 * Makes all of it; once a cluster.
 *
 * @param cores Of the cluster: the tenants' quotas sum to that.
 */
export async function createEconomy(
  client: Pick<LoadClient, 'create'>,
  tenants: number,
  cores: number,
): Promise<void> {
  for (const file of readdirSync(CRDS)) {
    const text = JSON.stringify(parse(readFileSync(join(CRDS, file), 'utf8')));
    await client.create('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', text);
  }
  await delay(SERVED_MS);
  const flavors = [{ name: 'all', unitsPerHour: { cpu: '1' } }];
  await client.create(`${API}/markets`, objectText('Market', 'default', { flavors, halfLife: '168h' }));
  const quota = { all: { cpu: `${Math.floor((1000 * cores) / tenants)}m` } };
  for (let i = 0; i < tenants; i++) {
    await client.create(`${API}/tenants`, objectText('Tenant', `tenant-${i}`, { quota, namespaces: {} }));
  }
}

function objectText(kind: string, name: string, spec: object): string {
  return JSON.stringify({ apiVersion: 'teg.dev/v1alpha1', kind, metadata: { name }, spec });
}
