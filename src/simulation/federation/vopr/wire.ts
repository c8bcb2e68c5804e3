/** The transport of a message's contents: holograms are encoded by the sender and decoded by the receiver. */
import type { Hologram } from '../../../field/hologram/hologram.ts';
import { decodeHologram, encodeHologram } from '../../../field/hologram/wire.ts';
import type { Message } from '../../../governor/federation/messages.ts';

/** Sends holograms through their wire format, each once: a decoded one is forwarded unchanged. */
export class Wire {
  private readonly decoded = new WeakMap<Hologram, Hologram>();

  /** Replaces all holograms of a message by their decoded forms. */
  carry(message: Message): void {
    if (message.hologram !== undefined) message.hologram = this.twin(message.hologram);
    const { entries } = message;
    if (entries?.some(({ hologram }) => this.twin(hologram) !== hologram) !== true) return;
    message.entries = entries.map((entry) => ({ ...entry, hologram: this.twin(entry.hologram) }));
  }

  private twin(hologram: Hologram): Hologram {
    const known = this.decoded.get(hologram);
    if (known !== undefined) return known;
    const twin = decodeHologram(encodeHologram(hologram));
    this.decoded.set(hologram, twin);
    this.decoded.set(twin, twin);
    return twin;
  }
}
