import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import {
  type AnyMessage,
  DemandId,
  entry,
  makeSummaryNode,
  message,
  reply,
  type Shown,
  Stage,
  type Step,
  showing,
  told,
} from './federation.fixtures.ts';
import { type BoardEntry, FederationReason, MessageKind, ProposalMode } from './messages.ts';
import type { SummaryNode } from './summary-node.ts';

const NODE = 100;
type Setup = Parameters<typeof makeSummaryNode>[0];

/** Zones 0 to 2, hosts 50 and 51, a parent. */
const LOWEST: Setup = {
  id: NODE,
  parent: 200,
  children: [0, 1, 2].map((id) => ({ id, isGroup: false, position: id })),
  readers: [50, 51],
  position: 1,
};

class Node extends Stage<SummaryNode> {
  constructor(setup: Setup = LOWEST) {
    super(makeSummaryNode(setup));
  }

  summary(from: number, version: number, shown: Shown, at = shown.takenAt): Step {
    return this.receive(message(MessageKind.Summary, from, NODE, { version, hologram: showing(shown) }), at);
  }

  board(entries: readonly BoardEntry[], at = 0): Step {
    return this.receive(message(MessageKind.Board, 200, NODE, { entries }), at);
  }

  propose(fields: Partial<AnyMessage> = {}, at = 0): AnyMessage {
    const proposal = {
      job: 7,
      host: 50,
      attempt: 3,
      demandId: DemandId.OneGpu,
      podCount: 2,
      gangMin: 2,
      deadline: 99,
    };
    return reply(this.receive(message(MessageKind.Propose, 50, NODE, { ...proposal, ...fields }), at));
  }

  /** Versions by child. */
  known(at: number): [number, number][] {
    return this.process.known(at).map(({ id, version }) => [id, version]);
  }
}

function boards(step: Step): AnyMessage[] {
  return step.messages.filter((m) => m.kind === MessageKind.Board);
}

describe('the state of a summary node', () => {
  test('is the last summary of each child, whatever is doubled, late or out of order', () => {
    const heard = fc.array(fc.record({ from: fc.nat(2), version: fc.integer({ min: 1, max: 9 }) }), {
      maxLength: 40,
    });
    checkProperty(
      fc.property(heard, (summaries) => {
        const node = new Node();
        const last = new Map<number, number>();
        for (const { from, version } of summaries) {
          // The same version has the same content.
          node.summary(from, version, { freeGpuMilli: 1000 * version, takenAt: 0 });
          last.set(from, Math.max(version, last.get(from) ?? 0));
        }
        expect(node.known(0)).toEqual([...last].sort(([a], [b]) => a - b));
        const free = [...last.values()].reduce((sum, version) => sum + 1000 * version, 0);
        expect(node.process.total(0).sums).toMatchObject({ freeGpuMilli: free, zones: last.size });
      }),
    );
  });

  test('ignores senders that are not children', () => {
    const node = new Node();
    node.summary(9, 1, { freeGpuMilli: 1000, takenAt: 0 });
    expect(node.known(0)).toEqual([]);
    expect(node.process.total(0).sums.zones).toBe(0);
  });

  test('a silent child expires, and comes back with its next summary', () => {
    const node = new Node({ ...LOWEST, options: { expireSeconds: 10 } });
    node.summary(0, 1, { freeGpuMilli: 1000, takenAt: 0 });
    node.summary(1, 1, { freeGpuMilli: 2000, takenAt: 5 });
    expect(node.known(10)).toEqual([
      [0, 1],
      [1, 1],
    ]);
    expect(node.known(10.5)).toEqual([[1, 1]]);
    expect(node.process.total(10.5).sums.freeGpuMilli).toBe(2000);
    node.summary(0, 2, { freeGpuMilli: 500, takenAt: 11 });
    expect(node.process.total(11).sums).toMatchObject({ freeGpuMilli: 2500, zones: 2 });
  });

  test('a group counts while its newest part does', () => {
    const node = new Node();
    node.summary(0, 1, { freeGpuMilli: 1000, takenAt: 0, newestAt: 8 });
    expect(node.known(18)).toHaveLength(1);
    expect(node.known(18.5)).toHaveLength(0);
  });

  test('a restarted child, with a higher incarnation, is accepted at once', () => {
    const node = new Node();
    node.summary(0, 2 ** 32 + 500, { freeGpuMilli: 1000, takenAt: 0 });
    node.summary(0, 2 * 2 ** 32 + 1, { freeGpuMilli: 2000, takenAt: 1 });
    expect(node.known(1)).toEqual([[0, 2 * 2 ** 32 + 1]]);
  });
});

describe('publishing', () => {
  test('sends hosts all known entries, and the parent the sum', () => {
    const node = new Node();
    node.summary(0, 4, { freeGpuMilli: 1000, takenAt: 0 });
    node.summary(2, 6, { freeGpuMilli: 3000, takenAt: 0.5 });
    node.board([
      entry(NODE, 1, { freeGpuMilli: 9, takenAt: 0 }, true),
      entry(101, 8, { freeGpuMilli: 7000, takenAt: 0 }, true),
    ]);
    const step = node.wake(1);
    expect(boards(step).map((m) => m.to)).toEqual([50, 51]);
    for (const { entries, from } of boards(step)) {
      expect(from).toBe(NODE);
      // The parent's entry for this very group is not passed on: the children's own entries contain it already.
      expect(entries?.map(({ id, isGroup, version, position }) => [id, isGroup, version, position])).toEqual([
        [0, false, 4, 0],
        [2, false, 6, 2],
        [101, true, 8, 101],
      ]);
    }
    const summary = step.messages.at(-1) as AnyMessage;
    expect(summary).toMatchObject({ kind: MessageKind.Summary, from: NODE, to: 200 });
    expect(summary.hologram?.sums).toMatchObject({ zones: 2, freeGpuMilli: 4000 });
    expect(summary.hologram?.takenAt).toBe(0);
    expect(summary.hologram?.newestAt).toBe(0.5);
  });

  test('informs summary nodes below, but not zones', () => {
    const node = new Node({
      ...LOWEST,
      children: [
        { id: 90, isGroup: true, position: 1 },
        { id: 91, isGroup: true, position: 5 },
      ],
      readers: [],
      parent: -1,
    });
    node.summary(90, 1, { freeGpuMilli: 1000, takenAt: 0 });
    const step = node.wake(1);
    expect(step.messages.map((m) => [m.kind, m.to])).toEqual([
      [MessageKind.Board, 90],
      [MessageKind.Board, 91],
    ]);
    expect(boards(step)[0]?.entries).toMatchObject([{ id: 90, isGroup: true, position: 1 }]);
  });

  test('says nothing upwards of nothing', () => {
    const step = new Node().wake(1);
    expect(boards(step).map((m) => m.entries)).toEqual([[], []]);
    expect(step.messages).toHaveLength(2);
  });

  test('does not pass on expired entries, its own or from above', () => {
    const node = new Node();
    node.summary(0, 1, { freeGpuMilli: 1000, takenAt: 0 });
    node.board([entry(101, 1, { freeGpuMilli: 1000, takenAt: 2 }, true)]);
    expect(boards(node.wake(11))[0]?.entries?.map(({ id }) => id)).toEqual([101]);
    expect(boards(node.wake(13))[0]?.entries).toEqual([]);
  });

  test('comes every period, in a constant phase, with growing versions', () => {
    const node = new Node({ ...LOWEST, firstPublishSeconds: 0.25, options: { publishSeconds: 2 } });
    const versions: number[] = [];
    for (let i = 0; i < 4; i++) {
      const at = 0.25 + 2 * i;
      expect(node.process.wakeAt).toBe(at);
      node.summary(0, i + 1, { freeGpuMilli: 1000, takenAt: at });
      expect(node.wake(at - 0.01).messages).toEqual([]);
      versions.push((node.wake(at).messages.at(-1) as AnyMessage).version);
    }
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(new Set(versions).size).toBe(4);
    node.wake(17.5);
    expect(node.process.wakeAt).toBe(18.25);
  });

  test('one that starts over publishes versions that are newer than all before', () => {
    const versionOf = (incarnation: number): number => {
      const node = new Node({ ...LOWEST, incarnation });
      let last = 0;
      for (let at = 0; at < 20; at++) {
        node.summary(0, at + 1, { freeGpuMilli: 1000, takenAt: at });
        last = (node.wake(at).messages.at(-1) as AnyMessage).version;
      }
      return last;
    };
    const first = new Node({ ...LOWEST, incarnation: 3 });
    first.summary(0, 1, { freeGpuMilli: 1000, takenAt: 0 });
    expect((first.wake(0).messages.at(-1) as AnyMessage).version).toBeGreaterThan(versionOf(2));
  });
});

describe('a proposal', () => {
  test('is handed to the child that the chooser picks on the newest summaries, unchanged but for the hop', () => {
    const node = new Node();
    node.summary(0, 1, { freeGpuMilli: 4000, takenAt: 0 });
    node.summary(1, 1, { freeGpuMilli: 3000, takenAt: 0 });
    const proposal = { job: 2 ** 50, attempt: 2 ** 33, hops: 2 };
    expect(node.propose(proposal)).toMatchObject({
      kind: MessageKind.Propose,
      from: NODE,
      to: 0,
      host: 50,
      demandId: DemandId.OneGpu,
      podCount: 2,
      gangMin: 2,
      deadline: 99,
      job: 2 ** 50,
      attempt: 2 ** 33,
      hops: 3,
    });
    // Fresher than the published data.
    node.summary(1, 2, { freeGpuMilli: 9000, takenAt: 1 });
    expect(node.propose({}, 1).to).toBe(1);
    expect(node.process.counters).toEqual({ routed: 2, refused: 0 });
  });

  test("never goes to a zone elsewhere: that is its host's choice", () => {
    const node = new Node();
    node.summary(0, 1, { freeGpuMilli: 2000, takenAt: 0 });
    node.board([entry(101, 1, { freeGpuMilli: 90_000, takenAt: 0 }, true)]);
    node.wake(0);
    expect(node.propose().to).toBe(0);
  });

  test.each<[string, Partial<AnyMessage>, number]>([
    ['no child shows room for the gang', { gangMin: 5, podCount: 5 }, 0],
    ['it has made too many hops', { hops: 8 }, 0],
    ['it is late', { deadline: 4.9 }, 5],
    ['all children have been silent for too long', {}, 10.5],
    ['no child knows its demand', { demandId: 99 }, 0],
  ])('is refused to its host if %s', (_, fields, at) => {
    const node = new Node();
    node.summary(0, 1, { freeGpuMilli: 4000, takenAt: 0 });
    expect(node.propose(fields, at)).toMatchObject({
      kind: MessageKind.Refuse,
      from: NODE,
      to: 50,
      job: 7,
      attempt: 3,
      reason: FederationReason.NoZone,
    });
    expect(node.process.counters).toEqual({ routed: 0, refused: 1 });
  });

  test('that asks at random is handed to any child that shows room, and says so on', () => {
    const node = new Node();
    node.summary(0, 1, { freeGpuMilli: 9000, takenAt: 0 });
    node.summary(1, 1, { freeGpuMilli: 2000, takenAt: 0 });
    node.summary(2, 1, { freeGpuMilli: 1000, takenAt: 0 });
    const routed = Array.from({ length: 200 }, () => node.propose({ mode: ProposalMode.Random }));
    expect(routed.every((m) => m.kind === MessageKind.Propose && m.mode === ProposalMode.Random)).toBe(true);
    const toFirst = routed.filter((m) => m.to === 0).length;
    expect(toFirst).toBeGreaterThan(70);
    expect(toFirst).toBeLessThan(130);
    expect(routed.filter((m) => m.to === 1)).toHaveLength(200 - toFirst);
  });

  test('is refused before anything is known', () => {
    expect(new Node().propose()).toMatchObject({ kind: MessageKind.Refuse, reason: FederationReason.NoZone });
  });
});

describe('other messages', () => {
  test('are ignored', () => {
    const node = new Node();
    for (const kind of [MessageKind.Offer, MessageKind.Confirm, MessageKind.Ended, MessageKind.Stop]) {
      expect(told(node.receive(message(kind, 50, NODE, { job: 1, offer: 1 }), 0))).toEqual([]);
    }
  });
});

describe('the champion', () => {
  const bid = (gang: number, rankSeconds: number) => ({
    rankSeconds,
    gang,
    demandId: DemandId.OneGpu,
    pods: 4,
  });
  const holding = (gang: number, rankSeconds: number, takenAt: number): Shown => ({
    freeGpuMilli: 0,
    takenAt,
    held: { gpuMilli: 1000, cpuMilli: 0, champion: bid(gang, rankSeconds) },
  });
  const named = (step: Step) =>
    step.messages
      .filter(({ kind }) => kind === MessageKind.Champion)
      .map(({ to, gang, pods }) => [to, gang, pods]);

  test('is the first of all zones, its own and those elsewhere; its zones learn of it, and that there is none any more', () => {
    const node = new Node();
    expect(named(node.wake(0))).toEqual([]);
    node.summary(0, 1, holding(7, 5, 1));
    node.summary(1, 1, holding(8, 4, 1));
    expect(named(node.wake(1))).toEqual([0, 1, 2].map((zone) => [zone, 8, 4]));
    node.board([entry(300, 1, holding(9, 3, 1), true)], 1);
    expect(named(node.wake(2))).toEqual([0, 1, 2].map((zone) => [zone, 9, 4]));
    node.board([], 2);
    node.summary(0, 2, { freeGpuMilli: 0, takenAt: 2 });
    node.summary(1, 2, { freeGpuMilli: 0, takenAt: 2 });
    expect(named(node.wake(3))).toEqual([0, 1, 2].map((zone) => [zone, 0, 0]));
    expect(named(node.wake(4))).toEqual([]);
  });

  test('is passed on upwards with what is held idle, added up', () => {
    const node = new Node();
    node.summary(0, 1, holding(7, 5, 1));
    node.summary(1, 1, holding(8, 4, 1));
    const summary = node.wake(1).messages.find(({ kind }) => kind === MessageKind.Summary);
    expect(summary?.hologram.held).toEqual({ gpuMilli: 2000, cpuMilli: 0, champion: bid(8, 4) });
  });
});
