/** All writers to the API server, made from one configuration; bindings go first. */
import type { ApiClient } from './client/api.ts';
import { electionTimes } from './config/config-schema.ts';
import type { SchedulerConfig } from './config/scheduler-config.ts';
import { firstNameOf } from './objects/profiles.ts';
import { Binder } from './writes/binder.ts';
import { ClaimWriter } from './writes/claim-writer.ts';
import { EventRecorder } from './writes/event-recorder.ts';
import { Evictor } from './writes/evictor.ts';
import { StatusWriter } from './writes/status-writer.ts';
import type { WriteClock } from './writes/write-clock.ts';

/** The writers. */
export interface Writers {
  readonly binder: Binder;
  readonly events: EventRecorder;
  readonly status: StatusWriter;
  readonly evictor: Evictor;
  readonly claims: ClaimWriter;
}

/** Dependencies of the writers. */
export interface WriterSurroundings {
  readonly client: ApiClient;
  readonly clock: WriteClock;
  readonly config: SchedulerConfig;
  readonly identity: string;
  /** True if the lease is surely held. */
  readonly mayWrite: () => boolean;
  readonly onWriteError: (
    what: string,
    pod: { readonly namespace: string; readonly name: string },
    text: string,
  ) => void;
}

/** Makes the writers. Events and status wait while bindings do, beyond a small rate of their own. */
export function makeWriters(around: WriterSurroundings): Writers {
  const { client, clock, config, identity, mayWrite, onWriteError } = around;
  const common = { client, clock, random: Math.random, mayWrite };
  const binder = new Binder({
    ...common,
    windowMax: config.clientConnection.bindsInFlightMax,
    windowMin: Math.min(4, config.clientConnection.bindsInFlightMax),
    ...serverTimes(config),
    onWriteError: (binding, text) => onWriteError('bind', binding, text),
  });
  const mayRun = (): boolean => binder.inFlight === 0 && binder.queued === 0;
  return {
    binder,
    events: new EventRecorder({
      ...common,
      mayRun,
      instance: identity,
      controller: `${firstNameOf(config.schedulerNames)}-scheduler`,
      queueMax: config.events.queueMax,
      perSecondMax: config.events.perSecondMax,
      onWriteError: (event, text) => onWriteError('event', event.regarding, text),
    }),
    status: new StatusWriter({
      ...common,
      mayRun,
      // As the core does with refused bindings.
      retryBackOff: {
        secondsFirst: config.podInitialBackoffSeconds,
        secondsMax: config.podMaxBackoffSeconds,
      },
      onWriteError: (pod, text) => onWriteError('status', pod, text),
    }),
    evictor: new Evictor({ ...common, onWriteError: (pod, text) => onWriteError('evict', pod, text) }),
    claims: new ClaimWriter(common),
  };
}

/** @returns The server's time-out for a binding: with a lease, at most until another replica may lead. */
export function serverTimes({ leaderElection }: SchedulerConfig): {
  readonly serverSeconds: number;
  readonly serverSecondsMax: number;
} {
  const { leaseDurationSeconds, renewDeadlineSeconds } = electionTimes(leaderElection);
  // The server takes whole seconds, and 0 would be no limit. Without a lease: a pod whose binding was lost on the way
  // is not tried again before this time is over.
  const left = leaderElection.leaderElect
    ? Math.max(1, Math.floor(leaseDurationSeconds - renewDeadlineSeconds))
    : 10;
  return { serverSeconds: Math.min(5, left), serverSecondsMax: Math.min(30, left) };
}
