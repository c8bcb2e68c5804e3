import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import { message, showing } from '../../../governor/federation/federation.fixtures.ts';
import { ENTRY_FIELDS, type FieldForm, MESSAGE_FIELDS } from '../../../governor/federation/message-fields.ts';
import {
  ActionKind,
  type BoardEntry,
  MESSAGE_NAMES,
  type Message,
  MessageKind,
  Outbox,
} from '../../../governor/federation/messages.ts';
import { Digest, digestOutbox, digestState } from './digest.ts';

const NOTHING: ReadonlySet<object> = new Set();

describe('a digest of state', () => {
  test('sees every number, text, element, key and order that can be reached', () => {
    const make = () => ({
      n: 1,
      text: 'a',
      on: true,
      list: [1, [2, 3]],
      bytes: new Uint8Array([1, 2, 3]),
      doubles: new Float64Array([0.5, Number.NaN]),
      map: new Map<unknown, unknown>([
        [1, { deep: 1 }],
        [2, 'x'],
      ]),
      set: new Set([4, 5]),
      nothing: undefined as number | undefined,
    });
    const same = digestState(make(), NOTHING);
    expect(digestState(make(), NOTHING)).toBe(same);
    const changes: ((o: ReturnType<typeof make>) => void)[] = [
      (o) => o.n++,
      (o) => {
        o.n = -0;
      },
      (o) => {
        o.text = 'b';
      },
      (o) => {
        o.on = false;
      },
      (o) => (o.list[1] as number[]).push(4),
      (o) => o.bytes.fill(9, 2),
      (o) => o.doubles.fill(0, 1),
      (o) => o.map.set(3, 3),
      (o) => {
        (o.map.get(1) as { deep: number }).deep = 2;
      },
      (o) => {
        o.map.delete(1);
        o.map.set(1, { deep: 1 });
      },
      (o) => o.set.add(6),
      (o) => {
        o.nothing = 0;
      },
    ];
    const seen = changes.map((change) => {
      const object = make();
      change(object);
      return digestState(object, NOTHING);
    });
    expect(new Set([same, ...seen]).size).toBe(changes.length + 1);
  });

  test('distinguishes shared references from equal ones, and ends at cycles', () => {
    const part = { a: 1 };
    expect(digestState([part, part], NOTHING)).not.toBe(digestState([part, { a: 1 }], NOTHING));
    const loop: { self?: object } = {};
    loop.self = loop;
    expect(digestState(loop, NOTHING)).toBe(digestState(loop, NOTHING));
  });

  test('leaves out shared objects, functions and memos', () => {
    const table = { rows: [1] };
    const of = (rows: number[], allowedCache: number) => {
      table.rows = rows;
      return digestState({ table, allowedCache, run: () => allowedCache }, new Set([table]));
    };
    expect(of([1], 1)).toBe(of([2, 3], 7));
  });

  test('sees bytes at any offset and length', () => {
    checkProperty(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat(3), (bytes, offset) => {
        const shifted = new Uint8Array(bytes.length + offset);
        shifted.set(bytes, offset);
        const [a, b] = [new Digest(), new Digest()];
        a.bytes(bytes);
        b.bytes(shifted.subarray(offset));
        if (offset === 0) expect(b.value).toBe(a.value);
        const c = new Digest();
        c.bytes(bytes.map((byte, i) => (i === bytes.length - 1 ? byte ^ 1 : byte)));
        expect(c.value).not.toBe(a.value);
      }),
    );
  });
});

describe("a digest of a step's output", () => {
  const entry: BoardEntry = {
    id: 1,
    isGroup: false,
    position: 2,
    version: 3,
    hologram: showing({ freeGpuMilli: 1, takenAt: 0 }),
  };
  /** Another value of a field than any that is used here. */
  const other: Readonly<Record<FieldForm, unknown>> = {
    number: 77,
    flag: true,
    hologram: showing({ freeGpuMilli: 2, takenAt: 0 }),
    entries: [{ ...entry, version: 99 }, entry],
  };
  const digestOf = (messages: readonly Message[], change: (out: Outbox) => void = () => {}): number => {
    const out = new Outbox();
    for (const one of messages) out.send(one);
    out.act(ActionKind.Start, 5, 6, 7, 8, 0);
    change(out);
    return digestOutbox(out);
  };

  test.each(Object.values(MessageKind).map((kind) => [MESSAGE_NAMES[kind], kind] as const))(
    'covers every field of a message: %s',
    (_, kind) => {
      const fields = MESSAGE_FIELDS[kind] ?? [];
      const content = fields.filter(({ form }) => form === 'hologram' || form === 'entries');
      const blank = Object.fromEntries(
        content.map(({ name, form }) => [name, form === 'entries' ? [entry] : entry.hologram]),
      );
      const one = message(kind, 0, 1, blank);
      const changed = fields.map(({ name, form }) => digestOf([{ ...one, [name]: other[form] }]));
      expect(digestOf([one])).toBe(digestOf([{ ...one }]));
      expect(new Set([digestOf([one]), ...changed]).size).toBe(fields.length + 1);
    },
  );

  test('covers every field of an entry, and their number', () => {
    const board = (entries: readonly BoardEntry[]): number =>
      digestOf([message(MessageKind.Board, 0, 1, { entries })]);
    const changed = ENTRY_FIELDS.map(({ name, form }) => board([{ ...entry, [name]: other[form] }]));
    const all = [board([entry]), ...changed, board([]), board([entry, entry])];
    expect(new Set(all).size).toBe(all.length);
    expect(changed.length).toBe(Object.keys(entry).length);
  });

  test('covers every field of an action, the order, and the number of both', () => {
    const two = [1, 2].map((to) => message(MessageKind.Offer, 0, to, { job: 5, offer: 2 ** 33 + 1 }));
    const fields = Object.keys({ kind: 0, job: 0, offer: 0, zone: 0, local: 0, reason: 0, doneSeconds: 0 });
    const all = [
      digestOf(two),
      digestOf(two, (out) => out.messages.reverse()),
      digestOf(two, (out) => out.messages.pop()),
      digestOf(two, (out) => out.actions.pop()),
      ...fields.map((name) =>
        digestOf(two, (out) => Object.assign(out.actions[0] as object, { [name]: 77 })),
      ),
    ];
    expect(new Set(all).size).toBe(all.length);
  });
});
