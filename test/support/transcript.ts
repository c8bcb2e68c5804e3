/**
 * Runs transcripts of the federation's protocol: commands and what they are answered, as text.
 *
 * A transcript is a text of blocks: command lines, a line `----`, the expected output, an empty line. Lines that begin with
 * `#` are comments. The cluster is small and real: governors on nodes of four GPUs, agent hosts, a tree of summary nodes.
 * Its network is the transcript: messages about jobs lie in the mail until they are delivered, doubled or dropped by their
 * number; summaries, boards and reports come at once unless `boards off`.
 *
 *     cluster zones=2 nodes=1 hosts=1 fan-out=4 chooser=least-loaded escrowSeconds=5 …   any option of the federation
 *     wait 2.5 | run 2.5               time passes, processes that are due wake; mail stays where it is | comes at once
 *     submit 7 gpus=1 pods=2 gang=2 priority=0 host=0
 *     cancel 7 | exit 7                its owner gives it up | its pods end by themselves
 *     deliver [3 | offer | all]        the oldest | number 3 | the oldest offer | all, and all that they cause
 *     double … | drop …                delivered, but still on its way | lost
 *     node-down zone=0 node=0 | node-up …
 *     boards on | off
 *     restart zone=0 | host=0          it starts over without its log, and learns from what runs
 *     mail | jobs | zones              what is on its way | what agents are doing | what zones hold
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { TranscriptCluster } from './transcript-cluster.ts';

/** One block: what is asked, and what was answered. */
interface Block {
  readonly comments: readonly string[];
  readonly commands: readonly string[];
}

/** What lies between commands and output. */
const RULE = '----';

/** @returns A transcript with the output that its commands have now. @throws Error naming the line that makes no sense. */
export function replay(text: string): string {
  let cluster: TranscriptCluster | undefined;
  const answered = blocksOf(text).map(({ comments, commands }) => {
    const output: string[] = [];
    for (const command of commands) {
      if (command.startsWith('cluster')) cluster = new TranscriptCluster();
      if (cluster === undefined) throw new Error(`got '${command}'; expected 'cluster' first`);
      output.push(...cluster.run(command));
    }
    const lines = commands.length === 0 ? [] : [...commands, RULE, ...(output.length > 0 ? output : ['ok'])];
    return [...comments, ...lines].join('\n');
  });
  return `${answered.join('\n\n')}\n`;
}

/** @returns A file and what its commands answer now; rewrites it if `update`. */
export function replayFile(path: string, update: boolean): { expected: string; actual: string } {
  const expected = readFileSync(path, 'utf8');
  const actual = replay(expected);
  if (update && actual !== expected) writeFileSync(path, actual);
  return { expected: update ? actual : expected, actual };
}

/** Blocks are divided by empty lines; output is left out. */
function blocksOf(text: string): Block[] {
  return text
    .trim()
    .split(/\n\s*\n/)
    .map((block) => {
      const lines = block.split('\n');
      const rule = lines.indexOf(RULE);
      const asked = rule < 0 ? lines : lines.slice(0, rule);
      return {
        comments: asked.filter((line) => line.startsWith('#')),
        commands: asked.filter((line) => !line.startsWith('#') && line.trim() !== ''),
      };
    });
}
