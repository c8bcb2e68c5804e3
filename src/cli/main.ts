/**
 * Entry of the `teg` command as images carry it: the product without the laboratory (`lab/main.ts`).
 */
import { PRODUCT_COMMANDS } from './program.ts';
import { runProcess } from './run-process.ts';

await runProcess(PRODUCT_COMMANDS);
