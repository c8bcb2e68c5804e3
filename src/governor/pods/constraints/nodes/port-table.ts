/**
 * Ports of the nodes that pods hold (kube-scheduler's NodePorts): a port is held on one address or on all.
 */
import type { HostPort, PodTemplate } from '../../../../model/kubernetes/pod.ts';

/** One port, in look-up form. */
interface PortKeys {
  /** On its address. */
  readonly own: string;
  /** On all addresses; the same as `own` if it is held on all. */
  readonly all: string;
  /** On any address. */
  readonly any: string;
}

/** Ports by node. */
export class PortTable {
  /** By node: pods by address and port; only nodes on which some are held. */
  private readonly held: (Map<string, number> | undefined)[] = [];

  /** A pod came to a node (1) or went (-1). O(its ports). */
  onPod(node: number, ports: readonly HostPort[], pods: number): void {
    let held = this.held[node];
    if (held === undefined) {
      held = new Map();
      while (this.held.length < node) this.held.push(undefined);
      this.held[node] = held;
    }
    for (const { own, any } of portKeys(ports)) {
      change(held, own, pods);
      change(held, any, pods);
    }
    if (held.size === 0) this.held[node] = undefined;
  }

  /** @returns True if a pod with these ports can be on a node. O(ports). */
  isFree(node: number, ports: readonly PortKeys[]): boolean {
    const held = this.held[node];
    if (held === undefined) return true;
    for (const { own, all, any } of ports) {
      if (own === all ? held.has(any) : held.has(own) || held.has(all)) return false;
    }
    return true;
  }
}

/** Ports prepared for `PortTable.isFree`. */
export function portKeys(ports: readonly HostPort[]): readonly PortKeys[] {
  return ports
    .filter(({ port }) => port > 0)
    .map(({ ip, protocol, port }) => {
      const which = `${protocol}/${port}`;
      return { own: `${isAll(ip) ? '*' : ip} ${which}`, all: `* ${which}`, any: which };
    });
}

/** @returns True if pods of two templates cannot be on one node because of a port. */
export function portsClash(a: PodTemplate, b: PodTemplate): boolean {
  return a.hostPorts.some((one) =>
    b.hostPorts.some(
      (other) =>
        one.port > 0 &&
        one.port === other.port &&
        one.protocol === other.protocol &&
        (isAll(one.ip) || isAll(other.ip) || one.ip === other.ip),
    ),
  );
}

function isAll(ip: string): boolean {
  return ip === '' || ip === '0.0.0.0';
}

function change(held: Map<string, number>, key: string, pods: number): void {
  const left = (held.get(key) ?? 0) + pods;
  if (left <= 0) held.delete(key);
  else held.set(key, left);
}
