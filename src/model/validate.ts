/**
 * Checks of external jobs and nodes, field by field.
 *
 * Hand-written rather than by schema: they run once a row of traces of millions of rows.
 */
import { INT32_MAX } from '../kernel/limits.ts';
import { TegError } from './errors.ts';
import type { AffinityTerm, JobSpec, PodSpec } from './job.ts';
import { parseInt64 } from './kubernetes/requirements.ts';
import { GPU_MILLI, GPU_SLOTS_PER_NODE_MAX, GPUS_PER_NODE_MAX, type NodeSpec } from './node.ts';

const OPERATORS: ReadonlySet<string> = new Set(['In', 'NotIn', 'Exists', 'DoesNotExist', 'Gt', 'Lt']);

/** The expected share of a GPU where a pod has several. */
export const WHOLE_GPUS: string = `${GPU_MILLI}, as a pod with more than one GPU takes whole ones`;

/** The first field that breaks a bound. */
export interface SpecProblem {
  readonly field: string;
  readonly got: unknown;
  readonly expected: string;
}

/** @throws TegError TEG_JOB_INVALID with the field, the value received and what was expected. */
export function validateJob(job: JobSpec): void {
  const problem = findJobProblem(job);
  if (problem !== undefined) throw problemError('TEG_JOB_INVALID', `job '${job.id}'`, problem);
}

/** @throws TegError TEG_CLUSTER_INVALID with the field, the value received and what was expected. */
export function validateNode(node: NodeSpec): void {
  const problem = findNodeProblem(node);
  if (problem !== undefined) throw problemError('TEG_CLUSTER_INVALID', `node '${node.name}'`, problem);
}

/** @returns The first bound of `JobSpec` that a job breaks, or undefined. */
export function findJobProblem(job: JobSpec): SpecProblem | undefined {
  const { submitSeconds, durationSeconds, requestedSeconds } = job;
  return (
    checkText('id', job.id, 1) ??
    checkText('tenant', job.tenant, 0) ??
    checkInteger('priority', job.priority, -INT32_MAX - 1, INT32_MAX) ??
    check('submitSeconds', submitSeconds, Number.isFinite(submitSeconds), 'a finite number') ??
    check('durationSeconds', durationSeconds, isDuration(durationSeconds), 'a number ≥ 0, or Infinity') ??
    check('requestedSeconds', requestedSeconds, isRequest(requestedSeconds), 'a number ≥ 0, or NaN') ??
    checkInteger('podCount', job.podCount, 1, INT32_MAX) ??
    checkInteger('gangMin', job.gangMin, 1, job.podCount) ??
    check(
      'checkpointSeconds',
      job.checkpointSeconds,
      isInterval(job.checkpointSeconds),
      'a finite number > 0',
    ) ??
    check('disruption', job.disruption, isDisruption(job.disruption), '"all" or "single"') ??
    checkOptionalText('podGroup', job.podGroup) ??
    checkOptionalText('owner', job.owner) ??
    checkOptionalText('user', job.user) ??
    checkOptionalText('nodeName', job.nodeName) ??
    findPodProblem(job)
  );
}

/** @returns The first bound of `NodeSpec` that a node breaks, or undefined. */
export function findNodeProblem(node: NodeSpec): SpecProblem | undefined {
  return (
    checkText('name', node.name, 1) ??
    checkInteger('cpuMilli', node.cpuMilli, 0, INT32_MAX) ??
    checkInteger('memoryMib', node.memoryMib, 0, INT32_MAX) ??
    checkInteger('gpuCount', node.gpuCount, 0, GPU_SLOTS_PER_NODE_MAX) ??
    checkText('gpuModel', node.gpuModel, 0) ??
    checkInteger('podsMax', node.podsMax, 1, INT32_MAX) ??
    checkAmounts(node.extended) ??
    checkLabels(node.labels)
  );
}

function findPodProblem(pod: PodSpec): SpecProblem | undefined {
  return (
    checkInteger('cpuMilli', pod.cpuMilli, 0, INT32_MAX) ??
    checkInteger('memoryMib', pod.memoryMib, 0, INT32_MAX) ??
    checkInteger('gpuCount', pod.gpuCount, 0, GPUS_PER_NODE_MAX) ??
    checkGpuMilli(pod) ??
    checkTexts('gpuModels', pod.gpuModels) ??
    checkAmounts(pod.extended) ??
    checkAffinity(pod.affinity) ??
    checkSpread(pod)
  );
}

function checkGpuMilli(pod: PodSpec): SpecProblem | undefined {
  const { gpuCount, gpuMilli } = pod;
  if (gpuCount === 0) return check('gpuMilli', gpuMilli, gpuMilli === 0, '0, as the pod has no GPUs');
  if (gpuCount > 1) return check('gpuMilli', gpuMilli, gpuMilli === GPU_MILLI, WHOLE_GPUS);
  return checkInteger('gpuMilli', gpuMilli, 1, GPU_MILLI);
}

function checkSpread(pod: PodSpec): SpecProblem | undefined {
  if (pod.podsPerNodeMax === undefined) return checkOptionalText('spreadGroup', pod.spreadGroup);
  return (
    checkInteger('podsPerNodeMax', pod.podsPerNodeMax, 1, INT32_MAX) ??
    checkText('spreadGroup', pod.spreadGroup, 1)
  );
}

function checkAffinity(affinity: readonly AffinityTerm[] | undefined): SpecProblem | undefined {
  if (affinity === undefined) return undefined;
  if (!Array.isArray(affinity)) return check('affinity', affinity, false, 'a list of terms');
  for (let i = 0; i < affinity.length; i++) {
    const problem = checkTerm(`affinity[${i}]`, affinity[i]);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkTerm(field: string, term: unknown): SpecProblem | undefined {
  if (typeof term !== 'object' || term === null) return check(field, term, false, 'an object');
  const { key, operator, values } = term as AffinityTerm;
  const isOrder = operator === 'Gt' || operator === 'Lt';
  return (
    checkText(`${field}.key`, key, 1) ??
    check(`${field}.operator`, operator, OPERATORS.has(operator), [...OPERATORS].join(', ')) ??
    checkTexts(`${field}.values`, values) ??
    (isOrder
      ? check(
          `${field}.values`,
          values,
          values.length === 1 && parseInt64(values[0] ?? '') !== undefined,
          'one integer of 64 bits',
        )
      : undefined)
  );
}

function checkLabels(labels: Readonly<Record<string, string>> | undefined): SpecProblem | undefined {
  if (labels === undefined) return undefined;
  if (!isRecord(labels)) return check('labels', labels, false, 'an object of texts');
  for (const [key, value] of Object.entries(labels)) {
    const problem = checkText('labels key', key, 1) ?? checkText(`labels['${key}']`, value, 0);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkAmounts(amounts: Readonly<Record<string, number>> | undefined): SpecProblem | undefined {
  if (amounts === undefined) return undefined;
  if (!isRecord(amounts)) return check('extended', amounts, false, 'an object of amounts');
  for (const [name, amount] of Object.entries(amounts)) {
    const isAmount = typeof amount === 'number' && Number.isFinite(amount) && amount >= 0;
    const problem =
      checkText('extended name', name, 1) ?? check(`extended['${name}']`, amount, isAmount, 'a number ≥ 0');
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkTexts(field: string, texts: readonly string[]): SpecProblem | undefined {
  const isList = Array.isArray(texts) && texts.every((text) => typeof text === 'string');
  return check(field, texts, isList, 'a list of texts');
}

function checkOptionalText(field: string, text: string | undefined): SpecProblem | undefined {
  return text === undefined ? undefined : checkText(field, text, 0);
}

function checkText(field: string, text: unknown, lengthMin: number): SpecProblem | undefined {
  const isText = typeof text === 'string' && text.length >= lengthMin;
  return isText ? undefined : { field, got: text, expected: lengthMin > 0 ? 'a text, not empty' : 'a text' };
}

function checkInteger(field: string, value: number, lower: number, upper: number): SpecProblem | undefined {
  if (Number.isInteger(value) && value >= lower && value <= upper) return undefined;
  return { field, got: value, expected: lower === upper ? `${lower}` : `an integer in [${lower}, ${upper}]` };
}

function check(field: string, got: unknown, isGood: boolean, expected: string): SpecProblem | undefined {
  return isGood ? undefined : { field, got, expected };
}

function isDuration(seconds: number): boolean {
  return typeof seconds === 'number' && seconds >= 0;
}

function isRequest(seconds: number): boolean {
  return typeof seconds === 'number' && !(seconds < 0);
}

function isInterval(seconds: number | undefined): boolean {
  return seconds === undefined || (seconds > 0 && seconds < Number.POSITIVE_INFINITY);
}

function isDisruption(disruption: string | undefined): boolean {
  return disruption === undefined || disruption === 'all' || disruption === 'single';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function problemError(
  code: 'TEG_JOB_INVALID' | 'TEG_CLUSTER_INVALID',
  what: string,
  problem: SpecProblem,
): TegError {
  const { field, got, expected } = problem;
  const shown = (JSON.stringify(got) ?? String(got)).slice(0, 80);
  const exact = typeof got === 'number' ? String(got) : shown;
  return new TegError(code, `${what}: ${field}: got ${exact}, expected ${expected}; correct it`);
}
