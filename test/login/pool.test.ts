import { describe, expect, it } from 'vitest'
import type { AddressPool } from '../../src/domain/address-pool.ts'
import { parseNetwork } from '../../src/domain/network.ts'
import type { StaticAttributes } from '../../src/domain/person.ts'
import type { Entitlement } from '../../src/domain/policy.ts'
import type { Decision } from '../../src/login/decide.ts'
import { openHouse } from './house.ts'

const network = parseNetwork('10.8.0.0/29')
if (network === undefined) throw new Error('no network')
/** Gives 10.8.0.2 to 10.8.0.6. */
const POOL: AddressPool = { name: 'staff', network, exclude: [], holdMs: 900_000 }

/** People who need a password alone. */
async function houseOf(
  people: Readonly<Record<string, StaticAttributes>>,
  reply: Entitlement = { pool: POOL },
  pool = POOL,
) {
  const house = await openHouse({
    ...{ mode: 'append', required: false, pools: [pool] },
    policies: [{ name: 'staff', when: {}, reply }],
  })
  for (const [name, attributes] of Object.entries(people)) {
    house.people.passwords.set(name, 'right')
    house.people.accounts.set(name, { groups: [], attributes })
  }
  return house
}

function given(decision: Decision): Pick<Entitlement, 'ipv4' | 'netmask' | 'pool'> {
  if (decision.kind !== 'grant')
    throw new Error(decision.kind === 'refusal' ? decision.reason : decision.kind)
  const { ipv4, netmask, pool } = decision.entitlement
  return { ipv4, netmask, pool }
}

describe('a policy with a pool', () => {
  it('gives each user an address of it and its mask', async () => {
    const house = await houseOf({ bob: {}, alice: {} })
    expect(given(await house.login('right'))).toEqual({ ipv4: '10.8.0.2', netmask: '255.255.255.248' })
    expect(given(await house.login('right', { user: 'alice' })).ipv4).toBe('10.8.0.3')
  })

  it('gives its own mask where it has one', async () => {
    const house = await houseOf({ bob: {} }, { pool: POOL, netmask: '255.255.252.0' })
    expect(given(await house.login('right')).netmask).toBe('255.255.252.0')
  })

  it('leaves a user’s own address as it is', async () => {
    const house = await houseOf({ bob: { ipv4: '10.9.9.9' } })
    expect(given(await house.login('right'))).toMatchObject({ ipv4: '10.9.9.9', netmask: undefined })
    expect(await house.records.leases.usage()).toMatchObject([{ held: 0 }])
  })

  it('gives a user’s own address that it leaves out its mask, and leases it to nobody', async () => {
    const excluded = parseNetwork('10.8.0.6/32')
    const pool = { ...POOL, exclude: excluded === undefined ? [] : [excluded] }
    const house = await houseOf({ bob: { ipv4: '10.8.0.6' } }, { pool }, pool)
    expect(given(await house.login('right'))).toMatchObject({ ipv4: '10.8.0.6', netmask: '255.255.255.248' })
    expect(await house.records.leases.usage()).toMatchObject([{ size: 4, held: 0 }])
  })

  it('gives nobody else the address that is a user’s own and in the pool', async () => {
    const house = await houseOf({ bob: { ipv4: '10.8.0.2' }, alice: {} })
    expect(given(await house.login('right'))).toMatchObject({ ipv4: '10.8.0.2', netmask: '255.255.255.248' })
    expect(given(await house.login('right', { user: 'alice' })).ipv4).toBe('10.8.0.3')
  })

  it('refuses a user whose own address another has now', async () => {
    const house = await houseOf({ alice: {}, bob: { ipv4: '10.8.0.2' } })
    await house.login('right', { user: 'alice' })
    expect(await house.login('right')).toMatchObject({ kind: 'refusal', reason: 'no_address' })
  })

  it('refuses those for whom none is left; it is no failure of theirs, and their code works afterwards', async () => {
    const users = ['u1', 'u2', 'u3', 'u4', 'u5']
    const house = await houseOf(Object.fromEntries([...users, 'bob'].map((user) => [user, {}])))
    for (const user of users) await house.login('right', { user })
    await house.enrol('bob')
    const typed = `right${house.code()}`
    for (let tries = 0; tries < 10; tries++)
      expect(await house.login(typed)).toMatchObject({ kind: 'refusal', reason: 'no_address', counts: false })
    expect(await house.records.lockouts.list({ limit: 9 })).toEqual([])
    const [first] = await house.records.sessions.list({ user: 'u1', limit: 1 })
    await house.records.sessions.record({
      ...{ kind: 'stop', gateway: first?.gateway ?? '', user: 'u1', acctSession: 'a', at: house.time.now },
      ...{ address: first?.address, seconds: 0, octetsIn: 0, octetsOut: 0 },
    })
    expect(given(await house.login(typed)).ipv4).toBe('10.8.0.2')
  })
})
