/** Passes of queue disciplines: starts, evictions, closed nodes, trials. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { Random } from '../../kernel/random.ts';
import { disciplineLaws } from './queue-discipline.laws.ts';
import {
  type QueueDiscipline,
  type QueuedJob,
  type SchedulingPass,
  StartResult,
} from './queue-discipline.ts';
import { FirstFit, makeCluster, rows } from './zone.fixtures.ts';
import { Zone } from './zone.ts';
import { EffectKind, Reason, ZoneEventKind } from './zone-events.ts';

/** Keeps its waiting jobs in order of arrival; a test says what a pass does. */
class Scripted implements QueueDiscipline {
  readonly name = 'scripted';
  readonly dueSeconds: number = Number.POSITIVE_INFINITY;
  readonly waiting = new Set<number>();
  readonly running = new Set<number>();
  readonly seen: string[] = [];
  private readonly pods = new Map<number, number>();
  act: (pass: SchedulingPass) => void = (pass) => this.startAll(pass);

  startAll(pass: SchedulingPass): void {
    for (const job of [...this.waiting]) this.start(pass, job);
  }

  start(pass: SchedulingPass, job: number): number {
    // One that holds less than its minimum goes on collecting.
    if (pass.heldPods(job) > 0 && pass.hold(job) < this.podsOf(job)) return StartResult.NoRoom;
    const result = pass.start(job);
    if (result === StartResult.Started) {
      this.waiting.delete(job);
      this.running.add(job);
    }
    return result;
  }

  submitted({ job, owner, expectedSeconds, gangMin }: QueuedJob): void {
    this.pods.set(job, gangMin);
    this.seen.push(`submitted ${job} of ${owner} for ${expectedSeconds}`);
    this.waiting.add(job);
  }

  adopted({ job, gangMin }: QueuedJob): void {
    this.pods.set(job, gangMin);
    this.seen.push(`adopted ${job}`);
    this.running.add(job);
  }

  withdrawn(job: number): void {
    this.seen.push(`withdrawn ${job}`);
    this.waiting.delete(job);
  }

  ended(job: number, reason: number): void {
    this.seen.push(`ended ${job} ${reason}`);
    this.running.delete(job);
  }

  returned(job: number, reason: number): void {
    this.seen.push(`returned ${job} ${reason}`);
    this.waiting.add(job);
  }

  nodesChanged(): void {
    this.seen.push('nodes');
  }

  tenantWoken(): void {}

  private podsOf(job: number): number {
    return this.pods.get(job) as number;
  }

  decide(pass: SchedulingPass): void {
    this.act(pass);
  }

  reasonOf(): undefined {
    return undefined;
  }
}

/** One node with two GPUs (kind 1), one with four (kind 2). Demand 4: one GPU; 5: two. */
function world(kinds: readonly number[] = [1, 2], options = {}) {
  const cluster = makeCluster(kinds);
  const discipline = new Scripted();
  const zone = new Zone(cluster, new FirstFit(cluster), options, undefined, discipline);
  const submit = (job: number, demandId: number, podCount = 1) =>
    zone.step(
      { kind: ZoneEventKind.JobSubmitted, job, demandId, podCount, gangMin: podCount, priority: 0 },
      zone.timeSeconds === Number.NEGATIVE_INFINITY ? 0 : zone.timeSeconds,
    );
  const tick = () => rows(zone.step({ kind: ZoneEventKind.Tick }, Math.max(0, zone.timeSeconds)));
  return { cluster, discipline, zone, submit, tick };
}

/** Starts, evicts, closes and tries at random; never loses a job. */
class Erratic extends Scripted {
  private readonly random = new Random(7);

  constructor(nodes: () => number) {
    super();
    this.act = (pass) => {
      for (let i = 0; i < nodes(); i++) if (this.random.nextInt(3) === 0) pass.close(i);
      for (const job of [...this.running]) {
        const free = { ...freeOf(pass) };
        const action = this.random.nextInt(6);
        if (action === 0) pass.evict(job);
        if (action === 2) this.shrink(pass, job);
        if (action === 3) pass.grow(job);
        if (action !== 1) continue;
        pass.tryRelease(job);
        for (const other of this.waiting) pass.tryPlace(other);
        pass.endTrial();
        expect(freeOf(pass)).toEqual(free);
      }
      for (let i = 0; i < nodes(); i++) if (this.random.nextInt(2) === 0) pass.open(i);
      for (const job of [...this.waiting]) {
        if (this.random.nextInt(3) === 0) pass.hold(job);
        if (this.random.nextInt(4) === 0) pass.letGo(job);
      }
      this.startAll(pass);
    };
  }

  /** Takes a pod of a job that has more than its minimum of one. */
  private shrink(pass: SchedulingPass, job: number): void {
    const pods: [number, number][] = [];
    pass.forEachPod(job, (node, gpuMask) => {
      pods.push([node, gpuMask]);
    });
    if (pods.length === 1) return;
    const missing = pass.missingPods(job);
    const [node, gpuMask] = pods[this.random.nextInt(pods.length)] as [number, number];
    pass.evictPod(job, node, gpuMask);
    expect(pass.missingPods(job)).toBe(missing + 1);
  }
}

function freeOf({ cluster }: SchedulingPass) {
  const { freeCpuMilli, freeMemoryMib, freeGpuMilli, gpuIdleMilli } = cluster;
  return {
    cpu: [...freeCpuMilli],
    memory: [...freeMemoryMib],
    gpu: [...freeGpuMilli],
    idle: [...gpuIdleMilli],
  };
}

disciplineLaws('scripted', () => new Scripted());

describe('a pass', () => {
  it('stays right whatever is started, evicted, closed and tried', () => {
    checkProperty(
      fc.property(fc.array(fc.nat(8), { maxLength: 40 }), (demands) => {
        const cluster = makeCluster([0, 1, 2, 2, 3]);
        const discipline = new Erratic(() => cluster.nodeCount);
        const zone = new Zone(cluster, new FirstFit(cluster), {}, undefined, discipline);
        demands.forEach((demandId, job) => {
          const pods = 1 + (job % 3);
          zone.step(
            { kind: ZoneEventKind.JobSubmitted, job, demandId, podCount: pods, gangMin: 1, priority: 0 },
            job,
          );
          zone.step({ kind: ZoneEventKind.Tick }, job);
          zone.check();
          expect([...cluster.up].every((up, node) => node >= cluster.nodeCount || up === 1)).toBe(true);
        });
      }),
    );
  });

  it('decides on ticks alone', () => {
    const { zone, submit, tick } = world();
    submit(0, 4);
    expect(zone.runningJobs).toBe(0);
    expect(zone.isDecisionDue).toBe(true);
    tick();
    expect(zone.runningJobs).toBe(1);
    expect(zone.isDecisionDue).toBe(false);
  });

  it('evicts a job, which waits again with the reason', () => {
    const { zone, discipline, submit, tick } = world();
    submit(0, 5);
    tick();
    discipline.act = (pass) => pass.evict(0);
    const effects = tick();
    expect(effects.map(([kind]) => kind)).toEqual([EffectKind.JobReleased, EffectKind.JobRequeued]);
    expect(discipline.seen).toEqual([
      'submitted 0 of -1 for NaN',
      `ended 0 ${Reason.Preempted}`,
      `returned 0 ${Reason.Preempted}`,
    ]);
    expect(zone.waitingJobs).toBe(1);
    zone.check();
  });

  it('takes single pods of a job down to its minimum, and adds them again', () => {
    const { zone, cluster, discipline, tick } = world([2]);
    const gang = { podCount: 4, gangMin: 3, priority: 0 };
    zone.step({ kind: ZoneEventKind.JobSubmitted, job: 0, demandId: 4, ...gang }, 0);
    tick();
    // The second of four: those behind it move up.
    discipline.act = (pass) => pass.evictPod(0, 0, 2);
    expect(tick()).toEqual([[EffectKind.PodLeft, 0, 0, 1, 0, 2, 0]]);
    zone.check();
    expect(cluster.freeGpuMilli[0]).toBe(1000);
    discipline.act = (pass) => expect(() => pass.evictPod(0, 0, 1)).toThrow('below its minimum');
    tick();
    discipline.act = (pass) =>
      expect([pass.missingPods(0), pass.grow(0), pass.missingPods(0)]).toEqual([1, 1, 0]);
    expect(tick()).toEqual([[EffectKind.PodJoined, 0, 0, 3, 0, 2, 0]]);
    zone.check();
    zone.step({ kind: ZoneEventKind.JobFinished, job: 0 }, 0);
    zone.check();
    expect(cluster.freeGpuMilli[0]).toBe(4000);
  });

  it('starts a job on the nodes that a discipline names, all of its pods or none', () => {
    // Nodes of kind 2 have four GPUs; demand 4 is one GPU.
    const { zone, discipline, submit, tick } = world([2, 2]);
    submit(0, 4, 3);
    submit(1, 4, 3);
    discipline.act = (pass) => {
      expect(pass.startOn(0, [1, 1, 0])).toBe(StartResult.Started);
      expect(pass.startOn(1, [1, 1, 1])).toBe(StartResult.NoRoom);
      expect(pass.heldPods(1)).toBe(0);
    };
    tick();
    const nodes: number[] = [];
    zone.forEachPod(0, (_, node) => nodes.push(node));
    expect(nodes.sort()).toEqual([0, 1, 1]);
    expect(zone.runningJobs).toBe(1);
    zone.check();
  });

  it('keeps pods off a closed node, until the pass ends', () => {
    const { zone, discipline, submit, tick } = world([2]);
    submit(0, 4);
    discipline.act = (pass) => {
      pass.close(0);
      expect(pass.start(0)).toBe(StartResult.NoRoom);
    };
    tick();
    expect(zone.runningJobs).toBe(0);
    discipline.act = (pass) => discipline.startAll(pass);
    tick();
    expect(zone.runningJobs).toBe(1);
  });

  it('holds pods of a gang until it starts on them, and keeps others out', () => {
    const { zone, cluster, discipline, submit, tick } = world([2]);
    submit(0, 4, 2);
    submit(1, 4, 4);
    discipline.act = (pass) => {
      expect(discipline.start(pass, 0)).toBe(StartResult.Started);
      expect(pass.hold(1)).toBe(2);
      expect(pass.hold(1)).toBe(2);
      expect(pass.heldPods(1)).toBe(2);
    };
    submit(2, 4);
    tick();
    zone.check();
    expect(zone.waitingJobs).toBe(2);
    expect(cluster.freeGpuMilli[0]).toBe(0);
    discipline.act = (pass) => expect(pass.start(2)).toBe(StartResult.NoRoom);
    zone.step({ kind: ZoneEventKind.JobFinished, job: 0 }, 0);
    discipline.act = (pass) => {
      expect(pass.hold(1)).toBe(4);
      expect(discipline.start(pass, 1)).toBe(StartResult.Started);
      expect(pass.heldPods(1)).toBe(0);
    };
    const effects = tick();
    expect(effects.filter(([kind]) => kind === EffectKind.PodPlaced)).toHaveLength(4);
    zone.check();
    expect(zone.runningJobs).toBe(1);
  });

  it.each([
    ['is cancelled', { kind: ZoneEventKind.JobCancelled, job: 0 } as const, 0],
    ['loses a node', { kind: ZoneEventKind.NodeDown, node: 1 } as const, 1],
  ])('frees what a gang holds that %s', (_, event, waiting) => {
    const { zone, cluster, discipline, submit, tick } = world([1, 2]);
    // Six GPUs, of which one pod finds no place.
    submit(1, 4);
    submit(0, 4, 6);
    discipline.act = (pass) => {
      discipline.start(pass, 1);
      expect(pass.hold(0)).toBe(5);
    };
    tick();
    zone.check();
    zone.step(event, 0);
    zone.check();
    expect(zone.waitingJobs).toBe(waiting);
    expect(cluster.freeGpuMilli[1]).toBe(4000);
    if (waiting === 0) return;
    discipline.act = (pass) => {
      expect(pass.heldPods(0)).toBe(1);
      pass.letGo(0);
      expect(pass.heldPods(0)).toBe(0);
    };
    tick();
    zone.check();
    expect(cluster.freeGpuMilli[0]).toBe(1000);
  });

  it('refuses to start a gang that holds less than its minimum', () => {
    const { discipline, submit, tick } = world([2]);
    submit(0, 4, 2);
    submit(1, 4, 4);
    discipline.act = (pass) => {
      discipline.start(pass, 0);
      expect(pass.hold(1)).toBe(2);
      expect(() => pass.start(1)).toThrow('holds too few pods');
    };
    tick();
  });

  it('closes nodes for itself alone: the cluster has them, and none went down', () => {
    const { cluster, discipline, tick } = world([2, 2]);
    const { turns } = cluster;
    discipline.act = (pass) => {
      pass.close(0);
      expect([cluster.up[0], [...cluster.closed]]).toEqual([0, [0]]);
      pass.close(1);
      pass.open(0);
      expect([...cluster.closed]).toEqual([1]);
    };
    tick();
    expect([cluster.turns, cluster.closed.size]).toEqual([turns, 0]);
  });

  it('opens no node that was down before', () => {
    const { zone, cluster, discipline, tick } = world([2]);
    zone.step({ kind: ZoneEventKind.NodeDown, node: 0 }, 0);
    discipline.act = (pass) => {
      pass.close(0);
      pass.open(0);
    };
    tick();
    expect(cluster.up[0]).toBe(0);
  });

  it('tries a gang in the room of another, and takes it back', () => {
    const { zone, discipline, submit, tick } = world([2]);
    submit(0, 4, 3);
    submit(1, 4, 4);
    discipline.act = (pass) => {
      discipline.start(pass, 0);
      expect(pass.tryPlace(1)).toBe(false);
      pass.tryRelease(0);
      expect(pass.tryPlace(1)).toBe(true);
      const masks: number[] = [];
      pass.forEachTried((_, gpuMask) => masks.push(gpuMask));
      expect(masks.reduce((all, mask) => all | mask, 0)).toBe(0b1111);
      pass.endTrial();
    };
    tick();
    expect(zone.stateOf(0)).toBe(2);
    zone.check();
  });

  it('is due when the accounts wake a tenant, though nothing else happens', () => {
    const cluster = makeCluster([2]);
    const discipline = new Scripted();
    const none = (): void => {};
    const accounts = {
      dueSeconds: 10,
      admit: () => undefined,
      onHold: none,
      onRelease: none,
      tick: (_: number, wake: (tenant: number) => void) => {
        accounts.dueSeconds = Number.POSITIVE_INFINITY;
        wake(0);
      },
    };
    const zone = new Zone(cluster, new FirstFit(cluster), {}, accounts, discipline);
    zone.step({ kind: ZoneEventKind.Tick }, 0);
    expect(zone.isDecisionDue).toBe(false);
    // Of a job that is not known: the accounts are the only ones with news.
    zone.step({ kind: ZoneEventKind.JobFinished, job: 7 }, 10);
    expect(zone.isDecisionDue).toBe(true);
  });

  it.each([
    ['a gang of none', { job: 1, gangMin: 0 }, 'gangMin 0'],
    ['a job that waits', { job: 0 }, 'while it waits'],
  ])('is not reached by %s', (_, more, message) => {
    const { zone, discipline, submit } = world();
    submit(0, 4);
    const event = { kind: ZoneEventKind.JobSubmitted, demandId: 4, podCount: 1, gangMin: 1, priority: 0 };
    expect(() => zone.step({ ...event, ...more }, 0)).toThrow(message);
    expect(discipline.seen).toHaveLength(1);
  });

  it('parks what no set of nodes could hold, and hands it over when a node joins', () => {
    const { zone, discipline, submit, tick } = world([1]);
    submit(0, 4, 4);
    tick();
    expect(discipline.waiting.size).toBe(0);
    expect(zone.reasonOf(0)).toBe(Reason.Impossible);
    const spec = {
      name: 'new',
      cpuMilli: 8000,
      memoryMib: 16000,
      gpuCount: 4,
      gpuModel: 'A100',
      podsMax: 110,
    };
    const known = {
      job: 1,
      demandId: 4,
      podCount: 1,
      gangMin: 1,
      priority: 0,
      owner: 3,
      expectedSeconds: 60,
    };
    zone.step({ kind: ZoneEventKind.JobSubmitted, ...known }, 0);
    zone.step({ kind: ZoneEventKind.JobCancelled, job: 1 }, 0);
    const asked = { ...known, job: 2, owner: 5, expectedSeconds: 70 };
    zone.step({ kind: ZoneEventKind.JobSubmitted, ...asked }, 0);
    zone.step({ kind: ZoneEventKind.NodeJoined, spec }, 0);
    expect([...discipline.waiting].sort()).toEqual([0, 2]);
    // Each has what its own submission said.
    expect(discipline.seen).toEqual(
      expect.arrayContaining(['submitted 0 of -1 for NaN', 'submitted 2 of 5 for 70']),
    );
    tick();
    expect(zone.runningJobs).toBe(2);
    zone.check();
  });

  // A start takes an effect for each pod and one for the job: with five a third start lacks one.
  it.each([4, 5])('goes on in a further step when the %i effects of one are full', (effectsMax) => {
    const { zone, discipline, submit, tick } = world([2], { membersMax: 2, effectsMax });
    for (let job = 0; job < 3; job++) submit(job, 4);
    discipline.act = (pass) => {
      for (const job of [...discipline.waiting]) {
        if (discipline.start(pass, job) === StartResult.StepFull) return;
      }
    };
    tick();
    expect(zone.hasPostponed).toBe(true);
    expect(zone.runningJobs).toBe(2);
    tick();
    expect(zone.hasPostponed).toBe(false);
    expect(zone.runningJobs).toBe(3);
  });

  it('passes on what is known of a run time', () => {
    const { zone, discipline } = world();
    const event = {
      kind: ZoneEventKind.JobSubmitted,
      job: 0,
      demandId: 4,
      podCount: 1,
      gangMin: 1,
      priority: 0,
    };
    zone.step({ ...event, owner: 3, expectedSeconds: 60 }, 0);
    expect(discipline.seen).toEqual(['submitted 0 of 3 for 60']);
    expect(() => zone.step({ ...event, job: 1, expectedSeconds: -1 }, 0)).toThrow('expectedSeconds -1');
    zone.step({ ...event, job: 1 }, 0);
    expect(discipline.seen[1]).toBe('submitted 1 of -1 for NaN');
  });
});
