/**
 * Everything that stands between the scheduler and a healthy API server, through the fault proxy.
 */
import { type FaultProxy, type FaultRule, startFaultProxy } from '../../support/fault-proxy.ts';
import { targetOf } from '../control-plane-fixture.ts';
import { type Facts, round, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';

/** How much goes on. */
interface Parameters {
  /** Pods of each fault. */
  readonly pods: number;
  readonly nodes: number;
  /** Bindings that are never answered, of each kind. */
  readonly silences: number;
  /** Whether watches fall silent, too, which takes as long as the scheduler lets them be silent. */
  readonly halfOpen: boolean;
}

const GANG = 10;
const BINDING = /\/binding\?/;
const WATCH = /[?&]watch=/;

/** A fault: what the proxy does while pods are created and bound, and what else happens. */
interface Trouble {
  readonly name: string;
  readonly rules: readonly FaultRule[];
  /** Done every so often while pods are unbound. */
  readonly again?: (proxy: FaultProxy) => void;
  /** The fault ends after so long; default when everything is placed. */
  readonly lastsSeconds?: number;
  /** The fault ends only when every event is written. */
  readonly untilEvents?: boolean;
  /** Until everything is placed. */
  readonly seconds: number;
}

const bindings = (fault: FaultRule['fault'], probability: number, times?: number): FaultRule => ({
  fault,
  probability,
  method: /POST/,
  path: BINDING,
  ...(times !== undefined && { times }),
});

const troublesOf = (silences: number): Trouble[] => [
  { name: '409', rules: [bindings({ kind: 'answer', status: 409 }, 0.3)], seconds: 30 },
  {
    name: '429 with Retry-After',
    rules: [bindings({ kind: 'answer', status: 429, retryAfterSeconds: 1 }, 0.1, 8)],
    seconds: 40,
  },
  { name: '500', rules: [bindings({ kind: 'answer', status: 500 }, 0.3)], seconds: 60 },
  { name: '503', rules: [bindings({ kind: 'answer', status: 503 }, 0.3)], seconds: 60 },
  { name: 'lost answers', rules: [bindings({ kind: 'lose-answer' }, 0.3)], seconds: 60 },
  { name: 'cut before sent on', rules: [bindings({ kind: 'cut' }, 0.3)], seconds: 60 },
  { name: 'slow answers', rules: [bindings({ kind: 'delay', milliseconds: 1500 }, 0.2)], seconds: 60 },
  { name: 'withheld answers', rules: [bindings({ kind: 'withhold-answer' }, 0.2, silences)], seconds: 60 },
  { name: 'half-open connections', rules: [bindings({ kind: 'silence' }, 0.2, silences)], seconds: 60 },
  {
    name: '500 for events and states',
    rules: [{ fault: { kind: 'answer', status: 500 }, path: /events|\/status/, probability: 0.2 }],
    untilEvents: true,
    seconds: 40,
  },
  { name: 'watches cut', rules: [], again: (proxy) => void proxy.cutWatches(), seconds: 60 },
  {
    name: 'watches cut within lines',
    rules: [{ fault: { kind: 'cut-answer', afterBytes: 20_000 }, path: WATCH, probability: 0.7 }],
    again: (proxy) => void proxy.cutWatches(),
    seconds: 60,
  },
  {
    name: 'everything 503 for 2 s',
    rules: [{ fault: { kind: 'answer', status: 503, retryAfterSeconds: 1 } }],
    again: (proxy) => void proxy.cutWatches(),
    lastsSeconds: 2,
    seconds: 40,
  },
];

const HALF_OPEN_WATCHES: Trouble = { name: 'watches half open', rules: [], seconds: 120 };

/** See the head of the file. */
export const NETWORK: Scenario<Parameters> = {
  name: 'network and server faults',
  what: 'one fault after the other between scheduler and API server while pods and a gang are bound',
  short: { pods: 40, nodes: 60, silences: 3, halfOpen: false },
  full: { pods: 400, nodes: 300, silences: 20, halfOpen: true },
  play,
};

async function play(stage: Stage, parameters: Parameters, facts: Facts): Promise<void> {
  const { auditor, plane } = stage;
  const proxy = await startFaultProxy({ upstream: targetOf(plane.kubeconfig), seed: 7 });
  try {
    await stage.nodes(parameters.nodes);
    stage.startTeg({ kubeconfig: proxy.kubeconfig });
    await stage.pods(1, { prefix: 'before' });
    await stage.placed(30);
    const troubles = troublesOf(parameters.silences);
    if (parameters.halfOpen) troubles.push(HALF_OPEN_WATCHES);
    for (const [index, trouble] of troubles.entries()) {
      if (trouble === HALF_OPEN_WATCHES) proxy.silenceWatches();
      const seconds = await suffer(stage, proxy, trouble, index, parameters.pods);
      facts[`all placed under ${trouble.name}, s`] = round(seconds);
    }
    facts['bound without an event'] = await stage.eventsAreThere(90);
    for (const [name, { bound, unbound }] of auditor.gangs()) {
      if (unbound > 0) auditor.violations.push(`gang ${name}: ${bound} bound, ${unbound} not`);
    }
    const { faults, requests, watchesCut, watchesSilenced } = proxy.counts;
    facts['requests through the proxy'] = requests;
    facts.faults = Object.entries(faults)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(', ');
    facts['watches cut'] = watchesCut;
    facts['watches silenced'] = watchesSilenced;
  } finally {
    await proxy.stop();
  }
}

/** One fault. @returns Seconds until everything is placed. */
async function suffer(
  stage: Stage,
  proxy: FaultProxy,
  trouble: Trouble,
  index: number,
  pods: number,
): Promise<number> {
  const hits = trouble.rules.map((rule) => proxy.add(rule));
  const began = performance.now();
  if (trouble.lastsSeconds !== undefined) setTimeout(() => proxy.clear(), trouble.lastsSeconds * 1000);
  const timer = setInterval(() => trouble.again?.(proxy), 150);
  await stage.group(`gang-${index}`, GANG);
  await Promise.all([
    stage.pods(pods, { prefix: `fault-${index}`, cpu: '50m' }),
    stage.pods(GANG, { prefix: `gang-${index}`, cpu: '50m', group: `gang-${index}` }),
  ]);
  if (trouble.again !== undefined) await new Promise((resolve) => setTimeout(resolve, 1500));
  clearInterval(timer);
  await stage.placed(trouble.seconds);
  const seconds = (performance.now() - began) / 1000;
  if (trouble.untilEvents === true) await stage.eventsAreThere(60);
  const hit = hits.reduce((sum, one) => sum + one.hits(), 0);
  if (trouble.rules.length > 0 && hit === 0) {
    stage.auditor.violations.push(`no request was hit by the fault '${trouble.name}'`);
  }
  proxy.clear();
  return seconds;
}
