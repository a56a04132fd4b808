import { describe, expect, test } from 'vitest'
import { configOf, faultOf, faultsOf, GATEWAY, warningsOf } from './loading.ts'

function withPools(pools: unknown, reply: unknown = { pool: 'staff' }): string {
  return `${GATEWAY}pools: ${JSON.stringify(pools)}\npolicies: [${JSON.stringify({ name: 'staff', reply })}]`
}

test('a pool is a network, exclusions and a hold time', async () => {
  const config = await configOf(
    withPools({ staff: { ipv4: '10.8.0.0/22', exclude: ['10.8.1.0/28'], hold: '20m' } }),
  )
  expect(config.pools).toMatchObject([
    {
      name: 'staff',
      ipv4: { text: '10.8.0.0/22' },
      exclude: [{ text: '10.8.1.0/28' }],
      holdMs: 1_200_000,
    },
  ])
  expect(config.policies[0]?.reply).toEqual({ pool: config.pools[0], interim: 300 })
})

test('a pool may give IPv6 prefixes, beside IPv4 addresses or alone', async () => {
  const both = await configOf(
    withPools({
      staff: { ipv4: '10.8.0.0/22', ipv6: '2001:db8:1::/48', prefix: 64, exclude: ['2001:db8:1::/64'] },
    }),
  )
  expect(both.pools).toMatchObject([
    { ipv4: { text: '10.8.0.0/22' }, ipv6: { network: { text: '2001:db8:1::/48' }, prefix: 64 } },
  ])
  const alone = await configOf(withPools({ staff: { ipv6: 'fd00:8::/64', prefix: 128 } }))
  expect(alone.pools[0]).not.toHaveProperty('ipv4')
  expect(alone.policies[0]?.reply).toEqual({ pool: alone.pools[0], interim: 300 })
})

test('without pools there are none, and reports are not asked for', async () => {
  const config = await configOf(`${GATEWAY}policies: [{ name: staff, reply: {} }]`)
  expect([config.pools, config.policies[0]?.reply]).toEqual([[], {}])
})

describe('a wrong pool is refused', () => {
  test.each([
    [{ staff: { ipv4: '10.8.0.1/24' } }, 'pools.staff.ipv4', 'bits set', 'write 10.8.0.0/24'],
    [{ staff: { ipv4: '10.8.0.0/15' } }, 'pools.staff.ipv4', 'too large for a pool', 'write a /16'],
    [{ staff: { ipv4: '10.8.0.0/31' } }, 'pools.staff.ipv4', 'no address for users', 'write a /24'],
    [{ staff: { ipv4: '127.0.0.0/16' } }, 'pools.staff.ipv4', 'not a network for users', '10.8.0.0/22'],
    [{ staff: { ipv4: '224.0.0.0/16' } }, 'pools.staff.ipv4', 'not a network for users', '10.8.0.0/22'],
    [{ staff: { ipv4: '255.255.255.0/24' } }, 'pools.staff.ipv4', 'not a network for users', '10.8.0.0/22'],
    [{ staff: { ipv4: 'fd00::/64' } }, 'pools.staff.ipv4', 'not IPv4', '10.8.0.0/22'],
    [{ staff: {} }, 'pools.staff.ipv4', 'is missing', undefined],
    [
      { staff: { ipv4: '10.8.0.0/24', exclude: ['10.9.0.0/28'] } },
      'pools.staff.exclude[0]',
      'not in',
      undefined,
    ],
    [
      { staff: { ipv4: '10.8.0.0/24', exclude: ['10.8.0.0/24'] } },
      'pools.staff.exclude',
      'no address',
      'less',
    ],
    [{ staff: { ipv4: '10.8.0.0/24', hold: '10s' } }, 'pools.staff.hold', 'too short', '1m or more'],
    [{ staff: { ipv4: '10.8.0.0/24', holds: '10m' } }, 'pools.staff.holds', 'unknown', 'hold'],
    [
      { staff: { ipv4: '10.8.0.0/16' }, guests: { ipv4: '10.8.4.0/24' } },
      'pools.guests.ipv4',
      'overlaps with pool staff',
      'apart',
    ],
    [
      { staff: { ipv4: '10.8.0.0/24' }, guests: { ipv4: '10.8.0.0/16' } },
      'pools.guests.ipv4',
      'overlaps with pool staff',
      'apart',
    ],
    [{ staff: { ipv6: 'fd00:8::/48' } }, 'pools.staff.prefix', 'is missing', 'write 64'],
    [{ staff: { ipv6: 'fd00:8::/112' } }, 'pools.staff.prefix', 'is missing', 'write 112'],
    [{ staff: { ipv6: 'fd00:8::/64', prefix: 48 } }, 'pools.staff.prefix', '48 is shorter than', 'write 64'],
    [{ staff: { ipv6: 'fd00:8::/64', prefix: 129 } }, 'pools.staff.prefix', 'out of range', '128'],
    [{ staff: { ipv4: '10.8.0.0/24', prefix: 64 } }, 'pools.staff.prefix', 'belongs to ipv6', 'write ipv6'],
    [{ staff: { ipv6: '10.8.0.0/24', prefix: 64 } }, 'pools.staff.ipv6', 'not IPv6', '2001:db8:1::/48'],
    [
      { staff: { ipv6: 'fe80::/64', prefix: 128 } },
      'pools.staff.ipv6',
      'not a network for users',
      'fd00::/8',
    ],
    [{ staff: { ipv6: 'fd00:8::1/64', prefix: 64 } }, 'pools.staff.ipv6', 'bits set', 'fd00:8::/64'],
    [{ staff: { ipv6: 'fd00:8::/127', prefix: 128 } }, 'pools.staff.exclude', 'no IPv6 prefix', 'less'],
    [
      { staff: { ipv6: 'fd00:8::/62', prefix: 64, exclude: ['fd00:8::/61'] } },
      'pools.staff.exclude',
      'no IPv6 prefix',
      'less',
    ],
    [
      { staff: { ipv4: '10.8.0.0/24', ipv6: 'fd00:8::/48', prefix: 64, exclude: ['fd00:9::/64'] } },
      'pools.staff.exclude[0]',
      'not in 10.8.0.0/24 or fd00:8::/48',
      undefined,
    ],
    [
      { staff: { ipv6: 'fd00:8::/48', prefix: 64 }, guests: { ipv6: 'fd00:8:0:1::/64', prefix: 128 } },
      'pools.guests.ipv6',
      'overlaps with pool staff',
      'apart',
    ],
    [{ staff: { ipv4: '10.8.0.0/24' }, '-': { ipv4: '10.9.0.0/24' } }, 'pools.-', 'not a name', 'letters'],
  ] as const)('%j', async (pools, path, problem, suggestion) => {
    const fault = await faultOf(withPools(pools))
    expect(fault).toMatchObject({ path, problem: expect.stringContaining(problem) })
    if (suggestion !== undefined) expect(fault.suggestion).toContain(suggestion)
  })
})

describe('a policy', () => {
  const staff = { staff: { ipv4: '10.8.0.0/24' } }

  test('that names an unknown pool is refused, with a suggestion', async () => {
    expect(await faultOf(withPools(staff, { pool: 'stuff' }))).toMatchObject({
      path: 'policies[0].reply.pool',
      problem: 'there is no pool named stuff',
      suggestion: expect.stringContaining('staff'),
    })
    expect(await faultOf(withPools({}, { pool: 'staff' }))).toMatchObject({
      suggestion: expect.stringContaining('add the section pools'),
    })
  })

  test('keeps the pool whole', async () => {
    expect(await faultOf(withPools(staff, { pool: 'staff', netmask: '255.255.255.128' }))).toMatchObject({
      path: 'policies[0].reply.netmask',
    })
    expect(await faultsOf(withPools(staff, { pool: 'staff', netmask: '255.255.0.0' }))).toEqual([])
  })

  test('has prefixes of its own outside of pools alone, and not beside those of its pool', async () => {
    const ipv6 = { staff: { ipv6: 'fd00:8::/48', prefix: 64 } }
    expect(await faultOf(withPools(ipv6, { pool: 'staff', ipv6_prefix: 'fd00:9::/64' }))).toMatchObject({
      path: 'policies[0].reply.ipv6_prefix',
      problem: expect.stringContaining('each session its own'),
    })
    expect(await faultOf(withPools(ipv6, { ipv6_prefix: 'fd00:8:0:7::/64' }))).toMatchObject({
      path: 'policies[0].reply.ipv6_prefix',
      problem: expect.stringContaining('lies in pool staff'),
    })
    const excluded = { staff: { ...ipv6.staff, exclude: ['fd00:8::/56'] } }
    expect(await faultsOf(withPools(excluded, { ipv6_prefix: 'fd00:8:0:7::/64' }))).toEqual([])
  })

  test('may ask for reports at its own interval', async () => {
    const config = await configOf(withPools(staff, { pool: 'staff', interim: '10m' }))
    expect(config.policies[0]?.reply?.interim).toBe(600)
  })
})

test('an unused pool, and a hold time shorter than ocserv’s, are warnings', async () => {
  const pools = { staff: { ipv4: '10.8.0.0/24', hold: '5m' }, guests: { ipv4: '10.9.0.0/24' } }
  expect(await warningsOf(withPools(pools))).toMatchObject([
    { path: 'pools.staff.hold', problem: expect.stringContaining('625s') },
    { path: 'pools.guests', problem: 'is used by no policy' },
  ])
})

test('a pool that would give the address of a gateway is a warning', async () => {
  const pools = { staff: { ipv4: '203.0.114.0/24', ipv6: '2001:db8:1::/48', prefix: 64 } }
  const gateways = [
    { name: 'gw4', address: '203.0.114.7', secret: 'a-long-shared-secret-of-gw4' },
    { name: 'gw6', address: '2001:db8:1:5::1', secret: 'a-long-shared-secret-of-gw6' },
  ]
  const of = (more: object) =>
    warningsOf(
      JSON.stringify({
        gateways,
        pools: { staff: { ...pools.staff, ...more } },
        policies: [{ name: 'staff', reply: { pool: 'staff' } }],
      }),
    )
  expect(await of({})).toMatchObject([
    { path: 'pools.staff', problem: 'may give 203.0.114.7, which is the address of gateway gw4' },
    { path: 'pools.staff', problem: 'may give 2001:db8:1:5::1, which is the address of gateway gw6' },
  ])
  expect(await of({ exclude: ['203.0.114.7', '2001:db8:1:5::1'] })).toEqual([])
})

test('all pools together are bounded', async () => {
  const pools = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at}`, { ipv4: `10.${at}.0.0/16` }]))
  expect(await faultsOf(withPools(pools(4), {}))).toEqual([])
  expect(await faultOf(withPools(pools(5), {}))).toMatchObject({
    path: 'pools',
    problem: 'have 327680 addresses; at most 262144',
  })
})

test('a pool of IPv6 counts with the prefixes that it gives, however large its network', async () => {
  const pools = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, at) => [`p${at}`, { ipv6: `fd${at}0::/16`, prefix: 64 }]),
    )
  expect(await faultsOf(withPools(pools(4), {}))).toEqual([])
  expect(await faultOf(withPools(pools(5), {}))).toMatchObject({
    problem: 'have 327680 addresses; at most 262144',
  })
})
