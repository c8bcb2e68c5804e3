/**
 * One object for equal templates: the core interns by identity, and a pod of a known template costs a look-up.
 *
 * Two levels: by the raw fields (what the API server sends for pods of one controller is alike to the character), then by
 * what came out of them, so that a pod that waits and the same pod when it runs have one template.
 * Bounded: each level keeps the most recently used, in two generations, so that a look-up changes nothing most times.
 */
import type { PodTemplate } from '../../../model/kubernetes/pod.ts';
import { type PodParts, templateKeyOf, templateOf } from './pod-template.ts';

/** Raw texts longer than this are not kept; a usual one has 300 characters. */
const KEY_CHARS_MAX = 16_384;

/** Templates kept at most, unless told otherwise. */
export const TEMPLATES_MAX = 20_000;

/** What was used lately, at most `size` entries; O(1). */
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

  /** Entries that are kept; one that was used again may count twice. */
  get count(): number {
    return this.#young.size + this.#old.size;
  }
}

/** Templates by what they are made of. Single user; forgetting one only costs that it is made again. */
export class TemplateCache {
  readonly #byFields: Recent<PodTemplate>;
  readonly #byContent: Recent<PodTemplate>;

  /** @param size Entries of each level, at least 2. */
  constructor(size: number = TEMPLATES_MAX) {
    this.#byFields = new Recent(Math.max(2, size));
    this.#byContent = new Recent(Math.max(2, size));
  }

  /**
   * @returns The template of a pod; the same object for equal templates that are remembered.
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
