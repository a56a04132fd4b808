import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  addressText,
  ipv4Octets,
  ipv6Octets,
  ipv6PrefixOctets,
  ipv6PrefixText,
} from '../../src/radius/addresses.ts'
import { octetsOf } from './arbitraries.ts'

test('an address reads back as the octets that it was written from', () => {
  fc.assert(
    fc.property(octetsOf(4), octetsOf(16), (ipv4, ipv6) => {
      expect(ipv4Octets(addressText(ipv4) ?? '')).toEqual(ipv4)
      expect(ipv6Octets(addressText(ipv6) ?? '')).toEqual(ipv6)
    }),
  )
})

test('octets of another length are no address', () => {
  for (const length of [0, 3, 5, 15, 17]) expect(addressText(Buffer.alloc(length))).toBeUndefined()
})

test('a prefix is coded in the octets that it needs, with no bit set past its length', () => {
  fc.assert(
    fc.property(octetsOf(16), fc.integer({ min: 0, max: 127 }), (octets, length) => {
      const masked = Buffer.from(octets)
      for (let bit = length; bit < 128; bit += 1) {
        const at = bit >> 3
        masked.writeUInt8(masked.readUInt8(at) & ~(0x80 >> (bit & 7)), at)
      }
      const text = `${addressText(masked)}/${length}`
      const shortest = Buffer.concat([Buffer.of(0, length), masked.subarray(0, Math.ceil(length / 8))])
      expect(ipv6PrefixOctets(text)).toEqual(shortest)
      expect(ipv6PrefixText(ipv6PrefixOctets(text) ?? Buffer.of())).toBe(text)

      masked.writeUInt8(masked.readUInt8(15) | 1, 15)
      expect(ipv6PrefixOctets(`${addressText(masked)}/${length}`)).toEqual(shortest)
    }),
  )
})
