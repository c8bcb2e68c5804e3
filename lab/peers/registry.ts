/**
 * The peers, by name.
 *
 * A peer is one file with one factory; a new one has to be added only to this list.
 */
import { closestName } from '../../src/kernel/closest-name.ts';
import { TegError } from '../../src/model/errors.ts';
import { createCentral } from './central.ts';
import { createNomad } from './nomad.ts';
import type { PeerEntry } from './peer.ts';
import { createSparrow } from './sparrow.ts';
import { createTarcil } from './tarcil.ts';

/** Every peer with its defaults, in the order in which tables list them. Names are unique. */
export const PEERS: readonly PeerEntry[] = [createCentral(), createSparrow(), createNomad(), createTarcil()];

/** @returns The peer with that name. @throws TegError TEG_OPTION_INVALID with the closest known name. */
export function peerByName(name: string): PeerEntry {
  const entry = PEERS.find((peer) => peer.name === name);
  if (entry !== undefined) return entry;
  const names = PEERS.map((peer) => peer.name);
  const closest = closestName(name, names);
  const hint = closest === undefined ? '' : `; did you mean '${closest}'?`;
  throw new TegError(
    'TEG_OPTION_INVALID',
    `got the peer '${name}', expected one of ${names.join(', ')}${hint}`,
  );
}
