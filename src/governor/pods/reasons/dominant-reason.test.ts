import { describe, expect, test } from 'vitest';
import { nextStep } from './next-steps.ts';
import { REASON_CODES } from './reason-sentences.ts';
import { dominantReason, REASON_STAGES, stageOf, WAITING_STAGES } from './waiting-reason.ts';
import type { WaitingSituation } from './waiting-situation.ts';

/** One fact of each stage, all of which are true. */
const ALL: Required<Omit<WaitingSituation, 'refusal'>> = {
  job: 'ns/g',
  tenant: 'nlp',
  pods: 8,
  misconfigured: { problem: 'unknown-tenant', namespace: 'ns', label: 'x', owners: [] },
  unsupported: [],
  gates: ['g'],
  queueMax: 5,
  gang: { minCount: 8, members: 3 },
  holders: [{ tenant: 'b', amount: 2 }],
  reserved: { nodes: 2, startsBySeconds: 9 },
  noFit: { message: '', nodes: 2, reason: '', refusing: 0 },
  victims: { node: 'n', pods: ['ns/v'], count: 1 },
};

describe('the order of reasons', () => {
  test('each stage gives way to those before it', () => {
    const { misconfigured: _m, gates: _g, queueMax: _q, gang: _a, noFit: _n, ...more } = ALL;
    const { victims: _v, reserved: _r, ...base } = more;
    const { misconfigured, gates, gang, noFit, victims } = ALL;
    const refused = (code: string) => ({ refusal: { code, data: { tenant: 'nlp' } } });
    const steps: readonly [string, Partial<WaitingSituation>][] = [
      ['not-tried', {}],
      ['waiting-for-victims', { victims }],
      ['no-fit', { noFit }],
      ['room-reserved', refused('room-reserved')],
      ['quota-used-up', refused('quota-used-up')],
      ['budget-empty', refused('budget-empty')],
      ['gang-incomplete', { gang }],
      ['scheduling-gated', { gates }],
      ['limit-exceeded', refused('limit-exceeded')],
      ['unknown-tenant', { misconfigured }],
    ];
    let situation: WaitingSituation = base;
    const codes = steps.map(([, fact]) => {
      situation = { ...situation, ...fact };
      return dominantReason(situation, 0).code;
    });
    expect(codes).toEqual(steps.map(([code]) => code));
    expect(codes.map(stageOf)).toEqual([...WAITING_STAGES].reverse());
  });

  test('a champion waits for its start, whatever else is true of room; a quota stands before that', () => {
    const { reserved, noFit, victims } = ALL;
    const champion = { job: 'ns/g', tenant: 'nlp', pods: 8, reserved, noFit, victims };
    expect(dominantReason(champion, 0)).toMatchObject({
      ...{ code: 'reserved', stage: 'champion', data: { nodes: 2, startsBySeconds: 9 } },
      text: 'Room on 2 nodes is reserved for it: it starts in 9 s at the latest, if run times are as expected.',
    });
    const refusal = { code: 'quota-used-up', data: { tenant: 'nlp' } };
    expect(dominantReason({ ...champion, refusal }, 0).code).toBe('quota-used-up');
  });

  test('every code has a stage, a sentence and a next step of its own', () => {
    expect([...REASON_CODES].sort()).toEqual(Object.keys(REASON_STAGES).sort());
    for (const code of REASON_CODES) {
      expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
      if (code !== 'not-tried') expect(nextStep(code, {})).not.toBe(nextStep('another', {}));
    }
  });

  test('a code of accounts that is not known is reported with its figures, and waits at the stage of quotas', () => {
    const refusal = { code: 'market-closed', data: { opensAtSeconds: 7 } };
    const reason = dominantReason({ job: 'ns/p', tenant: 'nlp', pods: 1, refusal }, 0);
    expect(reason).toMatchObject({
      code: 'market-closed',
      stage: 'quota',
      text: 'market-closed (opensAtSeconds 7).',
    });
  });
});
