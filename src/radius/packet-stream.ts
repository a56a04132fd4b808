import { HEADER_LENGTH, MAX_PACKET_LENGTH } from './packet.ts'

const LENGTH_AT = 2
const LENGTH_KNOWN_FROM = 4

/**
 * Cuts a stream of octets into packets by their Length field (RFC 6613 §2.6.4). It holds less than one packet, at most 4096
 * octets, however the stream is cut.
 */
export class PacketStream {
  readonly #partial = Buffer.allocUnsafe(MAX_PACKET_LENGTH)
  #held = 0
  #isBroken = false

  /** Whether a packet has begun and is not complete. */
  get isWithinPacket(): boolean {
    return this.#held > 0
  }

  /** Whether there was a length that no packet has. It is not known where the next packet begins, so none follows. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** @returns the packets that are complete with these octets, each a Buffer of its own. */
  push(octets: Buffer): readonly Buffer[] {
    const packets: Buffer[] = []
    let at = 0
    while (at < octets.length && !this.#isBroken) {
      const taken = Math.min(this.#missing(), octets.length - at)
      octets.copy(this.#partial, this.#held, at, at + taken)
      at += taken
      this.#held += taken
      if (this.#held < LENGTH_KNOWN_FROM) continue
      const length = this.#partial.readUInt16BE(LENGTH_AT)
      if (length < HEADER_LENGTH || length > MAX_PACKET_LENGTH) this.#isBroken = true
      else if (this.#held === length) {
        packets.push(Buffer.from(this.#partial.subarray(0, length)))
        this.#held = 0
      }
    }
    return packets
  }

  /** Octets up to the end of the Length field, or from there to the packet's end. */
  #missing(): number {
    const end = this.#held < LENGTH_KNOWN_FROM ? LENGTH_KNOWN_FROM : this.#partial.readUInt16BE(LENGTH_AT)
    return end - this.#held
  }
}
