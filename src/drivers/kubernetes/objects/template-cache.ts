/**
 * One object for equal templates: the core interns by identity, and a pod of a known template costs a look-up.
 *
 * Two levels: by the raw fields (pods of one controller have identical text), then by the parsed result, so that a
 * waiting pod and the same pod when it runs share one template. Bounded: each level keeps the most recently used
 * entries, in two generations, so that most look-ups change nothing.
 */
import type { PodTemplate } from '../../../model/kubernetes/pod.ts';
import { type PodParts, templateKeyOf, templateOf } from './pod-template.ts';

/** Raw texts longer than this are not kept; a usual one has 300 characters. */
const KEY_CHARS_MAX = 16_384;

/** Default for the number of templates kept. */
export const TEMPLATES_MAX = 20_000;

/** Recently used entries, at most `size`; O(1). */
class Recent<Value> {
  readonly #size: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  constructor(size: number) {
    this.#size = size;
  }

  get(key: string): Value | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: string, value: Value): void {
    if (this.#young.size >= this.#size / 2) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  /** Number of entries kept; one that was used again may count twice. */
  get count(): number {
    return this.#young.size + this.#old.size;
  }
}

/** Templates by their contents. Single user; a forgotten template is only built again. */
export class TemplateCache {
  readonly #byFields: Recent<PodTemplate>;
  readonly #byContent: Recent<PodTemplate>;

  /** @param size Entries of each level, at least 2. */
  constructor(size: number = TEMPLATES_MAX) {
    this.#byFields = new Recent(Math.max(2, size));
    this.#byContent = new Recent(Math.max(2, size));
  }

  /**
   * @returns The template of a pod; the same object for equal templates in the cache.
   * @throws TegError TEG_KUBE_OBJECT if it is malformed; RangeError if it is nested too deeply.
   */
  templateFor(parts: PodParts): PodTemplate {
    const fields = templateKeyOf(parts);
    const known = this.#byFields.get(fields);
    if (known !== undefined) return known;
    const made = templateOf(parts);
    if (fields.length > KEY_CHARS_MAX) return made;
    const content = JSON.stringify(made);
    const template = this.#byContent.get(content) ?? made;
    if (template === made) this.#byContent.set(content, made);
    this.#byFields.set(fields, template);
    return template;
  }

  /** Entries of the larger level; never above the size given. */
  get count(): number {
    return Math.max(this.#byFields.count, this.#byContent.count);
  }
}
