/**
 * Whether the right to read a resource is missing, and the message about it.
 *
 * An API server that is starting refuses for a moment requests that it allows later, so a right counts as missing only
 * after several refusals in a row; with the waits of a reflector between them that is some seconds.
 */
import type { ReflectedResource } from './api.ts';

/** Refusals in a row after which a right counts as missing. */
const REFUSALS_MIN = 5;

/** Of one resource. */
export class MissingRight {
  private readonly resource: ReflectedResource;
  private readonly askSeconds: number;
  private refusals = 0;

  /** @param askSeconds Interval between further attempts, for the message. */
  constructor(resource: ReflectedResource, askSeconds: number) {
    this.resource = resource;
    this.askSeconds = askSeconds;
  }

  /** True while the scheduler runs without the resource. */
  get isMissing(): boolean {
    return this.refusals >= REFUSALS_MIN;
  }

  /** A request was refused. @returns The message to log, once until the right exists again; undefined: none. */
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
