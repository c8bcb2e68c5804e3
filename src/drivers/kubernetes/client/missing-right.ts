/**
 * Whether the right to read a resource is missing, and what is said of it.
 *
 * An API server that starts refuses for a moment what it allows later, so that a right is taken for missing after some refusals in a
 * row only; with the waits of a reflector between them that is some seconds.
 */
import type { ReflectedResource } from './api.ts';

/** Refusals in a row after which a right is missing. */
const REFUSALS_MIN = 5;

/** Of one resource. */
export class MissingRight {
  private readonly resource: ReflectedResource;
  private readonly askSeconds: number;
  private refusals = 0;

  /** @param askSeconds How often it is asked for again, for the message. */
  constructor(resource: ReflectedResource, askSeconds: number) {
    this.resource = resource;
    this.askSeconds = askSeconds;
  }

  /** Whether the resource is done without now. */
  get isMissing(): boolean {
    return this.refusals >= REFUSALS_MIN;
  }

  /** It was refused. @returns What is to be logged, once until it is there again; undefined: nothing. */
  refused(path: string, said: string): string | undefined {
    this.refusals++;
    if (this.refusals !== REFUSALS_MIN) return undefined;
    const { name, withoutIt } = this.resource;
    return `${name}: the right to ${rightOf(path)} is missing, and without it ${withoutIt}; grant it as the ClusterRole of this version does; it is asked for again every ${this.askSeconds} s (${said})`;
  }

  /** It is there. */
  granted(): void {
    this.refusals = 0;
  }
}

/** @returns The right to read a collection, for people: `list and watch csidrivers in storage.k8s.io`. */
function rightOf(path: string): string {
  const parts = path.split('/').filter((part) => part !== '');
  return parts[0] === 'api' ? `list and watch ${parts[2]}` : `list and watch ${parts[3]} in ${parts[1]}`;
}
