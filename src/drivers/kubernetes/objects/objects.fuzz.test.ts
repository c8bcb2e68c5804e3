import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import { Random } from '../../../kernel/random.ts';
import { TegError } from '../../../model/errors.ts';
import { namespaceOf, nodeOf, volumeLimitsOf } from '../../../model/readers/read-node.ts';
import { projecting } from '../../../model/readers/read-object.ts';
import { clusterNode, deploymentPod, elaboratePod, mutate } from './objects.fixtures.ts';
import { podOf } from './pod.ts';
import { budgetOf, podGroupOf } from './pod-group.ts';
import { profilesOf } from './profiles.ts';
import { claimOf, storageClassOf, volumeOf } from './storage.ts';
import { TemplateCache } from './template-cache.ts';

/** Uniform in [0, 1), of a seed. */
function randomFrom(seed: number): () => number {
  const random = new Random(seed);
  return () => random.nextDouble();
}

/** @returns The description, or the expected failure as its text; anything else is thrown. */
function attempt<Value>(read: () => Value): Value | string {
  try {
    return read();
  } catch (error) {
    if (error instanceof TegError && error.code === 'TEG_KUBE_OBJECT') return error.message;
    throw error;
  }
}

/** True if all numbers are safe for the core to count with. Sizes of storage are compared, never added. */
function hasOnlySafeNumbers(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, inner]) =>
    name === 'bytes' ? Number.isFinite(inner) : hasOnlySafeNumbers(inner),
  );
}

describe('whatever the JSON', () => {
  test('a broken pod is described or malformed, the same with and without the cache', () => {
    const cache = new TemplateCache(50);
    let described = 0;
    let malformed = 0;
    for (let seed = 1; seed <= 20_000; seed++) {
      const random = randomFrom(seed);
      const pod = random() < 0.5 ? deploymentPod() : elaboratePod();
      if (random() < 0.3) pod.spec.nodeName = 'n1';
      mutate(pod, random);
      const plain = attempt(() => podOf(pod, profilesOf(['teg'])));
      const cached = attempt(() => podOf(pod, profilesOf(['teg']), cache));
      if (typeof plain === 'string') malformed++;
      else described++;
      expect(cached, `seed ${seed}`).toEqual(plain);
      expect(hasOnlySafeNumbers(plain), `seed ${seed}`).toBe(true);
    }
    expect(described).toBeGreaterThan(5_000);
    expect(malformed).toBeGreaterThan(2_000);
  });

  test('a broken node is described or malformed', () => {
    for (let seed = 1; seed <= 5_000; seed++) {
      const node = clusterNode();
      mutate(node, randomFrom(seed));
      expect(hasOnlySafeNumbers(attempt(() => nodeOf(node))), `seed ${seed}`).toBe(true);
    }
  });

  test('any JSON at all', () => {
    const readers = [
      (json: unknown) => podOf(json, profilesOf(['teg']), new TemplateCache(2)),
      nodeOf,
      (json: unknown) => podGroupOf(json),
      (json: unknown) => podGroupOf(json, 'scheduling.k8s.io'),
      budgetOf,
      claimOf,
      volumeOf,
      storageClassOf,
      volumeLimitsOf,
      namespaceOf,
    ];
    const shell = fc.record({
      metadata: fc.oneof(fc.constant({ name: 'a', namespace: 'b', uid: 'c' }), fc.jsonValue()),
      spec: fc.dictionary(
        fc.constantFrom('containers', 'affinity', 'resources', 'selector', 'drivers', 'taints', 'volumes'),
        fc.jsonValue(),
      ),
      status: fc.jsonValue(),
    });
    checkProperty(
      fc.property(fc.oneof(fc.jsonValue(), shell), (json) => {
        for (const read of readers) expect(attempt<unknown>(() => read(json))).toBeDefined();
      }),
      { numRuns: 2_000 },
    );
  });

  test('nested as deeply as a message can be', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`);
    const pod = deploymentPod();
    pod.spec.affinity = deep;
    expect(attempt(() => podOf(pod, profilesOf(['teg']), new TemplateCache()))).toBeTypeOf('object');
    const overflow = () => projecting('Pod', pod, (): never => overflow());
    expect(attempt(overflow)).toMatch(/nested too deeply/);
  });

  test('a megabyte of annotations costs nothing', () => {
    const pod = deploymentPod();
    pod.metadata.annotations = { note: 'x'.repeat(1 << 20) };
    expect(podOf(pod, profilesOf(['teg']), new TemplateCache()).name).toBe('web-7d4b9c6f5-x2v9k');
  });
});
