/**
 * Entry of `teg guard`: the guard and nothing else. A process that must be there when memory runs out loads no simulator and no client
 * of Kubernetes (guard-main.test.ts).
 */
import { addGuardCommand } from './commands/guard-command.ts';
import { runProcess } from './run-process.ts';

await runProcess([addGuardCommand]);
