/**
 * Names of pods on the command line.
 */
import { TegError } from '../../model/errors.ts';

/** A namespace is a label of DNS, a pod's name a subdomain. */
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** A pod by its names. */
export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

/** Reads `team-a/train-0`, or `train-0` in the namespace default. @throws TegError TEG_OPTION_INVALID. */
export function parsePodName(text: string): PodName {
  const parts = text.split('/');
  const [namespace = '', name = ''] = parts.length === 1 ? ['default', text] : parts;
  if (parts.length <= 2 && NAMESPACE.test(namespace) && NAME.test(name)) return { namespace, name };
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got the pod '${text}', expected NAMESPACE/NAME such as team-a/train-0`,
  );
}
