import { afterAll, beforeAll, describe } from 'vitest';
import { findCgroupMounts } from '../../src/drivers/guard/cgroup-mounts.ts';
import { noRealGroups, RealGroups, until } from '../../src/drivers/guard/real-groups.fixtures.ts';
import { selectBackend } from '../../src/drivers/guard/select-backend.ts';
import { SimulatedCgroups } from '../../src/guard/node/simulated-cgroups.fixtures.ts';
import { type CgroupRig, testCgroupBackend } from './cgroup-backend.laws.ts';

const MIB = 1024 * 1024;

describe('simulated', () => {
  const backend = new SimulatedCgroups();
  const rig: CgroupRig = {
    backend,
    root: '/root',
    create: (name) => backend.create(`/root/${name}`).path,
    addProcess: async (path, mib) => {
      backend.at(path).processes++;
      backend.grow(path, mib * MIB);
    },
    remove: async (path) => backend.remove(path),
    until: (isTrue) => until(isTrue, 10),
  };
  testCgroupBackend(() => rig);
});

const reason = noRealGroups();
const { unifiedHasMemory } = findCgroupMounts();

/** Only one version of the memory controller can be in use on a machine. */
function testRealGroups(version: 'v1' | 'v2', isHere: boolean): void {
  const why = reason ?? (isHere ? undefined : `skipped: this kernel has its memory controller elsewhere`);
  describe.skipIf(why !== undefined)(why === undefined ? version : `${version} (${why})`, () => {
    let groups: RealGroups;
    beforeAll(() => {
      groups = new RealGroups(`laws-${version}`);
    });
    afterAll(() => groups.close());
    testCgroupBackend(() => ({
      backend: selectBackend(),
      root: groups.root,
      create: (name) => groups.create(name),
      addProcess: async (path, mib) => {
        const { stdout } = groups.allocate(path, mib);
        await new Promise((resolve) => stdout?.once('data', resolve));
      },
      remove: (path) => groups.remove(path),
      until: (isTrue) => until(isTrue, 5000),
    }));
  });
}

testRealGroups('v1', !unifiedHasMemory);
testRealGroups('v2', unifiedHasMemory);
