/**
 * Who waits, and what tenants have, in a file of objects: a fresh scheduler that was shown all of them decides once on everything
 * of its own that waits, and reports what it could not start.
 *
 * A pod that it would start is listed too: it has the code `not-tried`. Nothing is carried out: victims are still there. Waits
 * count from the pods' creation. No champion is known: who it was, and what it was promised, is the running scheduler's knowledge.
 */
import type { PodEvent } from '../../../governor/pods/pod-events.ts';
import type { PodScheduler } from '../../../governor/pods/pod-scheduler.ts';
import { counted } from '../../../kernel/counted.ts';
import type { ApiObject } from '../../../model/readers/read-object.ts';
import type { WaitingReport } from '../../../simulation/metrics/waiting-report.ts';
import { type EconomyPage, economyPage } from '../../../simulation/pods/economy-page.ts';
import { waitingPage } from '../../../simulation/pods/waiting-page.ts';
import { eventsOfObjects, type ObjectsOptions, schedulerAfter } from './scheduler-of-objects.ts';

/** Decisions of a turn, and turns in a row without work before no more are made. */
const DECISIONS_A_TURN = 1024;
const IDLE_TURNS_MAX = 100;

/** Answers about a file. */
export interface ObjectsAnswers {
  readonly waiting: WaitingReport;
  /** Before the decisions. */
  readonly economy: EconomyPage;
}

/** @returns The answers, at the latest time of the pods. @cost As of the decisions. */
export async function answersOfObjects(
  objects: AsyncIterable<ApiObject>,
  options: ObjectsOptions,
): Promise<ObjectsAnswers> {
  let others = 0;
  const events = await eventsOfObjects(objects, options, (event) => {
    if (event.kind === 'pod' && !event.pod.ours && event.pod.nodeName === '' && !event.pod.ended) others++;
    return event;
  });
  if (others > 0) options.onWarning(`left out: ${counted(others, 'waiting pod')} of other schedulers`);
  const nowSeconds = latestSeconds(events);
  const created = new Map<string, number>();
  for (const event of events) {
    if (event.kind !== 'pod') continue;
    const { namespace, name, createdSeconds } = event.pod;
    created.set(`${namespace}/${name}`, createdSeconds);
  }
  const scheduler = schedulerAfter(events, options.core, nowSeconds);
  scheduler.step({ kind: 'decide', max: 0 }, nowSeconds);
  const before = waitingPage(scheduler.view());
  const economy = economyPage(scheduler.view());
  decideAll(scheduler, nowSeconds);
  const after = new Map(waitingPage(scheduler.view()).jobs.map((job) => [job.id, job]));
  const jobs = before.jobs.map((job) => {
    const { code, data } = after.get(job.id) ?? job;
    const waitedSeconds = Math.max(0, nowSeconds - (created.get(job.id) ?? nowSeconds));
    return { ...job, code, data, waitedSeconds };
  });
  return { waiting: { ...before, jobs }, economy };
}

function latestSeconds(events: readonly PodEvent[]): number {
  let latest = 0;
  for (const event of events) {
    if (event.kind === 'pod') latest = Math.max(latest, event.pod.createdSeconds, event.pod.startedSeconds);
  }
  return latest;
}

function decideAll(scheduler: PodScheduler, nowSeconds: number): void {
  const { counters } = scheduler;
  for (let idle = 0; idle < IDLE_TURNS_MAX && scheduler.hasWork; idle++) {
    const decided = counters.scheduled + counters.unschedulable;
    scheduler.step({ kind: 'decide', max: DECISIONS_A_TURN }, nowSeconds);
    if (counters.scheduled + counters.unschedulable > decided) idle = 0;
  }
}
