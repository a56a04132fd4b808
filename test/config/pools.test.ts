import { describe, expect, test } from 'vitest'
import { configOf, faultOf, faultsOf, GATEWAY, warningsOf } from './loading.ts'

function withPools(pools: unknown, reply: unknown = { pool: 'staff' }): string {
  return `${GATEWAY}pools: ${JSON.stringify(pools)}\npolicies: [${JSON.stringify({ name: 'staff', reply })}]`
}

test('a pool is a network, what is not given of it, and a time', async () => {
  const config = await configOf(
    withPools({ staff: { ipv4: '10.8.0.0/22', exclude: ['10.8.1.0/28'], hold: '20m' } }),
  )
  expect(config.pools).toMatchObject([
    {
      ...{ name: 'staff', network: { text: '10.8.0.0/22' } },
      ...{ exclude: [{ text: '10.8.1.0/28' }], holdMs: 1_200_000 },
    },
  ])
  expect(config.policies[0]?.reply).toEqual({ pool: config.pools[0], interim: 300 })
})

test('without pools there are none, and reports are not asked for', async () => {
  const config = await configOf(`${GATEWAY}policies: [{ name: staff, reply: {} }]`)
  expect([config.pools, config.policies[0]?.reply]).toEqual([[], {}])
})

describe('a pool that cannot be one is refused', () => {
  test.each([
    [{ staff: { ipv4: '10.8.0.1/24' } }, 'pools.staff.ipv4', 'bits set', 'write 10.8.0.0/24'],
    [{ staff: { ipv4: '10.8.0.0/15' } }, 'pools.staff.ipv4', 'wider than a pool', 'write a /16'],
    [{ staff: { ipv4: '10.8.0.0/31' } }, 'pools.staff.ipv4', 'no address for users', 'write a /24'],
    [{ staff: { ipv4: '127.0.0.0/16' } }, 'pools.staff.ipv4', 'no network for users', '10.8.0.0/22'],
    [{ staff: { ipv4: '224.0.0.0/16' } }, 'pools.staff.ipv4', 'no network for users', '10.8.0.0/22'],
    [{ staff: { ipv4: '255.255.255.0/24' } }, 'pools.staff.ipv4', 'no network for users', '10.8.0.0/22'],
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
      'addresses of pool staff',
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

  test('that names no pool of the file is refused, with the one that was meant', async () => {
    expect(await faultOf(withPools(staff, { pool: 'stuff' }))).toMatchObject({
      ...{ path: 'policies[0].reply.pool', problem: 'there is no pool named stuff' },
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

  test('may ask for reports at its own interval', async () => {
    const config = await configOf(withPools(staff, { pool: 'staff', interim: '10m' }))
    expect(config.policies[0]?.reply?.interim).toBe(600)
  })
})

test('a pool of which nothing is given, and a time in which clients come back, are worth a warning', async () => {
  const pools = { staff: { ipv4: '10.8.0.0/24', hold: '5m' }, guests: { ipv4: '10.9.0.0/24' } }
  expect(await warningsOf(withPools(pools))).toMatchObject([
    { path: 'pools.staff.hold', problem: expect.stringContaining('625s') },
    { path: 'pools.guests', problem: 'no policy gives addresses of it' },
  ])
})

test('all pools together are no larger than the records take', async () => {
  const pools = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`p${at}`, { ipv4: `10.${at}.0.0/16` }]))
  expect(await faultsOf(withPools(pools(4), {}))).toEqual([])
  expect(await faultOf(withPools(pools(5), {}))).toMatchObject({
    ...{ path: 'pools', problem: 'have 327680 addresses; at most 262144' },
  })
})
