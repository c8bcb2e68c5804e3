import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkProperty } from '../../../test/support/properties.ts';
import { TegError } from '../../model/errors.ts';
import {
  homeZoneOf,
  hostProcess,
  makeTopology,
  parentOfZone,
  type Topology,
  type TopologyNode,
} from './topology.ts';

const shapes = fc.record({
  zones: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 400 })),
  hosts: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 400 })),
  fanOut: fc.integer({ min: 2, max: 33 }),
});

function all(check: (topology: Topology, fanOut: number) => void): void {
  checkProperty(
    fc.property(shapes, ({ zones, hosts, fanOut }) => check(makeTopology(zones, hosts, fanOut), fanOut)),
    { numRuns: 200 },
  );
}

/** The zones below a node, found by walking down. */
function zonesBelow(topology: Topology, node: TopologyNode): number[] {
  if (node.hasZones) return [...node.children];
  return node.children.flatMap((id) => zonesBelow(topology, nodeOf(topology, id)));
}

function nodeOf(topology: Topology, id: number): TopologyNode {
  return topology.nodes[id - topology.zones - topology.hosts] as TopologyNode;
}

describe('a topology', () => {
  test('numbers zones, hosts and summary nodes densely, the root last', () => {
    all((topology) => {
      const { zones, hosts, nodes, processCount } = topology;
      expect(nodes.map((node) => node.id)).toEqual(nodes.map((_, i) => zones + hosts + i));
      expect(processCount).toBe(zones + hosts + nodes.length);
      expect(hostProcess(topology, 0)).toBe(zones);
      expect(hostProcess(topology, hosts - 1)).toBe(zones + hosts - 1);
      expect(nodes.filter((node) => node.parent === -1)).toEqual([nodes.at(-1)]);
    });
  });

  test('gives every zone and every summary node but the root one parent, which has it as its child', () => {
    all((topology, fanOut) => {
      const { zones, nodes } = topology;
      const parents = new Map<number, number[]>();
      for (const node of nodes) {
        for (const child of node.children) parents.set(child, [...(parents.get(child) ?? []), node.id]);
      }
      for (let zone = 0; zone < zones; zone++) {
        expect(parents.get(zone)).toEqual([parentOfZone(topology, zone, fanOut)]);
      }
      for (const node of nodes.slice(0, -1)) expect(parents.get(node.id)).toEqual([node.parent]);
      expect(parents.size).toBe(zones + nodes.length - 1);
    });
  });

  test('bounds the children of a node by the fan-out, and is no deeper than necessary', () => {
    all((topology, fanOut) => {
      for (const node of topology.nodes) {
        expect(node.children.length).toBeGreaterThanOrEqual(1);
        expect(node.children.length).toBeLessThanOrEqual(fanOut);
      }
      let levels = 1;
      while (fanOut ** levels < topology.zones) levels++;
      expect(topology.levels).toBe(levels);
      let deepest = 0;
      for (let node: TopologyNode | undefined = topology.nodes[0]; node !== undefined; deepest++) {
        node = node.parent < 0 ? undefined : nodeOf(topology, node.parent);
      }
      expect(deepest).toBe(levels);
    });
  });

  test('lets every host read exactly one board: that of the node above its home zone', () => {
    all((topology, fanOut) => {
      const { hosts, nodes, zones } = topology;
      const readers = nodes.flatMap((node) => node.hosts.map((host) => [host, node.id] as const));
      expect(readers.map(([host]) => host).sort((a, b) => a - b)).toEqual(
        Array.from({ length: hosts }, (_, host) => hostProcess(topology, host)),
      );
      for (const [process, node] of readers) {
        const home = homeZoneOf(topology, process - zones);
        expect(parentOfZone(topology, home, fanOut)).toBe(node);
      }
      for (const node of nodes) if (!node.hasZones) expect(node.hosts).toEqual([]);
    });
  });

  test('spreads hosts evenly over the zones', () => {
    all((topology) => {
      const { hosts, zones } = topology;
      const counts = new Array<number>(zones).fill(0);
      for (let host = 0; host < hosts; host++) {
        const home = homeZoneOf(topology, host);
        counts[home] = (counts[home] as number) + 1;
      }
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    });
  });

  test('puts a node in the middle of its zones, which are neighbours', () => {
    all((topology) => {
      for (const node of topology.nodes) {
        const below = zonesBelow(topology, node).sort((a, b) => a - b);
        const first = below[0] as number;
        const last = below.at(-1) as number;
        expect(below).toEqual(Array.from({ length: below.length }, (_, i) => first + i));
        expect(node.firstZone).toBe(first);
        expect(node.position).toBeCloseTo((first + last) / 2, 9);
      }
    });
  });

  test.each([
    // zones, fan-out → nodes a level
    [1, 4, [1]],
    [4, 4, [1]],
    [5, 4, [2, 1]],
    [16, 4, [4, 1]],
    [17, 4, [5, 2, 1]],
    [1000, 32, [32, 1]],
    [1025, 32, [33, 2, 1]],
  ])('of %i zones with fan-out %i has levels of %j nodes', (zones, fanOut, expected) => {
    const { nodes, levels } = makeTopology(zones, 3, fanOut);
    const sizes: number[] = [];
    for (let level = nodes.filter((node) => node.hasZones); level.length > 0; ) {
      sizes.push(level.length);
      const parents = new Set(level.map((node) => node.parent));
      level = nodes.filter((node) => parents.has(node.id));
    }
    expect(sizes).toEqual(expected);
    expect(levels).toBe(expected.length);
  });
});

describe('bad input', () => {
  test.each([
    [0, 1, 2],
    [1, 0, 2],
    [1, 1, 1],
    [-3, 1, 2],
    [1.5, 1, 2],
    [1, 1.5, 2],
    [Number.NaN, 1, 2],
    [5, 1, 2.5],
    [5, 1, Number.POSITIVE_INFINITY],
    [5, 1, Number.NaN],
    [2 ** 19, 1, 32],
    [Number.POSITIVE_INFINITY, 1, 32],
  ])('%f zones, %f hosts, fan-out %f are refused with the expected values', (zones, hosts, fanOut) => {
    let error: unknown;
    try {
      makeTopology(zones, hosts, fanOut);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(TegError);
    expect((error as TegError).code).toBe('TEG_OPTION_INVALID');
    expect((error as TegError).message).toContain(
      `got ${zones} zones, ${hosts} agent hosts, fan-out ${fanOut}`,
    );
  });

  test('as many zones and hosts as there may be are accepted', () => {
    expect(makeTopology(2 ** 19 - 1, 1, 1024).levels).toBe(2);
  });
});
