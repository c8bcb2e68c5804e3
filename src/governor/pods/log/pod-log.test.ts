import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import { TegError } from '../../../model/errors.ts';
import { POD_OPTIONS, someEffect, someEvent } from '../pod-events.fixtures.ts';
import type { PodEffect, PodEvent } from '../pod-events.ts';
import { digestOf } from './pod-effects-digest.ts';
import { LOG_TEMPLATES_MAX, type LoggedStep, PodLogReader, PodLogWriter } from './pod-log.ts';

interface Step {
  readonly event: PodEvent;
  readonly t: number;
  readonly effects: readonly PodEffect[];
}

const step: fc.Arbitrary<Step> = fc.record({
  event: someEvent,
  t: fc.double({ min: 0, max: 2e9, noNaN: true }),
  effects: fc.array(someEffect, { maxLength: 3 }),
});

function write(steps: readonly Step[], writer = new PodLogWriter(POD_OPTIONS)): string {
  const text = writer.head() + steps.map((s) => writer.step(s.event, s.t, s.effects)).join('');
  return text + writer.end('complete');
}

function read(text: string, reader = new PodLogReader()): LoggedStep[] {
  const lines = text.split('\n');
  const rest = lines.pop() as string;
  const steps = lines.map((line) => reader.read(line));
  return [...steps, reader.finish(rest)].filter((found) => found !== undefined);
}

/** What nodes share, as the log has it. */
const NODE_SHAPE = {
  labels: {},
  taints: [],
  unschedulable: false,
  cpuMilli: 1,
  memoryBytes: 2,
  podsMax: 3,
  extended: {},
};

/** JSON has no undefined and no −0; to `toEqual` the former is the same as absent. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function refusal(act: () => unknown): TegError {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(TegError);
    return error as TegError;
  }
  throw new Error('expected a refusal');
}

const pods = (count: number): Step[] => {
  const [{ event }] = fc.sample(
    step.filter(({ event }) => event.kind === 'pod'),
    { numRuns: 1, seed: 3 },
  ) as [Step];
  if (event.kind !== 'pod') throw new Error('no pod');
  return Array.from({ length: count }, (_, n) => ({
    // A new object each time, as from a projection without interning.
    event: { kind: 'pod', pod: { ...event.pod, uid: `u${n}`, template: plain(event.pod.template) } },
    t: n,
    effects: [],
  }));
};

describe('a log', () => {
  test('gives back every event, time, effect and digest', () => {
    checkProperty(
      fc.property(
        fc.array(step, { maxLength: 20 }),
        fc.integer({ min: 1, max: 4 }),
        (steps, templatesMax) => {
          const writer = new PodLogWriter(POD_OPTIONS, { templatesMax, madeBy: '0.9.1' });
          const reader = new PodLogReader();
          const found = read(write(steps, writer), reader);
          expect(found.map(({ event }) => event)).toEqual(steps.map(({ event }) => event));
          expect(found.map(({ timeSeconds }) => timeSeconds)).toEqual(steps.map(({ t }) => t));
          let digest = 0;
          for (const [i, { effects }] of steps.entries()) {
            digest = digestOf(effects, digest);
            expect(found[i]?.digest).toBe(digest);
            expect(found[i]?.effects).toEqual(effects);
            expect(found[i]?.step).toBe(i);
          }
          expect(reader.options).toEqual(POD_OPTIONS);
          expect(reader).toMatchObject({ madeBy: '0.9.1', end: 'complete', isTruncated: false });
        },
      ),
    );
  });

  test('names a template once, however many pods have it, and a node shape once', () => {
    const text = write(pods(5_000));
    expect(text.match(/^\["P",/gm)).toHaveLength(1);
    expect(text.length / 5_000).toBeLessThan(400);
    const nodes: Step[] = Array.from({ length: 50 }, (_, n) => ({
      event: {
        kind: 'node',
        node: {
          name: `n${n}`,
          uid: `u${n}`,
          labels: { a: '1', 'kubernetes.io/hostname': `n${n}`, b: '2' },
          taints: [],
          unschedulable: false,
          cpuMilli: 1,
          memoryBytes: 2,
          podsMax: 3,
          extended: {},
        },
      },
      t: 0,
      effects: [],
    }));
    const found = read(write(nodes));
    expect(write(nodes).match(/^\["N",/gm)).toHaveLength(1);
    // Also the order of labels: the same bits, not only the same meaning.
    expect(found.map((s) => JSON.stringify((s.event as { node: { labels: unknown } }).node.labels))).toEqual(
      nodes.map((s) => JSON.stringify((s.event as { node: { labels: unknown } }).node.labels)),
    );
  });

  test('begins its numbers again when they are used up, on both sides', () => {
    const steps = pods(7).map((s, n) => {
      if (s.event.kind !== 'pod') throw new Error('no pod');
      const { pod } = s.event;
      return {
        ...s,
        event: { ...s.event, pod: { ...pod, template: { ...pod.template, labels: { n: `${n}` } } } },
      };
    });
    const text = write(steps, new PodLogWriter(POD_OPTIONS, { templatesMax: 3 }));
    expect(text.match(/^\["C"\]$/gm)).toHaveLength(2);
    expect(read(text).map(({ event }) => event)).toEqual(steps.map(({ event }) => event));
    const [head, template] = write(pods(1)).split('\n') as [string, string];
    const reader = new PodLogReader();
    for (const line of [head, ...new Array<string>(LOG_TEMPLATES_MAX).fill(template)]) reader.read(line);
    expect(refusal(() => reader.read(template)).message).toContain(`line ${LOG_TEMPLATES_MAX + 2} `);
  });

  test('refuses to write a line over the limit, and leaves out effects that would not fit', () => {
    const writer = new PodLogWriter(POD_OPTIONS, { lineCharsMax: 400 });
    const effect = { kind: 'gang-release', group: 'g', uids: [], message: 'x'.repeat(400) } as const;
    const text = writer.step({ kind: 'decide', max: 1 }, 0, [effect]);
    expect(text).toContain('"digest"');
    expect(text).toContain('"effects":null');
    expect(read(writer.head() + text)[0]?.effects).toBeUndefined();
    const sparse = new PodLogWriter(POD_OPTIONS, { withEffects: false });
    expect(read(sparse.head() + sparse.step({ kind: 'decide', max: 1 }, 0, [effect]))[0]).toMatchObject({
      digest: digestOf([effect]),
      effects: undefined,
    });
    const long: PodEvent = { kind: 'namespace', name: 'n', labels: { a: 'x'.repeat(400) } };
    expect(refusal(() => writer.step(long, 0, [])).code).toBe('TEG_LIMIT_REACHED');
    expect(writer.steps).toBe(1);
  });

  test('writes no digests after a step whose effects are not known', () => {
    const writer = new PodLogWriter(POD_OPTIONS);
    const event: PodEvent = { kind: 'decide', max: 1 };
    const text =
      writer.head() +
      writer.step(event, 0, []) +
      writer.step(event, 1, undefined) +
      writer.step(event, 2, []);
    const digests = read(text).map(({ digest }) => digest);
    expect(digests).toEqual([digestOf([]), undefined, undefined]);
  });
});

describe('damaged logs', () => {
  test('a last line that was cut off is left out and reported', () => {
    const text = write(pods(3));
    const whole = text.split('\n');
    const reader = new PodLogReader();
    const upTo = whole.slice(0, 4).join('\n');
    expect(read(upTo.slice(0, -5), reader)).toHaveLength(1);
    expect(reader).toMatchObject({ isTruncated: true, end: undefined, steps: 1 });
    const complete = new PodLogReader();
    expect(read(upTo, complete)).toHaveLength(2);
    expect(complete.isTruncated).toBe(false);
  });

  test('a log of an earlier version is refused, with the version of TEG that reads it', () => {
    const error = refusal(() =>
      read('{"format":"teg-pod-log","version":1,"teg":"0.1.0","effects":true,"seed":1}\n'),
    );
    expect(error.code).toBe('TEG_LOG_INVALID');
    expect(error.message).toContain('got version 1 of the format, written by teg 0.1.0, expected version 2');
  });

  test.each([
    ['', 1],
    ['\n', 1],
    ['not a log\n', 1],
    ['{"format":"teg-pod-log"', 1],
    ['{"format":"teg-zone-events","version":1}\n', 1],
    ['{"format":"teg-pod-log","version":3,"options":{}}\n', 1],
    ['{"format":"teg-pod-log","version":2}\n', 1],
    ['{"format":"teg-pod-log","version":2,"seed":1,"options":{"preemption":"yes"}}\n', 1],
  ])('no log: %j', (text, line) => {
    const error = refusal(() => read(text));
    expect(error.code).toBe('TEG_LOG_INVALID');
    expect(error.message).toContain(`event log line ${line} `);
  });

  test.each([
    ['garbage', 'one JSON value'],
    ['null', 'a step'],
    ['5', 'a step'],
    ['["X",1]', 'a template'],
    ['["P",{"namespace":"a"}]', '(template.labels) an object'],
    ['["N",{"labels":{"a":5}}]', "(node shape.labels['a']) a text"],
    ['{"t":"0","event":{"kind":"decide","max":1}}', 'a time t'],
    ['{"t":0,"event":{"kind":"dance"}}', '(event.kind) a kind of event'],
    ['{"t":0,"event":{"kind":"toString"}}', '(event.kind) a kind of event'],
    ['{"t":0,"event":{"kind":"decide","max":-1}}', '(event.max) an integer ≥ 0'],
    ['{"t":0,"event":{"kind":"decide","max":1},"digest":-1}', '32 bits'],
    ['{"t":0,"event":{"kind":"decide","max":1},"effects":[1]}', 'a list of effects'],
    ['{"t":0,"event":{"kind":"node","node":{"name":"a","uid":"b","shape":0}}}', 'a number below 0'],
    ['{"end":"complete","steps":9}', 'the end after 0 steps'],
  ])('a line %j', (line, expected) => {
    const writer = new PodLogWriter(POD_OPTIONS);
    const error = refusal(() => read(`${writer.head()}${line}\n`));
    expect(error.code).toBe('TEG_LOG_INVALID');
    expect(error.message).toContain('event log line 2 ');
    expect(error.message).toContain(expected);
  });

  test('an unknown pressure of a node is refused, in its shape and in a report', () => {
    const head = new PodLogWriter(POD_OPTIONS).head();
    const shape = (pressure: unknown): string =>
      `["N",${JSON.stringify({ ...NODE_SHAPE, pressure })}]\n{"t":0,"event":{"kind":"node","node":{"name":"a","uid":"b","shape":0}}}\n`;
    const report = (pressure: unknown): string =>
      `${JSON.stringify({ t: 0, event: { kind: 'node-state', name: 'a', state: { pressure } } })}\n`;
    const allowed = "one of 'memory', 'disk', 'pid'";
    for (const [line, place] of [
      [shape, 'node shape'],
      [report, 'event.state'],
    ] as const) {
      const refused = (pressure: unknown): string => {
        const error = refusal(() => read(head + line(pressure)));
        expect(error.code).toBe('TEG_LOG_INVALID');
        return error.message;
      };
      expect(refused(['memory', 'heat'])).toContain(`(${place}.pressure[1]) ${allowed}`);
      expect(refused([7])).toContain(`(${place}.pressure[0]) ${allowed}`);
      expect(refused('disk')).toContain(`(${place}.pressure) a list`);
      expect(read(head + line(['memory', 'disk', 'pid']))).toHaveLength(1);
    }
    // A node without shortages says nothing about them; a report always has the list.
    expect(read(head + shape(undefined))).toHaveLength(1);
    expect(refusal(() => read(head + report(undefined))).message).toContain('(event.state.pressure) a list');
  });

  test('something after the end is refused', () => {
    const text = write([]);
    expect(refusal(() => read(`${text}{"t":0,"event":{"kind":"decide","max":1}}\n`)).message).toContain(
      'line 3 ',
    );
  });

  test('never anything but a TegError', () => {
    const change = fc.tuple(
      fc.array(step, { minLength: 1, maxLength: 3 }),
      fc.nat(5_000),
      fc.string({ maxLength: 4 }),
      fc.nat(3),
    );
    checkProperty(
      fc.property(change, ([steps, at, noise, cut]) => {
        const text = write(steps);
        const place = at % text.length;
        try {
          read(text.slice(0, place) + noise + text.slice(place + cut));
        } catch (error) {
          expect(error).toBeInstanceOf(TegError);
          expect((error as TegError).code).toBe('TEG_LOG_INVALID');
        }
      }),
    );
  });
});

describe('digestOf', () => {
  test('is that of the effects read back from JSON, whatever the order of keys', () => {
    checkProperty(
      fc.property(fc.array(someEffect, { maxLength: 4 }), fc.nat(), (effects, previous) => {
        const turned = plain(effects).map(
          (e) => Object.fromEntries(Object.entries(e).reverse()) as unknown as PodEffect,
        );
        expect(digestOf(turned, previous)).toBe(digestOf(effects, previous));
        expect(digestOf(effects, previous)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('differs when any field, the order or the number differs', () => {
    checkProperty(
      fc.property(someEffect, (effect) => {
        const seen = new Set([
          digestOf([]),
          digestOf([effect]),
          digestOf([effect, effect]),
          digestOf([effect], 1),
        ]);
        const others: PodEffect[] = Object.entries(effect)
          .filter(([name]) => name !== 'kind')
          .map(([name, value]) => ({ ...effect, [name]: changed(name, value) }) as PodEffect);
        for (const other of others) seen.add(digestOf([other]));
        expect(seen.size).toBe(4 + others.length);
      }),
    );
  });
});

/** Another value of the same type. */
function changed(name: string, value: unknown): unknown {
  if (typeof value === 'boolean') return !value;
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'string') return `${value}x`;
  const more = name === 'claims' ? { claim: 'a/b', volume: 'c' } : 'more';
  return [...(value as unknown[]), more];
}

test('a log that was recorded before pods had tenants is read as if all were the default tenant’s', () => {
  const [{ event, t }] = pods(1) as [Step];
  const text = write([{ event, t, effects: [] }]);
  const old = text.replace(/,"tenant":"[^"]*"/, '');
  expect(old).not.toBe(text);
  const pod = event.kind === 'pod' ? event.pod : undefined;
  expect(read(old)[0]?.event).toEqual({ kind: 'pod', pod: { ...pod, tenant: '' } });
  expect(refusal(() => read(text.replace(/"tenant":"[^"]*"/, '"tenant":7'))).message).toContain(
    '(event.pod.tenant) a text',
  );
});
