/**
 * kwok's stages for nodes and pods without a machine: nodes become ready, bound pods run, pods of Jobs succeed after a
 * while, deleted pods fail and go.
 *
 * Templates are Go's, with kwok's functions. `pod-complete.stage.kwok.x-k8s.io/delay: 30s` as an annotation of a pod
 * sets how long it runs, as with kwok's own stages.
 */
import { stringify } from 'yaml';

/** Default run time of the pods of a Job: from 10 to 20 s. */
const JOB_RUN_MS = 10_000;
const JOB_RUN_MOST_MS = 20_000;

const DELETION = '.metadata.deletionTimestamp';
const READY = '.status.conditions.[] | select( .type == "Ready" ) | .status';

/** A condition on an object: a path in jq's language, an operator, and values. */
type Match = readonly [key: string, operator: string, ...values: string[]];

function stage(
  name: string,
  kind: 'Node' | 'Pod',
  matches: readonly Match[],
  next: object,
  delay?: object,
): object {
  return {
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'Stage',
    metadata: { name },
    spec: {
      resourceRef: { apiGroup: 'v1', kind },
      selector: {
        matchExpressions: matches.map(([key, operator, ...values]) => ({
          key,
          operator,
          ...(values.length > 0 && { values }),
        })),
      },
      ...(delay && { delay }),
      next,
    },
  };
}

const NODE_READY = `{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
  message: {{ .message | Quote }}
  reason: {{ .reason | Quote }}
  status: {{ .status | Quote }}
  type: {{ .type | Quote }}
{{ end }}
phase: Running
`;

const POD_RUNNING = `{{ $now := Now }}
conditions:
{{ range $type := list "PodReadyToStartContainers" "Initialized" "Ready" "ContainersReady" }}
- {lastTransitionTime: {{ $now | Quote }}, status: "True", type: {{ $type }}}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  name: {{ .name | Quote }}
  ready: true
  restartCount: 0
  state: {running: {startedAt: {{ $now | Quote }}}}
{{ end }}
phase: Running
startTime: {{ $now | Quote }}
`;

const POD_SUCCEEDED = `{{ $now := Now }}
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  name: {{ .name | Quote }}
  ready: false
  restartCount: 0
  state: {terminated: {exitCode: 0, reason: Completed, startedAt: {{ $now | Quote }}, finishedAt: {{ $now | Quote }}}}
{{ end }}
phase: Succeeded
`;

const STAGES = [
  stage('node-ready', 'Node', [[READY, 'NotIn', 'True']], { statusTemplate: NODE_READY }),
  stage(
    'pod-run',
    'Pod',
    [
      [DELETION, 'DoesNotExist'],
      ['.status.phase', 'In', 'Pending'],
    ],
    { statusTemplate: POD_RUNNING },
  ),
  stage(
    'pod-complete',
    'Pod',
    [
      [DELETION, 'DoesNotExist'],
      ['.status.phase', 'In', 'Running'],
      ['.metadata.ownerReferences.[].kind', 'In', 'Job'],
    ],
    { statusTemplate: POD_SUCCEEDED },
    {
      durationMilliseconds: JOB_RUN_MS,
      durationFrom: { expressionFrom: '.metadata.annotations["pod-complete.stage.kwok.x-k8s.io/delay"]' },
      jitterDurationMilliseconds: JOB_RUN_MOST_MS,
      jitterDurationFrom: {
        expressionFrom: '.metadata.annotations["pod-complete.stage.kwok.x-k8s.io/jitter-delay"]',
      },
    },
  ),
  // As a kubelet does it: a Job with a podFailurePolicy waits for the phase.
  stage(
    'pod-end',
    'Pod',
    [
      [DELETION, 'Exists'],
      ['.status.phase', 'In', 'Pending', 'Running'],
    ],
    { statusTemplate: 'phase: Failed\n' },
  ),
  stage(
    'pod-delete',
    'Pod',
    [
      [DELETION, 'Exists'],
      ['.status.phase', 'In', 'Failed', 'Succeeded'],
    ],
    { delete: true },
  ),
];

/** @returns The text of kwok's configuration file. */
export function kwokConfiguration(): string {
  return STAGES.map((each) => `---\n${stringify(each)}`).join('');
}
