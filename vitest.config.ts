import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { SkipsReporter } from './test/support/skips-reporter.ts';

/**
 * Tests on a real control plane, and in virtual machines, take minutes and stand alone: they run when they are named
 * (`npm run test:kubernetes`, `npm test -- test/guest`).
 */
const ALONE = ['test/kubernetes', 'test/guest'];
const runsAlone = process.argv.some((argument) => ALONE.some((folder) => argument.includes(folder)));

/** Where CI wants to have the results. */
const reportPath = process.env.TEG_TEST_REPORT;
const report: ['json', { outputFile: string }][] =
  reportPath === undefined || reportPath === '' ? [] : [['json', { outputFile: reportPath }]];

const TESTS = ['src/**/*.test.ts', 'lab/**/*.test.ts', 'test/**/*.test.ts'];

/**
 * Tests that share processes: those of folders without process-wide state. With a process for each file, a fifth of their
 * time would go into starting it and loading the same modules again. Every other file has a process of its own.
 */
const PURE = ['kernel', 'physics', 'field', 'model', 'market', 'governor', 'simulation', 'traces'];
const SHARED = PURE.map((folder) => `src/${folder}/**/*.test.ts`);

/** Files with a process of their own first: a shared process lives until a file comes that does not share it. */
class OwnProcessFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isShared = ({ project }: TestSpecification): boolean => !project.config.isolate;
    return [...sorted.filter((file) => !isShared(file)), ...sorted.filter(isShared)];
  }
}

export default defineConfig({
  test: {
    // The slowest tests take half a minute when both cores are busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // A test that asserts nothing cannot fail.
    expect: { requireAssertions: true },
    reporters: ['default', new SkipsReporter(), ...report],
    pool: 'forks',
    sequence: { sequencer: OwnProcessFirst },
    // A control plane or a virtual machine wants both cores of a small machine.
    maxWorkers: runsAlone ? 1 : 2,
    ...(runsAlone
      ? { include: TESTS, exclude: [] }
      : {
          projects: [
            {
              extends: true,
              test: {
                name: 'own',
                include: TESTS,
                exclude: [...ALONE.map((folder) => `${folder}/**`), ...SHARED],
              },
            },
            { extends: true, test: { name: 'shared', include: SHARED, isolate: false } },
          ],
        }),
  },
});
