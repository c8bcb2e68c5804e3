/** Objects of the economy as the API server has them. */

/** @returns A Market with the flavour h100. */
export function marketObject(spec: object = {}, name = 'default', generation = 0): object {
  return {
    metadata: { name, uid: `market-${name}`, resourceVersion: `${5 + generation}`, generation },
    spec: {
      flavors: [{ name: 'h100', nodeSelector: { gpu: 'h100' }, unitsPerHour: { 'nvidia.com/gpu': 1 } }],
      halfLife: '168h',
      ...spec,
    },
  };
}

/** @returns A Tenant that has the namespaces with the label `team=<name>`. */
export function tenantObject(name: string, spec: object = {}, generation = 0): object {
  return {
    metadata: { name, uid: `tenant-${name}`, resourceVersion: `${6 + generation}`, generation },
    spec: {
      quota: { h100: { 'nvidia.com/gpu': 4 } },
      namespaces: { matchLabels: { team: name } },
      ...spec,
    },
  };
}
