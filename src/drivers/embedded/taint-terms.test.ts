import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { ClusterState } from '../../model/cluster-state.ts';
import { DemandTable } from '../../model/demand.ts';
import type { JobSpec } from '../../model/job.ts';
import type { Taint } from '../../model/kubernetes/node.ts';
import type { Toleration } from '../../model/kubernetes/pod.ts';
import type { NodeSpec } from '../../model/node.ts';
import { TAINTS_LABEL, TaintTerms } from './taint-terms.ts';

const NODE: NodeSpec = { name: 'n', cpuMilli: 1000, memoryMib: 1000, gpuCount: 0, gpuModel: '', podsMax: 10 };
const JOB: JobSpec = {
  id: 'j',
  tenant: '',
  priority: 0,
  cpuMilli: 1,
  memoryMib: 1,
  gpuCount: 0,
  gpuMilli: 0,
  gpuModels: [],
  submitSeconds: 0,
  durationSeconds: 1,
  requestedSeconds: Number.NaN,
  podCount: 1,
  gangMin: 1,
};

/** Names of the nodes that the job may go to. */
function allowed(nodes: readonly NodeSpec[], job: JobSpec): string[] {
  const terms = new TaintTerms(nodes);
  const demands = new DemandTable();
  const demand = demands.intern(terms.apply(job));
  const labelKeys = new Set([TAINTS_LABEL]);
  const cluster = new ClusterState(demands, { labelKeys });
  for (const node of terms.nodes) cluster.addNode(node);
  return cluster.names.filter((_, node) => cluster.fits(node, demand));
}

const key = fc.constantFrom('a', 'b', 'node.kubernetes.io/unschedulable');
const value = fc.constantFrom('', 'x', 'y');
const effect = fc.constantFrom('NoSchedule', 'NoExecute');
const taint: fc.Arbitrary<Taint> = fc.record({ key, value, effect });
const toleration: fc.Arbitrary<Toleration> = fc.oneof(
  fc.record({
    key,
    operator: fc.constant('Equal'),
    value,
    effect: fc.constantFrom('', 'NoSchedule', 'NoExecute'),
  }),
  fc.record({
    key: fc.oneof(key, fc.constant('')),
    operator: fc.constant('Exists'),
    value: fc.constant(''),
    effect: fc.constantFrom('', 'NoSchedule', 'NoExecute'),
  }),
);

/** The rule as the documentation of Kubernetes has it, one taint and one toleration at a time. */
function isTolerated({ key, value, effect }: Taint, tolerations: readonly Toleration[]): boolean {
  for (const t of tolerations) {
    if (t.effect !== '' && t.effect !== effect) continue;
    if (t.key === '' && t.operator === 'Exists') return true;
    if (t.key !== key) continue;
    if (t.operator === 'Exists' || t.value === value) return true;
  }
  return false;
}

describe('TaintTerms', () => {
  test('let a pod onto exactly the nodes whose every taint it tolerates', () => {
    const nodes = fc.array(fc.array(taint, { maxLength: 3 }), { minLength: 1, maxLength: 6 });
    checkProperty(
      fc.property(nodes, fc.array(toleration, { maxLength: 3 }), (all, tolerations) => {
        const specs = all.map((taints, i) => ({ ...NODE, name: `n${i}`, taints }));
        const expected = specs.filter(({ taints }) => taints.every((t) => isTolerated(t, tolerations)));
        expect(allowed(specs, { ...JOB, tolerations })).toEqual(expected.map(({ name }) => name));
      }),
    );
  });

  test('let jobs that know nothing of taints onto all nodes but those that take nothing', () => {
    const of = (name: string, key: string): NodeSpec => ({
      ...NODE,
      name,
      taints: [{ key, value: '', effect: 'NoSchedule' }],
    });
    const nodes = [NODE, of('gpu', 'nvidia.com/gpu'), of('cordoned', 'node.kubernetes.io/unschedulable')];
    expect(allowed(nodes, JOB)).toEqual(['n', 'gpu']);
    expect(allowed(nodes, { ...JOB, tolerations: [] })).toEqual(['n']);
  });

  test('leave clusters without taints, and the terms that a job has, as they are', () => {
    const plain = new TaintTerms([NODE]);
    expect(plain.nodes[0]).toBe(NODE);
    expect(plain.apply(JOB)).toBe(JOB);
    const taints: Taint[] = [{ key: 'a', value: '', effect: 'NoSchedule' }];
    const tainted = new TaintTerms([{ ...NODE, taints }]);
    const affinity = [{ key: 'k', operator: 'Exists' as const, values: [] }];
    expect(tainted.apply({ ...JOB, affinity, tolerations: [] }).affinity).toEqual([
      ...affinity,
      { key: TAINTS_LABEL, operator: 'NotIn', values: ['t0'] },
    ]);
  });
});
