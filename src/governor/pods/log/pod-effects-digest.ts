/**
 * A digest of the pod scheduler's effects, to compare two runs bit for bit.
 *
 * Every field of every effect counts, in the order of `pod-events.ts` and not in that of the object's keys, so effects
 * that were read back from JSON have the digest of those that were written.
 */
import type { BindEffect, EvictEffect, PodEffect } from '../pod-events.ts';

const bits = new DataView(new ArrayBuffer(8));

/**
 * Folds a step's effects into a digest: over the steps of a run the digest shows whether two runs did the same.
 *
 * @param previous The result for the step before; 0 at the start.
 * @returns        A 32-bit unsigned integer.
 * @cost O(characters in the effects).
 */
export function digestOf(effects: readonly PodEffect[], previous = 0): number {
  let h = mix(previous, effects.length);
  for (const effect of effects) h = mixEffect(mixText(h, effect.kind), effect);
  return h >>> 0;
}

function mixEffect(h: number, effect: PodEffect): number {
  switch (effect.kind) {
    case 'bind':
      return mixBind(h, effect);
    case 'unschedulable': {
      const { message, reason, plugins, generation, renewed } = effect;
      const words = mixTexts(mixText(mixText(mixPod(h, effect), message), reason), plugins);
      return mix(mixNumber(words, generation), renewed ? 1 : 0);
    }
    case 'evict':
      return mixEvict(h, effect);
    case 'nominate':
      return mixText(mixText(mixPod(h, effect), effect.node), effect.was);
    case 'gang-release':
      return mixText(mixTexts(mixText(h, effect.group), effect.uids), effect.message);
  }
}

function mixEvict(start: number, effect: EvictEffect): number {
  const h = mixText(mixText(mixText(mixPod(start, effect), effect.node), effect.by), effect.byUid);
  return effect.why === undefined ? h : mixText(h, effect.why);
}

function mixBind(start: number, effect: BindEffect): number {
  let h = mix(mixText(mixPod(start, effect), effect.node), effect.claims.length);
  for (const { claim, volume } of effect.claims) h = mixText(mixText(h, claim), volume);
  return mixText(mixNumber(mixNumber(h, effect.attempts), effect.waitedSeconds), effect.group);
}

function mixPod(h: number, pod: { uid: string; namespace: string; name: string }): number {
  return mixText(mixText(mixText(h, pod.uid), pod.namespace), pod.name);
}

function mixTexts(start: number, texts: readonly string[]): number {
  let h = mix(start, texts.length);
  for (const text of texts) h = mixText(h, text);
  return h;
}

/** The length comes first, so that `ab`, `c` is not `a`, `bc`. */
function mixText(start: number, text: string): number {
  let h = mix(start, text.length);
  for (let i = 0; i < text.length; i += 2) {
    const second = i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
    h = mix(h, (text.charCodeAt(i) << 16) | second);
  }
  return h;
}

/** All 64 bits; −0 counts as 0, because JSON knows no −0. */
function mixNumber(h: number, value: number): number {
  bits.setFloat64(0, value === 0 ? 0 : value);
  return mix(mix(h, bits.getInt32(0)), bits.getInt32(4));
}

/** One round of MurmurHash3 (32 bits) over a word. */
function mix(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const x = h ^ k;
  return (Math.imul((x << 13) | (x >>> 19), 5) + 0xe6546b64) | 0;
}
