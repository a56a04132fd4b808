import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Attr, Code } from '../../src/radius/codes.ts'
import {
  all,
  decodePacket,
  encodePacket,
  first,
  integer,
  MalformedPacket,
  type MalformedReason,
  type NewAttribute,
  PacketTooLong,
  text,
} from '../../src/radius/packet.ts'
import { octetsOf, packetOctets } from './arbitraries.ts'

const authenticator = Buffer.alloc(16, 0xab)

/** A header with this Length, and behind it these octets. */
function datagram(length: number, ...rest: number[]): Buffer {
  return Buffer.concat([Buffer.of(1, 7, length >> 8, length & 0xff), authenticator, Buffer.from(rest)])
}

function encoded(attributes: Iterable<NewAttribute>): Buffer {
  return encodePacket({ code: Code.AccessRequest, identifier: 7, authenticator, attributes })
}

function reasonOf(octets: Buffer): MalformedReason | undefined {
  try {
    decodePacket(octets)
    return undefined
  } catch (error) {
    if (error instanceof MalformedPacket) return error.reason
    throw error
  }
}

describe('decoding', () => {
  test.each<[MalformedReason, string, Buffer]>([
    ['shorter-than-a-header', 'nothing', Buffer.of()],
    ['shorter-than-a-header', '19 octets', datagram(20).subarray(0, 19)],
    ['length-out-of-range', 'a Length of 19', datagram(19, 0)],
    ['length-out-of-range', 'a Length of 0', datagram(0)],
    ['length-out-of-range', 'a Length of 4097', Buffer.concat([datagram(4097), Buffer.alloc(5000)])],
    ['length-beyond-datagram', 'a Length one past the datagram', datagram(21)],
    ['length-beyond-datagram', 'a packet cut in its last attribute', datagram(26, 1, 6, 0x6e, 0x65, 0x6d)],
    ['attribute-too-short', 'an attribute of length 0', datagram(22, 1, 0)],
    ['attribute-too-short', 'an attribute of length 1', datagram(22, 1, 1)],
    ['attribute-overrun', 'a last octet that is half a header', datagram(21, 1)],
    ['attribute-overrun', 'an attribute one past the packet', datagram(23, 1, 4, 0)],
    ['attribute-overrun', 'an attribute that runs into the padding', datagram(22, 1, 6, 0, 0, 0, 0)],
    ['attribute-type-zero', 'an attribute of type 0', datagram(22, 0, 2)],
    ['too-many-attributes', '201 attributes', encoded(Array(201).fill({ type: 1, value: Buffer.of() }))],
  ])('calls it %s: %s', (reason, _what, octets) => expect(reasonOf(octets)).toBe(reason))

  test('takes the shortest packet, the longest and the one with the most attributes', () => {
    expect(reasonOf(datagram(20))).toBeUndefined()
    const longest = encoded([...Array(15).fill(attributeOf(255)), attributeOf(251)])
    expect(longest).toHaveLength(4096)
    expect(reasonOf(longest)).toBeUndefined()
    expect(reasonOf(encoded(Array(200).fill(attributeOf(2))))).toBeUndefined()
  })

  test('lets a client allow more attributes than a server does', () => {
    const raw = encoded(Array(300).fill(attributeOf(2)))
    expect(decodePacket(raw, 300).attributes).toHaveLength(300)
    expect(() => decodePacket(raw, 299)).toThrow(MalformedPacket)
  })

  test('leaves out what stands behind the Length as padding', () => {
    const packet = decodePacket(datagram(22, 1, 2, 9, 9, 9))
    expect(packet.attributes).toEqual([{ type: 1, value: Buffer.of(), offset: 22 }])
    expect(packet.raw).toEqual(datagram(22, 1, 2))
    expect(reasonOf(Buffer.concat([datagram(20), Buffer.alloc(5000)]))).toBeUndefined()
  })

  test('hands out views of the datagram, not copies', () => {
    const octets = datagram(26, 24, 6, 1, 2, 3, 4)
    const packet = decodePacket(octets)
    octets.fill(0xee, 4)
    expect(packet.authenticator).toEqual(Buffer.alloc(16, 0xee))
    expect(first(packet, Attr.State)).toEqual(Buffer.alloc(4, 0xee))
    expect(packet.raw.subarray(packet.attributes[0]?.offset)).toEqual(Buffer.alloc(4, 0xee))
  })

  test('throws nothing but MalformedPacket, whatever the octets', () => {
    const anything = fc.oneof(
      octetsOf(0, 64),
      // A header that is right lets the rest of the octets reach the attributes.
      octetsOf(0, 300).map((rest) => datagram(20 + rest.length, ...rest)),
    )
    fc.assert(
      fc.property(anything, (octets) => void reasonOf(octets)),
      { numRuns: 2000 },
    )
  })

  test('throws nothing but MalformedPacket, and loses nothing, when a valid packet is damaged', () => {
    const damage = fc.array(fc.record({ at: fc.nat(), octet: fc.nat(255) }), { minLength: 1, maxLength: 4 })
    let survivors = 0
    fc.assert(
      fc.property(packetOctets, damage, fc.nat(40), (raw, changes, cut) => {
        const damaged = Buffer.from(raw.subarray(0, Math.max(1, raw.length - (cut < 20 ? 0 : cut - 20))))
        for (const { at, octet } of changes) damaged[at % damaged.length] = octet
        if (reasonOf(damaged) !== undefined) return
        survivors += 1
        const packet = decodePacket(damaged)
        expect(encodePacket(packet)).toEqual(packet.raw)
        expect(packet.raw).toEqual(damaged.subarray(0, damaged.readUInt16BE(2)))
      }),
      { numRuns: 2000 },
    )
    expect(survivors).toBeGreaterThan(100)
  })
})

describe('encoding', () => {
  test('undoes decoding, but for the padding', () => {
    fc.assert(
      fc.property(packetOctets, octetsOf(0, 20), (raw, padding) => {
        expect(encodePacket(decodePacket(Buffer.concat([raw, padding])))).toEqual(raw)
      }),
    )
  })

  test('takes attributes that can be read only once', () => {
    function* once(): Generator<NewAttribute> {
      yield { type: Attr.UserName, value: Buffer.from('nemo') }
      yield { type: Attr.State, value: Buffer.of(1) }
    }
    expect(decodePacket(encoded(once())).attributes.map(({ type }) => type)).toEqual([1, 24])
  })

  test('refuses a packet of 4097 octets and a value of 254', () => {
    expect(() => encoded([...Array(15).fill(attributeOf(255)), attributeOf(252)])).toThrow(PacketTooLong)
    expect(() => encoded([{ type: 1, value: Buffer.alloc(254) }])).toThrow(PacketTooLong)
  })

  test.each([0, 256, -1, 1.5, Number.NaN])('refuses the attribute type %d', (type) => {
    expect(() => encoded([{ type, value: Buffer.of() }])).toThrow(RangeError)
  })

  test.each([
    { code: 256, identifier: 0, authenticator },
    { code: 1, identifier: -1, authenticator },
    { code: 1, identifier: 0, authenticator: authenticator.subarray(1) },
  ])('refuses a header that does not fit', (header) => {
    expect(() => encodePacket({ ...header, attributes: [] })).toThrow(RangeError)
  })
})

describe('reading attributes', () => {
  const packet = decodePacket(
    encoded([
      { type: Attr.ProxyState, value: Buffer.from('a') },
      { type: Attr.ReplyMessage, value: Buffer.from('你好') },
      { type: Attr.ProxyState, value: Buffer.from('b') },
    ]),
  )

  test('first gives the first of its type or undefined', () => {
    expect(first(packet, Attr.ProxyState)).toEqual(Buffer.from('a'))
    expect(first(packet, Attr.State)).toBeUndefined()
  })

  test('all gives every one of its type in order', () => {
    expect(all(packet, Attr.ProxyState)).toEqual([Buffer.from('a'), Buffer.from('b')])
    expect(all(packet, Attr.State)).toEqual([])
  })

  test('text reads UTF-8, and integer reads four octets and nothing else', () => {
    expect(text(first(packet, Attr.ReplyMessage) ?? Buffer.of())).toBe('你好')
    expect(integer(Buffer.of(0xff, 0xff, 0xff, 0xff))).toBe(4294967295)
    expect(integer(Buffer.of(1, 2, 3))).toBeUndefined()
    expect(integer(Buffer.of(0, 0, 0, 0, 1))).toBeUndefined()
  })
})

/** An attribute that takes this many octets, its header included. */
function attributeOf(length: number): NewAttribute {
  return { type: Attr.Class, value: Buffer.alloc(length - 2, 0x61) }
}
