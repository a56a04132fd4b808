import { describe, expect, test } from 'vitest'
import { Unavailable } from '../../src/domain/errors.ts'
import type { Candidate, LookupAnswer } from '../../src/domain/identity-provider.ts'
import { invitationHash } from '../../src/domain/invitation.ts'
import { rightsNow, wantsPasskey } from '../../src/domain/scope.ts'
import { Secret } from '../../src/domain/secret.ts'
import type { Login } from '../../src/login/login.ts'
import type { PasskeyUse } from '../../src/login/passkey-challenges.ts'
import { checkPasskey, findPasskeyOwner, type ShownPasskey } from '../../src/login/steps/check-passkey.ts'
import type { LoginContext } from '../../src/login/steps/load-context.ts'
import { passkeyOf } from '../store/samples.ts'
import { createLoginFixture } from './fixture.ts'

describe('a user who has passkeys and no authenticator', () => {
  const fixtureWithPasskey = async () => {
    const fixture = await createLoginFixture({ enrolsAtLogin: true })
    await fixture.records.passkeys.add(passkeyOf('bob'))
    return fixture
  }

  test('enrols nothing by the password alone, neither at the portal nor within a VPN login', async () => {
    const fixture = await fixtureWithPasskey()
    expect(await fixture.signIn('right')).toMatchObject({ kind: 'refusal', reason: 'passkey_needed' })
    expect(await fixture.login('right')).toMatchObject({ kind: 'refusal', reason: 'no_second_factor' })
  })

  test('may enrol an authenticator by invitation', async () => {
    const fixture = await fixtureWithPasskey()
    const { now } = fixture.time
    const invitation = { id: '1', subject: 'bob', createdAt: now, createdBy: 'alice', expiresAt: now + 1000 }
    await fixture.records.invitations.put({ ...invitation, hash: invitationHash('abcd') })
    expect(await fixture.enter('abcd')).toMatchObject({ kind: 'signed_in', ticket: 'invitation' })
  })
})

test('a role that requires a passkey gives nothing without one, and others what they give', () => {
  const roles = {
    admin: [{ groups: ['admins'], require: 'passkey' as const }],
    desk: [],
    auditor: [{ groups: ['admins'] }],
  }
  expect(rightsNow(['admins'], roles, false).has('users:write')).toBe(false)
  expect(rightsNow(['admins'], roles, false).has('users:read')).toBe(true)
  expect(rightsNow(['admins'], roles, true).has('users:write')).toBe(true)
  expect(wantsPasskey(['admins'], roles)).toBe(true)
  expect(wantsPasskey(['others'], roles)).toBe(false)
})

describe('the answer of a passkey', () => {
  const asked: PasskeyUse[] = []
  const loginWith = (signedInAs?: string) =>
    ({
      attempt: { typed: new Secret('an answer'), browser: 'a browser', deadline: 0 },
      user: 'bob',
      signedInAs: signedInAs && { subject: signedInAs, source: 'local', groups: [], attributes: {} },
      options: {
        passkeys: {
          async verify(_answer: string, use: PasskeyUse) {
            asked.push(use)
            return { kind: 'verified', subject: 'bob' }
          },
        },
      },
    }) as unknown as Login
  const contextOf = (candidates: readonly Candidate[]) =>
    ({ kind: 'context', candidates, query: { user: 'bob', subjects: ['bob'] } }) as unknown as LoginContext
  const shown = (candidates: readonly Candidate[]) =>
    ({ kind: 'shown', context: contextOf(candidates), answer: { subject: 'bob' } }) as unknown as ShownPasskey
  const storeWith = (
    answer: () => Promise<LookupAnswer>,
    more: { readonly needsPassword?: true; readonly subject?: string } = {},
  ) => {
    const { subject = 'bob', ...store } = more
    const unused = () => Promise.reject(new Error('not asked for'))
    return {
      store: { name: 'corp', authenticate: unused, checkReady: unused, lookup: answer, ...store },
      ...{ name: 'bob', subject, mayBeMissing: false },
    } as unknown as Candidate
  }
  const known = async (): Promise<LookupAnswer> => ({
    kind: 'right',
    account: { groups: ['staff'], attributes: {} },
  })

  test('confirms a change for its own user alone, and neither stands for the other', async () => {
    const context = contextOf([])
    expect(await checkPasskey(context, loginWith('eve'))).toMatchObject({ reason: 'passkey_refused' })
    expect(await checkPasskey(context, loginWith('bob'))).toMatchObject({ kind: 'shown' })
    expect(await checkPasskey(context, loginWith())).toMatchObject({ kind: 'shown' })
    expect(asked.map(({ purpose }) => purpose)).toEqual(['step-up', 'step-up', 'sign-in'])
  })

  test('signs in only whom an identity store knows now, without a password, as the owner', async () => {
    const find = (...candidates: readonly Candidate[]) => findPasskeyOwner(shown(candidates), loginWith())
    const owner = storeWith(known)
    expect(await find(owner)).toMatchObject({ kind: 'passkey', person: { subject: 'bob', source: 'corp' } })
    expect(await find(storeWith(known, { needsPassword: true }))).toMatchObject({
      ...{ kind: 'refusal', reason: 'passkey_refused' },
      detail: expect.stringContaining('only a password'),
    })
    // A namesake.
    const namesake = storeWith(known, { subject: 'bob@other.example' })
    expect(await find(namesake)).toMatchObject({ kind: 'refusal', reason: 'passkey_refused' })
    expect(await find(namesake, owner)).toMatchObject({ kind: 'passkey' })
    const barred = storeWith(async () => ({ kind: 'barred', detail: 'disabled' }))
    expect(await find(barred, owner)).toMatchObject({ kind: 'refusal', reason: 'barred', counts: false })
    expect(await find(storeWith(async () => ({ kind: 'unknown' })))).toMatchObject({ kind: 'refusal' })
    const away = storeWith(() => Promise.reject(new Unavailable('corp', 'away')))
    await expect(find(away, owner)).rejects.toThrow(Unavailable)
  })
})
