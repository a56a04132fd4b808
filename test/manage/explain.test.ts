import { describe, expect, test } from 'vitest'
import { type AddressPool, layoutsOf } from '../../src/domain/address-pool.ts'
import type { LockoutCause } from '../../src/domain/lockout.ts'
import { type Network, parseNetwork } from '../../src/domain/network.ts'
import type { Account } from '../../src/domain/person.ts'
import type { Policy } from '../../src/domain/policy.ts'
import { systemRandom } from '../../src/domain/random.ts'
import type { SecondFactorMode } from '../../src/login/split-password-and-code.ts'
import { createLoginFixture, type LoginFixture, type LoginFixtureOptions } from '../login/fixture.ts'
import { admission, failureOf } from '../store/samples.ts'

const HERE = '198.51.100.7'
const OFFICE = '192.0.2.9'

function networkOf(text: string): Network {
  const network = parseNetwork(text)
  return network ?? expect.unreachable(text)
}

const POOL: AddressPool = { name: 'small', ipv4: networkOf('10.8.0.0/29'), exclude: [], holdMs: 900_000 }
const ROUTES = Array.from({ length: 300 }, (_, index) => `10.${index % 200}.${index >> 1}.0/24`)

const POLICIES: readonly Policy[] = [
  { name: 'denied', when: { groups: ['denied'] } },
  { name: 'pooled', when: { groups: ['pooled'] }, reply: { pool: POOL } },
  {
    name: 'single',
    when: { groups: ['single'] },
    sessions: { most: 1, whenFull: 'refuse', per: 'user' },
    reply: {},
  },
  { name: 'office', when: { networks: [networkOf('192.0.2.0/24')] }, reply: { routes: ['10.1.0.0/16'] } },
  { name: 'everyone', when: { gateways: ['gw1'], groups: ['staff'] }, reply: { routes: ['10.0.0.0/8'] } },
]

/** Who there is. `asbob` is another name of bob. */
const PEOPLE: Readonly<
  Record<string, Partial<Account> & { readonly barred?: true; readonly enrolled?: false }>
> = {
  bob: { groups: ['staff'] },
  asbob: { name: 'bob', groups: ['staff'] },
  newcomer: { groups: ['staff'], enrolled: false },
  disabled: { groups: ['staff'], barred: true },
  denied: { groups: ['staff', 'denied'] },
  guest: { groups: [] },
  routed: { groups: ['staff'], attributes: { routes: ROUTES } },
  pooled: { groups: ['pooled'] },
  single: { groups: ['single'] },
  fixed: { groups: ['staff'], attributes: { ipv4: '10.8.0.3' } },
}
const NOBODY = 'nobody'

/** What stands in the way, or lifts it. */
const SITUATIONS = {
  nothing: () => {},
  'an address that is locked': lockedBy('address'),
  'a user who is locked': lockedBy('user'),
  'a user who is locked there': lockedBy('user_address'),
  'a user who is locked by hand': async ({ records, time }, user) => {
    const since = time.now - 1000
    await records.lockouts.lock({
      id: systemRandom.id(),
      scope: 'user',
      user,
      reason: 'test',
      by: 'me',
      since,
    })
  },
  'a user who is locked until somebody releases': lockedBy('user', 'hard_limit'),
  'a user who is locked, and known there': async (fixture, user, address) => {
    const more = { address, now: fixture.time.now - 3_600_000 }
    await fixture.records.login.admit(admission(user, { kind: 'none' }, more))
    await lockedBy('user')(fixture, user, address)
  },
  'a full pool, and an address of another': async ({ records, time }: LoginFixture) => {
    const addresses = layoutsOf(POOL).flatMap((layout) => layout.addresses)
    for (const address of addresses)
      await records.login.admit({
        ...admission('somebody', { kind: 'none' }, { now: time.now }),
        lease: { pool: POOL.name, address, staleAfterMs: 1_500_000 },
      })
  },
  'a session elsewhere': async ({ records, time }, user) => {
    await records.login.admit(admission(user, { kind: 'none' }, { address: '192.0.2.77', now: time.now }))
  },
  'an outage of the store': ({ people }) => {
    people.isDown = true
  },
} satisfies Readonly<Record<string, Situation>>

type Situation = (fixture: LoginFixture, user: string, address: string) => void | Promise<void>

function lockedBy(scope: 'address' | 'user' | 'user_address', cause?: LockoutCause): Situation {
  return async ({ records, time }, user, address) => {
    const rules = cause === 'hard_limit' ? { hardAfter: 1 } : { forMs: 3_600_000 }
    await records.login.recordFailure(failureOf(user, { address, at: time.now - 1000, lock: [scope], rules }))
  }
}

/** @param names who has an authenticator, if they may have one. */
async function siteWith(
  options: LoginFixtureOptions,
  names: readonly string[] = Object.keys(PEOPLE).filter((name) => name !== 'asbob'),
): Promise<LoginFixture> {
  const fixture = await createLoginFixture({
    policies: POLICIES,
    pools: [POOL],
    exempt: [networkOf('192.0.2.0/24')],
    ...options,
  })
  for (const [name, { barred, enrolled, ...account }] of Object.entries(PEOPLE)) {
    fixture.people.passwords.set(name, 'right')
    fixture.people.accounts.set(name, { groups: [], attributes: {}, ...account })
    if (barred) fixture.people.barred.add(name)
    if (enrolled !== false && names.includes(name)) await fixture.enrol(name)
  }
  return fixture
}

/** Logs in with what is right, as the user would. */
async function loginOf(fixture: LoginFixture, mode: SecondFactorMode, user: string, address: string) {
  const isEnrolled = PEOPLE[user]?.enrolled !== false && user !== NOBODY
  const more = { user, address }
  const code = fixture.code()
  const typed = {
    only: code,
    append: isEnrolled ? `right${code}` : 'right',
    challenge: 'right',
    either: 'right',
    approve: 'right',
  }[mode]
  const first = await fixture.login(typed, more)
  const last =
    first.kind === 'challenge' && first.prompt.kind !== 'enrol'
      ? await fixture.login(code, { ...more, state: first.state })
      : first
  switch (last.kind) {
    case 'grant':
      return `would_pass by ${last.policy}`
    case 'challenge':
      return last.prompt.kind === 'too_many_sessions' ? last.prompt.kind : 'would_enrol'
    case 'refusal':
      return last.reason
  }
}

async function explained(fixture: LoginFixture, user: string, address: string) {
  const { outcome, policy } = await fixture.explain({ user, address })
  return outcome.kind === 'would_pass' ? `would_pass by ${policy}` : (outcome.reason ?? outcome.kind)
}

/** Who shows what a lockout and an outage do; the others show no more. */
const FEW = ['bob', 'asbob', 'newcomer', NOBODY]
const EVERYBODY = [...Object.keys(PEOPLE), NOBODY]
const CONFIGURATIONS: readonly LoginFixtureOptions[] = [
  { mode: 'challenge', required: true },
  { mode: 'challenge', required: true, enrolsAtLogin: true },
  { mode: 'append', required: true },
  { mode: 'append', required: false },
  { mode: 'either', required: true },
  { mode: 'only', required: true },
]

describe.each(CONFIGURATIONS)('with %o a login ends as it was explained', (configuration) => {
  const mode = configuration.mode ?? 'challenge'

  test.each(Object.entries<Situation>(SITUATIONS))('after %s', async (situation, arrange) => {
    const isLock = situation.includes('locked') || situation.includes('outage')
    for (const address of mode === 'challenge' ? [HERE, OFFICE] : [HERE])
      for (const user of isLock ? FEW : EVERYBODY) {
        const name = PEOPLE[user]?.name ?? user
        const fixture = await siteWith(configuration, [name])
        await arrange(fixture, name, address)
        const before = JSON.stringify([await fixture.dump(), fixture.people.asked])
        const foreseen = await explained(fixture, user, address)
        const after = JSON.stringify([await fixture.dump(), fixture.people.asked])
        expect(after, 'nothing is written, and no password asked for').toBe(before)
        expect([user, address, foreseen]).toEqual([
          user,
          address,
          await loginOf(fixture, mode, user, address),
        ])
      }
  })
})

describe('without an address, an explanation', () => {
  const wordsOf = async (fixture: LoginFixture, user = 'bob') =>
    (await fixture.explain({ user })).outcome.words

  test('names from where the user is locked, and until when', async () => {
    const fixture = await siteWith({ policies: [], exempt: [] })
    const until = new Date(fixture.time.now - 1000 + 3_600_000).toISOString()
    await lockedBy('user_address')(fixture, 'bob', HERE)
    expect(await wordsOf(fixture)).toBe(
      `Depends on the address: locked from ${HERE} until ${until}. From elsewhere: No policy applies.`,
    )
  })

  test('names where a locked user gets in all the same, and where a policy differs', async () => {
    const fixture = await siteWith({})
    expect(await wordsOf(fixture)).toBe(
      'Depends on the address: policy office from 192.0.2.0/24. From elsewhere: With the right password and then the code the user gets in by policy everyone.',
    )
    await SITUATIONS['a user who is locked, and known there'](fixture, 'bob', HERE)
    expect(await wordsOf(fixture)).toMatch(
      /^Depends on the address: gets in from 198\.51\.100\.7 by policy everyone; gets in from 192\.0\.2\.0\/24 by policy office\. From elsewhere: Locked \(user: /,
    )
  })

  test('tells of a full pool, but not of one whose addresses the records do not know yet', async () => {
    const fixture = await siteWith({})
    await SITUATIONS['a full pool, and an address of another'](fixture)
    expect(await wordsOf(fixture, 'pooled')).toBe('Pool small has no free address.')
    expect(await wordsOf(fixture, 'fixed')).toMatch(/own address 10\.8\.0\.3 is somebody’s at the moment\./)
    const fresh = await siteWith({ pools: [] })
    expect(await wordsOf(fresh, 'pooled')).toMatch(/gets in by policy pooled\.$/)
  })

  test('names the row that decides, and why none before it does', async () => {
    const rows: readonly Policy[] = [
      { name: 'old', when: { clients: ['Old*'] } },
      { name: 'corp', when: { stores: ['corp'] }, reply: {} },
      { name: 'far', when: { groups: ['staff'], networks: [networkOf('203.0.113.0/24')] }, reply: {} },
      { name: 'never', when: { times: [{ days: [], from: 0, to: 1, zone: 'UTC' }] }, reply: {} },
      { name: 'new', when: { enrolled: false }, reply: {} },
      { name: 'staff', when: { groups: ['staff'] }, reply: {} },
      { name: 'rest', when: {}, reply: {} },
    ]
    const fixture = await createLoginFixture({ policies: rows })
    fixture.people.passwords.set('bob', 'right')
    fixture.people.accounts.set('bob', { groups: ['staff'], attributes: {} })
    await fixture.enrol('bob')
    const passedOver = [
      { number: 1, name: 'old', because: 'clients' },
      { number: 2, name: 'corp', because: 'stores' },
      { number: 3, name: 'far', because: 'networks' },
      { number: 4, name: 'never', because: 'times' },
      { number: 5, name: 'new', because: 'enrolled' },
    ]
    const found = await fixture.explain({ user: 'bob', address: HERE, client: 'New 1.0' })
    expect(found).toMatchObject({ policy: 'staff', policyNumber: 6, passedOver })
    expect(found).toMatchObject({ outcome: { kind: 'would_pass' } })
    const refused = await fixture.explain({ user: 'bob', address: HERE, client: 'old 1.0' })
    expect(refused).toMatchObject({
      policy: 'old',
      policyNumber: 1,
      passedOver: [],
      outcome: { reason: 'no_policy' },
    })
  })

  test('says how many sessions a user has whose policy limits them, and where', async () => {
    const fixture = await siteWith({})
    expect(await wordsOf(fixture, 'single')).toMatch(/gets in by policy single\. Sessions: 0 of 1\.$/)
    await SITUATIONS['a session elsewhere'](fixture, 'single')
    expect(await wordsOf(fixture, 'single')).toMatch(
      /The user has as many sessions as permitted \(1\): 192\.0\.2\.77 \(gw1, since [-\d]+ [:\d]+ UTC\)\.$/,
    )
  })

  test('cannot tell where only a password does', async () => {
    const fixture = await siteWith({})
    fixture.people.store = { ...fixture.people.store, mayMissUsers: true, needsPassword: true }
    expect((await fixture.explain({ user: NOBODY })).outcome).toEqual({
      kind: 'cannot_tell',
      words: 'Only a password tells whether people knows the user.',
    })
    expect((await fixture.explain({ user: 'bob', address: HERE })).outcome.kind).toBe('would_pass')
  })
})
