/**
 * An hour of churn in minutes: pods are created, bound and deleted, nodes recreated, labels and sizes never the same.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Facts, round, type Scenario } from './scenario.ts';
import type { Stage } from './stage.ts';
import type { TegChild } from './teg-child.ts';

/** How much goes on. */
interface Parameters {
  readonly nodes: number;
  readonly rounds: number;
  /** Pods of a round. */
  readonly pods: number;
  /** Growth that is allowed, MB of heap and of resident memory. */
  readonly heapMegabytes: number;
  readonly residentMegabytes: number;
}

/** See the head of the file. */
export const MEMORY: Scenario<Parameters> = {
  name: 'memory under churn',
  what: 'rounds of pods created, bound and deleted, each with labels and requests of its own, a tenth of the nodes recreated each time',
  short: { nodes: 100, rounds: 12, pods: 420, heapMegabytes: 6, residentMegabytes: 60 },
  full: { nodes: 250, rounds: 60, pods: 1000, heapMegabytes: 15, residentMegabytes: 60 },
  play,
};

interface Sample {
  readonly heap: number;
  readonly resident: number;
}

async function play(stage: Stage, parameters: Parameters, facts: Facts): Promise<void> {
  const { nodes, rounds, pods } = parameters;
  const { auditor } = stage;
  await stage.nodes(nodes);
  const teg = stage.startTeg({
    env: { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'collecting.mjs')}` },
  });
  const samples: Sample[] = [];
  for (let turn = 0; turn < rounds; turn++) {
    const prefix = `turn-${turn}`;
    const labels = { app: prefix, 'pod-template-hash': `${turn * 7919}` };
    const cpu = `${20 + (turn % 50)}m`;
    await stage.pods(pods, { prefix, cpu, memory: `${50 + turn}Mi`, metadata: { labels } });
    // One that fits nowhere, reported and deleted.
    await stage.pods(1, { prefix: `large-${turn}`, cpu: `${100 + turn}`, metadata: { labels } });
    await stage.until('the round is placed', () => auditor.unbound <= 1, 60);
    await stage.each(pods, (index) => stage.deletePod(`${prefix}-${index}`));
    await stage.deletePod(`large-${turn}-0`);
    await stage.each(Math.ceil(nodes / 10), async (index) => {
      const node = (turn * 13 + index) % nodes;
      await stage.ask({ method: 'DELETE', path: `/api/v1/nodes/node-${node}` });
      await stage.nodes(1, {}, node);
    });
    samples.push(await sample(stage, teg));
  }
  const third = Math.floor(rounds / 3);
  const before = least(samples.slice(third, 2 * third));
  const after = least(samples.slice(-third));
  facts['pods in all'] = rounds * pods;
  facts['heap after warm-up, MB'] = round(before.heap);
  facts['heap at the end, MB'] = round(after.heap);
  facts['resident after warm-up, MB'] = round(before.resident);
  facts['resident at the end, MB'] = round(after.resident);
  check(stage, 'heap', after.heap - before.heap, parameters.heapMegabytes);
  check(stage, 'resident memory', after.resident - before.resident, parameters.residentMegabytes);
  facts['bound without an event'] = await stage.eventsAreThere(120);
}

function check(stage: Stage, what: string, grown: number, most: number): void {
  if (!(grown <= most))
    stage.auditor.violations.push(`${what} grew by ${round(grown)} MB, at most ${most} MB`);
}

/** What it holds, without garbage: when that is collected is V8's affair, and changes the figures by tens of MB. */
async function sample(stage: Stage, teg: TegChild): Promise<Sample> {
  const collections = (): number => teg.said('garbage is collected').length;
  const before = collections();
  teg.signal('SIGUSR2');
  await stage.until('garbage is collected', () => collections() > before, 30);
  const metrics = await teg.metrics();
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${teg.pid}/status`, 'utf8'))?.[1];
  return {
    heap: (metrics.get('nodejs_heap_size_used_bytes') ?? Number.NaN) / 1e6,
    resident: Number(kilobytes ?? Number.NaN) / 1000,
  };
}

/** Writes under way make some samples larger than what is held between rounds. */
function least(samples: readonly Sample[]): Sample {
  return {
    heap: Math.min(...samples.map(({ heap }) => heap)),
    resident: Math.min(...samples.map(({ resident }) => resident)),
  };
}
