/**
 * Recognises Kubernetes objects from the beginning of a text, as opposed to other JSON or YAML.
 *
 * The beginning is cut at any place, so that no parser can read it: a scanner of JSON's structure checks the fields of
 * the outermost object and of the members of its `items`; for YAML the lines suffice.
 */

/** The fields of an object seen so far. */
interface Seen {
  hasKind: boolean;
  hasApiVersion: boolean;
  /** Distinctive fields that hold an object or a list. */
  readonly fields: Set<string>;
}

/** Form of kinds: `Pod`, not `youtube#video`. */
const KIND = /^[A-Z][A-Za-z0-9]{0,62}$/;

/** `v1`, `apps/v1`, `batch.volcano.sh/v1alpha1`. */
const API_VERSION = /^([a-z0-9][a-z0-9.-]{0,252}\/)?v\d[a-z0-9]{0,30}$/;

const FIELDS: ReadonlySet<string> = new Set(['items', 'metadata', 'spec', 'status']);

/** @returns True if a JSON text begins with Kubernetes objects. O(length). */
export function isKubernetesJson(text: string): boolean {
  const scan = new Scan();
  for (let i = 0; i < text.length; i++) i = scan.step(text, i);
  return scan.objects.some(isObject);
}

/** @returns True if a YAML text begins with Kubernetes objects. */
export function isKubernetesYaml(text: string): boolean {
  const quote = `["']?`;
  const has = (indent: string, field: string, value: string): boolean =>
    new RegExp(
      `^${indent}${quote}${field}${quote}[ \\t]*:[ \\t]+${quote}${value}${quote}[ \\t]*(#.*)?\\r?$`,
      'm',
    ).test(text);
  const kind = KIND.source.slice(1, -1);
  if (has('', 'kind', kind)) return true;
  const version = API_VERSION.source.slice(1, -1);
  const hasItems = new RegExp(`^${quote}items${quote}[ \\t]*:`, 'm').test(text);
  // The kind of a list comes after its items.
  if (hasItems && (has('', 'apiVersion', version) || has('[ -]*', 'kind', kind))) return true;
  const flow = /^(?:---)?[ \t]*\{[^\n]*["']?kind["']?[ \t]*:/m.exec(text);
  return flow !== null;
}

function isObject({ hasKind, hasApiVersion, fields }: Seen): boolean {
  if (hasKind) return hasApiVersion || fields.size > 0;
  // Items of a list of the API do not repeat their kind.
  return fields.has('metadata') && (hasApiVersion || fields.has('spec') || fields.has('status'));
}

/** One open bracket. */
interface Open {
  readonly isObject: boolean;
  /** Of an object: the key whose value comes next. */
  key: string | undefined;
  /** State of an object that may be one of Kubernetes. */
  readonly seen: Seen | undefined;
}

/** Nesting that is tracked; deeper brackets are only counted. */
const DEPTH_FOLLOWED = 4;

class Scan {
  readonly objects: Seen[] = [];
  private readonly open: Open[] = [];
  private deeper = 0;

  /** Takes the token at an index. @returns The index of its last character. */
  step(text: string, at: number): number {
    const code = text[at];
    if (code === '"') return this.text(text, at);
    if (code === '{' || code === '[') this.begin(code === '{');
    else if (code === '}' || code === ']') {
      if (this.deeper > 0) this.deeper--;
      else this.open.pop();
    } else if (code === ',') {
      const top = this.open.at(-1);
      if (this.deeper === 0 && top !== undefined) top.key = undefined;
    }
    return at;
  }

  private begin(isObject: boolean): void {
    const parent = this.open.at(-1);
    const key = parent?.key;
    if (this.deeper === 0 && parent?.seen !== undefined && key !== undefined && FIELDS.has(key))
      parent.seen.fields.add(key);
    if (this.open.length >= DEPTH_FOLLOWED) {
      this.deeper++;
      return;
    }
    const seen = isObject && this.isPlaceOfObject() ? newSeen() : undefined;
    if (seen !== undefined) this.objects.push(seen);
    this.open.push({ isObject, key: undefined, seen });
  }

  /** The outermost value, a member of an outermost list, or a member of the items of an outermost object. */
  private isPlaceOfObject(): boolean {
    const [first, second] = this.open;
    if (this.open.length === 0) return true;
    if (this.open.length === 1) return first?.isObject === false;
    return this.open.length === 2 && first?.key === 'items' && second?.isObject === false;
  }

  /** A text: a key, or the value of one. */
  private text(text: string, at: number): number {
    let end = at + 1;
    while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
    const top = this.open.at(-1);
    if (this.deeper > 0 || top === undefined || !top.isObject) return end;
    const value = text.slice(at + 1, end);
    if (top.key === undefined) top.key = value;
    else if (top.seen !== undefined) {
      if (top.key === 'kind') top.seen.hasKind = KIND.test(value);
      if (top.key === 'apiVersion') top.seen.hasApiVersion = API_VERSION.test(value);
    }
    return end;
  }
}

function newSeen(): Seen {
  return { hasKind: false, hasApiVersion: false, fields: new Set() };
}
