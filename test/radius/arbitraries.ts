import fc from 'fast-check'
import { encodePacket, type NewAttribute } from '../../src/radius/packet.ts'

/** Every length of the range is as likely: fast-check's own default hardly leaves the shortest ones. */
export const octetsOf = (minLength: number, maxLength = minLength): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength, maxLength, size: 'max' }).map((bytes) => Buffer.from(bytes))

const attribute: fc.Arbitrary<NewAttribute> = fc.record({
  type: fc.integer({ min: 1, max: 255 }),
  value: octetsOf(0, 253),
})

/** Packets within every limit: at most 15 attributes of at most 255 octets. */
export const packetOctets: fc.Arbitrary<Buffer> = fc
  .record({
    code: fc.nat(255),
    identifier: fc.nat(255),
    authenticator: octetsOf(16),
    attributes: fc.array(attribute, { maxLength: 15, size: 'max' }),
  })
  .map(encodePacket)
