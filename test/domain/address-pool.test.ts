import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AddressPool,
  layoutsOf,
  netmaskOf,
  placeIn,
  staleAfterMs,
} from '../../src/domain/address-pool.ts'
import { type Network, parseNetwork } from '../../src/domain/network.ts'

function network(text: string): Network {
  const read = parseNetwork(text)
  if (read === undefined) throw new Error(text)
  return read
}

function pool(ipv4: string, exclude: readonly string[] = [], name = 'staff'): AddressPool {
  return { name, ipv4: network(ipv4), exclude: exclude.map(network), holdMs: 900_000 }
}

const addressesOf = (some: AddressPool) => layoutsOf(some)[0]?.addresses ?? []
const poolOf = (pools: readonly AddressPool[], address: string) => placeIn(pools, address)?.pool

describe('the addresses of a pool', () => {
  test('are all but the network’s, the gateway’s and the broadcast address', () => {
    expect(layoutsOf(pool('10.8.0.0/29'))).toEqual([
      {
        pool: 'staff',
        addresses: ['10.8.0.2', '10.8.0.3', '10.8.0.4', '10.8.0.5', '10.8.0.6'],
      },
    ])
    expect(addressesOf(pool('203.0.113.252/30'))).toEqual(['203.0.113.254'])
    const addresses = addressesOf(pool('10.255.0.0/16'))
    expect([addresses.length, addresses[0], addresses.at(-1)]).toEqual([
      65_533,
      '10.255.0.2',
      '10.255.255.254',
    ])
  })

  test('leave out excluded addresses and networks', () => {
    const some = pool('10.8.0.0/28', ['10.8.0.3', '10.8.0.8/29', '10.0.0.0/30'])
    expect(addressesOf(some)).toEqual(['10.8.0.2', '10.8.0.4', '10.8.0.5', '10.8.0.6', '10.8.0.7'])
  })

  test('are found in their pool', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 22, max: 30 }),
        fc.array(fc.tuple(fc.nat(1023), fc.integer({ min: 24, max: 32 })), { maxLength: 3 }),
        (prefix, holes) => {
          const around = network(`10.8.0.0/${prefix}`)
          const exclude = holes.map(([at, bits]) => `10.8.${at >> 8}.${at & 255}/${bits}`)
          const some = pool(around.text, exclude)
          const given = new Set(addressesOf(some))
          for (let number = 0; number < 1024; number++) {
            const address = `10.8.${number >> 8}.${number & 255}`
            expect(poolOf([some], address) === some, address).toBe(given.has(address))
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  test('belong to the pool that has them; other text belongs to none', () => {
    const [one, other] = [pool('10.8.0.0/24'), pool('10.8.1.0/24', [], 'guests')]
    expect(poolOf([one, other], '10.8.1.7')).toBe(other)
    for (const address of ['10.9.0.1', '10.8.0.1', '10.8.0.255', 'fd00::1', '::ffff:10.9.0.1', 'x', ''])
      expect(poolOf([one, other], address)).toBeUndefined()
  })
})

test('a pool’s mask is that of its network', () => {
  expect([netmaskOf(network('10.8.0.0/22')), netmaskOf(network('10.8.0.0/30'))]).toEqual([
    '255.255.252.0',
    '255.255.255.252',
  ])
})

test('a session may miss two reports and the hold time of its pool', () => {
  expect(staleAfterMs(60, 600_000)).toBe(720_000)
  expect(staleAfterMs(300)).toBe(1_500_000)
})
