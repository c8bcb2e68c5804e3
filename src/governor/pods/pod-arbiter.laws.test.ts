import { expect } from 'vitest';
import type { NodeDescription } from '../../model/kubernetes/node.ts';
import type { PodTemplate } from '../../model/kubernetes/pod.ts';
import { DEFAULT_TENANT_NAME, TenantTable } from '../../model/tenants.ts';
import type { Accounts } from '../accounts.ts';
import { type ArbiterWorld, describeArbiterLaws } from '../arbiter.laws.ts';
import { LAW_TENANTS } from '../arbiter-moves.fixtures.ts';
import { createConstraints } from './constraints/cluster-constraints.ts';
import { PodArbiter } from './pod-arbiter.ts';
import { PodScheduler } from './pod-scheduler.ts';
import { checkScheduler } from './pod-scheduler-check.ts';
import { GIB, node, requests, SCHEDULER_OPTIONS, selector, template } from './scheduler.fixtures.ts';

const GPU = 'nvidia.com/gpu';

/** Kinds of nodes: small, with GPUs, with few pods, in another zone, tainted. */
const KINDS: readonly Partial<NodeDescription>[] = [
  {},
  { cpuMilli: 8000, extended: { [GPU]: 2 } },
  { cpuMilli: 16_000, memoryBytes: 64 * GIB, extended: { [GPU]: 4 }, labels: { disk: 'ssd' } },
  { podsMax: 2 },
  { taints: [{ key: 'dedicated', value: 'x', effect: 'NoSchedule' }] },
];

/** Templates that compete for them, with and without rules; the last fits nowhere. */
const TEMPLATES: readonly PodTemplate[] = [
  template(),
  template({ requests: requests(3000, 2 * GIB) }),
  template({ requests: requests(500, GIB, { [GPU]: 1 }) }),
  template({ requests: requests(500, GIB, { [GPU]: 2 }) }),
  template({ nodeSelector: { disk: 'ssd' } }),
  template({
    labels: { app: 'lonely' },
    antiAffinity: [
      {
        topologyKey: 'kubernetes.io/hostname',
        selector: selector('app', 'lonely'),
        namespaces: ['default'],
        namespaceSelector: undefined,
      },
    ],
  }),
  template({
    labels: { app: 'spread' },
    preferredAntiAffinity: [
      {
        weight: 10,
        term: {
          topologyKey: 'kubernetes.io/hostname',
          selector: selector('app', 'spread'),
          namespaces: ['default'],
          namespaceSelector: undefined,
        },
      },
    ],
  }),
  template({ requests: requests(99_000) }),
];

function makeWorld(kinds: readonly number[], accounts?: Accounts): ArbiterWorld {
  const scheduler = new PodScheduler(SCHEDULER_OPTIONS, createConstraints(), accounts);
  // Names are interned in another order than the scheduler acquires them.
  const tenants = new TenantTable();
  const names = Array.from({ length: LAW_TENANTS }, (_, i) => (i === 0 ? DEFAULT_TENANT_NAME : `team-${i}`));
  for (const name of names) tenants.intern(name);
  const arbiter = new PodArbiter(scheduler, {
    name: 'held',
    templates: TEMPLATES,
    postponedMax: 100,
    tenants,
  });
  const nodes = kinds.map((kind, i) => node(`n${i}`, KINDS[kind % KINDS.length]));
  const { state } = scheduler.internals;
  const settle = (timeSeconds: number): void => {
    arbiter.step({ kind: 'decide', max: 10 }, timeSeconds);
  };
  for (const each of nodes) arbiter.step({ kind: 'node', node: each }, 1);
  const live = (): number[] =>
    Array.from({ length: state.slots.count }, (_, slot) => slot).filter(
      (slot) => state.slots.descriptions[slot] !== undefined,
    );
  const room = (): unknown =>
    nodes.map(({ name }) => {
      const slot = state.slots.slotOf(name);
      if (slot < 0) return name;
      const { accounts } = state;
      return [
        name,
        accounts.pods[slot],
        accounts.free(slot, 0),
        accounts.free(slot, 1),
        accounts.freeOf(slot, GPU),
      ];
    });
  const field = (): unknown =>
    state.zones.zones.map(({ policy: { classes, rent }, cluster }) => [
      classes.count,
      Array.from(classes.occupied.slice(0, classes.occupiedCount), (id) => {
        const members = [id];
        for (let at = classes.heads[id] as number; at >= 0; at = classes.nextNode(at)) members.push(at);
        return members;
      }),
      Array.from({ length: rent.groupCount }, (_, group) => rent.sumsOf(group)),
      [...cluster.freeCpuMilli],
      [...cluster.freeMemoryMib],
      [...cluster.podCounts],
    ]);
  return {
    arbiter,
    accountOf: (tenant) => state.tenants.find(names[tenant] as string),
    demandCount: TEMPLATES.length,
    nodeCount: nodes.length,
    room,
    digest: () => [
      room(),
      field(),
      [...state.pods].map(([uid, { node: slot, nodeName, state: code }]) => [uid, slot, nodeName, code]),
      live().map((slot) => state.slots.pods[slot]?.map(({ uid }) => uid)),
      [...state.priorities],
      [state.version, state.anyVersion, state.changes.any, state.shapes.size, scheduler.hasWork],
      scheduler.internals.placement.mark(),
      { ...scheduler.counters },
    ],
    check: () => {
      checkScheduler(scheduler, arbiter.tenantsInUse());
      for (const slot of live()) {
        for (const [column, name] of state.accounts.resources.entries()) {
          expect(state.accounts.free(slot, column), `free ${name}`).toBeGreaterThanOrEqual(0);
        }
        expect(state.accounts.pods[slot]).toBeLessThanOrEqual(state.accounts.podsMax[slot] as number);
      }
    },
    isUp: (slot) => state.slots.descriptions[slot] !== undefined,
    nodeDown: (at, timeSeconds) => {
      arbiter.step({ kind: 'node-gone', name: `n${at}` }, timeSeconds);
      settle(timeSeconds);
    },
    nodeUp: (at, timeSeconds) => {
      arbiter.step({ kind: 'node', node: nodes[at] as NodeDescription }, timeSeconds);
      settle(timeSeconds);
    },
  };
}

// Each world makes its own prices, which takes milliseconds.
describeArbiterLaws('the pod scheduler', makeWorld, 0.3);
