import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { DemandTable } from '../../model/demand.ts';
import { TegError } from '../../model/errors.ts';
import { EVICTION_DEFAULTS } from '../../model/eviction-terms.ts';
import type { PodSpec } from '../../model/job.ts';
import { NODE_PRESSURES } from '../../model/node-state.ts';
import { DEFAULT_TENANT } from '../../model/tenants.ts';
import { decodeEvent, EventLogReader, EventLogWriter, encodeEvent } from './event-log.ts';
import { NODE_KINDS, POD_KINDS } from './zone.fixtures.ts';
import { type ZoneEvent, ZoneEventKind } from './zone-events.ts';

const id = fc.nat(2 ** 30);
const name = fc.string({ unit: 'binary', maxLength: 12 });
const amounts = fc.dictionary(name, fc.double({ min: 0.5, max: 1e9, noNaN: true }), { maxKeys: 3 });
const node = fc.record({
  name,
  cpuMilli: id,
  memoryMib: id,
  gpuCount: fc.nat(30),
  gpuModel: name,
  podsMax: fc.integer({ min: 1, max: 500 }),
  extended: amounts,
  labels: fc.dictionary(name, name, { maxKeys: 3 }),
});
const event: fc.Arbitrary<ZoneEvent> = fc.oneof(
  fc.record({ kind: fc.constant(ZoneEventKind.NodeJoined), spec: node }),
  fc.record({ kind: fc.constantFrom(ZoneEventKind.NodeUp, ZoneEventKind.NodeDown), node: id }),
  fc.record(
    {
      kind: fc.constant(ZoneEventKind.JobSubmitted),
      job: id,
      demandId: id,
      podCount: id,
      gangMin: id,
      priority: fc.integer(),
      tenant: fc.nat(1000),
      running: fc.constant(true),
      owner: fc.nat(1000),
      expectedSeconds: fc.double({ min: 0, max: 1e9, noNaN: true }).map((t) => t + 0),
    },
    { requiredKeys: ['kind', 'job', 'demandId', 'podCount', 'gangMin', 'priority', 'tenant'] },
  ),
  fc.record({ kind: fc.constant(ZoneEventKind.JobFinished), job: id, run: id }),
  fc.record({ kind: fc.constant(ZoneEventKind.JobCancelled), job: id }),
  fc.record({ kind: fc.constant(ZoneEventKind.Tick) }),
  fc.record({
    kind: fc.constant(ZoneEventKind.NodeState),
    node: id,
    state: fc.record(
      { pressure: fc.subarray([...NODE_PRESSURES]), powerHeadroomWatts: id },
      { requiredKeys: ['pressure'] },
    ),
  }),
);
const time = fc.double({ noNaN: true, noDefaultInfinity: true }).map((t) => t + 0);

const pod: fc.Arbitrary<PodSpec> = fc
  .record({
    cpuMilli: id,
    memoryMib: id,
    gpuCount: fc.nat(8),
    share: fc.integer({ min: 1, max: 1000 }),
    gpuModels: fc.array(name, { maxLength: 3 }),
    extended: amounts,
    affinity: fc.array(
      fc.record({
        key: name,
        operator: fc.constantFrom('In' as const, 'Exists' as const, 'Gt' as const),
        values: fc.array(name, { maxLength: 2 }),
      }),
      { maxLength: 2 },
    ),
    spread: fc.option(fc.record({ podsPerNodeMax: fc.nat(3), spreadGroup: name })),
  })
  .map(({ share, spread, ...rest }) => ({
    ...rest,
    gpuMilli: rest.gpuCount === 1 ? share : rest.gpuCount > 1 ? 1000 : 0,
    ...(spread ?? {}),
  }));

describe('encodeEvent and decodeEvent', () => {
  test('give back the same event and the same double', () => {
    checkProperty(
      fc.property(event, time, (given, timeSeconds) => {
        const line = encodeEvent(given, timeSeconds);
        expect(line).not.toContain('\n');
        const read = decodeEvent(line);
        expect(read.event).toEqual(given);
        expect(read.timeSeconds).toBe(timeSeconds === 0 ? 0 : timeSeconds);
      }),
    );
  });

  test('give back the terms of evictions, whatever else a submission says', () => {
    const plain = { kind: ZoneEventKind.JobSubmitted, job: 1, demandId: 0, podCount: 2, gangMin: 1 };
    const terms = { ...EVICTION_DEFAULTS, checkpointSeconds: 600.5 };
    const base = { ...plain, priority: 0, tenant: 3 } as const;
    const more = [{}, { running: true }, { owner: 2, expectedSeconds: 9 }];
    for (const given of more.map((rest) => ({ ...base, ...rest, terms }))) {
      expect(decodeEvent(encodeEvent(given, 1)).event).toEqual(given);
    }
    expect(encodeEvent({ ...base, terms: EVICTION_DEFAULTS }, 1)).toBe(encodeEvent(base, 1));
    for (const last of ['{"checkpointSeconds":0}', '{"checkpointSeconds":"1"}', '{"other":1}', '[]', '{}x']) {
      expect(() => decodeEvent(`[0,4,1,0,2,1,0,3,${last}]`)).toThrow('event log line');
    }
  });

  test('read submissions of logs that named no tenant as the default tenant’s', () => {
    expect(decodeEvent('[0,4,17,2,3,3,-1]').event).toEqual({
      ...{ kind: ZoneEventKind.JobSubmitted, job: 17, demandId: 2, podCount: 3, gangMin: 3, priority: -1 },
      tenant: DEFAULT_TENANT,
    });
    const reader = new EventLogReader(new DemandTable());
    expect(reader.read('{"log":"teg-zone-events","version":1,"options":{}}')).toBeUndefined();
    expect(reader.read('[0,4,17,0,1,1,0]')?.event).toMatchObject({ tenant: DEFAULT_TENANT });
    expect(() => new EventLogReader(new DemandTable()).read('{"log":"teg-zone-events","version":3}')).toThrow(
      'version 1 or 2',
    );
  });

  test('refuse whatever is damaged with an error that quotes it', () => {
    const refusal = (line: string): unknown => {
      try {
        decodeEvent(line);
      } catch (error) {
        return error;
      }
      return 'accepted';
    };
    for (const line of [
      '',
      'null',
      '{}',
      '[]',
      '["0",7]',
      '[0]',
      '[0,8]',
      '[0,0]',
      '[0,"toString"]',
      '[0,7,1]',
    ]) {
      expect(refusal(line)).toMatchObject({ code: 'TEG_LOG_INVALID' });
    }
    for (const line of [
      '[0,4,1,2,3,4]',
      '[0,5,1.5,0]',
      '[0,2,"x"]',
      '[0,1]',
      '[0,1,{"name":"a"}]',
      '[0,1,null]',
    ]) {
      expect(refusal(line)).toMatchObject({ code: 'TEG_LOG_INVALID' });
    }
    const cut = fc.tuple(event, time, fc.nat(200), fc.string({ maxLength: 3 }));
    checkProperty(
      fc.property(cut, ([given, timeSeconds, at, noise]) => {
        const line = encodeEvent(given, timeSeconds);
        const answer = refusal(line.slice(0, at) + noise + line.slice(at + 1));
        expect(
          answer === 'accepted' || (answer instanceof TegError && answer.code === 'TEG_LOG_INVALID'),
        ).toBe(true);
      }),
    );
  });
});

describe('EventLogWriter and EventLogReader', () => {
  test('carry the vocabulary: demands and resources get the same numbers', () => {
    checkProperty(
      fc.property(fc.array(fc.oneof(pod, fc.constantFrom(...POD_KINDS)), { maxLength: 12 }), (pods) => {
        const table = new DemandTable();
        const lines: string[] = [];
        const writer = new EventLogWriter(table, { queue: 'strict-fifo' }, (line) => lines.push(line));
        for (const spec of pods) {
          table.resourceId(`of a node before ${spec.cpuMilli}`);
          table.intern(spec);
          writer.append({ kind: ZoneEventKind.Tick }, 1);
        }
        const again = new DemandTable();
        const reader = new EventLogReader(again);
        const events = lines.map((line) => reader.read(line)).filter((timed) => timed !== undefined);
        expect(events.length).toBe(pods.length);
        expect(reader.options).toEqual({ queue: 'strict-fifo' });
        expect(again.demands).toEqual(table.demands);
        expect(again.resourceNames).toEqual(table.resourceNames);
        expect(again.constraints).toEqual(table.constraints);
        expect(again.spreadGroups).toEqual(table.spreadGroups);
      }),
    );
  });

  test('refuse other versions, damaged vocabulary, and a table that is not the recorded one', () => {
    const read = (table: DemandTable, ...lines: string[]): void => {
      const reader = new EventLogReader(table);
      for (const line of lines) reader.read(line);
    };
    const header = '{"log":"teg-zone-events","version":1,"options":{}}';
    const demand = '["D",{"cpuMilli":1,"memoryMib":1,"gpuCount":0,"gpuMilli":0,"gpuModels":[]}]';
    for (const lines of [
      ['{"log":"teg-zone-events","version":3}'],
      ['[0,7]'],
      ['null'],
      [header, '["R",5]'],
      [header, '["D",null]'],
      [header, '["D",{"cpuMilli":1}]'],
      [header, demand.replace('[]}', '[],"affinity":5}')],
      [header, demand, demand],
    ]) {
      expect(() => read(new DemandTable(), ...lines)).toThrow(
        expect.objectContaining({ code: 'TEG_LOG_INVALID' }),
      );
    }
    const other = new DemandTable();
    other.resourceId('something else');
    expect(() => read(other, header, '["R","rdma"]')).toThrow(/number 0/);
    read(new DemandTable(), header, '["R","rdma"]', demand, '[3,7]');
    expect(() => encodeEvent({ kind: ZoneEventKind.NodeJoined, spec: NODE_KINDS[0]! }, 0)).not.toThrow();
  });
});

test('power headroom of 0 W is not an unknown one', () => {
  const states = [{ pressure: [] }, { pressure: [], powerHeadroomWatts: 0 }];
  for (const state of states) {
    const event = { kind: ZoneEventKind.NodeState, node: 3, state } as const;
    expect(decodeEvent(encodeEvent(event, 1))).toEqual({ timeSeconds: 1, event });
  }
});
