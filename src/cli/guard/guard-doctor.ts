/** `teg guard doctor`: a line for each check, and what follows from those that failed. */
import { type DoctorCheck, examineKernel } from '../../drivers/guard/kernel-doctor.ts';
import { printJson } from '../terminal/json-output.ts';
import { formatTable } from '../terminal/table.ts';

/** Prints what the kernel offers. Exit code 1 if a guard cannot run here. */
export async function showDoctor(isJson: boolean): Promise<void> {
  const checks = examineKernel();
  if (checks.some(({ isThere, isNeeded }) => isNeeded && !isThere)) process.exitCode = 1;
  if (isJson) printJson(checks);
  else process.stdout.write(`${doctorText(checks)}\n`);
}

/** @returns The checks as text. */
export function doctorText(checks: readonly DoctorCheck[]): string {
  const rows = checks.map(({ name, isThere, found }) => [isThere ? '✓' : '✗', name, found]);
  const table = formatTable([{ header: '' }, { header: 'check' }, { header: 'found' }], rows);
  const missing = checks
    .filter(({ isThere }) => !isThere)
    .map(({ name, lost, remedy }) => `${name}\n  not promised: ${lost}\n  to get it: ${remedy}`);
  return [table, ...(missing.length === 0 ? ['', 'everything is there'] : ['', ...missing])].join('\n');
}
