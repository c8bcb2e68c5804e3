/**
 * What the scheduler asks an API server for, call by call, and the right that each call needs.
 *
 * Reads come from the scheduler's own table of what it watches; writes are those of `src/drivers/kubernetes/writes`. No
 * object that they name is there: authorization comes before that, so an allowed call is answered with anything but 403.
 */
import type { ApiRequest } from '../../src/drivers/kubernetes/client/api.ts';
import { EconomyFeed } from '../../src/drivers/kubernetes/economy/economy-feed.ts';
import { economyResources } from '../../src/drivers/kubernetes/economy/economy-resources.ts';
import { profilesOf } from '../../src/drivers/kubernetes/objects/profiles.ts';
import { watchedResources } from '../../src/drivers/kubernetes/watched-resources.ts';

/** A right, as text: `verb group/resource`, with `/name` where it is for one object: `list /pods`, `update …/leases/teg`. */
export type Right = string;

/** A call and its right. */
export interface NeededCall {
  readonly right: Right;
  readonly request: ApiRequest;
}

const POD = '/api/v1/namespaces/default/pods/none';
const GROUP = '/apis/scheduling.k8s.io/v1alpha2/namespaces/default/podgroups/none';
const CLAIM = '/api/v1/namespaces/default/persistentvolumeclaims/none';
const ECONOMY = '/apis/teg.dev/v1alpha1';
const ACCOUNTS = `${ECONOMY}/namespaces/default/accounts`;
const EVENTS = '/apis/events.k8s.io/v1/namespaces/default/events';

/** @returns Group and resource of a collection's path. */
function resourceOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  return parts[0] === 'api' ? `/${parts[2]}` : `${parts[1]}/${parts[3]}`;
}

function reads(): NeededCall[] {
  const economy = new EconomyFeed({ mode: 'enforce', feed: () => {}, onProblem: () => {} });
  const watched = [...watchedResources(profilesOf(['teg']), () => {}), ...economyResources(economy)];
  const paths = new Set(watched.map(({ resource }) => resource.path));
  return [...paths].flatMap((path) => [
    { right: `list ${resourceOf(path)}`, request: { method: 'GET', path: `${path}?limit=1` } },
    {
      right: `watch ${resourceOf(path)}`,
      request: { method: 'GET', path: `${path}?watch=1&timeoutSeconds=1` },
    },
  ]);
}

function write(right: Right, method: ApiRequest['method'], path: string, body?: object): NeededCall {
  return { right, request: { method, path, ...(body !== undefined && { body }) } };
}

/** @returns All calls. @param leaseNamespace Where the Lease is. @param lease Its name. */
export function neededCalls(leaseNamespace: string, lease: string): NeededCall[] {
  const leases = `/apis/coordination.k8s.io/v1/namespaces/${leaseNamespace}/leases`;
  const metadata = { name: 'none', namespace: 'default' };
  const review = (kind: string, group: string, spec: object) => ({ apiVersion: `${group}/v1`, kind, spec });
  return [
    ...reads(),
    write('get /pods', 'GET', POD),
    write('create /pods/binding', 'POST', `${POD}/binding`, {
      metadata,
      target: { kind: 'Node', name: 'none' },
    }),
    write('patch /pods/status', 'PATCH', `${POD}/status`, { status: { nominatedNodeName: 'none' } }),
    write('delete /pods', 'DELETE', POD),
    write('patch scheduling.k8s.io/podgroups/status', 'PATCH', `${GROUP}/status`, { status: {} }),
    write('create /pods/eviction', 'POST', `${POD}/eviction`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata,
    }),
    write('get /nodes', 'GET', '/api/v1/nodes/none'),
    write('get /persistentvolumeclaims', 'GET', CLAIM),
    write('patch /persistentvolumeclaims', 'PATCH', CLAIM, { metadata: { annotations: { a: 'b' } } }),
    write('get /persistentvolumes', 'GET', '/api/v1/persistentvolumes/none'),
    write('patch /persistentvolumes', 'PATCH', '/api/v1/persistentvolumes/none', {
      metadata: { annotations: { a: 'b' } },
    }),
    write('create events.k8s.io/events', 'POST', EVENTS, {}),
    write('patch events.k8s.io/events', 'PATCH', `${EVENTS}/none`, { series: { count: 2 } }),
    write(
      'create authentication.k8s.io/tokenreviews',
      'POST',
      '/apis/authentication.k8s.io/v1/tokenreviews',
      {
        ...review('TokenReview', 'authentication.k8s.io', { token: 'x' }),
      },
    ),
    write(
      'create authorization.k8s.io/subjectaccessreviews',
      'POST',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      review('SubjectAccessReview', 'authorization.k8s.io', {
        user: 'x',
        nonResourceAttributes: { path: '/metrics', verb: 'get' },
      }),
    ),
    write('patch teg.dev/markets/status', 'PATCH', `${ECONOMY}/markets/none/status`, { status: {} }),
    write('patch teg.dev/tenants/status', 'PATCH', `${ECONOMY}/tenants/none/status`, { status: {} }),
    write('patch teg.dev/accounts/status', 'PATCH', `${ACCOUNTS}/none/status`, { status: {} }),
    write('create teg.dev/accounts', 'POST', ACCOUNTS, {}),
    write('create coordination.k8s.io/leases', 'POST', leases, {}),
    write(`get coordination.k8s.io/leases/${lease}`, 'GET', `${leases}/${lease}`),
    write(`update coordination.k8s.io/leases/${lease}`, 'PUT', `${leases}/${lease}`, {}),
  ];
}

/** A rule of a role. */
export interface RoleRule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** @returns Each right that rules give, one by one. */
export function rightsOf(rules: readonly RoleRule[]): Right[] {
  return rules.flatMap(({ apiGroups = [], resources = [], resourceNames = [''], verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) =>
        resourceNames.flatMap((name) =>
          verbs.map((verb) => `${verb} ${group}/${resource}${name === '' ? '' : `/${name}`}`),
        ),
      ),
    ),
  );
}

/** @returns A rule that gives one right. Subresources (`pods/status`) have a slash of their own; objects are only Leases. */
export function ruleOf(right: Right): RoleRule {
  const [verb = '', path = ''] = right.split(' ');
  const [group = '', resource = '', rest] = path.split('/');
  if (rest === undefined) return { apiGroups: [group], resources: [resource], verbs: [verb] };
  if (resource === 'leases') {
    return { apiGroups: [group], resources: [resource], resourceNames: [rest], verbs: [verb] };
  }
  return { apiGroups: [group], resources: [`${resource}/${rest}`], verbs: [verb] };
}
