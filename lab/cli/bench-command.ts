/**
 * `teg bench`: the commands that print the figures of the documentation.
 */
import type { Command } from 'commander';
import { addBenchChoosersCommand } from './bench-choosers-command.ts';
import { addBenchDecisionCommand } from './bench-decision-command.ts';
import { addBenchFairnessCommand } from './bench-fairness-command.ts';
import { addBenchGuardCommand } from './bench-guard-command.ts';
import { addBenchKubernetesCommand } from './bench-kubernetes-command.ts';
import { addBenchLedgerCommand } from './bench-ledger-command.ts';
import { addBenchMemoryCommand } from './bench-memory-command.ts';
import { addBenchPackingCommand } from './bench-packing-command.ts';
import { addBenchPowerCommand } from './bench-power-command.ts';
import { addBenchQueuesCommand } from './bench-queues-command.ts';
import { addBenchSimulatorCommand } from './bench-simulator-command.ts';
import { addBenchZonesCommand } from './bench-zones-command.ts';

/** Adds `teg bench` and the commands below it. */
export function addBenchCommand(parent: Command): void {
  const bench = parent
    .command('bench')
    .description(
      'measure: packing quality, decision cost, simulator speed, zone choosers, queues, fairness, power caps, memory, a real API server',
    );
  addBenchPackingCommand(bench);
  addBenchDecisionCommand(bench);
  addBenchSimulatorCommand(bench);
  addBenchChoosersCommand(bench);
  addBenchZonesCommand(bench);
  addBenchQueuesCommand(bench);
  addBenchFairnessCommand(bench);
  addBenchLedgerCommand(bench);
  addBenchGuardCommand(bench);
  addBenchPowerCommand(bench);
  addBenchMemoryCommand(bench);
  addBenchKubernetesCommand(bench);
}
