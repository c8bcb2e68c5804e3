/** The three event logs under the same laws: of a zone, of the pod scheduler, and of a VOPR run. */
import fc from 'fast-check';
import { describe, test } from 'vitest';
import { createConstraints } from '../../src/governor/pods/constraints/cluster-constraints.ts';
import { digestOf } from '../../src/governor/pods/log/pod-effects-digest.ts';
import { PodLogReader, PodLogWriter } from '../../src/governor/pods/log/pod-log.ts';
import type { PodEvent } from '../../src/governor/pods/pod-events.ts';
import { PodScheduler } from '../../src/governor/pods/pod-scheduler.ts';
import { node, pod, requests, SCHEDULER_OPTIONS } from '../../src/governor/pods/scheduler.fixtures.ts';
import { EventLogReader, EventLogWriter } from '../../src/governor/zone/event-log.ts';
import { FirstFit, makeCluster, moves, Script } from '../../src/governor/zone/zone.fixtures.ts';
import { Zone } from '../../src/governor/zone/zone.ts';
import { ScenarioSpaces } from '../../src/simulation/federation/vopr/scenario-space.ts';
import { recordVopr, replayVopr } from '../../src/simulation/federation/vopr/vopr-replay.ts';
import { stream } from '../support/random-cluster.ts';
import { checkRecording, checkRefusals, checkReplay, type TestLog } from './event-log.laws.ts';

const NODES = [0, 1, 2, 3];

const zoneLog: TestLog = {
  name: 'teg-zone-events',
  record(seed) {
    const cluster = makeCluster(NODES);
    const zone = new Zone(cluster, new FirstFit(cluster));
    const lines: string[] = [];
    const log = new EventLogWriter(cluster.demands, {}, (line) => lines.push(line));
    const script = new Script(zone);
    let digest = 0;
    fc.sample(moves, { numRuns: 5, seed })
      .flat()
      .forEach((move, step) => {
        const event = script.next(move);
        if (event === undefined) return;
        log.append(event, step / 2);
        digest = zone.step(event, step / 2).hash(digest);
      });
    return { lines, digest };
  },
  replay(lines) {
    const cluster = makeCluster(NODES);
    const reader = new EventLogReader(cluster.demands);
    let zone: Zone | undefined;
    let digest = 0;
    for (const line of lines) {
      const timed = reader.read(line);
      zone ??= new Zone(cluster, new FirstFit(cluster), reader.options);
      if (timed !== undefined) digest = zone.step(timed.event, timed.timeSeconds).hash(digest);
    }
    return digest;
  },
  // Without its first submission.
  spoil: (lines) =>
    lines.toSpliced(
      lines.findIndex((line) => /^\[[\d.]+,4,/.test(line)),
      1,
    ),
};

/** Pods come, are decided, bound or not, and go. */
function podEvents(seed: number, step: (event: PodEvent) => readonly { kind: string }[]): void {
  const random = stream(seed);
  for (let i = 0; i < 5; i++) step({ kind: 'node', node: node(`n${i}`) });
  for (let i = 0; i < 60; i++) {
    const of = { requests: requests(500 * (1 + random.nextInt(4))) };
    step({ kind: 'pod', pod: pod(`p${i}`, of, { priority: random.nextInt(3) }) });
    if (random.nextInt(2) === 0) step({ kind: 'decide', max: 3 });
    if (random.nextInt(4) === 0) step({ kind: 'pod-gone', uid: `p${random.nextInt(i + 1)}` });
    if (random.nextInt(3) === 0) {
      step({ kind: 'bind-done', uid: `p${random.nextInt(i + 1)}`, outcome: 'failed' });
    }
  }
}

const podLog: TestLog = {
  name: 'the pod scheduler',
  record(seed) {
    const scheduler = new PodScheduler(SCHEDULER_OPTIONS, createConstraints());
    const writer = new PodLogWriter(SCHEDULER_OPTIONS);
    let text = writer.head();
    let digest = 0;
    let timeSeconds = 1000;
    podEvents(seed, (event) => {
      timeSeconds += 0.25;
      const effects = scheduler.step(event, timeSeconds);
      digest = digestOf(effects, digest);
      text += writer.step(event, timeSeconds, effects);
      return effects;
    });
    return { lines: (text + writer.end('complete')).trimEnd().split('\n'), digest };
  },
  replay(lines) {
    const scheduler = new PodScheduler(SCHEDULER_OPTIONS, createConstraints());
    const reader = new PodLogReader();
    let digest = 0;
    for (const line of lines) {
      const logged = reader.read(line);
      if (logged !== undefined) digest = digestOf(scheduler.step(logged.event, logged.timeSeconds), digest);
    }
    return digest;
  },
  // The nodes hold fewer pods.
  spoil: (lines) => lines.map((line) => line.replace('"podsMax":110', '"podsMax":1')),
};

const spaces = new ScenarioSpaces();

const voprLog: TestLog = {
  name: 'VOPR',
  record(seed) {
    const lines: string[] = [];
    recordVopr(seed, spaces, { steps: 120 }, (line) => lines.push(line));
    return { lines, digest: '' };
  },
  // The log has a digest of each step; '' if all are the same.
  replay: (lines) => replayVopr(lines, spaces).difference,
  // Without the first job that is submitted.
  spoil: (lines) =>
    lines.toSpliced(
      lines.findIndex((line) => line.includes('"submit"')),
      1,
    ),
};

const LOGS = [zoneLog, podLog, voprLog];

describe.each(LOGS)('an event log: $name', (log) => {
  test('has one JSON value a line, the same for the same run', () => checkRecording(log));
  test('gives the run back bit for bit, and another one once it is changed', () => checkReplay(log));
  test('is refused if it is of another format, headless or broken', () =>
    checkRefusals(
      log,
      LOGS.filter((other) => other !== log),
    ));
});
