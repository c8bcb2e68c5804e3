/** The preconditions of the simulation's tables: the last value that one accepts, and the first that it does not. */
import { expect, test } from 'vitest';
import { Fragmentation, typicalShapes } from '../field/fragmentation.ts';
import { FederationReason, MessageKind, type StopMessage } from '../governor/federation/messages.ts';
import { AssertionFailure } from '../kernel/assert.ts';
import { INT32_MAX } from '../kernel/limits.ts';
import { Random } from '../kernel/random.ts';
import { ClusterState } from '../model/cluster-state.ts';
import { DemandTable } from '../model/demand.ts';
import type { JobSpec } from '../model/job.ts';
import { EnvelopeDecoder, encodeEnvelopes } from './federation/envelope-codec.ts';
import { NETWORK_DEFAULTS, Network } from './federation/network.ts';
import { FaultCounts } from './federation/vopr/fault-counts.ts';
import { FaultyNetwork } from './federation/vopr/faulty-network.ts';
import { NodeFailures } from './inputs/failures.ts';
import { JobTableBuilder } from './inputs/job-table.ts';
import { jobShapes } from './metrics/job-shapes.ts';
import { RunMetrics } from './metrics/run-metrics.ts';
import { StateSampler } from './metrics/state-sampler.ts';

const JOB: JobSpec = {
  id: 'a',
  tenant: '',
  priority: 0,
  cpuMilli: 1,
  memoryMib: 1,
  gpuCount: 0,
  gpuMilli: 0,
  gpuModels: [],
  submitSeconds: 0,
  durationSeconds: 10,
  requestedSeconds: Number.NaN,
  podCount: 2,
  gangMin: 2,
};

function builder(more: Partial<JobSpec> = {}): JobTableBuilder {
  const made = new JobTableBuilder(new DemandTable());
  made.add({ ...JOB, ...more });
  return made;
}

const failures = (mtbfSeconds = 1): NodeFailures => new NodeFailures(1, 3, { mtbfSeconds, mttrSeconds: 1 });

function sampler(intervalSeconds: number, samples = 1): StateSampler {
  const cluster = new ClusterState(new DemandTable());
  const fragmentation = new Fragmentation(typicalShapes([], [], cluster.demands), cluster);
  return new StateSampler(
    cluster,
    jobShapes(builder().build()),
    fragmentation,
    new Random(1),
    0,
    intervalSeconds,
    samples,
    [0, 1],
  );
}

function metrics(): RunMetrics {
  const table = builder().build();
  const cluster = new ClusterState(table.demands);
  return new RunMetrics(table, jobShapes(table), cluster, sampler(1), 0, 1);
}

const message = (from: number, to = 0): StopMessage => ({
  kind: MessageKind.Stop,
  from,
  to,
  job: 1,
  offer: 1,
  reason: FederationReason.Cancelled,
});
const send = (from: number, timeSeconds: number): void =>
  new Network(NETWORK_DEFAULTS, 1).send(message(from), timeSeconds, []);

function faulty(): FaultyNetwork {
  const faults = {
    delayMinSeconds: 1,
    delayMeanSeconds: 1,
    lossRate: 0,
    duplicateRate: 0,
    clogsPerSecond: 0,
  };
  const more = { clogMeanSeconds: 1, partitionsPerSecond: 0, partitionMeanSeconds: 1, oneWayShare: 0 };
  return new FaultyNetwork({ ...faults, ...more }, 3, new Random(1), new FaultCounts(), () => {});
}

const packed = encodeEnvelopes([{ arrivesAt: 1, number: 1, message: message(0) }]);

test.each<readonly [what: string, taken: () => unknown, refused: () => unknown]>([
  ['nodes that fail at once', () => failures(1e-9), () => failures(0)],
  ['a failure before the first node', () => failures().nextUpSeconds(0), () => failures().nextUpSeconds(-1)],
  ['a return after the last node', () => failures().nextDownSeconds(2), () => failures().nextDownSeconds(3)],
  ['a gang of none', () => builder({ gangMin: 1 }), () => builder({ gangMin: 0 })],
  ['a gang of more than all', () => builder({ gangMin: 2 }), () => builder({ gangMin: 3 })],
  [
    'a job that comes at no time',
    () => builder({ submitSeconds: -1 }),
    () => builder({ submitSeconds: Number.NaN }),
  ],
  [
    'a job that ends before it starts',
    () => builder({ durationSeconds: Infinity }),
    () => builder({ durationSeconds: -1 }),
  ],
  [
    'a priority of 33 bits',
    () => builder({ priority: INT32_MAX }),
    () => builder({ priority: INT32_MAX + 1 }),
  ],
  ['no load', () => builder().build({ load: 0.1 }), () => builder().build({ load: 0 })],
  ['half a repetition', () => builder().build({ repeat: 1 }), () => builder().build({ repeat: 1.5 })],
  ['a message from nobody', () => send(0, 1), () => send(-1, 1)],
  ['a message at no time', () => send(0, -1), () => send(0, Number.NaN)],
  [
    'a message to a process that does not exist',
    () => faulty().send(message(0, 2), 1),
    () => faulty().send(message(0, 3), 1),
  ],
  ['a clogged link to nowhere', () => faulty().clog(2, 2, 1), () => faulty().clog(3, 2, 1)],
  [
    'half an envelope',
    () => new EnvelopeDecoder().unpack(packed),
    () => new EnvelopeDecoder().unpack({ ...packed, numbers: packed.numbers.subarray(0, -1) }),
  ],
  ['samples without a distance', () => sampler(1), () => sampler(0)],
  ['no samples', () => sampler(1, 1), () => sampler(1, 0)],
  [
    'a job that waits twice',
    () => metrics().jobWaits(0),
    () => {
      const one = metrics();
      one.jobWaits(0);
      one.jobWaits(0);
    },
  ],
  [
    'the end of a job that does not run',
    () => {
      const one = metrics();
      one.jobStarted(0, 2, 1);
      one.jobReleased(0, 2);
    },
    () => metrics().jobReleased(0, 2),
  ],
])('a simulation does not take %s', (_, taken, refused) => {
  expect(taken).not.toThrow();
  expect(refused).toThrow(AssertionFailure);
});
