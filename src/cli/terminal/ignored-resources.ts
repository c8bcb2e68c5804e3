/**
 * `--ignore-resource NAME`, given once for each resource.
 */
import { TegError } from '../../model/errors.ts';

/** Most resources that can be named. */
const RESOURCES_MAX = 1_000;

/** Help of the option. */
export const IGNORE_RESOURCE_HELP =
  'a resource of Kubernetes files that counts neither for pods nor for nodes, such as rdma/hca (repeatable)';

/** Adds a name to those before. @throws TegError TEG_OPTION_INVALID. */
export function collectResource(text: string, before: readonly string[] = []): readonly string[] {
  const name = text.trim();
  if (name === 'cpu' || name === 'memory' || name === 'pods' || name === '' || /[\s,]/.test(name)) {
    throw new TegError(
      'TEG_OPTION_INVALID',
      `got '${text}', expected the name of one resource other than cpu, memory and pods, such as rdma/hca`,
    );
  }
  if (before.length >= RESOURCES_MAX) {
    throw new TegError('TEG_OPTION_INVALID', `got more than ${RESOURCES_MAX} resources, expected fewer`);
  }
  return [...before, name];
}

/** @returns The error for `--ignore-resource` without Kubernetes objects. @param got The input instead of them. */
export function ignoresNothing(got: string): TegError {
  return new TegError(
    'TEG_OPTION_INVALID',
    `got --ignore-resource for ${got}, expected a file of Kubernetes objects: only they name resources; leave it out`,
  );
}
