/**
 * Which nodes backfilling keeps, on nodes of several GPUs: slot worlds, in which all nodes are alike, cannot show it. Each test
 * is for a bug that was planted and that the comparison with plain code did not notice.
 */
import { describe, expect, test } from 'vitest';
import { QuotaAccounts } from '../../governor/accounts.fixtures.ts';
import { RuntimeEstimates } from '../../market/runtimes/runtime-estimates.ts';
import { ConservativeQueue } from './conservative-queue.ts';
import { EasyQueue } from './easy-queue.ts';
import { A100_GPU, ANY_GPU, ZoneLine } from './zone-line.fixtures.ts';

describe('easy', () => {
  test('reserves again, within a pass, once a short job has taken a node that was not reserved', () => {
    const line = new ZoneLine([2, 2, 2], () => new EasyQueue(new RuntimeEstimates()));
    line.submit(0, 1, 1000);
    line.submit(1, 3, 100);
    line.submit(2, 4, 100);
    line.submit(3, 2, 1000);
    line.passAt(0);
    expect([0, 1, 2, 3].map((job) => line.nodesOf(job))).toEqual([[0], [0, 0, 0], [1, 1, 1, 1], [2, 2]]);
    // Three GPUs are free on node 0, two on node 2. The head needs six at 100 s: node 1, and first node 2, which has less now.
    line.submit(4, 6, 50);
    line.submit(5, 3, 50);
    line.submit(6, 2, 1000);
    line.passAt(1, 1);
    expect([4, 5].map((job) => line.nodesOf(job))).toEqual([undefined, [0, 0, 0]]);
    // Node 0 is busy until then, too, and node 2 free for a long job.
    expect(line.nodesOf(6)).toEqual([2, 2]);
    line.passAt(100, 2, 5);
    expect(line.nodesOf(4)).toEqual([0, 0, 0, 1, 1, 1]);
  });

  test('lets by, after an early end, what ends before the new start of the head and nothing longer', () => {
    const line = new ZoneLine([2], () => new EasyQueue(new RuntimeEstimates()));
    line.submit(0, 2, 1000);
    line.submit(1, 1, 200);
    line.submit(2, 4, 100);
    line.passAt(0);
    // Until 1,000 s by what is known; then one ends early, and the head starts at 200 s.
    line.passAt(10, 0);
    line.submit(3, 1, 500);
    line.submit(4, 1, 150);
    line.passAt(20);
    expect([3, 4].map((job) => line.nodesOf(job))).toEqual([undefined, [0]]);
    line.passAt(200, 1, 4);
    expect(line.nodesOf(2)).toEqual([0, 0, 0, 0]);
  });
});

describe('conservative', () => {
  const create = (...of: ConstructorParameters<typeof ConservativeQueue>): ConservativeQueue =>
    new ConservativeQueue(...of);

  test.each([
    { ends: 49, node: 0 },
    { ends: 50, node: 1 },
  ])(
    'a job that ends at $ends s beside a reservation from 49 s on leaves room for a long one on node $node',
    ({ ends, node }) => {
      const line = new ZoneLine([2, 1], (cluster) => create(cluster, new RuntimeEstimates()));
      line.submit(0, 2, 49, A100_GPU);
      line.passAt(0);
      // One of four A100 until `ends`, then three from 49 s on: it starts on the nodes planned for it, as part is reserved.
      line.submit(1, 1, ends - 10, A100_GPU);
      line.submit(2, 3, 100, A100_GPU);
      line.submit(3, 1, 1000, ANY_GPU);
      line.passAt(10);
      expect([1, 2, 3].map((job) => line.nodesOf(job))).toEqual([[0], undefined, [node]]);
      line.passAt(49, ...(ends === 49 ? [0, 1] : [0]));
      expect(line.nodesOf(2)).toEqual([0, 0, 0]);
    },
  );

  test('what the accounts refuse keeps no nodes from those that start in the same pass', () => {
    const line = new ZoneLine(
      [2, 2],
      (cluster) => create(cluster, new RuntimeEstimates()),
      new QuotaAccounts(1),
    );
    line.submit(0, 4, 1000);
    line.submit(1, 1, 1000, ANY_GPU, 1);
    line.passAt(0);
    // It would have had node 0.
    expect([0, 1].map((job) => line.nodesOf(job))).toEqual([undefined, [0]]);
  });

  test('what the accounts refuse has no reservation, and those behind it are not postponed', () => {
    const accounts = new QuotaAccounts(4, 15);
    const line = new ZoneLine([2], (cluster) => create(cluster, new RuntimeEstimates()), accounts);
    line.submit(0, 2, 100);
    accounts.podsMax = 3;
    line.submit(1, 2, 200);
    // Behind both, as the second is refused at its start.
    line.submit(2, 3, 100, ANY_GPU, 1);
    line.passAt(0);
    expect([0, 1, 2].map((job) => line.nodesOf(job))).toEqual([[0, 0], undefined, undefined]);
    // Its tenant is asked again, and has no room before the reservation: what fits before that starts now.
    line.submit(3, 2, 80, ANY_GPU, 2);
    line.passAt(15);
    expect([1, 3].map((job) => line.nodesOf(job))).toEqual([undefined, [0, 0]]);
  });
});
