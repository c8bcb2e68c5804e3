/**
 * Random containers: what they ask for, and ports of the node.
 */
import type { Draw } from './draw.ts';
import type { Json, Making } from './draw-nodes.ts';

const CPU = ['0', '100m', '250m', '0.5', '1', '1.0005', '2'] as const;
const MEMORY = ['0', '64Mi', '128974848', '1e8', '500M', '1Gi', '0.5Gi'] as const;
const PORTS = [8080, 8080, 9090] as const;
const ADDRESSES = [undefined, undefined, '0.0.0.0', '10.0.0.1', '10.0.0.2', '127.0.0.1'] as const;
const PROTOCOLS = [undefined, 'TCP', 'TCP', 'UDP', 'SCTP'] as const;

/** Containers, init containers, sidecars, overhead and resources of the pod as a whole. */
export function drawContainers(making: Making): Json {
  const { draw, themes } = making;
  const big = themes.has('resources');
  const count = big ? draw.pick([1, 1, 2, 3]) : 1;
  const containers = draw.times(count, (i) => drawContainer(making, `c${i}`));
  if (!big) return { containers };
  return {
    containers,
    ...draw.maybe(0.4, () => ({ initContainers: drawInitContainers(making) })),
    ...draw.maybe(0.2, () => ({ overhead: { cpu: draw.pick(['50m', '1']), memory: '10Mi' } })),
    // At least what the containers ask for together, or the API server takes it not.
    ...draw.maybe(0.12, () => ({ resources: { requests: drawPodLevel(draw) } })),
  };
}

function drawPodLevel(draw: Draw): Json {
  return {
    ...draw.maybe(0.8, () => ({ cpu: draw.pick(['5', '6', '3']) })),
    ...draw.maybe(0.8, () => ({ memory: draw.pick(['3Gi', '4Gi', '2Gi']) })),
  };
}

function drawInitContainers(making: Making): Json[] {
  const { draw } = making;
  return draw.times(draw.between(1, 3), (i) => ({
    ...drawContainer(making, `i${i}`),
    ...draw.maybe(0.5, () => ({ restartPolicy: 'Always' })),
  }));
}

function drawContainer(making: Making, name: string): Json {
  const { draw, themes } = making;
  return {
    name,
    image: 'example.com/image',
    resources: themes.has('resources') ? drawResources(draw) : drawSmall(draw),
    ...draw.maybe(themes.has('ports') ? 0.7 : 0, () => ({ ports: drawPorts(draw) })),
  };
}

function drawSmall(draw: Draw): Json {
  return draw.chance(0.7) ? { requests: { cpu: '100m', memory: '64Mi' } } : {};
}

/** Extended resources and huge pages may not be overcommitted: requests and limits are the same. */
function drawResources(draw: Draw): Json {
  const exact = {
    ...draw.maybe(0.3, () => ({ 'example.com/gpu': draw.pick(['0', '1', '2']) })),
    ...draw.maybe(0.15, () => ({ 'hugepages-2Mi': draw.pick(['2Mi', '64Mi', '66Mi']) })),
  };
  return {
    requests: {
      ...draw.maybe(0.8, () => ({ cpu: draw.pick(CPU) })),
      ...draw.maybe(0.8, () => ({ memory: draw.pick(MEMORY) })),
      ...draw.maybe(0.15, () => ({ 'ephemeral-storage': draw.pick(['100Mi', '2Gi']) })),
      ...exact,
    },
    limits: {
      ...exact,
      ...('hugepages-2Mi' in exact && { cpu: '4' }),
    },
  };
}

function drawPorts(draw: Draw): Json[] {
  const ports = new Map<string, Json>();
  for (let i = draw.between(1, 2); i > 0; i--) {
    const hostPort = draw.pick(PORTS);
    const hostIP = draw.pick(ADDRESSES);
    const protocol = draw.pick(PROTOCOLS);
    ports.set(`${protocol ?? 'TCP'} ${hostIP} ${hostPort}`, {
      containerPort: 80,
      hostPort,
      ...(hostIP !== undefined && { hostIP }),
      ...(protocol !== undefined && { protocol }),
    });
  }
  return [...ports.values()];
}
