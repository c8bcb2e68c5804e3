import { defineConfig } from 'vitest/config';

/** Tests on a real control plane take minutes and stand alone: they run when they are named (`npm run test:kubernetes`). */
const KUBERNETES = 'test/kubernetes';
const onControlPlane = process.argv.some((argument) => argument.includes(KUBERNETES));

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    exclude: onControlPlane ? [] : [`${KUBERNETES}/**`],
    testTimeout: 60_000,
    pool: 'forks',
    // A control plane wants both cores of a small machine.
    maxWorkers: onControlPlane ? 1 : 2,
  },
});
