import { describe, expect, test } from 'vitest'
import type { IdentityProvider } from '../../src/domain/identity-provider.ts'
import { parseLoginName } from '../../src/domain/login-name.ts'
import { subjectOf } from '../../src/domain/person.ts'
import { Secret } from '../../src/domain/secret.ts'
import { candidates, type Member, type Origin } from '../../src/identity/fan-out.ts'

function member(name: string, more: Partial<Member> = {}): Member {
  const store: IdentityProvider = {
    name,
    authenticate: async () => ({ kind: 'unknown' }),
    lookup: async () => ({ kind: 'unknown' }),
    checkReady: async () => {},
  }
  return { store, realms: [], onUnavailable: 'stop', ...more }
}

const MEMBERS = [
  member('local'),
  member('corp', { realms: ['corp.example', 'corp'], onUnavailable: 'continue' }),
  member('partner', { realms: ['partner.example'], gateways: ['gw2'] }),
]

function asked(typed: string, origin: Origin = {}, members: readonly Member[] = MEMBERS): string[] {
  const name = parseLoginName(typed)
  if (name === undefined) throw new Error(`${typed} is no name`)
  return candidates(members, name, origin).map(
    ({ store, name: called, subject }) => `${store.name} ${called} ${subject}`,
  )
}

test('a name without a realm is looked for in every store, in their order', () => {
  expect(asked('bob')).toEqual([
    'local bob bob',
    'corp bob bob@corp.example',
    'partner bob bob@partner.example',
  ])
})

test.each(['bob@corp.example', 'BOB@CORP.EXAMPLE', 'CORP\\bob', 'bob@corp'])(
  '%s is looked for in the store of its realm alone, as one person',
  (typed) => {
    expect(asked(typed).map((each) => each.toLowerCase())).toEqual(['corp bob bob@corp.example'])
  },
)

test('a realm of no store is part of the name: two domains are two people', () => {
  expect(asked('Bob@Vpn.example')).toEqual([
    'local Bob@Vpn.example bob@vpn.example',
    'corp Bob@Vpn.example bob@vpn.example@corp.example',
    'partner Bob@Vpn.example bob@vpn.example@partner.example',
  ])
  expect(asked('bob@other.example')[0]).toBe('local bob@other.example bob@other.example')
})

test('a name is asked for as it was typed, and only its subject is canonical', () => {
  expect(asked('JSmith')[0]).toBe('local JSmith jsmith')
  expect(asked('CORP\\JSmith')).toEqual(['corp JSmith jsmith@corp.example'])
})

test('the default realm of a gateway is that of names without one, and is cut off those that have it', () => {
  const vpn = { gateway: 'gw1', defaultRealm: 'vpn.example' }
  expect(asked('bob@vpn.example', vpn)).toEqual(asked('bob', { gateway: 'gw1' }))
  expect(asked('bob@other.example', vpn)[0]).toBe('local bob@other.example bob@other.example')
  // Where a store owns it, this store alone is meant.
  expect(asked('bob', { defaultRealm: 'corp' })).toEqual(['corp bob bob@corp.example'])
})

describe('a store that says which names it does not know', () => {
  const tells = (name: string, more: Partial<Member>): Member => {
    const each = member(name, more)
    return { ...each, store: { ...each.store, tellsUnknown: true } }
  }

  const right = (name?: string) => ({
    kind: 'right' as const,
    account: { name, groups: [], attributes: {} },
  })

  test.each([
    ['Bob.Smith@Corp.example', undefined, 'bob.smith@corp.example@corp.example'],
    ['Bob.Smith@Corp.example', 'bsmith', 'bsmith@corp.example'],
    ['Bob.Smith', undefined, 'bob.smith@corp.example'],
    ['Bob.Smith', 'bsmith', 'bsmith@corp.example'],
  ])(
    'is asked for the whole name and then without its realm: who knows %s calls the user %s, %s here',
    async (known, own, subject) => {
      const heard: string[] = []
      const answer = async (name: string) => {
        heard.push(name)
        return name === known ? right(own) : ({ kind: 'unknown' } as const)
      }
      const corp = tells('corp', { realms: ['corp.example'] })
      const store: IdentityProvider = {
        ...corp.store,
        authenticate: answer,
        lookup: answer,
        confirm: answer,
        prefetch: (name) => ({ complete: () => answer(name), [Symbol.dispose]: () => {} }),
      }
      const name = parseLoginName('Bob.Smith@Corp.example') ?? expect.unreachable()
      const [one, ...others] = candidates([{ ...corp, store }], name)
      if (one === undefined) expect.unreachable()
      expect([others, one.subject]).toEqual([[], 'bob.smith@corp.example'])
      const secret = new Secret('x')
      for (const found of [
        await one.store.authenticate(one.name, secret, 0),
        await one.store.lookup(one.name, 0),
        await one.store.confirm?.(one.name, 0),
        await one.store.prefetch?.(one.name, 0)?.complete(secret),
      ]) {
        if (found?.kind !== 'right') expect.unreachable()
        expect(subjectOf(one, found.account)).toBe(subject)
      }
      const forms = ['Bob.Smith@Corp.example', 'Bob.Smith'].slice(0, known === 'Bob.Smith' ? 2 : 1)
      expect(heard).toEqual([...forms, ...forms, ...forms, ...forms])
    },
  )

  test('keeps or loses realms as `strip_realm` says', () => {
    const keeps = [tells('corp', { realms: ['corp.example'], stripRealm: false })]
    expect(asked('bob@corp.example', {}, keeps)).toEqual([
      'corp bob@corp.example bob@corp.example@corp.example',
    ])
    const cuts = [tells('corp', { stripRealm: true })]
    expect(asked('bob@any.example', {}, cuts)).toEqual(['corp bob bob'])
  })
})

test('a server gets the realm as it was sent with `strip_realm: false`, and each realm is a place of its own', () => {
  const members = [member('up', { realms: ['a.example', 'b.example'], stripRealm: false })]
  expect(asked('Bob@A.example', {}, members)).toEqual(['up Bob@A.example bob@a.example'])
  expect(asked('bob@b.example', {}, members)).toEqual(['up bob@b.example bob@b.example'])
  expect(asked('bob', {}, members)).toEqual(['up bob bob@a.example'])
})

test('a store with gateways is asked for users of these alone, by realm or not', () => {
  expect(asked('bob', { gateway: 'gw1' })).toEqual(['local bob bob', 'corp bob bob@corp.example'])
  expect(asked('bob', { gateway: 'gw2' })).toHaveLength(3)
  expect(asked('bob@partner.example', { gateway: 'gw2' })).toEqual(['partner bob bob@partner.example'])
  expect(asked('bob@partner.example', { gateway: 'gw1' })).not.toContain('partner bob bob@partner.example')
})

test('only a store that may be missing is passed over when it cannot be asked', () => {
  const name = parseLoginName('bob')
  if (name === undefined) expect.unreachable()
  expect(candidates(MEMBERS, name).map(({ mayBeMissing }) => mayBeMissing)).toEqual([false, true, false])
})
