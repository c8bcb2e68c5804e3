import { describe, expect, test } from 'vitest';
import { gpuPodOf } from '../../governor/pods/economy/economy.fixtures.ts';
import {
  membersOfGang,
  nlpAndVision,
  runningPods,
  withChampion,
} from '../../governor/pods/reasons/reasons.fixtures.ts';
import { group, pod, TestCluster } from '../../governor/pods/scheduler.fixtures.ts';
import { WAITING_LISTED_MAX, waitingReportSchema } from '../metrics/waiting-report.ts';
import { waitingPage } from './waiting-page.ts';

const pageOf = ({ scheduler }: TestCluster) => waitingPage(scheduler.view());

describe('the page of waiting jobs', () => {
  test('is of the form of a result, in the turn of the jobs, each with the code of its explanation', () => {
    const cluster = nlpAndVision();
    runningPods(cluster, 'vision', 12);
    cluster.group(group('g', 3));
    cluster.pods(...membersOfGang('g', 'nlp', 2));
    cluster.wait(10).pods(gpuPodOf('wide', 'nlp', 9, {}, { priority: 5 }));
    cluster.settle();
    const page = pageOf(cluster);
    expect(waitingReportSchema.parse(JSON.parse(JSON.stringify(page)))).toEqual(page);
    expect(page).toMatchObject({ count: 2, byTenant: false });
    expect(page.jobs).toMatchObject([
      { id: 'nlp/wide', tenant: 'nlp', position: 0, priority: 5, pods: 1, each: { gpus: 9, cpuCores: 1 } },
      { id: 'default/g', position: 1, pods: 3, waitedSeconds: 10, code: 'gang-incomplete' },
    ]);
    expect(page.jobs[0]?.code).toBe(cluster.scheduler.explain('wide')?.waitsFor?.code);
  });

  test('a champion has the latest start, and who would delay it names the champion', () => {
    const life = withChampion();
    life.add(gpuPodOf('small', 'all', 1, {}, { expectedSeconds: 5000 }));
    life.runUntil(1200);
    const jobs = Object.fromEntries(pageOf(life.cluster).jobs.map((job) => [job.id, job]));
    expect(jobs['all/big']).toMatchObject({ startsBySeconds: 2000, requestedSeconds: 100 });
    expect(jobs['all/small']).toMatchObject({ code: 'room-reserved', data: { forJob: 'all/big' } });
    expect(jobs['all/small']?.startsBySeconds).toBeUndefined();
  });

  test('works without an economy, and lists no more than its limit', () => {
    const cluster = new TestCluster({ waitingPodsMax: 10 });
    for (let i = 0; i <= WAITING_LISTED_MAX; i++) {
      cluster.scheduler.step({ kind: 'pod', pod: pod(`p${i}`) }, cluster.timeSeconds);
    }
    const { count, jobs } = pageOf(cluster);
    expect([count, jobs.length, jobs[0]?.tenant]).toEqual([WAITING_LISTED_MAX + 1, WAITING_LISTED_MAX, '']);
  });
});
