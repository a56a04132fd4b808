import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PacketStream } from '../../src/radius/packet-stream.ts'
import { octetsOf, packetOctets } from './arbitraries.ts'

const HEADER = 20
const LONGEST = 4096

/** Octets cut at any places, into pieces that may be empty. */
const cut = (octets: Buffer): fc.Arbitrary<Buffer[]> =>
  fc.array(fc.nat(octets.length), { maxLength: 20 }).map((places) => {
    const sorted = [0, ...places.toSorted((one, other) => one - other), octets.length]
    return sorted.slice(1).map((end, index) => octets.subarray(sorted[index], end))
  })

/** What the Length fields say, without a reader that remembers anything. */
function packetsIn(octets: Buffer): { packets: Buffer[]; isBroken: boolean } {
  const packets: Buffer[] = []
  let at = 0
  while (octets.length - at >= 4) {
    const length = octets.readUInt16BE(at + 2)
    if (length < HEADER || length > LONGEST) return { packets, isBroken: true }
    if (at + length > octets.length) break
    packets.push(octets.subarray(at, at + length))
    at += length
  }
  return { packets, isBroken: false }
}

function withLength(length: number): Buffer {
  const octets = Buffer.alloc(HEADER)
  octets.writeUInt16BE(length, 2)
  return octets
}

describe('a stream of packets', () => {
  test('gives the packets that were written, however it is cut', () => {
    fc.assert(
      fc.property(
        fc
          .array(packetOctets, { maxLength: 6 })
          .chain((packets) => fc.tuple(fc.constant(packets), cut(Buffer.concat(packets)))),
        ([packets, pieces]) => {
          const stream = new PacketStream()
          expect(pieces.flatMap((piece) => [...stream.push(piece)])).toEqual(packets)
          expect(stream.isWithinPacket).toBe(false)
          expect(stream.isBroken).toBe(false)
        },
      ),
    )
  })

  test('of any octets gives what their lengths say, and throws nothing', () => {
    // Small lengths, or hardly a stream would hold a second packet.
    const likely = fc.array(fc.oneof(packetOctets, octetsOf(0, 40)), { maxLength: 5 }).map(Buffer.concat)
    const octets = fc.oneof(likely, octetsOf(0, 9000))
    fc.assert(
      fc.property(
        octets.chain((all) => fc.tuple(fc.constant(all), cut(all))),
        ([all, pieces]) => {
          const stream = new PacketStream()
          const packets = pieces.flatMap((piece) => [...stream.push(piece)])
          expect({ packets, isBroken: stream.isBroken }).toEqual(packetsIn(all))
        },
      ),
    )
  })

  test('ends at a length that no packet has (RFC 6613 §2.6.4), whatever follows', () => {
    for (const length of [0, 19, 4097, 65_535]) {
      const stream = new PacketStream()
      expect(stream.push(withLength(length))).toEqual([])
      expect(stream.isBroken).toBe(true)
      expect(stream.push(withLength(HEADER))).toEqual([])
    }
  })

  test('keeps no view of what it was given', () => {
    const stream = new PacketStream()
    const octets = withLength(HEADER)
    const [packet] = stream.push(octets)
    octets.fill(0xff)
    expect(packet).toEqual(withLength(HEADER))
  })
})
