import { describe, expect, test } from 'vitest'
import { invitationHash } from '../../src/domain/invitation.ts'
import { rightsNow, wantsPasskey } from '../../src/domain/scope.ts'
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
