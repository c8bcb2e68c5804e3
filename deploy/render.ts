/**
 * Writes what is made of one source: `kubernetes.yaml` out of the Helm chart, and the dashboard out of `dashboard.ts`.
 *
 * `npm run manifests` runs it; a test compares the files with what it would write.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBinaries } from '../lab/control-plane/build.ts';
import { dashboard } from './dashboard.ts';

/** Folder of the chart. */
export const CHART = join(import.meta.dirname, 'helm', 'teg');

/** Where the plain manifests are. */
export const MANIFESTS_FILE = join(import.meta.dirname, 'kubernetes.yaml');

/** Where the dashboard is: in the chart, which can only read its own files. */
export const DASHBOARD_FILE = join(CHART, 'monitoring', 'dashboard.json');

const HEADER = `# TEG as a scheduler, for \`kubectl apply -f\`. Written by \`npm run manifests\` from the Helm chart in helm/teg: change that.
#
# The image is built by \`docker build -t REGISTRY/teg:VERSION .\` and pushed to where the cluster finds it; then:
#   kubectl apply -f kubernetes.yaml
#   kubectl -n teg-system set image deployment/teg scheduler=REGISTRY/teg:VERSION
`;

/** @param helm Path of helm. @param flags As `--set=replicas=3`. @returns What `helm template` makes of the chart. */
export function renderChart(helm: string, flags: readonly string[] = []): string {
  const args = ['template', 'teg', CHART, '--namespace=teg-system', '--kube-version=1.36.3', ...flags];
  return execFileSync(helm, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** @returns The text of kubernetes.yaml: the chart with its defaults, without what only Helm has a use for. */
export function plainManifests(helm: string): string {
  const rendered = renderChart(helm, ['--set=namespace.create=true', '--include-crds']);
  const lines = rendered.split('\n').filter((line) => !/^# Source: |managed-by: Helm$/.test(line));
  return HEADER + lines.join('\n');
}

/** @returns The text of dashboard.json. */
export function dashboardText(): string {
  return `${JSON.stringify(dashboard(), undefined, 2)}\n`;
}

if (import.meta.main) {
  const helm = (await ensureBinaries(['helm'])).get('helm') as string;
  writeFileSync(DASHBOARD_FILE, dashboardText());
  writeFileSync(MANIFESTS_FILE, plainManifests(helm));
  process.stdout.write(`${MANIFESTS_FILE}\n${DASHBOARD_FILE}\n`);
}
