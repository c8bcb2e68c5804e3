/** The actions that the laws of an arbiter draw. */
import fc from 'fast-check';

/** Tenants that orders name: [0, LAW_TENANTS). */
export const LAW_TENANTS = 3;

/** The next action; numbers pick among the present objects. */
export interface ArbiterMove {
  readonly what: 'hold' | 'place' | 'keep' | 'release' | 'finish' | 'wait' | 'down' | 'up' | 'quote';
  readonly pick: number;
  readonly pods: number;
  readonly gang: number;
  readonly waits: boolean;
  readonly priority: number;
  readonly tenant: number;
}

/** Any action. */
export const ARBITER_MOVE: fc.Arbitrary<ArbiterMove> = fc.record({
  what: fc.constantFrom<ArbiterMove['what'][]>(
    'hold',
    'hold',
    'place',
    'place',
    'keep',
    'release',
    'finish',
    'wait',
    'down',
    'up',
    'quote',
  ),
  pick: fc.nat(997),
  pods: fc.constantFrom(1, 1, 1, 2, 3, 6),
  gang: fc.nat(5),
  waits: fc.boolean(),
  priority: fc.integer({ min: -1, max: 1 }),
  tenant: fc.nat(LAW_TENANTS - 1),
});
