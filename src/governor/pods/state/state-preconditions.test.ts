/** The preconditions of the pod scheduler's tables: a call in its order, and the same one out of it. */
import { expect, test } from 'vitest';
import { AssertionFailure } from '../../../kernel/assert.ts';
import { DemandTable } from '../../../model/demand.ts';
import { node, pod, requests, template } from '../scheduler.fixtures.ts';
import { NodeAccounts } from './node-accounts.ts';
import { NodeSlots } from './node-slots.ts';
import { newPodRecord, type PodRecord } from './pod-records.ts';
import { PodShapeTable, type Shape } from './shape-table.ts';

const GPU = requests(1, 1, { gpu: 1 });

function shapes(): { readonly table: PodShapeTable; readonly shape: Shape } {
  const table = new PodShapeTable(new NodeAccounts(), new DemandTable(), () => {});
  return { table, shape: table.acquire(template()) };
}

const record = (name: string): PodRecord => newPodRecord(pod(name), shapes().shape, 0, 0, 0);

/** Two nodes, with two pods on the first. */
function slots(): { readonly slots: NodeSlots; readonly pods: readonly PodRecord[] } {
  const made = new NodeSlots();
  for (const name of ['a', 'b']) made.set(node(name));
  const pods = [record('p'), record('q')];
  for (const each of pods) made.addPod(0, each);
  return { slots: made, pods };
}

function accounts(pods: number): NodeAccounts {
  const made = new NodeAccounts();
  made.setNode(0, node('a'));
  for (let i = 0; i < pods; i++) made.add(0, { columns: [0], amounts: [1] }, 1);
  return made;
}

/** Releases a request as often as that. */
function releases(times: number): void {
  const made = new NodeAccounts();
  const request = made.requestOf(GPU);
  for (let i = 0; i < times; i++) made.releaseRequest(request);
}

test.each<readonly [what: string, taken: () => unknown, refused: () => unknown]>([
  [
    'a node that is gone twice',
    () => slots().slots.remove(1),
    () => {
      const one = slots();
      one.slots.remove(1);
      one.slots.remove(1);
    },
  ],
  [
    'a pod off another node',
    () => {
      const one = slots();
      one.slots.removePod(0, one.pods[0] as PodRecord);
    },
    () => {
      const one = slots();
      one.slots.removePod(1, one.pods[0] as PodRecord);
    },
  ],
  [
    'a pod off a node without pods',
    () => accounts(1).add(0, { columns: [0], amounts: [1] }, -1),
    () => accounts(0).add(0, { columns: [0], amounts: [1] }, -1),
  ],
  ['a request released twice', () => releases(1), () => releases(2)],
  [
    'a shape released twice',
    () => {
      const { table, shape } = shapes();
      table.release(shape);
    },
    () => {
      const { table, shape } = shapes();
      table.release(shape);
      table.release(shape);
    },
  ],
  [
    'a shape that is not known any more',
    () => {
      const { table, shape } = shapes();
      table.hold(shape);
    },
    () => {
      const { table, shape } = shapes();
      table.release(shape);
      table.hold(shape);
    },
  ],
])('the pod scheduler does not take %s', (_, taken, refused) => {
  expect(taken).not.toThrow();
  expect(refused).toThrow(AssertionFailure);
});
