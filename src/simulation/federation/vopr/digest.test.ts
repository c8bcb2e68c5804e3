import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import { showing } from '../../../governor/federation/federation.fixtures.ts';
import {
  ActionKind,
  type BoardEntry,
  MessageKind,
  makeMessage,
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

test("a digest of a step's output covers every field and the order", () => {
  const make = (change: (out: Outbox) => void = () => {}) => {
    const out = new Outbox();
    for (const to of [1, 2]) {
      const message = makeMessage(MessageKind.Offer, 0, to, 5);
      message.offer = 2 ** 33 + 1;
      out.send(message);
    }
    out.act(ActionKind.Start, 5, 6, 7, 8, 0);
    change(out);
    return digestOutbox(out);
  };
  const fieldsOf = (pick: (out: Outbox) => object | undefined): string[] => {
    let names: string[] = [];
    make((out) => {
      names = Object.keys(pick(out) as object);
    });
    return names;
  };
  const entry: BoardEntry = {
    id: 1,
    isGroup: false,
    position: 2,
    version: 3,
    hologram: showing({ freeGpuMilli: 1, takenAt: 0 }),
  };
  /** Another value of a field than any that is used here. */
  const other = (name: string): unknown => {
    if (name === 'hologram') return showing({ freeGpuMilli: 2, takenAt: 0 });
    if (name === 'entries') return [{ ...entry, version: 99 }];
    return name === 'isGroup' ? true : 77;
  };
  expect(make()).toBe(make());
  const changed = [
    make((out) => out.messages.reverse()),
    make((out) => out.messages.pop()),
    make((out) => out.actions.pop()),
    ...fieldsOf((out) => out.messages[0]).map((name) =>
      make((out) => Object.assign(out.messages[0] as object, { [name]: other(name) })),
    ),
    ...fieldsOf((out) => out.actions[0]).map((name) =>
      make((out) => Object.assign(out.actions[0] as object, { [name]: other(name) })),
    ),
    ...fieldsOf(() => entry).map((name) =>
      make((out) =>
        Object.assign(out.messages[0] as object, { entries: [{ ...entry, [name]: other(name) }] }),
      ),
    ),
    make((out) => Object.assign(out.messages[0] as object, { entries: [entry] })),
    make((out) => Object.assign(out.messages[0] as object, { entries: [entry, entry] })),
    make((out) => Object.assign(out.messages[0] as object, { entries: [] })),
  ];
  expect(new Set([make(), ...changed]).size).toBe(changed.length + 1);
});
