/**
 * The pod scheduler's invariants, derived again from the pods' records. For tests, and for a scheduler that just
 * replayed a log.
 *
 * The records are the ground truth; accounts, lists, queues, groups, counts and the field must agree with them.
 */

import { assert } from '../../kernel/assert.ts';
import { addPods, newAmounts } from '../../market/tenants/tenant-usage.ts';
import type { NodeDescription } from '../../model/kubernetes/node.ts';
import { GPU_RESOURCES } from '../../model/readers/gpus.ts';
import { DEFAULT_TENANT } from '../../model/tenants.ts';
import { BYTES_PER_MIB } from '../../model/units.ts';
import { flavorBit } from '../node-flavors.ts';
import { groupDomain } from './decide/gang-attempts.ts';
import type { PodScheduler } from './pod-scheduler.ts';
import type { PodSchedulerInternals } from './scheduler-internals.ts';
import { type PodGroup, pendingIn, tallyOf } from './state/pod-groups.ts';
import { isPlaced, type PodRecord, PodState, type PodStateCode } from './state/pod-records.ts';
import type { Shape } from './state/shape-table.ts';

/**
 * Checks everything. O(pods + nodes × resources), and O(waiting shapes × nodes) where nothing is left to decide.
 *
 * @param tenantsOfJobs `PodArbiter.tenantsInUse`, where jobs of one use tenants beside the pods.
 * @throws Error at the first disagreement.
 */
export function checkScheduler(scheduler: PodScheduler, tenantsOfJobs: Iterable<number> = []): void {
  const { internals } = scheduler;
  checkPlaces(internals);
  checkTerms(internals);
  checkAccounts(internals);
  checkNominations(internals);
  checkQueues(internals);
  checkShapes(internals);
  checkTenants(internals, tenantsOfJobs);
  checkGroups(internals, scheduler.groupsKept);
  checkField(internals);
  if (!scheduler.hasWork) checkNothingFits(internals);
}

/** Records and nodes' lists agree. */
function checkPlaces({ state }: PodSchedulerInternals): void {
  const { slots } = state;
  let onNodes = 0;
  for (const [uid, pod] of state.pods) {
    const who = `pod ${pod.name}`;
    assert(pod.uid === uid, `${who} is known by another uid`);
    assert(isPlaced(pod) === (pod.nodeName !== ''), `${who} is placed nowhere, or not placed somewhere`);
    const slot = pod.nodeName === '' ? -1 : slots.slotOf(pod.nodeName);
    assert(pod.node === slot, `${who} counts on slot ${pod.node}, its node is in ${slot}`);
    if (slot < 0) continue;
    assert(slots.pods[slot]?.[pod.place] === pod, `${who} is not in its node's list`);
    onNodes++;
  }
  let live = 0;
  let listed = 0;
  for (let slot = 0; slot < slots.count; slot++) {
    const description = slots.descriptions[slot];
    const pods = slots.pods[slot] as readonly PodRecord[];
    if (description === undefined) assert(pods.length === 0, 'a slot without a node has pods');
    else {
      live++;
      assert(slots.slotOf(description.name) === slot, 'a node is not found by its name');
    }
    listed += pods.length;
  }
  assert(live === slots.live, 'nodes are miscounted');
  assert(listed === onNodes, 'a node lists a pod that is not there');
}

/** Pods have the terms of their groups, and their own where those set none. */
function checkTerms({ state, groups }: PodSchedulerInternals): void {
  for (const pod of state.pods.values()) {
    const { priority = pod.ownPriority, preemptionPolicy = pod.ownPolicy } =
      groups.get(pod.group)?.description ?? {};
    assert(pod.priority === priority, `pod ${pod.uid}: priority ${pod.priority}, not ${priority}`);
    const { preemptionPolicy: policy } = pod.shape.template;
    assert(policy === preemptionPolicy, `pod ${pod.uid}: policy ${policy}, not ${preemptionPolicy}`);
  }
}

/** Accounts and counts of priorities equal the sums over pods. */
function checkAccounts({ state }: PodSchedulerInternals): void {
  const { accounts, slots } = state;
  const priorities = new Map<number, number>();
  for (let slot = 0; slot < slots.count; slot++) {
    const description = slots.descriptions[slot];
    const pods = slots.pods[slot] as readonly PodRecord[];
    const used = new Map<string, number>();
    for (const pod of pods) {
      priorities.set(pod.priority, (priorities.get(pod.priority) ?? 0) + 1);
      const { cpuMilli, memoryBytes, extended } = pod.shape.template.requests;
      for (const [name, amount] of Object.entries({ ...extended, cpu: cpuMilli, memory: memoryBytes })) {
        used.set(name, (used.get(name) ?? 0) + amount);
      }
    }
    assert(accounts.pods[slot] === pods.length, `slot ${slot}: pods are miscounted`);
    assert(accounts.podsMax[slot] === (description?.podsMax ?? 0), `slot ${slot}: its most pods`);
    accounts.resources.forEach((name, column) => {
      if (name === '') return;
      const free = (description === undefined ? 0 : capacityOf(description, name)) - (used.get(name) ?? 0);
      assert(
        accounts.free(slot, column) === free,
        `slot ${slot}: ${name} free is ${free}, not ${accounts.free(slot, column)}`,
      );
    });
    for (const name of used.keys()) assert(accounts.resources.includes(name), `no column for ${name}`);
  }
  assert(sameCounts(priorities, state.priorities), 'priorities are miscounted');
}

function capacityOf(node: NodeDescription, resource: string): number {
  if (resource === 'cpu') return node.cpuMilli;
  return resource === 'memory' ? node.memoryBytes : (node.extended[resource] ?? 0);
}

function sameCounts(x: ReadonlyMap<number, number>, y: ReadonlyMap<number, number>): boolean {
  return x.size === y.size && [...x].every(([key, count]) => y.get(key) === count);
}

/** Room is kept for waiting pods, each on one existing node. */
function checkNominations({ state }: PodSchedulerInternals): void {
  let kept = 0;
  for (const [slot, pods] of state.nominated) {
    assert(pods.length > 0, 'an empty list of nominated pods');
    assert(state.slots.descriptions[slot] !== undefined, 'room is kept on a node that is gone');
    for (const pod of pods) {
      assert(pod.nominated === slot && state.pods.get(pod.uid) === pod, 'room is kept for the wrong pod');
    }
    kept += pods.length;
  }
  let expecting = [...state.expecting.values()].reduce((sum, pods) => sum + pods.size, 0);
  for (const pod of state.pods.values()) {
    assert(pod.ownNode === '' || pod.foreignNode === '', `pod ${pod.name} was nominated by two`);
    if (pod.expected !== '') {
      assert(pod.nominated < 0, `room is kept for pod ${pod.name}, and to be kept elsewhere`);
      assert(state.expecting.get(pod.expected)?.has(pod) === true, `pod ${pod.name} expects room in vain`);
      expecting--;
    }
    if (pod.nominated < 0) continue;
    kept--;
    assert(!isPlaced(pod), `room is kept for pod ${pod.name}, which is placed`);
  }
  assert(kept === 0, 'nominated pods are miscounted');
  assert(expecting === 0, 'a pod that expects room is not known');
}

/** Every pod is in the heap of its state, and counted there. */
function checkQueues({ state, queue, groups, reports }: PodSchedulerInternals): void {
  const counts = new Map<PodStateCode, number>();
  const active = new Map<string, number>();
  let reported = 0;
  for (const pod of state.pods.values()) {
    counts.set(pod.state, (counts.get(pod.state) ?? 0) + 1);
    const isIdle = pod.state === PodState.Ignored || isPlaced(pod);
    assert(isIdle || !pod.deleting, `pod ${pod.name} is queued though it is being deleted`);
    assert(pod.told === '' || !isPlaced(pod), `pod ${pod.name} is placed, and reported as waiting`);
    if (pod.told !== '') reported++;
    if (pod.state !== PodState.Waiting && pod.state !== PodState.Active) {
      assert(pod.line === undefined, `pod ${pod.name} is in a line, but does not wait`);
    }
    if (pod.line !== undefined) {
      assert(queue.lines.get(pod.line.key) === pod.line, `pod ${pod.name} is in a line that is not known`);
      assert(pod.line.shape === pod.shape, `pod ${pod.name} is in the line of another shape`);
      if (pod.state === PodState.Active) active.set(pod.line.key, (active.get(pod.line.key) ?? 0) + 1);
    }
  }
  assert(reported === reports.size, 'a current report is not kept');
  for (const code of Object.values(PodState)) {
    assert(queue.count(code) === (counts.get(code) ?? 0), `pods in state ${code} are miscounted`);
  }
  const seen = { active: 0, waiting: 0, groups: 0 };
  queue.active.forEach((item) => {
    if ('members' in item) {
      seen.groups++;
      assert(groups.get(item.key) === item, 'a group that is not known is queued');
    } else {
      seen.active++;
      assert(item.state === PodState.Active && state.pods.get(item.uid) === item, 'a stale pod is queued');
    }
  });
  assert(seen.active === queue.count(PodState.Active), 'an active pod is not queued');
  assert(seen.groups === queue.groupsQueued, 'queued groups are miscounted');
  for (const [key, line] of queue.lines) {
    assert(line.pods.size > 0 || line.activeCount > 0, 'a line without pods');
    assert(
      line.activeCount === (active.get(key) ?? 0),
      `the line ${key} has ${active.get(key) ?? 0} woken pods, not ${line.activeCount}`,
    );
    line.pods.forEach((pod) => {
      assert(pod.state === PodState.Waiting && pod.line === line, 'a stale pod is in a line');
    });
    seen.waiting += line.pods.size;
  }
  assert(seen.waiting === queue.count(PodState.Waiting), 'a waiting pod is in no line');
  assert(queue.backing.size === queue.count(PodState.BackingOff), 'a pod that backs off is in no heap');
  assert(queue.overLimit.size === queue.count(PodState.OverLimit), 'a pod over the limit is in no heap');
}

/** Shapes are known as long as they are used. */
function checkShapes({ state }: PodSchedulerInternals): void {
  const users = new Map<Shape, number>();
  for (const { shape } of state.pods.values()) users.set(shape, (users.get(shape) ?? 0) + 1);
  for (const shape of state.changes.shapes) users.set(shape, (users.get(shape) ?? 0) + 1);
  let known = 0;
  state.shapes.each((shape) => {
    known++;
    assert(
      shape.pods === users.get(shape),
      `shape ${shape.id} has ${users.get(shape)} users, not ${shape.pods}`,
    );
    assert(state.shapes.shapes[shape.id] === shape, `shape ${shape.id} is not found by its id`);
  });
  assert(known === users.size, 'a shape in use is not known');
}

/** Tenants are known as long as pods or jobs belong to them. */
function checkTenants({ state }: PodSchedulerInternals, ofJobs: Iterable<number>): void {
  const { tenants } = state;
  const known = new Set([DEFAULT_TENANT, ...ofJobs]);
  for (const pod of state.pods.values()) {
    assert(tenants.nameOf(pod.tenant) !== '', `pod ${pod.name} belongs to a tenant that is not known`);
    known.add(pod.tenant);
  }
  assert(tenants.size === known.size, 'a tenant without pods and jobs is known');
}

/** Groups have the members that name them. */
function checkGroups({ state, groups }: PodSchedulerInternals, groupsKept: number): void {
  let members = 0;
  for (const pod of state.pods.values()) {
    if (pod.group === '') {
      assert(pod.state !== PodState.InGroup, `pod ${pod.name} waits for a group that it is not in`);
      continue;
    }
    members++;
    assert(groups.get(pod.group)?.members.has(pod) === true, `pod ${pod.name} is not in its group`);
  }
  for (const group of groups.groups.values()) {
    members -= group.members.size;
    const known = group.members.size + group.ended.size > 0 || group.description !== undefined;
    assert(known, 'a group of nothing is known');
    assert(!(group.waiting && group.heapAt >= 0), 'a group waits and is queued');
  }
  assert(members === 0, 'a group has a member that does not name it');
  assert(groupsKept <= 2 * groups.groups.size, 'groups that are gone are waited for');
}

/** The field shows all nodes, and never less than their room. */
function checkField({ state }: PodSchedulerInternals): void {
  const { zones, slots, accounts } = state;
  if (zones.made === 0) return;
  let shown = 0;
  for (const zone of zones.zones) {
    let nodes = 0;
    assert(zone.nodes > 0 || zones.isStale, 'a zone without nodes is kept');
    zone.slots.forEach((slot, index) => {
      if (slot < 0) return;
      nodes++;
      assert(zones.zoneOfSlot(slot) === zone, `slot ${slot} is in another zone`);
      const { cluster } = zone;
      const description = slots.descriptions[slot] as NodeDescription;
      assert(cluster.up[index] === 1, `slot ${slot} is down on the field`);
      if (zones.isStale) return;
      const cpu = Math.max(0, accounts.free(slot, 0));
      const mib = Math.max(0, Math.floor(accounts.free(slot, 1) / BYTES_PER_MIB));
      const gpus = GPU_RESOURCES.reduce((sum, name) => sum + Math.max(0, accounts.freeOf(slot, name)), 0);
      assert((cluster.freeCpuMilli[index] as number) >= cpu, `slot ${slot}: the field hides CPU`);
      assert((cluster.freeMemoryMib[index] as number) >= mib, `slot ${slot}: the field hides memory`);
      assert(
        (cluster.freeGpuMilli[index] as number) >= 1000 * Math.min(gpus, cluster.gpuSlots(index)),
        `slot ${slot}: the field hides GPUs`,
      );
      const isFull = (accounts.pods[slot] as number) >= Math.max(1, description.podsMax);
      assert((zone.policy.classes.classOf[index] as number) >= 0 || isFull, `slot ${slot} is in no class`);
    });
    assert(nodes === zone.nodes, 'nodes of a zone are miscounted');
    shown += nodes;
  }
  if (!zones.isStale) assert(shown === slots.live, `${shown} nodes are on the field, not ${slots.live}`);
}

/** No waiting pod would fit. */
function checkNothingFits(internals: PodSchedulerInternals): void {
  const { state, groups, queue, preemption, champions } = internals;
  for (const line of queue.lines.values()) {
    if (line.unadmittedOf >= 0 || (line.isBehind && champions.isKeeping)) continue;
    line.pods.forEach((pod) => {
      const group = pod.group === '' ? undefined : groups.get(pod.group);
      const allowed = group === undefined ? undefined : groupDomain(state, group);
      // Room that is there may be a champion's; it waits for the room that is being made for it.
      if (champions.isKeeping && state.claimed.has(pod)) return;
      if (lacksQuota(internals, pod, [pod])) return;
      const slot = firstThatTakes(internals, pod, allowed);
      assert(slot < 0, `pod ${pod.name} waits, but fits on ${state.slots.nameOf(slot)}`);
      // Of the first in line: a preemption that does not help it could help others of lower priority only if its
      // victims must stay for them.
      if (pod !== line.pods.peek() || line.confined || !preemption.mayHelp(pod)) return;
      // There the economy decides who gives way.
      if (state.economy.mode === 'enforce') return;
      // All its victims on the node that it waits for are leaving already.
      if (preemption.isRoomComing(pod) || preemption.find(pod) === undefined) return;
      throw new Error(`pod ${pod.name} waits, but others would go for it`);
    });
  }
  // With champions, groups may be behind them.
  if (champions.isKeeping) return;
  for (const group of groups.groups.values()) checkGroupWaits(internals, group);
}

function firstThatTakes(
  { state }: PodSchedulerInternals,
  pod: PodRecord,
  allowed: ((slot: number) => boolean) | undefined,
): number {
  if (state.rules.preFilter(pod.shape) !== undefined) return -1;
  for (let slot = 0; slot < state.slots.count; slot++) {
    if (state.slots.descriptions[slot] === undefined || allowed?.(slot) === false) continue;
    if (state.accepts(pod.shape, pod.priority, slot, pod)) return slot;
  }
  return -1;
}

/** A group of equal pods that only request room lacks it; a group that may be decided one by one is. */
function checkGroupWaits(internals: PodSchedulerInternals, group: PodGroup): void {
  const { state } = internals;
  const { description } = group;
  const { placed, pending } = tallyOf(group);
  if (description === undefined || pending === 0 || state.timeSeconds < group.notBeforeSeconds) return;
  const { minCount, topologyKeys, unsupported } = description;
  assert(unsupported.length === 0, `members of ${group.key} wait though it is not supported`);
  assert(!group.started && placed < minCount, `members of ${group.key} wait for a group that has started`);
  if (placed + pending < minCount) return;
  assert(group.waiting, `${group.key} is complete, but neither queued nor waiting`);
  if (group.notAdmitted !== undefined) return;
  const members = pendingIn(group);
  const first = members[0] as PodRecord;
  if (topologyKeys.length > 0 || members.some((pod) => pod.shape !== first.shape)) return;
  if (!state.rules.isPlain(first.shape) || state.rules.preFilter(first.shape) !== undefined) return;
  // It waits for its victims, and its accounts for their amounts.
  if (lacksQuota(internals, group, members.slice(0, minCount - placed))) return;
  let room = 0;
  for (let slot = 0; slot < state.slots.count; slot++) {
    if (state.nominated.has(slot) || !state.accepts(first.shape, first.priority, slot)) continue;
    room += state.accounts.times(slot, first.shape.request, members.length);
  }
  assert(placed + room < minCount, `${group.key} waits, but ${room} of its pods fit`);
}

/** True if a claimant waits for victims, and no flavour has quota for these members with what the claims of others hold. */
function lacksQuota(
  { state, reclaim }: PodSchedulerInternals,
  claimant: PodRecord | PodGroup,
  members: readonly PodRecord[],
): boolean {
  const { books } = state.economy;
  if (books === undefined || reclaim.claims.get(claimant) === undefined) return false;
  const others = reclaim.claims.openClaims().filter((claim) => claim.claimant !== claimant);
  for (const claim of others) reclaim.claims.hold(claim);
  const serving = members.reduce(
    (mask, { shape }) => mask & books.flavors.servingMask(shape.demand, shape.id),
    -1,
  );
  const lacks = books.tree.market.flavors.every((_, flavor) => {
    if ((serving & flavorBit(flavor)) === 0) return true;
    const needs = newAmounts(books.tree);
    for (const { shape } of members) addPods(needs, flavor, shape.demand, 1);
    return !books.accounts.usage.mayHold(state.economy.tenantOf(claimant.tenant), needs);
  });
  for (const claim of others) reclaim.claims.lift(claim);
  return lacks;
}
