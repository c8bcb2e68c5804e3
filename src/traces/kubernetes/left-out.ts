/**
 * Objects that cannot be used: each is left out, and each common reason is reported once, with the number of objects.
 *
 * One odd object among thousands must not make a cluster unusable. A damaged file (not JSON or YAML) is another matter:
 * there the objects behind the damage would be missing, too.
 */
import { TegError } from '../../model/errors.ts';
import { type ApiObject, isRecord, MalformedField } from '../../model/readers/read-object.ts';
import type { SpecProblem } from '../../model/validate.ts';
import { quoted, type ReadContext } from '../context.ts';

/** Most different reasons that are kept; further ones are counted under the last. */
const REASONS_MAX = 50;

/** Longest name of an object in a message. */
const NAME_CHARS_MAX = 80;

/** Bounds of the model in the words of Kubernetes. */
const WORDS: Readonly<Record<string, string>> = {
  cpuMilli: 'cpu in thousandths of a core',
  memoryMib: 'memory in MiB',
  gpuCount: 'GPUs',
  podsMax: 'pods',
};

interface Reason {
  readonly message: string;
  count: number;
}

/** Collects them for one file. */
export class LeftOut {
  private readonly context: ReadContext;
  private readonly reasons = new Map<string, Reason>();

  constructor(context: ReadContext) {
    this.context = context;
  }

  /**
   * Leaves an object out.
   *
   * @param line  Where it begins.
   * @param error The reason.
   * @throws the error itself if it is not about the object (a bug, a limit).
   */
  add(object: unknown, line: number, error: unknown): void {
    if (!(error instanceof TegError) || error.code !== 'TEG_KUBE_OBJECT') throw error;
    const cause = error.cause instanceof MalformedField ? error.cause : error;
    const { kind, name } = identityOf(object);
    const isField = cause instanceof MalformedField;
    const rule = isField ? `${cause.path} ${cause.expected}` : '';
    const key =
      this.reasons.size < REASONS_MAX ? `${kind} ${rule}` : ([...this.reasons.keys()].at(-1) as string);
    const known = this.reasons.get(key);
    if (known !== undefined) {
      known.count++;
      return;
    }
    const why = isField ? `${cause.path} is ${cause.got}, expected ${cause.expected}` : cause.message;
    const where = `${this.context.file}:${line}`;
    this.reasons.set(key, {
      message: `${kind} ${name} cannot be used and is left out (${where}): ${why}`,
      count: 1,
    });
  }

  /** Objects left out so far. */
  get count(): number {
    let sum = 0;
    for (const { count } of this.reasons.values()) sum += count;
    return sum;
  }

  /** Warns of each reason. Called once, at the end of the file. */
  report(): void {
    for (const { message, count } of this.reasons.values()) {
      const more = count === 1 ? '' : `; ${count - 1} more for the same reason`;
      this.context.warn(`${message}${more}`);
    }
  }
}

/** @returns A bound of the model that a job or node breaks, as an error about its object. */
export function boundBroken({ field, got, expected }: SpecProblem): MalformedField {
  return new MalformedField(WORDS[field] ?? field, typeof got === 'number' ? got : String(got), expected);
}

function identityOf(object: unknown): { kind: string; name: string } {
  const record: ApiObject = isRecord(object) ? object : {};
  const metadata: ApiObject = isRecord(record.metadata) ? record.metadata : {};
  const kind = typeof record.kind === 'string' && record.kind !== '' ? record.kind : 'object';
  const name = [metadata.namespace, metadata.name].filter((text) => typeof text === 'string').join('/');
  return { kind: kind.slice(0, NAME_CHARS_MAX), name: name === '' ? '(no name)' : quotedName(name) };
}

function quotedName(name: string): string {
  return quoted(name.slice(0, NAME_CHARS_MAX)).slice(1, -1);
}
