import { expect, test } from 'vitest'
import { parseLoginName } from '../../src/domain/login-name.ts'
import type { IdentityStore } from '../../src/domain/person.ts'
import { candidates, type Member } from '../../src/identity/fan-out.ts'

function member(name: string, more: Partial<Member> = {}): Member {
  const store: IdentityStore = {
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

function asked(typed: string, gateway?: string): string[] {
  const name = parseLoginName(typed)
  if (name === undefined) throw new Error(`${typed} is no name`)
  return candidates(MEMBERS, name, gateway).map(
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
    expect(asked(typed)).toEqual(['corp bob bob@corp.example'])
  },
)

test('a realm of no store is left off', () => {
  expect(asked('bob@vpn.example')).toEqual(asked('bob'))
})

test('a store with gateways is asked for users of these alone, by realm or not', () => {
  expect(asked('bob', 'gw1')).toEqual(['local bob bob', 'corp bob bob@corp.example'])
  expect(asked('bob', 'gw2')).toHaveLength(3)
  expect(asked('bob@partner.example', 'gw2')).toEqual(['partner bob bob@partner.example'])
  expect(asked('bob@partner.example', 'gw1')).not.toContain('partner bob bob@partner.example')
})

test('only a store that may be missing is passed over when it cannot be asked', () => {
  const name = parseLoginName('bob')
  if (name === undefined) expect.unreachable()
  expect(candidates(MEMBERS, name).map(({ mayBeMissing }) => mayBeMissing)).toEqual([false, true, false])
})
