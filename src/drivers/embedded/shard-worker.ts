/** The thread of one shard: builds it, runs it window by window, and reports its measurements at the end. */
import { resourceUsage } from 'node:process';
import { parentPort, workerData } from 'node:worker_threads';
import { EnvelopeDecoder, encodeEnvelopes } from '../../simulation/federation/envelope-codec.ts';
import { federationFacts, runAlone } from '../../simulation/federation/federation-run.ts';
import { compareEnvelopes, type Envelope } from '../../simulation/federation/network.ts';
import { Shard } from '../../simulation/federation/shard.ts';
import { buildFederation } from './federation-task.ts';
import type { ShardAnswer, ShardRequest, ShardSetup } from './shard-team.ts';
import { toPlainError } from './worker-tasks.ts';

/** One shard and the envelopes addressed to it. */
class ShardLane {
  private readonly shard: Shard;
  private readonly setup: ShardSetup;
  private readonly reader = new EnvelopeDecoder();
  private own: Envelope[] = [];
  private readonly delayMinSeconds: number;

  constructor(shard: Shard, setup: ShardSetup) {
    this.delayMinSeconds = setup.task.network.delayMinSeconds;
    this.shard = shard;
    this.setup = setup;
  }

  answer(request: ShardRequest): ShardAnswer {
    const { shard } = this;
    if (request.kind === 'finish') {
      const metrics = shard.finish().toPlain();
      return { kind: 'finish', metrics, peakMemoryBytes: resourceUsage().maxRSS * 1024 };
    }
    if (this.setup.count === 1) {
      const nextSeconds = runAlone(shard, request.untilSeconds, this.delayMinSeconds);
      return { kind: 'window', status: shard.status(), nextSeconds, outgoing: [] };
    }
    const envelopes = this.own.concat(...request.envelopes.map((packed) => this.reader.unpack(packed)));
    shard.deliver(envelopes.sort(compareEnvelopes));
    shard.run(request.untilSeconds);
    let nextSeconds = shard.nextSeconds();
    const { index, count } = this.setup;
    const outgoing = Array.from({ length: count }, (_, to) => {
      const sent = shard.takeOutgoing(to);
      for (const envelope of sent) nextSeconds = Math.min(nextSeconds, envelope.arrivesAt);
      if (to === index) this.own = sent;
      return to === index || sent.length === 0 ? undefined : encodeEnvelopes(sent);
    });
    return { kind: 'window', status: shard.status(), nextSeconds, outgoing };
  }
}

async function main(): Promise<void> {
  const port = parentPort;
  if (port === null) throw new Error('a shard runs on a worker thread');
  const setup = workerData as ShardSetup;
  const tell = (answer: ShardAnswer): void => port.postMessage(answer);
  try {
    const parts = await buildFederation(setup.task);
    const lane = new ShardLane(new Shard({ ...parts, index: setup.index, count: setup.count }), setup);
    port.on('message', (request: ShardRequest) => {
      try {
        tell(lane.answer(request));
      } catch (error) {
        tell({ kind: 'error', error: toPlainError(error) });
      }
    });
    tell({ kind: 'ready', facts: federationFacts(parts, setup.count), warnings: parts.warnings });
  } catch (error) {
    tell({ kind: 'error', error: toPlainError(error) });
  }
}

await main();
