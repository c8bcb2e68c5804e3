import { defineConfig } from 'vitest/config';
import { SkipsReporter } from './test/support/skips-reporter.ts';

/** Tests on a real control plane take minutes and stand alone: they run when they are named (`npm run test:kubernetes`). */
const KUBERNETES = 'test/kubernetes';
const onControlPlane = process.argv.some((argument) => argument.includes(KUBERNETES));

/** Where CI wants to have the results. */
const reportPath = process.env.TEG_TEST_REPORT;
const report: ['json', { outputFile: string }][] =
  reportPath === undefined || reportPath === '' ? [] : [['json', { outputFile: reportPath }]];

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'lab/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: onControlPlane ? [] : [`${KUBERNETES}/**`],
    // The slowest tests take half a minute when both cores are busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A test that asserts nothing cannot fail.
    expect: { requireAssertions: true },
    reporters: ['default', new SkipsReporter(), ...report],
    pool: 'forks',
    // A control plane wants both cores of a small machine.
    maxWorkers: onControlPlane ? 1 : 2,
  },
});
