/**
 * The thread of `teg bench zones` for all runs other than federations: one fresh zone, and the models of other
 * schedulers.
 */

import { buildFederation } from '../../src/drivers/embedded/federation-task.ts';
import { serveTasks } from '../../src/drivers/embedded/worker-tasks.ts';
import { peerByName } from '../peers/registry.ts';
import { runSingleZone } from './single-zone.ts';
import type { ReferenceResult, ReferenceTask } from './zones-bench.ts';

serveTasks<ReferenceTask, ReferenceResult>(async (reference, control) => {
  const { task, horizonSeconds } = reference;
  const { world, jobs, network } = await buildFederation(task);
  if (reference.kind === 'single-zone') {
    const sampleSeconds = Math.max(0.1, horizonSeconds / 200);
    const result = runSingleZone(world.nodes, jobs, world.typical, task.seed, horizonSeconds, sampleSeconds);
    return { kind: 'single-zone', result };
  }
  const result = peerByName(reference.name).run({
    nodes: world.nodes,
    jobs,
    seed: task.seed,
    horizonSeconds,
    delaySeconds: network.delayMeanSeconds,
    stalenessSeconds: world.options.publishSeconds,
    shouldStop: () => control.shouldStop(),
  });
  return { kind: 'peer', result };
});
