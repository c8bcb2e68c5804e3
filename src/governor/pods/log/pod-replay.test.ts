/** The pod scheduler and its log: every decision is repeated, bit for bit. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../../test/support/properties.ts';
import { Random } from '../../../kernel/random.ts';
import { barePod } from '../../../model/kubernetes/bare-pod.ts';
import type { PodDescription } from '../../../model/kubernetes/pod.ts';
import { createConstraints } from '../constraints/cluster-constraints.ts';
import { POD_OPTIONS, plainTemplate, someEvent } from '../pod-events.fixtures.ts';
import type { PodEffect, PodEvent } from '../pod-events.ts';
import { PodScheduler } from '../pod-scheduler.ts';
import { digestOf } from './pod-effects-digest.ts';
import { PodLogReader, PodLogWriter, type PodLogWriterOptions } from './pod-log.ts';

/** A scheduler that is recorded. */
class Recorded {
  readonly lines: string[] = [];
  digest = 0;
  binds = 0;
  private readonly scheduler = new PodScheduler(POD_OPTIONS, createConstraints());
  private readonly writer: PodLogWriter;

  constructor(options: PodLogWriterOptions = {}) {
    this.writer = new PodLogWriter(POD_OPTIONS, options);
    this.lines.push(this.writer.head());
  }

  step(event: PodEvent, t: number): readonly PodEffect[] {
    const effects = this.scheduler.step(event, t);
    this.digest = digestOf(effects, this.digest);
    for (const { kind } of effects) if (kind === 'bind') this.binds++;
    this.lines.push(this.writer.step(event, t, effects));
    return effects;
  }

  /**
   * Feeds the log to a fresh scheduler.
   *
   * @param afterStep Called with the scheduler after each step.
   * @returns         The step that differs first, −1 if none does.
   */
  replay(afterStep: (scheduler: PodScheduler, step: number) => void = () => {}): number {
    const scheduler = new PodScheduler(POD_OPTIONS, createConstraints());
    const reader = new PodLogReader();
    let digest = 0;
    for (const line of this.lines.join('').split('\n')) {
      const logged = line === '' ? undefined : reader.read(line);
      if (logged === undefined) continue;
      const effects = scheduler.step(logged.event, logged.timeSeconds);
      digest = digestOf(effects, digest);
      if (digest !== logged.digest) return logged.step;
      expect(effects).toEqual(logged.effects);
      afterStep(scheduler, logged.step);
    }
    return -1;
  }
}

/** Every event with its own objects, as from a projection whose cache of templates is full. */
const fresh = <T>(value: T): T => structuredClone(value);

describe('a log of the pod scheduler', () => {
  test('repeats whatever was decided on random events', () => {
    const events = fc.array(fc.tuple(someEvent, fc.double({ min: 0, max: 3, noNaN: true })), {
      maxLength: 60,
    });
    checkProperty(
      fc.property(events, fc.boolean(), (steps, isFresh) => {
        const run = new Recorded({ templatesMax: 4 });
        let t = 1_700_000_000;
        for (const [event, pause] of steps) {
          t += pause;
          for (const effect of run.step(isFresh ? fresh(event) : event, t)) {
            if (effect.kind === 'bind' && pause < 2) {
              run.step({ kind: 'bind-done', uid: effect.uid, outcome: pause < 1 ? 'bound' : 'failed' }, t);
            }
          }
        }
        expect(run.replay()).toBe(-1);
      }),
      { numRuns: 150 },
    );
  });

  test('repeats 5,000 pods with churn: nodes and pods that come and go, bindings that fail', () => {
    const run = new Recorded();
    churn(run, 5_000);
    expect(run.binds).toBeGreaterThan(5_000);
    expect(run.replay()).toBe(-1);
  }, 60_000);

  test('is not disturbed by explanations requested meanwhile', () => {
    const run = new Recorded();
    churn(run, 300);
    let explained = 0;
    const differs = run.replay((scheduler, step) => {
      // Explanations come at any time, and are in no log.
      if (step % 7 === 0 && scheduler.explain(`u${step % 300}`) !== undefined) explained++;
    });
    expect(differs).toBe(-1);
    expect(explained).toBeGreaterThan(50);
    const everything = fc.array(someEvent, { maxLength: 60 });
    checkProperty(
      fc.property(everything, (events) => {
        const random = new Recorded();
        events.forEach((event, i) => {
          random.step(event, 1_700_000_000 + i);
        });
        const asking = (scheduler: PodScheduler): void => {
          for (let n = 0; n < 41; n += 10) scheduler.explain(`uid-${n}`);
        };
        expect(random.replay(asking)).toBe(-1);
      }),
      { numRuns: 40 },
    );
  });

  test('reports the step from which on it differs', () => {
    const run = new Recorded();
    churn(run, 200);
    const at = run.lines.findIndex((line) => line.includes('"kind":"bind"'));
    // One node has less than it had: the first decision must differ.
    run.lines[1] = (run.lines[1] as string).replace(/"podsMax":\d+/, '"podsMax":0');
    const step = run.replay();
    expect(step).toBeGreaterThan(0);
    expect(step).toBeLessThan(at);
  });
});

function churn(run: Recorded, pods: number): void {
  const random = new Random(17, 1);
  const templates = fc.sample(plainTemplate, { numRuns: 40, seed: 5 });
  let t = 1_700_000_000;
  const node = (i: number): PodEvent => ({
    kind: 'node',
    node: {
      name: `n${i}`,
      uid: `nu${i}`,
      labels: { zone: `z${i % 3}`, 'kubernetes.io/hostname': `n${i}` },
      taints: [],
      unschedulable: false,
      cpuMilli: 64_000,
      memoryBytes: 256 * 2 ** 30,
      podsMax: 110,
      extended: { 'nvidia.com/gpu': i % 2 === 0 ? 16 : 8, 'ephemeral-storage': 200, 'example.com/rdma': 200 },
    },
  });
  for (let i = 0; i < 200; i++) run.step(node(i), t);
  const bound = new Map<string, PodDescription>();
  const known = new Map<string, PodDescription>();
  const decide = (): void => {
    for (const effect of run.step({ kind: 'decide', max: 32 }, t)) {
      if (effect.kind !== 'bind') continue;
      const outcome = random.nextInt(20) === 0 ? 'failed' : 'bound';
      run.step({ kind: 'bind-done', uid: effect.uid, outcome }, t);
      if (outcome === 'failed') continue;
      const pod = { ...(known.get(effect.uid) as PodDescription), nodeName: effect.node };
      bound.set(effect.uid, pod);
      run.step({ kind: 'pod', pod }, t);
    }
  };
  for (let i = 0; i < pods; i++) {
    t += random.nextInt(100) / 1000;
    const template = templates[random.nextInt(templates.length)] as PodDescription['template'];
    const pod: PodDescription = {
      ...barePod(`u${i}`, `p${i}`, template),
      priority: random.nextInt(3) * 10,
      generation: 1,
      createdSeconds: Math.floor(t),
    };
    known.set(pod.uid, pod);
    run.step({ kind: 'pod', pod }, t);
    if (i % 8 === 7) decide();
    if (random.nextInt(2) === 0 && bound.size > 100) {
      const [uid] = bound.keys();
      bound.delete(uid as string);
      run.step({ kind: 'pod-gone', uid: uid as string }, t);
    }
    if (i % 500 === 499) run.step({ kind: 'node-gone', name: `n${random.nextInt(200)}` }, t);
    if (i % 700 === 699) run.step(node(random.nextInt(200)), t);
  }
  for (let round = 0; round < 100; round++) {
    t += 1;
    decide();
  }
}
