/** The transport of a message's contents: holograms are encoded by the sender and decoded by the receiver. */
import type { Hologram } from '../../../field/hologram/hologram.ts';
import { decodeHologram, encodeHologram } from '../../../field/hologram/wire.ts';
import { type Message, MessageKind } from '../../../governor/federation/messages.ts';

/** Sends holograms through their wire format, each once: a decoded one is forwarded unchanged. */
export class Wire {
  private readonly decoded = new WeakMap<Hologram, Hologram>();

  /** @returns The message with decoded holograms; itself if it has no others. */
  carry(message: Message): Message {
    if (message.kind === MessageKind.Summary) {
      const hologram = this.twin(message.hologram);
      return hologram === message.hologram ? message : { ...message, hologram };
    }
    if (message.kind !== MessageKind.Board) return message;
    const { entries } = message;
    if (entries.every(({ hologram }) => this.twin(hologram) === hologram)) return message;
    return {
      ...message,
      entries: entries.map((entry) => ({ ...entry, hologram: this.twin(entry.hologram) })),
    };
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
