/**
 * The groups of pods that opted in, for the guard's table: what the kubelet says about its pods, asked again and again, beside
 * the control groups that are there.
 *
 * Invariant: a group whose pod the kubelet no longer names, or names as being deleted, may not be acted on any more, from the
 * answer that says so on: what is frozen is thawed at the next tick, and its processes get their signal.
 */
import { get } from 'node:http';
import type { CgroupBackend } from '../../guard/node/cgroup-backend.ts';
import { parseCgroupPath } from '../../guard/paths/cgroup-path.ts';
import { type CgroupTree, FREEZE_REFUSALS, freezable, type NodeFacts } from '../../guard/paths/freezable.ts';
import { type KubeletPods, type ProbeBudget, readKubeletPods } from '../../guard/paths/kubelet-pods.ts';
import type { GuardGroupConfig } from './guard-config.ts';

/** Time between two questions. */
const ASK_MS = 100;
/** An answer that takes longer counts as none. */
const ANSWER_MS_MAX = 2000;
/** Without an answer for so long nothing is known, and nothing is frozen. */
const SILENT_MS_MAX = 10_000;
const ANSWER_CHARS_MAX = 64 * 1024 * 1024;
const NOBODY: KubeletPods = { pods: new Map(), containers: new Map(), budgets: new Map() };
const NO_LIMIT: ProbeBudget = { frozenSecondsMax: Number.POSITIVE_INFINITY, breatherSeconds: 0 };

/** How to ask. */
export interface GuardedPodsOptions {
  /** Base of the kubelet's read-only port, for example `http://127.0.0.1:10255`. */
  readonly kubelet: string;
  readonly staticPodsToo: boolean;
  readonly backend: CgroupBackend;
  /** Groups of the guard, the kubelet and the runtime. */
  readonly protectedPaths: readonly string[];
}

/** The groups of pods. */
export class GuardedPods {
  private readonly options: GuardedPodsOptions;
  private readonly tree: CgroupTree;
  private known: KubeletPods = NOBODY;
  private answeredAt = Number.NEGATIVE_INFINITY;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(options: GuardedPodsOptions) {
    this.options = options;
    const { backend } = options;
    this.tree = {
      childrenOf: (path) => backend.list(path).map((child) => child.slice(child.lastIndexOf('/') + 1)),
      hasProcesses: (path) => hasProcesses(backend, path),
    };
  }

  /** Asks once, and then again and again. */
  async start(): Promise<void> {
    await this.ask();
    this.plan();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  /** @returns Groups of containers that may be acted on now. Reads folders: not for every tick. */
  entries(): GuardGroupConfig[] {
    const facts = this.facts();
    const found: GuardGroupConfig[] = [];
    for (const path of this.leaves()) {
      if (!freezable(path, this.tree, facts).mayFreeze || this.budgetOf(path).frozenSecondsMax <= 0) continue;
      const parsed = parseCgroupPath(path);
      const pod = parsed.kind === 'container' ? facts.pods.get(parsed.podUid) : undefined;
      found.push({ path, optIn: true, priority: Math.min(pod?.priority ?? 0, 1_000_000) });
    }
    return found;
  }

  /** @returns Why a group of a pod may not be acted on now, by what is in memory; undefined: it may, or is of no pod. */
  refusalOf(path: string): string | undefined {
    const parsed = parseCgroupPath(path);
    if (parsed.kind !== 'container') return undefined;
    const { pods, containers } = this.facts();
    const pod = pods.get(parsed.podUid);
    if (pod === undefined) return FREEZE_REFUSALS['unknown-pod'];
    if (pod.isTerminating) return FREEZE_REFUSALS.terminating;
    if (!pod.optedIn) return FREEZE_REFUSALS['not-opted-in'];
    return containers.get(parsed.id)?.isRunning === true ? undefined : FREEZE_REFUSALS['not-running'];
  }

  /** @returns How long the group may be frozen. */
  budgetOf(path: string): ProbeBudget {
    const parsed = parseCgroupPath(path);
    return (parsed.kind === 'container' ? this.known.budgets.get(parsed.id) : undefined) ?? NO_LIMIT;
  }

  private facts(): NodeFacts {
    const isSilent = performance.now() - this.answeredAt > SILENT_MS_MAX;
    const { pods, containers } = isSilent ? NOBODY : this.known;
    const { protectedPaths, staticPodsToo } = this.options;
    // The kubelet names containers only: a sandbox is a group that it does not name.
    return { pods, containers, protectedPaths, staticPodsToo, sandboxes: new Set(), plainGroups: new Set() };
  }

  /** Groups of containers, in either driver, down to those that crun makes. */
  private leaves(): string[] {
    const leaves: string[] = [];
    const open = ['/'];
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      for (const child of this.options.backend.list(path)) {
        const { kind } = parseCgroupPath(child);
        if (kind === 'container') leaves.push(child, `${child}/container`);
        else if (kind === 'pods' || kind === 'pod' || /^\/kubelet(?:\.slice)?$/.test(child)) open.push(child);
      }
    }
    return leaves;
  }

  private async ask(): Promise<void> {
    try {
      this.known = readKubeletPods(JSON.parse(await answerOf(`${this.options.kubelet}/pods`)));
      this.answeredAt = performance.now();
    } catch {
      // Silence: what is known ages, and after SILENT_MS_MAX nothing is frozen.
    }
  }

  private plan(): void {
    if (this.isStopped) return;
    this.timer = setTimeout(() => {
      this.ask().then(
        () => this.plan(),
        () => this.plan(),
      );
    }, ASK_MS);
  }
}

/** Plain HTTP: `fetch` compiles WebAssembly, for which a process that locks its memory has to have all of it at once. */
function answerOf(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = get(url, { timeout: ANSWER_MS_MAX }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > ANSWER_CHARS_MAX) asked.destroy(new Error('the answer is too long'));
      });
      response.on('end', () =>
        response.statusCode === 200 ? resolve(text) : reject(new Error(`status ${response.statusCode}`)),
      );
      response.on('error', reject);
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${ANSWER_MS_MAX} ms`)));
    asked.on('error', reject);
  });
}

function hasProcesses(backend: CgroupBackend, path: string): boolean {
  try {
    const handle = backend.open(path);
    try {
      return handle.processCount() > 0;
    } finally {
      handle.close();
    }
  } catch {
    return false;
  }
}
