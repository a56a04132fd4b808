import { describe, expect, test } from 'vitest'
import { recoveryCodeHash } from '../../src/domain/enrolment.ts'
import { invitationHash } from '../../src/domain/invitation.ts'
import { LOCALES } from '../../src/domain/locale.ts'
import { systemRandom } from '../../src/domain/random.ts'
import { translator } from '../../src/i18n/messages.ts'
import type { Decision } from '../../src/login/flow.ts'
import { createLoginFixture } from './fixture.ts'

const CODE = /^[A-HJKMNP-Z2-9]{4}-[A-HJKMNP-Z2-9]{4}$/

/** What the prompt shows, and the State to answer it under. */
function promptOf(decision: Decision): { code: string; state: string; again: boolean; page: string } {
  if (decision.kind !== 'challenge' || decision.prompt.kind !== 'enrol')
    return expect.unreachable(`${JSON.stringify(decision)} asks nobody to enrol`)
  const { code, again, page } = decision.prompt
  return { code: code.reveal(), state: decision.state, again, page }
}

const reasonOf = (answer: { readonly kind: string; readonly reason?: string }) => answer.reason ?? answer.kind

const enrolling = (more: Parameters<typeof createLoginFixture>[0] = {}) =>
  createLoginFixture({ enrolsAtLogin: true, ...more })

describe('a login of a user without an authenticator', () => {
  test('shows where to enrol and a code; the code of the app then completes it', async () => {
    const fixture = await enrolling()
    const { code, state, page, again } = promptOf(await fixture.login('right'))
    expect(code).toMatch(CODE)
    expect({ page, again }).toEqual({ page: 'https://vpn.example/enrol', again: false })
    expect(await fixture.enter(code)).toMatchObject({
      kind: 'signed_in',
      factors: 1,
      ticket: 'login',
      person: { subject: 'bob', groups: [] },
    })
    await fixture.enrol('bob')
    expect(await fixture.login(fixture.code(), { state })).toMatchObject({ kind: 'grant' })
  })

  test('is asked with another code, as often as a code may be wrong, where the answer comes too early', async () => {
    const fixture = await enrolling()
    const first = promptOf(await fixture.login('right'))
    const second = promptOf(await fixture.login('123456', { state: first.state }))
    expect(second.again).toBe(true)
    expect(second.code).not.toBe(first.code)
    const third = promptOf(await fixture.login('', { state: second.state }))
    expect(await fixture.login('123456', { state: third.state })).toMatchObject({
      reason: 'no_second_factor',
    })
    // Nothing could be guessed, so nothing counts as a guess.
    expect(await fixture.records.lockouts.list({ limit: 9 })).toEqual([])
    expect(reasonOf(await fixture.enter(third.code))).toBe('bad_credentials')
  })

  test('is refused as before where enrolment within a login is off, and where the code stands alone', async () => {
    expect(reasonOf(await (await createLoginFixture()).login('right'))).toBe('no_second_factor')
    const only = await enrolling({ mode: 'only' })
    expect(reasonOf(await only.login('123456'))).toBe('wrong_code')
  })

  test('is asked to enrol in the modes with the code behind the password, too', async () => {
    for (const mode of ['append', 'either'] as const) {
      const fixture = await enrolling({ mode })
      const { state } = promptOf(await fixture.login('right'))
      await fixture.enrol('bob')
      expect(reasonOf(await fixture.login(fixture.code(), { state }))).toBe('grant')
    }
  })

  test('with a wrong password gets the same answer as any other user', async () => {
    const fixture = await enrolling()
    expect(await fixture.login('wrong')).toMatchObject({ kind: 'refusal', reason: 'bad_credentials' })
    expect(await fixture.login('wrong', { user: 'nobody' })).toMatchObject({ reason: 'bad_credentials' })
  })

  test('has a prompt that every ocserv can show, for an address as long as the configuration allows', () => {
    const page = `https://${'a'.repeat(56)}/enrol`
    for (const locale of LOCALES) {
      const t = translator(locale)
      const values = { page, code: 'ABCD-EFGH' }
      const prompts = [t('vpn.enrol', values), t('vpn.enrolAgain', values)]
      expect(new Set(prompts).size).toBe(2)
      for (const prompt of prompts) {
        expect(prompt).not.toMatch(/[&<>]|^password:/i)
        expect(Buffer.byteLength(prompt)).toBeLessThanOrEqual(253)
        expect(prompt).toContain(page)
        expect(prompt).toContain('ABCD-EFGH')
      }
    }
  })
})

describe('the code of a prompt', () => {
  test('is taken in any spelling', async () => {
    const fixture = await enrolling()
    for (const spell of [
      (code: string) => code.toLowerCase(),
      (code: string) => code.replace('-', ''),
      (code: string) => ` ${code.replace('-', ' ')} `,
    ]) {
      const { code } = promptOf(await fixture.login('right'))
      expect(reasonOf(await fixture.enter(spell(code)))).toBe('signed_in')
    }
  })

  test('is good once', async () => {
    const fixture = await enrolling()
    const { code } = promptOf(await fixture.login('right'))
    expect(reasonOf(await fixture.enter(code))).toBe('signed_in')
    expect(reasonOf(await fixture.enter(code))).toBe('bad_credentials')
  })

  test('is good for nobody else', async () => {
    const fixture = await enrolling()
    fixture.people.passwords.set('eve', 'right too')
    const { code } = promptOf(await fixture.login('right'))
    expect(reasonOf(await fixture.enter(code, { user: 'eve' }))).toBe('bad_credentials')
    expect(reasonOf(await fixture.enter(code))).toBe('signed_in')
  })

  test('ends with its prompt: by an answer, by an answer from elsewhere, and by time', async () => {
    const fixture = await enrolling()
    const answered = promptOf(await fixture.login('right'))
    await fixture.login('123456', { state: answered.state })
    expect(reasonOf(await fixture.enter(answered.code))).toBe('bad_credentials')

    const stolen = promptOf(await fixture.login('right'))
    expect(reasonOf(await fixture.login('1', { state: stolen.state, address: '192.0.2.1' }))).toBe(
      'challenge_mismatch',
    )
    expect(reasonOf(await fixture.enter(stolen.code))).toBe('bad_credentials')

    const late = promptOf(await fixture.login('right'))
    fixture.passes(239_000)
    expect(reasonOf(await fixture.enter(late.code))).toBe('signed_in')
    const tooLate = promptOf(await fixture.login('right'))
    fixture.passes(240_000)
    expect(reasonOf(await fixture.enter(tooLate.code))).toBe('bad_credentials')
    expect(reasonOf(await fixture.login('123456', { state: tooLate.state }))).toBe('challenge_expired')
  })

  test('cannot be tried out: a wrong one counts as a wrong password, and a locked user has no way in', async () => {
    const fixture = await enrolling()
    const { code } = promptOf(await fixture.login('right'))
    for (let guess = 0; guess < 5; guess++)
      expect(reasonOf(await fixture.enter('aaaa-aaaa'))).toBe('bad_credentials')
    expect(await fixture.enter(code)).toMatchObject({ reason: 'locked', retryAfterMs: 300_000 })
    expect(await fixture.login('right')).toMatchObject({ reason: 'locked' })
    // No oracle either: an unknown user is counted and locked in the same way.
    for (let guess = 0; guess < 5; guess++)
      expect(reasonOf(await fixture.enter('aaaa-aaaa', { user: 'nobody' }))).toBe('bad_credentials')
    expect(reasonOf(await fixture.enter('aaaa-aaaa', { user: 'nobody' }))).toBe('locked')
  })
})

describe('an invitation', () => {
  const invite = async (
    fixture: Awaited<ReturnType<typeof createLoginFixture>>,
    subject: string,
    code: string,
  ) =>
    fixture.records.invitations.put({
      id: systemRandom.id(),
      subject,
      hash: invitationHash(code),
      createdBy: 'alice',
      createdAt: fixture.time.now,
      expiresAt: fixture.time.now + 3_600_000,
    })

  test('lets its user enrol once, until it ends', async () => {
    const fixture = await createLoginFixture()
    await invite(fixture, 'bob', 'abcd-efgh-jkmn-pqrs')
    expect(reasonOf(await fixture.enter('abcd-efgh-jkmn-pqrs', { user: 'eve' }))).toBe('bad_credentials')
    expect(await fixture.enter('ABCDEFGHJKMNPQRS')).toMatchObject({ kind: 'signed_in', ticket: 'invitation' })
    expect(reasonOf(await fixture.enter('abcd-efgh-jkmn-pqrs'))).toBe('bad_credentials')
    await invite(fixture, 'bob', 'abcd-efgh-jkmn-pqrs')
    fixture.passes(3_600_000)
    expect(reasonOf(await fixture.enter('abcd-efgh-jkmn-pqrs'))).toBe('bad_credentials')
  })
})

describe('a code that is shown once more', () => {
  test('is the present one, once, or a recovery code', async () => {
    const fixture = await createLoginFixture()
    await fixture.enrol('bob', 6, [recoveryCodeHash('bob', 'abcd-efgh-jkmn-pqrs')])
    expect(await fixture.showAgain(fixture.code())).toMatchObject({ kind: 'signed_in', factors: 2 })
    expect(reasonOf(await fixture.showAgain(fixture.code()))).toBe('code_used')
    expect(await fixture.showAgain('abcd-efgh-jkmn-pqrs')).toMatchObject({ kind: 'signed_in', factors: 2 })
    expect(reasonOf(await fixture.showAgain('abcd-efgh-jkmn-pqrs'))).toBe('wrong_code')
    // Nor at a gateway.
    const challenge = await fixture.login('right')
    const state = challenge.kind === 'challenge' ? challenge.state : ''
    expect(await fixture.login(fixture.code(), { state })).toMatchObject({ prompt: { kind: 'used_code' } })
  })

  test('counts as a guess where it is wrong', async () => {
    const fixture = await createLoginFixture()
    await fixture.enrol('bob')
    for (let guess = 0; guess < 5; guess++)
      expect(reasonOf(await fixture.showAgain('000000'))).toBe('wrong_code')
    expect(reasonOf(await fixture.showAgain(fixture.code()))).toBe('locked')
    expect(reasonOf(await fixture.login('right'))).toBe('locked')
  })

  test('does not let in a user whose authenticator is gone', async () => {
    const fixture = await enrolling()
    expect(reasonOf(await fixture.showAgain('000000'))).toBe('no_second_factor')
  })
})

describe('where a first enrolment needs an invitation', () => {
  test('a password alone opens neither the portal nor a page to enrol, and an invitation does', async () => {
    const fixture = await createLoginFixture({ enrolsByPassword: false })
    expect(reasonOf(await fixture.signIn('right'))).toBe('no_second_factor')
    expect(reasonOf(await fixture.signIn('wrong'))).toBe('bad_credentials')
    await fixture.records.invitations.put({
      ...{ id: 'i1', subject: 'bob', hash: invitationHash('abcd-efgh-jkmn-pqrs'), createdBy: 'tests' },
      ...{ createdAt: fixture.time.now, expiresAt: fixture.time.now + 1000 },
    })
    expect(await fixture.enter('abcd-efgh-jkmn-pqrs')).toMatchObject({ ticket: 'invitation' })
    await fixture.enrol('bob')
    expect(reasonOf(await fixture.signIn('right'))).toBe('challenge')
  })

  test('the code of a VPN prompt that was shown before is worth nothing', async () => {
    const fixture = await enrolling({ enrolsByPassword: false })
    const { code } = promptOf(await fixture.login('right'))
    expect(reasonOf(await fixture.enter(code))).toBe('no_second_factor')
  })
})
