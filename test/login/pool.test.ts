import { describe, expect, it } from 'vitest'
import type { AddressPool } from '../../src/domain/address-pool.ts'
import { type Network, parseNetwork } from '../../src/domain/network.ts'
import type { StaticAttributes } from '../../src/domain/person.ts'
import type { Entitlement } from '../../src/domain/policy.ts'
import type { Decision } from '../../src/login/flow.ts'
import { createLoginFixture } from './fixture.ts'

function networkOf(text: string): Network {
  return parseNetwork(text) ?? expect.unreachable(text)
}

/** Gives 10.8.0.2 to 10.8.0.6. */
const POOL: AddressPool = { name: 'staff', ipv4: networkOf('10.8.0.0/29'), exclude: [], holdMs: 900_000 }

/** People who need a password alone. */
async function fixtureOf(
  people: Readonly<Record<string, StaticAttributes>>,
  reply: Entitlement = { pool: POOL },
  pool = POOL,
) {
  const fixture = await createLoginFixture({
    mode: 'append',
    required: false,
    pools: [pool],
    policies: [{ name: 'staff', when: {}, reply }],
  })
  for (const [name, attributes] of Object.entries(people)) {
    fixture.people.passwords.set(name, 'right')
    fixture.people.accounts.set(name, { groups: [], attributes })
  }
  return fixture
}

/** Has prefixes as well: 2001:db8:1::/64 to 2001:db8:1:3::/64. */
const BOTH: AddressPool = { ...POOL, ipv6: { network: networkOf('2001:db8:1::/62'), prefix: 64 } }
const MASK = '255.255.255.248'

function given(decision: Decision): Pick<Entitlement, 'ipv4' | 'netmask' | 'pool'> {
  if (decision.kind !== 'grant')
    throw new Error(decision.kind === 'refusal' ? decision.reason : decision.kind)
  const { ipv4, netmask, pool } = decision.entitlement
  return { ipv4, netmask, pool }
}

describe('a policy with a pool', () => {
  it('gives each user an address of it and its mask', async () => {
    const fixture = await fixtureOf({ bob: {}, alice: {} })
    expect(given(await fixture.login('right'))).toEqual({ ipv4: '10.8.0.2', netmask: '255.255.255.248' })
    expect(given(await fixture.login('right', { user: 'alice' })).ipv4).toBe('10.8.0.3')
  })

  it('gives its own mask where it has one', async () => {
    const fixture = await fixtureOf({ bob: {} }, { pool: POOL, netmask: '255.255.252.0' })
    expect(given(await fixture.login('right')).netmask).toBe('255.255.252.0')
  })

  it('leaves a user’s own address as it is', async () => {
    const fixture = await fixtureOf({ bob: { ipv4: '10.9.9.9' } })
    expect(given(await fixture.login('right'))).toMatchObject({ ipv4: '10.9.9.9', netmask: undefined })
    expect(await fixture.records.leases.usage()).toMatchObject([{ held: 0 }])
  })

  it('gives a user’s own address that it leaves out its mask, and leases it to nobody', async () => {
    const excluded = parseNetwork('10.8.0.6/32')
    const pool = { ...POOL, exclude: excluded === undefined ? [] : [excluded] }
    const fixture = await fixtureOf({ bob: { ipv4: '10.8.0.6' } }, { pool }, pool)
    expect(given(await fixture.login('right'))).toMatchObject({
      ipv4: '10.8.0.6',
      netmask: '255.255.255.248',
    })
    expect(await fixture.records.leases.usage()).toMatchObject([{ size: 4, held: 0 }])
  })

  it('gives nobody else the address that is a user’s own and in the pool', async () => {
    const fixture = await fixtureOf({ bob: { ipv4: '10.8.0.2' }, alice: {} })
    expect(given(await fixture.login('right'))).toMatchObject({
      ipv4: '10.8.0.2',
      netmask: '255.255.255.248',
    })
    expect(given(await fixture.login('right', { user: 'alice' })).ipv4).toBe('10.8.0.3')
  })

  it('refuses a user whose own address another has now', async () => {
    const fixture = await fixtureOf({ alice: {}, bob: { ipv4: '10.8.0.2' } })
    await fixture.login('right', { user: 'alice' })
    expect(await fixture.login('right')).toMatchObject({ kind: 'refusal', reason: 'no_address' })
  })

  it('refuses a login when none is left; that counts as no failure, and the code works afterwards', async () => {
    const users = ['u1', 'u2', 'u3', 'u4', 'u5']
    const fixture = await fixtureOf(Object.fromEntries([...users, 'bob'].map((user) => [user, {}])))
    for (const user of users) await fixture.login('right', { user })
    await fixture.enrol('bob')
    const typed = `right${fixture.code()}`
    for (let tries = 0; tries < 10; tries++)
      expect(await fixture.login(typed)).toMatchObject({
        kind: 'refusal',
        reason: 'no_address',
        counts: false,
      })
    expect(await fixture.records.lockouts.list({ limit: 9 })).toEqual([])
    const [first] = await fixture.records.sessions.list({ user: 'u1', limit: 1 })
    await fixture.records.sessions.record({
      kind: 'stop',
      gateway: first?.gateway ?? '',
      user: 'u1',
      acctSession: 'a',
      at: fixture.time.now,
      address: first?.address,
      seconds: 0,
      octetsIn: 0,
      octetsOut: 0,
    })
    expect(given(await fixture.login(typed)).ipv4).toBe('10.8.0.2')
  })
})

describe('a policy with a pool of both families', () => {
  const both = (people: Readonly<Record<string, StaticAttributes>>) => fixtureOf(people, { pool: BOTH }, BOTH)
  const addresses = (decision: Decision) => {
    const { netmask, pool } = given(decision)
    const { ipv4, ipv6, delegatedPrefix } = decision.kind === 'grant' ? decision.entitlement : {}
    return { ipv4, netmask, ipv6, delegatedPrefix, pool }
  }
  const held = async ({ records }: Awaited<ReturnType<typeof fixtureOf>>) =>
    (await records.leases.usage()).map((usage) => usage.held)

  it('gives each user an address and a prefix', async () => {
    const fixture = await both({ bob: {}, alice: {} })
    expect(addresses(await fixture.login('right'))).toEqual({
      ipv4: '10.8.0.2',
      netmask: MASK,
      ipv6: '2001:db8:1::2',
      delegatedPrefix: '2001:db8:1::/64',
    })
    expect(addresses(await fixture.login('right', { user: 'alice' }))).toMatchObject({
      ipv4: '10.8.0.3',
      ipv6: '2001:db8:1:1::2',
    })
    expect(await fixture.records.sessions.list({ user: 'bob', limit: 9 })).toMatchObject([
      { pool: 'staff', ipv4: '10.8.0.2', ipv6: '2001:db8:1::2' },
    ])
  })

  it('gives what the user has none of their own of', async () => {
    const fixture = await both({
      bob: { ipv6: '2001:db8:9::7' },
      alice: { ipv4: '10.9.9.9' },
      carol: { ipv4: '10.9.9.8', ipv6: '2001:db8:9::8' },
    })
    expect(addresses(await fixture.login('right'))).toEqual({
      ipv4: '10.8.0.2',
      netmask: MASK,
      ipv6: '2001:db8:9::7',
    })
    expect(addresses(await fixture.login('right', { user: 'alice' }))).toEqual({
      ipv4: '10.9.9.9',
      ipv6: '2001:db8:1::2',
      delegatedPrefix: '2001:db8:1::/64',
    })
    expect(addresses(await fixture.login('right', { user: 'carol' }))).toEqual({
      ipv4: '10.9.9.8',
      ipv6: '2001:db8:9::8',
    })
    expect(await held(fixture)).toEqual([1, 1])
  })

  it('leases the prefix around a user’s own address, once', async () => {
    const fixture = await both({ bob: { ipv6: '2001:db8:1::77' }, alice: { ipv6: '2001:db8:1::78' } })
    expect(addresses(await fixture.login('right'))).toMatchObject({
      ipv6: '2001:db8:1::77',
      delegatedPrefix: '2001:db8:1::/64',
    })
    expect(await fixture.records.leases.find('2001:db8:1::2')).toMatchObject({ subject: 'bob' })
    expect(await fixture.login('right', { user: 'alice' })).toMatchObject({ reason: 'no_address' })
    expect(await held(fixture)).toEqual([1, 1])
  })

  it('refuses a login when one family has none left, and takes none of the other', async () => {
    const users = ['u1', 'u2', 'u3', 'u4']
    const fixture = await both(Object.fromEntries([...users, 'bob'].map((user) => [user, {}])))
    for (const user of users) await fixture.login('right', { user })
    expect(await fixture.login('right')).toMatchObject({ kind: 'refusal', reason: 'no_address' })
    expect(await held(fixture)).toEqual([4, 4])
  })

  it('asks for reports where it gives prefixes alone', async () => {
    const { ipv4: _, ...pool } = BOTH
    const fixture = await fixtureOf({ bob: {} }, { pool }, pool)
    const decision = await fixture.login('right')
    expect(decision).toMatchObject({
      entitlement: { ipv6: '2001:db8:1::2', delegatedPrefix: '2001:db8:1::/64', interim: 300 },
    })
    expect(addresses(decision).ipv4).toBeUndefined()
  })
})
