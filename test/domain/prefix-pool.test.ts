import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AddressPool, layoutsOf, placeIn } from '../../src/domain/address-pool.ts'
import { type Network, parseNetwork } from '../../src/domain/network.ts'
import {
  delegatedPrefix,
  digitsOf,
  haveCommon,
  MAX_PREFIXES,
  prefixOf,
  rangeOf,
} from '../../src/domain/prefix-pool.ts'

function network(text: string): Network {
  return parseNetwork(text) ?? expect.unreachable(text)
}

function pool(ipv6: string, prefix: number, exclude: readonly string[] = []): AddressPool {
  return { name: 'staff', ipv6: { network: network(ipv6), prefix }, exclude: exclude.map(network), holdMs: 0 }
}

function addressesOf(some: AddressPool): readonly string[] {
  const [{ addresses } = { addresses: [] }] = layoutsOf(some)
  return addresses
}

describe('the prefixes of a pool', () => {
  test('are in its network, side by side, each with an address for the client', () => {
    expect(layoutsOf(pool('2001:db8:1::/62', 64))).toEqual([
      {
        pool: 'staff/64',
        addresses: ['2001:db8:1::2', '2001:db8:1:1::2', '2001:db8:1:2::2', '2001:db8:1:3::2'],
        within: {
          first: '20010db8000100000000000000000000',
          last: '20010db800010003ffffffffffffffff',
        },
      },
    ])
    expect(addressesOf(pool('fd00::/47', 48))).toEqual(['fd00::', 'fd00:0:1::'])
    expect(addressesOf(pool('fd00::/64', 64))).toEqual(['fd00::2'])
  })

  test('of single addresses leave out the network’s and the gateway’s', () => {
    expect(addressesOf(pool('fd00::10/127', 128))).toEqual([])
    expect(addressesOf(pool('fd00::8/125', 128))).toEqual([
      'fd00::a',
      'fd00::b',
      'fd00::c',
      'fd00::d',
      'fd00::e',
      'fd00::f',
    ])
  })

  test('are the first ones of a network that has more than the records hold', () => {
    const addresses = addressesOf(pool('2001:db8::/32', 64))
    expect([addresses.length, addresses.at(-1)]).toEqual([MAX_PREFIXES, '2001:db8:0:ffff::2'])
    expect(addressesOf(pool('2001:db8::/48', 64))).toHaveLength(65_536)
    expect(addressesOf(pool('fd00::/16', 128)).at(-1)).toBe('fd00::ffff')
  })

  test('leave out excluded networks, those around an excluded one too', () => {
    expect(addressesOf(pool('2001:db8:1::/62', 64, ['2001:db8:1:1::53', '2001:db8:1:2::/63']))).toEqual([
      '2001:db8:1::2',
    ])
    expect(addressesOf(pool('2001:db8:1::/62', 64, ['2001:db8::/32', '10.0.0.0/8']))).toEqual([])
  })

  test('are found by any address in them, and never overlap', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 112, max: 124 }),
        fc.integer({ min: 0, max: 8 }),
        fc.array(fc.tuple(fc.nat(0xffff), fc.integer({ min: 116, max: 128 })), { maxLength: 3 }),
        fc.array(fc.nat(0xffff), { minLength: 1, maxLength: 50 }),
        (length, more, holes, hosts) => {
          const prefix = Math.min(length + more, 128)
          const exclude = holes.map(([at, bits]) => `fd00::${at.toString(16)}/${bits}`)
          const some = pool(`fd00::/${length}`, prefix, exclude)
          const addresses = addressesOf(some)
          const ranges = addresses.map((address) => rangeOf(network(`${address}/${prefix}`)))
          for (const [at, range] of ranges.entries()) {
            expect(prefixOf(range)).toBe(prefix)
            expect(at > 0 && haveCommon(range, ranges[at - 1] ?? expect.unreachable())).toBe(false)
          }
          for (const host of hosts) {
            const address = `fd00::${host.toString(16)}`
            const digits = digitsOf(address) ?? ''
            const place = ranges.findIndex(({ first, last }) => first <= digits && digits <= last)
            expect(placeIn([some], address)?.address, address).toBe(addresses[place])
          }
        },
      ),
      { numRuns: 50 },
    )
  })
})

test('a reply names the prefix of the client’s address as ocserv takes it', () => {
  const slash64 = { network: network('2001:db8:1::/48'), prefix: 64 }
  expect(delegatedPrefix(slash64, '2001:db8:1:5::2')).toBe('2001:db8:1:5::/64')
  expect(delegatedPrefix(slash64, '2001:db8:1:5::77')).toBe('2001:db8:1:5::/64')
  expect(delegatedPrefix(slash64, '2001:db8:2::2')).toBeUndefined()
  const slash56 = { network: network('2001:db8:1::/48'), prefix: 56 }
  expect(delegatedPrefix(slash56, '2001:db8:1:500::')).toBe('2001:db8:1:500::/56')
  // ocserv would give the client the first address instead of the user's own.
  expect(delegatedPrefix(slash56, '2001:db8:1:500::77')).toBeUndefined()
  const single = { network: network('fd00::/64'), prefix: 128 }
  expect(delegatedPrefix(single, 'fd00::77')).toBe('fd00::77/128')
})

test('addresses are ordered by their digits, and other text has none', () => {
  expect(digitsOf('2001:db8::a')).toBe('20010db800000000000000000000000a')
  for (const text of ['10.8.0.1', '::ffff:10.8.0.1', 'x', '']) expect(digitsOf(text)).toBeUndefined()
})
