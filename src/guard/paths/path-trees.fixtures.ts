/**
 * Random nodes for the rules of freezing: groups as kubelets and runtimes make them, what the runtime and the kubelet say
 * about them, and for each group the answer that its maker knows. Shares no code with the reader of paths.
 */
import type { Random } from '../../kernel/random.ts';
import type { CgroupTree, ContainerFacts, FreezeRefusal, NodeFacts, PodFacts } from './freezable.ts';

/** A node with the right answer for each of its groups. */
export interface PathTree {
  readonly facts: NodeFacts;
  readonly tree: CgroupTree;
  /** By path; `yes` for groups that may be frozen. */
  readonly answers: ReadonlyMap<string, 'yes' | FreezeRefusal>;
}

interface MutableTree {
  readonly answers: Map<string, 'yes' | FreezeRefusal>;
  readonly children: Map<string, string[]>;
  readonly populated: Set<string>;
  readonly containers: Map<string, ContainerFacts>;
  readonly sandboxes: Set<string>;
  readonly pods: Map<string, PodFacts>;
  readonly plainGroups: Set<string>;
  readonly protectedPaths: string[];
}

/** How a node is set up. */
interface Flavour {
  readonly isSystemd: boolean;
  readonly runtime: 'containerd' | 'crio' | 'docker';
  readonly isCrun: boolean;
  /** Groups above those of the pods. */
  readonly above: string;
  /** First part of the names of slices. */
  readonly stem: string;
}

/** @returns A node of up to six pods. The draws are its only source. */
export function randomPathTree(random: Random): PathTree {
  const tree: MutableTree = {
    answers: new Map([['/', 'root']]),
    children: new Map(),
    populated: new Set(),
    containers: new Map(),
    sandboxes: new Set(),
    pods: new Map(),
    plainGroups: new Set(),
    protectedPaths: [],
  };
  const flavour = randomFlavour(random);
  addServices(tree, random);
  addPlainGroups(tree, random);
  addMalformed(tree, random);
  const place = addPodRoots(tree, flavour);
  for (let count = random.nextInt(7); count > 0; count--) addPod(tree, flavour, place, random);
  const facts: NodeFacts = { ...tree, staticPodsToo: false };
  return {
    facts,
    answers: tree.answers,
    tree: {
      childrenOf: (path) => tree.children.get(path) ?? [],
      hasProcesses: (path) => tree.populated.has(path),
    },
  };
}

function randomFlavour(random: Random): Flavour {
  const isNested = chance(random, 4);
  return {
    isSystemd: chance(random, 2),
    runtime: pick(random, ['containerd', 'crio', 'docker'] as const),
    isCrun: chance(random, 3),
    above: isNested ? '/kubelet' : '',
    stem: isNested ? 'kubelet-kubepods' : 'kubepods',
  };
}

function add(
  tree: MutableTree,
  parent: string,
  name: string,
  answer: 'yes' | FreezeRefusal,
  isPopulated: boolean,
): string {
  const path = parent === '/' || parent === '' ? `/${name}` : `${parent}/${name}`;
  if (!tree.answers.has(path)) {
    const siblings = tree.children.get(parent === '' ? '/' : parent) ?? [];
    siblings.push(name);
    tree.children.set(parent === '' ? '/' : parent, siblings);
  }
  tree.answers.set(path, answer);
  if (isPopulated) tree.populated.add(path);
  return path;
}

/** The services of a machine, two of which are protected as well. */
function addServices(tree: MutableTree, random: Random): void {
  const slice = add(tree, '/', 'system.slice', 'system', false);
  for (const name of ['dbus.service', 'ssh.service', 'nginx.service', 'systemd-udevd.service'])
    if (chance(random, 2)) tree.plainGroups.add(add(tree, slice, name, 'system', true));
  tree.plainGroups.add(add(tree, '/', 'init.scope', 'system', true));
  // A runtime outside the usual slice.
  const runtimes = add(tree, '/', 'podruntime', 'protected', false);
  for (const name of ['runtime', 'agent']) {
    const path = add(tree, runtimes, name, 'protected', true);
    tree.protectedPaths.push(path);
    if (chance(random, 2)) tree.plainGroups.add(path);
  }
  const kubelet = add(tree, slice, 'kubelet.service', 'protected', true);
  tree.protectedPaths.push(kubelet);
  tree.answers.set(slice, 'protected');
}

/** Groups of a machine's users, opted in or not; branches never. */
function addPlainGroups(tree: MutableTree, random: Random): void {
  const jobs = add(tree, '/', pick(random, ['jobs', 'user.slice', 'batch.slice']), 'branch', false);
  for (let job = random.nextInt(4); job >= 0; job--) {
    const isOptedIn = chance(random, 2);
    const isBranch = chance(random, 4);
    const own = isOptedIn ? 'yes' : 'not-opted-in';
    const path = add(tree, jobs, `job-${job}`, isBranch ? 'branch' : own, true);
    if (isOptedIn) tree.plainGroups.add(path);
    if (isBranch) add(tree, path, 'part', 'not-opted-in', true);
  }
}

/** What a configuration may contain and no node has. */
function addMalformed(tree: MutableTree, random: Random): void {
  const path = pick(random, ['jobs/a', '/jobs/', '/jobs//a', '/jobs/../system.slice', '', '/./a', '/a\0b']);
  tree.answers.set(path, 'malformed');
  tree.plainGroups.add(path);
}

/** @returns For each class of service the group that its pods are in. */
function addPodRoots(
  tree: MutableTree,
  { isSystemd, above, stem }: Flavour,
): Readonly<Record<string, string>> {
  let parent = above;
  if (above !== '') parent = add(tree, '/', isSystemd ? 'kubelet.slice' : 'kubelet', 'system', false);
  const root = add(tree, parent, isSystemd ? `${stem}.slice` : 'kubepods', 'pods', false);
  const below = (name: string) => add(tree, root, isSystemd ? `${stem}-${name}.slice` : name, 'pods', false);
  return { guaranteed: root, burstable: below('burstable'), besteffort: below('besteffort') };
}

function addPod(
  tree: MutableTree,
  flavour: Flavour,
  place: Readonly<Record<string, string>>,
  random: Random,
): void {
  const quality = pick(random, ['guaranteed', 'burstable', 'besteffort']);
  const isStaticByHash = chance(random, 8);
  const uid = isStaticByHash ? hex(random, 32) : uuid(random);
  const name = flavour.isSystemd
    ? `${flavour.stem}${quality === 'guaranteed' ? '' : `-${quality}`}-pod${uid.replaceAll('-', '_')}.slice`
    : `pod${uid}`;
  const group = add(tree, place[quality] as string, name, 'pod', false);
  if (chance(random, 8))
    add(
      tree,
      group,
      pick(random, ['scratch', `x-${hex(random, 63)}`, 'cri-containerd.scope']),
      'strange',
      true,
    );
  const answer = describePod(tree, uid, isStaticByHash, random);
  const sandbox = hex(random, 64);
  tree.sandboxes.add(sandbox);
  addContainer(tree, flavour, group, sandbox, 'sandbox', random);
  // Some runtimes list a sandbox as a container too.
  if (chance(random, 3)) tree.containers.set(sandbox, { isRunning: true, podUid: uid });
  if (flavour.runtime === 'crio') addHelper(tree, flavour, group, uid);
  for (let count = random.nextInt(3); count >= 0; count--) {
    const id = hex(random, 64);
    addContainer(tree, flavour, group, id, describeContainer(tree, uid, id, answer, random), random);
  }
}

/** @returns Why no container of the pod may be frozen; `yes`: each may. */
function describePod(
  tree: MutableTree,
  uid: string,
  isStaticByHash: boolean,
  random: Random,
): 'yes' | FreezeRefusal {
  const isKnown = !chance(random, 12);
  if (!isKnown) return 'unknown-pod';
  const isStaticByNote = chance(random, 12);
  const isTerminating = chance(random, 10);
  const critical = random.nextInt(20);
  const hasPriority = !chance(random, 12);
  const optedIn = !chance(random, 3);
  let priority: number | undefined = hasPriority ? random.nextInt(1_000_000_001) - 10 : undefined;
  if (critical === 0) priority = pick(random, [2_000_000_000, 2_000_001_000]);
  const priorityClass =
    critical === 1 ? pick(random, ['system-node-critical', 'system-cluster-critical']) : 'batch';
  tree.pods.set(uid, { optedIn, isStatic: isStaticByNote, isTerminating, priority, priorityClass });
  if (isStaticByHash || isStaticByNote) return 'static';
  if (isTerminating) return 'terminating';
  if (critical <= 1) return 'critical';
  if (!hasPriority) return 'unknown-priority';
  return optedIn ? 'yes' : 'not-opted-in';
}

function describeContainer(
  tree: MutableTree,
  podUid: string,
  id: string,
  ofPod: 'yes' | FreezeRefusal,
  random: Random,
): 'yes' | FreezeRefusal {
  const fate = random.nextInt(20);
  if (fate === 0) return 'unknown';
  if (fate === 1) {
    tree.containers.set(id, { isRunning: true, podUid: uuid(random) });
    return 'contradiction';
  }
  tree.containers.set(id, { isRunning: fate !== 2, podUid });
  return fate === 2 ? 'not-running' : ofPod;
}

/** Adds a container with what its runtime, and it itself, have made below. */
function addContainer(
  tree: MutableTree,
  flavour: Flavour,
  pod: string,
  id: string,
  answer: 'yes' | FreezeRefusal,
  random: Random,
): void {
  // Known by the path alone, and therefore before everything about the pod.
  const early = answer === 'sandbox' || answer === 'unknown' || answer === 'contradiction';
  const inside = early ? answer : 'nested';
  const isCrun = flavour.isCrun && answer !== 'sandbox';
  const outer = add(tree, pod, leafName(flavour, id, ''), isCrun && !early ? 'branch' : answer, !isCrun);
  const own = isCrun ? add(tree, outer, 'container', answer, true) : outer;
  // The guard itself runs in a container.
  if (chance(random, 40)) protect(tree, own);
  if (!chance(random, 4)) return;
  const made = add(tree, own, pick(random, ['container', 'init.scope', 'kubepods', 'docker']), inside, true);
  if (chance(random, 2))
    add(tree, made, pick(random, ['container', hex(random, 64), `pod${uuid(random)}`]), inside, true);
}

function protect(tree: MutableTree, own: string): void {
  tree.protectedPaths.push(own);
  for (let path = own; path !== ''; path = path.slice(0, path.lastIndexOf('/')))
    tree.answers.set(path, 'protected');
}

/** The monitor of CRI-O has the identity of what it watches, which runs. */
function addHelper(tree: MutableTree, flavour: Flavour, pod: string, podUid: string): void {
  const helped = `${podUid.replaceAll('-', '')}${podUid.replaceAll('-', '')}`;
  tree.containers.set(helped, { isRunning: true, podUid });
  add(tree, pod, leafName(flavour, helped, 'conmon-'), 'helper', true);
}

function leafName({ isSystemd, runtime }: Flavour, id: string, helper: string): string {
  const prefix = runtime === 'containerd' ? 'cri-containerd-' : `${runtime}-`;
  if (isSystemd) return `${prefix}${helper}${id}.scope`;
  return runtime === 'crio' ? `crio-${helper}${id}` : id;
}

/** True in one of `n` cases. */
function chance(random: Random, n: number): boolean {
  return random.nextInt(n) === 0;
}

function pick<Value>(random: Random, values: readonly Value[]): Value {
  return values[random.nextInt(values.length)] as Value;
}

/** 64 random bits, then zeros: enough to be different, and three times as fast as digits that are all drawn. */
function hex(random: Random, length: number): string {
  const high = random.nextU32().toString(16).padStart(8, '0');
  return `${high}${random.nextU32().toString(16).padStart(8, '0')}`.padEnd(length, '0');
}

function uuid(random: Random): string {
  const digits = hex(random, 32);
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    digits.slice(12, 16),
    digits.slice(16, 20),
    digits.slice(20),
  ].join('-');
}
